"""Many runs as one Polars frame: python polars_runs.py RUN_ID …"""

import sys

import polars as pl
import pyarrow as pa

from run_results.scale import Source, plan, read

source = Source(token="env:RUN_RESULTS_TOKEN")
(slices,) = plan(source, sys.argv[1:], tasks=1)  # one request finds a bad token
batches = read(source, slices, "fields")  # eight runs at once
frame = pl.from_arrow(pa.Table.from_batches(batches, source.schema("fields")))
print(frame.group_by("class_name").agg(pl.len(), pl.col("model_confidence").mean()))
print(len(frame), "rows")

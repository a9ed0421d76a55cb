"""Many runs as a Daft dataframe: python daft_runs.py RUN_ID …"""

import sys

import daft
import pyarrow as pa

from run_results.scale import Source, plan, read

source = Source(token="env:RUN_RESULTS_TOKEN")
(slices,) = plan(source, sys.argv[1:], tasks=1)  # one request finds a bad token
frame = daft.from_arrow(pa.Table.from_batches(read(source, slices, "fields"), source.schema("fields")))
frame.groupby("class_name").agg(daft.col("model_confidence").mean()).show()
print(frame.count_rows(), "rows")

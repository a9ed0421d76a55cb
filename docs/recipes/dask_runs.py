"""Many runs as a Dask dataframe, a partition for each task: python dask_runs.py RUN_ID …"""

import sys

import dask.dataframe as dd
import pandas as pd
import pyarrow as pa

from run_results.scale import Source, plan, read

source = Source(token="env:RUN_RESULTS_TOKEN")  # workers read their own variable


def rows(slices):
    table = pa.Table.from_batches(read(source, slices, "fields"), source.schema("fields"))
    return table.to_pandas(types_mapper=pd.ArrowDtype)


empty = source.schema("fields").empty_table().to_pandas(types_mapper=pd.ArrowDtype)
frame = dd.from_map(rows, plan(source, sys.argv[1:], tasks=4), meta=empty)
print(len(frame), "rows")

"""Many runs through DuckDB, batch by batch: python duckdb_runs.py RUN_ID …"""

import sys

import duckdb
import pyarrow as pa

from run_results.scale import Source, plan, read

source = Source(token="env:RUN_RESULTS_TOKEN")
(slices,) = plan(source, sys.argv[1:], tasks=1)  # one request finds a bad token
reader = pa.RecordBatchReader.from_batches(source.schema("fields"), read(source, slices, "fields"))
duckdb.sql("CREATE TABLE fields AS SELECT * FROM reader")  # memory does not grow with the runs, if it is a file
print(duckdb.sql("SELECT class_name, count(*), avg(model_confidence) FROM fields GROUP BY ALL"))
print(duckdb.sql("SELECT count(*) FROM fields").fetchall()[0][0], "rows")

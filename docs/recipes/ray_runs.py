"""Many runs as a Ray dataset, read by Ray's tasks: python ray_runs.py RUN_ID …"""

import sys

import pyarrow as pa
import ray

from run_results.scale import Source, plan, read

source = Source(token="env:RUN_RESULTS_TOKEN")  # workers read their own variable
tasks = plan(source, sys.argv[1:], tasks=4)


def rows(task):
    slices = tasks[task["id"][0]]
    yield pa.Table.from_batches(read(source, slices, "fields"), source.schema("fields"))


dataset = ray.data.range(len(tasks), override_num_blocks=len(tasks)).map_batches(rows, batch_size=1)
print(dataset.count(), "rows")

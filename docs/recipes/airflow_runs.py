"""A DAG for Airflow 3: one task plans, and mapped tasks read their share of the runs into Parquet.

In the folder of DAGs, `python airflow_runs.py` runs it once, without a scheduler, for the ids in /lake/run-ids.txt.
"""

import os
from pathlib import Path

import pendulum
from airflow.sdk import dag, task
from attrs import asdict

from run_results.scale import Slice, Source, plan, read

LAKE = os.environ.get("LAKE", "/lake")
SOURCE = Source(token="env:RUN_RESULTS_TOKEN", requests_per_second=10)


@dag(schedule="@daily", start_date=pendulum.datetime(2026, 1, 1), catchup=False, max_active_tasks=4)
def run_results():
    @task
    def divide(ids: str) -> list:
        return [[asdict(each) for each in slices] for slices in plan(SOURCE, Path(ids).read_text().split(), tasks=16)]

    @task(retries=3)
    def bring(slices: list, folder: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        batches = read(SOURCE.shared(4), [Slice(**each) for each in slices], "fields")  # four tasks at the same time
        table = pa.Table.from_batches(batches, SOURCE.schema("fields"))
        Path(folder).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, f"{folder}/{slices[0]['run_id']}-{slices[0]['start']}.parquet")

    bring.partial(folder=LAKE + "/fields/{{ ds }}").expand(slices=divide(LAKE + "/run-ids.txt"))


daily = run_results()
if __name__ == "__main__":
    daily.test()

"""A DAG for Airflow 2.4 or later: one task plans, and mapped tasks read their share of the runs into Parquet."""

import pendulum
from airflow.decorators import dag, task

SOURCE = {"token": "env:RUN_RESULTS_TOKEN", "requests_per_second": 10}


@dag(schedule="@daily", start_date=pendulum.datetime(2026, 1, 1), catchup=False, max_active_tasks=4)
def run_results():
    @task
    def divide(ids_file: str) -> list:
        from pathlib import Path

        from attrs import asdict

        from run_results.scale import Source, plan

        ids = Path(ids_file).read_text().split()
        return [[asdict(each) for each in slices] for slices in plan(Source(**SOURCE), ids, tasks=16)]

    @task(retries=3)
    def bring(slices: list, folder: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        from run_results.scale import Slice, Source, read

        source = Source(**SOURCE).shared(4)  # four tasks run at the same time
        batches = read(source, [Slice(**each) for each in slices], "fields")
        table = pa.Table.from_batches(batches, source.schema("fields"))
        pq.write_table(table, f"{folder}/{slices[0]['run_id']}-{slices[0]['start']}.parquet")

    bring.partial(folder="/lake/fields/{{ ds }}").expand(slices=divide("/lake/run-ids.txt"))


run_results()

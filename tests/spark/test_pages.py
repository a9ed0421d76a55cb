"""The blocks of the documentation that need Spark run as they stand, one after another."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.conftest import TOKEN
from tests.docs.blocks import FOR_SPARK, ROOT, blocks

from run_results import Client

pytest.importorskip("pyspark.sql", reason="pyspark has its own environment: make test-spark")
pytestmark = pytest.mark.filterwarnings("default")  # pyspark's own are not ours to mend


@pytest.fixture
def place(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the folders of the pages, with files of run ids."""
    monkeypatch.setenv("RUN_RESULTS_TOKEN", TOKEN)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", url)
    (tmp_path / "lake/new-run-ids").mkdir(parents=True)
    (tmp_path / "lake/ids.txt").write_text("run-1\nrun-2\n", "utf-8")
    (tmp_path / "lake/new-run-ids/first.txt").write_text("run-3\nrun-4\n", "utf-8")
    return tmp_path


def run(page: str, spark: Any, place: Path, names: dict[str, Any]) -> Iterator[list[Any]]:
    """Run the blocks of a page that need Spark, with these names. After each it gives the rows of its last query."""
    names["spark"] = spark
    needed = [block for block in blocks(ROOT / page) if (page, block.language) in FOR_SPARK]
    assert needed
    for block in needed:
        rows: list[Any] = []
        if block.language == "sql":
            for statement in filter(str.strip, block.text_in(place).split(";")):
                rows = spark.sql(statement).collect()
        else:
            exec(compile(block.text_in(place), str(block), "exec"), names)
        for query in spark.streams.active:
            query.processAllAvailable()
            query.stop()
        yield rows


def rows_of(url: str, *run_ids: str, table: Any = "fields") -> int:
    """How many rows runs have, as the client has them."""
    with Client(token=TOKEN, base_url=url) as client:
        return sum(client.table(run_id, table).num_rows for run_id in run_ids)


def test_the_page_of_spark_runs(spark: Any, url: str, place: Path) -> None:
    """A table of ids, all tables with one walk, a stream of ids, and SQL: each gives every row."""
    days = "('run-1', current_date()), ('run-2', current_date()), ('run-0', date '2020-01-01')"
    spark.sql(f"CREATE TEMPORARY VIEW jobs AS SELECT * FROM VALUES {days} AS jobs(run_id, finished_on)")
    names: dict[str, Any] = {}
    written = []
    try:
        for rows in run("docs/spark.md", spark, place, names):
            averages = rows
            written.append(spark.read.parquet(f"{place}/lake/fields").count())
        assert written[0] == rows_of(url, "run-1", "run-2") > 0
        assert names["documents"].count() == rows_of(url, "run-1", "run-2", table="documents") > 0
        assert written[-1] == rows_of(url, "run-3", "run-4") > 0
        assert len(averages) == spark.table("fields").select("name").distinct().count() > 10
        assert any(row["avg(model_confidence)"] for row in averages)
    finally:
        spark.catalog.dropTempView("jobs")
        spark.catalog.dropTempView("fields")


def test_the_page_of_databricks_runs(spark: Any, url: str, place: Path) -> None:
    """A run as a DataFrame, and a large one by way of a volume: both have every row."""
    secrets = SimpleNamespace(get=lambda scope, key: TOKEN)
    names: dict[str, Any] = {"dbutils": SimpleNamespace(secrets=secrets)}
    counts = [names["frame"].count() for _ in run("docs/howto/databricks.md", spark, place, names)]
    assert counts == [rows_of(url, "run-tax-2025")] * 2
    assert counts[0] > 0

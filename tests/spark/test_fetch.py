"""Runs as DataFrames, by both ways: every row as the client has it, few tasks, and errors that say what to do."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import TOKEN

from run_results import Client, ConfigurationError, UnauthorizedError
from run_results.scale import Source
from run_results.tables import TABLES
from run_results_conformance.server.synthetic import SyntheticRun

from .conftest import FOUR_HUNDRED

pytest.importorskip("pyspark.sql", reason="pyspark has its own environment: make test-spark")
pytestmark = pytest.mark.filterwarnings("default")  # pyspark's own are not ours to mend

from run_results.spark import fetch  # noqa: E402

KEYS = ("run_id", "file_index", "document_index", "field_index")
Rows = list[dict[str, Any]]


def in_order(rows: Iterable[dict[str, Any]]) -> Rows:
    """Rows by their key: tasks bring them in any order."""
    return sorted(rows, key=lambda row: [row[name] for name in KEYS if name in row])


@pytest.fixture(scope="module")
def expected(runs: list[SyntheticRun], url: str) -> dict[str, Rows]:
    """The rows of every table of every run, as the client has them."""
    with Client(token=TOKEN, base_url=url) as client:
        tables = {
            what: [row for run in runs for row in client.table(run.run_id, what, typed=True).to_pylist()]
            for what in TABLES
        }
    assert all(len(rows) > 1 for rows in tables.values())
    return {what: in_order(rows) for what, rows in tables.items()}


def ids(runs: list[SyntheticRun]) -> list[str]:
    """The ids of runs."""
    return [run.run_id for run in runs]


def jobs(spark: Any, group: str) -> int:
    """How many jobs Spark has started for a group."""
    return len(spark.sparkContext.statusTracker().getJobIdsForGroup(group))


# --- Rows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", TABLES)
def test_fetch_gives_every_row(what: Any, spark: Any, runs: Any, settings: Any, expected: dict[str, Rows]) -> None:
    """`fetch` gives every row of a table as `client.table` does, value by value."""
    found = fetch(ids(runs), Source(**settings, typed=True), what, tasks=2).toArrow()
    assert in_order(found.to_pylist()) == expected[what]
    with Client(token=TOKEN, base_url=settings["base_url"]) as client:
        assert found.schema.types == client.table("run-0", what, typed=True).schema.types


def test_fetch_gives_all_tables_in_windows(spark: Any, runs: Any, settings: Any, expected: dict[str, Rows]) -> None:
    """With `all`, and large runs divided among tasks, every row of the four tables comes once; ids from a DataFrame."""
    given = spark.createDataFrame([(7, run_id) for run_id in [*ids(runs), "run-1"]], "day int, run_id string")
    found = fetch(given, Source(**settings, typed=True), "all", tasks=3, window=5).toArrow()
    for what in TABLES:
        rows = [row for row in found.to_pylist() if row["table"] == what]
        assert in_order(row[what] for row in rows) == expected[what]
        assert all(row[other] is None for row in rows for other in TABLES if other != what)


@pytest.mark.parametrize(("what", "window"), [("fields", None), ("documents", 5), ("files", 5), ("case_fields", None)])
def test_the_format_gives_every_row(
    what: str, window: int | None, spark: Any, runs: Any, settings: Any, expected: dict[str, Rows], tmp_path: Path
) -> None:
    """`spark.read.format("run_results")` gives every row as `client.table` does, plain and windowed."""
    file = tmp_path / "ids.txt"
    file.write_text("# runs\n" + "\n".join(ids(runs)))
    options = {**settings, "run_ids_file": str(file), "table": what, "typed": "true", "num_partitions": 2}
    reading = spark.read.format("run_results").options(**options)
    found = (reading.option("window", window) if window else reading).load()
    assert in_order(found.toArrow().to_pylist()) == expected[what]


def test_the_format_in_sql(spark: Any, settings: Any, expected: dict[str, Rows]) -> None:
    """SQL reads the columns that are wanted, under their names and in their order."""
    options = {**settings, "run_ids": "run-1, run-2", "columns": "value,run_id,model_confidence"}
    text = ", ".join(f"{name} '{value}'" for name, value in options.items())
    spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW results USING run_results OPTIONS ({text})")
    found = spark.sql("SELECT * FROM results").toArrow()
    assert found.column_names == ["value", "run_id", "model_confidence"]
    wanted = [tuple(row[name] for name in found.column_names) for row in expected["fields"]]
    rows = [tuple(row.values()) for row in found.to_pylist()]
    assert sorted(rows, key=repr) == sorted((row for row in wanted if row[1] in ("run-1", "run-2")), key=repr)


def test_small_runs_are_grouped(spark: Any, settings: Any) -> None:
    """400 small runs are read by as many tasks as are wanted, and each task has its share of them."""
    spark.sparkContext.setJobGroup("grouped", "")
    found = fetch(FOUR_HUNDRED, Source(**settings), "files", tasks=8)
    counts = found.selectExpr("spark_partition_id() AS task").groupBy("task").count().toArrow().to_pylist()
    spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
    assert sorted(row["count"] for row in counts) == [50] * 8
    tracker = spark.sparkContext.statusTracker()
    stages = {stage for job in tracker.getJobIdsForGroup("grouped") for stage in tracker.getJobInfo(job).stageIds}
    sizes = [info.numTasks for stage in stages if (info := tracker.getStageInfo(stage))]
    assert max(sizes) == 8


# --- A stream -------------------------------------------------------------------------------------------------


def test_a_stream_gives_every_row_once(spark: Any, settings: Any, expected: dict[str, Rows], tmp_path: Path) -> None:
    """A stream of ids that is stopped, started from its checkpoint and given a late file has every row once."""
    given = tmp_path / "ids"
    given.mkdir()

    def follow() -> None:
        rows = fetch(
            spark.readStream.option("maxFilesPerTrigger", "1").text(str(given)), Source(**settings), "documents"
        )
        writing = rows.writeStream.format("parquet").option("checkpointLocation", str(tmp_path / "checkpoint"))
        query = writing.trigger(availableNow=True).start(str(tmp_path / "out"))
        query.awaitTermination()

    (given / "b.txt").write_text("run-1\nrun-2\n")
    (given / "c.txt").write_text("run-3\n")
    follow()
    (given / "a.txt").write_text("run-4\nrun-5\n")  # late: it comes before the others by name
    follow()
    found = spark.read.parquet(str(tmp_path / "out")).toArrow().to_pylist()
    assert in_order(found) == [row for row in expected["documents"] if row["run_id"] != "run-0"]


# --- Errors ---------------------------------------------------------------------------------------------------


def test_a_bad_token_is_found_before_any_task(
    spark: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A token that the server refuses is an error of the planning, of a stream too, and no task starts."""
    wrong = tmp_path / "token"
    wrong.write_text("another-t0k3n")
    settings = {**settings, "token": f"file:{wrong}"}
    spark.sparkContext.setJobGroup("refused", "")
    with pytest.raises(UnauthorizedError):
        fetch(["run-1"], Source(**settings))
    with pytest.raises(UnauthorizedError):
        fetch(spark.readStream.text(str(tmp_path)), Source(**settings))
    with pytest.raises(Exception, match="UnauthorizedError") as caught:
        spark.read.format("run_results").options(**settings, run_ids="run-1").load().collect()
    spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
    assert jobs(spark, "refused") == 0
    assert "another-t0k3n" not in str(caught.value)


def test_no_ids_are_an_error(spark: Any, settings: Any, tmp_path: Path) -> None:
    """Where there are no ids there is an error, and no empty table."""
    (tmp_path / "none.txt").write_text("# none\n")
    for empty in ([], spark.createDataFrame([], "run_id string")):
        with pytest.raises(ConfigurationError, match="no run ids"):
            fetch(empty, Source(**settings))
    for option in ({"run_ids": " , "}, {"run_ids_file": str(tmp_path / "none.txt")}):
        with pytest.raises(Exception, match="no run ids"):
            spark.read.format("run_results").options(**settings, **option).load().collect()


def test_a_worker_without_the_variable_says_so(spark: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only the driver has the variable with the token, the error names it and says where it has to be set."""
    monkeypatch.setenv("ONLY_HERE", TOKEN)
    with pytest.raises(Exception, match=r"ONLY_HERE.* is not set in this process.*workers") as caught:
        fetch(["run-1"], Source(**{**settings, "token": "env:ONLY_HERE"})).collect()
    assert TOKEN not in str(caught.value)


def test_missing_runs(spark: Any, settings: Any) -> None:
    """A run that the server does not have is an error, is left out, or has one row that says why: as one chooses."""
    given = ["run-1", "gone"]
    with pytest.raises(Exception, match="NotFoundError"):
        fetch(given, Source(**settings), "files").collect()
    skipped = fetch(given, Source(**settings, on_missing="skip"), "files").toArrow().to_pylist()
    reported = (
        spark.read.format("run_results")
        .options(**settings, run_ids=",".join(given), table="files", on_missing="report")
        .load()
        .toArrow()
        .to_pylist()
    )
    (gone,) = (row for row in reported if row["run_id"] == "gone")
    assert "404" in gone["missing"] or "no run" in gone["missing"].lower()
    assert [row["run_id"] for row in skipped] == ["run-1"] * len(skipped) != []
    left = [{name: value for name, value in row.items() if name != "missing"} for row in reported if row is not gone]
    assert in_order(left) == in_order(skipped)


def test_the_format_says_what_is_wrong_with_its_options(spark: Any, settings: Any) -> None:
    """An option that is unknown, is missing or cannot be read is named when the source is loaded."""
    for options, said in [
        ({}, "run_ids_file says which runs"),
        ({"run_ids": "a", "tokn": "x"}, "no option 'tokn'"),
        ({"run_ids": "a", "window": "many"}, "option window cannot be read"),
        ({"run_ids": "a", "table": "rows"}, "no table called 'rows'"),
        ({"run_ids": "a", "columns": "valeu"}, "no column 'valeu'"),
    ]:
        with pytest.raises(Exception, match=said):
            spark.read.format("run_results").options(**{**settings, **options}).load()
    with pytest.raises(Exception, match="a schema of its own"):
        reading = spark.read.format("run_results").options(**settings, run_ids="run-1").schema("run_id int")
        reading.load().collect()

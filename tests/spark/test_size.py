"""What Spark sends to a task does not grow with the number of all runs."""

from pathlib import Path
from typing import Any

import pytest

from run_results import ConfigurationError

OPTIONS = {"base_url": "http://127.0.0.1:9", "token": "env:T"}


@pytest.mark.parametrize("option", ["run_ids", "run_ids_file"])
def test_a_task_gets_the_ids_of_its_own_runs_only(option: str, tmp_path: Path) -> None:
    """The data source and its reader, which each task gets, have no ids; what plans the tasks has them."""
    pytest.importorskip("pyspark.sql.datasource", reason="pyspark has its own environment: make test-spark")
    from pyspark import cloudpickle  # type: ignore[import-not-found,unused-ignore]  # pyright: ignore[reportMissingImports]

    from run_results.spark.data_source import RunResultsSource

    def sent(runs: int) -> tuple[int, int]:
        ids = [f"run-{number}" for number in range(runs)]
        file = tmp_path / "ids.txt"
        file.write_text("\n".join(ids), "utf-8")
        given = {"run_ids": ",".join(ids), "run_ids_file": str(file)}[option]
        source: Any = RunResultsSource({**OPTIONS, option: given})
        to_plan = cloudpickle.dumps(source)
        planned = cloudpickle.loads(to_plan)
        reader = planned.reader(planned.schema())
        assert reader._request.ids == tuple(ids)
        return len(to_plan), len(cloudpickle.dumps((planned, reader)))

    few, many = sent(10), sent(1000)
    assert many[0] > few[0] + 1000
    assert many[1] <= few[1] + 10


def test_a_copy_for_a_task_never_plans_a_table_without_rows() -> None:
    """A source gives readers with all ids as often as it is asked; a copy that a task got says that it has none."""
    pytest.importorskip("pyspark.sql.datasource", reason="pyspark has its own environment: make test-spark")
    from pyspark import cloudpickle  # type: ignore[import-not-found,unused-ignore]  # pyright: ignore[reportMissingImports]

    from run_results.spark.data_source import RunResultsSource

    source: Any = RunResultsSource({**OPTIONS, "run_ids": "run-1,run-2"})
    schema = source.schema()
    readers = [source.reader(schema) for _ in range(2)]
    assert [reader._request.ids for reader in readers] == [("run-1", "run-2")] * 2
    copy, reader = cloudpickle.loads(cloudpickle.dumps((source, readers[0])))
    assert copy.schema() == schema
    for each in (reader, copy.reader(schema)):
        with pytest.raises(ConfigurationError, match="no run ids"):
            each.partitions()

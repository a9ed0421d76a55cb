"""The token stays in the processes that send it: Spark shows, stores and logs only where it is read from."""

import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import TOKEN

from run_results import ConfigurationError
from run_results.scale import Source

from .conftest import VARIABLE

pytest.importorskip("pyspark.sql", reason="pyspark has its own environment: make test-spark")
pytestmark = pytest.mark.filterwarnings("default")  # pyspark's own are not ours to mend

from run_results.spark import fetch  # noqa: E402

PAGES = ("jobs", "stages", "SQL", "environment", "executors")
ENDPOINTS = ("jobs", "stages", "sql?details=true&planDescription=true", "environment", "allexecutors")


def shown(spark: Any) -> dict[str, str]:
    """What the pages and the REST interface of Spark's UI show, each by its address."""
    context = spark.sparkContext
    addresses = [f"{context.uiWebUrl}/{page}/" for page in PAGES]
    addresses += [f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/{name}" for name in ENDPOINTS]
    found = {}
    for address in addresses:
        with urllib.request.urlopen(address, timeout=600) as answer:
            found[address] = answer.read().decode()
    return found


def plans(frame: Any) -> str:
    """Every plan of a DataFrame, from the parsed one to the one that runs."""
    return str(frame._jdf.queryExecution().toString()) + str(frame._jdf.queryExecution().optimizedPlan().toJSON())


def test_the_token_is_nowhere(spark: Any, settings: Any, logs: Path) -> None:
    """The token is in no plan, option, page, REST answer, event or line of a log; that it was looked for is shown."""
    spark.sparkContext.setLogLevel("INFO")
    frames = [
        fetch(["run-1", "run-2"], Source(**settings), "files"),
        spark.read.format("run_results").options(**settings, run_ids="run-1", table="files").load(),
    ]
    for frame in frames:
        assert frame.collect()
    with pytest.raises(Exception, match="NotFoundError"):  # an error is logged, with what led to it
        fetch(["run-1", "gone"], Source(**settings)).collect()
    spark.sparkContext.setLogLevel("WARN")
    texts = shown(spark) | {f"plans {number}": plans(frame) for number, frame in enumerate(frames)}
    files = [logs / "spark.log", *(path for path in (logs / "events").rglob("*") if path.is_file())]
    texts |= {str(path): path.read_text("utf-8", "replace") for path in files}
    assert "NotFoundError" in texts[str(logs / "spark.log")]
    assert any("SparkListenerTaskEnd" in text for text in texts.values())
    assert any(VARIABLE in text or "mapInArrow" in text or "MapInArrow" in text for text in texts.values())
    assert [name for name, text in texts.items() if TOKEN in text] == []


@pytest.mark.parametrize("token", ["a-literal-t0k3n", "Bearer a-literal-t0k3n", "ENV:a-literal-t0k3n"])
def test_a_literal_token_is_refused(token: str, spark: Any, settings: Any, logs: Path) -> None:
    """A token where a reference should be is refused before there is a plan, and the error does not have it."""
    settings = {**settings, "token": token}
    with pytest.raises(ConfigurationError, match="reference") as refused:
        Source(**settings)
    with pytest.raises(Exception, match="reference") as loading:
        spark.read.format("run_results").options(**settings, run_ids="run-1").load()
    with pytest.raises(Exception, match="reference") as creating:
        text = ", ".join(f"{name} '{value}'" for name, value in {**settings, "run_ids": "run-1"}.items())
        spark.sql(f"CREATE TEMPORARY VIEW leaking USING run_results OPTIONS ({text})")
    assert not spark.catalog.tableExists("leaking")
    for error in (refused, loading):
        assert "a-literal" not in str(error.value)
    assert creating

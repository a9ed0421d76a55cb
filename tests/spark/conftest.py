"""One Spark session and one server for all tests of this folder: a session can take a minute to start."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import TOKEN

from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryStore
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

VARIABLE = "SPARK_TESTS_TOKEN"
"""The variable that has the token: in the driver, and in every worker."""
FOUR_HUNDRED = [f"small-{number}" for number in range(400)]


@contextmanager
def written_to(log: Path) -> Iterator[None]:
    """What this process and those that it starts write to standard output and error goes into a file, too late for us.

    A process that is started in between keeps writing there.
    """
    saved = [os.dup(1), os.dup(2)]
    with log.open("ab") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    try:
        yield
    finally:
        for number, copy in zip((1, 2), saved, strict=True):
            os.dup2(copy, number)
            os.close(copy)


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the event log (`events`), and the log of Spark and its workers (`spark.log`)."""
    folder = tmp_path_factory.mktemp("spark")
    (folder / "events").mkdir()
    return folder


@pytest.fixture(scope="session")
def spark(logs: Path, url: str) -> Iterator[Any]:
    """A Spark session of this machine, with two threads and four tries for each task."""
    sql = pytest.importorskip("pyspark.sql", reason="pyspark has its own environment: make test-spark")
    os.environ[VARIABLE] = TOKEN
    defaults = {"RUN_RESULTS_TOKEN": TOKEN, "RUN_RESULTS_BASE_URL": url}  # for the examples of the documentation
    os.environ |= defaults
    os.environ["PYSPARK_PYTHON"] = sys.executable  # else the workers take the first python3 of the path
    with written_to(logs / "spark.log"):
        session = (
            sql.SparkSession.builder.master("local[2,4]")
            .config("spark.driver.memory", "1g")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.ui.enabled", "true")
            .config("spark.ui.port", "0")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.eventLog.enabled", "true")
            .config("spark.eventLog.compress", "false")
            .config("spark.eventLog.dir", (logs / "events").as_uri())
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.session.timeZone", "UTC")
            .getOrCreate()
        )
    for name in defaults:
        del os.environ[name]
    yield session
    session.stop()
    del os.environ[VARIABLE]


@pytest.fixture(scope="session")
def runs() -> list[SyntheticRun]:
    """Runs of one to five pages."""
    return [SyntheticRun(seed=seed, files=2 + 3 * seed, run_id=f"run-{seed}") for seed in range(6)]


@pytest.fixture(scope="session")
def url(runs: list[SyntheticRun]) -> Iterator[str]:
    """The base URL of a server with these runs, 400 of one file, and the one in the examples of the documentation."""
    small = [SyntheticRun(seed=number, files=1, run_id=run_id) for number, run_id in enumerate(FOUR_HUNDRED)]
    with serve(
        ReferenceServer(
            MemoryStore([*runs, *small, SyntheticRun(seed=9, files=6, run_id="run-tax-2025")]), TOKEN, page_size=4
        )
    ) as served:
        yield served.url


@pytest.fixture(scope="session")
def settings(url: str) -> dict[str, str]:
    """Where the runs are, for a source and as options."""
    return {"token": f"env:{VARIABLE}", "base_url": url}

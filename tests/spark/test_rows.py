"""Two hundred runs, by every way: as many reads as take minutes, so only in thorough runs."""

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from tests.conftest import TOKEN

from run_results import Client
from run_results.scale import Source
from run_results.tables import TABLES
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryStore
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

from .conftest import VARIABLE
from .programs import THOROUGH

pytestmark = THOROUGH
RUNS = [SyntheticRun(seed=seed, files=1 + seed % 10, run_id=f"run-{seed}") for seed in range(200)]
IDS = [run.run_id for run in RUNS]
KEYS = ("run_id", "file_index", "document_index", "field_index")
Rows = list[dict[str, Any]]
Read = Callable[[Source, str, int | None], pa.Table]


def in_order(rows: Rows) -> Rows:
    """Rows by their key: tasks bring them in any order."""
    return sorted(rows, key=lambda row: [row[name] for name in KEYS if name in row])


@pytest.fixture(scope="module")
def many_runs() -> Iterator[str]:
    """The base URL of a server with these runs."""
    with serve(ReferenceServer(MemoryStore(RUNS), TOKEN, page_size=4)) as served:
        yield served.url


@pytest.fixture(scope="module")
def expected(many_runs: str) -> dict[str, Rows]:
    """The rows of every table, as the client has them."""
    with Client(token=TOKEN, base_url=many_runs) as client:
        return {
            what: in_order([row for run_id in IDS for row in client.table(run_id, what, typed=True).to_pylist()])
            for what in TABLES
        }


@pytest.fixture(params=["fetch", "format"])
def read(request: pytest.FixtureRequest, spark: Any) -> Read:
    """One of the two ways to read these runs with Spark."""
    from run_results.spark import fetch

    def by_format(source: Source, table: str, window: int | None) -> pa.Table:
        options = {"token": source.token, "base_url": source.base_url, "run_ids": ",".join(IDS), "typed": "true"}
        options |= {"table": table, "num_partitions": 4, "concurrency": source.concurrency}
        options |= {} if window is None else {"window": window}
        return spark.read.format("run_results").options(**options).load().toArrow()

    def by_fetch(source: Source, table: str, window: int | None) -> pa.Table:
        return fetch(IDS, source, table, tasks=4, window=window).toArrow()  # type: ignore[arg-type]

    return by_format if request.param == "format" else by_fetch


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("window", [None, 4])
def test_two_hundred_runs(window: int | None, concurrency: int, read: Read, many_runs: str, expected: Any) -> None:
    """Every row of every table is that of `client.table`, value by value, alone and with all tables in one read."""
    source = Source(token=f"env:{VARIABLE}", base_url=many_runs, typed=True, concurrency=concurrency)
    for what in TABLES:
        assert in_order(read(source, what, window).to_pylist()) == expected[what]
    everything = read(source, "all", window).to_pylist()
    for what in TABLES:
        assert in_order([row[what] for row in everything if row["table"] == what]) == expected[what]
    assert len(everything) == sum(len(rows) for rows in expected.values())

"""Sail, which is Spark without Java: it reads every value of our tables, and fetches runs as Spark does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.conftest import TOKEN
from tests.tables.engines import every_table, written

from run_results import Client
from run_results.tables import TABLES
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryStore
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

pysail = pytest.importorskip("pysail.spark", reason="Sail has its own environment: make test-sail")
pytestmark = pytest.mark.filterwarnings("default")  # those of Spark's client are not ours to mend

VARIABLE = "SAIL_TESTS_TOKEN"
KEYS = ("run_id", "file_index", "document_index", "field_index")


@pytest.fixture(scope="module")
def sail() -> Iterator[Any]:
    """A session with a server in this process."""
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, TOKEN)
        server = pysail.SparkConnectServer("127.0.0.1", 0)
        server.start(background=True)
        session = SparkSession.builder.remote(f"sc://127.0.0.1:{server.listening_address[1]}").getOrCreate()
        session.conf.set("spark.sql.session.timeZone", "UTC")
        yield session
        session.stop()
        server.stop()


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    """What Sail is to read."""
    return every_table()


@pytest.mark.parametrize("format", ["parquet", "delta"])
@pytest.mark.parametrize("what", [*TABLES, "wide", "twins"])
def test_sail_reads_every_value(what: str, format: str, sail: Any, tables: dict[str, pa.Table], tmp_path: Path) -> None:
    """Every value of every column of every table is the one that was written, as Parquet and as Delta."""
    table = tables[what]
    if format == "delta":
        import deltalake

        deltalake.write_deltalake(str(tmp_path / "table"), table)
        found = sail.read.format("delta").load(str(tmp_path / "table"))
    else:
        found = sail.read.parquet(written(table, tmp_path / "table.parquet"))
    assert found.columns == table.schema.names
    rows, wanted = found.toArrow().to_pylist(), table.to_pylist()
    # A table of Delta has no order, and the rows of some tables have no key.
    assert sorted(rows, key=repr) == sorted(wanted, key=repr) if format == "delta" else rows == wanted


@pytest.mark.parametrize("what", TABLES)
def test_fetch_with_sail_gives_every_row(what: Any, sail: Any) -> None:
    """`fetch` gives every row of a table as `client.table` does, value by value."""
    from run_results.scale import Source
    from run_results.spark import fetch

    runs = [SyntheticRun(seed=seed, files=2 + 3 * seed, run_id=f"run-{seed}") for seed in range(4)]
    ids = [run.run_id for run in runs]
    with serve(ReferenceServer(MemoryStore(runs), TOKEN, page_size=4)) as served:
        source = Source(token=f"env:{VARIABLE}", base_url=served.url, typed=True)
        rows = fetch(ids, source, what, tasks=2, window=5, spark=sail).toArrow().to_pylist()
        with Client(token=TOKEN, base_url=served.url) as client:
            wanted = [row for run_id in ids for row in client.table(run_id, what, typed=True).to_pylist()]
    assert sorted(rows, key=lambda row: [row[name] for name in KEYS if name in row]) == wanted

"""What the tests of `sync` share: runs that change, and what a dataset has against what the server has."""

import copy
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import define, field
from deltalake import DeltaTable

from run_results import Client, Include
from run_results.page import Page
from run_results.tables.collect import Collector
from run_results.tables.schema import TABLES, What
from run_results_conformance.server.runs import MemoryRun, Run
from run_results_conformance.server.synthetic import SyntheticRun

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


@define
class Runs:
    """A store whose runs can be changed, and the ids of the runs that were asked for."""

    runs: dict[str, Run] = field(factory=dict)
    asked: list[str] = field(factory=list)
    url: str = ""
    """Of the server that `client_of` started."""

    def find(self, run_id: str, context: str | None) -> Run | None:
        """See `Store`."""
        self.asked.append(run_id)
        return self.runs.get(run_id)

    def __iter__(self) -> Iterator[tuple[str | None, str]]:
        return iter([(None, run_id) for run_id in self.runs])

    def put(self, run_id: str, seed: int, files: int, **header: Any) -> None:
        """Add a run, or replace it."""
        whole = SyntheticRun(seed, files, run_id=run_id)
        if header.get("status", "COMPLETE") != "COMPLETE":
            header["finish_timestamp"] = None
        self.runs[run_id] = MemoryRun(whole.header | header, whole.files(0, files))


@define
class Alike:
    """A client of as many runs as are asked for, each with the same one page. Nothing is sent."""

    page: Page
    note: Callable[[str], object] = str
    """Called with the id of each run that is asked for."""

    def pages(self, run_id: str, **_: Any) -> Iterator[Page]:
        """The page of a run."""
        self.note(run_id)
        made = copy.copy(self.page)
        object.__setattr__(made, "run_id", run_id)
        yield made


Serving = Callable[[Runs], Client]


def read(folder: Path, name: str, form: str) -> pa.Table:
    """A table of a dataset, as other programs read it."""
    if form == "delta":
        return pa.table(DeltaTable(folder / name).to_pyarrow_table())
    files = sorted((folder / name).glob("*.parquet"))
    return (
        pa.concat_tables([pq.read_table(path) for path in files])
        if files
        else pa.table({"run_id": pa.array([], pa.string())})
    )


def in_order(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a table, in an order that does not depend on how they were written."""
    places = ("run_id", "file_index", "document_index", "field_index")
    return sorted(table.to_pylist(), key=lambda row: [str(row.get(place)).zfill(9) for place in places])


def assert_in_step(folder: Path, form: str, client: Client, run_ids: list[str]) -> None:
    """The dataset has the rows that `client.table` gives, of these runs and no others, each once; the ledger agrees."""
    assert_has(
        folder, form, wanted_rows(client, run_ids), {run_id: str(client.page(run_id).status) for run_id in run_ids}
    )


def wanted_rows(client: Client, run_ids: list[str]) -> dict[What, list[dict[str, Any]]]:
    """The rows of each table, as `client.table` gives them; each run is read once for all tables."""
    tables: dict[What, list[pa.Table]] = {what: [] for what in TABLES}
    for run_id in run_ids:
        collectors = {what: Collector(what) for what in TABLES}
        for page in client.pages(run_id, include=Include.ALL):
            for collector in collectors.values():
                collector.add(page)
        for what, collector in collectors.items():
            tables[what].append(collector.finish())
    return {what: in_order(pa.concat_tables(found)) if found else [] for what, found in tables.items()}


def assert_has(
    folder: Path, form: str, wanted: dict[What, list[dict[str, Any]]], states: Mapping[str, str | None]
) -> None:
    """The dataset has these rows, and the ledger the runs in these states, with as many rows as there are."""
    ledger = {row["run_id"]: row for row in read(folder, "runs", form).to_pylist()}
    assert {run_id: row["run_status"] for run_id, row in ledger.items()} == states
    assert all(row["whole"] for row in ledger.values())
    for what, rows in wanted.items():
        assert in_order(read(folder, what, form)) == rows, what
        counts = Counter(row["run_id"] for row in rows)
        assert {run_id: row[what] for run_id, row in ledger.items() if row[what]} == counts, what

"""What a run costs does not grow with the number of runs: neither files written, nor descriptors, nor memory."""

import copy
import importlib
import re
import time
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from attrs import asdict

from run_results import Client, files
from run_results.errors import NotFoundError, ServerError
from run_results.page import Page
from run_results.sync import SyncCounts, Synced, sync
from run_results.sync.digest import Digest
from run_results.sync.options import SYNC_FORMATS, SyncOptions
from run_results.tables.batches import Tabulator
from run_results.tables.schema import TABLES
from run_results_conformance import ReferenceServer
from run_results_conformance.server.serving import serve

from .kit import THOROUGH, Alike, Runs, Serving, assert_in_step


def test_a_server_with_other_pages_changes_no_run(token: str, tmp_path: Path) -> None:
    """Runs that are read again in pages of another size have the same rows, so nothing is written."""
    runs = Runs()
    for number in range(3):
        runs.put(f"r{number}", number, 11, status="RUNNING")
    made = Synced(SyncCounts())
    for page_size in (4, 11, 1, 3):
        server = ReferenceServer(runs, token, page_size=page_size)
        with serve(server) as served, Client(token=token, base_url=served.url) as client:
            made = sync(client, runs.runs, tmp_path, format="parquet")
    assert (made.counts.changed, made.counts.unchanged) == (0, 3)


@pytest.mark.parametrize("what", TABLES)
def test_a_digest_does_not_depend_on_batches(what: Any, client_of: Serving) -> None:
    """However the rows of a real run are cut, nested ones and nulls among them, the digest is that of all rows."""
    runs = Runs()
    runs.put("r", 5, 40)
    client = client_of(runs)
    table = pa.Table.from_batches([Tabulator(what).batch(page) for page in client.pages("r")])
    table = pa.concat_tables([table] * (1 + 2500 // max(1, len(table)))).combine_chunks()
    found = set()
    for size in (len(table), 1000, 999, 257, 64, 7):
        digest = Digest()
        for batch in table.to_batches(max_chunksize=size):
            digest.add(batch)
        found.add(digest.finish())
    assert len(found) == 1
    other = Digest()
    for batch in table.slice(1).to_batches():
        other.add(batch)
    assert other.finish() not in found


def test_each_file_is_written_anew_once(client_of: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where runs of many batches have changed, those of one file are replaced together; new runs cost one ledger."""
    written: Counter[str] = Counter()

    def publish(paths: list[Path]) -> None:
        written.update(path.parent.name + "/" + path.name for path in paths)
        real(paths)

    real = files.publish
    monkeypatch.setattr("run_results.sync.parquet.publish", publish)
    runs = Runs()
    for number in range(24):
        runs.put(f"r{number}", number, 1, status="RUNNING")
    client = client_of(runs)
    sync(client, runs.runs, tmp_path, format="parquet", jobs=1, runs_per_batch=4)
    assert written["runs/runs.parquet"] == 6
    written.clear()
    for number in range(24):
        runs.put(f"r{number}", number, 1, status="RUNNING" if number % 2 else "COMPLETE", message="edited")
    # In another order, of which every fourth run is in the same file.
    order = [f"r{number}" for start in range(4) for number in range(start, 24, 4)]
    sync(client, order, tmp_path, format="parquet", jobs=1, runs_per_batch=4)
    assert written["runs/runs.parquet"] == 12
    assert max(count for name, count in written.items() if name.startswith("files/")) == 1
    assert_in_step(tmp_path, "parquet", client, list(runs.runs))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("form", SYNC_FORMATS)
def test_descriptors_and_memory_stay_flat(
    form: Any, client_of: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over many batches no file stays open, and no rows stay in memory; one request is sent for each page."""
    monkeypatch.setattr("run_results.sync.rows._IN_MEMORY", 1000)
    runs = Runs()
    for number in range(40):
        runs.put(f"r{number}", 3, 3)
    client = client_of(runs)
    open_files: list[int] = []
    memory: list[int] = []

    def note(_: SyncCounts) -> None:
        open_files.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))
        memory.append(pa.total_allocated_bytes())

    sync(client, runs.runs, tmp_path, format=form, runs_per_batch=2, jobs=2, progress=note)
    assert len(runs.asked) == 40
    assert max(open_files[20:]) <= max(open_files[:20]) + 4
    assert max(memory[20:]) <= 1.5 * max(memory[:20]) + 2**20


@pytest.mark.skipif(not THOROUGH, reason="it measures processor time for minutes: see `make thorough`")
@pytest.mark.parametrize("form", SYNC_FORMATS)
def test_the_cost_of_a_run_is_flat(form: Any, one_page: Page, tmp_path: Path) -> None:
    """Ten times as many batches take no more processor time for each run, within a half."""
    costs = []
    for number in (20, 400, 4000):  # the first sync imports what the others use
        began = time.process_time()
        ids = [f"run-{each * 7919 % number}" for each in range(number)]
        # On one thread: how much several cost, which take turns, depends on what else the machine does.
        options = SyncOptions(format=form, runs_per_batch=20, jobs=1)
        made = sync(Alike(one_page), ids, tmp_path / str(number), options=options)  # type: ignore[arg-type]
        assert made.counts.new == number
        costs.append((time.process_time() - began) / number)
    assert costs[2] <= 1.5 * costs[1], costs


def written_bytes() -> int:
    """How many bytes this process has given to the system to write, with those of native libraries."""
    found = re.search(r"^wchar: (\d+)", Path("/proc/self/io").read_text("utf-8"), re.MULTILINE)
    assert found is not None
    return int(found[1])


@pytest.mark.skipif(not THOROUGH or not Path("/proc/self/io").is_file(), reason="needs /proc, and takes a minute")
@pytest.mark.parametrize("form", SYNC_FORMATS)
def test_a_run_writes_no_more_where_there_are_many(form: Any, one_page: Page, tmp_path: Path) -> None:
    """Four times as many batches write no more bytes for each run; of plain Parquet only the ledger grows."""
    written = []
    for number in (400, 1600):
        began = written_bytes()
        sync(
            Alike(one_page),  # type: ignore[arg-type]
            [f"run-{each}" for each in range(number)],
            tmp_path / str(number),
            format=form,
            runs_per_batch=50,
        )
        written.append((written_bytes() - began) / number)
    assert written[1] <= 1.5 * written[0], written


class Failing:
    """A client whose runs cannot be read: half of them are missing, and half fail behind their first page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.held: list[Any] = []
        """What was made for each run, weakly."""

    def pages(self, run_id: str, **_: Any) -> Iterator[Page]:
        """A page, and an error; or an error."""
        if int(run_id.removeprefix("run-")) % 2:
            raise NotFoundError("no such run", server_message="no such run")
        page = copy.copy(self.page)
        self.held.append(weakref.ref(page))
        yield page
        raise ServerError("it failed")


def test_progress_is_reported_in_numbers(one_page: Page, tmp_path: Path) -> None:
    """Each report has the numbers of what was done until then, and no list that grows with the runs."""
    reports: list[SyncCounts] = []
    ids = [f"run-{number}" for number in range(40)]
    client: Any = Failing(one_page)
    made = sync(client, ids, tmp_path, format="parquet", jobs=1, progress=reports.append)
    assert [report.missing + report.failed for report in reports] == list(range(1, 41))
    assert (made.counts.missing, made.counts.failed) == (len(made.missing), len(made.failures)) == (20, 20)
    assert all(isinstance(number, int) for report in reports for number in asdict(report).values())


def test_an_error_keeps_no_page(one_page: Page, tmp_path: Path) -> None:
    """Of a run that failed the result has the error, and not the pages that were read before it."""
    client = Failing(one_page)
    made = sync(client, [f"run-{2 * number}" for number in range(9)], tmp_path, format="parquet", jobs=1)  # type: ignore[arg-type]
    assert len(made.failures) == len(client.held) == 9
    assert not [page for page in client.held if page() is not None]


def test_a_batch_does_not_look_through_the_ledger(
    one_page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger is read and searched once, when the dataset is opened, and not for each batch."""
    calls: Counter[str] = Counter()

    def counted(home: str, name: str) -> None:
        real = getattr(importlib.import_module(home), name)

        def call(*arguments: Any) -> Any:
            calls[name] += 1
            return real(*arguments)

        monkeypatch.setattr(f"{home}.{name}", call)

    counted("run_results.sync.job", "last_batch")
    counted("run_results.sync.delta", "to_entries")
    ids = [f"run-{number}" for number in range(12)]
    for number in (6, 12):
        calls.clear()
        made = sync(Alike(one_page), ids[:number], tmp_path, runs_per_batch=2)  # type: ignore[arg-type]
        assert made.counts.new == 6
    assert calls == {"last_batch": 1, "to_entries": 1}

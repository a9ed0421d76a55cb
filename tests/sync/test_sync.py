"""A dataset that follows runs holds each run's rows once, whatever happens, and reads again what can have changed."""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from attrs import evolve
from deltalake import write_deltalake

from run_results import Client, RetryPolicy, errors
from run_results.sync import SyncCounts, sync
from run_results.sync.ledger import Entry
from run_results.sync.options import MARKER, SYNC_FORMATS
from run_results.tables.schema import TABLES
from run_results_conformance import ReferenceServer
from run_results_conformance.server.serving import serve

from .kit import THOROUGH, Runs, Serving, assert_in_step, in_order, read

NOW = datetime.now(UTC)


@pytest.mark.parametrize("form", SYNC_FORMATS)
class TestDatasets:
    """What holds of both kinds of dataset."""

    def test_each_row_is_there_once(self, form: Any, client_of: Serving, tmp_path: Path) -> None:
        """New runs are read, in several batches; a run without files and one with a strange id are runs, too."""
        runs = Runs()
        for number in range(9):
            runs.put(f"run-{number}", number, number)
        runs.put("it's ü", 77, 2)
        client = client_of(runs)
        made = sync(client, runs.runs, tmp_path / "lake", format=form, runs_per_batch=4)
        assert made.describe() == "10 new, 0 changed, 0 unchanged, 0 missing, 0 failed"
        assert_in_step(tmp_path / "lake", form, client, list(runs.runs))

    def test_only_what_can_have_changed_is_read_again(self, form: Any, client_of: Serving, tmp_path: Path) -> None:
        """Of finished runs nothing is asked; running, paused and reviewed ones are read whole, and compared."""
        runs = Runs()
        runs.put("done", 1, 4)
        runs.put("running", 2, 4, status="RUNNING")
        runs.put("stopped", 3, 4, status="STOPPED_AT_CHECKPOINT")
        runs.put("reviewed", 4, 4, review_completed=False)
        client = client_of(runs)
        sync(client, runs.runs, tmp_path, format=form)
        runs.asked.clear()
        # It grew, and its state looks unchanged.
        runs.put("running", 2, 6, status="RUNNING")
        runs.put("reviewed", 4, 4)
        made = sync(client, runs.runs, tmp_path, format=form)
        assert made.describe() == "0 new, 2 changed, 2 unchanged (1 of them not read again), 0 missing, 0 failed"
        assert set(runs.asked) == {"running", "stopped", "reviewed"}
        assert_in_step(tmp_path, form, client, list(runs.runs))
        runs.asked.clear()
        assert sync(client, runs.runs, tmp_path, format=form).counts.settled == 2
        assert set(runs.asked) == {"running", "stopped"}

    def test_recheck_reads_what_finished_lately(self, form: Any, client_of: Serving, tmp_path: Path) -> None:
        """With `recheck`, a finished run that somebody edited is read again until it is older than that."""
        runs = Runs()
        for run_id, days in (("old", 9), ("young", 2)):
            finish = int((NOW - timedelta(days=days)).timestamp()) * 10**9
            runs.put(run_id, 5, 3, finish_timestamp=finish)
        client = client_of(runs)
        sync(client, runs.runs, tmp_path, format=form)
        for run_id, days in (("old", 9), ("young", 2)):
            finish = int((NOW - timedelta(days=days)).timestamp()) * 10**9
            runs.put(run_id, 6, 3, finish_timestamp=finish)  # other values, the same state
        assert sync(client, runs.runs, tmp_path, format=form).counts.settled == 2
        made = sync(client, runs.runs, tmp_path, format=form, recheck=timedelta(days=7))
        assert (made.counts.changed, made.counts.settled) == (1, 1)
        values = {row["run_id"]: row["value"] for row in read(tmp_path, "fields", form).to_pylist()}
        assert values["young"] != values["old"]

    def test_a_run_that_is_gone_keeps_its_rows(self, form: Any, client_of: Serving, tmp_path: Path) -> None:
        """A run that the server does not know any more is reported; what the dataset has of it stays."""
        runs = Runs()
        runs.put("here", 1, 2)
        runs.put("gone", 2, 2, status="RUNNING")
        client = client_of(runs)
        sync(client, runs.runs, tmp_path, format=form)
        del runs.runs["gone"]
        made = sync(client, ["here", "gone", "never"], tmp_path, format=form)
        assert (made.missing, made.counts.settled) == (("gone", "never"), 1) or set(made.missing) == {"gone", "never"}
        ledger = {row["run_id"]: row for row in read(tmp_path, "runs", form).to_pylist()}
        assert ledger.keys() == {"here", "gone"}
        assert ledger["gone"]["missing_since"] is not None
        assert set(read(tmp_path, "files", form)["run_id"].to_pylist()) == {"here", "gone"}

    def test_a_run_that_fails_leaves_the_others(self, form: Any, client_of: Serving, tmp_path: Path) -> None:
        """A run that cannot be read is reported with its error, and what the dataset had of it stays."""
        runs = Runs()
        runs.put("good", 1, 3)
        runs.put("bad", 2, 3, status="RUNNING")
        client = client_of(runs)
        sync(client, runs.runs, tmp_path, format=form)
        before = in_order(read(tmp_path, "fields", form))
        runs.put("bad", 3, 7, status="RUNNING")
        whole = runs.runs["bad"]

        class Changing:
            """A run that is another one at each look."""

            file_count = 7
            listing: ClassVar[dict[str, Any]] = {}
            starts = itertools.count(1)

            @property
            def header(self) -> Any:
                """Another start each time."""
                return whole.header | {"start_timestamp": next(self.starts)}

            def files(self, start: int, stop: int) -> Any:
                """As of the run."""
                return whole.files(start, stop)

        runs.runs["bad"] = Changing()
        runs.put("new", 4, 1)
        made = sync(client, runs.runs, tmp_path, format=form)
        assert (made.counts.new, made.counts.settled) == (1, 1)
        assert isinstance(made.failures["bad"], errors.RunChanged)
        after = in_order(read(tmp_path, "fields", form))
        assert [row for row in after if row["run_id"] != "new"] == before

    def test_another_dataset_is_not_mixed_in(self, form: Any, client_of: Serving, tmp_path: Path) -> None:
        """A folder with other files, or with a dataset of other options, is an error before anything is asked."""
        runs = Runs()
        runs.put("one", 1, 1)
        client = client_of(runs)
        sync(client, ["one"], tmp_path / "lake", format=form)
        with pytest.raises(errors.ExportMismatch, match=r"begun with another value of: typed\. Give the same options"):
            sync(client, ["one"], tmp_path / "lake", format=form, typed=True)
        marker = tmp_path / "lake" / MARKER
        marker.write_text(json.dumps(json.loads(marker.read_text()) | {"columns": "of another version"}))
        with pytest.raises(errors.ExportMismatch, match=r"begun by another version .* Begin in a new folder, with all"):
            sync(client, ["one"], tmp_path / "lake", format=form)
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "a.txt").touch()
        with pytest.raises(errors.ExportMismatch, match=r"holds no dataset of sync, but 'a\.txt'"):
            sync(client, ["one"], tmp_path / "mine", format=form)

    def test_without_its_ledger_it_is_refused(self, form: Any, client_of: Serving, tmp_path: Path) -> None:
        """Tables whose ledger was removed are left alone: their rows would be removed, or come twice."""
        runs = Runs()
        runs.put("one", 1, 2)
        client = client_of(runs)
        sync(client, ["one"], tmp_path, format=form)
        shutil.rmtree(tmp_path / "runs")
        with pytest.raises(errors.ExportError, match="the ledger"):
            sync(client, ["one"], tmp_path, format=form)
        assert read(tmp_path, "files", form).num_rows == 2

    @pytest.mark.parametrize("gone", ["runs/*", "fields", "case_fields"])
    def test_without_a_part_it_is_refused(self, form: Any, gone: str, client_of: Serving, tmp_path: Path) -> None:
        """A dataset that lost its ledger's files or a table is an error, and nothing else of it is removed."""
        runs = Runs()
        runs.put("one", 1, 2)
        client = client_of(runs)
        sync(client, ["one"], tmp_path, format=form)
        for path in tmp_path.glob(gone):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        with pytest.raises(errors.ExportError, match=r"is gone\. Bring back what was there"):
            sync(client, ["one"], tmp_path, format=form)
        assert read(tmp_path, "files", form).num_rows == 2

    @pytest.mark.parametrize("kept", [["runs"], ["runs", "fields", "documents"]])
    def test_one_that_was_hardly_begun_goes_on(
        self, form: Any, kept: list[str], client_of: Serving, tmp_path: Path
    ) -> None:
        """A kill while the empty tables are made is no loss: the next sync makes the others."""
        runs = Runs()
        runs.put("one", 1, 2)
        client = client_of(runs)
        with pytest.raises(errors.UnauthorizedError):
            sync(client.with_options(token="another"), ["one"], tmp_path, format=form)
        for path in list(tmp_path.iterdir()):
            if path.is_dir() and path.name not in kept:
                shutil.rmtree(path)
        assert sync(client, ["one"], tmp_path, format=form).counts.new == 1
        assert_in_step(tmp_path, form, client, ["one"])

    def test_a_foreign_ledger_is_refused(self, form: Any, client_of: Serving, tmp_path: Path) -> None:
        """A table `runs` of somebody else is an error of the family, which names a column that it lacks."""
        runs = Runs()
        runs.put("one", 1, 2)
        client = client_of(runs)
        sync(client, ["one"], tmp_path, format=form)
        shutil.rmtree(tmp_path / "runs")
        foreign = pa.table({"id": ["x"]})
        if form == "delta":
            write_deltalake(tmp_path / "runs", foreign)
        else:
            (tmp_path / "runs").mkdir()
            pq.write_table(foreign, tmp_path / "runs" / "runs.parquet")
        with pytest.raises(errors.ExportError, match="is no ledger of sync: it has no column 'run_id'"):
            sync(client, ["one"], tmp_path, format=form)

    def test_back_with_the_same_rows_nothing_is_written(self, form: Any, client_of: Serving, tmp_path: Path) -> None:
        """A run that was missing for a while and is back as it was counts as unchanged, and is not missing any more."""
        runs = Runs()
        runs.put("one", 1, 2)
        client = client_of(runs)
        sync(client, ["one"], tmp_path, format=form, recheck=timedelta(days=36_000))
        kept = runs.runs.pop("one")
        assert sync(client, ["one"], tmp_path, format=form, recheck=timedelta(days=36_000)).missing == ("one",)
        runs.runs["one"] = kept
        assert sync(client, ["one"], tmp_path, format=form).counts.unchanged == 1
        assert read(tmp_path, "runs", form)["missing_since"].to_pylist() == [None]
        assert_in_step(tmp_path, form, client, ["one"])

    def test_an_error_of_progress_ends_it(self, form: Any, client_of: Serving, tmp_path: Path) -> None:
        """What `progress` raises comes out, without waiting for the runs that are being read to their end."""
        runs = Runs()
        for number in range(12):
            runs.put(f"r{number}", number, 9)
        client = client_of(runs)

        def fail(_: SyncCounts) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            sync(client, runs.runs, tmp_path, format=form, jobs=4, progress=fail)
        assert sync(client, runs.runs, tmp_path, format=form).counts.new == 12
        assert_in_step(tmp_path, form, client, list(runs.runs))

    def test_a_large_run_does_not_stay_in_memory(
        self, form: Any, client_of: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What exceeds a limit waits in files without names; the rows are the same."""
        monkeypatch.setattr("run_results.sync.rows._IN_MEMORY", 1000)
        runs = Runs()
        for number in range(3):
            runs.put(f"r{number}", number, 8)
        client = client_of(runs)
        sync(client, runs.runs, tmp_path, format=form)
        assert_in_step(tmp_path, form, client, list(runs.runs))

    def test_it_survives_being_killed(self, form: Any, token: str) -> None:
        """Killed at random moments and given again, while runs change, the command has every row once at the end."""
        kills = 50 if THOROUGH else 1
        draw = random.Random(11)
        runs = Runs()
        for number in range(24):
            runs.put(f"run-{number}", number, 3, status="RUNNING" if number % 3 else "COMPLETE")
        with TemporaryDirectory() as place, serve(ReferenceServer(runs, token, page_size=3)) as served:
            ids = Path(place, "ids.txt")
            ids.write_text("\n".join(runs.runs))
            command = [sys.executable, "-m", "run_results", "sync", "--ids", str(ids), "--to", f"{place}/lake"]
            command += ["--format", form, "--runs-per-batch", "2", "--base-url", served.url]
            environment = {**os.environ, "RUN_RESULTS_TOKEN": token}
            began = time.monotonic()
            assert subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode == 0
            whole = time.monotonic() - began
            for attempt in range(kills):
                for number in filter(lambda each: each % 3, range(attempt % 5, 24, 5)):
                    runs.put(f"run-{number}", attempt * 100 + number, draw.randrange(5), status="RUNNING")
                with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
                    try:
                        process.wait(draw.uniform(0.3, 1.0) * whole)
                    except subprocess.TimeoutExpired:
                        process.send_signal(signal.SIGKILL)
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, "")
            with Client(token=token, base_url=served.url) as client:
                assert_in_step(Path(place, "lake"), form, client, list(runs.runs))


def test_a_racing_writer_is_refused(client_of: Serving, tmp_path: Path) -> None:
    """Where there are no locks, a writer that began before another one committed is refused, and nothing is doubled."""
    from run_results.sync.delta import DeltaStore
    from run_results.sync.rows import Batch, Rows
    from run_results.tables.arrow import arrow_schema
    from run_results.tables.batches import Tabulator

    runs = Runs()
    runs.put("one", 1, 2)
    client = client_of(runs)
    schemas = {what: arrow_schema(what) for what in TABLES}
    stores = [DeltaStore(tmp_path, schemas) for _ in range(2)]

    def batch() -> Batch:
        made = Batch(1)
        rows = Rows(tmp_path)
        for page in client.pages("one"):
            for what in TABLES:
                rows.add(what, Tabulator(what).batch(page))
        rows.finish()
        made.add(Entry("one"), rows, None)
        return made

    stores[0].write(batch())
    with pytest.raises(errors.ExportError, match="another sync is writing to"):
        stores[1].write(batch())
    assert read(tmp_path, "files", "delta").num_rows == 2


@pytest.mark.parametrize(
    ("change", "is_read"),
    [
        ({}, False),
        ({"finished": False}, True),
        ({"finished": None}, True),
        ({"whole": False}, True),
        ({"run_review_completed": False}, True),
        ({"run_review_completed": True}, False),
        ({"missing_since": NOW}, True),
    ],
)
def test_what_is_read_again(change: dict[str, Any], is_read: bool) -> None:
    """A run is read again where it is not finished, not whole, under review, or was missing."""
    entry = Entry("r", finished=True, run_finished_at_ns=1)
    assert evolve(entry, **change).can_have_changed(None, NOW) is is_read


def test_a_bad_token_ends_it_at_once(client_of: Serving, tmp_path: Path) -> None:
    """A token that the server refuses is one error, not one for each run."""
    runs = Runs()
    for number in range(50):
        runs.put(f"r{number}", number, 1)
    client = client_of(runs).with_options(token="another")
    with pytest.raises(errors.UnauthorizedError):
        sync(client, runs.runs, tmp_path, format="parquet", jobs=2)


def test_a_server_that_is_away_ends_it(tmp_path: Path, token: str) -> None:
    """After ten runs in a row that cannot be reached no further one is tried; the others are said to be left."""
    with Client(token=token, base_url="http://127.0.0.1:9", retry=RetryPolicy(attempts=1)) as client:
        made = sync(client, [f"r{number}" for number in range(40)], tmp_path, format="parquet", jobs=1)
    assert (len(made.failures), made.counts.waiting) == (10, 30)
    assert made.describe().endswith("0 missing, 10 failed; 30 runs not read")


def test_no_ids_is_an_error(tmp_path: Path, token: str) -> None:
    """Without ids there is nothing to follow, and an empty dataset would look like a result."""
    with Client(token=token, base_url="http://127.0.0.1:9") as client, pytest.raises(errors.ConfigurationError):
        sync(client, [], tmp_path)


def test_one_text_is_no_list_of_ids(tmp_path: Path, token: str) -> None:
    """An id that is given without a list is an error, and not a run for each of its letters."""
    with Client(token=token, base_url="http://127.0.0.1:9") as client, pytest.raises(errors.ConfigurationError):
        sync(client, "run-1", tmp_path)


def test_a_wrong_address_makes_no_run_missing(client_of: Serving, tmp_path: Path) -> None:
    """A 404 of an address without the API is a failure: the ledger does not say that the run is gone."""

    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"<h1>Not found</h1>"})

    runs = Runs()
    runs.put("one", 1, 2, status="RUNNING")
    sync(client_of(runs), ["one"], tmp_path, format="parquet")
    with serve(nothing) as served, client_of(runs).with_options(base_url=served.url) as client:
        made = sync(client, ["one"], tmp_path, format="parquet")
    assert (made.missing, list(made.failures)) == ((), ["one"])
    assert read(tmp_path, "runs", "parquet")["missing_since"].to_pylist() == [None]


def test_stopped_it_writes_what_is_whole(client_of: Serving, tmp_path: Path) -> None:
    """Once `stop` says so no further run is read; the next sync reads the others."""
    runs = Runs()
    for number in range(30):
        runs.put(f"r{number}", number, 1)
    client = client_of(runs)
    seen: list[SyncCounts] = []
    first = sync(
        client, runs.runs, tmp_path, format="parquet", jobs=2, progress=seen.append, stop=lambda: len(seen) >= 5
    )
    assert 5 <= first.counts.new <= 7
    assert first.counts.new + first.counts.waiting == 30
    second = sync(client, runs.runs, tmp_path, format="parquet")
    assert (second.counts.new, second.counts.settled) == (first.counts.waiting, first.counts.new)
    assert_in_step(tmp_path, "parquet", client, list(runs.runs))

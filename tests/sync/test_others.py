"""What other programs do to a dataset between two syncs is either harmless, or an error: never a wrong dataset."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable, Field, write_deltalake
from deltalake.schema import PrimitiveType

from run_results import Client, errors
from run_results.sync import sync
from run_results.sync.options import SYNC_FORMATS

from .kit import Runs, Serving, assert_in_step, read


@pytest.fixture
def runs() -> Runs:
    """Three runs, of which one can still change."""
    made = Runs()
    made.put("one", 1, 3)
    made.put("two", 2, 2)
    made.put("open", 3, 2, status="RUNNING")
    return made


@pytest.fixture
def client(runs: Runs, client_of: Serving) -> Client:
    """A client of a server with these runs."""
    return client_of(runs)


def begin(client: Client, runs: Runs, folder: Path, form: Any) -> None:
    """A dataset in several batches, of which one has changed once."""
    sync(client, runs.runs, folder, format=form, runs_per_batch=1)
    runs.put("open", 4, 3, status="RUNNING")
    sync(client, runs.runs, folder, format=form)


def a_file_of(folder: Path, form: str) -> Path:
    """A file with rows of a table."""
    return Path(DeltaTable(folder).file_uris()[0]) if form == "delta" else max(folder.glob("*.parquet"))


def compact(table: DeltaTable) -> None:
    """Put small files together."""
    table.optimize.compact()


def sort(table: DeltaTable) -> None:
    """Write the rows in another order."""
    table.optimize.z_order(["run_id"])


def vacuum(table: DeltaTable) -> None:
    """Remove the files of every older version."""
    table.optimize.compact()
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)


def add_column(table: DeltaTable) -> None:
    """Add a column of one's own."""
    table.alter.add_columns([Field("checked_by", PrimitiveType("string"), nullable=True)])


def set_property(table: DeltaTable) -> None:
    """Set a property of the table."""
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 60 days"})


def restore_back(table: DeltaTable) -> None:
    """Restore an older version, and then the one that the last sync had made."""
    ours = table.version()
    table.restore(ours - 1)
    table.restore(ours)


@pytest.mark.parametrize("change", [compact, sort, vacuum, add_column, set_property, restore_back])
def test_what_changes_no_rows_is_welcome(
    change: Callable[[DeltaTable], None], runs: Runs, client: Client, tmp_path: Path
) -> None:
    """After it the next syncs write as ever: a run that grew is replaced, and a new one comes."""
    begin(client, runs, tmp_path, "delta")
    for name in ("runs", "fields", "files"):
        change(DeltaTable(tmp_path / name))
    runs.put("open", 5, 4)
    runs.put("new", 6, 1)
    made = sync(client, runs.runs, tmp_path, format="delta")
    assert (made.counts.new, made.counts.changed, made.counts.settled) == (1, 1, 2)
    if change is add_column:
        assert set(read(tmp_path, "fields", "delta")["checked_by"].to_pylist()) == {None}
        return
    assert_in_step(tmp_path, "delta", client, list(runs.runs))


def delete(table: DeltaTable) -> None:
    """Delete the rows of a run."""
    table.delete("run_id = 'one'")


def restore(table: DeltaTable) -> None:
    """Restore an older version, and put its files together, which hides them."""
    table.restore(table.version() - 1)
    table.optimize.compact()


def update(table: DeltaTable) -> None:
    """Change rows, and leave their number."""
    table.update(updates={"run_status": "'FAILED'"})


def append(table: DeltaTable) -> None:
    """Add the rows of the table once more."""
    write_deltalake(table, table.to_pyarrow_table(), mode="append")


@pytest.mark.parametrize("name", ["files", "runs"])
@pytest.mark.parametrize("change", [delete, restore, update, append])
def test_rows_that_others_changed_are_an_error(
    name: str, change: Callable[[DeltaTable], None], runs: Runs, client: Client, tmp_path: Path
) -> None:
    """Nothing is written, and the error says which table, what was done, and which version was the last good one."""
    begin(client, runs, tmp_path, "delta")
    ours = DeltaTable(tmp_path / name).version()
    change(DeltaTable(tmp_path / name))
    version = DeltaTable(tmp_path / "fields").version()
    runs.put("open", 5, 4)
    with pytest.raises(errors.ExportError) as caught:
        sync(client, runs.runs, tmp_path, format="delta")
    operation = "WRITE" if change is append else change.__name__.upper()
    assert caught.value.path == str(tmp_path / name)
    assert f"another program has changed rows of {caught.value.path!r}: {operation}, version {ours + 1}" in str(
        caught.value
    )
    assert str(caught.value).endswith(f"Bring back what was there, or begin in a new folder; version {ours} was ours")
    assert DeltaTable(tmp_path / "fields").version() == version
    DeltaTable(tmp_path / name).restore(ours)
    sync(client, runs.runs, tmp_path, format="delta")
    assert_in_step(tmp_path, "delta", client, list(runs.runs))


def test_arrow_reads_the_files_itself(
    runs: Runs, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No Python code runs on Arrow's threads: it would abort an interpreter that ends, as after an error of `sync`."""
    begin(client, runs, tmp_path, "delta")

    def fail(*arguments: object) -> None:
        raise AssertionError("a file was read by Python code")

    monkeypatch.setattr("deltalake.fs.DeltaStorageHandler.from_table", fail)
    made = sync(client, runs.runs, tmp_path, format="delta")
    assert (made.counts.settled, made.counts.unchanged) == (2, 1)


def test_a_table_that_was_copied_back_is_an_error(runs: Runs, client: Client, tmp_path: Path) -> None:
    """A folder from a backup has a log that ends with our commit, but not the rows that the ledger says."""
    begin(client, runs, tmp_path / "lake", "delta")
    shutil.copytree(tmp_path / "lake" / "documents", tmp_path / "backup")
    runs.put("new", 6, 1)
    sync(client, runs.runs, tmp_path / "lake", format="delta")
    shutil.rmtree(tmp_path / "lake" / "documents")
    (tmp_path / "backup").rename(tmp_path / "lake" / "documents")
    with pytest.raises(errors.ExportError, match=r"documents' has \d+ rows, and not \d+ as the ledger says"):
        sync(client, runs.runs, tmp_path / "lake", format="delta")


@pytest.mark.parametrize("is_gone", [True, False])
@pytest.mark.parametrize("form", SYNC_FORMATS)
def test_a_damaged_file_is_noticed(form: Any, is_gone: bool, runs: Runs, client: Client, tmp_path: Path) -> None:
    """A file that was removed or cut off is an error, which names it, before anything is asked or written."""
    begin(client, runs, tmp_path, form)
    path = a_file_of(tmp_path / "fields", form)
    content = path.read_bytes()
    if is_gone:
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2])
    runs.asked.clear()
    with pytest.raises(errors.ExportError) as caught:
        sync(client, runs.runs, tmp_path, format=form)
    assert str(path) in str(caught.value)
    assert "Bring back what was there" in str(caught.value)
    assert not runs.asked
    path.write_bytes(content)
    sync(client, runs.runs, tmp_path, format=form)
    assert_in_step(tmp_path, form, client, list(runs.runs))


def test_an_older_ledger_is_an_error(runs: Runs, client: Client, tmp_path: Path) -> None:
    """Plain Parquet with a ledger from a backup is left as it is: rows would come twice, or be removed."""
    sync(client, runs.runs, tmp_path, format="parquet", jobs=1)
    ledger = tmp_path / "runs" / "runs.parquet"
    backup = ledger.read_bytes()
    runs.put("open", 4, 3, status="RUNNING")
    sync(client, runs.runs, tmp_path, format="parquet")
    there = {path: path.read_bytes() for path in tmp_path.rglob("batch-*.parquet")}
    ledger.write_bytes(backup)
    with pytest.raises(errors.ExportError, match="as the ledger says: another program has changed it"):
        sync(client, runs.runs, tmp_path, format="parquet")
    assert {path: path.read_bytes() for path in tmp_path.rglob("batch-*.parquet")} == there


@pytest.mark.parametrize("form", SYNC_FORMATS)
def test_a_damaged_ledger_is_an_error(form: Any, runs: Runs, client: Client, tmp_path: Path) -> None:
    """A ledger that was cut off cannot be read, and no rows are removed because of it."""
    begin(client, runs, tmp_path, form)
    path = a_file_of(tmp_path / "runs", form)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(errors.ExportError, match="runs"):
        sync(client, runs.runs, tmp_path, format=form)
    assert set(read(tmp_path, "files", form)["run_id"].to_pylist()) == set(runs.runs)

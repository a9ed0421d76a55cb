"""A disk that is full or cannot be written: an error that says what to do, nothing lost, and the next sync goes on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from run_results import errors
from run_results.sync import sync
from run_results.sync.options import SYNC_FORMATS

from .kit import Runs, Serving, assert_in_step, in_order, read

# Writes more of a table than a file, or the disk, may have.
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
from run_results.cli.commands import run
raise SystemExit(run(sys.argv[1:]))
"""


@pytest.fixture
def runs() -> Runs:
    """A few small runs."""
    made = Runs()
    for number in range(3):
        made.put(f"r{number}", number, 2, status="RUNNING" if number else "COMPLETE")
    return made


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two MiB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    try:
        is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        is_mounted = False
    if not is_mounted:
        pytest.skip("needs the right to mount a disk")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def grow(runs: Runs) -> None:
    """A run has more files now, and a new one is large."""
    runs.put("r1", 1, 5, status="RUNNING")
    runs.put("large", 9, 120)


@pytest.mark.parametrize("form", SYNC_FORMATS)
def test_a_full_disk(form: Any, runs: Runs, client_of: Serving, disk: Path) -> None:
    """What was whole stays, the error says that nothing is lost, and with space again the sync gets to the end."""
    client = client_of(runs)
    sync(client, runs.runs, disk / "lake", format=form)
    grow(runs)
    filler = disk / "filler"
    with filler.open("wb") as file:
        free = os.statvfs(disk)
        file.write(bytes(max(0, free.f_bavail * free.f_frsize - 60_000)))
    with pytest.raises(errors.ExportError, match="when that is solved, the same sync continues") as caught:
        sync(client, runs.runs, disk / "lake", format=form, jobs=1)
    assert str(disk / "lake") in str(caught.value)
    assert "No space left" in str(caught.value)
    filler.unlink()
    sync(client, runs.runs, disk / "lake", format=form)
    assert_in_step(disk / "lake", form, client, list(runs.runs))


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of files")
@pytest.mark.parametrize("form", SYNC_FORMATS)
def test_a_file_that_cannot_grow(form: Any, runs: Runs, client_of: Serving, token: str, tmp_path: Path) -> None:
    """The command ends with one line and code 2; runs that are whole have their rows; the next one goes on."""
    client = client_of(runs)
    lake = tmp_path / "lake"
    sync(client, runs.runs, lake, format=form)
    before = [row for row in in_order(read(lake, "fields", form)) if row["run_id"] == "r0"]
    grow(runs)
    (tmp_path / "ids.txt").write_text("\n".join(runs.runs))
    command = ["sync", "--ids", str(tmp_path / "ids.txt"), "--to", str(lake), "--format", form]
    environment = {**os.environ, "RUN_RESULTS_TOKEN": token, "RUN_RESULTS_BASE_URL": runs.url}
    program = [sys.executable, "-c", LIMITED, "20000", *command]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("run-results: ")]  # deltalake prints, too
    assert len(said) == 1
    assert "Nothing is lost: when that is solved, the same sync continues from here" in said[0]
    ledger = {row["run_id"]: row["whole"] for row in read(lake, "runs", form).to_pylist()}
    assert ledger["r0"]
    assert not ledger.get("large")
    assert [row for row in in_order(read(lake, "fields", form)) if row["run_id"] == "r0"] == before
    sync(client, runs.runs, lake, format=form)
    assert_in_step(lake, form, client, list(runs.runs))
    assert not list(lake.rglob("*.tmp"))


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs rights of files")
@pytest.mark.parametrize("form", SYNC_FORMATS)
def test_a_folder_that_cannot_be_written(
    form: Any, runs: Runs, client_of: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error before anything is asked, and writes nothing."""
    client = client_of(runs)
    lake = tmp_path / "lake"
    sync(client, runs.runs, lake, format=form)
    grow(runs)
    runs.asked.clear()
    if os.geteuid() == 0:  # whom rights do not stop

        def refuse(**_: Any) -> Any:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("run_results.files.tempfile.TemporaryFile", refuse)
    for folder in (lake, *lake.rglob("*")):
        if folder.is_dir():
            folder.chmod(0o500)
    try:
        with pytest.raises(errors.ExportError, match=r"lake': Permission denied. Nothing is lost"):
            sync(client, runs.runs, lake, format=form)
    finally:
        for folder in (lake, *lake.rglob("*")):
            if folder.is_dir():
                folder.chmod(0o700)
    monkeypatch.undo()
    assert not runs.asked
    sync(client, runs.runs, lake, format=form)
    assert_in_step(lake, form, client, list(runs.runs))

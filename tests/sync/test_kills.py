"""A sync that is killed before any step on the disk, and given again, has every row once and leaves nothing behind."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from deltalake import DeltaTable

from run_results import Client
from run_results.sync import sync
from run_results.sync.options import SYNC_FORMATS
from run_results.tables.schema import TABLES
from run_results_conformance import ReferenceServer
from run_results_conformance.server.serving import serve

from .kit import THOROUGH, Runs, assert_has, wanted_rows

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


def assert_nothing_left(folder: Path, form: str) -> None:
    """A dataset has no file but its own."""
    names = ("runs", *TABLES)
    assert {path.name for path in folder.iterdir()} == {"_sync.json", *names}
    for name in names:
        files = {path.name for path in (folder / name).iterdir()}
        if form == "delta":
            assert not {file for file in files if not file.endswith((".parquet", "_delta_log"))}
            assert DeltaTable(folder / name).file_uris() is not None
        else:
            assert not {file for file in files if file.startswith(".")}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("form", SYNC_FORMATS)
def test_it_survives_a_kill_before_any_step(form: Any, token: str) -> None:
    """New runs, changed ones, and those that are as they were: what the kill cut short, the next sync makes whole."""
    runs = Runs()
    for number in range(6):
        runs.put(f"old-{number}", number, 2, status="RUNNING" if number % 2 else "COMPLETE")
    with (
        TemporaryDirectory(dir=MEMORY) as place,
        serve(ReferenceServer(runs, token, page_size=3)) as served,
        Client(token=token, base_url=served.url) as client,
    ):
        sync(client, runs.runs, Path(place, "old"), format=form, runs_per_batch=4)
        runs.put("old-1", 11, 5, status="RUNNING")
        runs.put("old-3", 13, 0)
        for number in range(3):
            runs.put(f"new-{number}", 20 + number, 2)
        first, stride = (1, 1) if THOROUGH else (11, 70 if form == "parquet" else 30)
        program = Path(__file__).with_name("killed.py")
        command = [sys.executable, str(program), served.url, token, form, place, str(first), str(stride), *runs.runs]
        done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
        assert done.stderr == ""
        assert done.returncode == 0
        works = list(Path(place).glob("work-*"))
        assert len(works) == int(done.stdout) >= 2
        wanted = wanted_rows(client, list(runs.runs))
        states = {run_id: run.header["status"] for run_id, run in runs.runs.items()}
        for work in works:
            assert_has(work, form, wanted, states)
            assert_nothing_left(work, form)

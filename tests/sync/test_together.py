"""One sync at a time writes into a folder, by whatever path it is called; the lock of a killed one is gone."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from run_results import errors
from run_results.sync import sync
from run_results.sync.options import SYNC_FORMATS

from .kit import Runs, Serving, assert_in_step

HOLD = """
import sys, time
from pathlib import Path
from run_results.files import lock_folder
lock = lock_folder(Path(sys.argv[1]), "sync")
print("locked", flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_a_second_one_is_refused_by_every_path(
    client_of: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link, a relative path and one with dots lead to the same lock; killed, its holder is in nobody's way."""
    runs = Runs()
    runs.put("one", 1, 2)
    client = client_of(runs)
    lake = tmp_path / "lake"
    lake.mkdir()
    (tmp_path / "link").symlink_to(lake, target_is_directory=True)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    with subprocess.Popen([sys.executable, "-c", HOLD, str(lake)], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"locked\n"
            for path in (lake, tmp_path / "link", "../lake", "../link/../lake/.", f"{lake}{os.sep}"):
                for form in SYNC_FORMATS:
                    with pytest.raises(errors.ExportError, match=r"another sync is writing to .*\. Start again when"):
                        sync(client, ["one"], path, format=form)
            assert not runs.asked
            assert not list(lake.iterdir())
        finally:
            holder.send_signal(signal.SIGKILL)
    sync(client, ["one"], tmp_path / "link", format="parquet")
    assert_in_step(lake, "parquet", client, ["one"])
    assert {path.name for path in lake.iterdir()} == {
        "_sync.json",
        "runs",
        "files",
        "documents",
        "fields",
        "case_fields",
    }

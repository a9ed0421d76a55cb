"""A process that brings a dataset in step in children, and kills each before a step on the disk: run by a test.

    python killed.py URL TOKEN FORMAT FOLDER FIRST STRIDE ID...

FOLDER has a dataset `old` of earlier runs. For each n from FIRST, by STRIDE, a child brings a copy of it in step and
kills itself before its n-th step, until a child gets to the end; then another child does it undisturbed. The datasets
are `FOLDER/work-n`, for the test to look at. Prints how many were killed.

A step of Parquet is what Python reports before it does it: a file opened, renamed or removed, a folder made. The steps
of Delta are hidden in deltalake, so there it is what stands before and after each of its commits.
"""

import itertools
import os
import shutil
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import httpx
import pyarrow.parquet

from run_results import Client
from run_results.http import sender
from run_results.sync import SyncOptions, job, sync

assert all((httpx, pyarrow.parquet, sender, job, SyncOptions))  # imported for the children
# Python warns of a fork beside threads; those of pyarrow and deltalake have nothing to do, and hold no lock.
warnings.filterwarnings("ignore", "This process", DeprecationWarning)

EVENTS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}
COMMITS = [
    (deltalake, "write_deltalake"),
    (deltalake.DeltaTable, "create"),
    (deltalake.table.TableOptimizer, "compact"),
]


def kill_before(number: int, folder: str) -> None:
    """Let this process kill itself before its n-th step in the folder."""
    left = number

    def step() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if event in EVENTS and str(arguments[0]).startswith(folder):
            step()

    def around(function: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*arguments: Any, **options: Any) -> Any:
            step()
            made = function(*arguments, **options)
            step()
            return made

        return stepping

    sys.addaudithook(count)
    for home, name in COMMITS:
        setattr(home, name, around(getattr(home, name)))


def attempt(url: str, token: str, form: Any, folder: Path, ids: list[str], step: int | None = None) -> bool:
    """Bring a dataset in step in a child; returns whether it was killed."""
    child = os.fork()
    if not child:
        try:
            # Three files or commits are many here, so that each sync puts files together.
            vars(sys.modules["run_results.sync.delta"]).update(_MOST_FILES=2, _MOST_COMMITS=2)
            with Client(token=token, base_url=url) as client:
                if step is not None:
                    kill_before(step, str(folder))
                sync(client, ids, folder, format=form, runs_per_batch=3, jobs=1)
        except BaseException as error:  # noqa: BLE001 - the exit code says so
            print(step, repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or status == 0, status
    return os.WIFSIGNALED(status)


def main(url: str, token: str, form: str, folder: str, first: int, stride: int, *ids: str) -> None:
    """Kill one child after the other."""
    for number in itertools.count(first, stride):
        work = Path(folder, f"work-{number}")
        shutil.copytree(Path(folder, "old"), work)
        if not attempt(url, token, form, work, list(ids), number):
            shutil.rmtree(work)
            break
        assert not attempt(url, token, form, work, list(ids))
    print((number - first) // stride)


if __name__ == "__main__":
    url, token, form, folder, first, stride, *ids = sys.argv[1:]
    main(url, token, form, folder, int(first), int(stride), *ids)

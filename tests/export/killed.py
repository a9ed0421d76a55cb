"""A process that exports a run again and again in children, and kills each at some moment: run by a test, not imported.

    python killed.py URL TOKEN RUN_ID FOLDER KILLS SEED FORM
    python killed.py URL TOKEN RUN_ID FOLDER STRIDE NEW_URL overwrite-FORM

Everything is imported before the first child is forked, so that a child costs milliseconds. When a child gets to the
end, the next one begins a new export. Prints how many children were killed at work, and how many exports there are.

With overwrite, each child replaces an export of the run as URL has it by one as NEW_URL has it, and kills itself before
the n-th step on the disk: n grows by STRIDE until a child gets to the end. Prints how many were killed, and how often
the old export and the new one were there then.
"""

import itertools
import os
import random
import shutil
import signal
import sys
import time
import warnings
from pathlib import Path

import httpx
import pyarrow.csv
import pyarrow.parquet

from run_results import Client
from run_results.export import job, merge
from run_results.http import sender
from run_results.tables import wide, writers

assert all((httpx, pyarrow.csv, pyarrow.parquet, sender, job, merge, wide, writers))  # imported for the children
# Python warns of a fork beside threads; those of pyarrow and deltalake have nothing to do, and hold no lock.
warnings.filterwarnings("ignore", "This process", DeprecationWarning)


def attempt(url: str, token: str, run_id: str, path: Path, form: str) -> int:
    """Continue an export in a child; returns its process id."""
    child = os.fork()
    if child:
        return child
    try:
        with Client(token=token, base_url=url) as client:
            client.export(run_id, path, rows_per_part=1, resume=True, single_file=form == "single")
    except BaseException as error:  # noqa: BLE001 - the exit code says so
        print(repr(error), file=sys.stderr)
        os._exit(1)
    os._exit(0)


def main(url: str, token: str, run_id: str, folder: str, kills: int, seed: int, form: str) -> None:
    """Kill until there were enough kills; the last export is not disturbed."""
    draw = random.Random(seed)
    times = []
    for number in range(2):
        began = time.monotonic()
        child = attempt(url, token, run_id, Path(folder, str(number)), form)
        assert os.waitpid(child, 0)[1] == 0
        times.append(time.monotonic() - began)
    number, killed, whole = 2, 0, min(times)
    for _ in range(50 * kills):
        child = attempt(url, token, run_id, Path(folder, str(number)), form)
        if killed < kills:
            time.sleep(draw.uniform(0, whole))
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            killed += 1
        else:
            assert status == 0, status
            number += 1
            if killed >= kills:
                break
    print(killed, number)


STEPS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "ctypes.dlsym"}
"""What Python reports before it does it: files opened, renamed and removed, and the exchange of two folders."""


def kill_before(step: int, folder: str) -> None:
    """Let this process kill itself before its n-th step in the folder."""
    left = step

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in STEPS and (event == "ctypes.dlsym" or str(arguments[0]).startswith(folder)):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def contents(path: Path) -> dict[str, bytes]:
    """Every file of an export, without what says of it."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return {str(each.relative_to(path.parent)): each.read_bytes() for each in files if each.name[0] not in "._"}


def overwrite(url: str, token: str, run_id: str, folder: str, stride: int, new_url: str, form: str) -> None:
    """Replace an export, with a kill before each step."""
    name = "out.csv" if form == "file" else "out"
    options = {"rows_per_part": 1, "tables": ["files"], "single_file": form == "single"}
    old, new = Client(token=token, base_url=url), Client(token=token, base_url=new_url)
    wholes = []
    for client, place in ((old, "old"), (new, "new")):
        client.export(run_id, Path(folder, place, name), **options)
        wholes.append(contents(Path(folder, place, name)))
    assert wholes[0] != wholes[1]
    found = [0, 0]
    for step in itertools.count(1, stride):
        work = Path(folder, "work")
        shutil.copytree(Path(folder, "old"), work)
        child = os.fork()
        if not child:
            try:
                with Client(token=token, base_url=new_url) as client:
                    kill_before(step, str(work))
                    client.export(run_id, work / name, overwrite=True, **options)
            except BaseException as error:  # noqa: BLE001 - the exit code says so
                print(repr(error), file=sys.stderr)
                os._exit(1)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if not os.WIFSIGNALED(status):
            assert status == 0, status
            break
        there = contents(work / name)
        assert there in wholes, (step, sorted(there))
        found[wholes.index(there)] += 1
        # What was killed is continued, or begun once more; what had been whole is put in its place.
        again = {"resume": True} if step % 2 else {"overwrite": True}
        if again.get("resume") and there == wholes[0] and not list(work.glob(".*.next/*")):
            again = {"overwrite": True}  # it had not begun
        new.export(run_id, work / name, **again, **options)
        assert contents(work / name) == wholes[1], (step, again)
        left = {path.name for path in work.iterdir()} - {name, f".{name}.export.json"}
        assert not left, (step, left)
        shutil.rmtree(work)
    print(sum(found), *found)


if __name__ == "__main__":
    url, token, run_id, folder, kills, seed, form = sys.argv[1:]
    if form.startswith("overwrite-"):
        overwrite(url, token, run_id, folder, int(kills), seed, form.removeprefix("overwrite-"))
    else:
        main(url, token, run_id, folder, int(kills), int(seed), form)

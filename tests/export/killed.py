"""A process that exports a run again and again in children, and kills each at some moment: run by a test, not imported.

    python killed.py URL TOKEN RUN_ID FOLDER KILLS SEED FORM

Everything is imported before the first child is forked, so that a child costs milliseconds. When a child gets to the
end, the next one begins a new export. Prints how many children were killed at work, and how many exports there are.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import httpx
import pyarrow.csv
import pyarrow.parquet

from run_results import Client
from run_results.export import job, merge
from run_results.http import sender
from run_results.tables import wide, writers

assert all((httpx, pyarrow.csv, pyarrow.parquet, sender, job, merge, wide, writers))  # imported for the children


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


if __name__ == "__main__":
    url, token, run_id, folder, kills, seed, form = sys.argv[1:]
    main(url, token, run_id, folder, int(kills), int(seed), form)

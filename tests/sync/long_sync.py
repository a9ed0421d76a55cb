"""A sync of many runs, in a process that a test kills.

    python -m tests.sync.long_sync URL TOKEN FORMAT FOLDER RUNS ASKED

Each run has the one page of the run `r` of the server. The file ASKED gets the id of each run that is asked for, in a
line. Prints what was done.
"""

import sys
from pathlib import Path
from typing import Any

from run_results import Client, Include
from run_results.sync import sync

from .kit import Alike


def main(url: str, token: str, form: Any, folder: str, runs: int, asked: str) -> None:
    """Bring the dataset in step."""
    with Client(token=token, base_url=url) as client, Path(asked).open("a", 1, "utf-8") as log:
        alike: Any = Alike(client.page("r", include=Include.ALL), lambda run_id: log.write(run_id + "\n"))
        print(sync(alike, [f"run-{number}" for number in range(runs)], folder, format=form).describe())


if __name__ == "__main__":
    url, token, form, folder, runs, asked = sys.argv[1:]
    main(url, token, form, folder, int(runs), asked)

"""Which files of the runs were read, which were not, and how many requests would read all of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from math import ceil
from typing import Any

from attrs import frozen

from .exchange import ObservedRun

_SPARE = 10  # requests that are suggested beyond those that are counted: answers differ from time to time
_MOST_NAMED = 12  # runs


@frozen
class Unread:
    """What was not read of one run: how many of its files were read without flags and with all flags.

    `total` is None where the end of the run was not reached. `requests` is how many more would read the rest; where the
    end is not known, perhaps more than so many.
    """

    run_id: str
    lean: int
    full: int
    total: int | None
    requests: int

    def __str__(self) -> str:
        if self.total is None:
            return (
                f"run {self.run_id}: its end was not reached; "
                f"{self.lean} files were read without flags, {self.full} with all flags"
            )
        return (
            f"run {self.run_id}: {self.lean} of {self.total} files were read without flags, {self.full} with all flags"
        )


def unread(runs: Iterable[ObservedRun]) -> list[Unread]:
    """The runs of which some files were not read both without flags and with all flags."""
    found: list[Unread] = []
    for run in runs:
        total = run.known.files if run.end is None else run.end
        lean, full = (_read(files, total) for files in (run.lean, run.full))
        if run.changed or (run.end is not None and lean >= run.end and full >= run.end):
            continue
        size = max(len(run.first.files), 1)
        whole = 2 * max(lean, full, size) if total is None else total  # as much again, perhaps
        # A walk goes on at the first gap, and reads what comes after it again.
        gaps = (next(index for index in count() if index not in files) for files in (run.lean, run.full))
        requests = sum(ceil(max(whole - gap, 0) / size) for gap in gaps) + (run.end is None)
        found.append(Unread(run.id, lean, full, total, requests))
    return found


def _read(files: Mapping[int, Any], total: int | None) -> int:
    return sum(total is None or index < total for index in files)


def describe_unread(found: Sequence[Unread], sent: int, allowing: Callable[[int], int] | None = None) -> list[str]:
    """What was not read, in lines. The last one says how many requests are enough, beside `sent` ones.

    `allowing` gives how many must be allowed for that, where some of them are for something else.
    """
    if not found:
        return []
    lines = [str(each) for each in found[:_MOST_NAMED]]
    if len(found) > _MOST_NAMED:
        lines.append(f"and files of {len(found) - _MOST_NAMED} more runs")
    enough = sent + sum(each.requests for each in found) + _SPARE
    enough = enough if allowing is None else allowing(enough)
    least = "at least " if any(each.total is None for each in found) else ""
    return [*lines, f"to read all files, allow {least}{enough} requests: --max-requests {enough}"]

"""Which part of the list of runs to ask for next, and which runs of an answer are new; without sending anything.

Runs come and go while the list is read. A run that leaves it (it is deleted, or no longer has the status that was asked
for) moves all later ones to lower offsets, so that the next page would begin behind a run that nobody has seen. Two
things prevent that:

- Where a page has got further in time, the next one is asked for from that time on, at offset 0.
- Else the next page is asked for from the last known run on, and not from behind it. If it does not begin with a known
  run, the list has moved: the page is asked for again from further back, at last from offset 0, until it joins.

So a page that is taken follows what is known without a gap, and every run that is in the list all the time comes. This
takes for granted that the runs that stay keep their order. Where fewer runs are known than have a place before the next
page, one was added there, or the order is not kept: then all these places are read again.

Where a page has a single run, the next one cannot begin with a known run. It is asked for from behind the last known
run; then this one is asked for again, and where it still has its place, nothing has moved.

A run without id is a breach of the contract, and still comes: it is known by its start and whatever else of it stays as
it is (`_keys`).

An end is not believed at once where a run has come that is not read, or where all known runs are gone: the list is then
read again from `begin` on.
"""

from collections import Counter
from collections.abc import Sequence

from run_results import errors
from run_results.run_list.window import NANOSECONDS
from run_results.text import quote
from run_results_api.models import RunSummary

_PATIENCE = 50
"""So many answers in a row may have no new run and not be the end, and one more for each run that is read again."""


class Listing:
    """Where the reading of the list stands. Memory grows with the list, by the key of each run (`_keys`)."""

    def __init__(self, begin: int, end: int) -> None:
        self.begin = begin
        """The second to ask from."""
        self.end = end
        """The second to ask to."""
        self.offset = 0
        """The offset to ask for, among the runs from `begin` on."""
        self.is_complete = False
        """Whether the end was reached."""
        self._seen: set[str] = set()
        # From `begin` on: the runs that are known, with their starts, and how many places they take.
        self._known: dict[str, int] = {}
        self._place = 0
        self._last = ""
        self._back = 0  # how many of these places the page that is asked for has again
        self._behind: Sequence[RunSummary] | None = None  # what came behind the last known run, if that has not moved
        self._has_pages = False  # whether the server gives several runs at a time
        self._left_out: set[str] = set()  # runs of answers that did not join
        self._is_doubted = False  # whether the list was begun anew, and no new run has come since
        self._fruitless = 0  # answers since the last new run

    def read(self, runs: Sequence[RunSummary]) -> list[RunSummary]:
        """Read the answer to what was asked for; returns the runs that did not come before. Raises a `PagingError`."""
        self._check(runs)
        asked, behind, self._behind = self.offset, self._behind, None
        self._has_pages |= len(runs) > 1
        new: list[RunSummary] = []
        if self.offset and self.offset == self._place and not self._joins(runs):
            self._behind = runs
            self.is_complete = not runs and self._has_pages
            self._step_back()
        elif behind is not None and _keys(runs) == [self._last] and self._joins(runs):
            self._check_order(behind, runs[0].start_timestamp)
            self.offset, self.is_complete = self._place, not behind
            new = self._take(behind)
        elif self._joins(runs):
            self.is_complete = not runs
            new = self._take(runs)
        else:
            self._step_back()
        self._left_out |= set(_keys(runs))
        self._left_out -= self._seen
        self._is_doubted &= not new
        is_emptied = not runs and asked == 0 and bool(self._seen) and not self._is_doubted
        if self.is_complete and (self._left_out or is_emptied):
            self._restart()
        self._fruitless = 0 if new else self._fruitless + 1
        if self._fruitless > _PATIENCE + len(self._known):
            raise errors.PageRepeated(
                f"{self._fruitless} answers in a row had no new run, and the list does not end: the server repeats"
                " itself, or sorts runs of the same second differently each time",
                advice=errors.ContractError.advice,
            )
        return new

    def _check(self, runs: Sequence[RunSummary]) -> None:
        """Each run is of the window that was asked for, give or take a second, and the runs are sorted by start."""
        first, last = (self.begin - 1) * NANOSECONDS, (self.end + 1) * NANOSECONDS
        for run in runs:
            start = run.start_timestamp
            if not first <= start <= last:
                raise errors.RunOutOfWindow(
                    f"{_name(run)} started at {start} ns, and asked for were runs from second {self.begin}"
                    f" to {self.end}"
                )
        self._check_order(runs, first)

    def _check_order(self, runs: Sequence[RunSummary], before: int) -> None:
        """The runs started in this order, none in a second before that of `before`."""
        for run in runs:
            if run.start_timestamp // NANOSECONDS < before // NANOSECONDS:
                raise errors.RunsOutOfOrder(f"{_name(run)} stands behind one that started later")
            before = run.start_timestamp

    def _joins(self, runs: Sequence[RunSummary]) -> bool:
        """Whether no run can be between those that are known and these."""
        if self.offset == 0:
            return True
        return bool(runs) and self._known.get(*_keys(runs[:1])) == runs[0].start_timestamp

    def _step_back(self) -> None:
        """Ask again, from further back."""
        self._back = max(1, 2 * self._back)
        self.offset = max(0, self._place - self._back)

    def _restart(self) -> None:
        """Read the list again from `begin` on: it ended where a run was that had come, which need not have left it."""
        self.offset = self._place = self._back = 0
        self._known, self._left_out, self._is_doubted, self.is_complete = {}, set(), True, False

    def _take(self, runs: Sequence[RunSummary]) -> list[RunSummary]:
        """Take a page that joins, and decide what to ask for next."""
        if not runs:
            return []
        keys = _keys(runs)
        new = {key: run for key, run in zip(keys, runs, strict=True) if key not in self._seen}
        self._seen.update(new)
        self._known.update((key, run.start_timestamp) for key, run in zip(keys, runs, strict=True))
        self._place, self._last = self.offset + len(runs), keys[-1]
        # The last second is asked for again as a whole, because runs of it may follow; and the one before it, too,
        # because the server may read the bound as one that is not wanted. Not where that is half of the page or more.
        later = runs[-1].start_timestamp // NANOSECONDS - 1
        if later > self.begin and runs[(len(runs) - 1) // 2].start_timestamp // NANOSECONDS < later:
            self.begin, self._place, self._known = later, 0, {}
        elif len(self._known) < self._place:
            self._place = 0
        self._back = 1 if self._place and len(runs) > 1 else 0
        self.offset = self._place - self._back
        return list(new.values())


def _keys(runs: Sequence[RunSummary]) -> list[str]:
    """What each run of an answer is known by: its id.

    Without one, what does not change while a run is at work. Of several that are alike in that, how many of them stand
    before it in the answer counts, too.
    """
    keys, alike = [], Counter[str]()
    for run in runs:
        key: object = run.id
        if not isinstance(key, str):  # no printable id begins with a line break
            key = f"\n{(run.start_timestamp, run.batch_id, run.input_dir, run.app_id, run.deployment_id)}"
            alike[key] += 1
            key = f"{key} {alike[key]}"
        keys.append(key)
    return keys


def _name(run: RunSummary) -> str:
    """The run in a message."""
    return f"run {quote(run.id, 200)}" if isinstance(run.id, str) else "a run without id"

"""A list of runs that changes while it is read, and the ways in which servers answer for it."""

from collections.abc import Callable
from typing import Any

from attrs import define, field
from hypothesis import strategies as st

from run_results_api.models import RunStatus, RunSummary
from run_results_api.types import UNSET

Change = tuple[str, int, int]
"""What changes, the place in the list, and a start."""
SECOND = 10**9
START = 1_756_252_800
"""The second in which the runs of the tests begin."""

FROM: dict[str, Callable[[int, int], bool]] = {
    "from the second on": lambda start, bound: start >= bound * SECOND,
    "behind the moment": lambda start, bound: start > bound * SECOND,
    "behind the second": lambda start, bound: start // SECOND > bound,
    "rounded": lambda start, bound: round(start / SECOND) >= bound,
}
TO: dict[str, Callable[[int, int], bool]] = {
    "before the moment": lambda start, bound: start < bound * SECOND,
    "the moment, too": lambda start, bound: start <= bound * SECOND,
    "the second, too": lambda start, bound: start // SECOND <= bound,
    "rounded": lambda start, bound: round(start / SECOND) <= bound,
}
"""How a server may read the bounds of the window."""


def run(name: str, start: int, status: str = "COMPLETE", **more: Any) -> RunSummary:
    """A run that started so many nanoseconds after `START`."""
    return RunSummary(id=name, status=RunStatus(status), start_timestamp=START * SECOND + start, **more)


@define
class MovingList:
    """A server's list of runs."""

    runs: dict[str, RunSummary] = field(factory=dict)
    cap: int = 100
    """The most runs of a page."""
    reads_from: Callable[[int, int], bool] = FROM["from the second on"]
    reads_to: Callable[[int, int], bool] = TO["before the moment"]
    status: str | None = None
    """The status that is asked for."""
    asked: int = 0
    stayed: set[str] = field(factory=set)
    """The runs that were there all the time, just as they are."""
    ever: dict[str, RunSummary] = field(factory=dict)
    restarted: set[str] = field(factory=set)
    """The runs that got another start."""

    def __attrs_post_init__(self) -> None:
        self.stayed = set(self.runs)
        self.ever = dict(self.runs)

    def fits(self, run: RunSummary) -> bool:
        """Whether a run has the status that is asked for."""
        return self.status is None or run.status == self.status

    def page(self, begin: int, end: int, offset: int) -> list[RunSummary]:
        """A page, sorted by start; runs of the same start in the order in which they came."""
        self.asked += 1
        found = [
            run
            for run in self.runs.values()
            if self.fits(run)
            and self.reads_from(run.start_timestamp, begin)
            and self.reads_to(run.start_timestamp, end)
        ]
        return sorted(found, key=lambda run: run.start_timestamp)[offset : offset + self.cap]

    def change(self, kind: str, place: int, start: int) -> None:
        """Add a run, or change the one at a place.

        Where a page has one run, runs leave, and come at the end: else nobody could read the list.
        """
        names = list(self.runs)
        if self.cap == 1:
            kind = "add" if kind == "add" else "remove"
            start = max([start, *(run.start_timestamp + 1 - START * SECOND for run in self.runs.values())])
        if kind == "add":
            name = f"new-{len(self.ever)}"
            self.runs[name] = self.ever[name] = run(name, start)
            return
        if not names:
            return
        name = names[place % len(names)]
        self.stayed.discard(name)
        if kind == "remove":
            del self.runs[name]
        elif kind == "restart":
            self.restarted.add(name)
            self.runs[name] = _with(self.runs[name], start_timestamp=START * SECOND + start)
        else:
            new = RunStatus.RUNNING if self.runs[name].status == RunStatus.COMPLETE else RunStatus.COMPLETE
            self.runs[name] = _with(self.runs[name], status=new)


def without_id(run: RunSummary) -> RunSummary:
    """The run as a server lists it that breaks the contract; its name is its folder."""
    return _with(run, id=UNSET, input_dir=run.id)


def _with(run: RunSummary, **changes: Any) -> RunSummary:
    return RunSummary(**{name: getattr(run, name) for name in run.__struct_fields__} | changes)


# Few seconds, so that many runs share one, and few moments in them.
starts = st.builds(
    lambda second, part: second * SECOND + part,
    st.sampled_from([0, 0, 0, 1, 2, 3, 5, 60, 3600]),
    st.sampled_from([0, 0, 1, SECOND // 2, SECOND - 1]),
)
changes = st.tuples(st.sampled_from(["add", "remove", "remove", "restart", "status"]), st.integers(0, 100), starts)


@st.composite
def moving_lists(draw: st.DrawFn) -> MovingList:
    """Lists with different contents, page sizes and bounds."""
    runs = [
        run(f"run-{number}", start, draw(st.sampled_from(["COMPLETE", "RUNNING"])))
        for number, start in enumerate(draw(st.lists(starts, max_size=25)))
    ]
    return MovingList(
        {each.id: each for each in runs},
        cap=draw(st.integers(1, 6)),
        reads_from=FROM[draw(st.sampled_from(sorted(FROM)))],
        reads_to=TO[draw(st.sampled_from(sorted(TO)))],
        status=draw(st.sampled_from([None, "COMPLETE"])),
    )


scripts = st.lists(st.lists(changes, max_size=3), max_size=25)
"""What changes before each answer."""

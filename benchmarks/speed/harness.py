"""Cases, and how the contenders of a case are measured side by side.

The contenders of a case take turns: a round runs each of them once, in an order that changes from round to round. So
other work of the machine slows all of them equally. Each round gives a ratio; the results are the median and the
quartiles of the ratios.
"""

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path


class SkipCase(Exception):
    """Raised by a case that cannot run here; the message says why."""


@dataclass(frozen=True)
class Target:
    """The wanted ratio of one contender to another.

    `Target("ours", "orjson", most=1.0)`: our number is at most 1.0 times that of orjson.
    `Target("ours", "vendor", least=18)`: the vendor's number is at least 18 times ours.
    """

    ours: str
    against: str
    most: float | None = None
    least: float | None = None

    def ratio(self, ours: float, against: float) -> float:
        """The ratio that the target limits."""
        return ours / against if self.most is not None else against / ours

    def is_met(self, ratio: float) -> bool:
        """Whether this ratio meets the target."""
        return ratio <= self.most if self.most is not None else ratio >= (self.least or 0)

    def __str__(self) -> str:
        return f"≤ {self.most:g}×" if self.most is not None else f"≥ {self.least:g}×"


@dataclass(frozen=True)
class Case:
    """Contenders that do the same work."""

    name: str
    """Short and unique, such as `decode-heavy`; for `--only`."""
    title: str
    """The heading in the results."""
    contenders: Mapping[str, Callable[[], object]]
    """A function for each contender, by the name that the results show. One call is one measurement. Preparation does
    not belong here. A case without contenders has only a note."""
    targets: Sequence[Target] = ()
    check: Callable[[Mapping[str, object]], None] | None = None
    """Gets what each contender returned in its last run; raises AssertionError if they did not do the same work."""
    clock: str = "cpu"
    """`cpu`: processor time of this thread. `process`: that of all threads, for contenders that start threads.
    `wall`: the time that passes. `value`: nothing is timed; a contender returns the number, in `unit`."""
    unit: str = "ms"
    """The unit of the numbers; `ms` for every clock but `value`."""
    rounds: int = 25
    quick_rounds: int = 3
    note: str = ""
    """A paragraph for the results, in Markdown."""
    notes: Callable[[Mapping[str, Sequence[float]]], str] | None = None
    """Makes a second note from the numbers of all rounds, by contender, in `unit`."""


@dataclass(frozen=True)
class Setting:
    """How a case file shall prepare its cases."""

    quick: bool
    """Whether the work shall be small, because time matters more than exact numbers."""
    folder: Path
    """A folder on `sys.path` for this run, which is removed at the end."""
    only: str = ""
    """The name of the case that is wanted."""

    def wants(self, name: str) -> bool:
        """Whether a case is wanted whose name begins with `name`. Cases with a long preparation ask this first."""
        return self.only.startswith(name)


@dataclass
class Outcome:
    """The result of a case."""

    case: Case
    numbers: dict[str, list[float]] = field(default_factory=dict)
    """One number for each round, by contender."""
    text: str = ""

    def ratios(self, target: Target) -> list[float]:
        """The target's ratio in each round, in ascending order."""
        pairs = zip(self.numbers[target.ours], self.numbers[target.against], strict=True)
        return sorted(target.ratio(ours, against) for ours, against in pairs)


_CLOCKS: dict[str, Callable[[], float]] = {
    "cpu": time.thread_time,
    "process": time.process_time,
    "wall": time.perf_counter,
}


def measure(case: Case, *, quick: bool = False, rounds: int | None = None) -> Outcome:
    """Run a case: each contender once without measuring, then the rounds, then each once more to check the results.

    The check comes last, because it makes and frees many objects, which fragments memory. The outcome has no
    contenders, so that it can be pickled for another process.
    """
    for run in case.contenders.values():
        run()
    numbers: dict[str, list[float]] = {name: [] for name in case.contenders}
    order, shuffler = list(case.contenders), random.Random(case.name)
    # The collector shall not visit the objects of the harness and of the imported peers during a measurement.
    gc.collect()
    gc.freeze()
    try:
        for _ in range(_rounds(case, quick, rounds) if order else 0):
            # A heavy contender leaves cold caches to the next one. So the order changes.
            shuffler.shuffle(order)
            for name in order:
                numbers[name].append(_once(case, case.contenders[name]))
    finally:
        gc.unfreeze()
    if case.check is not None:
        case.check({name: run() for name, run in case.contenders.items()})
    text = "\n\n".join(text for text in (case.note, case.notes(numbers) if case.notes else "") if text)
    return Outcome(replace(case, contenders={}, check=None, notes=None), numbers, text)


def _rounds(case: Case, quick: bool, most: int | None) -> int:
    rounds = case.quick_rounds if quick else case.rounds
    return rounds if most is None else min(rounds, most)


def _once(case: Case, run: Callable[[], object]) -> float:
    gc.collect()
    if case.clock == "value":
        value = run()
        assert isinstance(value, int | float), f"a contender of {case.name} returned no number"
        return float(value)
    clock = _CLOCKS[case.clock]
    started = clock()
    result = run()
    spent = clock() - started
    del result  # freeing the result is not measured
    return spent * 1e3


def spread(numbers: Sequence[float]) -> tuple[float, float, float]:
    """The lower quartile, the median and the upper quartile."""
    if len(numbers) < 2:
        return numbers[0], numbers[0], numbers[0]
    low, middle, high = statistics.quantiles(numbers, n=4, method="inclusive")
    return low, middle, high

"""What a case is, and how its contenders are measured side by side.

Contenders of one case take turns: one round runs each of them once, in an order that changes from round to round, so
that what else the machine does at that moment hits all of them alike. A ratio is taken within a round, and the median
and the quartiles of these ratios are what is reported.
"""

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path


class SkipCase(Exception):
    """Raised by a case file that cannot run here; its text says why."""


@dataclass(frozen=True)
class Target:
    """What is wanted of the ratio of one contender to another.

    `Target("ours", "orjson", most=1.0)`: our number is at most 1.0 times that of orjson.
    `Target("ours", "vendor", least=18)`: the vendor's number is at least 18 times ours.
    """

    ours: str
    against: str
    most: float | None = None
    least: float | None = None

    def ratio(self, ours: float, against: float) -> float:
        """The ratio that the target speaks of."""
        return ours / against if self.most is not None else against / ours

    def is_met(self, ratio: float) -> bool:
        """Whether this ratio is what is wanted."""
        return ratio <= self.most if self.most is not None else ratio >= (self.least or 0)

    def __str__(self) -> str:
        return f"≤ {self.most:g}×" if self.most is not None else f"≥ {self.least:g}×"


@dataclass(frozen=True)
class Case:
    """Contenders that do the same work."""

    name: str
    """Short and unique, such as `decode-heavy`; what `--only` takes."""
    title: str
    """The heading in the results."""
    contenders: Mapping[str, Callable[[], object]]
    """One run of each, by the name that the results show. Setting up does not belong in here. A case without any is a
    note alone."""
    targets: Sequence[Target] = ()
    check: Callable[[Mapping[str, object]], None] | None = None
    """Gets what each contender returned in its last run; raises AssertionError where they did not do the same work."""
    clock: str = "cpu"
    """`cpu`: seconds of processor time of this thread. `process`: of all threads, where contenders start some and
    nothing else runs meanwhile. `wall`: seconds that passed. `value`: nothing is timed; what a contender returns is the
    number, in `unit`."""
    unit: str = "ms"
    """Of the numbers in the results; `ms` for both clocks."""
    rounds: int = 25
    quick_rounds: int = 3
    note: str = ""
    """A paragraph for the results, in Markdown."""
    notes: Callable[[Mapping[str, Sequence[float]]], str] | None = None
    """Makes a further one from the numbers of all rounds, by contender, in `unit`."""


@dataclass(frozen=True)
class Setting:
    """What a case file is given."""

    quick: bool
    """Whether time matters more than steady numbers: make the work smaller."""
    folder: Path
    """A folder for this run, on `sys.path`; removed at its end."""
    only: str = ""
    """The name of the case that is wanted."""

    def wants(self, name: str) -> bool:
        """Whether a case whose name begins so is wanted: what takes long to set up asks first."""
        return self.only.startswith(name)


@dataclass
class Outcome:
    """What a case came to."""

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
    """Run a case: a trial of each contender, the rounds, and a last run of each, whose results are checked.

    They are checked at the end because a check takes everything apart, which leaves memory in pieces. The outcome holds
    no contenders any more, so that it can be sent to another process.
    """
    for run in case.contenders.values():
        run()
    numbers: dict[str, list[float]] = {name: [] for name in case.contenders}
    order, dealer = list(case.contenders), random.Random(case.name)
    # What the harness and the imported peers keep is no work of the contenders: their collections shall not visit it.
    gc.collect()
    gc.freeze()
    try:
        for _ in range(_rounds(case, quick, rounds) if order else 0):
            # Shuffled, because who comes right after a heavy contender finds cold caches: each shall now and then.
            dealer.shuffle(order)
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
    del result  # taking it apart again is not what is measured
    return spent * 1e3


def spread(numbers: Sequence[float]) -> tuple[float, float, float]:
    """The lower quartile, the median and the upper quartile."""
    if len(numbers) < 2:
        return numbers[0], numbers[0], numbers[0]
    low, middle, high = statistics.quantiles(numbers, n=4, method="inclusive")
    return low, middle, high

"""How often each rule was judged and broken, and the verdicts that come of it."""

from collections import Counter
from collections.abc import Callable, Iterable

from attrs import define, evolve, field

from .report import Failure, Verdict
from .rules import BY_ID, RULES

_MOST_KEPT = 60  # failures of a rule of which the details are kept
_MOST_SHOWN = 3  # of those, the smallest cases are shown

Weight = tuple[int, ...]
"""Of two failures the one with the smaller weight is shown first."""


@define
class _Count:
    # By the id of the run that must not have changed, None where that does not matter.
    judged: Counter[str | None] = field(factory=Counter)
    broken: Counter[str | None] = field(factory=Counter)
    failures: list[tuple[Weight, str | None, Failure, Callable[[], str]]] = field(factory=list)


class Tally:
    """Counts judgements of the `rules` that are judged; the others cost nothing."""

    def __init__(self, rules: frozenset[str]) -> None:
        self._rules = rules
        self._counts = {rule.id: _Count() for rule in RULES}
        self._reasons: dict[str, str] = {}
        self._times: dict[int, tuple[float, set[str]]] = {}  # of each exchange, with the rules that it was judged by

    def wants(self, *rules: str) -> bool:
        """Whether any of these rules is to be judged."""
        return not self._rules.isdisjoint(rules)

    def count(self, rule: str, run_id: str | None, *, kept: bool) -> None:
        """Counts a judgement."""
        self._counts[rule].judged[run_id] += 1
        if not kept:
            self._counts[rule].broken[run_id] += 1

    def note_time(self, rule: str, exchange: int, seconds: float) -> None:
        """Notes that a rule was judged by an exchange, which took so long."""
        self._times.setdefault(exchange, (seconds, set()))[1].add(rule)

    def void(self, reason: str) -> None:
        """Forgets everything that was judged: it was not the server that answered."""
        for rule in self._counts:
            self._counts[rule] = _Count()
            self._reasons[rule] = reason
        self._times.clear()

    def restart(self, rules: Iterable[str]) -> None:
        """Forgets what was judged of these rules, to judge it anew."""
        for rule in rules:
            self._counts[rule] = _Count()

    def wants_failure(self, rule: str) -> bool:
        """Whether there is room for the details of one more failure of this rule."""
        return len(self._counts[rule].failures) < _MOST_KEPT

    def add_failure(
        self, weight: Weight, run_id: str | None, failure: Failure, excerpt: Callable[[], str] = lambda: ""
    ) -> None:
        """Keeps the details of a failure. `excerpt` makes the piece of the answer, if the failure is shown."""
        self._counts[failure.rule].failures.append((weight, run_id, failure, excerpt))

    def judged(self, rule: str) -> int:
        """How often a rule was judged so far."""
        return self._counts[rule].judged.total()

    def broken(self, rule: str) -> bool:
        """Whether a rule was broken so far."""
        return self._counts[rule].broken.total() > 0

    def give_reason(self, rule: str, reason: str) -> None:
        """Says why a rule could not be judged; the first reason stays."""
        self._reasons.setdefault(rule, reason)

    def give_reason_to(self, rules: Iterable[str], reason: str) -> None:
        """The same for several rules."""
        for rule in rules:
            self.give_reason(rule, reason)

    def forget(self, run_id: str) -> None:
        """Forgets what was judged of a run that has changed: its pages belong to different times."""
        for rule, count in self._counts.items():
            if count.judged.pop(run_id, 0):
                count.broken.pop(run_id, None)
                count.failures = [entry for entry in count.failures if entry[1] != run_id]
                self.give_reason(rule, f"run {run_id} changed while it was read")

    def verdicts(self) -> tuple[Verdict, ...]:
        """What came of every rule, in the order of the catalogue."""
        # The time of an exchange is shared by the rules that it was judged by, so that all add up.
        seconds = dict.fromkeys(BY_ID, 0.0)
        for taken, rules in self._times.values():
            for rule in rules:
                seconds[rule] += taken / len(rules)
        return tuple(evolve(self._verdict(rule), seconds=seconds[rule]) for rule in BY_ID)

    def _verdict(self, rule: str) -> Verdict:
        if rule not in self._rules:
            return Verdict(BY_ID[rule], 0, 0, (), "left out by --only or --skip", skipped=True)
        if not self.judged(rule):
            return Verdict(BY_ID[rule], 0, 0, (), self._reasons.get(rule) or f"needs {BY_ID[rule].needs}")
        count = self._counts[rule]
        # The smallest cases, each place of a body once.
        shown: dict[str, tuple[Failure, Callable[[], str]]] = {}
        for _, _, failure, excerpt in sorted(count.failures, key=lambda entry: entry[0]):
            shown.setdefault(failure.place, (failure, excerpt))
        failures = [evolve(failure, excerpt=excerpt()) for failure, excerpt in list(shown.values())[:_MOST_SHOWN]]
        return Verdict(BY_ID[rule], self.judged(rule), count.broken.total(), tuple(failures))

"""What a verification found. The texts in it are without the token, printable and short: see `sanitizer`."""

import re
from collections.abc import Container, Iterator
from enum import StrEnum

from attrs import field, frozen

from run_results_conformance.verifier.rules import Level, Rule

_NUMBER = re.compile(r"[0-9]+")


class Outcome(StrEnum):
    """What came of a rule."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_JUDGED = "not judged"


@frozen
class Failure:
    """One case of a broken rule: what was requested, what came, and where it differs from what the rule says.

    `case` says in words what was requested, `request` is a curl line with `$RUN_RESULTS_TOKEN` for the token, `status`
    is 0 where no answer came, `excerpt` what the answer has at the place, `path` a JSON path.
    """

    rule: str
    case: str
    request: str
    status: int
    excerpt: str
    path: str
    expected: str
    got: str

    @property
    def place(self) -> str:
        """The path with a star for each number: the same for the like of it in other items."""
        return _NUMBER.sub("*", self.path)

    def lines(self, *, without: Container[str] = ()) -> Iterator[tuple[str, str]]:
        """What people are shown of it: each a label and a text that is not empty; `without` some labels."""
        for label, text in (
            ("case", self.case),
            ("at", self.path if self.path != "$" else ""),
            ("expected", self.expected),
            ("got", self.got),
            ("request", self.request),
            ("answer", self.excerpt),
        ):
            if text and label not in without:
                yield label, text


@frozen
class Verdict:
    """What came of one rule: how often it was judged, how often it was broken, the smallest failures.

    `reason` says why it was not judged, where it was not. `skipped` says that it was left out on request.
    `seconds` is the time of the requests that it was judged by; rules that share a request share its time.
    """

    rule: Rule
    judged: int
    broken: int
    failures: tuple[Failure, ...]
    reason: str = ""
    skipped: bool = False
    seconds: float = field(default=0.0, eq=False)

    @property
    def outcome(self) -> Outcome:
        """Kept, broken or not judged."""
        return Outcome.BROKEN if self.broken else Outcome.KEPT if self.judged else Outcome.NOT_JUDGED


_CONCLUSIONS = ("The server conforms", "The server breaks the contract", "The server could not be judged")


@frozen
class Report:
    """What a verification found.

    `obstacles` say why something that should have been judged was not; `unread` which files were not read, and how many
    requests would do; `notes` what else a reader should know. With `policy` a broken POLICY rule counts as a breach.
    `asked` are the requests in their order, as curl lines. `operations` are those of the contract, each with what
    became of it: `judged`, `not judged`, `left out`, or `not offered`, which is no breach, because it is an addition.
    """

    url: str
    runs: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    obstacles: tuple[str, ...]
    notes: tuple[str, ...]
    requests: int
    seconds: float
    seed: int
    policy: bool = False
    asked: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    operations: tuple[tuple[str, str], ...] = ()

    @property
    def broken(self) -> tuple[Verdict, ...]:
        """The rules that were broken, those of level MUST first."""
        found = [verdict for verdict in self.verdicts if verdict.broken]
        return tuple(sorted(found, key=lambda verdict: verdict.rule.level is not Level.MUST))

    @property
    def breaches(self) -> tuple[Verdict, ...]:
        """The broken rules that make the verification fail."""
        return tuple(verdict for verdict in self.broken if self.is_breach(verdict))

    @property
    def not_judged(self) -> tuple[Verdict, ...]:
        """The rules that were to be judged and were not."""
        return tuple(each for each in self.verdicts if each.outcome is Outcome.NOT_JUDGED and not each.skipped)

    @property
    def reasons(self) -> dict[str, tuple[Verdict, ...]]:
        """The rules that were not judged, by the reason why."""
        found: dict[str, tuple[Verdict, ...]] = {}
        for verdict in self.not_judged:
            found[verdict.reason] = (*found.get(verdict.reason, ()), verdict)
        return found

    def is_breach(self, verdict: Verdict) -> bool:
        """Whether a verdict makes the verification fail."""
        return verdict.broken > 0 and (self.policy or verdict.rule.level is Level.MUST)

    @property
    def exit_code(self) -> int:
        """0: the server conforms, 1: there are breaches, 2: it could not be judged."""
        return 1 if self.breaches else 2 if self.obstacles else 0

    @property
    def conclusion(self) -> str:
        """The verdict in one sentence."""
        verdict = _CONCLUSIONS[self.exit_code]
        if not self.runs:  # what other answers showed is no verdict on the server
            return f"{verdict}: {count(len(self.broken), 'rule')} broken, and no run could be read."
        if self.unread and not self.exit_code:
            verdict += ", as far as its runs were read"
        kept = sum(each.outcome is Outcome.KEPT for each in self.verdicts)
        return f"{verdict}: {kept} rules kept, {len(self.broken)} broken, {len(self.not_judged)} not judged."

    @property
    def summary(self) -> str:
        """What was verified, in one sentence."""
        if not self.runs:
            return f"Could not verify {self.url}: no run could be read"
        return f"Verified {self.url} with {count(len(self.runs), 'run')}"

    @property
    def effort(self) -> str:
        """How many requests it took, how long, and the seed."""
        return f"{count(self.requests, 'request')} in {self.seconds:.1f} s, seed {self.seed}"

    @property
    def remarks(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The obstacles, what was not read, and the notes, each list that is not empty with its title."""
        lists = (("Could not be judged", self.obstacles), ("Not read", self.unread), ("Notes", self.notes))
        return tuple((title, lines) for title, lines in lists if lines)


def count(number: int, noun: str) -> str:
    """A number and its noun: `1 run`, `2 runs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""Asks for lists of runs, and asks again before a server is accused.

The list may change between two questions. So an answer breaks a rule only if it does so twice, and if the answers that
it is compared with are the same both times.
"""

from collections.abc import Callable, Sequence

from attrs import define, field

from run_results_conformance.verifier.connection import Request
from run_results_conformance.verifier.exchange import Exchange, Judgement
from run_results_conformance.verifier.session import Session

from .judgements import ALONE, Known
from .listing import ListedRun, Listing, read_listing

RISING = (("sort_by", "start_timestamp"), ("order", "ASCENDING"))
"""The parameters that sort runs, oldest first."""

_MOST_ROUNDS = 2  # in which the answers that are compared with may still change

Look = Callable[..., Judgement | None]
"""Judges lists, in the order of their requests; None where they say nothing."""


@define
class Questions:
    """Asks one server for lists of runs, and counts what they show."""

    session: Session
    _seen: set[Request] = field(factory=set, init=False)

    def request(self, *parameters: tuple[str, str | int]) -> Request:
        """A right request with these parameters."""
        return self.session.request.list_runs((name, str(value)) for name, value in parameters)

    def read(self, request: Request) -> Listing | None:
        """The list, None where the answer is none. What one list alone can break is judged the first time."""
        exchange = self.session.ask(request)
        listing = read_listing(exchange)
        if listing is not None and request not in self._seen:
            self._seen.add(request)
            listing = self._judge_alone(request, exchange, listing)
        return listing

    def _judge_alone(self, request: Request, exchange: Exchange, listing: Listing) -> Listing | None:
        tally = self.session.tally
        found = [each for look in ALONE if (each := look(listing)) is not None and tally.wants(each.rule)]
        if any(not each.kept and not tally.broken(each.rule) for each in found):
            exchange = self.session.ask(request, fresh=True)
            again = read_listing(exchange)
            if again is None:
                return None
            broken = {each.rule for each in found if not each.kept}
            found = [each for look in ALONE if (each := look(again)) is not None and (each.kept or each.rule in broken)]
            listing = again
        for each in found:
            self._count(each, exchange)
        return listing

    def judge(self, look: Look, accused: Request, *references: Request) -> bool | None:
        """Judges the list of a request, compared with others. Gives whether a rule is kept, None where that is open."""
        requests = (accused, *references)
        listings = self._read_all(requests)
        found = None if listings is None else look(*listings)
        if listings is None or found is None or not self.session.tally.wants(found.rule):
            return None
        if not found.kept and not self.session.tally.broken(found.rule):
            found = self._ask_again(look, requests, listings)
        if found is None:
            return None
        self._count(found, self.session.ask(accused))
        return found.kept

    def _ask_again(self, look: Look, requests: Sequence[Request], before: Sequence[Listing]) -> Judgement | None:
        """The breach, where it is still there once nothing else has changed; None where a change explains it."""
        for _ in range(_MOST_ROUNDS):
            listings = self._read_all(requests, fresh=True)
            found = None if listings is None else look(*listings)
            if listings is None or found is None or found.kept:
                return None
            if all(map(_same, before[1:], listings[1:])):
                return found
            before = listings
        return None

    def _read_all(self, requests: Sequence[Request], *, fresh: bool = False) -> list[Listing] | None:
        """The lists of all requests, those that are compared with first, when they are `fresh`."""
        if fresh:
            for request in (*requests[1:], requests[0]):
                self.session.ask(request, fresh=True)
        listings = [self.read(request) for request in requests]
        return [each for each in listings if each is not None] if None not in listings else None

    def _count(self, found: Judgement, exchange: Exchange) -> None:
        judge = self.session.judge
        judge(found.rule, found.kept, exchange, path=found.path, expected=found.expected, got=found.got)


def merged(pages: Sequence[Listing], last: int) -> Known:
    """The runs of the pages of one walk up to a moment, in nanoseconds, each once."""
    runs: dict[str, ListedRun] = {}
    for page in pages:
        for run in page.runs:
            if run.start <= last:
                runs.setdefault(run.id, run)
    return list(runs.values())


def _same(one: Listing, other: Listing) -> bool:
    return [(run.id, run.status, run.start) for run in one.runs] == [
        (run.id, run.status, run.start) for run in other.runs
    ]

"""What a run of schemathesis finds: its requests and answers, judged by our rules, and what its own checks say."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

from attrs import define, field, frozen

from run_results_conformance.verifier.body import NOTHING, Body
from run_results_conformance.verifier.budget import OutOfRequests, Unresponsive
from run_results_conformance.verifier.checks.run_lists.check import JUDGED, find_run_lists
from run_results_conformance.verifier.connection import Address, Answer, Request
from run_results_conformance.verifier.exchange import Exchange
from run_results_conformance.verifier.report import Report
from run_results_conformance.verifier.rules import BY_ID
from run_results_conformance.verifier.session import Session

from .rules import list_rule_of, rule_of

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, Response
    from schemathesis.engine.recorder import ScenarioRecorder

    AnyCase = Case[Any]

OURS = "run_results_rules"
"""The name under which our rules are one of schemathesis' checks."""
_LONGEST_WORDS = 400


@define
class Findings:
    """What a run of schemathesis finds: its requests and answers, judged by our rules."""

    session: Session
    runs: tuple[str, ...]
    max_requests: int
    ends: float
    requests: int = 0
    read: int = 0
    with_lists: bool = False
    boundaries: int = 0
    """How many requests with boundary values may be sent."""
    taken: Counter[str] = field(factory=Counter)
    """How many were, by path."""
    stop: Callable[[], object] = lambda: None
    seen: dict[str, Exchange] = field(factory=dict)
    obstacles: list[str] = field(factory=list)
    notes: list[str] = field(factory=list)

    def find_run_lists(self) -> None:
        """Asks once whether the server has the list of runs. One that does not have it is not asked for it."""
        with suppress(OutOfRequests, Unresponsive):
            self.with_lists = find_run_lists(self.session) == JUDGED
        self.session.connection.close()  # schemathesis sends over its own
        self.requests += len(self.session.exchanges)
        if self.with_lists:
            self.max_requests -= 2  # for each operation ignored_auth sends two that are not counted
        self.notes += self.session.notes

    def takes(self, case: "AnyCase") -> bool:
        """Whether a request is sent. Of those with boundary values, results get half, and the list gets the rest."""
        if case.meta is not None and case.meta.phase.name.value == "fuzzing":
            return True
        half = self.with_lists and case.path != self.list_path
        used = self.taken[case.path] if half else self.taken.total()
        if used >= (self.boundaries // 2 if half else self.boundaries):
            return False
        self.taken[case.path] += 1
        return True

    def check(self, _context: "CheckContext", response: "Response", case: "AnyCase") -> None:
        """Our rules for single exchanges, as a check of schemathesis. Raises AssertionError for broken rules."""
        broken = {rule for rule in BY_ID if self.session.tally.broken(rule)}
        self.judge_once(case, response.request, _answer(response))
        news = [rule for rule in BY_ID if self.session.tally.broken(rule) and rule not in broken]
        if news:
            raise AssertionError(", ".join(f"{BY_ID[rule].failure} ({rule})" for rule in news))

    def count(self) -> None:
        """Counts a request. Stops schemathesis after the last allowed request or second."""
        self.requests += 1
        if self.requests >= self.max_requests or time.monotonic() > self.ends:
            self.stop()

    def judge_once(self, case: "AnyCase", sent: Any, answer: Answer) -> Exchange:
        """Judges an exchange when it is seen first, and returns it."""
        found = self.seen.get(case.id)
        if found is not None:
            return found
        self.count()
        request = self._request(case, sent)
        # A busy answer is not judged. The session would ask again, which is not possible here.
        busy = answer.status in (429, 503)
        exchange = Exchange(0, request, answer, Body(NOTHING, {})) if busy else self._judge(request, answer)
        self.read += answer.status == 200 and request.parameters is None
        self.seen[case.id] = exchange
        return exchange

    def _judge(self, request: Request, answer: Answer) -> Exchange:
        try:
            return self.session.receive(request, answer)
        except (OutOfRequests, Unresponsive):
            self.stop()
            return Exchange(0, request, answer, Body(NOTHING, {}))

    def _request(self, case: "AnyCase", sent: Any) -> Request:
        """The request as it was sent; if it is a valid one, with what it asks for."""
        url = urlsplit(str(sent.url))
        session = self.session
        headers = tuple(
            (str(name), session.sanitizer.without_token(_text(value)))
            for name, value in sent.headers.items()
            if not name.lower().startswith("x-schemathesis")  # its own ids, which differ from run to run
        )
        target = session.sanitizer.without_token(url.path + (f"?{url.query}" if url.query else ""))
        if case.path == self.list_path:  # whatever the parameters are: nothing else makes it a list
            return Request(target, headers, str(sent.method), parameters=tuple(parse_qsl(url.query)))
        meta = case.meta
        if meta is None or not meta.generation.mode.is_positive or sent.method != "GET":
            return Request(target, headers, str(sent.method))
        query = parse_qs(url.query, keep_blank_values=True)
        asked = frozenset(name for name in session.contract.flags if query.get(name) == ["true"])
        offset = query.get(session.contract.pagination.offset, ["0"])[-1]
        run_id = next((run for run in self.runs if quote(run, safe="") in url.path.split("/")), None)
        return Request(target, headers, "GET", run_id, int(offset) if offset.isdecimal() else None, asked)

    @property
    def list_path(self) -> str | None:
        """The path of the list of runs, if the contract has it."""
        return self.session.spec.run_lists.contract.path if self.session.spec.has_run_lists else None

    # --- Its own checks -------------------------------------------------------------------------------------

    def record(self, event: Any) -> None:
        """Records an event of schemathesis: results of its checks, and its errors."""
        recorder: ScenarioRecorder | None = getattr(event, "recorder", None)
        if recorder is not None:
            self._record_scenario(recorder)
        info = getattr(event, "info", None)
        if info is not None:
            title = str(getattr(info, "title", "an error"))
            self.notes.append(f"schemathesis: {title}: {getattr(info, 'message', '')}"[:_LONGEST_WORDS])

    def _record_scenario(self, recorder: "ScenarioRecorder") -> None:
        for case_id, interaction in recorder.interactions.items():
            case = recorder.cases[case_id].value
            if interaction.response is None:
                # Its HTTP library could not read the answer. Ours might, but that is the verifier's job.
                self.judge_once(case, _Sent.of(interaction.request), Answer(fault="no whole answer could be read"))
        for case_id, nodes in recorder.checks.items():
            for node in nodes:
                failure = node.failure_info.failure if node.failure_info is not None else None
                if node.name != OURS:
                    self._hold(recorder, case_id, node.name, failure)

    def _hold(self, recorder: "ScenarioRecorder", case_id: str, check: str, failure: Any) -> None:
        where = (failure.case_id if failure is not None else None) or case_id
        interaction = recorder.interactions.get(where)
        if interaction is None or interaction.response is None:
            return
        case = recorder.cases[where].value
        exchange = self.judge_once(case, interaction.response.request, _answer(interaction.response))
        if case.path == self.list_path:
            rule = list_rule_of(self.session.spec.run_lists.contract, check, case, exchange.status)
        else:
            rule = rule_of(self.session.contract, check, case, failure, exchange.status)
        if rule is None:
            return
        got = "" if failure is None else " ".join(f"{failure.title}: {failure.message}".split())[:_LONGEST_WORDS]
        self.session.judge(rule, failure is None, exchange, expected=f"what schemathesis calls {check}", got=got)

    def report(self, address: Address, *, seconds: float, seed: int, policy: bool) -> Report:
        """The report, with our rules."""
        session = self.session
        if self.seen and not any(exchange.status for exchange in self.seen.values()):
            # Nothing that was judged is about a server of this API. Our own connection says why.
            session.tally.void("the server cannot be reached")
            with session.connection:
                answer = session.connection.send(next(iter(self.seen.values())).request)
            self.obstacles[:] = [f"the server cannot be reached: {answer.fault or 'no whole answer could be read'}"]
        elif not self.read:
            self.obstacles.append("no page was read: name a run that can be read with --run")
        for rule in BY_ID:
            session.tally.give_reason(rule, "only `check` asks for this; schemathesis does not")
        show = session.sanitizer.show
        return Report(
            url=address.origin + address.base,
            runs=self.runs,
            verdicts=session.tally.verdicts(),
            obstacles=tuple(map(show, self.obstacles)),
            notes=tuple(map(show, dict.fromkeys(self.notes))),
            requests=self.requests,
            seconds=seconds,
            seed=seed,
            policy=policy,
            asked=tuple(session.curl(each.request) for each in self.seen.values()),
        )


@frozen
class _Sent:
    """A request that got no answer, with the same attributes as one that got an answer."""

    method: str
    url: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, request: Any) -> Self:
        return cls(request.method, request.uri, {name: values[0] for name, values in request.headers.items()})


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _answer(response: "Response") -> Answer:
    return Answer(
        status=response.status_code,
        headers=tuple((name, value) for name, values in response.headers.items() for value in values),
        body=response.content or b"",
        seconds=response.elapsed,
    )

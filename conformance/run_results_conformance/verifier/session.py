"""A session: sends requests to one server, keeps what came, and judges it by the rules.

A check is a function of a session. It makes requests (`session.request`), sends them (`session.ask`, `session.page`;
the same request is not sent twice unless a fresh answer is wanted), and compares what it sees with a rule
(`session.judge`). Whatever is sent, for whichever check, is also judged by all rules that concern a single exchange.

A session ends a check by raising OutOfRequests when the budget is spent, or Unresponsive when the server has stopped
answering. The verifier catches both.
"""

import random
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

from .body import NOTHING, Body, gunzip, read_body
from .budget import Budget
from .connection import Answer, Connection, Request
from .excerpt import excerpt, locate
from .exchange import BUSY, NO_FLAGS, Exchange, Judgement, ObservedRun, Page
from .manifest import KnownRun, Manifest
from .report import Failure
from .request_builder import RequestBuilder, accepts_gzip
from .sanitizer import Sanitizer
from .spec_view import Inspection, Path, SpecView, show_path
from .tally import Tally
from .traffic import MOST_WRONG_TOKENS, WrongTokens

_REQUESTS_OF_A_CONNECTION = 7  # then another copy of the server may answer
_MOST_WAITS = 3  # times that a busy server is asked again
_MOST_RETRIES = 6  # of requests that were answered with 500, 502 or 504, in all
_MOST_VALUES = 2_000_000  # JSON values of a body; a page of 4 MB has a tenth of that
_MOST_BODY = 32 << 20  # bytes of a body that was compressed

CheckExchange = Callable[["Session", Exchange], Iterator[Judgement]]
"""What judges a single exchange."""


class Session:
    """Sends requests to one server, keeps what came, and judges it.

    `rules` are the ids of the rules that are judged. `check_exchange` judges each single exchange. `seed` decides
    whatever is drawn. `latency` is the time that an answer may take, in seconds, for the rule of that name. With `safe`
    the token is sent nowhere but in its header. At most `wrong_tokens` requests have none or a wrong one.
    """

    def __init__(
        self,
        connection: Connection,
        token: str,
        spec: SpecView,
        manifest: Manifest,
        *,
        check_exchange: CheckExchange,
        rules: frozenset[str],
        budget: Budget,
        context: str | None = None,
        seed: int = 0,
        safe: bool = False,
        latency: float = 2.0,
        wrong_tokens: int = MOST_WRONG_TOKENS,
    ) -> None:
        self.connection = connection
        self.spec = spec
        self.contract = spec.contract
        self.manifest = manifest
        self.tally = Tally(rules)
        self.budget = budget
        self.context = context
        self.request = RequestBuilder(spec, connection.address.base, context)
        self.random = random.Random(seed)  # noqa: S311 - it must be repeatable
        self.safe = safe
        self.latency = latency
        self.wrong_tokens = WrongTokens(wrong_tokens)
        self.sanitizer = Sanitizer(token)
        self.token_has = {"lower": any(map(str.islower, token)), "upper": any(map(str.isupper, token))}
        self.other_last_character = "0" if token[-1] != "0" else "1"
        self.exchanges: list[Exchange] = []
        self.runs: list[ObservedRun] = []
        self.unreadable: list[tuple[KnownRun, Exchange]] = []
        self.notes: list[str] = []
        self.sizes_vary = False  # whether the same request was answered with pages of several sizes
        self._retries = _MOST_RETRIES
        self.unstable = False  # whether the same request was answered differently, though its run had not changed
        self._check_exchange = check_exchange
        self._number = 0
        self._memo: dict[Request, Exchange] = {}
        self._bodies: dict[bytes, Body] = {}
        self._inspections: dict[tuple[bytes, frozenset[str] | None], Inspection] = {}

    @property
    def run_ids(self) -> set[str]:
        """The ids of all runs that are known or were read."""
        return {known.id for known in self.manifest.runs} | {run.id for run in self.runs}

    # --- Sending --------------------------------------------------------------------------------------------

    def ask(
        self, request: Request, *, fresh: bool = False, keep: bool = True, once: bool = False, judged: bool = True
    ) -> Exchange:
        """The exchange of a request: the one that is there, unless a `fresh` one is wanted, else a new one.

        A new one is kept for whoever wants it later, unless `keep` is False. A GET at which the server fails is sent
        again: the failure is judged, but what the request was for can still be. So is a request for which the server
        is too busy. With `once` nothing is sent again. Unless it is `judged`, the answer counts for no rule, because it
        is open whether the server has this operation; it is sent once, and is not kept.
        Raises OutOfRequests, Unresponsive.
        """
        if not judged:
            exchange = self._read(request, self._send_once(request))
            self.exchanges.append(exchange)
            return exchange
        if not fresh and (found := self._memo.get(request)) is not None:
            return found
        exchange = self._add(request, self._send_once(request) if once else self._send(request))
        if not once and exchange.failed and request.method == "GET" and self._retries:
            self._retries -= 1
            exchange = self._add(request, self._send(request))
        if keep:
            self._memo[request] = exchange
        return exchange

    def receive(self, request: Request, answer: Answer) -> Exchange:
        """The exchange of a request that was sent elsewhere. Raises OutOfRequests, Unresponsive."""
        self.budget.take_request()
        self.budget.note_answer(answer)
        return self._add(request, answer)

    def _add(self, request: Request, answer: Answer) -> Exchange:
        exchange = self._read(request, answer)
        self.exchanges.append(exchange)
        self._judge_exchange(exchange)
        return exchange

    def _send(self, request: Request) -> Answer:
        answer = self._send_once(request)
        for times in range(_MOST_WAITS):
            if answer.status not in BUSY:
                break
            # What a busy server answers is judged like any other answer.
            self._judge_exchange(self._read(request, answer))
            self.budget.wait(answer, times)
            answer = self._send_once(request)
        self.budget.note_busy(answer.status in BUSY)
        return answer

    def _send_once(self, request: Request) -> Answer:
        self.budget.take_request()
        if self.budget.sent % _REQUESTS_OF_A_CONNECTION == 0:
            self.connection.renew()
        answer = self.connection.send(request)
        self.budget.note_answer(answer)
        return answer

    def _judge_exchange(self, exchange: Exchange) -> None:
        for found in self._check_exchange(self, exchange):
            self.judge(found.rule, found.kept, exchange, path=found.path, expected=found.expected, got=found.got)

    # --- Reading --------------------------------------------------------------------------------------------

    def _read(self, request: Request, answer: Answer) -> Exchange:
        data = _content(request, answer)
        # The same bytes come often, and are read once.
        key = blake2b(data, digest_size=16).digest()
        body = self._bodies.get(key)
        if body is None:
            body = self._bodies[key] = self._read_body(data)
        inspection = None
        is_list = request.parameters is not None
        if answer.status == 200 and answer.fault is None and request.method == "GET" and not is_list:
            inspection = self._inspections.get((key, request.flags))
            if inspection is None:
                inspection = self.spec.inspect(body.value, request.flags)
                self._inspections[key, request.flags] = inspection
        self._number += 1
        return Exchange(self._number, request, answer, body, inspection)

    def _read_body(self, data: bytes) -> Body:
        # Small bytes can make large objects: "[],[],..." grows thirtyfold.
        values = data.count(b",") + data.count(b"[") + data.count(b"{")
        if values > _MOST_VALUES:
            self.notes.append(f"an answer with more than {_MOST_VALUES} values was not read")
            return Body(NOTHING, {})
        self.budget.note_values(values)
        return read_body(data)

    def page(
        self, run_id: str, offset: int, flags: frozenset[str] = NO_FLAGS, *, fresh: bool = False
    ) -> Page | Exchange:
        """A page of a run, or the exchange where the answer is none. An offset of 0 is left out of the query."""
        return self.as_page(self.ask(self.request(run_id, offset or None, flags), fresh=fresh), run_id, offset, flags)

    def as_page(self, exchange: Exchange, run_id: str, offset: int, flags: frozenset[str]) -> Page | Exchange:
        """The exchange as a page, if it is one."""
        value = exchange.body.value
        words = self.contract.pagination
        if exchange.status != 200 or exchange.answer.fault or not isinstance(value, dict):
            return exchange
        files, more = value.get(words.items), value.get(words.more)
        if not isinstance(files, list) or not isinstance(more, bool):
            return exchange
        return Page(exchange, run_id, offset, flags, value, files, more)

    # --- Judging --------------------------------------------------------------------------------------------

    def judge(
        self,
        rule: str,
        kept: bool,
        exchange: Exchange,
        *,
        path: Path = (),
        expected: Any = "",
        got: Any = "",
        run: ObservedRun | None = None,
    ) -> bool:
        """Counts that a rule was judged, and keeps the failure unless it was `kept`. Gives `kept` back.

        `run` is the run that must not have changed for this to count, where that matters.
        """
        if not self.tally.wants(rule) or (run is not None and run.changed):
            return kept
        run_id = None if run is None else run.id
        self.tally.count(rule, run_id, kept=kept)
        self.tally.note_time(rule, exchange.number, exchange.answer.seconds)
        if not kept and self.tally.wants_failure(rule):
            request = exchange.request
            weight = (len(request.flags or ()), request.offset or 0, len(path), exchange.number)
            failure = self._failure(rule, exchange, path, expected, got)
            self.tally.add_failure(weight, run_id, failure, lambda: self._excerpt(rule, exchange, path))
        return kept

    def forget(self, run: ObservedRun) -> None:
        """Forgets what was judged of a run that has changed: its pages belong to different times."""
        run.changed = True
        self.tally.forget(run.id)

    def _failure(self, rule: str, exchange: Exchange, path: Path, expected: Any, got: Any) -> Failure:
        request, answer = exchange.request, exchange.answer
        show = self.sanitizer.show
        return Failure(
            rule=rule,
            case=show(self._case(request), 300),
            request=self.curl(request),
            status=answer.status,
            excerpt="",
            path=show(show_path(path), 300),
            expected=show(expected),
            got=show(answer.fault if got == "" and answer.fault else got),
        )

    def curl(self, request: Request) -> str:
        """The request as a line for a shell, without the token."""
        return self.sanitizer.without_token(request.curl(self.connection.address.origin))

    def _case(self, request: Request) -> str:
        """What was requested, in words."""
        if request.parameters is not None:
            words = " and ".join(f"{name} {value!r}" for name, value in request.parameters)
            return f"the list of runs, {f'with {words}' if words else 'without parameters'}"
        if request.run_id is None:
            return ""
        parts = [f"run {request.run_id!r}"]
        if request.offset is not None:
            parts.append(f"offset {request.offset}")
        if request.flags is not None:
            flags = [name for name in self.contract.flags if name in request.flags]
            parts.append("with " + " and ".join(flags) if flags else "without flags")
        return ", ".join(parts)

    def _excerpt(self, rule: str, exchange: Exchange, path: Path) -> str:
        """What the answer says at the place of a failure; it costs time, and is made for those that are shown."""
        answer = exchange.answer
        if not answer.status:
            return ""
        kind = self.sanitizer.show(", ".join(answer.header("content-type")), 100) or "no Content-Type"
        text = _content(exchange.request, answer).decode(errors="replace")
        place = exchange.body.places.get(rule) or (locate(text, path) if path else 0)
        return f"{answer.status} {kind}\n{excerpt(text, place, self.sanitizer)}"


def _content(request: Request, answer: Answer) -> bytes:
    """The body of an answer, decompressed where the request accepts gzip."""
    if answer.header("content-encoding") and accepts_gzip(request):
        return gunzip(answer.body, _MOST_BODY) or b""
    return answer.body

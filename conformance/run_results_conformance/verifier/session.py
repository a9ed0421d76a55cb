"""A session: what has been asked of one server, what came back, and what that says about the rules.

A check is a function from a session to nothing: it asks (`session.ask`, `session.page`; answers are kept, the
same question is not asked twice) and holds (`session.hold`) what it sees against a rule. Whatever is asked, for
whichever reason, is also judged by all rules that concern a single exchange.

A session ends checks by raising: OutOfRequests when the budget is spent, Unresponsive when the server has
stopped answering. Both are for the verifier to catch.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from attrs import define, field, frozen

from run_results_conformance.server.contract import JsonObject
from run_results_conformance.verifier.connection import TOKEN, Answer, Headers, Request, Wire, scrubber
from run_results_conformance.verifier.manifest import SETTLED, KnownRun, Manifest
from run_results_conformance.verifier.report import Failure, Verdict, shorten, show_value
from run_results_conformance.verifier.rules import BY_ID, RULES

from .body import NOTHING, Body, gunzip, read_body
from .spec_view import Inspection, Lens, Path, show_path

NO_FLAGS: frozenset[str] = frozenset()

_MOST_KEPT = 60  # failures of a rule of which the details are kept
_MOST_SHOWN = 3  # of those, the smallest cases are shown
_MOST_SILENT = 3  # requests in a row that time out
_MOST_DROPPED = 12  # requests in a row without any answer
_MOST_WAITS = 3  # times that a busy server is asked again
_LONGEST_WAIT = 5.0  # seconds
_MOST_DOUBTS = 6  # repetitions of a request whose answer may only be of another size
_MOST_BUSY = 4  # requests in a row for which there is no time, however often they are sent again
_MOST_BYTES = 192 << 20  # of all bodies together: what was read is kept, parsed
_MOST_VALUES = 2_000_000  # of a body; a page of 4 MB has a tenth of that
_MOST_VALUES_KEPT = 6_000_000
_MOST_BODY = 32 << 20
_HEAVY = 256 << 10  # bytes of a page without flags


class OutOfRequests(Exception):
    """The budget of requests, bytes or time is spent."""


class Unresponsive(Exception):
    """The server does not answer any more."""


@frozen(eq=False)
class Exchange:
    """A request and what came back. `number` counts from 1."""

    number: int
    request: Request
    answer: Answer
    body: Body
    inspection: Inspection | None = None

    @property
    def status(self) -> int:
        """The answer's status, 0 where none came."""
        return self.answer.status

    @property
    def busy(self) -> bool:
        """Whether the server said that it had no time for this."""
        return self.status in (429, 503)


def accepts_gzip(request: Request) -> bool:
    """Whether the request says that it takes gzip."""
    coding = dict(request.headers).get("Accept-Encoding", "")
    return "gzip" in coding and "gzip;q=0" not in coding


@frozen
class Page:
    """A 200 answer that is a page as far as paging needs: a list of files, and a boolean."""

    exchange: Exchange
    run_id: str
    offset: int
    flags: frozenset[str]
    value: JsonObject = field(repr=False)
    files: list[Any] = field(repr=False)
    more: bool


@define
class RunView:
    """What the session has learned of a run.

    `lean` and `full` are the files that were seen, by index, as answered without and with all flags, stripped
    to the contract's words; `header` is the rest of the answer, likewise. `starts` are the offsets at which
    pages of a walk without flags began. `end` is the number of files, once the end was seen.
    """

    id: str
    known: KnownRun
    first: Page
    lean: dict[int, Any] = field(factory=dict, repr=False)
    full: dict[int, Any] = field(factory=dict, repr=False)
    headers: dict[bool, JsonObject] = field(factory=dict, repr=False)
    starts: list[int] = field(factory=list)
    end: int | None = None
    walked: bool = False
    moved: bool = False

    @property
    def settled(self) -> bool:
        """Whether the run cannot change by itself any more, by its status."""
        status = self.first.value.get("status")
        return isinstance(status, str) and status in SETTLED

    @property
    def heavy(self) -> bool:
        """Whether a page of the run is so large that only few are worth their time."""
        return len(self.first.exchange.answer.body) > _HEAVY


@define
class _Tally:
    judged: Counter[str | None] = field(factory=Counter)
    broken: Counter[str | None] = field(factory=Counter)
    failures: list[tuple[tuple[int, ...], str | None, Failure]] = field(factory=list)


class Session:
    """Asks one server, keeps what came, and counts what was judged.

    `rules` are the ids of the rules that are judged; the others cost nothing. `seed` decides whatever is
    drawn. `judge` judges single exchanges.
    """

    def __init__(
        self,
        wire: Wire,
        token: str,
        lens: Lens,
        manifest: Manifest,
        *,
        judge: Callable[["Session", Exchange], Iterator["Observation"]],
        rules: frozenset[str],
        context: str | None = None,
        max_requests: int = 200,
        max_seconds: float = 300.0,
        rate: float | None = None,
        seed: int = 0,
        safe: bool = False,
        latency: float = 2.0,
    ) -> None:
        self.wire = wire
        self.lens = lens
        self.contract = lens.contract
        self.manifest = manifest
        self.rules = rules
        self.context = context
        self.random = random.Random(seed)  # noqa: S311 - it must be repeatable
        self.safe = safe
        self.latency = latency
        self.scrub = scrubber(token)
        self.token_has = {"lower": any(map(str.islower, token)), "upper": any(map(str.isupper, token))}
        self.other_end = "0" if token[-1] != "0" else "1"
        self.exchanges: list[Exchange] = []
        self.sent = 0
        self.views: list[RunView] = []
        self.unreadable: list[tuple[KnownRun, Exchange]] = []
        self.notes: list[str] = []
        self.reasons: dict[str, str] = {}
        self.sizes_vary = False  # whether the same request was answered with pages of several sizes
        self._judge = judge
        self._max_requests = max_requests
        self._ends = time.monotonic() + max_seconds
        self._interval = 1 / rate if rate else 0.0
        self._next = 0.0
        self._bytes = 0
        self._values = 0
        self._busy = 0
        self._mute = 0
        self._silent = 0
        self._memo: dict[Request, Exchange] = {}
        self._bodies: dict[bytes, Body] = {}
        self._inspections: dict[tuple[bytes, frozenset[str] | None], Inspection] = {}
        self._tallies: dict[str, _Tally] = {rule.id: _Tally() for rule in RULES}

    # --- Asking ---------------------------------------------------------------------------------------------

    @property
    def left(self) -> int:
        """How many requests may still be sent."""
        return self._max_requests - self.sent

    @cached_property
    def path_name(self) -> str:
        """The name of the parameter that holds the run id."""
        return next(each.name for each in self.contract.parameters.values() if each.place == "path")

    @cached_property
    def context_name(self) -> str:
        """The name of the header that holds the context."""
        return next(each.name for each in self.contract.parameters.values() if each.place == "header")

    def reading(
        self,
        run_id: str,
        offset: int | None = None,
        flags: frozenset[str] = NO_FLAGS,
        *,
        query: str | None = None,
        segment: str | None = None,
        authorization: str | tuple[str, ...] | None = f"Bearer {TOKEN}",
        context: str | tuple[str, ...] | None = None,
        accept: str | None = "application/json",
        agent: str | None = "run-results-conformance",
        coding: str = "identity",
        extra: Headers = (),
        method: str = "GET",
        explicit: bool = False,
    ) -> Request:
        """A request for the results of a run: right where nothing else is said.

        `segment` stands in the path instead of the encoded run id, `query` is added to the query as it is;
        `authorization` and `context` are header values, several of them for doubled headers, and `()` or, for
        the former, None, for no header; `accept` and `agent` have None for no header too. `explicit` says false for
        the flags that are not asked for.
        """
        parts = [f"{name}=true" for name in self.contract.flags if name in flags]
        if explicit:
            parts += [f"{name}=false" for name in self.contract.flags if name not in flags]
        if offset is not None:
            parts.append(f"{self.contract.pagination.offset}={offset}")
        if query:
            parts.append(query)
        encoded = quote(run_id, safe="") if segment is None else segment
        path = self.wire.address.base + self.contract.path.replace(f"{{{self.path_name}}}", encoded)
        given = (authorization,) if isinstance(authorization, str) else authorization or ()
        contexts: tuple[str, ...]
        if context is None:
            contexts = (self.context,) if self.context is not None else ()
        else:
            contexts = (context,) if isinstance(context, str) else context
        return Request(
            path + ("?" + "&".join(parts) if parts else ""),
            (
                *(("Authorization", value) for value in given),
                *((self.context_name, value) for value in contexts),
                *((("Accept", accept),) if accept is not None else ()),
                ("Accept-Encoding", coding),
                *((("User-Agent", agent),) if agent is not None else ()),
                *extra,
                *((("Content-Length", "0"),) if method not in ("GET", "HEAD", "OPTIONS") else ()),
            ),
            method,
            run_id,
            None if query and self.contract.pagination.offset in query else offset or 0,
            flags if not query else None,
        )

    def ask(self, request: Request, *, again: bool = False, keep: bool = True) -> Exchange:
        """The exchange of a request: the one that is there, unless it is asked for `again`, else a new one.

        A new one is kept for who asks for it later, unless `keep` is False. Raises OutOfRequests, Unresponsive.
        """
        if not again and (found := self._memo.get(request)) is not None:
            return found
        exchange = self._look_at(request, self._send(request))
        self.exchanges.append(exchange)
        if keep:
            self._memo[request] = exchange
        self._judge_one(exchange)
        return exchange

    def _judge_one(self, exchange: Exchange) -> None:
        for seen in self._judge(self, exchange):
            self.hold(seen.rule, seen.ok, exchange, path=seen.path, expected=seen.expected, got=seen.got)

    def _send(self, request: Request) -> Answer:
        answer = Answer()
        for attempt in range(_MOST_WAITS + 1):
            answer = self._send_once(request)
            if answer.status not in (429, 503) or attempt == _MOST_WAITS:
                break
            wait = _retry_after(answer)
            if wait is None or wait > _LONGEST_WAIT:
                break
            # What a server says when it has no time is an answer like any other.
            self._judge_one(self._look_at(request, answer))
            time.sleep(wait)
        self._busy = self._busy + 1 if answer.status in (429, 503) else 0
        return answer

    def _send_once(self, request: Request) -> Answer:
        now = time.monotonic()
        if self._silent >= _MOST_SILENT or self._mute >= _MOST_DROPPED or self._busy >= _MOST_BUSY:
            raise Unresponsive
        full = self._bytes > _MOST_BYTES or self._values > _MOST_VALUES_KEPT
        if self.left <= 0 or full or now > self._ends:
            raise OutOfRequests
        if self._interval:
            time.sleep(max(0.0, self._next - now))
            self._next = max(now, self._next) + self._interval
        self.sent += 1
        answer = self.wire.send(request)
        self._bytes += len(answer.body)
        self._mute = 0 if answer.status else self._mute + 1
        self._silent = self._silent + 1 if answer.fault and "in time" in answer.fault else 0
        return answer

    def _look_at(self, request: Request, answer: Answer) -> Exchange:
        data = answer.body
        codings = answer.header("content-encoding")
        if codings and accepts_gzip(request):
            data = gunzip(data, _MOST_BODY) or b""
        # The same bytes come often, and are read once.
        key = blake2b(data, digest_size=16).digest()
        body = self._bodies.get(key)
        if body is None:
            body = self._bodies[key] = self._read(data)
        inspection = None
        if answer.status == 200 and answer.fault is None and request.method == "GET":
            inspection = self._inspections.get((key, request.flags))
            if inspection is None:
                inspection = self.lens.inspect(body.value, request.flags)
                self._inspections[key, request.flags] = inspection
        return Exchange(self.sent, request, answer, body, inspection)

    def _read(self, data: bytes) -> Body:
        # Small bytes can make large objects: "[],[],..." grows thirtyfold.
        values = data.count(b",") + data.count(b"[") + data.count(b"{")
        if values > _MOST_VALUES:
            self.notes.append(f"an answer with more than {_MOST_VALUES} values was not read")
            return Body(NOTHING, {})
        self._values += values
        return read_body(data)

    def page(
        self, run_id: str, offset: int, flags: frozenset[str] = NO_FLAGS, *, again: bool = False
    ) -> Page | Exchange:
        """A page of a run, or the exchange where the answer is none. An offset of 0 is left out of the query."""
        exchange = self.ask(self.reading(run_id, offset or None, flags), again=again)
        return self.as_page(exchange, run_id, offset, flags)

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

    def same_answer(self, one: Exchange, other: Exchange) -> bool:
        """Whether two answers say the same, as far as the contract has words for it.

        The size of a page is the server's choice, at any moment: where it is only by that that they differ, and
        `other` differs from itself so too when it is asked for again, they are the same.
        """
        if one.status != other.status:
            return False
        if one.status != 200 or self.stripped(one) == self.stripped(other):
            return True
        if not self._differ_in_size(one, other):
            return False
        for _ in range(0 if self.sizes_vary else _MOST_DOUBTS):
            if self._differ_in_size(self.ask(other.request, again=True), other):
                self.sizes_vary = True
                break
        return self.sizes_vary

    def _differ_in_size(self, one: Exchange, other: Exchange) -> bool:
        """Whether both are pages of the same run that begin alike, and one goes on where the other ends."""
        words = self.contract.pagination
        pages = [self.stripped(exchange) for exchange in (one, other)]
        files: list[list[Any]] = [page[words.items] for page in pages if _has_files(page, words.items)]
        if len(files) < len(pages) or len(files[0]) == len(files[1]):
            return False
        rests = [{**page, words.items: [], words.more: None} for page in pages]
        shared = min(map(len, files))
        return rests[0] == rests[1] and files[0][:shared] == files[1][:shared]

    def stripped(self, exchange: Exchange) -> Any:
        """What the contract has words for in an answer."""
        return self.lens.strip(exchange.body.value, self.lens.flags)

    # --- Judging --------------------------------------------------------------------------------------------

    def wants(self, *rules: str) -> bool:
        """Whether any of these rules is to be judged."""
        return any(rule in self.rules for rule in rules)

    def hold(
        self,
        rule: str,
        ok: bool,
        exchange: Exchange,
        *,
        path: Path = (),
        expected: Any = "",
        got: Any = "",
        run: RunView | None = None,
    ) -> bool:
        """Notes that a rule was judged, and the failure unless it is `ok`. Gives `ok` back.

        `run` is the run that must have stood still for this to count, where that matters.
        """
        if rule not in self.rules or (run is not None and run.moved):
            return ok
        tally = self._tallies[rule]
        key = None if run is None else run.id
        tally.judged[key] += 1
        if not ok:
            tally.broken[key] += 1
            if len(tally.failures) < _MOST_KEPT:
                request = exchange.request
                weight = (len(request.flags or ()), request.offset or 0, len(path), exchange.number)
                failure = self._failure(rule, exchange, path, expected, got)
                tally.failures.append((weight, key, failure))
        return ok

    def hold_same(
        self, rule: str, exchange: Exchange, wanted: Exchange, expected: str, *, run: RunView | None = None
    ) -> None:
        """Holds that two answers say the same; what was not answered, or too busy, is judged elsewhere."""
        if exchange.status and not exchange.busy:
            got = f"status {exchange.status}" if exchange.status != wanted.status else "another answer"
            self.hold(rule, self.same_answer(exchange, wanted), exchange, expected=expected, got=got, run=run)

    def _failure(self, rule: str, exchange: Exchange, path: Path, expected: Any, got: Any) -> Failure:
        request, answer = exchange.request, exchange.answer
        scrub = self.scrub
        return Failure(
            rule=rule,
            case=scrub(_describe(self, request)),
            request=scrub(request.curl(self.wire.address.origin)),
            status=answer.status,
            excerpt=_excerpt(answer, scrub) if answer.status else "",
            path=shorten(scrub(show_path(path)), 300),
            expected=shorten(scrub(show_value(expected))),
            got=shorten(scrub(show_value(answer.fault if got == "" and answer.fault else got))),
        )

    def judged(self, rule: str) -> int:
        """How often a rule was judged so far."""
        return self._tallies[rule].judged.total()

    def broken(self, rule: str) -> bool:
        """Whether a rule was broken so far."""
        return self._tallies[rule].broken.total() > 0

    def unjudged(self, rule: str, reason: str) -> None:
        """Says why a rule could not be judged; the first reason stays."""
        self.reasons.setdefault(rule, reason)

    def retract(self, run: RunView) -> None:
        """Forgets what was held of a run that has moved: its pages belong to different moments."""
        run.moved = True
        for rule, tally in self._tallies.items():
            if tally.judged.pop(run.id, 0):
                tally.broken.pop(run.id, None)
                tally.failures = [entry for entry in tally.failures if entry[1] != run.id]
                self.unjudged(rule, f"run {run.id} changed while it was read")

    @contextmanager
    def reserving(self, requests: int) -> Iterator[None]:
        """Keeps some requests back for later."""
        self._max_requests -= requests
        try:
            yield
        finally:
            self._max_requests += requests

    def verdicts(self) -> tuple[Verdict, ...]:
        """What came of every rule, in the order of the catalogue."""
        return tuple(self._verdict(rule) for rule in BY_ID)

    def _verdict(self, rule: str) -> Verdict:
        tally = self._tallies[rule]
        judged, broken = tally.judged.total(), tally.broken.total()
        if rule not in self.rules:
            return Verdict(BY_ID[rule], 0, 0, (), "left out by --only or --skip", skipped=True)
        if not judged:
            return Verdict(BY_ID[rule], 0, 0, (), self.reasons.get(rule) or f"needs {BY_ID[rule].needs}")
        # The smallest cases, each place of a body once.
        shown: dict[str, Failure] = {}
        for _, _, failure in sorted(tally.failures, key=lambda entry: entry[0]):
            shown.setdefault("".join("*" if c.isdigit() else c for c in failure.path), failure)
        return Verdict(BY_ID[rule], judged, broken, tuple(shown.values())[:_MOST_SHOWN])


@frozen
class Observation:
    """What a rule for single exchanges says of one."""

    rule: str
    ok: bool
    path: Path = ()
    expected: Any = ""
    got: Any = ""


def _has_files(page: Any, items: str) -> bool:
    return isinstance(page, dict) and isinstance(page.get(items), list) and bool(page[items])


_EXCERPT = 400
_MOST_SCRUBBED = 1 << 16


def _excerpt(answer: Answer, scrub: Callable[[str], str]) -> str:
    # Scrubbed before it is cut: half a token is not recognized.
    kind = scrub(", ".join(answer.header("content-type"))) or "no Content-Type"
    text = scrub(answer.body[:_MOST_SCRUBBED].decode(errors="replace"))
    return f"{answer.status} {shorten(kind, 100)}\n{shorten(text, _EXCERPT)}"


def _describe(session: Session, request: Request) -> str:
    if request.run_id is None:
        return ""
    parts = [f"run {request.run_id!r}"]
    if request.offset is not None:
        parts.append(f"offset {request.offset}")
    if request.flags is not None:
        flags = [name for name in session.contract.flags if name in request.flags]
        parts.append("with " + " and ".join(flags) if flags else "without flags")
    return shorten(", ".join(parts), 300)


def _retry_after(answer: Answer) -> float | None:
    """The seconds that the server asks to wait for, 0.2 where it does not say."""
    values = answer.header("retry-after")
    if not values:
        return 0.2
    return float(values[0]) if values[0].isascii() and values[0].isdigit() and len(values[0]) < 6 else None

"""Verifies that a server keeps the contract.

    report = verify("http://127.0.0.1:8000", token, runs=["run-tax-2025"])
    report.exit_code        # 0 conforms, 1 breaches, 2 could not judge

It needs a URL, a token and the id of a run that can be read, and learns the rest: how many files there are,
where pages begin, which flags add what. Laws that need more than that are judged with a `Manifest`. Everything
is bounded: requests, bytes, and time, of each request and of the whole. Two verifications with the same seed send
the same requests to servers that answer alike.
"""

import re
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import ParamSpec

from run_results_conformance.server.contract import Contract, load_contract

from .checks import LAWS, PROBES
from .checks.knowledge import hold_count
from .checks.paging import (
    hold_combinations,
    hold_defaults,
    hold_determinism,
    hold_mixtures,
    hold_suffixes,
    hold_windows,
)
from .checks.probe import Probe, make_probe
from .checks.runs import find_end, open_runs, settle, walk, walk_full
from .checks.single import judge
from .connection import Address, Wire
from .manifest import HERE, Manifest
from .report import Report, shorten
from .rules import RULES, Level, select
from .session import Exchange, OutOfRequests, RunView, Session, Unresponsive
from .spec_view import lens_of

P = ParamSpec("P")

_TOKEN = re.compile(r"[!-~]+")
_FOR_PROBES = 140  # requests
_PAGES_OF_OTHERS = 7  # of a walk through a run that is not the one most is learned from
_ANYWHERE = ("wire", "errors", "latency")  # families that any exchange can break
_NO_REASON = frozenset({402, 405, 406, 408, 409, 410, 411, 412, 413, 415, 416, 417, 418, 423, 424, 425, 426, 428, 451})
"""Statuses that name nothing that could be wrong with a right request for a run that is there."""


class VerifyError(ValueError):
    """A verification was asked for that cannot be made: a bad token, context or number. Quotes nothing secret."""


def verify(
    url: str,
    token: str,
    *,
    runs: Iterable[str] = (),
    manifest: Manifest | None = None,
    context: str | None = None,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    max_requests: int = 200,
    rate: float | None = None,
    seed: int = 0,
    safe: bool = False,
    unsafe_methods: bool = False,
    timeout: float = 10.0,
    max_seconds: float = 300.0,
    latency: float = 2.0,
    policy: bool = False,
    contract: Contract | None = None,
) -> Report:
    """Verifies the server at a base URL, and reports.

    `runs` are ids of runs that can be read; without them and without a manifest the ids that the contract shows
    are tried. `manifest` says what is known of runs. `context` is sent as IB-Context. `only` and `skip` select rules
    by id or family. At most `max_requests` are sent, `rate` of them a second, one at a time.

    Nothing but GET, HEAD and OPTIONS is sent, unless `unsafe_methods` are allowed: then POST, PUT, DELETE, TRACE and a
    method that does not exist are sent too, to see them refused, and only to an id that has just answered 404 to a
    GET. `safe` sends the token nowhere but in its header.

    `timeout` bounds one request and `max_seconds` all of them (without what `rate` waits); `latency` is the budget of
    an answer; all in seconds. With `policy` broken rules of that level are breaches.

    Raises AddressError, UnknownRuleError, SpecError and VerifyError for what the caller got wrong; nothing
    that a server does raises.
    """
    if _TOKEN.fullmatch(token) is None:
        raise VerifyError("the token is empty, or has characters that cannot stand in a header")
    if max_requests < 1 or timeout <= 0 or max_seconds <= 0 or latency <= 0 or (rate is not None and rate <= 0):
        raise VerifyError("limits must be positive")
    if safe and unsafe_methods:
        raise VerifyError("safe and unsafe methods exclude each other")
    lens = lens_of(contract or load_contract())
    for each in (context, *(run.context for run in (manifest.runs if manifest else ()) if run.context != HERE)):
        _check_context(lens.contract, each)
    known = (manifest.runs if manifest else ()) + tuple(
        run
        for run in Manifest.of_ids(*dict.fromkeys(runs)).runs
        if manifest is None or run.id not in {each.id for each in manifest.runs}
    )
    started = time.monotonic()
    with Wire(Address.of(url), token, timeout=timeout, unsafe_methods=unsafe_methods) as wire:
        session = Session(
            wire,
            token,
            lens,
            Manifest(known),
            judge=judge,
            rules=select(only, skip),
            context=context,
            max_requests=max_requests,
            max_seconds=max_seconds + (max_requests / rate if rate else 0.0),
            rate=rate,
            seed=seed,
            safe=safe,
            latency=latency,
        )
        obstacles = _Verification(session).run()
    return _report(session, obstacles, seconds=time.monotonic() - started, seed=seed, policy=policy)


def _check_context(contract: Contract, context: str | None) -> None:
    if context is None:
        return
    parameter = next(each for each in contract.parameters.values() if each.place == "header")
    try:
        parameter.read([context])
    except ValueError as error:
        raise VerifyError(str(error)) from None


class _Verification:
    """The order of things: learn a run, ask everything around it, then hold the laws over all runs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._obstacles: list[str] = []
        self._cut: dict[str, None] = {}  # steps that the budget ended, in their order
        self._cut_rules: set[str] = set()
        self._probes: list[Probe] = []
        self._stopped = False

    def run(self) -> list[str]:
        """Verifies. Gives what stood in the way of judging."""
        session = self._session
        self._do("reading the runs", (), open_runs, session)
        self._look_at_unreadable()
        if session.views:
            primary = max(session.views, key=_worth)
            others = [view for view in session.views if view is not primary]
            unsettled = sum(not view.settled for view in session.views)
            looks = min(2 * unsettled, session.left // 4)
            with session.reserving(looks):
                self._learn(primary)
                everything = [rule for check in PROBES for rule in check.rules]
                self._do("reading a last page", everything, lambda: self._probes.append(make_probe(session, primary)))
                if session.wants(*LAWS):
                    self._hold_laws(primary, others)
                self._ask_around()
                if session.wants(*LAWS):
                    runs = [primary, *others]
                    self._walk(others)
                    self._do("judging further offsets under further flags", (), hold_mixtures, session, runs)
                    for view in session.views:
                        hold_count(session, view)
            self._do("looking at unfinished runs again", (), settle, session)
        self._look_back()
        return self._obstacles

    def _do(
        self, name: str, rules: Iterable[str], step: Callable[P, None], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Takes a step, unless the server has stopped answering; a budget that is spent ends the step."""
        if self._stopped:
            return
        try:
            step(*args, **kwargs)
        except OutOfRequests:
            self._cut[name] = None
            self._cut_rules.update(rules)
        except Unresponsive:
            self._stopped = True
            self._obstacles.append(f"the server stopped answering while {name}")

    # --- The steps ------------------------------------------------------------------------------------------

    def _learn(self, primary: RunView) -> None:
        for step in (walk, walk_full, find_end):
            self._do(f"walking run {primary.id}", LAWS, step, self._session, primary)

    def _ask_around(self) -> None:
        session = self._session
        # The rules for single exchanges are judged by whatever is asked, and want everything to be.
        all_of_them = session.wants(*(rule.id for rule in RULES if rule.family in _ANYWHERE))
        for probe in self._probes:
            for check in PROBES:
                if all_of_them or session.wants(*check.rules):
                    words = check.run.__name__.removeprefix("hold_").replace("_", " ")
                    self._do(f"judging {words}", check.rules, check.run, session, probe)

    def _hold_laws(self, primary: RunView, others: list[RunView]) -> None:
        session = self._session
        for view in others:
            self._do(f"reading run {view.id}", (), walk_full, session, view, 1)
        self._do("judging defaults", ("paging.default", "flags.explicit-false"), hold_defaults, session, primary)
        self._do("judging repetition", ("paging.deterministic",), hold_determinism, session, primary)
        suffixes = ("paging.suffix", "paging.progress", "paging.end", "paging.has-more")
        self._do("judging offsets", suffixes, hold_suffixes, session, primary)
        late = self._probes[0].offset if self._probes else 0
        flags = [rule.id for rule in RULES if rule.family == "flags"]
        self._do("judging combinations of flags", flags, hold_combinations, session, primary, late)
        # Most walks are short; long ones wait until everything else was asked.
        with session.reserving(min(_FOR_PROBES, session.left)), suppress(OutOfRequests, Unresponsive):
            for view in others:
                walk(session, view, _PAGES_OF_OTHERS)
            for view in others:
                walk_full(session, view, _PAGES_OF_OTHERS)

    def _walk(self, views: list[RunView]) -> None:
        # Every run once, before any of them is looked at more closely.
        for step in (walk, walk_full, hold_windows):
            for view in views:
                self._do(f"walking run {view.id}", (), step, self._session, view, _PAGES_OF_OTHERS)

    # --- What could not be judged ---------------------------------------------------------------------------

    def _look_at_unreadable(self) -> None:
        session = self._session
        if session.exchanges and all(exchange.answer.refused for exchange in session.exchanges):
            self._obstacles.append(f"the server cannot be reached: {session.exchanges[0].answer.fault}")
            return
        given = bool(session.manifest.runs)
        refused = any(exchange.status == 401 for _, exchange in session.unreadable)
        if refused:
            self._obstacles.append("the token was refused (status 401)")
        for known, exchange in session.unreadable:
            if given and exchange.status in _NO_REASON:
                got = f"status {exchange.status}"
                session.hold("wire.status", False, exchange, expected="the run, or why it may not be read", got=got)
            if (known.status or known.files is not None) and _is_refusal(exchange.status):
                session.hold("state.known", False, exchange, expected="the run", got=f"status {exchange.status}")
            if given and exchange.status != 401:
                self._obstacles.append(f"run {known.id} cannot be read ({_why(exchange)})")
        if not session.views and not self._obstacles:
            where = "the manifest has no run of this context" if given else "name one with --run or --manifest"
            self._obstacles.append(f"no run can be read: {where}")

    def _look_back(self) -> None:
        session = self._session
        readable = any(exchange.status == 200 for exchange in session.exchanges)
        for exchange in session.exchanges:
            # A server that has time for one request and, asked again and again, none for another, fails there.
            if readable and exchange.status == 503 and not exchange.answer.header("retry-after"):
                session.hold("errors.server-error", False, exchange, expected="a status below 500", got=503)
        if session.wire.strays and session.exchanges:
            got = f"bytes after {session.wire.strays} answers"
            wanted = "silence until the next request"
            session.hold("wire.length", False, session.exchanges[-1], expected=wanted, got=got)
        busy = sum(exchange.busy for exchange in session.exchanges)
        if busy:
            session.notes.append(f"{busy} requests were answered with 429 or 503; what they were for was not judged")
        if self._cut:
            session.notes.append(f"the budget was spent while {'; '.join(self._cut)}")
        self._give_reasons()

    def _give_reasons(self) -> None:
        session = self._session
        if not session.views:
            for open_rule in RULES:
                session.unjudged(open_rule.id, "no run could be read")
        if session.safe:
            session.unjudged("authentication.header-only", "left out by --safe")
        if not session.wire.unsafe_methods:
            for rule in ("inputs.method", "inputs.method-405", "errors.allow"):
                session.unjudged(rule, "sends POST, PUT, DELETE, TRACE and a made-up method only with --unsafe-methods")
        cut = [rule for rule in RULES if rule.id in self._cut_rules and session.wants(rule.id)]
        missed = [rule for rule in cut if not session.judged(rule.id) and "manifest" not in rule.needs]
        for each in missed:
            session.unjudged(each.id, "the budget was spent")
        if any(each.level is Level.MUST for each in missed):
            self._obstacles.append("the budget was spent before every rule was judged: see --max-requests")


def _worth(view: RunView) -> tuple[bool, bool, bool, bool, int]:
    """How much can be learned from a run: settled, several pages, fields, files, and light."""
    first = view.first
    inspection = first.exchange.inspection
    named = bool(inspection and inspection.names)
    return view.settled, first.more and named, named, len(first.files) > 1, -len(first.exchange.answer.body)


def _is_refusal(status: int) -> bool:
    """Whether a status denies that there is such a run. That the caller may not see it is for the caller to mend."""
    return 300 <= status < 500 and status not in (401, 403, 429)


def _why(exchange: Exchange) -> str:
    if exchange.answer.fault:
        return exchange.answer.fault
    return f"status {exchange.status}" if exchange.status != 200 else "the answer is no page of files"


def _report(session: Session, obstacles: list[str], *, seconds: float, seed: int, policy: bool) -> Report:
    scrub = session.scrub
    return Report(
        url=session.wire.address.origin + session.wire.address.base,
        runs=tuple(view.id for view in session.views),
        verdicts=session.verdicts(),
        obstacles=tuple(shorten(scrub(text)) for text in obstacles),
        notes=tuple(shorten(scrub(text)) for text in session.notes),
        requests=session.sent,
        seconds=seconds,
        seed=seed,
        policy=policy,
        asked=tuple(scrub(exchange.request.curl(session.wire.address.origin)) for exchange in session.exchanges),
    )

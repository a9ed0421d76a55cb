"""The walk over a run's pages, without sending anything, and the laws that pages must keep.

A run is walked from offset 0 (or a later one) by asking for the page behind the last one until a page says that nothing
more comes. The walk hands out every file once and in order, or raises an error named after the breach; it never loops
and never ends silently too early.
"""

import logging
import re
from collections import deque
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from math import inf
from typing import Any

from attrs import field, frozen

from run_results import errors
from run_results.config import Options, check_run_id, check_seconds, check_start
from run_results.decode import decode, inspect, parse
from run_results.drift import Drift
from run_results.exchange import Outcome, Request, Sleep, ask, request
from run_results.include import Include
from run_results.observe import DriftFound, PageReceived, call_span
from run_results.problems import Problem, problems
from run_results.retry import RetryBudget
from run_results_api.models import File, RunResults, RunStatus
from run_results_api.types import UNSET

_LOG = logging.getLogger("run_results")

_FINISHED = frozenset({RunStatus.CANCELLED, RunStatus.COMPLETE, RunStatus.FAILED})
# A paused run, and one that waits for a review, does not go on by itself.
_SETTLED = _FINISHED | {RunStatus.PAUSED, RunStatus.STOPPED_AT_CHECKPOINT}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_datetime(nanoseconds: int) -> datetime:
    """A time of the contract as an aware datetime in UTC. A datetime has microseconds: the last three digits are cut.

    >>> to_datetime(1756256319482113024)
    datetime.datetime(2025, 8, 27, 0, 58, 39, 482113, tzinfo=datetime.timezone.utc)
    """
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


@frozen(eq=False)
class Page:
    """One page of a run, and where the next one begins."""

    run: RunResults = field(repr=False)
    """The answer as a model: what is known of the run as a whole, and this page's files."""
    run_id: str
    offset: int
    """Index in the run of this page's first file."""
    body: bytes = field(repr=lambda body: f"<{len(body)} bytes>")
    """The answer's JSON text as it came."""
    include: Include = Include.NONE
    """What was asked for."""
    _found: tuple[Drift, ...] | None = field(default=None, repr=False)

    @property
    def breaches(self) -> tuple[Drift, ...]:
        """Where the answer broke the contract; empty when it kept it."""
        return tuple(place for place in self._found or () if place.is_breach)

    @cached_property
    def drift(self) -> tuple[Drift, ...]:
        """Where the answer broke the contract or went beyond it: `breaches`, and unknown and doubled keys.

        A page without a breach is looked through at the first use, which takes several times as long as decoding it.
        """
        return inspect(self.body) if self._found is None else self._found

    @property
    def files(self) -> list[File]:
        """This page's files, in the run's order."""
        return self.run.files

    @property
    def status(self) -> RunStatus:
        """Where the run stands; a value that the contract does not name keeps its text."""
        return self.run.status

    @property
    def has_more(self) -> bool:
        """Whether files come after this page."""
        return self.run.has_more

    @property
    def next_offset(self) -> int | None:
        """Where the next page begins; None on the last page."""
        return self.offset + len(self.files) if self.has_more else None

    @property
    def raw(self) -> Any:
        """The answer as decoded JSON, with everything that the models have no place for; decoded anew at each use."""
        return parse(self.body)

    @property
    def is_finished(self) -> bool:
        """Whether the run has come to its end: cancelled, complete or failed."""
        return self.status in _FINISHED

    @property
    def is_settled(self) -> bool:
        """Whether the run cannot change by itself any more: it has finished, is paused, or waits for a review."""
        return self.status in _SETTLED

    @property
    def started_at(self) -> datetime | None:
        """When the run started; the nanoseconds are in `run.start_timestamp`."""
        value = self.run.start_timestamp
        return to_datetime(value) if isinstance(value, int) else None

    @property
    def finished_at(self) -> datetime | None:
        """When the run finished, None while it has not; the nanoseconds are in `run.finish_timestamp`."""
        value = self.run.finish_timestamp
        return to_datetime(value) if isinstance(value, int) else None

    def problems(self) -> list[Problem]:
        """What failed or did not pass, at run, class, document and field level; see `run_results.problems`.

        Every page tells of the run and its cross-class fields again: count those two levels on one page only.
        """
        return problems(self.run, self.offset)


Steps = Generator[Request | Sleep | Page, Outcome, None]
"""What a client carries out: requests to send, sleeps to sit out, pages to hand out."""


def _fetch(
    options: Options, budget: RetryBudget, run_id: str, offset: int, include: Include, end: float = inf
) -> Generator[Request | Sleep, Outcome, Page]:
    """Get one page, retries included, and check what can be checked of a page alone."""
    question = request(options, run_id, offset, include)
    with call_span(question.url, offset) as span:
        body, run, found = yield from ask(options, budget, question, lambda body: (body, *decode(body)), span, end)
        breaches = [place for place in found or () if place.is_breach]
        unusable = [place for place in breaches if place.path in ("$.id", "$.files", "$.has_more")]
        if unusable:
            raise errors.UnusablePageError(f"the page cannot be used: {unusable[0]}", drift=found)
        if run.id != run_id:
            raise errors.RunMismatch(
                f"asked for run {run_id!r} and got a page of run {run.id[:200]!r}", drift=found or ()
            )
        if breaches and options.strict:
            text = f"the answer broke the contract in {len(breaches)} places, first {breaches[0]}"
            raise errors.ContractError(text, drift=found)
    return Page(run=run, run_id=run_id, offset=offset, body=body, include=include, found=found)


class _Teller:
    """Tells the observer and the log of pages and of their drift, each kind of place once."""

    # A hostile server can make up keys without end.
    _MOST = 1000

    def __init__(self, options: Options) -> None:
        self._observe = options.observe
        self._told: set[tuple[str, str]] = set()

    def tell(self, page: Page, *, thoroughly: bool) -> None:
        """Tell of a page; `thoroughly` looks for what is merely new, too."""
        self._observe(PageReceived(page))
        for place in page.drift if thoroughly else page.breaches:
            kind = (re.sub(r"\[\d+\]", "[*]", place.path), place.expected)
            if kind not in self._told and len(self._told) < self._MOST:
                self._told.add(kind)
                self._observe(DriftFound(page.run_id, page.offset, place))
                level = logging.WARNING if place.is_breach else logging.INFO
                _LOG.log(level, "run %s, offset %d: %s", page.run_id, page.offset, place)


def fetch(options: Options, budget: RetryBudget, run_id: str, offset: int, include: Include) -> Steps:
    """Steps to one page."""
    check_run_id(run_id)
    check_start(offset)
    try:
        page = yield from _fetch(options, budget, run_id, offset, include)
    except errors.RunResultsError as error:
        error.run_id, error.offset = run_id, offset
        raise
    _Teller(options).tell(page, thoroughly=False)
    yield page


def walk(
    options: Options, budget: RetryBudget, run_id: str, start: int, include: Include, deadline: float | None = None
) -> Steps:
    """Steps to every page from `start` on, within `deadline` seconds. Every error carries `resume_offset`."""
    check_run_id(run_id)
    offset: int | None = check_start(start)
    end = inf if deadline is None else options.clock() + check_seconds(deadline, "deadline")
    laws, teller = _Laws(on_change=options.on_change), _Teller(options)
    while offset is not None:
        try:
            page = yield from _fetch(options, budget, run_id, offset, include, end)
            laws.check(page)
        except errors.RunResultsError as error:
            error.run_id, error.offset, error.resume_offset = run_id, offset, offset
            raise
        # What is new is new on every page: the first one tells, and the others are not slowed down.
        teller.tell(page, thoroughly=offset == start)
        yield page
        offset = page.next_offset


def wait(options: Options, budget: RetryBudget, run_id: str, include: Include, timeout: float, poll: float) -> Steps:
    """Steps until the run cannot change by itself any more, and then to its first page."""
    check_run_id(run_id)
    end = options.clock() + check_seconds(timeout, "timeout")
    if not check_seconds(poll, "poll"):
        raise errors.ConfigurationError("poll must be above 0 seconds")
    try:
        while True:
            page = yield from _fetch(options, budget, run_id, 0, include)
            if page.is_settled:
                break
            left = end - options.clock()
            if left <= 0:
                raise errors.RunNotSettledError(f"the run is still {page.status} after {timeout:g} s", page=page)
            yield Sleep(min(poll, left))
            poll = min(poll * 1.5, 30.0)
    except errors.RunResultsError as error:
        error.run_id, error.offset = run_id, 0
        raise
    _Teller(options).tell(page, thoroughly=False)
    yield page


class _Laws:
    """What pages must keep between each other. Memory does not grow with the run."""

    # How many files back a repetition is recognized at once. A longer cycle is caught by the page that is kept at every
    # power of two (Brent), so that no walk goes on for ever.
    _WINDOW = 20_000

    def __init__(self, on_change: str) -> None:
        self._on_change = on_change
        self._state: tuple[object, ...] | None = None
        self._known: set[bytes] = set()
        self._order: deque[bytes] = deque()
        self._pages = 0
        self._kept = b""

    def check(self, page: Page) -> None:
        """Raises the `PagingError` of the law that the page breaks."""
        if page.has_more and not page.files:
            raise errors.OffsetDidNotAdvance("the page says has_more and has no files", drift=page.breaches)
        self._check_run(page)
        if page.files:
            self._check_files(page)

    def _check_run(self, page: Page) -> None:
        run = page.run
        state = (run.status, run.finish_timestamp, run.batch_id)
        before, self._state = self._state, state
        if before is None or state == before:
            return
        changes = [
            f"{name} from {_show(old)} to {_show(new)}"
            for name, old, new in zip(("status", "finish_timestamp", "batch_id"), before, state, strict=True)
            if old != new
        ]
        text = f"the run changed between two pages: {', '.join(changes)}"
        if self._on_change == "raise":
            raise errors.RunChanged(text, drift=page.breaches)
        _LOG.warning("run %s, offset %d: %s", page.run_id, page.offset, text)

    def _check_files(self, page: Page) -> None:
        marks = [_mark(file) for file in page.files]
        whole = blake2b(b"".join(marks), digest_size=16).digest()
        fresh = set(marks)
        again = fresh & self._known
        if whole == self._kept or len(again) == len(fresh):
            raise errors.PageRepeated(
                f"the page has the files of an earlier page again, first {_name(page.files[0])}",
                drift=page.breaches,
            )
        if again or len(fresh) < len(marks):
            index = next(i for i, mark in enumerate(marks) if mark in self._known or mark in marks[:i])
            raise errors.FilesRepeated(
                f"file {page.offset + index}, {_name(page.files[index])}, came before", drift=page.breaches
            )
        self._pages += 1
        if self._pages & (self._pages - 1) == 0:
            self._kept = whole
        self._known |= fresh
        self._order.extend(marks)
        while len(self._order) > max(self._WINDOW, len(marks)):
            self._known.discard(self._order.popleft())


def _mark(file: File) -> bytes:
    """What tells a file from the others of its run: its path, where there is one, and else all that it holds."""
    text = file.input_file_path.encode("utf-8", "surrogatepass") if file.input_file_path else b"\0" + file.to_json()
    return blake2b(text, digest_size=16).digest()


def _name(file: File) -> str:
    name = file.input_file_path or file.original_file_name
    return repr(name)[:200] if name else "which has no name"


def _show(value: object) -> str:
    return "nothing" if value is UNSET else str(value)

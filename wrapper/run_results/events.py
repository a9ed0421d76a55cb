"""Events for an observer, and an OpenTelemetry span for each call. Neither holds the token.

`Client(observe=...)` takes a function that is called with each event, on the thread or task that caused it; what it
raises reaches the caller. Events are Structs: `msgspec.structs.asdict` has their members. Where `opentelemetry-api` is
installed, each page that is fetched, retries included, is one client span (its semantic conventions for HTTP clients).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from logging import Logger

    from run_results.drift import Drift
    from run_results.errors import RunResultsError
    from run_results.page import Page


class RequestSent(Struct, frozen=True):
    """A request is about to be sent."""

    url: str
    offset: int
    attempt: int
    """The first is 1; 0 where a walk asks ahead (`prefetch`), so that the answer may not be used."""


class ResponseReceived(Struct, frozen=True):
    """An answer has come, whatever its status."""

    url: str
    offset: int
    attempt: int
    status: int
    size: int
    """Bytes of the body, unpacked."""
    seconds: float
    """From sending to the last byte; for an answer that was asked for ahead, from when it was due."""


class RetryPlanned(Struct, frozen=True):
    """An attempt has failed, and there will be another."""

    url: str
    offset: int
    attempt: int
    error: "RunResultsError"
    wait: float
    """Seconds until then."""


class PageReceived(Struct, frozen=True):
    """A page is about to be handed out."""

    page: "Page"


class DriftFound(Struct, frozen=True):
    """A page left the contract in a place that this walk has not reported before."""

    run_id: str
    """Empty for a page of the list of runs."""
    offset: int
    drift: "Drift"


Event = RequestSent | ResponseReceived | RetryPlanned | PageReceived | DriftFound
Observer = Callable[[Event], None]


def unobserved(event: Event) -> None:
    """Does nothing: the observer where none is given."""


@cache
def log() -> "Logger":
    """The package's logger. It writes nothing unless the program configures logging."""
    import logging  # here: see docs/performance.md, "Import"

    package = logging.getLogger("run_results")
    package.addHandler(logging.NullHandler())
    return package


class DriftReporter:
    """Reports the drift of the pages of one walk to the observer and the log, each kind of place once."""

    # A hostile server can make up keys without end.
    _MOST = 1000

    def __init__(self, observe: Observer) -> None:
        self._observe = observe
        self._reported: set[tuple[str, str]] = set()

    @property
    def is_heard(self) -> bool:
        """Whether anybody hears of what is merely news."""
        from logging import INFO  # here: see docs/performance.md, "Import"

        return self._observe is not unobserved or log().isEnabledFor(INFO)

    def report(self, run_id: str, offset: int, places: "Iterable[Drift]") -> None:
        """Report the places of a page; a page of the list of runs has no run id."""
        from logging import INFO, WARNING

        what = f"run {run_id}" if run_id else "the list of runs"
        for place in places:
            kind = (re.sub(r"\[\d+\]", "[*]", place.path), place.expected)
            if kind not in self._reported and len(self._reported) < self._MOST:
                self._reported.add(kind)
                self._observe(DriftFound(run_id, offset, place))
                log().log(WARNING if place.is_breach else INFO, "%s, offset %d: %s", what, offset, place)


@cache
def _tracing() -> Any:
    """The module `opentelemetry.trace`, where it is installed."""
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    return trace


class Span:
    """One call as OpenTelemetry sees it; does nothing where there is no span."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def set(self, name: str, value: str | int) -> None:
        """Set an attribute."""
        if self._span is not None:
            self._span.set_attribute(name, value)


@contextmanager
def call_span(url: str, offset: int, operation: str = "get_run_results") -> Iterator[Span]:
    """A client span for one call, if anybody traces. It does not become the current one: a walk is left and resumed."""
    trace = _tracing()
    if trace is None:
        yield Span()
        return
    from urllib.parse import urlsplit  # here: only tracing needs it

    parts = urlsplit(url)
    attributes: dict[str, str | int] = {
        "http.request.method": "GET",
        "url.full": url,
        "server.address": parts.hostname or "",
        "server.port": parts.port or (443 if parts.scheme == "https" else 80),
        f"run_results.{'file_' if operation == 'get_run_results' else ''}offset": offset,
    }
    span = trace.get_tracer("run_results").start_span(operation, kind=trace.SpanKind.CLIENT, attributes=attributes)
    try:
        yield Span(span)
    except Exception as error:
        span.set_attribute("error.type", type(error).__name__)
        span.set_status(trace.StatusCode.ERROR, str(error))
        raise
    finally:
        span.end()

"""One request for a page and its answer, retries included, without sending anything.

`ask` is a generator: it yields what to do next (a `Request` to send, a time to `Sleep`) and is sent the outcome. Both
clients only carry these steps out.
"""

from collections.abc import Callable, Generator, Mapping
from math import inf
from typing import Any, Final, TypeVar

from attrs import evolve, field, frozen
from msgspec import Struct

from run_results import errors
from run_results.answer import error_message, excerpt
from run_results.events import ResponseReceived, RetryPlanned, Span, log
from run_results.include import Include
from run_results.options import Options
from run_results.retry import RETRIED_STATUSES, Patience, RetryBudget, parse_retry_after
from run_results.secret import Secret
from run_results_api.flags import PARAMETERS
from run_results_api.types import UNSET

T = TypeVar("T")
_IMPATIENT: Final = (
    "Send fewer requests, or give {patience=} more seconds; retry_after says how long the server asks to wait, and a"
    " RetryPolicy how much of that is waited (max_retry_after)"
)


@frozen
class Request:
    """A request for a page."""

    url: str
    params: Mapping[str, str | int | bool | list[str]]
    """A list gives its parameter once for each item."""
    headers: Mapping[str, str] = field(repr=False)
    token: Secret = field(default=Secret(""), repr=False)
    offset: int = 0
    """The offset that is asked for: of a file in its run, or of a run in the list."""
    attempt: int = 1
    """How often this page has been asked for, this time included."""
    timeout: float = 60.0
    """Seconds of wall-clock time for the whole answer."""
    walk_left: float = inf
    """Seconds until the deadline of the walk. A request may wait for a free connection besides its `timeout`."""
    max_body_bytes: int = 2**28
    ahead: "tuple[Request, ...]" = field(default=(), repr=False)
    """Requests for later pages that may be sent at the same time; nobody waits for them."""


@frozen
class Reply:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Header names in lower case."""
    body: bytes = field(repr=lambda body: f"<{len(body)} bytes>")

    @property
    def asks_for_fewer(self) -> bool:
        """Whether the server asks for fewer requests."""
        return self.status == 429 or (self.status == 503 and "retry-after" in self.headers)


class Sleep(Struct, frozen=True):
    """A wait before the next step, in seconds."""

    seconds: float


Outcome = Reply | errors.TransportError | None
"""The outcome of a step: an answer, or the error that prevented one; None after a sleep."""


def request(options: Options, run_id: str, offset: int, include: Include) -> Request:
    """The request for one page, as the generated client builds it."""
    from run_results_api.api.runs import get_run_results  # here: nothing is asked before

    built = get_run_results.build_request(
        run_id,
        file_offset=offset,
        ib_context=options.context if options.context is not None else UNSET,
        **{parameter: Include[name] in include for name, parameter in PARAMETERS.items()},
    )
    return as_request(options, built, offset)


def as_request(options: Options, built: Mapping[str, Any], offset: int) -> Request:
    """A request that the generated client has built, to be sent with these options."""
    return Request(
        url=options.base_url + built["url"],
        params=built["params"],
        headers={"Accept": "application/json", **built["headers"]},
        offset=offset,
        timeout=options.timeout,
        max_body_bytes=options.max_body_bytes,
    )


def ask(
    options: Options, budget: RetryBudget, question: Request, read: Callable[[bytes], T], span: Span, end: float
) -> Generator[Request | Sleep, Outcome, T]:
    """Send a request until an answer of status 200 comes that `read` can read; returns what `read` returns.

    What fails takes an attempt, and a retry from the budget. A server that asks for fewer requests (429, or 503 with
    Retry-After) has not failed: that takes seconds of `Options.patience`, and nothing else.

    Raises `TransportError`, `StatusError` or `read`'s `MalformedResponseError` where policy, budget or patience allow
    no further attempt, and `DeadlineExceededError` where the clock reaches `end`.
    """
    attempt = refusals = 0
    patience = Patience(options.patience)
    is_refreshed = False
    error: errors.TransportError | errors.StatusError | errors.MalformedResponseError | None = None
    while True:
        token, started = options.current_token(), options.clock()
        if started >= end:
            raise _walk_deadline(error, attempt)
        attempt += 1
        span.set("http.request.resend_count", attempt - 1)
        outcome = yield _ready(question, token, attempt, end - started)
        retry_after, is_refusal = None, False
        if outcome is None:
            raise AssertionError("a request has an outcome")
        if isinstance(outcome, errors.TransportError):
            error, is_retryable = outcome, outcome.may_pass
        else:
            size, seconds = len(outcome.body), options.clock() - started
            options.observe(ResponseReceived(question.url, question.offset, attempt, outcome.status, size, seconds))
            span.set("http.response.status_code", outcome.status)
            body = token.hide_bytes(outcome.body)
            if outcome.status == 200:
                try:
                    result = read(body)
                except errors.MalformedResponseError as malformed:
                    # Most often the network's fault: the body was cut off, and no length was given to notice it by.
                    error, is_retryable = malformed, True
                else:
                    budget.succeed()
                    return result
            else:
                error = _status_error(evolve(outcome, body=body), token)
                retry_after = error.retry_after
                is_refusal = outcome.status == 429 or (outcome.status == 503 and retry_after is not None)
                refusals += is_refusal
                is_retryable = outcome.status in RETRIED_STATUSES
                # A token that rotates may have expired between two requests: asked for once more, it is a new one.
                may_refresh = (
                    callable(options.token) and not is_refreshed and attempt - refusals < options.retry.attempts
                )
                if outcome.status == 401 and may_refresh:
                    is_refreshed = True
                    continue
        error.attempts, error.url, error.has_context = attempt, question.url, options.context is not None
        if is_refusal:
            wait = options.retry.wait_patiently(refusals, retry_after)
            if wait is None or not patience.take(wait):
                error.advice = _IMPATIENT
                raise error
        else:
            wait = options.retry.wait(attempt - refusals, retry_after) if is_retryable else None
            if wait is None or not budget.take():
                raise error
        if options.clock() + wait >= end:
            raise _walk_deadline(error, attempt)
        options.observe(RetryPlanned(question.url, question.offset, attempt, error, wait))
        log().info("offset %d: attempt %d failed (%s); next in %.2f s", question.offset, attempt, error.message, wait)
        yield Sleep(wait)


def _ready(question: Request, token: Secret, attempt: int, left: float) -> Request:
    """The request for this attempt, with those that may be sent ahead; `left` is the time left to the walk."""
    timeout = min(question.timeout, left)
    ahead = tuple(evolve(each, token=token, timeout=timeout) for each in question.ahead)
    return evolve(question, token=token, attempt=attempt, timeout=timeout, walk_left=left, ahead=ahead)


def _walk_deadline(last: errors.RunResultsError | None, attempts: int) -> errors.DeadlineExceededError:
    after = f"; the last attempt ended with: {last.message}" if last is not None else ""
    text = f"the walk was not complete at its deadline{after}"
    return errors.DeadlineExceededError(text, attempts=attempts, is_of_walk=True)


_STATUS_ERRORS: dict[int, type[errors.StatusError]] = {
    400: errors.BadRequestError,
    401: errors.UnauthorizedError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    422: errors.BadRequestError,
    429: errors.TooManyRequestsError,
}
_REQUEST_IDS = ("x-request-id", "request-id", "x-correlation-id", "x-amzn-requestid", "x-amz-request-id")


def _status_error(reply: Reply, token: Secret) -> errors.StatusError:
    """The error for an answer whose status is not 200."""
    kind = _STATUS_ERRORS.get(reply.status, errors.StatusError)
    if 500 <= reply.status <= 599:
        kind = errors.ServerError
    said = error_message(reply.body)
    start = excerpt(reply.body)
    text = f"status {reply.status}"
    if said or start:
        text += f": {said!r}" if said else f": {start[:200]!r}"
    headers = {name: token.hide(value) for name, value in reply.headers.items()}
    retry_after = parse_retry_after(headers.get("retry-after"), headers.get("date"))
    context: dict[str, object] = {
        "status": reply.status,
        "server_message": said,
        "excerpt": start,
        "request_id": next((headers[name][:200] for name in _REQUEST_IDS if name in headers), None),
        "retry_after": retry_after,
    }
    if 300 <= reply.status <= 399:
        kind = errors.RedirectRefusedError
        location = _without_secrets(headers["location"]) if "location" in headers else None
        context["location"] = location
        where = repr(location) if location is not None else "an address that it does not give"
        text = f"status {reply.status}: the server points to {where}, which was not followed"
    if reply.status == 404 and said is None:
        context["advice"] = f"This is no answer of the API: check first whether the address is right. {kind.advice}"
    if retry_after is not None:
        text += f"; it asks to wait {retry_after:g} s"
    return kind(text, **context)


def _without_secrets(address: str) -> str:
    """An address without query, fragment and user info, at most 200 characters."""
    from urllib.parse import urlsplit, urlunsplit  # here: only a redirect needs it

    try:
        parts = urlsplit(address)
    except ValueError:
        return "an address that cannot be read"
    host = parts.netloc.rpartition("@")[2]  # brackets of IPv6 included
    return urlunsplit((parts.scheme, host, parts.path, "", ""))[:200]

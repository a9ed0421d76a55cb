"""Every error that this package raises, in one family.

    RunResultsError
    ├── ConfigurationError          an argument, variable or file cannot be used; nothing was sent   (ValueError)
    ├── InvalidNameError            a text is no API field name                                      (ValueError)
    ├── UnknownNameError            no project field name gives this API name                        (KeyError)
    ├── NameCollisionError          several project field names give this API name                   (ValueError)
    ├── FieldDoubled                a document has a field twice, and a wide table one cell for it   (ValueError)
    ├── ClientClosedError           the client was used after `close`
    ├── RunNotSettledError          `wait` gave up: the run is still working                         (TimeoutError)
    ├── ExportError                 an export cannot be written or read
    │   └── ExportMismatch          what is there belongs to another run, another state of it, or other options
    ├── TransportError              no whole answer came
    │   ├── ConnectionFailedError   it could not be reached, or the connection broke
    │   ├── DeadlineExceededError   it took too long                                                 (TimeoutError)
    │   └── ResponseTooLargeError   the body is larger than the limit
    ├── StatusError                 an answer with a status other than 200
    │   ├── BadRequestError         400, 422
    │   ├── UnauthorizedError       401
    │   ├── ForbiddenError          403
    │   ├── NotFoundError           404
    │   ├── TooManyRequestsError    429
    │   ├── RedirectRefusedError    3xx; redirects are never followed
    │   └── ServerError             5xx
    └── ContractError               an answer of status 200 that leaves the contract
        ├── MalformedResponseError  the body is no JSON
        ├── UnusablePageError       `id`, `files` or `has_more` cannot be read, so paging cannot go on
        └── PagingError             pages that contradict each other
            ├── OffsetDidNotAdvance `has_more` with no files: asking again would never end
            ├── PageRepeated        a page came again
            ├── FilesRepeated       a file came again
            ├── RunMismatch         the page belongs to another run
            └── RunChanged          the run changed between two pages

Each message says what happened and where; `hint` says what to do next and ends the text. What is known rides on the
exception: `run_id`, `offset` (of the page that was asked for) and, for errors raised while walking, `resume_offset`:
walking again from there gives exactly the files that have not been handed out. No error holds the token.
"""

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from run_results.drift import Drift
    from run_results.page import Page


class RunResultsError(Exception):
    """Base of the family."""

    hint: ClassVar[str] = ""
    run_id: str | None = None
    offset: int | None = None
    """The file offset of the page that was being fetched."""
    resume_offset: int | None = None
    """Where to walk on from, set on every error raised while walking."""

    def __init__(self, message: str, **context: Any) -> None:
        super().__init__(message)
        # Only what the class declares, so that a misspelt name is not lost; kept in __dict__, so that errors pickle.
        for name, value in context.items():
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no {name!r}")
            setattr(self, name, value)

    @property
    def message(self) -> str:
        """What happened, without where and what to do next."""
        return str(self.args[0])

    def __str__(self) -> str:
        places = [
            f"{label} {value!r}"
            for label, value in (
                ("run", self.run_id),
                ("offset", self.offset),
                ("resume at", self.resume_offset),
            )
            if value is not None
        ]
        where = f" ({', '.join(places)})" if places else ""
        return f"{self.message}{where}" + (f". {self.hint}" if self.hint else "")


class ConfigurationError(RunResultsError, ValueError):
    """Raised before anything is sent, when an argument, an environment variable or a file cannot be used."""


class InvalidNameError(RunResultsError, ValueError):
    """Raised when a text is no name that the service could have returned."""

    name: str | None = None


class UnknownNameError(RunResultsError, KeyError):
    """Raised when no project field name that is known gives this API name."""

    api_name: str | None = None


class NameCollisionError(RunResultsError, ValueError):
    """Raised when several project field names give the same API name, so that the way back is not certain."""

    api_name: str | None = None
    names: tuple[str, ...] = ()


class ClientClosedError(RunResultsError):
    """Raised when a client is used after it was closed."""

    hint = "Make a new client"


class RunNotSettledError(RunResultsError, TimeoutError):
    """Raised when `wait` reached its timeout and the run was still working."""

    hint = "Wait longer, or read what is there so far with pages()"
    page: "Page | None" = None
    """The last page seen while waiting."""


class FieldDoubled(RunResultsError, ValueError):
    """Raised when a document has a field twice and a wide table is to have one cell for it."""

    hint = "Say which is wanted: Wide(doubled='first'), 'last' or 'list'"
    api_name: str | None = None


class ExportError(RunResultsError):
    """Raised when an export cannot be written or read: no space, no rights, or an export that is there already."""

    path: str | None = None
    """The file or folder."""


class ExportMismatch(ExportError):
    """Raised when an export cannot go on, because what is there is of another run, state or choice of options."""

    hint = "Export anew into another folder"


class TransportError(RunResultsError):
    """Raised when no whole answer came back."""

    attempts: int = 1
    """How often the request was sent."""
    may_pass: bool = True
    """Whether the same request may succeed later; a certificate that is not trusted stays so."""


class ConnectionFailedError(TransportError):
    """Raised when the server could not be reached or the connection broke before the answer was complete."""

    hint = "Check the base URL, the network and the proxy settings"


class DeadlineExceededError(TransportError, TimeoutError):
    """Raised when the answer was not complete within the time allowed."""

    hint = "Give with_options(timeout=...), or the walk's deadline, more seconds if the server is known to be slow"
    is_of_walk: bool = False
    """Whether it was the deadline of the whole walk, or wait, and not of one request."""


class ResponseTooLargeError(TransportError):
    """Raised when a body is larger than `max_body_bytes`, on the wire or after decompression."""

    hint = "Raise max_body_bytes if pages of this size are expected"
    may_pass = False


class StatusError(RunResultsError):
    """Raised when the server answers with a status other than 200."""

    status: int = 0
    server_message: str | None = None
    """What the server said in `message`, if the body had the contract's shape."""
    excerpt: str = ""
    """The beginning of the body, at most 500 characters."""
    request_id: str | None = None
    """The server's id for the request, if it sent one."""
    retry_after: float | None = None
    """How long the server asks to wait, in seconds."""
    attempts: int = 1
    """How often the request was sent."""


class BadRequestError(StatusError):
    """Raised for 400 and 422: the server does not accept a parameter."""


class UnauthorizedError(StatusError):
    """Raised for 401: the server does not accept the token."""

    hint = "Check RUN_RESULTS_TOKEN or token=; the token may have expired"


class ForbiddenError(StatusError):
    """Raised for 403: the token may not read this run."""

    hint = "Check the token's rights and RUN_RESULTS_CONTEXT or context="


class NotFoundError(StatusError):
    """Raised for 404: there is no such run in this context."""

    hint = "Check the run id, the context and the base URL"


class TooManyRequestsError(StatusError):
    """Raised for 429: the caller asks too often."""

    hint = "Ask less often; retry_after says how long the server wants to be left alone"


class RedirectRefusedError(StatusError):
    """Raised for 3xx: redirects are never followed, so that the token stays where it belongs."""

    hint = "Use the server's own address as the base URL"
    location: str | None = None
    """Where the server pointed, without query and user info, if it said where."""


class ServerError(StatusError):
    """Raised for 5xx: the server failed."""

    hint = "Try again later; give the server's operators the request id"


class ContractError(RunResultsError):
    """Raised when an answer of status 200 leaves the contract, and with `strict=True` for any drift."""

    hint = "The server broke the contract; run-results-conformance check says how"
    drift: "tuple[Drift, ...]" = ()
    """Every place that left the contract, as far as it was read."""


class MalformedResponseError(ContractError):
    """Raised when the body of a 200 is no JSON: truncated, not UTF-8, nested too deeply, or something else."""

    excerpt: str = ""
    """The beginning of the body, at most 500 characters."""
    attempts: int = 1
    """How often the request was sent."""


class UnusablePageError(ContractError):
    """Raised when `id`, `files` or `has_more` is missing or of a wrong type: what paging depends on."""


class PagingError(ContractError):
    """Raised when pages contradict each other."""


class OffsetDidNotAdvance(PagingError):
    """Raised when a page says `has_more` and has no files: the next request would be the same one for ever."""


class PageRepeated(PagingError):
    """Raised when a page has the very files of an earlier one."""


class FilesRepeated(PagingError):
    """Raised when a page has a file that came before."""


class RunMismatch(PagingError):
    """Raised when a page carries another run's id than the one asked for."""


class RunChanged(PagingError):
    """Raised when status, start or finish time, batch or review changed between two pages of one walk."""

    hint = (
        "Wait for the run to settle and walk again from 0; or resume to take the rest as it is now,"
        " as on_change='warn' does"
    )


__all__ = [
    "BadRequestError",
    "ClientClosedError",
    "ConfigurationError",
    "ConnectionFailedError",
    "ContractError",
    "DeadlineExceededError",
    "ExportError",
    "ExportMismatch",
    "FieldDoubled",
    "FilesRepeated",
    "ForbiddenError",
    "InvalidNameError",
    "MalformedResponseError",
    "NameCollisionError",
    "NotFoundError",
    "OffsetDidNotAdvance",
    "PageRepeated",
    "PagingError",
    "RedirectRefusedError",
    "ResponseTooLargeError",
    "RunChanged",
    "RunMismatch",
    "RunNotSettledError",
    "RunResultsError",
    "ServerError",
    "StatusError",
    "TooManyRequestsError",
    "TransportError",
    "UnauthorizedError",
    "UnknownNameError",
    "UnusablePageError",
]

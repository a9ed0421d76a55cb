"""Every error that this package raises, in one family.

    RunResultsError
    ├── ConfigurationError          an argument, variable or file cannot be used; nothing was sent   (ValueError)
    ├── InvalidNameError            a text is no API field name                                      (ValueError)
    ├── UnknownNameError            no project field name gives this API name                        (KeyError)
    ├── NameCollisionError          several project field names give this API name                   (ValueError)
    ├── FieldDoubled                a document has a field twice, and a wide table one cell for it   (ValueError)
    ├── ClientClosedError           the client was used after `close`
    ├── ClientPicklingError         the client was to be pickled or copied                           (TypeError)
    ├── RunNotSettledError          `wait` gave up: the run is still working                         (TimeoutError)
    ├── RunStatusMissingError       `wait` cannot end: the answers do not say where the run stands
    ├── ExportError                 an export cannot be written or read
    │   └── ExportMismatch          the files there are of another run, another state of it, or other options
    ├── TransportError              no whole answer came
    │   ├── ConnectionFailedError   it could not be reached, or the connection broke
    │   ├── ConnectionsBusyError    too many requests of the client were under way                   (TimeoutError)
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
        ├── UnusablePageError       what paging needs cannot be read: `files`, `has_more`, an `id`, a listed run's start
        └── PagingError             pages that contradict each other
            ├── OffsetDidNotAdvance `has_more` with no files: asking again would never end
            ├── PageRepeated        a page came again
            ├── FilesRepeated       a file came again
            ├── RunMismatch         the page belongs to another run
            ├── RunChanged          the run changed between two pages
            ├── RunOutOfWindow      the list of runs has one that started outside the time that was asked for
            └── RunsOutOfOrder      the list of runs is not sorted by start

Each message says what happened and where; `hint` says what to do next and ends the text. Facts ride on the exception:
`url`, `run_id`, `offset` (of the page that was asked for) and, for errors raised while walking, `resume_offset`: a walk
that starts there gives exactly the files that have not been handed out. No error holds the token or the context.

Settings that a text speaks of are data: `option` and `variable`, and names in braces in `advice`. So a program with
other names for them, such as the command line, says its own: see `describe`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from run_results.drift import Drift

if TYPE_CHECKING:
    from run_results.page import Page


class _Spelling(dict[str, str]):
    """Gives each setting that stands in braces in a text as `spell` writes it."""

    def __init__(self, spell: Callable[[str], str]) -> None:
        super().__init__()
        self._spell = spell

    def __missing__(self, setting: str) -> str:
        return self._spell(setting)


class RunResultsError(Exception):
    """Base of the family.

    What to do: catch it where every failure of the library is handled alike. The message says what to do in each case.
    """

    advice: str = ""
    """What to do next, with settings and methods in braces as Python writes them: `{on_change='warn'}`, `{pages()}`."""
    option: str | None = None
    """The setting that cannot be used, by its name in Python."""
    variable: str | None = None
    """The environment variable that may hold it."""
    url: str | None = None
    """The address that was asked for, where no page came from it."""
    has_context: bool = False
    """Whether it was asked with a context (IB-Context), which is not shown."""
    run_id: str | None = None
    offset: int | None = None
    """The file offset of the page that was being fetched."""
    resume_offset: int | None = None
    """Where to continue the walk, set on every error raised while walking."""

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

    @property
    def hint(self) -> str:
        """What to do next; empty where there is nothing to add."""
        return self._advise(str)

    def describe(self, spell: Callable[[str], str] = str, *, resume: bool = True) -> str:
        """The whole text. `spell` writes a setting, given as in Python (`timeout=`), in the caller's own way.

        >>> DeadlineExceededError("no answer").describe(lambda setting: f"--{setting.rstrip('=')}")
        'no answer. Give --timeout, or the deadline of the walk, more seconds if the server is known to be slow'
        """
        settings = [*([self.variable] if self.variable else []), *([spell(f"{self.option}=")] if self.option else [])]
        places = [
            *([" or ".join(settings)] if settings else []),
            *([f"run {self.run_id!r}"] if self.run_id is not None else []),
            *([f"offset {self.offset}"] if self.offset is not None else []),
            *([f"resume at {self.resume_offset}"] if resume and self.resume_offset is not None else []),
            *([f"{self.url}, {'with a' if self.has_context else 'no'} context"] if self.url else []),
        ]
        where = f" ({', '.join(places)})" if places else ""
        advice = self._advise(spell)
        return f"{self.message}{where}" + (f". {advice}" if advice else "")

    def _advise(self, spell: Callable[[str], str]) -> str:
        return self.advice.format_map(_Spelling(spell))

    def __str__(self) -> str:
        return self.describe()


class ConfigurationError(RunResultsError, ValueError):
    """Raised before anything is sent, when an argument, an environment variable or a file cannot be used.

    What to do: correct the setting that the message names; the message says what is accepted.
    """


class InvalidNameError(RunResultsError, ValueError):
    """Raised when a text is no name that the service could have returned.

    What to do: use the name as the API returns it. `sanitize` makes it from a project's name.
    """

    name: str | None = None


class UnknownNameError(RunResultsError, KeyError):
    """Raised when no project field name that is known gives this API name.

    What to do: add the name to the list of the project's names, or use `label`, which gives the likeliest name.
    """

    api_name: str | None = None


class NameCollisionError(RunResultsError, ValueError):
    """Raised when several project field names give the same API name, so that the way back is not certain.

    What to do: rename one of the fields in the project, or use `label`, which then gives the API name.
    """

    api_name: str | None = None
    names: tuple[str, ...] = ()


class ClientClosedError(RunResultsError):
    """Raised when a client is used after it was closed."""

    advice = "Make a new client"


class ClientPicklingError(RunResultsError, TypeError):
    """Raised when a client is pickled or copied, for another process as a rule."""

    advice = (
        "Send the run id and the settings there, and make a client in each process: Client(**settings) reads"
        " RUN_RESULTS_TOKEN there. Pages and models can be pickled"
    )


class RunNotSettledError(RunResultsError, TimeoutError):
    """Raised when `wait` reached its timeout and the run was still working."""

    advice = "Wait longer, or read what is there so far with {pages()}"
    page: "Page | None" = None
    """The last page seen while waiting."""


class RunStatusMissingError(RunResultsError):
    """Raised when `wait` reads an answer without a status, as servers of before 2026 give: waiting would never end."""

    advice = "Read what is there with {pages()}, once it is known in another way that the run has finished"
    page: "Page | None" = None
    """The page without a status."""


class FieldDoubled(RunResultsError, ValueError):
    """Raised when a document has a field twice and a wide table is to have one cell for it."""

    advice = "Say which one is wanted: {doubled=} first, last or list"
    api_name: str | None = None


class ExportError(RunResultsError):
    """Raised when an export cannot be written or read: no space, no rights, or an export that is there already.

    What to do: see the message, which names the file; then export again with `resume=True`. What was written is kept.
    """

    path: str | None = None
    """The file or folder."""


class ExportMismatch(ExportError):
    """Raised when an export cannot go on, because what is there is of another run, state or choice of options."""

    advice = "Replace it with {overwrite=True}, or choose another place"


class TransportError(RunResultsError):
    """Raised when no whole answer came back.

    What to do: if `may_pass` is true, try again later, a walk from `resume_offset`.
    """

    attempts: int = 1
    """How often the request was sent."""
    may_pass: bool = True
    """Whether the same request may succeed later; a certificate that is not trusted stays so."""


class ConnectionFailedError(TransportError):
    """Raised when the server could not be reached or the connection broke before the answer was complete."""

    advice = "Check the base URL, the network and the proxy settings"


class ConnectionsBusyError(TransportError, TimeoutError):
    """Raised when no connection was free in time, because too many requests of the client were under way."""

    advice = "Send fewer requests at a time, or make the client with more {max_connections=}"
    may_pass = False


class DeadlineExceededError(TransportError, TimeoutError):
    """Raised when the answer was not complete within the time allowed."""

    advice = "Give {timeout=}, or the deadline of the walk, more seconds if the server is known to be slow"
    is_of_walk: bool = False
    """Whether it was the deadline of the whole walk, or wait, and not of one request."""


class ResponseTooLargeError(TransportError):
    """Raised when a body is larger than `max_body_bytes`, on the wire or after decompression."""

    advice = "Raise {max_body_bytes=} if pages of this size are expected"
    may_pass = False


class StatusError(RunResultsError):
    """Raised when the server answers with a status other than 200.

    What to do: see `server_message`, the server's own reason, and `excerpt`, the beginning of its answer.
    """

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
    """Raised for 400 and 422: the server does not accept a parameter.

    What to do: check the run id and the arguments of the call; the server's reason is in the message.
    """


class UnauthorizedError(StatusError):
    """Raised for 401: the server does not accept the token."""

    advice = "Check RUN_RESULTS_TOKEN or {token=}; the token may have expired"


class ForbiddenError(StatusError):
    """Raised for 403: the token may not read this run."""

    advice = "Check the rights of the token, and RUN_RESULTS_CONTEXT or {context=}"


class NotFoundError(StatusError):
    """Raised for 404: there is no such run in this context, or no API at this address."""

    advice = (
        "Check the run id, the context (RUN_RESULTS_CONTEXT or {context=}) and the base URL (RUN_RESULTS_BASE_URL or"
        " {base_url=})"
    )


class TooManyRequestsError(StatusError):
    """Raised for 429: the caller asks too often."""

    advice = "Send fewer requests; retry_after says how long the server asks you to wait"


class RedirectRefusedError(StatusError):
    """Raised for 3xx: redirects are never followed, so that the token stays where it belongs."""

    advice = "Use the server's own address as the base URL"
    location: str | None = None
    """Where the server pointed, without query and user info, if it said where."""


class ServerError(StatusError):
    """Raised for 5xx: the server failed."""

    advice = "Try again later; give the server's operators the request id"


class ContractError(RunResultsError):
    """Raised when an answer of status 200 leaves the contract, and with `strict=True` for any drift."""

    advice = "The server broke the contract; run-results-conformance check says how"
    drift: tuple[Drift, ...] = ()
    """Every place that left the contract, as far as it was read."""


class MalformedResponseError(ContractError):
    """Raised when the body of a 200 is no JSON: truncated, not UTF-8, nested too deeply, or something else."""

    excerpt: str = ""
    """The beginning of the body, at most 500 characters."""
    attempts: int = 1
    """How often the request was sent."""


class UnusablePageError(ContractError):
    """Raised when `files` or `has_more` is missing or of a wrong type, on which paging depends, or `id` is no text.

    In the list of runs: when `runs`, or a `start_timestamp` in it, is missing or of a wrong type.
    """


class PagingError(ContractError):
    """Raised when pages contradict each other."""


class OffsetDidNotAdvance(PagingError):
    """Raised when a page says `has_more` and has no files: the next request would be the same one for ever."""


_REPEATED = (
    "If the run has a file twice by intention, {on_repeat='keep'} takes it as often as it comes; else the server broke"
    " the contract, and run-results-conformance check says how"
)


class PageRepeated(PagingError):
    """Raised when a page has the very files of an earlier one, or the list of runs goes round in circles."""

    advice = _REPEATED


class FilesRepeated(PagingError):
    """Raised when a page has a file that came before."""

    advice = _REPEATED


class RunMismatch(PagingError):
    """Raised when a page carries another run's id than the one asked for."""


class RunChanged(PagingError):
    """Raised when status, start or finish time, batch or review changed between two pages of one walk."""

    advice = (
        "Wait for the run to settle and walk again from 0; or resume to take the rest as it is now,"
        " as {on_change='warn'} does"
    )


class RunOutOfWindow(PagingError):
    """Raised when a listed run started outside the time that was asked for, as where a server ignores the filter."""


class RunsOutOfOrder(PagingError):
    """Raised when the runs of a page are not sorted by start, the earliest first, as they were asked for."""


__all__ = [
    "BadRequestError",
    "ClientClosedError",
    "ClientPicklingError",
    "ConfigurationError",
    "ConnectionFailedError",
    "ConnectionsBusyError",
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
    "RunOutOfWindow",
    "RunResultsError",
    "RunStatusMissingError",
    "RunsOutOfOrder",
    "ServerError",
    "StatusError",
    "TooManyRequestsError",
    "TransportError",
    "UnauthorizedError",
    "UnknownNameError",
    "UnusablePageError",
]


# --- Errors that are kept ---------------------------------------------------------------------------------------


def without_traceback(error: RunResultsError) -> RunResultsError:
    """The same error without what its traceback keeps alive, pages above all: for errors that are kept in a list."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)

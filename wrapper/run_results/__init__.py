"""Fetch the results of a document-automation run: every file once, in order, under the project's own field names.

    from run_results import Client, Include

    with Client() as client:
        for file in client.files(run_id, include=Include.ALL):
            ...

`Client` and `AsyncClient` fetch, and `Page` is what they fetch. `NameMap` gives the project's names for API names.
Every error is here, too, and `errors` draws their family. The models (`RunResults`, `File`, `Document`, `Field` and
others) come from `run_results_api`.
"""

from run_results import errors
from run_results.async_client import AsyncClient
from run_results.client import Client
from run_results.counts import Counts
from run_results.drift import Drift
from run_results.errors import (
    BadRequestError,
    ClientClosedError,
    ClientPicklingError,
    ConfigurationError,
    ConnectionFailedError,
    ConnectionsBusyError,
    ContractError,
    DeadlineExceededError,
    ExportError,
    ExportMismatch,
    FieldDoubled,
    FilesRepeated,
    ForbiddenError,
    InvalidNameError,
    MalformedResponseError,
    NameCollisionError,
    NotFoundError,
    OffsetDidNotAdvance,
    PageRepeated,
    PagingError,
    RedirectRefusedError,
    ResponseTooLargeError,
    RunChanged,
    RunMismatch,
    RunNotSettledError,
    RunOutOfWindow,
    RunResultsError,
    RunsOutOfOrder,
    RunStatusMissingError,
    ServerError,
    StatusError,
    TooManyRequestsError,
    TransportError,
    UnauthorizedError,
    UnknownNameError,
    UnusablePageError,
)
from run_results.fields import Problem, failed, problems
from run_results.include import Include
from run_results.names import NameMap, guess, is_api_name, sanitize
from run_results.page import Page, to_datetime
from run_results.retry import RetryPolicy
from run_results.table_schema import schema
from run_results.version import __version__
from run_results_api.models import CaseField, Document, Field, File, RunResults, RunStatus, RunSummary
from run_results_api.types import UNSET, Unset

__all__ = [
    "UNSET",
    "AsyncClient",
    "BadRequestError",
    "CaseField",
    "Client",
    "ClientClosedError",
    "ClientPicklingError",
    "ConfigurationError",
    "ConnectionFailedError",
    "ConnectionsBusyError",
    "ContractError",
    "Counts",
    "DeadlineExceededError",
    "Document",
    "Drift",
    "ExportError",
    "ExportMismatch",
    "Field",
    "FieldDoubled",
    "File",
    "FilesRepeated",
    "ForbiddenError",
    "Include",
    "InvalidNameError",
    "MalformedResponseError",
    "NameCollisionError",
    "NameMap",
    "NotFoundError",
    "OffsetDidNotAdvance",
    "Page",
    "PageRepeated",
    "PagingError",
    "Problem",
    "RedirectRefusedError",
    "ResponseTooLargeError",
    "RetryPolicy",
    "RunChanged",
    "RunMismatch",
    "RunNotSettledError",
    "RunOutOfWindow",
    "RunResults",
    "RunResultsError",
    "RunStatus",
    "RunStatusMissingError",
    "RunSummary",
    "RunsOutOfOrder",
    "ServerError",
    "StatusError",
    "TooManyRequestsError",
    "TransportError",
    "UnauthorizedError",
    "UnknownNameError",
    "Unset",
    "UnusablePageError",
    "__version__",
    "errors",
    "failed",
    "guess",
    "is_api_name",
    "problems",
    "sanitize",
    "schema",
    "to_datetime",
]

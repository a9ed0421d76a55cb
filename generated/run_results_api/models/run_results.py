# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from typing import Annotated

from msgspec import Meta

from ..models.case_info import CaseInfo
from ..models.file import File
from ..models.run_keys import RunKeys
from ..models.run_status import RunStatus
from ..types import UNSET, Model, Unset


class RunResults(Model, kw_only=True):
    """One page of a run's results, with what is known of the run as a whole."""

    files: list[File]
    """This page's files, in the run's order."""
    has_more: bool
    """Whether files come after the last one of this page."""
    id: Annotated[str, Meta(min_length=1)] | Unset = UNSET
    """The run's id, as it was asked for."""
    status: RunStatus | Unset = UNSET
    """The state of the run. A `COMPLETE` run can still have failed fields. A run in
    `STOPPED_AT_CHECKPOINT` waits for a human review. `PAUSED` is reserved by the platform. More values
    may be added."""
    message: None | str | Unset = UNSET
    """A message of the platform about the run, such as why it failed."""
    start_timestamp: Annotated[int, Meta(ge=0, le=9223372036854775807)] | Unset = UNSET
    """When the run started, in nanoseconds since 1970-01-01 UTC."""
    finish_timestamp: Annotated[int, Meta(ge=0, le=9223372036854775807)] | None | Unset = UNSET
    """When the run finished, in nanoseconds since 1970-01-01 UTC; null while it has not."""
    batch_id: str | Unset = UNSET
    """The batch that the run read its files from, if it read a batch."""
    keys: RunKeys | Unset = UNSET
    """Keys that were attached to the run."""
    case_info: CaseInfo | Unset = UNSET
    """What was consolidated over all documents of the packet (also called the case)."""
    review_completed: bool | Unset = UNSET
    """Whether the human review of the run is complete."""

# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from typing import Annotated

from msgspec import Meta

from ..models.run_status import RunStatus
from ..types import UNSET, Model, Unset


class RunSummary(Model, kw_only=True):
    """A run, as the list of runs has it."""

    id: Annotated[str, Meta(min_length=1)]
    """The run's id."""
    status: RunStatus
    """The state of the run. A `COMPLETE` run can still have failed fields. A run in
    `STOPPED_AT_CHECKPOINT` waits for a human review. `PAUSED` is reserved by the platform. More values
    may be added."""
    start_timestamp: Annotated[int, Meta(ge=0, le=9223372036854775807)]
    """When the run started, in nanoseconds since 1970-01-01 UTC."""
    finish_timestamp: Annotated[int, Meta(ge=0, le=9223372036854775807)] | None | Unset = UNSET
    """When the run finished, in nanoseconds since 1970-01-01 UTC; null or 0 while it has not."""
    msg: None | str | Unset = UNSET
    """A message of the platform about the run. The results of the run call it `message`."""
    batch_id: Annotated[int, Meta(ge=0, le=9223372036854775807)] | None | Unset = UNSET
    """The batch that the run read its files from, as a number; absent or null if it read none."""
    input_dir: None | str | Unset = UNSET
    """The folder that the run read its files from; absent or null if it read none."""
    app_id: None | str | Unset = UNSET
    """The app that was run."""
    deployment_id: None | str | Unset = UNSET
    """The deployment that ran the app; absent or null if the app was run directly."""
    tags: list[str] | None | Unset = UNSET
    """The tags that were given to the run."""

# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from enum import StrEnum
from typing import Self


class RunStatus(StrEnum):
    """The state of the run. A `COMPLETE` run can still have failed fields. A run in
    `STOPPED_AT_CHECKPOINT` waits for a human review. `PAUSED` is reserved by the platform. More values
    may be added.

    A value that the contract does not name becomes a member with that text, which is not in `__members__`.
    """

    CANCELLED = "CANCELLED"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    PAUSED = "PAUSED"
    RUNNING = "RUNNING"
    STOPPED_AT_CHECKPOINT = "STOPPED_AT_CHECKPOINT"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """Whether the contract names this value."""
        return self._name_ in type(self).__members__

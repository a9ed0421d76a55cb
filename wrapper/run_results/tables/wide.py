"""What can be asked of the wide view: one table for each document class, with one column for each field."""

from typing import Literal

from attrs import field, frozen
from attrs.validators import in_, instance_of, optional


@frozen
class Wide:
    """How to lay a run out wide.

    >>> table = client.table("run-1", wide=Wide("W-2", doubled="list", confidence=True))  # doctest: +SKIP
    """

    class_name: str | None = field(default=None, validator=optional(instance_of(str)))
    """The document class; None for every class, or for the only one."""
    doubled: Literal["error", "first", "last", "list"] = field(
        default="error", validator=in_(("error", "first", "last", "list"))
    )
    """What to do with a field that a document has twice: `FieldDoubled`, its first value, its last one, or all; with
    `list` every column is a list."""
    confidence: bool = False
    """Whether each field has its confidences beside it: `<name> model_confidence` and `<name> ocr_confidence`."""

# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from typing import Annotated

from msgspec import Meta

from ..types import UNSET, Model, Unset


class CaseFieldOption(Model, kw_only=True):
    """One document field that feeds a cross-class field."""

    record_index: Annotated[int, Meta(ge=0, le=2147483647)] | Unset = UNSET
    """Index of the document within the packet, counted from 0."""
    refined_phrase_name: str | Unset = UNSET
    """The name of the field in that document, as the project has it."""

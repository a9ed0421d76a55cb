# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from typing import Annotated

from msgspec import Meta

from ..models.edit import Edit
from ..models.field_confidence import FieldConfidence
from ..models.field_validations import FieldValidations
from ..models.source_coordinates import SourceCoordinates
from ..types import UNSET, Model, Unset


class Field(Model, kw_only=True):
    """One field extracted from a document."""

    field_name: Annotated[str, Meta(title="ApiFieldName")] | Unset = UNSET
    """A field's name as a Python variable name, made from the project's own name by `x-field-name-rule`.
    The format is that of a Python identifier. The pattern is the part of it that every regular-
    expression engine can check."""
    value: str | Unset = UNSET
    """The value, as text. The word `ERROR` if extraction failed."""
    type: str | Unset = UNSET
    """The type that the project gives the field."""
    error_msg: str | Unset = UNSET
    """Why extraction failed; empty or absent when it did not."""
    source_coordinates: list[SourceCoordinates] | Unset = UNSET
    """The boxes on the page that the value was read from."""
    edit_history: list[Edit] | Unset = UNSET
    """What reviewers changed, oldest first."""
    confidence: FieldConfidence | Unset = UNSET
    """How sure the platform is of the field's value."""
    validations: FieldValidations | Unset = UNSET
    """Outcome of the validation rules for the field."""

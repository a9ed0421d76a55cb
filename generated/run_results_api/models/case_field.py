# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from typing import Annotated

from msgspec import Meta

from ..models.case_field_option import CaseFieldOption
from ..models.case_field_validations import CaseFieldValidations
from ..models.edit import Edit
from ..types import UNSET, Model, Unset


class CaseField(Model, kw_only=True):
    """A cross-class field, consolidated from fields of several documents."""

    name: Annotated[str, Meta(title="ApiFieldName")]
    """A field's name as a Python variable name, made from the project's own name by `x-field-name-rule`.
    The format is that of a Python identifier. The pattern is the part of it that every regular-
    expression engine can check."""
    value: str
    """The consolidated value, as text."""
    input_fields: list[CaseFieldOption] | Unset = UNSET
    """The document fields that the value could be taken from."""
    chosen_field: CaseFieldOption | None | Unset = UNSET
    """The option that the value was taken from; null when none was."""
    error_msg: str | Unset = UNSET
    """Why the value could not be consolidated; empty or absent when it could."""
    edit_history: list[Edit] | Unset = UNSET
    """What reviewers changed, oldest first."""
    validations: CaseFieldValidations | Unset = UNSET
    """Outcome of the cross-class validation rules for this field."""

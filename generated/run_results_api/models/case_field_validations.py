# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..models.case_field_failure import CaseFieldFailure
from ..types import UNSET, Model, Unset


class CaseFieldValidations(Model, kw_only=True):
    """Outcome of the cross-class validation rules for this field."""

    valid: bool
    """Whether every rule passed."""
    failures: list[CaseFieldFailure] | Unset = UNSET
    """The rules that did not pass."""

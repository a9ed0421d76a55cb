# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..models.validation_alert import ValidationAlert
from ..types import UNSET, Model, Unset


class FieldValidations(Model, kw_only=True):
    """Outcome of the validation rules for the field."""

    valid: bool | Unset = UNSET
    """Whether every rule passed."""
    alerts: list[ValidationAlert] | Unset = UNSET
    """What the rules found."""

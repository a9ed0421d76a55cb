# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from attrs import define

from ..models.validation_alert import ValidationAlert
from ..types import UNSET, Model, Unset


@define(kw_only=True, weakref_slot=False)
class FieldValidations(Model):
    """Outcome of the validation rules for the field."""

    valid: bool | Unset = UNSET
    """Whether every rule passed."""
    alerts: list[ValidationAlert] | Unset = UNSET
    """What the rules have to say."""

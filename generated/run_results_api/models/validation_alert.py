# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..models.alert_location import AlertLocation
from ..types import UNSET, Model, Unset


class ValidationAlert(Model, kw_only=True):
    """One finding of a validation rule."""

    alert_level: str | Unset = UNSET
    """How serious it is."""
    msg: str | Unset = UNSET
    """The finding, for people."""
    type: str | Unset = UNSET
    """The kind of rule."""
    blocked: bool | Unset = UNSET
    """Whether the finding keeps the run from continuing."""
    locations: list[AlertLocation] | Unset = UNSET
    """Where the finding applies."""

# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from attrs import define

from ..types import UNSET, Model, Unset


@define(kw_only=True, weakref_slot=False)
class ClassificationConfidence(Model):
    """How sure the platform is of the document's class."""

    model: float | None | Unset = UNSET
    """The classifier's own score; null when it gave none."""

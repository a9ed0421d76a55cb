# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..types import UNSET, Model, Unset


class ClassificationConfidence(Model, kw_only=True):
    """How sure the platform is of the document's class."""

    model: float | None | Unset = UNSET
    """The classifier's own score; null when it gave none."""

# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..types import UNSET, Model, Unset


class FieldConfidence(Model, kw_only=True):
    """How sure the platform is of the field's value."""

    model: float | None | Unset = UNSET
    """The extraction model's own score; null when it gave none."""
    ocr: float | None | Unset = UNSET
    """How well the text was read from the page; null when it was not read by OCR."""

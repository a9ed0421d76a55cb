# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from attrs import define

from ..types import UNSET, Model, Unset


@define(kw_only=True, weakref_slot=False)
class DocumentValidations(Model):
    """Outcome of the validation rules for the document as a whole."""

    final_result_pass: bool | Unset = UNSET
    """Whether the document passed."""

# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..types import UNSET, Model, Unset


class DocumentValidations(Model, kw_only=True):
    """Outcome of the validation rules for the document as a whole."""

    final_result_pass: bool | Unset = UNSET
    """Whether the document passed."""

# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..models.case_field import CaseField
from ..types import UNSET, Model, Unset


class CaseInfo(Model, kw_only=True):
    """What was consolidated over all documents of the packet (also called the case)."""

    fields: list[CaseField] | Unset = UNSET
    """The packet's cross-class fields."""

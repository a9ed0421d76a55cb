# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from attrs import define

from ..types import Model


@define(kw_only=True, weakref_slot=False)
class CaseFieldFailure(Model):
    """One cross-class rule that did not pass."""

    type: str
    """The kind of rule."""
    msg: str
    """What the rule found, for people."""

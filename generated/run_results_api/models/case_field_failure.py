# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..types import Model


class CaseFieldFailure(Model, kw_only=True):
    """One cross-class rule that did not pass."""

    type: str
    """The kind of rule."""
    msg: str
    """What the rule found, for people."""

# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..types import UNSET, Model, Unset


class Modification(Model, kw_only=True):
    """One change within an edit."""

    message: None | str | Unset = UNSET
    """The change, for people."""

# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from attrs import define

from ..types import UNSET, Model, Unset


@define(kw_only=True, weakref_slot=False)
class Modification(Model):
    """One change within an edit."""

    message: None | str | Unset = UNSET
    """The change, for people."""

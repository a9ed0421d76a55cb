# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from attrs import define

from ..types import Model


@define(kw_only=True, weakref_slot=False)
class Error(Model):
    """What every status other than 200 says."""

    message: str
    """What went wrong, for people."""

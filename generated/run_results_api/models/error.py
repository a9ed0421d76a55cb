# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..types import Model


class Error(Model, kw_only=True):
    """What every status other than 200 says."""

    message: str
    """What went wrong, for people."""

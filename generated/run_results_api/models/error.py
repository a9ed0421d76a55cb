# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..types import Model


class Error(Model, kw_only=True):
    """The answer with every status other than 200."""

    message: str
    """What went wrong, for people."""

# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..models.custom_keys import CustomKeys
from ..types import UNSET, Model, Unset


class RunKeys(Model, kw_only=True):
    """Keys that were attached to the run."""

    custom: CustomKeys | Unset = UNSET
    """Keys that the caller chose, under any names and with any JSON values."""

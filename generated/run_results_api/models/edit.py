# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..models.modification import Modification
from ..types import UNSET, Model, Unset


class Edit(Model, kw_only=True):
    """One edit by a reviewer."""

    timestamp: str
    """When the edit was made, as month/day/year and time of day; the time zone is not given."""
    user_id: str
    """Who made it."""
    modifications: list[Modification] | Unset = UNSET
    """What was changed."""

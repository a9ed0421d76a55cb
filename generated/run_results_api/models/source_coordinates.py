# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from typing import Annotated

from msgspec import Meta

from ..types import UNSET, Model, Unset


class SourceCoordinates(Model, kw_only=True):
    """A box on a page, in the units of the page's layout."""

    top_x: float | Unset = UNSET
    """Left edge."""
    top_y: float | Unset = UNSET
    """Top edge."""
    bottom_x: float | Unset = UNSET
    """Right edge."""
    bottom_y: float | Unset = UNSET
    """Bottom edge."""
    page_number: Annotated[int, Meta(ge=0, le=2147483647)] | Unset = UNSET
    """The page, counted from 0."""

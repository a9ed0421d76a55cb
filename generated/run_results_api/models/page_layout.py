# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from typing import Annotated

from msgspec import Meta

from ..types import Model


class PageLayout(Model, kw_only=True):
    """The size of one page, in the units of the source coordinates."""

    page_number: Annotated[int, Meta(ge=0, le=2147483647)]
    """The page, counted from 0."""
    width: Annotated[float, Meta(ge=0)]
    """Width of the page."""
    height: Annotated[float, Meta(ge=0)]
    """Height of the page."""

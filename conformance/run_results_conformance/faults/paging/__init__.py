"""Paging: files that come twice, late, in another order or never, and a wrong has_more."""

from .files import FILES
from .has_more import HAS_MORE

PAGING = (*HAS_MORE, *FILES)
"""Every fault of the family `paging`."""

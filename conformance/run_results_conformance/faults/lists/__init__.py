"""Runs: the operation that lists runs answers differently than the contract says."""

from .access import ACCESS
from .content import CONTENT
from .correct import CORRECT_LISTS
from .pages import PAGES
from .selection import SELECTION

LISTS = (*CONTENT, *SELECTION, *PAGES, *ACCESS)

__all__ = ("CORRECT_LISTS", "LISTS")

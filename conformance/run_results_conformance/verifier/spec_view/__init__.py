"""What the spec says of an answer: which of its parts it names, and what must be true of them.

All of it is compiled from the schemas, so that nothing here knows a property by name. `inspection` walks an answer
once, for the rules that JSON Schema cannot say; `trimming` keeps what the contract names, so that two answers can be
compared although a server adds keys of its own; `schemas` validates; `values` has places in values and their
differences.
"""

from .inspection import Finding, Inspection
from .values import ABSENT, Path, contradictions, difference, show_path
from .view import SpecView, spec_view_of

__all__ = (
    "ABSENT",
    "Finding",
    "Inspection",
    "Path",
    "SpecView",
    "contradictions",
    "difference",
    "show_path",
    "spec_view_of",
)

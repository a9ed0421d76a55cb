"""A place where an answer left the contract."""

from typing import Any

from attrs import field, frozen

from run_results.text import quote, shorten
from run_results_api.types import UNSET


@frozen
class Drift:
    """One place where an answer left the contract.

    >>> print(Drift("$.files[0].documents[2].class_name", "string or null", 7))
    $.files[0].documents[2].class_name: expected string or null, got 7
    >>> print(Drift("$.id", "string", None))
    $.id: expected string, got null
    """

    path: str
    """Where, as a JSON path."""
    expected: str
    """What the contract has there."""
    got: Any = field(repr=quote)
    """What came, as decoded JSON; `UNSET` where nothing came."""
    is_breach: bool = True
    """Whether it breaks the contract. What is merely news, such as a key that the contract does not name, does not."""

    def __str__(self) -> str:
        came = "nothing" if self.got is UNSET else _json(self.got)
        return f"{self.path}: expected {self.expected}, got {came}"


def _json(value: Any) -> str:
    """A value for a message: as JSON has it, and short. A text alone is written as in other messages."""
    if isinstance(value, str):
        return quote(value)
    from json import dumps  # here: few answers need it

    try:
        return shorten(dumps(value))
    except (TypeError, ValueError, RecursionError):
        return quote(value)

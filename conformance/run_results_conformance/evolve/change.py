"""What one change of a contract means, for those who read answers and for those who send requests."""

from enum import IntEnum
from typing import Literal

from attrs import frozen

Heading = Literal["Added", "Changed", "Deprecated", "Removed"]
"""The headings of a changelog, after Keep a Changelog."""


class Verdict(IntEnum):
    """How a change meets somebody who has not changed anything. The greater one decides."""

    SAFE = 0
    """What worked goes on working."""

    CAUTION = 1
    """It goes on working for whoever keeps the advice of the contract; look at your own code."""

    BREAKS = 2
    """Something that worked does not work any more."""

    @property
    def word(self) -> str:
        """`safe`, `caution` or `breaks`."""
        return self.name.lower()


@frozen
class Change:
    """One change between two contracts.

    `place` is where it shows: an operation and a path into its request or answer. `pointer` is where it stands in the
    new document (in the old one, for what is gone). `rule` says in a sentence why the verdicts are what they are.
    `heading` is the one under which a changelog lists it. `more` counts further places where the same part of the
    document is used.
    """

    place: str
    pointer: str
    what: str
    readers: Verdict
    senders: Verdict
    rule: str
    heading: Heading = "Changed"
    more: int = 0

    @property
    def shown_place(self) -> str:
        """The place, and how many more there are."""
        return (
            f"{self.place} (and {self.more} more {'place' if self.more == 1 else 'places'})"
            if self.more
            else self.place
        )

    @property
    def verdict(self) -> Verdict:
        """The more severe of the two verdicts."""
        return max(self.readers, self.senders)


class CannotJudge(Exception):
    """The documents differ in something whose meaning is not known here.

    The message names the keyword and the JSON pointer. It is raised rather than guessed, because a wrong `safe` is
    worse than none.
    """

    def __init__(self, keyword: str, pointer: str, reason: str) -> None:
        super().__init__(f"cannot judge {keyword} at {pointer}: {reason}")
        self.keyword = keyword
        self.pointer = pointer

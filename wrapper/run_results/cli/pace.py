"""How far a walk is, in words. Nobody knows how many there are before the last page has come."""

import time

from attrs import define, field

from run_results.text import count

SO_FAR = "so far (total unknown)"
"""What is said of a number that grows."""


@define
class Pace:
    """Counts things that come one after the other, and says how fast.

    >>> Pace("file", began=float("-inf")).line(1200, "3,000 lines")
    '1,200 files so far (total unknown), 0 files/s, 3,000 lines'
    """

    noun: str
    began: float = field(factory=time.monotonic)

    def line(self, number: int, *others: str, is_all: bool = False) -> str:
        """How many there are so far, or in all, how many come in a second, and what else was counted."""
        per_second = number / max(time.monotonic() - self.began, 0.001)
        how_many = f"{count(number, self.noun)} {'in all' if is_all else SO_FAR}"
        return ", ".join([how_many, f"{per_second:,.0f} {self.noun}s/s", *others])

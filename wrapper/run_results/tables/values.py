"""Values as numbers, dates and amounts of money, read from their text where there is only one way to read it.

A text that can be read in two ways is not read: `1.234` may be a thousand, `03/04/2025` may be in March or in April.
`Typed` says how the project writes them; then they are read. The text itself always stays in its own column, and
`Unread` counts what could not be read.

No library does this for us: those that there are take one of the two ways without a word (docs/dependencies.md).
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

from attrs import frozen

from run_results.fields import FAILED_VALUE
from run_results.tables.amounts import read_money, read_number
from run_results.tables.dates import read_date
from run_results.tables.doubt import Doubt
from run_results.tables.options import Typed

_KINDS: Final = {
    "number": "number", "numeric": "number", "integer": "number", "int": "number", "float": "number",
    "decimal": "number", "date": "date", "currency": "money", "money": "money", "amount": "money",
}  # fmt: skip
_LONGEST: Final = 100  # characters; a longer text is no number, date or amount

Reading = tuple[Decimal | None, str | None, date | None]
"""Number, currency, date; None where the value has none, or where it can be read in two ways."""
_NOTHING: Final[Reading] = (None, None, None)


@frozen
class Unread:
    """How many values of number, amount and date fields were not read. Empty ones and failed ones do not count.

    >>> print(*Unread(dates=6, others=1).explain(), sep="; ")
    6 dates can be read two ways: say dates='mdy' or 'dmy'; 1 value is no number, amount or date, and stays text only
    """

    dates: int = 0
    """Dates that can be read in two ways."""
    numbers: int = 0
    """Numbers and amounts that can be read in two ways."""
    others: int = 0
    """Values that are no number, amount or date, though the type of their field says so."""

    def __add__(self, other: "Unread") -> "Unread":
        return Unread(self.dates + other.dates, self.numbers + other.numbers, self.others + other.others)

    def __bool__(self) -> bool:
        return self != Unread()

    def explain(self, dates: str = "dates='mdy' or 'dmy'", decimal: str = "decimal='.' or ','") -> list[str]:
        """What was not read, and what to say so that it is; `dates` and `decimal` are the names of the settings."""
        texts = []
        if self.dates:
            texts.append(f"{_count(self.dates, 'date')} can be read two ways: say {dates}")
        if self.numbers:
            texts.append(f"{_count(self.numbers, 'number')} can be read two ways: say {decimal}")
        if self.others:
            verbs = ("is", "stays") if self.others == 1 else ("are", "stay")
            what = f"{_count(self.others, 'value')} {verbs[0]} no number, amount or date"
            texts.append(f"{what}, and {verbs[1]} text only")
        return texts


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def read(values: Iterable[str | None], types: Iterable[str | None], typed: Typed) -> tuple[list[Reading], Unread]:
    """Read each value by its field's type, whose case does not matter, and count those that could not be read.

    >>> read(["1.234", "03/04/2025"], ["NUMBER", "DATE"], Typed(decimal=","))
    ([(Decimal('1234'), None, None), (None, None, None)], Unread(dates=1, numbers=0, others=0))
    """
    readings: list[Reading] = []
    dates = numbers = others = 0
    for value, name in zip(values, types, strict=True):
        kind = kind_of(name)
        text = value.strip() if value and kind else ""
        if not kind or not text or value == FAILED_VALUE:
            readings.append(_NOTHING)
            continue
        found = _read(text, kind, typed) if len(text) <= _LONGEST else Doubt.UNREADABLE
        if not isinstance(found, Doubt):
            readings.append(found)
            continue
        readings.append(_NOTHING)
        if found is Doubt.UNREADABLE:
            others += 1
        elif kind == "date":
            dates += 1
        else:
            numbers += 1
    return readings, Unread(dates, numbers, others)


def kind_of(type: str | None) -> str | None:
    """What a project's type of field is read as: `number`, `date` or `money`; None for any other.

    >>> kind_of("CURRENCY"), kind_of("TEXT")
    ('money', None)
    """
    return _KINDS.get(type.lower()) if type else None


def _read(text: str, kind: str, typed: Typed) -> Reading | Doubt:
    if kind == "date":
        day = read_date(text, typed)
        return day if isinstance(day, Doubt) else (None, None, day)
    if kind == "number":
        number = read_number(text, typed)
        return number if isinstance(number, Doubt) else (number, None, None)
    money = read_money(text, typed)
    return money if isinstance(money, Doubt) else (*money, None)

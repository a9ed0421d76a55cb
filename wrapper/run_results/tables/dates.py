"""Dates, read from their text."""

import re
from datetime import date
from typing import Final

from run_results.tables.doubt import Doubt
from run_results.tables.options import Typed

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

_ISO_DATE = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_NUMERIC_DATE = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d\d)")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\.?[ -]([a-z]+)\.?,?[ -](\d{4}|\d\d)")
_MONTH_FIRST = re.compile(r"([a-z]+)\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4}|\d\d)")
_TIME_OF_DAY = re.compile(
    r"(?:T|,? +)(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?: ?[ap]\.?m\.?)?"
    r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?",
    re.IGNORECASE,
)

_UNKNOWN_STYLE: Final = Typed()


def read_date(text: str, typed: Typed = _UNKNOWN_STYLE) -> date | Doubt:
    """The date in a text, as it is written there; a time of day behind it does not matter.

    A year of two digits is read only where `typed.dates` says the order. It is in the years 1969 to 2068, as POSIX has
    it for `%y`.

    >>> read_date("2025-04-03T00:00:00"), read_date("April 3, 2025"), read_date("03.04.2025").name
    (datetime.date(2025, 4, 3), datetime.date(2025, 4, 3), 'TWO_WAYS')
    >>> read_date("03/04/25", Typed(dates="mdy"))
    datetime.date(2025, 3, 4)
    """
    if time := _TIME_OF_DAY.search(text):
        if time.end() < len(text):
            return Doubt.UNREADABLE
        text = text[: time.start()]
    if found := _ISO_DATE.fullmatch(text):
        return _date(found[1], found[3], found[4]) or Doubt.UNREADABLE
    if found := _NUMERIC_DATE.fullmatch(text):
        return _numeric_date(found[1], found[3], found[4], typed)
    text = text.lower()
    if found := _DAY_FIRST.fullmatch(text):
        year, month, day = found[3], _month(found[2]), found[1]
    elif found := _MONTH_FIRST.fullmatch(text):
        year, month, day = found[3], _month(found[1]), found[2]
    else:
        return Doubt.UNREADABLE
    made = _date(year, month, day)
    if made and len(year) == 2 and not typed.dates:
        return Doubt.TWO_WAYS
    return made or Doubt.UNREADABLE


def _numeric_date(first: str, second: str, last: str, typed: Typed) -> date | Doubt:
    """A date of two short numbers and a year, or of three short ones."""
    dates = {"dmy": _date(last, second, first), "mdy": _date(last, first, second)}
    if typed.dates:
        return dates[typed.dates] or Doubt.UNREADABLE
    possible = {each for each in dates.values() if each}
    if len(last) == 2:  # any of the three may be the year
        return Doubt.TWO_WAYS if possible or _date(first, second, last) else Doubt.UNREADABLE
    if len(possible) > 1:
        return Doubt.TWO_WAYS
    return possible.pop() if possible else Doubt.UNREADABLE


def _month(name: str) -> int:
    for names in (_LONG_MONTHS, _MONTHS):
        if name in names:
            return names.index(name) + 1
    return 9 if name == "sept" else 0


def _date(year: str, month: str | int, day: str) -> date | None:
    century = 0 if len(year) > 2 else 1900 if int(year) >= 69 else 2000
    try:
        return date(century + int(year), int(month), int(day))
    except ValueError:
        return None

"""Values as numbers, dates and amounts of money, read from their text where there is only one way to read it.

A text that can be read in two ways is not read: `1.234` may be a thousand, `03/04/2025` may be in March or in April.
`Typed` says how the project writes them; then they are read. The text itself always stays in its own column.
"""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from run_results.tables.options import Typed

_KINDS: Final = {
    "number": "number", "numeric": "number", "integer": "number", "int": "number", "float": "number",
    "decimal": "number", "date": "date", "currency": "money", "money": "money", "amount": "money",
}  # fmt: skip
# The limits of decimal128(38, 9): numbers below the largest, with at most nine decimals.
_LARGEST: Final = Decimal(10) ** 29
_DECIMALS: Final = 9
_LONGEST: Final = 100  # characters; a longer text is no number, date or amount
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

_DIGITS = re.compile(r"\d(?:[\d.,'’ ]*\d)?|[.,]\d+")
_ISO_DATE = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_NUMERIC_DATE = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\.?[ -]([a-z]+)\.?,?[ -](\d{4})")
_MONTH_FIRST = re.compile(r"([a-z]+)\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_SIGN_OR_CODE = re.compile(r"[A-Z]{3}|[^\W\d_]{0,3}[$€£¥₹₩₽₺₴₪฿₫₱₦₡₲₵₸₼₾]|zł|Kč|kr\.?|Fr\.?")
_AROUND = re.compile(r"[\s()+\-\u2212]*")

_UNKNOWN_STYLE: Final = Typed()

Reading = tuple[Decimal | None, str | None, date | None]
"""Number, currency, date; None where the value has none, or where it can be read in two ways."""
_NOTHING: Final[Reading] = (None, None, None)


def read(values: Iterable[str | None], types: Iterable[str | None], typed: Typed) -> list[Reading]:
    """Read each value by its field's type; the type's case does not matter.

    >>> read(["1.234", "03/04/2025"], ["NUMBER", "DATE"], Typed(decimal=",", dates="dmy"))
    [(Decimal('1234'), None, None), (None, None, datetime.date(2025, 4, 3))]
    """
    return [
        _read(value.strip(), kind, typed) if value and len(value) <= _LONGEST and (kind := kind_of(name)) else _NOTHING
        for value, name in zip(values, types, strict=True)
    ]


def kind_of(type: str | None) -> str | None:
    """What a project's type of field is read as: `number`, `date` or `money`; None for any other.

    >>> kind_of("CURRENCY"), kind_of("TEXT")
    ('money', None)
    """
    return _KINDS.get(type.lower()) if type else None


def _read(text: str, kind: str, typed: Typed) -> Reading:
    if kind == "date":
        return None, None, read_date(text, typed)
    if kind == "number":
        return read_number(text, typed), None, None
    number, currency = read_money(text, typed)
    return number, currency, None


def read_number(text: str, typed: Typed = _UNKNOWN_STYLE) -> Decimal | None:
    """The number in a text; None where it is none, or can be read in two ways.

    >>> read_number("1,234.50"), read_number("(1 234,50)"), read_number("1,234")
    (Decimal('1234.50'), Decimal('-1234.50'), None)
    """
    text = text.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2212", "-").strip()
    negative = False
    if text.startswith("(") and text.endswith(")"):
        negative, text = True, text[1:-1].strip()
    elif text[:1] in ("-", "+"):
        negative, text = text[0] == "-", text[1:].strip()
    elif text.endswith("-"):
        negative, text = True, text[:-1].strip()
    plain = _plain(text, typed.decimal) if _DIGITS.fullmatch(text) else None
    if plain is None:
        return None
    try:
        number = Decimal(plain)
    except InvalidOperation:  # characters that count as digits and have no value
        return None
    exponent = number.as_tuple().exponent
    if number >= _LARGEST or not isinstance(exponent, int) or exponent < -_DECIMALS:
        return None
    # Unary minus would round to the digits of the decimal context.
    return number.copy_negate() if negative and number else number


def _plain(text: str, decimal: str | None) -> str | None:
    """The number with a point for the decimal sign and nothing between the thousands; None where it is none."""
    decimal = decimal or _decimal_sign(text)
    if decimal is None:
        return None
    whole, _, part = text.rpartition(decimal) if decimal in text else (text, "", "")
    groups = re.split(r"[.,'’ ]", whole)
    separators = set(re.findall(r"[.,'’ ]", whole))
    if decimal in separators or len(separators) > 1 or not (part.isdecimal() or part == ""):
        return None
    if len(groups) > 1 and not (1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])):
        return None
    return f"{''.join(groups) or '0'}.{part or '0'}" if part else "".join(groups)


def _decimal_sign(text: str) -> str | None:
    """Whether a point or a comma is the decimal sign; None where it can be either.

    >>> _decimal_sign("1,234.50"), _decimal_sign("1.234.567"), _decimal_sign("12,5"), _decimal_sign("1,234")
    ('.', ',', ',', None)
    """
    signs = [sign for sign in (".", ",") if sign in text]
    if len(signs) == 2:
        return max(signs, key=text.rindex)
    if not signs:
        return "."
    (sign,) = signs
    before, _, after = text.rpartition(sign)
    if text.count(sign) > 1 or " " in after or "'" in after or "’" in after:  # it stands between thousands
        return "," if sign == "." else "."
    if len(after) != 3 or before in ("", "0") or len(before) > 3 or not before.isdecimal():
        return sign
    return None


def read_money(text: str, typed: Typed = _UNKNOWN_STYLE) -> tuple[Decimal | None, str | None]:
    """The amount in a text, and its currency as it is written there; both None where the amount cannot be read.

    >>> read_money("$1,234.50"), read_money("1 234,50 EUR"), read_money("12.00")
    ((Decimal('1234.50'), '$'), (Decimal('1234.50'), 'EUR'), (Decimal('12.00'), None))
    """
    found = list(_SIGN_OR_CODE.finditer(text))
    if len(found) > 1:
        return None, None
    currency = found[0][0] if found else None
    if found:
        before, after = text[: found[0].start()], text[found[0].end() :]
        if not (_AROUND.fullmatch(before) or _AROUND.fullmatch(after)):  # in the middle it may be a decimal sign
            return None, None
        text = before + after
    amount = read_number(text, typed)
    return (amount, currency) if amount is not None else (None, None)


def read_date(text: str, typed: Typed = _UNKNOWN_STYLE) -> date | None:
    """The date in a text; None where it is none, or can be read in two ways.

    >>> read_date("2025-04-03"), read_date("3.4.2025"), read_date("April 3, 2025"), read_date("03/04/2025")
    (datetime.date(2025, 4, 3), datetime.date(2025, 4, 3), datetime.date(2025, 4, 3), None)
    """
    if found := _ISO_DATE.fullmatch(text):
        return _date(found[1], found[3], found[4])
    if found := _NUMERIC_DATE.fullmatch(text):
        first, second = found[1], found[3]
        order = typed.dates or ("dmy" if found[2] == "." or int(first) > 12 or first == second else None)
        order = order or ("mdy" if int(second) > 12 else None)
        day, month = (first, second) if order == "dmy" else (second, first)
        return _date(found[4], month, day) if order else None
    text = text.lower()
    if found := _DAY_FIRST.fullmatch(text):
        return _date(found[3], _month(found[2]), found[1])
    if found := _MONTH_FIRST.fullmatch(text):
        return _date(found[3], _month(found[1]), found[2])
    return None


def _month(name: str) -> int:
    for names in (_LONG_MONTHS, _MONTHS):
        if name in names:
            return names.index(name) + 1
    return 9 if name == "sept" else 0


def _date(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None

"""Numbers and amounts of money, read from their text."""

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from run_results.tables.currencies import CODES, codes_of
from run_results.tables.doubt import Doubt
from run_results.tables.options import Typed

# The limits of decimal128(38, 9): numbers below the largest, with at most nine decimals.
_LARGEST: Final = Decimal(10) ** 29
_DECIMALS: Final = 9

_DIGITS = re.compile(r"\d(?:[\d.,'’ ]*\d)?|[.,]\d+")
_SEPARATOR = re.compile(r"[.,'’ ]")
_LAKHS = re.compile(r"\d{1,2}(?:,\d\d)+,\d{3}(?:\.\d+)?")
# Letters, or a sign with the letters in front of it; what they are is looked up.
_SIGN_OR_CODE = re.compile(r"S/\.?|\$U|[^\W\d_]*[^\s\w.,'’()+\-\u2212%/]|[^\W\d_]+\.?")
_AROUND = re.compile(r"[\s()+\-\u2212]*")

_UNKNOWN_STYLE: Final = Typed()


def read_number(text: str, typed: Typed = _UNKNOWN_STYLE) -> Decimal | Doubt:
    """The number in a text. A percentage is the number that it stands for.

    >>> read_number("1,234.50"), read_number("(1 234,50)"), read_number("10%"), read_number("1,234")
    (Decimal('1234.50'), Decimal('-1234.50'), Decimal('0.10'), <Doubt.TWO_WAYS: 'it can be read in two ways'>)
    """
    text = text.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2212", "-").strip()
    if text.startswith("(") and text.endswith(")") and text[1:2] not in ("-", "+"):
        number = read_number(text[1:-1], typed)
        return number if isinstance(number, Doubt) else number.copy_negate() if number else number
    places = 2 if text.endswith("%") else 0
    if places:
        text = text[:-1].rstrip()
    negative = False
    if text[:1] in ("-", "+"):
        negative, text = text[0] == "-", text[1:].strip()
    elif text.endswith("-"):
        negative, text = True, text[:-1].strip()
    plain = _plain(text, typed.decimal) if _DIGITS.fullmatch(text) else Doubt.UNREADABLE
    if isinstance(plain, Doubt):
        return plain
    try:
        # Not by division: it would round to the digits of the decimal context, as unary minus does.
        number = Decimal(f"{plain}E-{places}")
    except InvalidOperation:  # characters that count as digits and have no value
        return Doubt.UNREADABLE
    exponent = number.as_tuple().exponent
    if number >= _LARGEST or not isinstance(exponent, int) or exponent < -_DECIMALS:
        return Doubt.UNREADABLE
    return number.copy_negate() if negative and number else number


def _plain(text: str, decimal: str | None) -> str | Doubt:
    """The number with a point for the decimal sign and nothing between the thousands."""
    if decimal != "," and "," in text and _LAKHS.fullmatch(text):  # as India writes 1,00,000.00
        return text.replace(",", "")
    sign = decimal or _decimal_sign(text)
    if isinstance(sign, Doubt):
        return sign
    whole, _, part = text.rpartition(sign) if sign in text else (text, "", "")
    groups = _SEPARATOR.split(whole)
    separators = set(_SEPARATOR.findall(whole))
    if sign in separators or len(separators) > 1 or not (part.isdecimal() or part == ""):
        return Doubt.UNREADABLE
    if len(groups) > 1 and not (1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])):
        return Doubt.UNREADABLE
    return f"{''.join(groups) or '0'}.{part or '0'}" if part else "".join(groups)


def _decimal_sign(text: str) -> str | Doubt:
    """Whether a point or a comma is the decimal sign, if it cannot be either.

    >>> _decimal_sign("1,234.50"), _decimal_sign("1.234.567"), _decimal_sign("12,5"), _decimal_sign("1,234").name
    ('.', ',', ',', 'TWO_WAYS')
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
    return Doubt.TWO_WAYS


def read_money(text: str, typed: Typed = _UNKNOWN_STYLE) -> tuple[Decimal, str | None] | Doubt:
    """The amount in a text, and its currency as it is written there: a sign or a code; the code where it has both.

    >>> read_money("$1,234.50"), read_money("1 234,50 EUR"), read_money("$12.00 USD"), read_money("12.00 NET").name
    ((Decimal('1234.50'), '$'), (Decimal('1234.50'), 'EUR'), (Decimal('12.00'), 'USD'), 'UNREADABLE')
    """
    found: list[str] = []
    while _SIGN_OR_CODE.search(text):
        for token in _SIGN_OR_CODE.finditer(text):
            name = token[0] if codes_of(token[0]) else token[0].removesuffix(".")
            before, after = text[: token.start()], text[token.start() + len(name) :]
            if _AROUND.fullmatch(before) or _AROUND.fullmatch(after):  # in the middle it may be a decimal sign
                break
        else:
            return Doubt.UNREADABLE
        found.append(name)
        text = before + after
        if len(found) > 2 or not frozenset.intersection(*map(codes_of, found)):
            return Doubt.UNREADABLE
    if len(set(found)) < len(found) or "%" in text:
        return Doubt.UNREADABLE
    amount = read_number(text, typed)
    # Of two that agree, a code says more than a sign.
    currency = next((name for name in found if name in CODES), found[0]) if found else None
    return amount if isinstance(amount, Doubt) else (amount, currency)

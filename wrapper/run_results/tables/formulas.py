"""Cells of CSV that a spreadsheet could take for formulas, and how they are made harmless. This is the rule:

- A formula can begin where a cell can begin: at the beginning of our cell, and inside it behind a comma, a semicolon, a
  tab, a bar or a line end, because a spreadsheet may split lines at another separator than the file's, and then our
  quotes protect nothing. White space, invisible characters and quotes in front of it do not matter.
- It begins with `=`, `+`, `-` or `@`, or with their wide forms.
- A signed amount begins with `+` or `-` and is no formula, if it is all that the cell has: `-$5.00`, `-5%`, `-.5`,
  `-1,234.50 EUR`, `+49 170 123`. Letters directly before the digits (`-US5`) could name a cell, so that is none.
- A text in which a formula could begin gets an apostrophe at its beginning, and another one before each formula behind
  a separator; so does a text that begins with a tab or a line end. `unguard` takes them away. In JSON text, the sign is
  written as `\\u003d` instead, and nothing has to be taken away.
"""

import re
from typing import Final

import pyarrow as pa

from run_results.tables.arrow import pc
from run_results.tables.currencies import CODES, SIGNS

_SEPARATORS: Final = ",;|\t\r\n"
# Controls, quotes, every kind of space, and characters that are not seen, but for separators. Characters that are not
# ASCII stand as themselves, because Python and Arrow have no escapes in common for them.
_SKIPPED: Final = r"[\x00-\x08\x0b\x0c\x0e-\x20\"\x7f" + (
    "\x80-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]*"
)
_SIGN: Final = r"[=+\-@＝＋－＠]"

_FRONT = re.compile(rf"{_SKIPPED}({_SIGN})|[\t\r\n]")
_INSIDE = re.compile(rf"([{_SEPARATORS}]{_SKIPPED})('*{_SIGN})")
_GUARDED = re.compile(rf"([{_SEPARATORS}]{_SKIPPED})'('*{_SIGN})")
_JSON_TEXT = re.compile(r'(,?)"((?:[^"\\]|\\.)*)"')
_IN_JSON = re.compile(rf"([,;|]{_SKIPPED})({_SIGN})")

_LONGEST: Final = 100  # characters; a longer cell is no amount
_CODES: Final = "|".join(sorted(CODES))
_BEFORE: Final = "|".join(re.escape(sign) for sign in SIGNS if not any(map(str.isalnum, sign)))
_BEHIND: Final = "|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True))
_AMOUNT = re.compile(
    rf"[+\-]?[ \xa0]?(?:(?:{_BEFORE})[ \xa0]?|(?:{_CODES})[ \xa0])?(?:[0-9][0-9.,'’ \xa0\u202f]*|[.,][0-9]+)"
    rf"[ \xa0]?(?:%|{_BEHIND}|{_CODES})?"
)
_LISTED = re.compile(r"[;|\t\r\n]|,(?=[ \xa0]*[+\-])")

# For whole columns: what may be unsafe. What is found is looked at once more, one text at a time.
_MAY_BE_UNSAFE: Final = rf"(?:^|[{_SEPARATORS}]){_SKIPPED}{_SIGN}|^[\t\r\n]"
_PLAIN_NUMBER: Final = r"^[+\-]?[0-9][0-9., ]*$"
_JSON_MAY_BE_UNSAFE: Final = rf"[,;|]{_SKIPPED}{_SIGN}"


def guard(text: str) -> str:
    r"""The text, with apostrophes where a spreadsheet could see a formula.

    >>> guard("=1+1"), guard("a;=1+1;b"), guard("-$5.00"), guard("net; -5%")
    ("'=1+1", "'a;'=1+1;b", '-$5.00', 'net; -5%')
    """
    front = _FRONT.match(text)
    is_unsafe = front is not None and not (front[1] and _is_amounts(text[front.start(1) :]))
    if not is_unsafe and all(found[2][0] == "'" or _is_amount(found) for found in _INSIDE.finditer(text)):
        return text
    return "'" + _INSIDE.sub(lambda found: found[0] if _is_amount(found) else f"{found[1]}'{found[2]}", text)


def unguard(text: str) -> str:
    """The text that `guard` changed, as it was.

    >>> unguard("'a;'=1+1;b")
    'a;=1+1;b'
    """
    return _GUARDED.sub(r"\1\2", text[1:])


def guard_json(text: str) -> str:
    r"""JSON text of the same value, in which no spreadsheet could see a formula.

    >>> print(guard_json('[{"message":"a;=1+1"}]'))
    [{"message":"a;\u003d1+1"}]
    """
    return _JSON_TEXT.sub(_guard_json_text, text)


def guard_column(column: pa.Array, *, is_json: bool) -> tuple[pa.Array, list[int]]:
    """A column of texts, made harmless, and in which rows one got an apostrophe."""
    if is_json:
        suspects = pc.match_substring_regex(column, _JSON_MAY_BE_UNSAFE)
    else:
        numbers = pc.match_substring_regex(column, _PLAIN_NUMBER)
        suspects = pc.and_not(pc.match_substring_regex(column, _MAY_BE_UNSAFE), numbers)
    suspects = suspects.fill_null(False)
    rows = pc.indices_nonzero(suspects).to_pylist()
    if not rows:
        return column, []
    texts = column.filter(suspects).to_pylist()
    guarded = [guard_json(text) if is_json else guard(text) for text in texts]
    changed = [row for row, before, after in zip(rows, texts, guarded, strict=True) if before != after]
    column = pc.replace_with_mask(column, suspects, pa.array(guarded, column.type))
    return column, [] if is_json else changed


def _is_amount(found: re.Match[str]) -> bool:
    """Whether a sign behind a separator is that of an amount: to the end of the line, or to the same separator."""
    start = found.start(2)
    return _is_amounts(re.split(rf"[\r\n{found[1][0]}]", found.string[start : start + _LONGEST + 1], maxsplit=1)[0])


def _is_amounts(cell: str) -> bool:
    """Whether a cell has an amount or a list of them, and nothing else."""
    parts = _LISTED.split(cell) if len(cell) <= _LONGEST else ["too long"]
    return all(_AMOUNT.fullmatch(part.strip()) for part in parts if part.strip())


def _guard_json_text(found: re.Match[str]) -> str:
    comma, text = found.groups()
    # A comma in front of the quotes separates, too.
    guarded = _IN_JSON.sub(lambda each: f"{each[1]}\\u{ord(each[2]):04x}", comma + text)[len(comma) :]
    return f'{comma}"{guarded}"'

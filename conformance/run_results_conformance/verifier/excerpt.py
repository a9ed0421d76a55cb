"""What an answer has at the place of a failure: where a path leads in the text of a body, and the text around it."""

import json
import re

from .sanitizer import Sanitizer
from .spec_view import Path

_BEFORE = 80  # characters before the place that are shown
_AFTER = 320  # and from the place on
_MOST_READ = 1 << 16  # characters on each side of the place that are searched for the token
_BLANKS = re.compile(r"[ \t\r\n]*")
_LINE_ENDS = re.compile(r"[ \t]*[\r\n]+[ \t]*")
_DECODER = json.JSONDecoder()


def excerpt(text: str, place: int, sanitizer: Sanitizer) -> str:
    """The text around a place in it, in one line and without the token; an ellipsis stands where more is left out."""
    before, after = text[max(place - _MOST_READ, 0) : place], text[place : place + _MOST_READ]
    before, after = (_LINE_ENDS.sub(" ", sanitizer.without_token(part)) for part in (before, after))
    head = f"…{before[-_BEFORE:]}" if len(before) > _BEFORE else before
    tail = f"{after[:_AFTER]}… ({len(text)} characters)" if len(after) > _AFTER else after
    return sanitizer.show(head + tail)


def locate(text: str, path: Path) -> int:
    """The place in a JSON text at which the value at a path begins.

    Of a path that leads nowhere the last value on the way counts: there something is absent. 0 where the text is no
    JSON.
    """
    place = _skip_blanks(text, 0)
    for step in path:
        try:
            inner = _member(text, place, step) if isinstance(step, str) else _item(text, place, step)
        except (ValueError, IndexError, RecursionError):
            return place
        if inner is None:
            return place
        place = inner
    return place


def _member(text: str, place: int, name: str) -> int | None:
    """The place of a member's value, of the last one of that name, which is the one that Python reads."""
    found: int | None = None
    if text[place] != "{":
        return None
    place = _skip_blanks(text, place + 1)
    while text[place] == '"':
        key, end = _DECODER.raw_decode(text, place)
        value = _skip_blanks(text, _skip_blanks(text, end) + 1)
        found = value if key == name else found
        place = _next(text, value)
    return found


def _item(text: str, place: int, index: int) -> int | None:
    if text[place] != "[":
        return None
    place = _skip_blanks(text, place + 1)
    for _ in range(index):
        if text[place] == "]":
            return None
        place = _next(text, place)
    return None if text[place] == "]" else place


def _next(text: str, place: int) -> int:
    """The place of what comes after a value and its comma."""
    _, end = _DECODER.raw_decode(text, place)
    place = _skip_blanks(text, end)
    return _skip_blanks(text, place + 1) if text[place] == "," else place


def _skip_blanks(text: str, place: int) -> int:
    found = _BLANKS.match(text, place)
    return found.end() if found else place

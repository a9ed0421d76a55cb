"""Makes text from a server, or about it, fit to be shown: without the token, printable, and of bounded length.

Every text in a report was made here. The form that a report is written in (HTML, XML) escapes it once more.
"""

import json
import re
from base64 import b64encode
from typing import Any

from .connection.token import TOKEN

_LONGEST = 600  # characters of a text that is shown
_LONGEST_READ = 1 << 16  # characters of a value that are searched
_SHORTEST_SECRET = 4


def printable(text: str, limit: int = _LONGEST) -> str:
    """The text in printable characters and line ends, cut where it is longer than the limit."""
    cut = text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
    return "".join(c if c.isprintable() or c == "\n" else _spelled(c) for c in cut)


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def value_text(value: Any) -> str:
    """A value as text: a string unchanged, anything else as JSON where that is possible. At most 65,536 characters."""
    if isinstance(value, str):
        return value[:_LONGEST_READ]
    try:
        return json.dumps(value, ensure_ascii=False)[:_LONGEST_READ]
    except (TypeError, ValueError, RecursionError):
        return repr(value)[:_LONGEST_READ]


class Sanitizer:
    """Takes one token out of texts.

    It finds the token in any case, escaped by the rules of JSON, URLs or HTML or not, without its first or its last
    character too, and as Basic credentials. A token under four characters is no secret, and would be found
    everywhere: such a text stays as it is.

        Sanitizer("s3cret").show("Bearer s3cret\\x1b")  # "Bearer $RUN_RESULTS_TOKEN\\\\x1b"
    """

    def __init__(self, token: str) -> None:
        self._pattern = _pattern_of(token) if len(token) >= _SHORTEST_SECRET else None
        self._basic = b64encode(f"{token}:".encode()).decode().rstrip("=")

    def without_token(self, text: str) -> str:
        """The text with `$RUN_RESULTS_TOKEN` where it has the token."""
        if self._pattern is None:
            return text
        return self._pattern.sub(TOKEN, text.replace(self._basic, TOKEN))

    def has_token(self, text: str) -> bool:
        """Whether the token is in the text."""
        return self.without_token(text) != text

    def show(self, value: Any, limit: int = _LONGEST) -> str:
        """The text of a value as it may be shown."""
        # The token goes first: half of one is not recognized.
        return printable(self.without_token(value_text(value)), limit)


def _pattern_of(token: str) -> re.Pattern[str]:
    letters = [_in_any_spelling(character) for character in token]
    middle = "".join(letters[1:-1])
    return re.compile(f"{letters[0]}{middle}(?:{letters[-1]})?|{middle}{letters[-1]}", re.IGNORECASE)


def _in_any_spelling(character: str) -> str:
    code = ord(character)
    return rf"(?:\\?{re.escape(character)}|\\u00{code:02x}|%{code:02x}|&\#0*{code};)"

"""Makes hostile text harmless: what comes from a server or a file may hold anything, and a terminal obeys."""

import re
import unicodedata

# Persian, Hindi and emoji are written with joiners; they move nothing.
_JOINERS = "\u200c\u200d"
_SIGNS = {"\n": "↵", "\t": "\\t", "\r": "\\r"}

# What JSON text may hold raw and should not on a terminal or in a file of lines: DEL, the C1 controls (U+009B starts an
# escape sequence), line and paragraph separators, and what turns the direction of writing.
_RAW_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def inert(text: str, limit: int | None = None) -> str:
    """The text as one line that is safe to print, cut with an ellipsis after `limit` characters of the original.

    >>> inert("Elm Street 7\\n\\x1b[2J")
    'Elm Street 7↵\\\\x1b[2J'
    """
    if limit is not None and len(text) > limit:
        text = text[:limit] + "…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _JOINERS else _sign(c) for c in text)


def _sign(character: str) -> str:
    if unicodedata.category(character) == "Zs":  # such as the no-break space in an amount of money
        return " "
    return _SIGNS.get(character) or character.encode("unicode_escape").decode()


def inert_json(text: bytes) -> bytes:
    """JSON text that says the same and is safe to print; its only line ends are those between values."""
    if text.isascii() and b"\x7f" not in text:
        return text
    return _RAW_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text.decode()).encode()


def quote(text: str, limit: int = 80) -> str:
    """The text for a message: in quotes, escaped, and short even where the text is long.

    >>> quote("due\\u00a0date")
    "'due\\\\xa0date'"
    """
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")

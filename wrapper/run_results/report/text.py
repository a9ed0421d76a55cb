"""Makes text and data harmless in HTML: nothing that a server or a file says can be more than something to look at."""

import re
from typing import Any

import msgspec

# Controls but tab and line feed, what turns the direction of writing, line separators, marks of byte order, halves of
# surrogate pairs, what has no width: a browser hides each of them, or obeys. Joiners stay: scripts need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
# What could end a script element or start another, and what older parsers of JavaScript take for a line's end.
_IN_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_ENCODER = msgspec.json.Encoder()


def visible(text: str, limit: int | None = None) -> str:
    """The text with everything spelled out that would not be seen; cut with an ellipsis after `limit` characters.

    >>> visible("total\\u202e\\x00")
    'total⟨U+202E⟩⟨U+0000⟩'
    """
    if limit is not None and len(text) > limit:
        text = text[:limit] + "…"
    return _UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def encodable(text: str) -> str:
    """The text with U+FFFD for every half of a surrogate pair, which no UTF-8 can hold."""
    return _SURROGATES.sub("\ufffd", text)


def to_json(value: Any) -> bytes:
    """Compact JSON text that may stand inside a script element as it is.

    >>> to_json(["</script>", 0.5])
    b'["\\\\u003c/script\\\\u003e",0.5]'
    """
    text = _ENCODER.encode(value)
    for sign, escape in _IN_SCRIPT.items():
        text = text.replace(sign.encode(), escape.encode())
    return text

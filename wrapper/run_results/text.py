"""Makes text harmless before it is shown: what comes from a server or a file may hold anything.

Dangerous is what a display obeys or hides instead of showing it: control and format characters, separators of lines
and of paragraphs, and halves of surrogate pairs (the Unicode categories Cc, Cf, Zl, Zp and Cs). An escape sequence
moves a terminal's cursor, and U+202E turns the direction of writing. The two joiners stay, because Persian, Hindi and
emoji need them. Each output has its form:

| function | for |
|---|---|
| `printable` | one line on a terminal |
| `printable_json` | JSON text on a terminal or in a file of lines |
| `visible` | HTML; it has to be escaped as well |
| `script_json` | JSON text inside a script element |
| `quote`, `word` | a message |
| `spelled` | a name in which every character counts |

`count` writes a number with its noun.

The report's `script/elements.js` has the same rule. `_text` in the generated package has its own, because it may not
import this package.
"""

import re
import unicodedata

_JOINERS = "\u200c\u200d"
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
# Drawn as nothing though their categories say otherwise: fillers, the grapheme joiner, empty Braille, Khmer vowels.
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_DANGEROUS = (
    "\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u2064\u2066-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
_NOT_LAYOUT = re.compile(f"(?![\t\n])[{_DANGEROUS}]")
# In JSON text a raw control character is white space between values, except for DEL and the C1 controls.
_IN_JSON = re.compile(f"(?![\x00-\x1f])[{_DANGEROUS}]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_SIGNS = {"\n": "↵", "\t": "\\t", "\r": "\\r"}
# What could end a script element or start another, and what older parsers of JavaScript take for the end of a line.
_IN_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def printable(text: str, limit: int | None = None) -> str:
    """The text as one line for a terminal, cut with an ellipsis after `limit` characters of the original.

    Characters that Python cannot print are escaped, too: their width on a terminal is not known.

    >>> printable("Elm Street 7\\n\\x1b[2J")
    'Elm Street 7↵\\\\x1b[2J'
    """
    text = _cut(text, limit)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _JOINERS else _sign(c) for c in text)


def _sign(character: str) -> str:
    if unicodedata.category(character) == "Zs":  # such as the no-break space in an amount of money
        return " "
    return _SIGNS.get(character) or character.encode("unicode_escape").decode()


def printable_json(text: bytes) -> bytes:
    """JSON text with the same meaning that is safe to print; its only line ends are those between values."""
    if text.isascii() and b"\x7f" not in text:
        return text
    return _IN_JSON.sub(lambda found: _escape(found[0]), text.decode()).encode()


def _escape(character: str) -> str:
    """The character as JSON escapes it; beyond U+FFFF these are two escapes."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def visible(text: str, limit: int | None = None) -> str:
    """The text for HTML, with what is dangerous spelled out; cut with an ellipsis after `limit` characters.

    Tabs and line feeds stay. The text still has to be escaped for HTML.

    >>> visible("total\\u202e\\x00")
    'total⟨U+202E⟩⟨U+0000⟩'
    """
    return _NOT_LAYOUT.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", _cut(text, limit))


def script_json(text: bytes) -> bytes:
    """JSON text with the same meaning that may stand inside a script element.

    >>> script_json(b'["</script>",0.5]')
    b'["\\\\u003c/script\\\\u003e",0.5]'
    """
    for sign, escape in _IN_SCRIPT.items():
        text = text.replace(sign.encode(), escape.encode())
    return text


def fold(text: str) -> str:
    """What is left of a text without case and Unicode form: equal for names that some engine takes for one.

    Spark and DuckDB ignore case, each by its own table, so this is coarser than `str.casefold`: NFKD, then upper and
    lower case, then NFKD again. The dotted and the dotless i are an i, as Java compares them.

    >>> fold("Ma\u00dfe") == fold("MASSE"), fold("\ufb01rst") == fold("FIRST"), fold("due date") == fold("due_date")
    (True, True, False)
    """
    if text.isascii():
        return text.lower()
    upper = unicodedata.normalize("NFKD", text).upper()
    return unicodedata.normalize("NFKD", upper.casefold()).replace("i\u0307", "i")


def invisible(text: str) -> str:
    """The characters of a text that nobody sees, or that look like a space and are none; each once, in order.

    Joiners and variation selectors count beside ASCII only: other scripts and emoji need them.

    >>> invisible("due\u00a0date\u200b") == "\u00a0\u200b"
    True
    """
    return "".join(dict.fromkeys(text[at] for at in range(len(text)) if _is_invisible(text, at)))


def _is_invisible(text: str, at: int) -> bool:
    character = text[at]
    if character == " " or "!" <= character <= "~":
        return False
    if character in _JOINERS or _SELECTORS.match(character):
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        return before.isascii() or (character in _JOINERS and after.isascii())
    return unicodedata.category(character) in _UNSEEN or character in _BLANK


def spelled(text: str, limit: int = 80) -> str:
    """The text as one line, with every character that `invisible` finds written as its number; cut after `limit`.

    >>> spelled("due\u00a0date")
    'due<U+00A0>date'
    """
    text = _cut(text, limit)
    return "".join(f"<U+{ord(c):04X}>" if _is_invisible(text, at) else c for at, c in enumerate(text))


def encodable(text: str) -> str:
    """The text with U+FFFD for every half of a surrogate pair, which UTF-8 cannot hold."""
    return _SURROGATES.sub("\ufffd", text)


def quote(value: object, limit: int = 80) -> str:
    """A value for a message: as Python writes it, and short even where the value is long.

    >>> quote("due\\u00a0date")
    "'due\\\\xa0date'"
    """
    if isinstance(value, str):
        return repr(value if len(value) <= limit else f"{value[: limit - 3]}...")
    return shorten(repr(value), limit)


def shorten(text: str, limit: int = 80) -> str:
    """The text, cut with three dots where it is longer than the limit."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def word(value: object, limit: int = 40) -> str:
    """A value inside a sentence: without quotes where it is short and printable.

    >>> word("RUNNING"), word("a\\nb")
    ('RUNNING', "'a\\\\nb'")
    """
    text = str(value)
    return text if len(text) <= limit and text.isprintable() else quote(text, limit)


def count(number: int, noun: str, several: str | None = None) -> str:
    """A number with its noun; `several` is the plural, where an s does not make it.

    >>> count(1, "file"), count(2000, "file"), count(0, "entry", "entries")
    ('1 file', '2,000 files', '0 entries')
    """
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def _cut(text: str, limit: int | None) -> str:
    return text if limit is None or len(text) <= limit else f"{text[:limit]}…"

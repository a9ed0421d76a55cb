"""Reads a body as strictly as RFC 8259 says, and reads on after an error where it can, to judge the rest."""

import json
import zlib
from collections import Counter
from typing import Any

from attrs import field, frozen

_BLANK = " \t\r\n"
_BOM = b"\xef\xbb\xbf"


class _Nothing:
    def __repr__(self) -> str:
        return "(nothing)"


NOTHING = _Nothing()
"""The value of a body without a JSON text."""


@frozen(eq=False)
class Body:
    """The JSON value of a body, and what was wrong with its text: by rule, a phrase.

    `places` has, by rule, the character of the text where that is known.
    """

    value: Any
    problems: dict[str, str]
    places: dict[str, int] = field(factory=dict)


def read_body(data: bytes) -> Body:
    """Reads a body. The value is NOTHING where none can be read; nothing raises."""
    problems: dict[str, str] = {}
    places: dict[str, int] = {}
    if data.startswith(_BOM):
        problems["wire.bom"] = "the body starts with EF BB BF"
        data = data[len(_BOM) :]
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        problems["wire.utf8"] = f"byte {error.start} of the body is not UTF-8"
        places["wire.utf8"] = len(data[: error.start].decode())
        text = data.decode(errors="replace")
    try:
        value = _parse(text, problems)
    except RecursionError:
        problems["wire.json"] = "the body is nested too deeply to be read"
        value = NOTHING
    except ValueError as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        what = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long to be read"
        problems["wire.json"] = f"{what}{where}" if text.strip(_BLANK) else "the body is empty"
        value = NOTHING
        if isinstance(error, json.JSONDecodeError):
            places["wire.json"] = error.pos
    return Body(value, problems, places)


def _parse(text: str, problems: dict[str, str]) -> Any:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) != len(items) and "wire.duplicate-keys" not in problems:
            twice = Counter(name for name, _ in items).most_common(1)[0][0]
            problems["wire.duplicate-keys"] = f"{twice[:80]!r} comes twice in an object"
        return made

    def constant(word: str) -> None:
        problems.setdefault("wire.numbers", f"{word} is not a JSON number")

    start = len(text) - len(text.lstrip(_BLANK))
    value, end = json.JSONDecoder(object_pairs_hook=pairs, parse_constant=constant).raw_decode(text, start)
    if text[end:].strip(_BLANK):
        problems["wire.json"] = f"more text follows the JSON text, at character {end}"
    if "\\ud" in text.lower():
        value = _without_surrogates(value, problems)
    return value


def _without_surrogates(value: Any, problems: dict[str, str]) -> Any:
    plain = json.dumps(value, ensure_ascii=False)
    try:
        plain.encode()
    except UnicodeEncodeError:
        problems["wire.surrogates"] = "a string has half a surrogate pair"
        return json.loads(plain.encode(errors="replace"))
    return value


def gunzip(data: bytes, limit: int) -> bytes | None:
    """The content of a gzip stream; None where it is not one, or has more than `limit` bytes."""
    reader = zlib.decompressobj(wbits=31)
    try:
        content = reader.decompress(data, limit)
    except zlib.error:
        return None
    return content if reader.eof and not reader.unused_data else None

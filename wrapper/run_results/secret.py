"""The token, from where it is given to where it is sent, and out of everything that comes back."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NoReturn

from run_results.errors import ClientPicklingError, ConfigurationError

Token = str | Callable[[], str]
"""A token, a reference to it (`env:NAME`, `file:PATH`), or a function that is asked for it before each request."""
VARIABLE: Final = "RUN_RESULTS_TOKEN"
# Visible ASCII: what a header can hold.
_TOKEN = re.compile(r"[!-~]+")


class Secret:
    """A token that does not show itself, and removes itself from what comes back, in every common spelling.

    A server may echo a token as JSON writes it (`\\u002B` or `\\/`), percent-encoded, HTML-escaped or in base64.
    """

    __slots__ = ("_text",)
    # A text as short as this is no token, and would be found everywhere.
    _SHORT = 8

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "[token]"

    def __reduce__(self) -> NoReturn:
        raise ClientPicklingError("a token cannot be pickled or copied")

    def reveal(self) -> str:
        """The token itself."""
        return self._text

    def hide(self, text: str) -> str:
        """The text without the token."""
        return self.hide_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def hide_bytes(self, body: bytes) -> bytes:
        """The body without the token: a server that echoes it does not get it into results, errors and files."""
        if len(self._text) < self._SHORT:
            return body
        if b"\\" in body:
            body = self._hide_behind_backslashes(body)
        for spelling in _spell(self._text):
            if spelling in body:
                body = body.replace(spelling, _HIDDEN)
        run, escaped = _spell_escaped(self._text)
        return escaped.sub(_HIDDEN, body) if run and run in body else body

    def _hide_behind_backslashes(self, body: bytes) -> bytes:
        """JSON may write any character as an escape, and what follows a backslash is not always what it seems."""
        raw = self._text.encode()
        # Few bodies have escapes of ASCII characters: the slow search is made only where the token shows.
        escaped = b"\\u00" in body or b"\\/" in body
        if raw not in body and not (escaped and raw in _ESCAPE.sub(_undo, body)):
            return body
        body = _STRING.sub(self._hide_in_string, body)
        # The rest is no JSON, and so a text that is only shown; or an escape that ends with the token's first letter.
        body = re.sub(rb"(?<!\\)((?:\\\\)*)(?:\\(?:u[0-9a-fA-F]{0,3})?)?" + re.escape(raw), rb"\1" + _HIDDEN, body)
        undone = _ESCAPE.sub(_undo, body)
        return undone.replace(raw, _HIDDEN) if raw in undone else body

    def _hide_in_string(self, string: re.Match[bytes]) -> bytes:
        """A string of JSON without the token."""
        from json import dumps, loads  # here: see docs/performance.md, "Import"

        try:
            value = loads(string[0])
        except ValueError:
            return string[0]
        hidden = value.replace(self._text, _HIDDEN.decode())
        return string[0] if hidden == value else dumps(hidden).encode()


_HIDDEN: Final = b"[token]"
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
# What JSON writes for a character of a token; an escaped backslash is passed over as a whole.
_ESCAPE = re.compile(rb"\\(?:u00([2-7][0-9a-fA-F])|(/)|\\)")


def _undo(escape: re.Match[bytes]) -> bytes:
    """The character of an escape; an escaped backslash stays."""
    if escape[1]:
        return bytes.fromhex(escape[1].decode())
    return escape[2] or escape[0]


@lru_cache(maxsize=8)  # a client makes a secret for each request
def _spell(text: str) -> tuple[bytes, ...]:
    """The text, and what it looks like percent-encoded, HTML-escaped and, at any place in a longer text, in base64."""
    from base64 import b64encode  # here: see docs/performance.md, "Import"
    from html import escape
    from urllib.parse import quote

    raw = text.encode()
    found = {raw, quote(text, safe="").encode(), quote(text).encode(), escape(text).encode()}
    found |= {re.sub(b"%..", lambda code: code[0].lower(), spelling) for spelling in found}
    found |= {escape(text).replace("&#x27;", "&#39;").encode()}
    for before in range(3):
        # The first and the last group of four characters also depend on what stands beside the text.
        encoded = b64encode(b"\0" * before + raw)
        start, stop = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        found |= {encoded[start:stop], encoded[start:stop].translate(bytes.maketrans(b"+/", b"-_"))}
    return tuple(sorted(found, key=len, reverse=True))


@lru_cache(maxsize=8)
def _spell_escaped(text: str) -> tuple[bytes, re.Pattern[bytes]]:
    """The longest run of letters and digits, and the text with its other characters escaped in any way, even twice.

    A message may hold the JSON, the HTML or the address of another server; and JSON has two ways to escape a slash.
    The run is what a quick search looks for; it is empty where the text has no other characters, or is made of them.
    """
    run = max(re.findall(r"[0-9A-Za-z]+", text), key=len, default="")
    if run == text or len(run) < _SHORT_RUN:
        run = ""
    # No part of an escape of JSON: \n, or \u00e9, and then the rest of the token.
    pattern = rb"(?<!\\)(?<!\\u)(?<!\\u.)(?<!\\u..)(?<!\\u...)"
    for character in text:
        literal = re.escape(character).encode()
        if character.isalnum():
            pattern += literal
            continue
        code = ord(character)
        names = "|".join([f"#0*{code}", f"#[xX]0*(?i:{code:x})", *_NAMES.get(character, ())]).encode()
        pattern += rb"(?:\\*%b|\\+u00(?i:%02x)|%%(?:25)*(?i:%02X)|&(?:amp;)*(?:%b);)" % (literal, code, code, names)
    return run.encode(), re.compile(pattern)


_SHORT_RUN: Final = 4
_NAMES: Final = {"&": ("amp",), "<": ("lt",), ">": ("gt",), '"': ("quot",), "'": ("apos",)}


def check_token(token: object) -> str:
    """The token, if it can be sent. Raises `ConfigurationError`, which never echoes it."""
    if not isinstance(token, str):
        raise _unusable(f"must be a text, not {type(token).__name__}")
    if not token:
        raise _unusable("is empty")
    if not _TOKEN.fullmatch(token):
        if token.lower().startswith("bearer "):
            raise _unusable("must come without the word Bearer")
        if token.strip() != token:
            raise _unusable("has a line break or blank at an end; strip it")
        raise _unusable("has a character that no token has: a blank, control or non-ASCII one")
    return token


def _unusable(reason: str) -> ConfigurationError:
    return ConfigurationError(f"the token {reason}", option="token", variable=VARIABLE)

"""The token, from where it is given to where it is sent, and out of everything that comes back."""

import re
from collections.abc import Callable
from typing import Final

from run_results.errors import ConfigurationError

Token = str | Callable[[], str]
"""A token, or a function that is asked for it before each request, for tokens that rotate."""
VARIABLE: Final = "RUN_RESULTS_TOKEN"
# Visible ASCII: what a header can hold.
_TOKEN = re.compile(r"[!-~]+")


class Secret:
    """A token that does not show itself, and removes itself from texts that come back."""

    __slots__ = ("_text",)
    # A text as short as this is no token, and would be found everywhere.
    _SHORT = 8

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "[token]"

    def reveal(self) -> str:
        """The token itself."""
        return self._text

    def hide(self, text: str) -> str:
        """The text without the token."""
        return text.replace(self._text, "[token]") if len(self._text) >= self._SHORT else text

    def hide_bytes(self, body: bytes) -> bytes:
        """The body without the token: a server that echoes it does not get it into results, errors and files."""
        text = self._text.encode()
        return body.replace(text, b"[token]") if len(text) >= self._SHORT and text in body else body


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

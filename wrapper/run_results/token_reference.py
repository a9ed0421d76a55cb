"""References to a token: `env:NAME` and `file:PATH`. They can be stored, shown and sent; the token itself cannot.

A reference is read before each request, in the process that sends it. So a token that rotates is always the current
one, and what a driver pickles for its workers has no token in it.
"""

import os
import re
from collections.abc import Callable
from typing import Final

from attrs import field, frozen

from run_results.errors import ConfigurationError
from run_results.secret import check_token

_ENV: Final = "env:"
_FILE: Final = "file:"
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECONDS: Final = 60.0
"""How long a pipe is waited for."""


@frozen
class TokenReference:
    """Gives the token that a text refers to. Raises `ConfigurationError` for a text that is no reference.

    >>> TokenReference("file:/run/secrets/token")
    TokenReference(text='file:/run/secrets/token')
    """

    text: str
    _read: Callable[[], str] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_read", _reader(self.text))

    def __call__(self) -> str:
        """The token as it is now. Raises `ConfigurationError` where there is none, or none that can be sent."""
        token = self._read()
        if self.text.startswith(_ENV) and token.startswith(_FILE):
            return TokenReference(token)()
        if is_reference(token):
            raise ConfigurationError(f"{self.text} gives another reference, where a token should be", option="token")
        try:
            return check_token(token)
        except ConfigurationError as error:
            raise ConfigurationError(f"{error.message} (read from {self.text})") from None

    def __reduce__(self) -> tuple[type["TokenReference"], tuple[str]]:
        return TokenReference, (self.text,)


def is_reference(token: object) -> bool:
    """Whether a token is given by reference.

    >>> is_reference("env:RUN_RESULTS_TOKEN"), is_reference("a-token")
    (True, False)
    """
    return isinstance(token, str) and token.startswith((_ENV, _FILE))


def _reader(text: str) -> Callable[[], str]:
    """What reads the token."""
    if text.startswith(_ENV):
        name = text.removeprefix(_ENV)
        if not _VARIABLE.fullmatch(name):
            raise ConfigurationError(
                "the token reference env: needs the name of a variable, as in env:RUN_RESULTS_TOKEN"
            )
        return lambda: _read_variable(name)
    path = text.removeprefix(_FILE) if text.startswith(_FILE) else ""
    if not path or not path.isprintable():
        raise ConfigurationError("a token reference is env:NAME or file:PATH")
    from pathlib import Path  # here: see docs/performance.md, "Import"

    from run_results.token_file import TokenFile

    return TokenFile(Path(path).expanduser(), _SECONDS)


def _read_variable(name: str) -> str:
    token = os.environ.get(name)
    if not token:
        raise ConfigurationError(
            f"the environment variable {name}, from which the token is read, is not set in this process",
            advice="Set it in every process that fetches, workers included",
        )
    return token

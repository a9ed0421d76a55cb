"""What stands for the token in a request, so that no request has the token itself.

It is the shell expression that yields the token, such as `Bearer $RUN_RESULTS_TOKEN`; the token is put in when the
bytes are written. So whatever is shown of a request, its curl line above all, works and is without the secret.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from types import MappingProxyType

TOKEN = "$RUN_RESULTS_TOKEN"  # noqa: S105 - the name of the secret, not the secret
SHORTER_TOKEN = "${RUN_RESULTS_TOKEN%?}"  # noqa: S105
TAIL_OF_TOKEN = "${RUN_RESULTS_TOKEN#?}"  # noqa: S105
BASIC_TOKEN = '$(printf %s "$RUN_RESULTS_TOKEN:" | base64 -w0)'  # noqa: S105
UPPER_TOKEN = "$(printf %s \"$RUN_RESULTS_TOKEN\" | sed -E 's/([a-z])([^a-z]*)$/\\U\\1\\2/')"  # noqa: S105
LOWER_TOKEN = "$(printf %s \"$RUN_RESULTS_TOKEN\" | sed -E 's/([A-Z])([^A-Z]*)$/\\L\\1\\2/')"  # noqa: S105


def _with_last_letter(of: str, change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda token: re.sub(f"([{of}])([^{of}]*)$", lambda found: change(found[1]) + found[2], token)


_FORMS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        UPPER_TOKEN: _with_last_letter("a-z", str.upper),
        LOWER_TOKEN: _with_last_letter("A-Z", str.lower),
        BASIC_TOKEN: lambda token: b64encode(f"{token}:".encode()).decode(),
        SHORTER_TOKEN: lambda token: token[:-1],
        TAIL_OF_TOKEN: lambda token: token[1:],
        TOKEN: lambda token: token,
    }
)
ANY_FORM = re.compile("|".join(re.escape(form) for form in _FORMS))
"""Finds every expression that stands for the token, or for something made of it."""


def fill_in(text: str, token: str) -> str:
    """The text with the token where an expression stands for it."""
    return ANY_FORM.sub(lambda found: _FORMS[found[0]](token), text)

"""Every setting of a client, once: its name, default, environment variable, check and documentation.

A value comes from the argument, else from the environment variable, else from the default. Everything is checked before
anything is sent. Messages say what is wrong and where it came from, and never echo a token.
"""

import os
import re
import time
from collections.abc import Callable
from typing import Any, Final, Literal, TypedDict, TypeVar

from attrs import evolve, field, fields, frozen

from run_results.arguments import check_seconds
from run_results.errors import ConfigurationError
from run_results.events import Observer, unobserved
from run_results.retry import RetryPolicy
from run_results.secret import VARIABLE, Secret, Token, check_token

BASE_URL: Final = "RUN_RESULTS_BASE_URL"
DEFAULT_BASE_URL: Final = "https://aihub.instabase.com/api"
# The contract's pattern for IB-Context: visible ASCII, spaces only inside.
_CONTEXT = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_LOOPBACK = re.compile(r"localhost|::1|127(\.\d{1,3}){3}")
C = TypeVar("C", bound=type)


class Settings(TypedDict, total=False):
    """The names and types of what `Client(...)` and `with_options(...)` take; `Options` has all else about them."""

    token: Token | None
    context: str | None
    base_url: str | None
    timeout: float
    max_body_bytes: int
    retry: RetryPolicy
    strict: bool
    on_change: Literal["raise", "warn"]
    allow_insecure: bool
    prefetch: int
    max_connections: int
    observe: Observer


# --- Checks ----------------------------------------------------------------------------------------------------


def _check_token(token: object) -> None:
    if token is None:
        raise ConfigurationError("no token is given")
    if not callable(token):
        check_token(token)


def _check_context(context: object) -> None:
    if context is not None and not (isinstance(context, str) and _CONTEXT.fullmatch(context)):
        raise ConfigurationError("the context must be visible ASCII, with spaces only inside")


def _check_base_url(url: object) -> None:
    from urllib.parse import urlsplit  # here: see docs/performance.md, "Import"

    if not isinstance(url, str):
        raise ConfigurationError(f"the base URL must be a text, not {type(url).__name__}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"the base URL is no URL: {error}") from None
    if "@" in parts.netloc:
        raise ConfigurationError("the base URL must not hold a user name or password")
    if parts.scheme not in ("http", "https"):
        raise ConfigurationError(f"the base URL must begin with https:// or http://, not as in {url[:80]!r}")
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigurationError(f"the base URL has no usable host, or characters that no URL has: {url[:80]!r}")
    if "?" in url or "#" in url:
        raise ConfigurationError("the base URL must end with the path, without '?' or '#'")
    if any(segment in (".", "..") for segment in parts.path.split("/")):
        raise ConfigurationError("the base URL must not hold the path segments '.' or '..'")


def _check_flag(_: object) -> None:
    """Any value is true or false."""


def _check_timeout(seconds: object) -> None:
    if not check_seconds(seconds, "timeout"):
        raise ConfigurationError("timeout must be above 0 seconds")


def _check_max_body_bytes(number: object) -> None:
    if not isinstance(number, int) or not 1 <= number <= 2**40:
        raise ConfigurationError(f"max_body_bytes must be an integer from 1 to {2**40}, not {number!r}")


def _check_prefetch(number: object) -> None:
    if type(number) is not int or not 0 <= number <= 16:
        raise ConfigurationError(f"prefetch must be an integer from 0 to 16, not {number!r}")


def _check_max_connections(number: object) -> None:
    if type(number) is not int or not 1 <= number <= 10_000:
        raise ConfigurationError(f"max_connections must be an integer from 1 to 10000, not {number!r}")


def _check_retry(policy: object) -> None:
    if not isinstance(policy, RetryPolicy):
        raise ConfigurationError(f"retry must be a RetryPolicy, not {type(policy).__name__}")


def _check_on_change(word: object) -> None:
    if word not in ("raise", "warn"):
        raise ConfigurationError(f"on_change must be 'raise' or 'warn', not {word!r}")


def _check_observe(function: object) -> None:
    if not callable(function):
        raise ConfigurationError(f"observe must be a function, not {type(function).__name__}")


# --- The settings ----------------------------------------------------------------------------------------------


def _setting(
    documentation: str, check: Callable[[object], None], default: object = None, variable: str | None = None
) -> Any:
    """A setting. One with a variable is read from there, and then from the default, where None is given."""

    def read(value: Any) -> Any:
        if value is None:  # an empty variable counts as unset: many a CI system clears one so
            value = (variable and os.environ.get(variable)) or default
        return value.rstrip("/") if variable == BASE_URL and isinstance(value, str) else value

    def validate(_: object, attribute: Any, value: object) -> None:
        try:
            check(value)
        except ConfigurationError as error:
            if variable:  # other messages begin with the name of the setting
                error.option, error.variable = attribute.name, variable
            raise

    metadata = {"documentation": documentation, "default": default, "variable": variable}
    if variable:
        return field(default=None, converter=read, validator=validate, metadata=metadata)
    return field(default=default, validator=validate, metadata=metadata)


@frozen(kw_only=True, repr=False)
class Options:
    """The settings of a client, read and checked. Raises `ConfigurationError`.

    >>> Options(token="t0k3n", timeout=300).timeout
    300
    """

    token: Token = _setting("The API token, or a function that gives the current one.", _check_token, None, VARIABLE)
    context: str | None = _setting(
        "Usually the organization's id; sent as IB-Context.", _check_context, None, "RUN_RESULTS_CONTEXT"
    )
    base_url: str = _setting("Where the API is.", _check_base_url, DEFAULT_BASE_URL, BASE_URL)
    timeout: float = _setting(
        "Seconds of wall-clock time for each attempt at a page, from connecting to the last byte.", _check_timeout, 60.0
    )
    max_body_bytes: int = _setting(
        "The largest page taken, in bytes, before and after decompression.", _check_max_body_bytes, 256 * 2**20
    )
    retry: RetryPolicy = _setting("How often and how long to try.", _check_retry, RetryPolicy())
    strict: bool = _setting("Whether every place where an answer leaves the contract is an error.", _check_flag, False)
    on_change: Literal["raise", "warn"] = _setting(
        "What to do when the run changes between two pages (status, start, finish, batch, review): 'raise' or 'warn'.",
        _check_on_change,
        "raise",
    )
    allow_insecure: bool = _setting(
        "Whether a plain-http base URL that is not loopback is allowed.", _check_flag, False
    )
    prefetch: int = _setting(
        "How many pages a walk may ask for ahead, 16 at the most. Where pages take long to come, a walk is nearly so"
        " many times as fast. Each is a request at the same time (all of a client together hold at most half of its"
        " connections), up to 64 MiB of answers are held in memory, and a walk that is left has asked for some pages in"
        " vain.",
        _check_prefetch,
        0,
    )
    max_connections: int = _setting(
        "How many requests of the client may be under way at once, 10000 at the most. A further one waits until one of"
        " them has ended, as many seconds as `timeout` at the most; then it is a ConnectionsBusyError. With"
        " `http_client`: no more than that client's own limits allow (httpx: 100). Not for `with_options`.",
        _check_max_connections,
        100,
    )
    observe: Observer = _setting(
        "A function that is called with every event; see `run_results.events`.", _check_observe, unobserved
    )
    clock: Callable[[], float] = field(default=time.monotonic)
    """Seconds that only ever grow. Not a setting: tests bring their own clock."""

    def __attrs_post_init__(self) -> None:
        from urllib.parse import urlsplit

        parts = urlsplit(self.base_url)
        if parts.scheme == "http" and not self.allow_insecure and not _LOOPBACK.fullmatch(parts.hostname or ""):
            raise ConfigurationError(
                f"the base URL would send the token unencrypted to {parts.hostname}",
                option="base_url",
                variable=BASE_URL,
                advice="Use https, or {allow_insecure=True}",
            )

    def __repr__(self) -> str:
        return f"<Options for {self.base_url}>"

    def current_token(self) -> Secret:
        """The token to send now. Raises `ConfigurationError` where the function that gives it gives no usable one."""
        return Secret(check_token(self.token()) if callable(self.token) else self.token)

    def changed(self, **settings: Any) -> "Options":
        """A copy with these settings changed. Raises `ConfigurationError`."""
        _check_names(settings)
        if "max_connections" in settings:
            raise ConfigurationError("max_connections is set when a client is made: with_options shares connections")
        changed = evolve(self, **settings)
        if "context" not in settings:  # the environment is not read again: it may be for another client by now
            object.__setattr__(changed, "context", self.context)
        return changed


def settle(**settings: Any) -> Options:
    """Make options of settings, the environment and the defaults. Raises `ConfigurationError`."""
    _check_names(settings)
    return Options(**settings)


def _check_names(settings: dict[str, Any]) -> None:
    known = [member.name for member in fields(Options) if member.metadata]
    for name in settings:
        if name not in known:
            raise ConfigurationError(f"a client has no setting {name[:80]!r}; its settings are {', '.join(known)}")


def with_settings(kind: C) -> C:
    """A class decorator: every setting stands in the docstring, so that `help(Client)` lists them."""
    lines = [kind.__doc__ or "", "    Settings:"]
    for member in fields(Options):
        if member.metadata:
            facts = member.metadata
            default = f" Default: {facts['default']!r}." if isinstance(facts["default"], str | int | float) else ""
            variable = f" Environment: {facts['variable']}." if facts["variable"] else ""
            text = f"{member.name}: {facts['documentation']}{default}{variable}"
            lines.append(f"        {text}")
    kind.__doc__ = "\n".join(lines)
    return kind

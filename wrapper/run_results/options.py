"""Every setting of a client, once: its name, default, environment variable, check and documentation.

A value comes from the argument, else from the environment variable, else from the default. Everything is checked before
anything is sent. Messages say what is wrong and where it came from, and never echo a token.
"""

import os
import re
import time
from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, Final, Literal, TypedDict, TypeVar, cast

from attrs import Converter, evolve, field, fields, frozen

from run_results.arguments import as_integer, as_seconds
from run_results.errors import ClientPicklingError, ConfigurationError
from run_results.events import Observer, unobserved
from run_results.retry import RetryPolicy
from run_results.secret import VARIABLE, Secret, Token, check_token
from run_results.token_reference import TokenReference, is_reference

BASE_URL: Final = "RUN_RESULTS_BASE_URL"
DEFAULT_BASE_URL: Final = "https://aihub.instabase.com/api"
# The contract's pattern for IB-Context: visible ASCII, spaces only inside.
_CONTEXT = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_LOOPBACK = re.compile(r"localhost|::1|127(\.\d{1,3}){3}")
C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])


class Settings(TypedDict, total=False):
    """The names and types of what `Client(...)` and `with_options(...)` take; `Options` has all else about them."""

    token: Token | None
    context: str | None
    base_url: str | None
    timeout: float
    max_body_bytes: int
    retry: RetryPolicy
    patience: float
    strict: bool
    on_change: Literal["raise", "warn"]
    on_repeat: Literal["raise", "keep"]
    allow_insecure: bool
    prefetch: int
    max_connections: int
    observe: Observer


# --- Checks ----------------------------------------------------------------------------------------------------
# Each gives the value that a setting has from then on.


def _token(token: object) -> Token:
    if token is None:
        raise ConfigurationError("no token is given")
    if is_reference(token):
        return TokenReference(cast("str", token))
    return cast("Token", token) if callable(token) else check_token(token)


def _context(context: object) -> str | None:
    if context is not None and not (isinstance(context, str) and _CONTEXT.fullmatch(context)):
        raise ConfigurationError("the context must be visible ASCII, with spaces only inside")
    return context


def _base_url(url: object) -> str:
    from urllib.parse import urlsplit  # here: see docs/performance.md, "Import"

    if not isinstance(url, str):
        raise ConfigurationError(f"the base URL must be a text, not {type(url).__name__}")
    url = url.rstrip("/")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        if host and not host.isascii() and "@" not in parts.netloc:
            from run_results.http.hosts import ascii_host  # here: it imports httpx, and few hosts need it

            url = parts._replace(netloc=ascii_host(host) + (f":{port}" if port is not None else "")).geturl()
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
    return url


def _flag(value: object) -> object:
    return value  # any value is true or false


def _timeout(seconds: object) -> float:
    return as_seconds(seconds, "timeout", above_zero=True)


def _max_body_bytes(number: object) -> int:
    return as_integer(number, "max_body_bytes", 1, 2**40)


def _prefetch(number: object) -> int:
    return as_integer(number, "prefetch", 0, 16)


def _max_connections(number: object) -> int:
    return as_integer(number, "max_connections", 1, 10_000)


def _retry(policy: object) -> RetryPolicy:
    if not isinstance(policy, RetryPolicy):
        raise ConfigurationError(f"retry must be a RetryPolicy, not {type(policy).__name__}")
    return policy


def _patience(seconds: object) -> float:
    return as_seconds(seconds, "patience")


def _on_change(word: object) -> object:
    if word not in ("raise", "warn"):
        raise ConfigurationError(f"on_change must be 'raise' or 'warn', not {word!r}")
    return word


def _on_repeat(word: object) -> object:
    if word not in ("raise", "keep"):
        raise ConfigurationError(f"on_repeat must be 'raise' or 'keep', not {word!r}")
    return word


def _observe(function: object) -> object:
    if not callable(function):
        raise ConfigurationError(f"observe must be a function, not {type(function).__name__}")
    return function


# --- The settings ----------------------------------------------------------------------------------------------


def _setting(
    documentation: str, check: Callable[[object], object], default: object = None, variable: str | None = None
) -> Any:
    """A setting. One with a variable is read from there, and then from the default, where None is given."""

    def read(value: Any, attribute: Any) -> Any:
        try:
            if value is None and variable:
                value = _read_variable(variable, default)
            return check(value)
        except ConfigurationError as error:
            if variable:  # other messages begin with the name of the setting
                error.option, error.variable = attribute.name, variable
            raise

    metadata = {"documentation": documentation, "default": default, "variable": variable}
    return field(default=None if variable else default, converter=Converter(read, takes_field=True), metadata=metadata)


def _read_variable(variable: str, default: object) -> object:
    """The value of an environment variable; an empty one counts as unset, because many a CI system clears one so.

    The base URL does not: where the address was meant to come from a variable that is empty by mistake, the token would
    go to the public address.
    """
    value = os.environ.get(variable)
    if value == "" and variable == BASE_URL:
        raise ConfigurationError("the base URL is empty", advice=f"Give the address, or unset {BASE_URL} for {default}")
    return value or default


@frozen(kw_only=True, repr=False)
class Options:
    """The settings of a client, read and checked. Raises `ConfigurationError`.

    >>> Options(token="t0k3n", timeout=300).timeout
    300
    """

    token: Token = _setting(
        "The API token; or where it is read before each request, `env:NAME` or `file:PATH`; or a function that gives"
        " the current one.",
        _token,
        None,
        VARIABLE,
    )
    context: str | None = _setting(
        "Usually the organization's id; sent as IB-Context.", _context, None, "RUN_RESULTS_CONTEXT"
    )
    base_url: str = _setting("Where the API is.", _base_url, DEFAULT_BASE_URL, BASE_URL)
    timeout: float = _setting(
        "Seconds of wall-clock time for each attempt at a page, from connecting to the last byte.", _timeout, 60.0
    )
    max_body_bytes: int = _setting(
        "The largest page taken, in bytes, before and after decompression; reading it takes up to 80 times the memory.",
        _max_body_bytes,
        256 * 2**20,
    )
    retry: RetryPolicy = _setting("How often and how long to try.", _retry, RetryPolicy())
    patience: float = _setting(
        "Seconds that one page may wait, all in all, for a server that asks for fewer requests (429, or 503 with"
        " Retry-After). Such an answer spends neither attempts nor the retry budget. 0 makes it an error at once.",
        _patience,
        300.0,
    )
    strict: bool = _setting("Make every breach of the contract in an answer an error.", _flag, False)
    on_change: Literal["raise", "warn"] = _setting(
        "What to do when the run changes between two pages (status, start, finish, batch, review): 'raise' or 'warn'.",
        _on_change,
        "raise",
    )
    on_repeat: Literal["raise", "keep"] = _setting(
        "What to do with a file that came before in the same walk: 'raise', or 'keep' where a run has a file twice by"
        " intention. A server that goes round in circles is an error in both cases.",
        _on_repeat,
        "raise",
    )
    allow_insecure: bool = _setting("Allow a plain-http base URL that is not loopback.", _flag, False)
    prefetch: int = _setting(
        "How many pages a walk may ask for ahead, 16 at the most. Where pages take long to come, a walk is nearly so"
        " many times as fast. Each is a request at the same time (all of a client together hold at most half of its"
        " connections), up to 64 MiB of answers are held in memory, and a walk that is left has asked for some pages in"
        " vain.",
        _prefetch,
        0,
    )
    max_connections: int = _setting(
        "How many requests of the client may be under way at once, 10000 at the most. A further one waits until one of"
        " them has ended, as many seconds as `timeout` at the most; then it is a ConnectionsBusyError. With"
        " `http_client`: no more than that client's own limits allow (httpx: 100). Not for `with_options`.",
        _max_connections,
        100,
    )
    observe: Observer = _setting(
        "A function that is called with every event; see `run_results.events`.", _observe, unobserved
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

    def __getstate__(self) -> dict[str, Any]:
        if not isinstance(self.token, TokenReference):
            raise ClientPicklingError(
                "these options have a token in them, so they cannot be pickled or copied",
                advice="Give {token=} as a reference, env:NAME or file:PATH, which each process reads for itself",
            )
        return {member.name: getattr(self, member.name) for member in fields(Options)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():  # nothing is read from the environment again: it may be another one
            object.__setattr__(self, name, value)

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
    known = [member.name for member in _SETTINGS]
    for name in settings:
        if name not in known:
            raise ConfigurationError(f"a client has no setting {name[:80]!r}; its settings are {', '.join(known)}")


def with_settings(kind: C) -> C:
    """A class decorator: every setting stands in the docstring, so that `help(Client)` lists them."""
    lines = [kind.__doc__ or "", "    Settings:"]
    for member in _SETTINGS:
        facts = member.metadata
        default = f" Default: {facts['default']!r}." if isinstance(facts["default"], str | int | float) else ""
        variable = f" Environment: {facts['variable']}." if facts["variable"] else ""
        text = f"{member.name}: {facts['documentation']}{default}{variable}"
        lines.append(f"        {text}")
    kind.__doc__ = "\n".join(lines)
    return kind


def with_signature(method: F) -> F:
    """A decorator for methods that take settings: their signature lists each, for `help` and for editors."""
    taken = signature(method)
    parameters = [each for each in taken.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
    for member in _SETTINGS:
        default = None if member.metadata["variable"] else member.metadata["default"]
        kind = Settings.__annotations__[member.name]
        parameters.append(Parameter(member.name, Parameter.KEYWORD_ONLY, default=default, annotation=kind))
    method.__dict__["__signature__"] = taken.replace(parameters=parameters)
    return method


_SETTINGS = [member for member in fields(Options) if member.metadata]

"""What a client is told, checked before anything is sent.

A value comes from the argument, else from the environment (`RUN_RESULTS_TOKEN`, `RUN_RESULTS_CONTEXT`,
`RUN_RESULTS_BASE_URL`), else from the default. Messages name what is wrong and where it came from and never echo a
token.
"""

import os
import re
import time
from collections.abc import Callable
from typing import Final, Literal

from attrs import field, frozen

from run_results.errors import ConfigurationError
from run_results.events import Observer, unobserved
from run_results.include import Include
from run_results.retry import RetryPolicy

DEFAULT_BASE_URL: Final = "https://aihub.instabase.com/api"
MAX_OFFSET: Final = 2**63 - 1
"""The largest `file_offset` that the contract allows."""

# The contract's pattern for IB-Context: visible ASCII, spaces only inside.
_CONTEXT = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_MOST_BYTES = 2**40
_MOST_SECONDS = 10_000_000.0
_MOST_PAGES = 16
_TOKEN = re.compile(r"[!-~]+")


class Secret:
    """A token on its way to the server: it does not show itself, and takes itself out of what comes back."""

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


Token = str | Callable[[], str]
"""A token, or a function that is asked for it before each request, for tokens that rotate."""


def _without_slash(url: str) -> str:
    return url.rstrip("/") if isinstance(url, str) else url


@frozen
class Options:
    """The settled options of a client; `with_options` makes a changed copy."""

    token: Token = field(repr=False)
    base_url: str = field(converter=_without_slash)
    context: str | None = field(repr=False)
    timeout: float
    """Seconds of wall-clock time for each attempt, from connecting to the last byte of the body."""
    max_body_bytes: int
    """The largest body taken, on the wire and after decompression."""
    retry: RetryPolicy
    strict: bool
    """Whether any drift is an error."""
    on_change: Literal["raise", "warn"]
    """What to do when the run changes between two pages of a walk."""
    allow_insecure: bool
    """Whether a plain-http base URL that is not loopback is allowed."""
    observe: Observer = field(default=unobserved, repr=False)
    """Called with every event."""
    prefetch: int = 0
    """How many pages a walk may ask for ahead."""
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    """Seconds that only ever grow."""

    def __attrs_post_init__(self) -> None:
        check_base_url(self.base_url, allow_insecure=self.allow_insecure)
        if not callable(self.token):
            check_token(self.token)
        if self.context is not None and not (isinstance(self.context, str) and _CONTEXT.fullmatch(self.context)):
            raise ConfigurationError(
                "the context (context= or RUN_RESULTS_CONTEXT) must be visible ASCII, with spaces only inside"
            )
        if not isinstance(self.retry, RetryPolicy):
            raise ConfigurationError(f"retry must be a RetryPolicy, not {type(self.retry).__name__}")
        if not check_seconds(self.timeout, "timeout"):
            raise ConfigurationError("timeout must be above 0 seconds")
        if not isinstance(self.max_body_bytes, int) or not 1 <= self.max_body_bytes <= _MOST_BYTES:
            raise ConfigurationError(
                f"max_body_bytes must be an integer from 1 to {_MOST_BYTES}, not {self.max_body_bytes!r}"
            )
        if not callable(self.observe):
            raise ConfigurationError(f"observe must be a function, not {type(self.observe).__name__}")
        if type(self.prefetch) is not int or not 0 <= self.prefetch <= _MOST_PAGES:
            raise ConfigurationError(f"prefetch must be an integer from 0 to {_MOST_PAGES}, not {self.prefetch!r}")
        if self.on_change not in ("raise", "warn"):
            raise ConfigurationError(f"on_change must be 'raise' or 'warn', not {self.on_change!r}")

    def current_token(self) -> Secret:
        """The token to send now. Raises `ConfigurationError` where the function that gives it gives no usable one."""
        return Secret(check_token(self.token()) if callable(self.token) else self.token)


def settle(
    *,
    token: Token | None = None,
    context: str | None = None,
    base_url: str | None = None,
    timeout: float = 60.0,
    max_body_bytes: int = 256 * 1024 * 1024,
    retry: RetryPolicy | None = None,
    strict: bool = False,
    on_change: Literal["raise", "warn"] = "raise",
    allow_insecure: bool = False,
    observe: Observer = unobserved,
    prefetch: int = 0,
) -> Options:
    """Make options from arguments, environment and defaults. Raises `ConfigurationError`."""
    token = token if token is not None else os.environ.get("RUN_RESULTS_TOKEN")
    if token is None:
        raise ConfigurationError("no token: set RUN_RESULTS_TOKEN or pass token=")
    # An empty variable is one that is not set: that is how many a CI system clears it.
    context = context if context is not None else os.environ.get("RUN_RESULTS_CONTEXT") or None
    base_url = base_url if base_url is not None else os.environ.get("RUN_RESULTS_BASE_URL") or DEFAULT_BASE_URL
    return Options(
        token=token,
        context=context,
        base_url=base_url,
        timeout=timeout,
        max_body_bytes=max_body_bytes,
        retry=retry if retry is not None else RetryPolicy(),
        strict=strict,
        on_change=on_change,
        allow_insecure=allow_insecure,
        observe=observe,
        prefetch=prefetch,
    )


def check_token(token: object) -> str:
    """The token, if it can be sent. Raises `ConfigurationError`, which never echoes it."""
    where = "the token (token= or RUN_RESULTS_TOKEN)"
    if not isinstance(token, str):
        raise ConfigurationError(f"{where} must be a text, not {type(token).__name__}")
    if not token:
        raise ConfigurationError(f"{where} is empty")
    if not _TOKEN.fullmatch(token):
        if token.lower().startswith("bearer "):
            raise ConfigurationError(f"{where} must come without the word Bearer")
        if token.strip() != token:
            raise ConfigurationError(f"{where} has a line break or blank at an end; strip it")
        raise ConfigurationError(f"{where} has a character that no token has: a blank, control or non-ASCII one")
    return token


def check_base_url(url: object, *, allow_insecure: bool) -> None:
    """Raises `ConfigurationError` where requests below this URL could not be sent, or not safely."""
    from urllib.parse import urlsplit  # here: it comes with httpx, and no address is read before

    where = "the base URL (base_url= or RUN_RESULTS_BASE_URL)"
    if not isinstance(url, str):
        raise ConfigurationError(f"{where} must be a text, not {type(url).__name__}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"{where} is no URL: {error}") from None
    if "@" in parts.netloc:
        raise ConfigurationError(f"{where} must not hold a user name or password")
    if parts.scheme not in ("http", "https"):
        raise ConfigurationError(f"{where} must begin with https:// or http://, not as in {url[:80]!r}")
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigurationError(f"{where} has no usable host, or characters that no URL has: {url[:80]!r}")
    if "?" in url or "#" in url:
        raise ConfigurationError(f"{where} must end with the path, without '?' or '#'")
    if any(segment in (".", "..") for segment in parts.path.split("/")):
        raise ConfigurationError(f"{where} must not hold the path segments '.' or '..'")
    loopback = host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", host)
    if parts.scheme == "http" and not loopback and not allow_insecure:
        raise ConfigurationError(
            f"{where} would send the token unencrypted to {host}; use https, or pass allow_insecure=True"
        )


def check_run_id(run_id: object) -> str:
    """The run id, if it names a run and nothing else on the server. Raises `ConfigurationError`."""
    if not isinstance(run_id, str):
        raise ConfigurationError(f"run_id must be a text, not {type(run_id).__name__}")
    if not run_id.strip():
        raise ConfigurationError("run_id is empty")
    if run_id in (".", ".."):
        raise ConfigurationError(f"run_id {run_id!r} is a path segment with a meaning of its own and names no run")
    if "/" in run_id or "\\" in run_id:
        raise ConfigurationError(f"run_id {run_id[:80]!r} holds a slash; give the id alone, not a path or an address")
    if not run_id.isprintable():
        raise ConfigurationError(
            f"run_id {run_id[:80]!r} holds a character that cannot be printed, such as a line break"
        )
    return run_id


def check_start(start: object) -> int:
    """The offset, if a file can stand there. Raises `ConfigurationError`."""
    if not isinstance(start, int) or isinstance(start, bool):
        raise ConfigurationError(f"the offset must be an integer, not {type(start).__name__}")
    if not 0 <= start <= MAX_OFFSET:
        raise ConfigurationError(f"the offset must be from 0 to {MAX_OFFSET}, not {start}")
    return start


def check_include(include: object) -> Include:
    """The include flags. Raises `ConfigurationError` for what is none."""
    if not isinstance(include, Include):
        raise ConfigurationError(f"include must be made of Include flags, not {type(include).__name__}")
    return include


def check_seconds(seconds: object, name: str) -> float:
    """The time, if it ends. Raises `ConfigurationError`."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _MOST_SECONDS:
        raise ConfigurationError(f"{name} must be a number of seconds from 0 to {_MOST_SECONDS:.0f}, not {seconds!r}")
    return seconds

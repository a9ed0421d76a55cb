"""The settings of a command: from options, variables and a profile, with the client and the progress that follow."""

import logging
import os
import shlex
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from attrs import define, field, fields, frozen

from run_results import Client
from run_results.cli.messages import announce_retry, is_quiet
from run_results.cli.profiles import Profile, read_profile
from run_results.errors import ConfigurationError
from run_results.options import Options
from run_results.text import printable
from run_results.token_file import TokenFile
from run_results.token_reference import TokenReference

if TYPE_CHECKING:
    from rich.console import Console

SETTINGS = {setting.name: setting.metadata for setting in fields(Options)}
"""The settings of the library, each with what `Options` says about it."""
_CONNECTING = ("profile", "base_url", "context", "token_file", "allow_insecure")
_TOKEN_FILE = "RUN_RESULTS_TOKEN_FILE"  # noqa: S105 - a name
"""The variable that names a file with the token, where neither an option nor RUN_RESULTS_TOKEN gives it."""


@frozen
class Choice:
    """The value of a setting, and where it comes from."""

    value: Any = field(repr=False)
    source: str
    shown: str
    """The value for people; of a token only where it is read."""


@define
class Settings:
    """The values of the options that every command has."""

    given: dict[str, Any] = field(factory=dict)
    """Those that were given, by their names."""
    _profile: Profile | None = None

    @property
    def profile(self) -> Profile:
        """The profile in force. Raises `ConfigurationError`."""
        if self._profile is None:
            self._profile = read_profile(self.given.get("profile"))
        return self._profile

    def choices(self) -> dict[str, Choice]:
        """Where the server is, the context, the token and the names: options first, then variables, then the profile.

        Raises `ConfigurationError` where a profile's token would go to another server than the profile's.
        """
        found = {name: self._choose(name) for name in ("base_url", "context")}
        found["token"] = token = self._choose_token()
        if token.source.startswith("profile") and not found["base_url"].source.startswith(("profile", "default")):
            raise ConfigurationError(
                f"the token of {self.profile.title} would go to {found['base_url'].shown}",
                advice="Give {token=} for that server, or make a profile for it",
            )
        names = self.profile.values.get("names")
        found["names"] = Choice(names, self.profile.title if names else "default", names or "")
        return found

    def _choose(self, name: str) -> Choice:
        metadata = SETTINGS[name]
        if name in self.given:
            return Choice(self.given[name], f"--{name.replace('_', '-')}", str(self.given[name]))
        if metadata["variable"] in os.environ:
            return Choice(None, metadata["variable"], os.environ[metadata["variable"]])
        if value := self.profile.values.get(name):
            return Choice(value, self.profile.title, value)
        return Choice(None, "default", str(metadata["default"] or ""))

    def _choose_token(self) -> Choice:
        file, source = self.given.get("token_file"), "--token-file"
        if file is None and SETTINGS["token"]["variable"] in os.environ:
            return Choice(None, SETTINGS["token"]["variable"], "(set)")
        if file is None and os.environ.get(_TOKEN_FILE):
            file, source = Path(os.environ[_TOKEN_FILE]), _TOKEN_FILE
        if file is not None:
            seconds = self.given.get("timeout", SETTINGS["timeout"]["default"])
            return Choice(TokenFile(file, seconds), source, f"file:{file}")
        if reference := self.profile.values.get("token"):
            return Choice(TokenReference(reference), self.profile.title, reference)
        return Choice(None, "default", "")

    @property
    def verbose(self) -> bool:
        """Whether logs go to stderr."""
        return bool(self.given.get("verbose"))

    @property
    def is_watched(self) -> bool:
        """Whether somebody at a terminal reads what is neither result nor error: not with `-q`, nor with a log."""
        return _is_terminal() and not self.verbose and not is_quiet()

    def retyped(self) -> str:
        """The options by which the server was found, as they are typed before another command."""
        given = {name: value for name, value in self.given.items() if name in _CONNECTING}
        return shlex.join(
            word
            for name, value in given.items()
            for word in (f"--{name.replace('_', '-')}", *([] if value is True else [str(value)]))
        )

    def console(self, file: TextIO | None = None) -> "Console":
        """Where a command draws: standard output, or a file, which gets no colours."""
        from run_results.cli.console import console

        return console(color=not self.given.get("no_color") and file is None, file=file)

    @contextmanager
    def progress(self, *, wanted: bool = True, beside_rows: bool = False) -> Iterator[Callable[[str], None]]:
        """A line on stderr that shows the progress, and a function that changes it.

        It is there for somebody at a terminal who waits, unless the log is there, or nothing is wanted (`-q`).
        `beside_rows` says that standard output gets rows meanwhile: on a terminal these are the progress.
        """
        from run_results.cli.console import progress

        is_seen = self.is_watched and not _is_piped() and not (beside_rows and sys.stdout.isatty())
        with progress(wanted=wanted and is_seen) as update:
            yield update

    @contextmanager
    def client(self, **more: Any) -> Iterator[Client]:
        """A client with these settings. Its logs go to stderr, or nowhere."""
        given = {name: value for name, value in self.given.items() if name in SETTINGS}
        chosen = {name: choice.value for name, choice in self.choices().items() if name != "names"}
        given |= {name: value for name, value in chosen.items() if value is not None}
        if callable(chosen["token"]):
            chosen["token"]()  # a file that cannot be read is an error before anything is sent
        if self.is_watched:  # the log says so, too
            given["observe"] = announce_retry
        with _logging(verbose=self.verbose), Client(**given, **more) as client:
            yield client


@contextmanager
def _logging(*, verbose: bool) -> Iterator[None]:
    logger = logging.getLogger("run_results")
    level = logger.level
    handler: logging.Handler = logging.NullHandler()
    if verbose:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_LineFormatter())
        logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(f"run-results: {record.levelname.lower()}: {record.getMessage()}")


def _is_terminal() -> bool:
    """Whether stderr is a terminal."""
    with suppress(OSError, ValueError, AttributeError):  # closed, or none at all
        return sys.stderr.isatty()
    return False


def _is_piped() -> bool:
    """Whether standard output goes through a pipe, or to nobody knows where."""
    with suppress(OSError):  # a stream without a descriptor
        return stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    return True

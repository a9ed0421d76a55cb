"""Options that several commands share, and the client that they describe."""

import logging
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import define, field, fields, frozen

from run_results import Client, Include, NameMap
from run_results.cli.messages import announce_retry, warn
from run_results.cli.profiles import Profile, read_profile
from run_results.cli.types import SECONDS, SECONDS_FROM_ZERO, TEXT, Command, listed_option
from run_results.errors import ConfigurationError
from run_results.options import Options
from run_results.text import count, printable
from run_results.token_file import TokenFile
from run_results.token_reference import TokenReference

if TYPE_CHECKING:
    from rich.console import Console

INCLUDE_FLAGS = ", ".join(str(flag.name).lower() for flag in Include)
"""The include flags, for help texts."""
SEVERAL = "Separate several by commas, or give them one by one."
"""For help texts of options with several values."""

_SETTINGS = {setting.name: setting.metadata for setting in fields(Options)}


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
        metadata = _SETTINGS[name]
        if name in self.given:
            return Choice(self.given[name], f"--{name.replace('_', '-')}", str(self.given[name]))
        if metadata["variable"] in os.environ:
            return Choice(None, metadata["variable"], os.environ[metadata["variable"]])
        if value := self.profile.values.get(name):
            return Choice(value, self.profile.title, value)
        return Choice(None, "default", str(metadata["default"] or ""))

    def _choose_token(self) -> Choice:
        file, source = self.given.get("token_file"), "--token-file"
        if file is None and _SETTINGS["token"]["variable"] in os.environ:
            return Choice(None, _SETTINGS["token"]["variable"], "(set)")
        if file is None and os.environ.get(_TOKEN_FILE):
            file, source = Path(os.environ[_TOKEN_FILE]), _TOKEN_FILE
        if file is not None:
            seconds = self.given.get("timeout", _SETTINGS["timeout"]["default"])
            return Choice(TokenFile(file, seconds), source, f"file:{file}")
        if reference := self.profile.values.get("token"):
            return Choice(TokenReference(reference), self.profile.title, reference)
        return Choice(None, "default", "")

    @property
    def verbose(self) -> bool:
        """Whether logs go to stderr."""
        return bool(self.given.get("verbose"))

    def console(self) -> "Console":
        """Where a command draws."""
        from run_results.cli.show import console

        return console(color=not self.given.get("no_color"))

    @contextmanager
    def client(self, **more: Any) -> Iterator[Client]:
        """A client with these settings. Its logs go to stderr, or nowhere."""
        given = {name: value for name, value in self.given.items() if name in _SETTINGS}
        chosen = {name: choice.value for name, choice in self.choices().items() if name != "names"}
        given |= {name: value for name, value in chosen.items() if value is not None}
        if callable(chosen["token"]):
            chosen["token"]()  # a file that cannot be read is an error before anything is sent
        if _is_terminal() and not self.verbose:  # the log says so, too
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


def _help(name: str) -> str:
    """The help text of a setting of the library, with its environment variable and default."""
    setting = _SETTINGS[name]
    sources = [setting["variable"]] if setting["variable"] else []
    if isinstance(setting["default"], str | int | float) and not isinstance(setting["default"], bool):
        sources.append(str(setting["default"]).removesuffix(".0"))
    default = f"  [default: {', else '.join(sources)}]" if sources else ""
    return f"{setting['documentation']}{default}"


def _remember(context: click.Context, option: click.Parameter, value: object) -> None:
    # The group's context and the command's share one object, so an option counts before and after the command's name.
    settings = context.ensure_object(Settings)
    if value is not None and value is not False and option.name:
        settings.given[option.name] = value


def connecting(command: Command) -> Command:
    """Adds the options that every command and the group have; a command gets them as `Settings`."""
    option = partial(click.option, expose_value=False, callback=_remember)
    options = (
        option("--base-url", metavar="URL", type=TEXT, help=_help("base_url")),
        option("--context", metavar="ID", type=TEXT, help=_help("context")),
        option(
            "--token-file",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="A file that holds the API token, read again for each request; a pipe, such as /dev/stdin or"
            " <(command), is read once. Without it the token is read from RUN_RESULTS_TOKEN, or from the file that"
            " RUN_RESULTS_TOKEN_FILE names. No option takes the token"
            " itself, because command lines are visible to others.",
        ),
        option(
            "--profile",
            metavar="NAME",
            type=TEXT,
            is_eager=True,
            help="The profile that says what no option or variable does: see run-results config show --help."
            "  [default: RUN_RESULTS_PROFILE, else default]",
        ),
        option("--timeout", metavar="SECONDS", type=SECONDS, help=_help("timeout")),
        option("--patience", metavar="SECONDS", type=SECONDS_FROM_ZERO, help=_help("patience")),
        option("--strict", is_flag=True, help=_help("strict")),
        option("--allow-insecure", is_flag=True, help=_help("allow_insecure")),
        option("--no-color", is_flag=True, help="No colours; NO_COLOR in the environment has the same effect."),
        option("-v", "--verbose", is_flag=True, help="Log to stderr."),
    )
    for decorate in reversed(options):
        command = decorate(command)
    return command


def on_change_option(command: Command) -> Command:
    """`--on-change`."""
    return click.option(
        "--on-change",
        type=click.Choice(["raise", "warn"]),
        default=_SETTINGS["on_change"]["default"],
        help=_help("on_change"),
    )(command)


def on_repeat_option(command: Command) -> Command:
    """`--on-repeat`."""
    return click.option(
        "--on-repeat",
        type=click.Choice(["raise", "keep"]),
        default=_SETTINGS["on_repeat"]["default"],
        help=_help("on_repeat"),
    )(command)


def start_option(command: Command) -> Command:
    """`--start`."""
    text = "Begin at this file, counted from 0."
    return click.option("--start", metavar="N", type=click.IntRange(0), default=0, help=text)(command)


def names_option(otherwise: str) -> Callable[[Command], Command]:
    """`--names`; `otherwise` says what fields are called without it."""
    return click.option(
        "--names",
        metavar="FILE",
        type=click.Path(path_type=Path),
        callback=_or_of_profile,
        help=f"The project's field names (.txt, .csv or .json); else those of the profile, else {otherwise}.",
    )


def _or_of_profile(context: click.Context, _: click.Parameter, value: Path | None) -> Path | None:
    names = context.ensure_object(Settings).profile.values.get("names")
    return Path(names) if value is None and names is not None else value


def ascii_option(command: Command) -> Command:
    """`--ascii`."""
    return click.option("--ascii", is_flag=True, help="The service knows only ASCII letters and digits.")(command)


def ascii_with_names_option(command: Command) -> Command:
    """`--ascii` where it has an effect only together with `--names`."""
    text = "With --names: the service knows only ASCII letters and digits."
    return click.option("--ascii", is_flag=True, help=text)(command)


def include_option(command: Command) -> Command:
    """`--include` where everything is asked for unless it is given."""
    return listed_option(
        "--include",
        default=["all"],
        metavar="LIST",
        help=f"What to ask for beyond the values: {INCLUDE_FLAGS}, all (the default) or none. {SEVERAL}",
    )(command)


def typed_option(command: Command) -> Command:
    """`--typed`."""
    text = "Read numbers, dates and amounts into columns of their own, where sure."
    return click.option("--typed", is_flag=True, help=text)(command)


def jobs_option(default: int) -> Callable[[Command], Command]:
    """`--jobs`: how many runs are at work at once."""
    jobs = click.IntRange(1, 64)
    return click.option("--jobs", metavar="N", type=jobs, default=default, show_default=True, help="Runs at once.")


def read_names(path: Path, *, ascii: bool) -> NameMap:
    """The project's names in a file, with a warning where some of them collide, or where there are none."""
    names = NameMap.read(path, ascii=ascii)
    if not names:
        warn(f"{str(path)!r} holds no names: every name is guessed")
    if names.collisions:
        warn(
            f"{count(len(names.collisions), 'API name stands', 'API names stand')} for several names in {str(path)!r},"
            " so that fields go by the API's name there;"
            " run-results names check lists them"
        )
    return names


def _is_terminal() -> bool:
    """Whether stderr is a terminal."""
    with suppress(OSError, ValueError, AttributeError):  # closed, or none at all
        return sys.stderr.isatty()
    return False


def is_watched() -> bool:
    """Whether somebody at a terminal waits for output that does not go through a pipe."""
    with suppress(OSError):  # a stream without a descriptor
        return sys.stderr.isatty() and not stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    return False

"""Options that several commands share."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from run_results import Include, NameMap
from run_results.cli.messages import QUIET, warn
from run_results.cli.settings import SETTINGS, Settings
from run_results.cli.types import SECONDS, SECONDS_FROM_ZERO, TEXT, Command, listed_option
from run_results.text import count

INCLUDE_FLAGS = ", ".join(str(flag.name).lower() for flag in Include)
"""The include flags, for help texts."""
SEVERAL = "Separate several by commas, or give them one by one."
"""For help texts of options with several values."""


def _help(name: str) -> str:
    """The help text of a setting of the library, with its environment variable and default."""
    setting = SETTINGS[name]
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
    context.meta[QUIET] = bool(settings.given.get("quiet"))
    if settings.given.keys() >= {"quiet", "verbose"}:
        raise click.UsageError("-q asks for less on stderr, and -v for more: give one of them", context)


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
            help="A file with the API token. It is read again for each request; a pipe, such as /dev/stdin or"
            " <(command), is read once. Without this option the token comes from RUN_RESULTS_TOKEN, or from the file"
            " that RUN_RESULTS_TOKEN_FILE names. No option takes the token itself, because command lines are visible to"
            " others.",
        ),
        option(
            "--profile",
            metavar="NAME",
            type=TEXT,
            is_eager=True,
            help="The profile that gives the settings for which there is no option or variable; see"
            " run-results config show --help.  [default: RUN_RESULTS_PROFILE, else default]",
        ),
        option("--timeout", metavar="SECONDS", type=SECONDS, help=_help("timeout")),
        option("--patience", metavar="SECONDS", type=SECONDS_FROM_ZERO, help=_help("patience")),
        option("--strict", is_flag=True, help=_help("strict")),
        option("--allow-insecure", is_flag=True, help=_help("allow_insecure")),
        option("--no-color", is_flag=True, help="No colours; NO_COLOR in the environment has the same effect."),
        option("-q", "--quiet", is_flag=True, help="Print only errors to stderr: no progress, notes or warnings."),
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
        default=SETTINGS["on_change"]["default"],
        help=_help("on_change"),
    )(command)


def on_repeat_option(command: Command) -> Command:
    """`--on-repeat`."""
    return click.option(
        "--on-repeat",
        type=click.Choice(["raise", "keep"]),
        default=SETTINGS["on_repeat"]["default"],
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
        help="The project's field names (.txt, .csv or .json). Without it, those of the profile; without these,"
        f" {otherwise}.",
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
    text = "Add columns with numbers, dates and amounts, for texts that have only one meaning."
    return click.option("--typed", is_flag=True, help=text)(command)


def jobs_option(default: int) -> Callable[[Command], Command]:
    """`--jobs`: how many runs are read at the same time."""
    jobs = click.IntRange(1, 64)
    return click.option(
        "--jobs",
        metavar="N",
        type=jobs,
        default=default,
        show_default=True,
        help="Read this many runs at the same time.",
    )


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

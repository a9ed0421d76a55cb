"""Errors and warnings: one line each, on stderr. `-q` leaves the errors."""

from collections.abc import Sequence
from typing import Final

import click

from run_results import errors
from run_results.events import Event, RetryPlanned
from run_results.tables import Unread
from run_results.text import count, printable, word

# The settings and methods of the library that a text may name, as the command line calls them. One that is not here is
# called a setting of the Python client.
_NAMES = {
    "token": "--token-file",
    "base_url": "--base-url",
    "context": "--context",
    "timeout": "--timeout",
    "patience": "--patience",
    "on_change": "--on-change",
    "on_repeat": "--on-repeat",
    "allow_insecure": "--allow-insecure",
    "strict": "--strict",
    "resume": "--resume",
    "overwrite": "--overwrite",
    "format": "--format",
    "tables": "--tables",
    "names": "--names",
    "wide": "--wide",
    "class_name": "--class",
    "doubled": "--doubled",
    "typed": "--typed",
    "include": "--include",
    "single_file": "--single-file",
    "guard": "--no-guard",
    "dialect": "--dialect",
    "separator": "--separator",
    "rows_per_part": "--rows-per-part",
    "pages()": "`run-results fetch`",
}


QUIET: Final = "run_results.quiet"
"""Where the context of a command says that `-q` was given."""


def complain(text: str) -> None:
    """Print an error."""
    click.echo(f"run-results: error: {printable(text)}", err=True)


def is_quiet() -> bool:
    """Whether `-q` was given: only errors go to stderr."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(QUIET))


def note(text: str) -> None:
    """Print a note that warns of nothing, unless `-q` was given."""
    if not is_quiet():
        click.echo(f"run-results: {printable(text)}", err=True)


def warn(text: str) -> None:
    """Print a warning, unless `-q` was given."""
    if not is_quiet():
        click.echo(f"run-results: warning: {printable(text)}", err=True)


def warn_of_start(run_id: str, start: int, files: int) -> None:
    """Warn where a walk that began at file `start` found no files."""
    if start and not files:
        warn(f"{run_id}: the run has no file {start}: it ends earlier (files are counted from 0)")


def warn_of_unfinished(run_id: str, status: str | None, *, is_missing: bool) -> None:
    """Warn where a run was read before it had finished; `status` is None where it had, or where it `is_missing`."""
    if is_missing:
        warn(
            f"{run_id}: the server gives no status of the run: if it has not finished, it may get more files than these"
        )
    if status:
        text = f"the run is not finished ({word(status)}): it may get more files than these"
        warn(f"{run_id}: {text}; read it again when it has finished")


def warn_of_unread(run_id: str, unread: Unread) -> None:
    """Typed values that could not be read, and what to do about it."""
    for text in unread.explain(dates="--dates mdy or dmy", decimal="--decimal point or comma"):
        warn(f"{run_id}: {text}")


def warn_of_guarded(run_id: str, cells: int, remedy: str = "--no-guard") -> None:
    """Warn of cells that were changed; `remedy` leaves them."""
    if cells:
        text = f"cells that could be formulas got an apostrophe: {cells:,}; the column 'guarded' names them"
        warn(f"{run_id}: {text}. With {remedy} they stay as they are")


def warn_of_cut(run_id: str, cells: int) -> None:
    """Warn of cells that Excel cannot hold."""
    if cells:
        text = f"cells that are too long for Excel were cut: {cells:,}; each says so at its end"
        warn(f"{run_id}: {text}. With --dialect rfc4180 they stay whole")


def warn_of_further(run_id: str, fields: int, names: Sequence[str]) -> None:
    """Warn of fields of the wide view that have no column, because the project's names do not have them."""
    if fields:
        which = f" (such as {', '.join(names)})" if names else ""
        text = f"fields that the names do not have: {fields:,}{which}; they are in the column 'further'"
        warn(f"{run_id}: {text}. To give them columns, add them to the file of --names")


def warn_of_breaches(run_id: str, places: int, first: str | None, effect: str = "") -> None:
    """Warn of places where an answer broke the contract, and of what that had for an effect."""
    if places:
        text = f"the server broke the contract in {count(places, 'place')}, first {first}"
        warn(f"{run_id}: {text};{effect} -v shows each kind, --strict makes them errors")


def announce_retry(event: Event) -> None:
    """Say on the terminal that an attempt failed and when the next one is; an observer of the client."""
    if isinstance(event, RetryPlanned):
        failed = f"{event.error.message.rstrip('.')} ({event.url}, attempt {event.attempt})"
        click.echo(f"run-results: {printable(failed)}; trying again in {event.wait:.1f} s", err=True)


def describe(error: errors.RunResultsError, *, is_one_of_several: bool = False) -> str:
    """One line: what happened, where, what to do next, and how to resume a walk that got somewhere."""
    if isinstance(error, errors.ConfigurationError):
        error.run_id = error.offset = error.resume_offset = None  # the mistake is in an argument, not in a run
    how = resume(error.resume_offset, is_one_of_several=is_one_of_several)
    if isinstance(error, errors.UnauthorizedError):
        how = f". `run-results config show` says where the token is read{how}"
    return printable(error.describe(_spell, resume=False) + how)


def resume(offset: int | None, *, is_one_of_several: bool = False) -> str:
    """How to resume from an offset; nothing where that is the beginning."""
    alone = "this run alone " if is_one_of_several else ""
    return f". Everything before is written; resume {alone}with --start {offset}" if offset else ""


def _spell(setting: str) -> str:
    """A setting of the library, given as in `on_change='warn'`, as the command line has it: `--on-change warn`."""
    name, _, value = setting.partition("=")
    option = _NAMES.get(name)
    if option is None:
        return f"{setting.rstrip('=')} of the Python client"
    return option if value in ("", "True") else f"{option} {value.strip(chr(39))}"

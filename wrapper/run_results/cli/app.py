"""The commands of `run-results`, and `run`, which makes an exit code of whatever happens.

Asking for help should take no time, so rich and httpx are imported by the commands that need them, and no earlier.
"""

import io
import json
import logging
import os
import stat
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import click
import msgspec

from run_results import UNSET, Client, Include, NameMap, Page, RunResultsError, __version__, guess, sanitize
from run_results.cli.exits import Exit, describe, exit_code, resume
from run_results.cli.rows import MARKS, Tally, record, rows
from run_results.errors import ConfigurationError
from run_results.text import printable, printable_json

_LOG = logging.getLogger("run_results.cli")
_ENCODER = msgspec.json.Encoder()
Command = TypeVar("Command", bound=Callable[..., Any])


class _Stopped(Exception):
    """A walk was interrupted. What stands behind the offset was not written, or not to its end."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


# Options ------------------------------------------------------------------------------------------------------


def _remember(context: click.Context, option: click.Parameter, value: object) -> None:
    # The group's context and the command's share one object, so an option counts before and after the command's name.
    settings = context.ensure_object(dict)
    if value is not None and value is not False:
        settings[option.name] = value


def _connecting(command: Command) -> Command:
    """Gives a command the options that say where, as whom and how to ask. The group has them too."""
    option = partial(click.option, expose_value=False, callback=_remember)
    options = (
        option("--base-url", metavar="URL", help="Where the API is; else RUN_RESULTS_BASE_URL, else the public one."),
        option("--context", metavar="ID", help="The IB-Context to act in; else RUN_RESULTS_CONTEXT."),
        option(
            "--token-file",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="Read the API token from a file, anew for each request; else RUN_RESULTS_TOKEN. No option takes the"
            " token itself, because command lines are visible to others.",
        ),
        option("--timeout", metavar="SECONDS", type=float, help="Time for each attempt at a page; else 60."),
        option("--strict", is_flag=True, help="Make any place where an answer leaves the contract an error."),
        option("--allow-insecure", is_flag=True, help="Allow plain http to another computer."),
        option("--no-color", is_flag=True, help="No colours; NO_COLOR in the environment says the same."),
        option("-v", "--verbose", is_flag=True, help="Tell on stderr what is going on."),
    )
    for decorate in reversed(options):
        command = decorate(command)
    return command


class _Seconds(click.FloatRange):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        with suppress(ValueError):
            return super().convert(float(value), param, ctx)
        # An option with an optional value takes the next word for it.
        return self.fail(f"{value!r} is no number; give --wait=SECONDS, or put --wait behind RUN_ID", param, ctx)


def _on_change_option(command: Command) -> Command:
    """`--on-change`."""
    return click.option(
        "--on-change",
        type=click.Choice(["raise", "warn"]),
        default="raise",
        show_default=True,
        help="What to do when the run changes between two pages.",
    )(command)


def _names_option(otherwise: str) -> Callable[[Command], Command]:
    """`--names`; `otherwise` says what fields are called without it."""
    return click.option(
        "--names",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help=f"The project's field names (.txt, .csv or .json); else {otherwise}.",
    )


def _ascii_with_names_option(command: Command) -> Command:
    """`--ascii` where it says something of `--names` alone."""
    text = "With --names: the service knows only ASCII letters and digits."
    return click.option("--ascii", is_flag=True, help=text)(command)


_ascii_option = click.option("--ascii", is_flag=True, help="The service knows only ASCII letters and digits.")

_EPILOG = """\b
Exit codes:
  0    it worked (fields that failed inside the run are results, no error)
  1    the answer is no: names collide, the run did not settle in time, or an
       export cannot be gone on with
  2    wrong usage or configuration, or a local file that cannot be used
  3    the server refused: token, rights, run id or parameter
  4    no whole answer, or a server that failed or was too busy
  5    the server broke the contract
  70   a bug in run-results
  130  interrupted (Ctrl-C)
  141  whoever read the output stopped reading, as head does
"""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
    no_args_is_help=True,
)
@_connecting
@click.version_option(__version__, message="%(prog)s %(version)s")
def app() -> None:
    """Bring home the results of an app run, under the project's own field names.

    The token is read from RUN_RESULTS_TOKEN or --token-file; there is no option for the token itself. Options may
    stand before or after the command's name.
    """


# Asking a server ----------------------------------------------------------------------------------------------


class _InertFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(f"run-results: {record.levelname.lower()}: {record.getMessage()}")


@contextmanager
def _client(settings: dict[str, Any], **more: Any) -> Iterator[Client]:
    """A client with the options that were given. Logs go to stderr meanwhile, or nowhere."""
    logger = logging.getLogger("run_results")
    level = logger.level
    handler: logging.Handler = logging.NullHandler()
    if settings.get("verbose"):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_InertFormatter())
        logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    wanted = ("base_url", "context", "timeout", "strict", "allow_insecure")
    given: dict[str, Any] = {name: settings[name] for name in wanted if name in settings}
    if "token_file" in settings:
        given["token"] = partial(_read_token, settings["token_file"])
        given["token"]()  # a file that cannot be read is a mistake to hear of at once
    try:
        with Client(**given, **more) as client:
            yield client
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _read_token(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(64 * 1024).decode("utf-8-sig", "replace").rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"cannot read the token file {str(path)!r}: {reason}") from None


def _console(settings: dict[str, Any]) -> Any:
    from run_results.cli.show import console

    return console(color=not settings.get("no_color"))


def _is_watched() -> bool:
    """Whether somebody at a terminal waits for what does not go through a pipe."""
    with suppress(OSError):  # a stream without a descriptor
        return sys.stderr.isatty() and not stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    return False


@app.command()
@click.argument("run_id")
@click.option(
    "--format",
    type=click.Choice(["table", "jsonl"]),
    help="A table for people, or JSON Lines; else a table on a terminal and JSON Lines anywhere else.",
)
@click.option(
    "--include",
    multiple=True,
    metavar="WHAT",
    help="What to ask for beyond the values: review, confidence, validation, source or all, with commas between.",
)
@_names_option("they are guessed")
@_ascii_option
@click.option("--start", metavar="N", type=click.IntRange(0), default=0, help="Begin at this file, counted from 0.")
@click.option(
    "--unsure",
    metavar="SCORE",
    type=click.FloatRange(0, 1),
    help="Mark fields with a confidence below this as unsure; else 0.8. Includes confidences.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(list(MARKS)),
    help="Print only fields that are so marked; may be given several times. Includes what it needs to know.",
)
@_on_change_option
@_connecting
@click.pass_obj
def fetch(
    settings: dict[str, Any],
    run_id: str,
    format: str | None,
    include: tuple[str, ...],
    names: Path | None,
    ascii: bool,
    start: int,
    unsure: float | None,
    only: tuple[str, ...],
    on_change: Literal["raise", "warn"],
) -> None:
    """Print every field of a run: one line each, page by page.

    JSON Lines have these keys, the same on every line, null where there is nothing:

    \b
      run_id, file_index, file_name, file_path, document_index, class_name,
      page_numbers, field_index, name (the project's), api_name, value, type,
      failed, error
      --include confidence: class_confidence, model_confidence, ocr_confidence
      --include validation: final_result_pass (of the document), valid, alerts
      --include review:     review_completed (of the document), class_edits,
                            edits
      --include source:     source
      unset: which of class_name and the confidences are null because the
      server left them out, and not because it said so

    A file without documents and a document without fields have a line of their own. The packet's cross-class fields
    come first, with a null file_index, unless --start is above 0.

    When a fetch fails on the way, everything before is written and the error says how to go on. After an interruption
    drop the lines from that file_index on first: the last page may be cut.
    """
    asked = Include.parse(",".join(include))
    if unsure is not None:
        asked |= Include.CONFIDENCE
    for mark in only:
        asked |= MARKS[mark]
    wanted = frozenset(only)
    known = NameMap(ascii=ascii) if names is None else _read_names(names, ascii=ascii)
    tally = Tally(0.8 if unsure is None else unsure)
    as_table = sys.stdout.isatty() if format is None else format == "table"
    from run_results.cli.show import FieldTable, progress

    table = FieldTable(_console(settings), known, asked, tally, wanted) if as_table else None
    offset = start
    show_progress = not sys.stdout.isatty() and not settings.get("verbose") and _is_watched()
    with _client(settings, on_change=on_change) as client, progress(wanted=show_progress) as tell:
        try:
            for page in client.pages(run_id, start=start, include=asked):
                _LOG.info(
                    "offset %d: %d files, %s", page.offset, len(page.files), "more" if page.has_more else "the last"
                )
                if table:
                    table.page(page)
                else:
                    _write_lines(page, known, tally, wanted)
                offset = page.offset + len(page.files)
                tell(f"{offset:,} files, {tally.rows:,} lines")
        except KeyboardInterrupt:
            raise _Stopped(offset) from None
    if table:
        table.summary()
    elif tally.drift:
        _warn(
            f"the server left the contract in {tally.drift} places, first {tally.first_drift};"
            " -v shows each kind, --strict makes them errors"
        )


def _write_lines(page: Page, names: NameMap, tally: Tally, only: frozenset[str]) -> None:
    records = []
    for row in rows(page):
        marks = tally.add_row(row)
        if only and not only & marks:
            continue
        records.append(record(row, page.run_id, names, page.include))
    tally.add_page(page)
    # One write and a flush for each page: a reader sees it at once, and an error leaves whole pages behind.
    sys.stdout.buffer.write(printable_json(_ENCODER.encode_lines(records)))
    sys.stdout.buffer.flush()


def _read_names(path: Path, *, ascii: bool) -> NameMap:
    names = NameMap.read(path, ascii=ascii)
    if names.collisions:
        _warn(
            f"{len(names.collisions)} API names stand for several names in {str(path)!r} and are shown as they are;"
            " run-results names check lists them"
        )
    return names


@app.command()
@click.argument("run_id")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--wait",
    metavar="[SECONDS]",
    type=_Seconds(0),
    is_flag=False,
    flag_value=600.0,
    help="Wait until the run has settled, 600 seconds if no number is given (write --wait=SECONDS, or --wait last).",
)
@_connecting
@click.pass_obj
def status(settings: dict[str, Any], run_id: str, as_json: bool, wait: float | None) -> None:
    """Tell how a run stands.

    A run has finished when it was cancelled, completed or failed; it has settled when it cannot go on by itself: it
    has finished, is paused, or waits for a review. Any status is an answer, with exit code 0.

    The object of --json has the keys run_id, status, message, started_at, finished_at (UTC), start_timestamp,
    finish_timestamp (nanoseconds), finished, settled, review_completed, batch_id, files_on_first_page, has_more, drift
    (what left the contract, at most 100 places), drift_count; and unset: which of message and finish_timestamp the
    server left out, rather than saying null.
    """
    from run_results.cli.show import progress, show_status

    with _client(settings) as client, progress(wanted=wait is not None and _is_watched()) as tell:
        if wait is None:
            page = client.page(run_id)
        else:
            tell("waiting for the run to settle")
            page = client.wait(run_id, timeout=wait)
    if as_json:
        click.echo(printable_json(json.dumps(_status(page), ensure_ascii=False).encode()))
    else:
        show_status(_console(settings), page)


def _status(page: Page) -> dict[str, object]:
    run = page.run
    line: dict[str, object] = {
        "run_id": page.run_id,
        "status": str(page.status),
        "message": run.message,
        "started_at": page.started_at.isoformat() if page.started_at else None,
        "finished_at": page.finished_at.isoformat() if page.finished_at else None,
        "start_timestamp": run.start_timestamp,
        "finish_timestamp": run.finish_timestamp,
        "finished": page.is_finished,
        "settled": page.is_settled,
        "review_completed": run.review_completed,
        "batch_id": run.batch_id,
        "files_on_first_page": len(page.files),
        "has_more": page.has_more,
        "drift": [str(place) for place in page.breaches[:100]],
        "drift_count": len(page.breaches),
    }
    unset = [key for key in ("message", "finish_timestamp") if line[key] is UNSET]
    return {key: None if value is UNSET else value for key, value in line.items()} | {"unset": unset}


# Field names --------------------------------------------------------------------------------------------------


@app.group(no_args_is_help=True)
def names() -> None:
    """Field names: the service's rule, its best inverse, and what collides."""


@names.command("sanitize")
@click.argument("given", metavar="[NAME]...", nargs=-1)
@_ascii_option
def sanitize_names(given: tuple[str, ...], ascii: bool) -> None:
    """Print the API name of each of a project's field names.

    Names are arguments (after -- if one begins with a dash), or the lines of standard input; for each name one line.
    """
    for name in given or _lines():
        click.echo(sanitize(name, ascii=ascii))


@names.command("guess")
@click.argument("given", metavar="[NAME]...", nargs=-1)
@_ascii_option
def guess_names(given: tuple[str, ...], ascii: bool) -> None:
    """Print the most likely project's name behind each API name.

    Names are arguments, or the lines of standard input; for each name one line.
    """
    for name in given or _lines():
        click.echo(guess(name, ascii=ascii))


@names.command()
@click.argument("file", type=click.Path(path_type=Path))
@_ascii_option
@click.pass_context
def check(context: click.Context, file: Path, ascii: bool) -> None:
    """Tell which of a project's field names the service would give as one.

    FILE holds the names: one a line (.txt), a column called name and perhaps one called class (.csv), or a list, or an
    object of a list for each class (.json). Exits with 1 when names collide.
    """
    known = NameMap.read(file, ascii=ascii)
    for collision in known.collisions:
        place = "" if collision.class_name is None else f"class '{printable(collision.class_name, 80)}': "
        meeting = ", ".join(f"'{printable(name, 80)}'" for name in collision.names)
        click.echo(f"{place}{meeting} become {printable(collision.api_name, 80)}")
    if known.collisions:
        context.exit(Exit.NO)
    click.echo(f"no collisions among {len(known)} names")


def _lines() -> Iterator[str]:
    if sys.stdin.isatty():
        raise click.UsageError("give names as arguments, or one a line on standard input", click.get_current_context())
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise ConfigurationError(f"line {number} of standard input is not UTF-8") from None


# The way out --------------------------------------------------------------------------------------------------


def run(arguments: Sequence[str]) -> int:
    """Run the command line with these arguments; returns the exit code. Errors are one line on stderr."""
    if sys.stdout is None or sys.stderr is None:  # closed by the shell, as with >&-
        return Exit.USAGE
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what cannot be said in the terminal's encoding is escaped
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app.main(args=list(arguments), prog_name="run-results", standalone_mode=False)
        sys.stdout.flush()
    except RunResultsError as error:
        _complain(describe(error))
        return exit_code(error)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        message = " ".join(error.format_message().split()).rstrip(".")
        hint = f"{'' if message.endswith('?') else '.'} Try '{context.command_path} --help'" if context else ""
        _complain(message + hint)
        return Exit.USAGE
    except (_Stopped, KeyboardInterrupt, click.Abort) as error:
        if isinstance(error, _Stopped) and sys.stderr.isatty():
            click.echo(err=True)  # below the "^C", as click does it
        _complain("interrupted" + (resume(error.offset) if isinstance(error, _Stopped) else ""))
        return Exit.INTERRUPTED
    except (BrokenPipeError, SystemExit):  # click and rich turn the one into the other
        # What is still in the buffer goes nowhere; flushed at the end of the process, it would make a traceback.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.PIPE
    except OSError as error:
        _complain(f"input or output failed: {error.strerror or error}")
        return Exit.USAGE
    except Exception as error:  # noqa: BLE001 - Python's own exit code for it would say "no"
        _complain(f"{type(error).__name__}: this is a bug in run-results; -v shows where")
        if {"-v", "--verbose"} & set(arguments):
            for line in traceback.format_exc().splitlines():
                click.echo(printable(line), err=True)
        return Exit.BUG
    return code if isinstance(code, int) else Exit.OK


def _complain(text: str) -> None:
    click.echo(f"run-results: error: {printable(text)}", err=True)


def _warn(text: str) -> None:
    click.echo(f"run-results: warning: {printable(text)}", err=True)


# Commands in modules of their own -----------------------------------------------------------------------------

from run_results.cli.export import export  # noqa: E402 - they are made of what stands above
from run_results.cli.report import report  # noqa: E402

app.add_command(export)
app.add_command(report)

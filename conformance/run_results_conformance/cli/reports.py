"""What `check` and `fuzz` share: where the token comes from, and how a report is shown and written."""

import os
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click
from attrs import astuple, fields_dict, frozen

from run_results.errors import ConfigurationError, ExportError
from run_results.files import whole_file
from run_results.token_reference import TokenReference, is_reference

from .actions import annotate, commands_stopped
from .messages import complain

if TYPE_CHECKING:
    from run_results_conformance.verifier.report import Report

POSITIVE = click.FloatRange(0, min_open=True)
EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path)
STDOUT = Path("-")
"""In place of a file: standard output."""

_MOST_TOKEN = 64 * 1024  # bytes of a token file that are read

insecure_option = click.option(
    "--allow-insecure", is_flag=True, help="Allow plain http to a host that is not this computer."
)
context_option = click.option(
    "--context", envvar="RUN_RESULTS_CONTEXT", show_envvar=True, metavar="ID", help="Context to act in, as IB-Context."
)
runs_option = click.option(
    "--run", "runs", multiple=True, metavar="ID", help="Run that can be read; repeat for more, one id each."
)
token_file_option = click.option(
    "--token-file",
    type=EXISTING_FILE,
    help="File that holds the token, instead of RUN_RESULTS_TOKEN. There is no option for the token itself: "
    "other users can read command lines.",
)


@frozen
class ReportFiles:
    """The files that a report is written to, each None where it is not asked for."""

    junit: Path | None = None
    json: Path | None = None
    html: Path | None = None
    sarif: Path | None = None
    summary: Path | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> "ReportFiles":
        """Those that the parameters of a command name."""
        return cls(**{name: parameters.get(name) for name in fields_dict(cls)})

    @property
    def named(self) -> tuple[Path, ...]:
        """Those that are asked for."""
        return tuple(path for path in astuple(self) if path)


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options for reports to a command, which gets them as `files`, and `--verbose`."""

    @wraps(command)
    def with_files(**parameters: Any) -> Any:
        files = ReportFiles.of(parameters)
        rest = {name: value for name, value in parameters.items() if name not in fields_dict(ReportFiles)}
        return command(files=files, **rest)

    found: Callable[..., Any] = with_files
    for option in reversed(
        (
            click.option("--junit", type=NEW_FILE, metavar="FILE", help="Write a JUnit XML report."),
            click.option("--json", type=NEW_FILE, metavar="FILE", help="Write a JSON report."),
            click.option("--html", type=NEW_FILE, metavar="FILE", help="Write a report as one HTML page."),
            click.option("--sarif", type=NEW_FILE, metavar="FILE", help="Write a SARIF report, for code scanning."),
            click.option(
                "--summary",
                type=NEW_FILE,
                metavar="FILE",
                help="Add a summary in Markdown to FILE, such as $GITHUB_STEP_SUMMARY. A FILE of - is stdout.",
            ),
            click.option("--verbose", "-v", is_flag=True, help="List the rules that were kept too."),
        )
    ):
        found = option(found)
    return found


def read_token(file: Path | None) -> str:
    """The token from the file, or from RUN_RESULTS_TOKEN without a file.

    Raises click.UsageError if there is none, or if the file cannot be read.
    """
    if file is None:
        token = os.environ.get("RUN_RESULTS_TOKEN", "")
        if not token:
            raise click.UsageError("no token: set RUN_RESULTS_TOKEN, or name a file with --token-file")
        try:
            return TokenReference(token)() if is_reference(token) else token
        except ConfigurationError as error:
            raise click.UsageError(error.message) from None
    try:
        with file.open("rb") as stream:
            return stream.read(_MOST_TOKEN).decode("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "it is not text in UTF-8"
        raise click.UsageError(f"cannot read the token file {str(file)!r}: {reason}") from None


def split_commas(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Values of an option that may be repeated, or hold several with commas between: the callback of such options."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def show_and_write(report: "Report", files: ReportFiles, *, verbose: bool) -> int:
    """Shows the report, writes it to the files that are named, and gives the exit code of the command.

    Where a report goes to standard output (`-`), people read theirs on standard error.
    """
    to_stdout = files.named.count(STDOUT)
    if to_stdout > 1:
        raise click.UsageError("only one report can go to standard output")
    stream = sys.stderr if to_stdout else sys.stdout
    with commands_stopped(stream):
        _show(report, stream, verbose=verbose)
    annotate(report, stream)
    written = write_reports(report, files)
    return report.exit_code or (0 if written else 2)


def write_reports(report: "Report", files: ReportFiles) -> bool:
    """Writes the reports that are named. Gives whether all could be written."""
    from run_results_conformance.verifier.report import to_html, to_json, to_junit, to_sarif

    writers = ((files.junit, to_junit), (files.json, to_json), (files.html, to_html), (files.sarif, to_sarif))
    written = [write_file(path, write(report)) for path, write in writers if path]
    if files.summary:
        written.append(_add_summary(files.summary, report))
    return all(written)


def _add_summary(path: Path, report: "Report") -> bool:
    """Adds the summary to a file, of which GitHub takes so many bytes, with what another command wrote there before."""
    from run_results_conformance.verifier.report import LARGEST_SUMMARY, to_summary

    if path == STDOUT:
        return write_file(path, to_summary(report))
    try:
        before = path.stat().st_size if path.exists() else 0
        with path.open("ab") as file:
            file.write(to_summary(report, LARGEST_SUMMARY - before).encode(errors="replace"))
    except OSError as error:
        complain(f"cannot write {str(path)!r}: {error.strerror}")
        return False
    return True


def write_file(path: Path, text: str) -> bool:
    """Writes a text to a file, whole or not at all. If that fails, says why on standard error and gives False."""
    data = text.encode(errors="replace")
    if path == STDOUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return True
    try:
        if path.exists() and not path.is_file():  # a pipe or a device
            path.write_bytes(data)
        else:
            with whole_file(path) as file:
                file.write(data)
    except (OSError, ExportError) as error:
        complain(str(error) if isinstance(error, ExportError) else f"cannot write {str(path)!r}: {error.strerror}")
        return False
    return True


def _show(report: "Report", stream: TextIO, *, verbose: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    from run_results_conformance.verifier.report import terminal_lines

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    for line in terminal_lines(report, verbose=verbose):
        console.print(Text.assemble(*line), soft_wrap=True)

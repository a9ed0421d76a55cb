"""What `check` and `fuzz` share: where the token comes from, and how a report is shown and written."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from run_results_conformance.verifier.report import Report

POSITIVE = click.FloatRange(0, min_open=True)
EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)

token_file_option = click.option(
    "--token-file",
    type=EXISTING_FILE,
    help="File that holds the token, instead of RUN_RESULTS_TOKEN. There is no option for the token itself: "
    "other users can read command lines.",
)


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options `--junit`, `--json`, `--html` and `--verbose` to a command."""
    for option in reversed(
        (
            click.option("--junit", type=NEW_FILE, metavar="FILE", help="Write a JUnit XML report."),
            click.option("--json", "json_", type=NEW_FILE, metavar="FILE", help="Write a JSON report."),
            click.option("--html", type=NEW_FILE, metavar="FILE", help="Write a report as one HTML page."),
            click.option("--verbose", "-v", is_flag=True, help="List the rules that were kept too."),
        )
    ):
        command = option(command)
    return command


def read_token(file: Path | None) -> str:
    """The token from the file, or from RUN_RESULTS_TOKEN without a file.

    Raises click.UsageError if there is none, or if the file cannot be read.
    """
    if file is None:
        token = os.environ.get("RUN_RESULTS_TOKEN", "")
        if not token:
            raise click.UsageError("no token: set RUN_RESULTS_TOKEN, or name a file with --token-file")
        return token
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise click.UsageError("the token file cannot be read as text") from None


def show_and_write(
    report: "Report", *, verbose: bool, junit: Path | None, json_: Path | None, html: Path | None
) -> int:
    """Shows the report, writes it to the files that are named, and gives the exit code of the command."""
    from run_results_conformance.verifier.report import to_html, to_json, to_junit

    _show(report, verbose=verbose)
    writers = ((junit, to_junit), (json_, to_json), (html, to_html))
    written = [write_file(path, write(report)) for path, write in writers if path]
    return report.exit_code or (0 if all(written) else 2)


def write_file(path: Path, text: str) -> bool:
    """Writes a text to a file. If that fails, says why on standard error and gives False."""
    try:
        path.write_text(text, "utf-8", errors="replace")
    except OSError as error:
        click.echo(f"{path} cannot be written: {error.strerror}", err=True)
        return False
    return True


def _show(report: "Report", *, verbose: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    from run_results_conformance.verifier.report import terminal_lines

    if isinstance(sys.stdout, io.TextIOWrapper):
        # A character that the terminal cannot show becomes an escape, not an error.
        sys.stdout.reconfigure(errors="backslashreplace")
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    for line in terminal_lines(report, verbose=verbose):
        console.print(Text.assemble(*line), soft_wrap=True)

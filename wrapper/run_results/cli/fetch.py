"""`run-results fetch`: every field of a run, as lines of JSON or as a table for people."""

import logging
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import click
import msgspec

from run_results import Include, NameMap, Page
from run_results.cli.messages import warn, warn_of_breaches, warn_of_start, warn_of_unfinished
from run_results.cli.options import (
    INCLUDE_FLAGS,
    SEVERAL,
    ascii_option,
    connecting,
    names_option,
    on_change_option,
    on_repeat_option,
    read_names,
    start_option,
)
from run_results.cli.pace import Pace
from run_results.cli.rows import ADDED, MARKS, keys, marks, record, rows
from run_results.cli.settings import Settings
from run_results.cli.types import TEXT, json_option, listed_option
from run_results.counts import THRESHOLD, Counts
from run_results.names.guesses import Guesses
from run_results.text import count, printable_json

_LOG = logging.getLogger("run_results.cli")
_ENCODER = msgspec.json.Encoder()


class FetchInterrupted(Exception):
    """Raised when a fetch was interrupted. Files from the offset on were not written, or not completely."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


def _listed(title: str, names: Iterable[str]) -> str:
    """The keys after a title, in lines that click leaves as they are."""
    return textwrap.fill(f"{title}{', '.join(names)}", 74, initial_indent="  ", subsequent_indent="    ")


_ADDED = (_listed(f"--include {str(flag.name).lower()}: ", added) for flag, added in ADDED.items())
_KEYS = "\n".join([_listed("", keys()[:-1]), *_ADDED])
_HELP = f"""Print every field of a run: one line each, page by page.

JSON Lines have these keys, the same on every line, null where there is nothing:

\b
{_KEYS}
  unset: which of class_name and the confidences are null only because
    the server left them out

name is the project's, api_name that of the API. final_result_pass, review_completed and class_edits are the document's.

A file without documents and a document without fields have a line of their own. The packet's cross-class fields come
first, with a null file_index, unless --start is above 0.

When a fetch fails on the way, all pages before are written and the error names the --start to resume with. After an
interruption drop the lines from that file_index on first: the last page may be cut.
"""


@click.command(help=_HELP)
@click.argument("run_id", type=TEXT)
@click.option(
    "--format",
    type=click.Choice(["table", "jsonl"]),
    help="A table for people, or JSON Lines; else a table on a terminal and JSON Lines anywhere else.",
)
@json_option("JSON Lines, a line for each field; the same as --format jsonl")
@listed_option(
    "--include",
    metavar="LIST",
    help=f"What to ask for beyond the values: {INCLUDE_FLAGS} or all. {SEVERAL}",
)
@names_option("they are guessed")
@ascii_option
@start_option
@click.option(
    "--unsure",
    metavar="SCORE",
    type=click.FloatRange(0, 1),
    help="Mark fields with a confidence below this as unsure; else 0.8. Asks for confidences.",
)
@listed_option(
    "--only",
    list(MARKS),
    metavar="LIST",
    help=f"Print only fields with one of these marks: {', '.join(MARKS)}. Asks for the facts that they need. {SEVERAL}",
)
@on_change_option
@on_repeat_option
@connecting
@click.pass_obj
def fetch(
    settings: Settings,
    run_id: str,
    format: str | None,
    as_json: bool,
    include: tuple[str, ...],
    names: Path | None,
    ascii: bool,
    start: int,
    unsure: float | None,
    only: tuple[str, ...],
    on_change: Literal["raise", "warn"],
    on_repeat: Literal["raise", "keep"],
) -> None:
    """Print every field of a run; see `_HELP`."""
    if as_json and format == "table":
        raise click.UsageError("--json prints JSON Lines, and --format table does not", click.get_current_context())
    asked = Include.parse(",".join(include))
    if unsure is not None:
        asked |= Include.CONFIDENCE
    for mark in only:
        asked |= MARKS[mark]
    wanted = frozenset(only)
    known = NameMap(ascii=ascii) if names is None else read_names(names, ascii=ascii)
    guesses = Guesses(known)
    threshold = THRESHOLD if unsure is None else unsure
    counts = Counts(threshold)
    as_table = sys.stdout.isatty() if format is None and not as_json else format == "table"
    from run_results.cli.show import FieldTable

    table = FieldTable(settings.console(), known, asked, counts, threshold, wanted) if as_table else None
    offset, lines = start, 0
    pace = Pace("file")
    with (
        settings.client(on_change=on_change, on_repeat=on_repeat) as client,
        settings.progress(beside_rows=True) as update,
    ):
        try:
            for page in client.pages(run_id, start=start, include=asked):
                _LOG.info(
                    "offset %d: %s, %s",
                    page.offset,
                    count(len(page.files), "file"),
                    "more follow" if page.has_more else "the last",
                )
                counts.add(page)
                guesses.add_page(page)
                lines += table.page(page) if table else _write_lines(page, known, threshold, wanted)
                offset = page.offset + len(page.files)
                update(pace.line(counts.files, count(lines, "line"), is_all=not page.has_more))
        except KeyboardInterrupt:
            raise FetchInterrupted(offset) from None
    if guessed := guesses.describe():
        warn(guessed)
    if table:
        table.summary()
    else:
        warn_of_breaches(run_id, counts.breaches, counts.first_breach)
    warn_of_start(run_id, start, counts.files)
    warn_of_unfinished(run_id, counts.unfinished, is_missing=counts.is_status_missing)


def _write_lines(page: Page, names: NameMap, threshold: float, only: frozenset[str]) -> int:
    """Write the lines of a page; returns how many."""
    found = [row for row in rows(page) if not only or only & marks(row, threshold)]
    # One write and a flush for each page: a reader sees it at once, and an error leaves whole pages behind.
    records = [record(row, page.run_id, names, page.include) for row in found]
    sys.stdout.buffer.write(printable_json(_ENCODER.encode_lines(records)))
    sys.stdout.buffer.flush()
    return len(records)

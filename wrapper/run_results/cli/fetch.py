"""`run-results fetch`: every field of runs, as lines of JSON, as a table for people, or as CSV or Parquet."""

import sys
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from run_results import Include, NameMap, RunResultsError
from run_results.cli.each_run import each_run, refuse_several, run_ids_argument
from run_results.cli.exits import Exit, exit_code
from run_results.cli.field_output import FORMS, ColumnsOutput, FieldOutput, Form, LinesOutput, TableOutput
from run_results.cli.field_walk import FieldWalk
from run_results.cli.messages import complain, describe
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
from run_results.cli.row_filter import RowFilter
from run_results.cli.rows import ADDED, MARKS, keys
from run_results.cli.settings import Settings
from run_results.cli.types import PATH, TEXT, json_option, listed_option
from run_results.counts import THRESHOLD
from run_results.errors import ConfigurationError, ExportError
from run_results.files import whole_file
from run_results.paths import is_folder_path, local_path
from run_results.text import count, printable

_SUFFIXES: Final[dict[str, Form]] = {f".{form}": form for form in FORMS if form != "table"}
"""The suffixes of files that say the form."""


def _listed(title: str, names: Iterable[str]) -> str:
    """The keys after a title, in lines that click leaves as they are."""
    return textwrap.fill(f"{title}{', '.join(names)}", 74, initial_indent="  ", subsequent_indent="    ")


_ADDED = (_listed(f"--include {str(flag.name).lower()}: ", added) for flag, added in ADDED.items())
_KEYS = "\n".join([_listed("", keys()[:-1]), *_ADDED])
_HELP = f"""Print every field of runs, each on a line, page by page.

Every line of JSON Lines has these keys. A value that is not there is null:

\b
{_KEYS}
  unset: which of class_name and the confidences are null only because
    the server left them out

name is the project's name, and api_name the API's. final_result_pass, review_completed and class_edits are about the
document.

A file without documents has one line, and so has a document without fields. The packet's cross-class fields come
first, with a null file_index, unless --start is above 0.

CSV and Parquet have the table `fields` of run-results export: its columns, and a row for each field of a document.

With -o, FILE is written only when all runs were read. Without it, a fetch that fails has printed every page before the
failure, and the error names the --start to continue with. If you interrupt it, the last page may be incomplete: delete
the lines whose file_index is that --start or higher before you continue. If one of several runs cannot be read, the
others are printed, and the exit code is that of the first failure.
"""


@click.command(help=_HELP)
@run_ids_argument
@click.option(
    "-o",
    "--output",
    metavar="FILE|-",
    type=PATH,
    default="-",
    help="Write this file, or nothing if a run cannot be read; - is standard output. An older file is replaced.",
)
@click.option(
    "--format",
    type=click.Choice(FORMS),
    help="A table for people, CSV, JSON Lines or Parquet. Without it, the suffix of FILE decides; a terminal gets a"
    " table, and a pipe JSON Lines.",
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
    help="Mark fields with a confidence below this as unsure (0.8 without this option). Asks for confidences.",
)
@listed_option(
    "--only",
    list(MARKS),
    metavar="LIST",
    help=f"Print only fields with one of these marks: {', '.join(MARKS)}. Asks for what they need. {SEVERAL}",
)
@click.option(
    "--class",
    "classes",
    metavar="NAME",
    multiple=True,
    type=TEXT,
    help="Print only what is in documents of this class; can be given several times.",
)
@click.option(
    "--field",
    "fields",
    metavar="NAME",
    multiple=True,
    type=TEXT,
    help="Print only the field of this name, the project's or the API's; can be given several times.",
)
@on_change_option
@on_repeat_option
@connecting
@click.pass_obj
def fetch(
    settings: Settings, /, run_ids: tuple[str, ...], output: str, start: int, names: Path | None, **given: Any
) -> int:
    """Print every field of runs; see `_HELP`."""
    refuse_several(run_ids, start=start)
    form, place = _form(given["format"], as_json=given["as_json"], output=output)
    include = Include.parse(",".join(given["include"]))
    if given["unsure"] is not None:
        include |= Include.CONFIDENCE
    for mark in given["only"]:
        include |= MARKS[mark]
    wanted = RowFilter(
        NameMap(ascii=given["ascii"]) if names is None else read_names(names, ascii=given["ascii"]),
        THRESHOLD if given["unsure"] is None else given["unsure"],
        marks=frozenset(given["only"]),
        classes=given["classes"],
        fields=given["fields"],
    )
    policy = {name: given[name] for name in ("on_change", "on_repeat")}
    walking = partial(_walking, settings, form, wanted, include, several=len(run_ids) > 1, start=start, policy=policy)
    if place is None:
        with walking(None, None) as walk:
            return each_run(run_ids, walk.fetch)
    try:
        with whole_file(place) as file, walking(place, file) as walk:
            for run_id in run_ids:
                walk.fetch(run_id)
    except (ConfigurationError, ExportError):
        raise
    except RunResultsError as error:
        error.resume_offset = None
        complain(f"{describe(error).rstrip('.')}. {output!r} is not written")
        return exit_code(error)
    runs = f" of {len(run_ids):,} runs" if len(run_ids) > 1 else ""
    click.echo(printable(f"{output}: {count(walk.files, 'file')}{runs}, {count(walk.rows, 'row')}"))
    return Exit.OK


@contextmanager
def _walking(
    settings: Settings,
    form: Form,
    wanted: RowFilter,
    include: Include,
    path: Path | None,
    file: BinaryIO | None,
    *,
    several: bool,
    start: int,
    policy: dict[str, Any],
) -> Iterator[FieldWalk]:
    """A walk that writes in this form, to an open file or to standard output."""
    output: FieldOutput
    if form == "table":
        output = TableOutput(settings, file, wanted, include, several=several)
    elif form == "jsonl":
        output = LinesOutput(file or sys.stdout.buffer, wanted)
    else:
        output = ColumnsOutput(file or sys.stdout.buffer, wanted, form)
    try:
        with (
            settings.client(**policy) as client,
            settings.progress(beside_rows=file is None) as update,
        ):
            walk = FieldWalk(client, output, wanted, include, start, path, several, update)
            yield walk
            walk.close()
    except BaseException:
        output.abandon()
        raise


def _form(format: Form | None, *, as_json: bool, output: str) -> tuple[Form, Path | None]:
    """The form of the output, and the file that gets it; None for standard output. Raises `ConfigurationError`."""
    if as_json and format not in (None, "jsonl"):
        raise click.UsageError(f"--json prints JSON Lines, and --format {format} does not", click.get_current_context())
    asked: Form | None = "jsonl" if as_json else format
    if output == "-":
        if asked == "parquet":
            raise ConfigurationError("Parquet is read whole, and not from standard output: name a file with --output")
        return asked or ("table" if sys.stdout.isatty() else "jsonl"), None
    place = local_path(output)
    if is_folder_path(output):
        raise ConfigurationError(f"{output!r} is a folder, and all rows go into one file: name the file")
    by_suffix = _SUFFIXES.get(place.suffix.lower())
    form = asked or by_suffix
    if form is None:
        what = (
            f"the suffix {place.suffix!r}, which says no format"
            if place.suffix
            else "no suffix, which would say the format"
        )
        text = f"{output!r} has {what}; there are {', '.join(_SUFFIXES)}"
        raise ConfigurationError(text, advice="Choose one of them, or give {format=}")
    if by_suffix not in (None, form):
        raise ConfigurationError(f"{output!r} has the suffix of {by_suffix}, and the format is to be {form}")
    return form, place

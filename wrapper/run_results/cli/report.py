"""`run-results report`: a run as one HTML file for people."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import click

from run_results import Include, NameMap, Page, RunResultsError
from run_results.cli.each_run import each_run, refuse_several, run_ids_argument
from run_results.cli.messages import is_quiet, warn, warn_of_breaches, warn_of_start, warn_of_unfinished
from run_results.cli.options import (
    ascii_with_names_option,
    connecting,
    names_option,
    on_change_option,
    on_repeat_option,
    read_names,
    start_option,
)
from run_results.cli.pace import Pace
from run_results.cli.rows import MARKS, marked
from run_results.cli.settings import Settings
from run_results.cli.types import PATH, TEXT, json_option, print_json
from run_results.counts import THRESHOLD
from run_results.errors import ConfigurationError
from run_results.names.guesses import Guesses
from run_results.paths import is_folder_path, local_path, safe_names
from run_results.text import count, printable

if TYPE_CHECKING:
    from run_results.report import Written


@click.command()
@run_ids_argument
@click.option(
    "-o",
    "--output",
    metavar="FILE|DIR|-",
    type=PATH,
    required=True,
    help="The file for the report, or - for standard output. For several runs, or with a slash at the end, a folder"
    " that gets RUN_ID.html for each run. An older report is replaced when the new one is complete. Folders are made.",
)
@click.option(
    "--open", "opens", is_flag=True, help="Open the report in the browser; with several runs, the first report."
)
@names_option("fields go by their API names")
@ascii_with_names_option
@click.option(
    "--images",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="A folder with pictures of the pages, which are shown behind the boxes.",
)
@click.option("--title", metavar="TEXT", type=TEXT, help="The heading of the report, instead of the run's id.")
@click.option(
    "--unsure",
    metavar="SCORE",
    type=click.FloatRange(0, 1),
    default=THRESHOLD,
    show_default=True,
    help="Mark fields with a confidence below this as unsure.",
)
@start_option
@click.option(
    "--max-size",
    metavar="MB",
    type=click.IntRange(1, 2000),
    default=64,
    show_default=True,
    help="The largest size of the run's data in the report, and of the pictures. Whatever exceeds it is counted and not"
    " shown, and the report says so.",
)
@json_option("what was written as a JSON object")
@on_change_option
@on_repeat_option
@connecting
@click.pass_obj
def report(
    settings: Settings,
    run_ids: tuple[str, ...],
    output: str,
    opens: bool,
    names: Path | None,
    ascii: bool,
    images: Path | None,
    title: str | None,
    unsure: float,
    start: int,
    max_size: int,
    as_json: bool,
    on_change: Literal["raise", "warn"],
    on_repeat: Literal["raise", "keep"],
) -> int:
    """Write each run into one HTML file for people.

    The report shows which fields need a look, and where they stand on the page.

    The file needs no other file, requests nothing when it is opened, and contains neither token nor context. It
    contains the run's values: keep it as confidential as the run.

    With --images, the picture of a page is the file in DIR with the path that the platform gives the page; its first
    folders may be missing. If there is none, it is FILE/page-N.png (or .jpg, .webp, .gif): FILE is the file's name
    without its suffix, and N counts from 0.
    """
    from run_results.report import folder, write_report

    refuse_several(run_ids, start=start, title=title)
    places = _places(run_ids, output)
    if opens and output == "-":
        raise ConfigurationError("--open goes with a file, and not with standard output")
    known = read_names(names, ascii=ascii) if names else None
    pictures = folder(images) if images else None
    made: list[str] = []

    def write(run_id: str) -> None:
        guesses = Guesses(known or NameMap())
        pace = Pace("file")

        def pages() -> Iterator[Page]:
            for page in client.pages(run_id, start=start, include=Include.ALL):
                yield page
                guesses.add_page(page)
                update(pace.line(page.offset + len(page.files) - start, is_all=not page.has_more))

        with settings.progress() as update, _file(places[run_id]) as file:
            try:
                written = write_report(
                    pages(),
                    file,
                    names=known,
                    images=pictures,
                    title=title,
                    threshold=unsure,
                    max_bytes=max_size << 20,
                    max_image_bytes=max_size << 20,
                )
            except RunResultsError as error:
                error.resume_offset = None  # nothing was written: there is nothing to resume
                raise
            if output == "-":
                with Path(file).open("rb") as whole:
                    shutil.copyfileobj(whole, sys.stdout.buffer)
                sys.stdout.buffer.flush()
        made.append(places[run_id])
        if guessed := guesses.describe():
            warn(guessed if len(run_ids) == 1 else f"{run_id}: {guessed}")
        _warn(run_id, written, start)
        if as_json:
            print_json(_facts(run_id, places[run_id], written, start), err=output == "-")
        elif output != "-" or not is_quiet():
            click.echo(printable(f"{places[run_id]}: {_summary(written, start)}"), err=output == "-")

    with settings.client(on_change=on_change, on_repeat=on_repeat) as client:
        code = each_run(run_ids, write)
    if opens and made:
        _open(made[0])
    return code


def _places(run_ids: tuple[str, ...], output: str) -> dict[str, str]:
    """Where each report goes: to the path itself, or to a file of its own in the folder."""
    if len(run_ids) == 1 and not output.endswith(("/", os.sep)):
        return dict.fromkeys(run_ids, output)
    if output == "-":
        raise ConfigurationError("standard output takes one report; name a folder for several")
    place = local_path(output)
    if place.suffix.lower() in (".html", ".htm") and not is_folder_path(output):
        raise ConfigurationError(f"several reports need a folder, and {output!r} is the name of one file")
    return {run_id: str(place / f"{name}.html") for run_id, name in safe_names(run_ids).items()}


def _open(path: str) -> None:
    """Open a report in the browser, which is given an address: a path may mean another thing to it."""
    if click.launch(Path(path).resolve().as_uri()) != 0:
        warn(f"no browser could be started; open {path} yourself")


def _warn(run_id: str, written: "Written", start: int) -> None:
    counts = written.counts
    if written.left_out:
        warn(
            f"the report was full: {count(written.left_out, 'document')}, files without documents included, are counted"
            f" and not shown; make another report with --start {written.left_out_from}, or raise --max-size"
        )
    if written.images_left_out:
        warn(f"pictures that are not shown: {written.images_left_out:,}; the report says why")
    warn_of_breaches(run_id, counts.breaches, counts.first_breach)
    warn_of_start(run_id, start, counts.files)
    warn_of_unfinished(run_id, counts.unfinished, is_missing=counts.is_status_missing)


def _facts(run_id: str, place: str, written: "Written", start: int) -> dict[str, object]:
    counts = written.counts
    return {
        "run_id": run_id,
        "path": place,
        "size": written.size,
        "start": start,
        "files": counts.files,
        "documents": counts.documents.total,
        "fields": counts.fields.total,
        **{mark: getattr(counts.fields, mark) for mark in MARKS},
        "case_fields": counts.case_fields.total,
        "images": written.images,
        "left_out": written.left_out,
        "left_out_from": written.left_out_from,
        "images_left_out": written.images_left_out,
    }


def _summary(written: "Written", start: int) -> str:
    counts = written.counts
    parts = [
        count(counts.files, "file") + (f" from file {start} on" if start else ""),
        count(counts.documents.total, "document"),
        f"{count(counts.fields.total, 'field')} ({marked(counts.fields, MARKS)})",
        count(counts.case_fields.total, "cross-class field"),
        count(written.images, "picture"),
        f"{written.size / 1e6:.1f} MB",
    ]
    return ", ".join(parts)


@contextmanager
def _file(output: str) -> Iterator[str]:
    """Where the report is written; for standard output, which gets whole reports only, in a folder that goes again."""
    if output != "-":
        yield output
        return
    with TemporaryDirectory(prefix="run-results-") as folder:
        yield str(Path(folder, "report.html"))

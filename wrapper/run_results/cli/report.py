"""`run-results report`: a run as one HTML file to look at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import click

from run_results import Include, Page, RunResultsError
from run_results.cli.app import (
    _ascii_with_names_option,
    _client,
    _connecting,
    _is_watched,
    _names_option,
    _on_change_option,
    _read_names,
    _warn,
)
from run_results.text import printable


@click.command()
@click.argument("run_id")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="Where to write the report; an older one of the name is replaced when the new one is whole.",
)
@_names_option("fields go by their API names")
@_ascii_with_names_option
@click.option(
    "--images",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="A folder with pictures of the pages, to be drawn under the boxes.",
)
@click.option("--title", metavar="TEXT", help="What stands above the report; else the run's id.")
@click.option(
    "--unsure",
    metavar="SCORE",
    type=click.FloatRange(0, 1),
    default=0.8,
    show_default=True,
    help="Below which confidence a field needs a look.",
)
@click.option("--start", metavar="N", type=click.IntRange(0), default=0, help="Begin at this file, counted from 0.")
@click.option(
    "--max-size",
    metavar="MB",
    type=click.IntRange(1, 2000),
    default=64,
    show_default=True,
    help="The most of the run's data in the report, and apart from them of pictures. What is beyond is counted and not"
    " shown, and the report says so.",
)
@_on_change_option
@_connecting
@click.pass_obj
def report(
    settings: dict[str, Any],
    run_id: str,
    output: Path,
    names: Path | None,
    ascii: bool,
    images: Path | None,
    title: str | None,
    unsure: float,
    start: int,
    max_size: int,
    on_change: Literal["raise", "warn"],
) -> None:
    """Write a run into one HTML file to look at: what is doubtful, and where it stands on the page.

    The file needs nothing else, asks for nothing when it is opened, and holds neither token nor context. It holds
    the run's values: treat it so.

    The picture of a page is looked for in the folder of --images under the path that the platform gives the page,
    whole or without its first folders, and then as FILE/page-N.png (or .jpg, .webp, .gif), where FILE is the file's
    name without its suffix and N counts from 0.
    """
    from run_results.cli.show import progress
    from run_results.report import folder, write_report

    known = _read_names(names, ascii=ascii) if names else None
    pictures = folder(images) if images else None
    with _client(settings, on_change=on_change) as client, progress(wanted=_is_watched()) as tell:

        def pages() -> Iterator[Page]:
            for page in client.pages(run_id, start=start, include=Include.ALL):
                yield page
                tell(f"{page.offset + len(page.files):,} files")

        try:
            written = write_report(
                pages(),
                output,
                names=known,
                images=pictures,
                title=title,
                threshold=unsure,
                max_bytes=max_size << 20,
                max_image_bytes=max_size << 20,
            )
        except RunResultsError as error:
            error.resume_offset = None  # nothing was written: there is nothing to go on from
            raise
    if written.left_out:
        _warn(
            f"the report was full: {written.left_out:,} documents are counted and not shown;"
            f" go on with --start {written.left_out_from} in another report, or raise --max-size"
        )
    if written.images_left_out:
        _warn(f"{written.images_left_out:,} pictures are not shown; the report says why")
    part = f" from file {start} on" if start else ""
    click.echo(
        printable(
            f"{output}: {written.files:,} files{part}, {written.documents:,} documents, {written.fields:,} fields,"
            f" {written.images:,} pictures, {written.size / 1e6:.1f} MB"
        )
    )

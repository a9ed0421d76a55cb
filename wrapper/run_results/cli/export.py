"""`run-results export`: runs as tables on disk, several at once, in a way that can be interrupted and resumed."""

import os
import sys
from typing import Any, Literal

import attrs
import click

from run_results import Include
from run_results.arguments import check_run_id
from run_results.cli.after_export import advise
from run_results.cli.exits import Exit
from run_results.cli.interrupts import noted_interrupts
from run_results.cli.jobs import Jobs
from run_results.cli.messages import complain, warn
from run_results.cli.options import (
    SEVERAL,
    ascii_with_names_option,
    connecting,
    include_option,
    jobs_option,
    names_option,
    on_change_option,
    on_repeat_option,
    read_names,
    typed_option,
)
from run_results.cli.run_ids import read_run_ids
from run_results.cli.types import PATH, TEXT, Command, json_option, listed_option
from run_results.errors import ConfigurationError
from run_results.export.options import ExportOptions
from run_results.paths import is_folder_path, local_path, safe_names
from run_results.tables.installed import need_arrow
from run_results.tables.options import DIALECTS, FORMATS, SEPARATORS, Typed, Wide
from run_results.tables.schema import TABLES

_DEFAULTS: dict[str, Any] = {member.name: member.default for member in attrs.fields(ExportOptions)}
_WIDE_DEFAULTS = {member.name: member.default for member in attrs.fields(Wide)}


def _choosing(command: Command) -> Command:
    """Adds the options of `ExportOptions`; `_chosen` makes one of them."""
    options = (
        click.option(
            "--resume", is_flag=True, help="Continue the export that DIR or FILE has; begin if there is none."
        ),
        click.option(
            "--overwrite",
            is_flag=True,
            help="Make an existing export anew; the old one stays until the new one is complete.",
        ),
        click.option(
            "--format",
            type=click.Choice(FORMATS),
            help="The format of the files. Without it, that of the suffix; without a suffix, parquet.",
        ),
        listed_option(
            "--tables",
            metavar="LIST",
            help=f"Which tables: {', '.join(TABLES)}. Without it all; with one FILE only fields. {SEVERAL}",
        ),
        click.option("--single-file", is_flag=True, help="Merge the parts of each table into one file at the end."),
        click.option("--wide", is_flag=True, help="A table for each document class, with a column for each field."),
        click.option("--class", "class_name", metavar="NAME", type=TEXT, help="With --wide: this class only."),
        click.option(
            "--doubled",
            type=click.Choice(["error", "first", "last", "list"]),
            default=_WIDE_DEFAULTS["doubled"],
            show_default=True,
            help="With --wide: what to do with a field that a document has twice.",
        ),
        click.option(
            "--titles",
            type=click.Choice(["names", "api"]),
            default=_WIDE_DEFAULTS["titles"],
            show_default=True,
            help="With --wide: call columns by the project's names, or by the API's, which are identifiers.",
        ),
        click.option("--scores", is_flag=True, help="With --wide: also columns with the confidences of each field."),
        names_option("they are guessed"),
        ascii_with_names_option,
        typed_option,
        click.option(
            "--decimal",
            type=click.Choice(["point", "comma"]),
            help="How the project writes decimals; includes --typed.",
        ),
        click.option(
            "--dates",
            type=click.Choice(["mdy", "dmy"]),
            help="The order of day (d), month (m) and year (y) in the project's dates; includes --typed.",
        ),
        include_option,
        click.option("--no-guard", is_flag=True, help="Do not change cells of CSV that look like formulas."),
        click.option(
            "--dialect",
            type=click.Choice(DIALECTS),
            default=_DEFAULTS["dialect"],
            show_default=True,
            help="The kind of CSV. excel adds a byte order mark, and cuts cells that are too long for Excel.",
        ),
        click.option(
            "--separator",
            type=click.Choice(list(SEPARATORS.values())),
            default=SEPARATORS[ExportOptions().separator],
            show_default=True,
            help="What separates the cells of CSV; Excel in most of Europe needs semicolon.",
        ),
        click.option(
            "--rows-per-part",
            metavar="N",
            type=click.IntRange(1),
            default=_DEFAULTS["rows_per_part"],
            show_default=True,
            help="Write a part after this many rows.",
        ),
    )
    for decorate in reversed(options):
        command = decorate(command)
    return command


def _chosen(given: dict[str, Any], context: click.Context) -> ExportOptions:
    """What the options of `_choosing` say."""
    wide = Wide(given["class_name"], doubled=given["doubled"], confidence=given["scores"], titles=given["titles"])
    if not given["wide"] and wide != Wide():
        raise click.UsageError("--class, --doubled, --titles and --scores go with --wide", context)
    names, decimal, dates = given["names"], given["decimal"], given["dates"]
    sign: Literal[".", ","] | None = "." if decimal == "point" else "," if decimal else None
    return ExportOptions(
        format=given["format"],
        tables=given["tables"],
        names=None if names is None else read_names(names, ascii=given["ascii"]),
        wide=wide if given["wide"] else None,
        typed=Typed(sign, dates) if given["typed"] or decimal or dates else None,
        include=Include.parse(",".join(given["include"])),
        resume=given["resume"],
        overwrite=given["overwrite"],
        single_file=given["single_file"],
        guard=not given["no_guard"],
        dialect=given["dialect"],
        separator=next(sign for sign, name in SEPARATORS.items() if name == given["separator"]),
        rows_per_part=given["rows_per_part"],
    )


@click.command()
@click.argument("run_ids", metavar="RUN_ID...", nargs=-1, type=TEXT)
@click.option(
    "-o",
    "--output",
    metavar="DIR|FILE|-",
    type=PATH,
    required=True,
    help=f"A folder; or a file for one table, with a suffix of .{', .'.join(FORMATS)};"
    " or - for standard output, with --format csv or jsonl. A path with a slash at the end is a folder, whatever its"
    " name.",
)
@click.option(
    "--runs-from",
    "--runs-file",
    "runs_file",
    metavar="FILE",
    type=click.File("r", encoding="utf-8-sig"),
    help="Read more run ids from a file (- is standard input). Each line is an id, or JSON from run-results runs."
    " Each run then gets a folder of its own.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Write nothing. Say what would be written, what DIR or FILE has, and whether --resume would be accepted."
    " Requests one page of each run.",
)
@jobs_option(2)
@json_option("a line for each run, a JSON object with the result or the error")
@_choosing
@on_change_option
@on_repeat_option
@connecting
@click.pass_context
def export(
    context: click.Context,
    /,
    run_ids: tuple[str, ...],
    output: str,
    runs_file: Any,
    dry_run: bool,
    jobs: int,
    as_json: bool,
    on_change: Literal["raise", "warn"],
    on_repeat: Literal["raise", "keep"],
    **given: Any,
) -> None:
    """Write runs to disk as tables, of any size.

    A run is a folder of parts for each table, in DIR:

    \b
      fields/part-0000000000-0000001000.parquet    the files 0 to 999
      fields/part-0000001000-0000002000.parquet
      documents/..., files/..., case_fields/...
      _SUCCESS                                     written last

    An export can be interrupted at any moment, and --resume continues it. Several runs, and those of --runs-from, each
    have a folder of their own in DIR. Files in DIR that an export did not write stay. When a run fails, the others
    continue, and the exit code is that of the first failure.
    """
    need_arrow()
    several = runs_file is not None or len(run_ids) > 1
    wanted = list(dict.fromkeys(map(check_run_id, [*run_ids, *read_run_ids(runs_file, "--runs-from")])))
    if not wanted and runs_file is None:
        raise click.UsageError("give run ids as arguments, or one a line with --runs-from", context)
    if not wanted:
        warn("--runs-from has no run ids: nothing is exported")
        return
    options = _chosen(given, context)
    if output == "-":
        from run_results.cli.stream import check_streamed, write_stream

        if as_json:
            raise ConfigurationError("standard output has the table; --json goes with files")
        if dry_run:
            raise ConfigurationError("--dry-run goes with files")
        if several:
            raise ConfigurationError("standard output takes one run; name a folder for several")
        check_streamed(options)
        with (
            context.obj.client(on_change=on_change, on_repeat=on_repeat) as client,
            context.obj.progress(beside_rows=True) as update,
        ):
            write_stream(client, wanted[0], options, update)
        return
    places = _places(wanted, output, several=several)
    if dry_run:
        from run_results.cli.dry_run import show_previews

        with context.obj.client(on_change=on_change, on_repeat=on_repeat) as client:
            context.exit(show_previews(client, places, options, on_change == "raise", as_json=as_json))
    work = Jobs(places, options)
    with noted_interrupts() as interrupts:
        with (
            context.obj.client(on_change=on_change, on_repeat=on_repeat) as client,
            context.obj.progress() as update,
        ):
            work.run(client, jobs, update, interrupts)
        if work.is_interrupted and sys.stderr.isatty():
            click.echo(err=True)  # below the "^C"
        code = work.report(as_json=as_json)
        if len(work.done) == len(places) == 1 and not as_json:
            advise(work.so_far[wanted[0]], context.obj)
        if work.is_interrupted:
            complain("interrupted. What is written stays; continue with --resume")
            code = Exit.INTERRUPTED
        if work.is_running:  # Python's own exit would end threads inside Arrow, which then aborts the process
            os._exit(code)
    context.exit(code)


def _places(run_ids: list[str], output: str, *, several: bool) -> dict[str, str]:
    """Where each run goes: to the path itself, or each to a folder of its own in it."""
    place = local_path(output)  # an error before anything is fetched
    if not several:
        return dict.fromkeys(run_ids, output)
    if place.suffix.lower().removeprefix(".") in FORMATS and not is_folder_path(output):
        raise ConfigurationError(f"several runs need a folder, and {output!r} is the name of one file")
    return {run_id: f"{place / name}/" for run_id, name in safe_names(run_ids).items()}

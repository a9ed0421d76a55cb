"""`run-results sync`: a dataset on disk that follows the runs."""

import signal
import sys
from datetime import timedelta
from typing import Any

import attrs
import click

from run_results import Include
from run_results.arguments import check_run_id
from run_results.cli.exits import Exit, exit_code
from run_results.cli.interrupts import noted_interrupts
from run_results.cli.messages import complain, describe, warn
from run_results.cli.options import (
    ascii_with_names_option,
    connecting,
    include_option,
    jobs_option,
    names_option,
    on_repeat_option,
    read_names,
    typed_option,
)
from run_results.cli.run_ids import read_run_ids
from run_results.cli.types import PATH, json_option, print_json
from run_results.sync.options import SYNC_FORMATS, SyncOptions
from run_results.sync.result import SyncCounts, Synced
from run_results.tables.installed import need_arrow
from run_results.text import count, printable

_DEFAULTS: dict[str, Any] = {member.name: member.default for member in attrs.fields(SyncOptions)}
_DAYS = click.FloatRange(0, 36_500)
_MOST_SHOWN = 20
"""Failures that are listed one by one; the rest is counted."""


@click.command()
@click.option(
    "--ids",
    metavar="FILE",
    required=True,
    type=click.File("r", encoding="utf-8-sig"),
    help="The run ids, one a line, or JSON from run-results runs; - is standard input.",
)
@click.option(
    "--to", metavar="DIR", required=True, type=PATH, help="The folder of the dataset; it is made if it does not exist."
)
@click.option(
    "--format",
    type=click.Choice(SYNC_FORMATS),
    default=_DEFAULTS["format"],
    show_default=True,
    help="Delta tables, or plain Parquet files.",
)
@click.option("--recheck", metavar="DAYS", type=_DAYS, help="Also read runs that finished in the last DAYS days.")
@names_option("they are guessed")
@ascii_with_names_option
@typed_option
@include_option
@jobs_option(_DEFAULTS["jobs"])
@click.option(
    "--runs-per-batch",
    metavar="N",
    type=click.IntRange(1, 10_000),
    default=_DEFAULTS["runs_per_batch"],
    show_default=True,
    help="Write after at most this many runs.",
)
@json_option("one JSON object with what was done")
@on_repeat_option
@connecting
@click.pass_context
def sync(context: click.Context, /, ids: Any, to: str, as_json: bool, on_repeat: str, **given: Any) -> None:
    """Keep a dataset of many runs on disk up to date.

    DIR gets a folder for each table, and one for the list of its runs:

    \b
      fields/, documents/, files/, case_fields/    the tables of all runs
      runs/    each run: its state, when it was read, and whether it is whole

    A run is read if DIR does not have it, or if it may have changed: it was not finished, was under review, or finished
    in the days of --recheck. Its rows are then replaced. Runs of DIR whose ids are not given stay. The command can be
    killed at any moment; the same command then continues.

    A run that fails does not stop the others. The exit code is that of the first failure, or 3 if runs are only missing
    on the server.
    """
    need_arrow()
    from run_results.sync.job import sync as synchronize

    run_ids = list(map(check_run_id, read_run_ids(ids, "--ids")))
    names = given["names"]
    options = SyncOptions(
        format=given["format"],
        names=None if names is None else read_names(names, ascii=given["ascii"]),
        typed=given["typed"],
        include=Include.parse(",".join(given["include"])),
        recheck=None if given["recheck"] is None else timedelta(days=given["recheck"]),
        jobs=given["jobs"],
        runs_per_batch=given["runs_per_batch"],
    )
    with (
        noted_interrupts(signal.SIGTERM) as interrupts,
        context.obj.client(on_repeat=on_repeat) as client,
        context.obj.progress() as update,
    ):

        def stop() -> bool:
            if interrupts:
                client.close()  # ends what waits for the server
            return bool(interrupts)

        def note(so_far: SyncCounts) -> None:
            update(so_far.describe())

        result = synchronize(client, run_ids, to, options=options, progress=note, stop=stop)
        is_interrupted = bool(interrupts)
    if is_interrupted and sys.stderr.isatty():
        click.echo(err=True)  # below the "^C"
    code = _report(result, to, as_json=as_json)
    if is_interrupted:
        complain("interrupted. What is whole is written; the same command continues")
        code = Exit.TERMINATED if interrupts.is_terminated else Exit.INTERRUPTED
    context.exit(code)


def _report(result: Synced, to: str, *, as_json: bool) -> int:
    """Print what was done; returns the exit code."""
    if as_json:
        print_json(result.as_dict())
    else:
        click.echo(printable(f"{result.describe()} -> {to}"))
    code = next((int(exit_code(error)) for error in result.failures.values()), int(Exit.OK))
    for run_id, error in list(result.failures.items())[:_MOST_SHOWN]:
        error.run_id = error.run_id or run_id
        error.resume_offset = None  # a run is read whole
        complain(describe(error))
    if len(result.failures) > _MOST_SHOWN:
        complain(f"{len(result.failures) - _MOST_SHOWN:,} more failed; --json lists all")
    if result.missing:
        shown = ", ".join(map(repr, result.missing[:5])) + (", ..." if len(result.missing) > 5 else "")
        complain(f"the server does not know {count(len(result.missing), 'run')}: {shown}")
    if result.counts.breaches:
        warn(f"answers broke the contract in {count(result.counts.breaches, 'place')}; what did not fit there is null")
    return code or (Exit.REFUSED if result.missing else Exit.OK)

"""`run-results runs`: which runs there are."""

import sys
from datetime import datetime, timedelta
from typing import Any

import click
import msgspec

from run_results import UNSET, ContractError, RunStatus, RunSummary, to_datetime
from run_results.cli.options import SEVERAL, connecting
from run_results.cli.pace import Pace
from run_results.cli.settings import Settings
from run_results.cli.times import LENGTH, MOMENT, MOMENTS
from run_results.cli.types import TEXT, json_option, listed_option
from run_results.text import printable, printable_json

_ENCODER = msgspec.json.Encoder()
_STATUSES = [status.value for status in RunStatus]


@click.command()
@click.option(
    "--since", metavar="WHEN", type=MOMENT, help=f"Runs that started then or later: {MOMENTS}.  [default: 24h]"
)
@click.option("--until", metavar="WHEN", type=MOMENT, help="Runs that started before then.  [default: now]")
@click.option(
    "--overlap",
    metavar="LENGTH",
    type=LENGTH,
    help="Also runs that started before --since, by at most this long (such as 6h), and had not finished by --since.",
)
@listed_option("--status", metavar="LIST", help=f"Only runs with a status of {', '.join(_STATUSES)}. {SEVERAL}")
@click.option("--app-id", metavar="ID", type=TEXT, help="Only runs of this app.")
@click.option("--app-name", metavar="NAME", type=TEXT, help="Only runs of the app with this name.")
@click.option("--deployment-id", metavar="ID", type=TEXT, help="Only runs of this deployment.")
@click.option("--username", metavar="NAME", type=TEXT, help="Only runs that this user started.")
@click.option("--run-id", metavar="ID", type=TEXT, help="Only the run with this id.")
@click.option(
    "--output-workspace",
    "output_workspaces",
    metavar="NAME",
    multiple=True,
    type=TEXT,
    help="Only runs whose output is in this workspace; can be given several times.",
)
@click.option(
    "--format",
    type=click.Choice(["table", "jsonl", "ids"]),
    help="A table for people, JSON Lines, or run ids. Without it, a terminal gets a table, and a pipe JSON Lines.",
)
@json_option("JSON Lines, a line for each run; the same as --format jsonl")
@connecting
@click.pass_obj
def runs(
    settings: Settings,
    /,
    since: datetime | None,
    until: datetime | None,
    overlap: timedelta | None,
    format: str | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """List runs in the order of their start, the earliest first.

    The list has the runs that started between --since and --until. A time without a time zone is local, and days begin
    at local midnight. Tables and JSON show UTC.

    A run that started before --since and finished later is listed only with --overlap. Each run is listed once, even
    if others start or are deleted meanwhile.

    Every line of JSON Lines has these keys. A value that is not there is null:

    \b
      run_id, status, message, started_at, finished_at (UTC), start_timestamp,
      finish_timestamp (nanoseconds), batch_id, input_dir, app_id,
      deployment_id, tags
      unset: which of these are null because the server left them out

    They are what export --runs-from reads:

    \b
      run-results runs --since yesterday --status COMPLETE |
        run-results export --runs-from - -o out --resume
    """
    if as_json and format not in (None, "jsonl"):
        raise click.UsageError("--json prints JSON Lines: leave out --format", click.get_current_context())
    given = {name: value for name, value in filters.items() if value not in (None, ())}
    kind = "jsonl" if as_json else format or ("table" if sys.stdout.isatty() else "jsonl")
    from run_results.cli.run_table import RunTable

    table = RunTable(settings.console()) if kind == "table" else None
    pace = Pace("run")
    with settings.client() as client, settings.progress(beside_rows=True) as update:
        for number, run in enumerate(client.runs(since, until, overlap=overlap, **given), 1):
            if table:
                table.add(run)
            else:
                _write(run, kind)
            update(pace.line(number))
    if table:
        window = "in this time; an earlier --since" if since else "in the last 24 hours; --since 7d, or a date,"
        table.summary(f" started {window} looks further back")


def _write(run: RunSummary, kind: str) -> None:
    """Write a run at once, so that whoever reads can begin."""
    if kind == "ids":
        if not isinstance(run.id, str):
            raise ContractError(
                "the server lists a run without an id, so that the ids are not those of all runs",
                advice="--format jsonl shows what is known of it",
            )
        click.echo(printable(run.id))
        return
    sys.stdout.buffer.write(printable_json(_ENCODER.encode_lines([record(run)])))
    sys.stdout.buffer.flush()


def record(run: RunSummary) -> dict[str, object]:
    """The run as a line of JSON Lines."""
    line: dict[str, object] = {
        "run_id": run.id,
        "status": run.status,
        "message": run.msg,
        "started_at": to_datetime(run.start_timestamp).isoformat(),
        "finished_at": to_datetime(run.finish_timestamp).isoformat() if run.finish_timestamp else None,
        "start_timestamp": run.start_timestamp,
        "finish_timestamp": run.finish_timestamp,
        "batch_id": run.batch_id,
        "input_dir": run.input_dir,
        "app_id": run.app_id,
        "deployment_id": run.deployment_id,
        "tags": run.tags,
    }
    unset = [key for key, value in line.items() if value is UNSET]
    return {key: None if value is UNSET else value for key, value in line.items()} | {"unset": unset}

"""`run-results status`: the state of a run."""

import time
from contextlib import suppress
from typing import Any

import click

from run_results import UNSET, Page
from run_results.cli.each_run import each_run, run_ids_argument
from run_results.cli.options import connecting
from run_results.cli.settings import Settings
from run_results.cli.types import json_option, print_json


class _Seconds(click.FloatRange):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        with suppress(ValueError):
            return super().convert(float(value), param, ctx)
        # An option with an optional value takes the next word for it.
        return self.fail(f"{value!r} is no number; give --wait=SECONDS, or put --wait behind RUN_ID", param, ctx)


@click.command()
@run_ids_argument
@json_option("a line for each run, a JSON object")
@click.option(
    "--wait",
    metavar="[SECONDS]",
    type=_Seconds(0),
    is_flag=False,
    flag_value=600.0,
    help="Wait until all runs have settled, for at most 600 seconds unless a number is given. Write --wait=SECONDS, or"
    " put --wait last.",
)
@connecting
@click.pass_obj
def status(settings: Settings, run_ids: tuple[str, ...], as_json: bool, wait: float | None) -> int:
    """Show the state of runs.

    A run has finished when it was cancelled, completed or failed. It has settled when it cannot continue by itself: it
    has finished, is paused, or waits for review. The exit code is 0 for every status. If one of several runs cannot be
    read, the others are shown, and the exit code is that of the first failure.

    Each object of --json has the keys run_id, status, message, started_at, finished_at (UTC), start_timestamp,
    finish_timestamp (nanoseconds), finished, settled, review_completed, batch_id, files_on_first_page, has_more, drift
    (places on the first page that differ from the contract, at most 100), drift_count, breaches (those of them that
    break the contract, at most 100), breach_count; and unset: which of status, message and finish_timestamp are null
    because the server left them out. Without a status, finished and settled are null.
    """
    from run_results.cli.show import show_status

    console = settings.console()
    until = time.monotonic() + (wait or 0)

    def show(run_id: str) -> None:
        with settings.progress(wanted=wait is not None) as update:
            if wait is None:
                page = client.page(run_id)
            else:
                update("waiting for the run to settle")
                page = client.wait(run_id, timeout=max(until - time.monotonic(), 0))
        if as_json:
            print_json(_facts(page))
            return
        if run_id != run_ids[0]:
            console.print()
        show_status(console, page)

    with settings.client() as client:
        return each_run(run_ids, show)


def _facts(page: Page) -> dict[str, object]:
    run = page.run
    facts: dict[str, object] = {
        "run_id": page.run_id,
        "status": UNSET if page.status is UNSET else str(page.status),
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
        "drift": [str(place) for place in page.drift[:100]],
        "drift_count": len(page.drift),
        "breaches": [str(place) for place in page.breaches[:100]],
        "breach_count": len(page.breaches),
    }
    unset = [key for key in ("status", "message", "finish_timestamp") if facts[key] is UNSET]
    return {key: None if value is UNSET else value for key, value in facts.items()} | {"unset": unset}

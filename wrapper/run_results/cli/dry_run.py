"""`run-results export --dry-run`: what an export would write, what is there, and whether it could be resumed."""

from collections.abc import Mapping

import click
from attrs import evolve

from run_results import UNSET, Client, Page, RunResultsError
from run_results.cli.each_run import each_run
from run_results.cli.messages import describe
from run_results.cli.types import print_json
from run_results.errors import ExportError
from run_results.export.options import ExportOptions
from run_results.export.preview import Preview, preview_export
from run_results.text import count, printable, word

_ACTIONS = {
    "begin": "begins with the first file",
    "continue": "continues the export that is there, at file {start:,}",
    "replace": "makes the export that is there again; it stays until the new one is whole",
    "nothing": "has nothing to do: the export is complete",
}


def show_previews(
    client: Client, places: Mapping[str, str], options: ExportOptions, must_not_change: bool, *, as_json: bool
) -> int:
    """Print what an export of each run would do; returns the exit code, that of the first one that would be refused."""

    def preview(run_id: str, options: ExportOptions) -> Preview:
        def fetch(offset: int) -> Page:
            return client.page(run_id, offset, include=options.include)

        return preview_export(fetch, run_id, places[run_id], options, must_not_change=must_not_change)

    def resumed(run_id: str, refusal: RunResultsError) -> str | None:
        """Whether --resume, which was not given, would be accepted; None where the refusal is about something else."""
        try:
            return f"would be accepted: it {_action(preview(run_id, evolve(options, resume=True)))}"
        except RunResultsError as error:
            error.resume_offset = None
            return None if error.message == refusal.message else f"would be refused, too: {describe(error)}"

    def show(run_id: str) -> None:
        try:
            found = preview(run_id, options)
        except RunResultsError as error:
            error.run_id, error.resume_offset = error.run_id or run_id, None
            can_differ = type(error) is ExportError and not (options.resume or options.overwrite)
            resume = resumed(run_id, error) if can_differ else None
            if as_json:
                text = describe(error)
                print_json({"run_id": run_id, "path": places[run_id], "error": text, "resume": resume})
            elif resume is not None:
                click.echo(printable(f"{run_id}: --resume {resume}"))
            raise
        if as_json:
            print_json(_facts(found))
        else:
            _print(found)

    return each_run(list(places), show)


def _action(found: Preview) -> str:
    return _ACTIONS[found.action].format(start=found.start)


def _print(found: Preview) -> None:
    page = found.page
    status = "no status" if page.status is UNSET else word(page.status)
    behind = f" from file {found.start:,} on" if found.start else ""
    files = f"{'at least ' if page.has_more else ''}{count(len(page.files), 'file')}{behind}"
    unfinished = "; it is not finished, and may get more" if page.is_finished is False else ""
    lines = [
        f"{found.run_id}: the export {_action(found)}. Nothing is written by --dry-run",
        f"  writes  {', '.join(found.outputs)} ({found.format})",
        f"  run     {status}, {files}{unfinished}",
    ]
    for line in lines:
        click.echo(printable(line))


def _facts(found: Preview) -> dict[str, object]:
    page = found.page
    return {
        "run_id": found.run_id,
        "path": str(found.path),
        "format": found.format,
        "outputs": list(found.outputs),
        "action": found.action,
        "start": found.start,
        "run_status": None if page.status is UNSET else str(page.status),
        "files_on_page": len(page.files),
        "has_more": page.has_more,
        "error": None,
    }

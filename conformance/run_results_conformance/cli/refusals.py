"""Reports of verifications that never began, so that a build sees them, and no older report stays in their place."""

import sys

import click

from .actions import annotate
from .reports import ReportFiles, write_reports


def write_refusal(group: click.Group, arguments: list[str], why: str) -> None:
    """Writes the reports that the arguments of `check` and `fuzz` name, with the reason why nothing was judged."""
    from run_results_conformance.verifier.report import Report

    at = next((number for number, word in enumerate(arguments) if word in group.commands), None)
    if at is None:
        return
    command = group.commands[arguments[at]]
    if not any(option.name == "sarif" for option in command.params):
        return
    # Whatever is wrong in the arguments is passed over.
    context = command.make_context(
        arguments[at],
        arguments[at + 1 :],
        resilient_parsing=True,
        ignore_unknown_options=True,
        allow_extra_args=True,
    )
    url = str(context.params.get("url") or "")
    shown = "" if "@" in url else url  # it might have a password
    report = Report(shown, (), (), (" ".join(why.split()),), (), 0, 0.0, int(context.params.get("seed") or 0))
    annotate(report, sys.stderr)
    write_reports(report, ReportFiles.of(context.params))

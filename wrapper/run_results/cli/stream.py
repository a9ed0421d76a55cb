"""`run-results export -o -`: one table of one run on standard output, page by page."""

import sys
from collections.abc import Callable
from contextlib import closing

from run_results import Client
from run_results.cli.messages import (
    warn,
    warn_of_breaches,
    warn_of_cut,
    warn_of_further,
    warn_of_guarded,
    warn_of_unfinished,
    warn_of_unread,
)
from run_results.cli.pace import Pace
from run_results.counts import Counts
from run_results.errors import ConfigurationError
from run_results.export.options import ExportOptions
from run_results.tables.collect import Collector
from run_results.tables.options import Csv
from run_results.tables.writers import open_writer

STREAMED = ("csv", "jsonl")
"""The formats that can be read while they are written."""


def check_streamed(options: ExportOptions) -> None:
    """Raises `ConfigurationError` where these options need files on disk."""
    others = {
        "several tables; choose one with --tables": len(options.tables or ()) > 1,
        "the wide view without --names and --class; give both, or name a file": options.wide is not None
        and not (options.names and options.wide.class_name),
        "one file for each table; name a folder": options.single_file,
        "an export to continue or replace; name its folder or file": options.resume or options.overwrite,
    }
    if options.format not in STREAMED:
        raise ConfigurationError(
            "standard output takes --format csv or jsonl; the others are files that are read whole"
        )
    if options.format == "jsonl" and options.csv != Csv(options.guard):
        raise ConfigurationError("a dialect and a separator are for CSV, and not for jsonl")
    for what, is_wanted in others.items():
        if is_wanted:
            raise ConfigurationError(f"standard output does not take {what}")


def write_stream(client: Client, run_id: str, options: ExportOptions, update: Callable[[str], None]) -> None:
    """Write the rows of a run to standard output; `update` shows the progress."""
    what = options.tables[0] if options.tables else "fields"
    collector = Collector(what, options.names, options.wide, options.typed)
    counts = Counts(threshold=None)
    pace = Pace("file")
    output = sys.stdout.buffer
    writer = open_writer(output, collector.stream(), options.format or "csv", options.csv)
    try:
        with closing(client.pages(run_id, include=options.include)) as pages:
            for page in pages:
                writer.write(collector.batch(page))
                output.flush()
                counts.add(page)
                update(pace.line(counts.files, is_all=not page.has_more))
        writer.close()
        output.flush()
    except BaseException:
        writer.abandon()
        raise
    warn_of_unfinished(run_id, counts.unfinished, is_missing=counts.is_status_missing)
    if collector.guesses is not None:
        warn(f"{run_id}: {collector.guesses}")
    warn_of_further(run_id, collector.further, ())
    warn_of_guarded(run_id, writer.guarded)
    warn_of_cut(run_id, writer.cut)
    warn_of_unread(run_id, collector.unread)
    warn_of_breaches(run_id, counts.breaches, counts.first_breach, " what did not fit is null;")

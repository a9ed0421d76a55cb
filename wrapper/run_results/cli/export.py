"""`run-results export`: runs as tables on disk, several at once, in a way that can be interrupted and gone on with."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

import click
from attrs import define, field

from run_results import Client, Include, RunResultsError
from run_results.arguments import check_run_id
from run_results.cli.app import (
    _ascii_with_names_option,
    _client,
    _complain,
    _connecting,
    _is_watched,
    _names_option,
    _on_change_option,
    _read_names,
    _warn,
)
from run_results.cli.exits import Exit, describe, exit_code
from run_results.errors import ConfigurationError, ExportError, ExportMismatch, RunChanged
from run_results.files import safe_name
from run_results.tables.clients import need_arrow
from run_results.tables.options import Typed, Wide
from run_results.tables.schema import TABLES, check_what
from run_results.text import printable

if TYPE_CHECKING:
    from run_results.export import Exported


@click.command()
@click.argument("run_ids", metavar="RUN_ID...", nargs=-1)
@click.option(
    "-o",
    "--output",
    metavar="DIR|FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="A folder, or one file for one table: its suffix (.parquet, .csv, .jsonl, .arrow) tells them apart.",
)
@click.option(
    "--runs-file",
    metavar="FILE",
    type=click.File("r", encoding="utf-8-sig"),
    help="Read more run ids from a file, one a line (- is standard input). Each run then gets a folder of its own.",
)
@click.option("--jobs", metavar="N", type=click.IntRange(1, 64), default=2, show_default=True, help="Runs at once.")
@click.option("--resume", is_flag=True, help="Go on with what is there; where nothing is, begin.")
@click.option(
    "--format",
    type=click.Choice(["parquet", "csv", "jsonl", "arrow"]),
    help="The files' format; else by the suffix, else parquet.",
)
@click.option(
    "--tables",
    metavar="LIST",
    help=f"Which tables, with commas between: {', '.join(TABLES)}; else all, and fields for one file.",
)
@click.option("--single-file", is_flag=True, help="One file for each table, made of its parts at the end.")
@click.option("--wide", is_flag=True, help="A table for each document class, with a column for each field.")
@click.option("--class", "class_name", metavar="NAME", help="With --wide: this class only.")
@click.option(
    "--doubled",
    type=click.Choice(["error", "first", "last", "list"]),
    default="error",
    show_default=True,
    help="With --wide: what to do with a field that a document has twice.",
)
@click.option("--scores", is_flag=True, help="With --wide: the confidences of each field beside it.")
@_names_option("they are guessed")
@_ascii_with_names_option
@click.option(
    "--typed",
    is_flag=True,
    help="Read numbers, dates and amounts into columns of their own, where sure.",
)
@click.option(
    "--decimal", type=click.Choice(["point", "comma"]), help="How the project writes decimals; means --typed."
)
@click.option("--dates", type=click.Choice(["mdy", "dmy"]), help="Its order in dates; means --typed.")
@click.option(
    "--include",
    default="all",
    show_default=True,
    metavar="WHAT",
    help="What to ask for beyond the values: review, confidence, validation, source, all or none.",
)
@click.option("--no-guard", is_flag=True, help="Leave cells of CSV as they are that a spreadsheet takes for formulas.")
@click.option(
    "--rows-per-part",
    metavar="N",
    type=click.IntRange(1),
    default=60_000,
    show_default=True,
    help="After how many rows a part is written.",
)
@_on_change_option
@_connecting
@click.pass_context
def export(
    context: click.Context,
    run_ids: tuple[str, ...],
    output: Path,
    runs_file: Any,
    jobs: int,
    resume: bool,
    format: str | None,
    tables: str | None,
    single_file: bool,
    wide: bool,
    class_name: str | None,
    doubled: Literal["error", "first", "last", "list"],
    scores: bool,
    names: Path | None,
    ascii: bool,
    typed: bool,
    decimal: Literal["point", "comma"] | None,
    dates: Literal["mdy", "dmy"] | None,
    include: str,
    no_guard: bool,
    rows_per_part: int,
    on_change: Literal["raise", "warn"],
) -> None:
    """Write runs to disk as tables, of any size.

    A run is a folder of parts for each table, in DIR:

    \b
      fields/part-0000000000-0000001000.parquet    the files 0 to 999
      fields/part-0000001000-0000002000.parquet
      documents/..., files/..., case_fields/...
      _SUCCESS                                     written last

    Killed at any moment, an export goes on with --resume. Several runs, and those of --runs-file, each have a folder of
    their own in DIR. Files in DIR that are not ours stay. When a run fails, the others go on, and the exit code is that
    of the first failure.
    """
    need_arrow()
    several = runs_file is not None or len(run_ids) > 1
    wanted = list(dict.fromkeys(map(check_run_id, [*run_ids, *_lines(runs_file)])))
    if not wanted:
        raise click.UsageError("give run ids as arguments, or one a line with --runs-file", context)
    if str(output) == "-":
        raise click.UsageError("an export is files on disk: -o names a folder or a file, not standard output", context)
    if not wide and (class_name is not None or doubled != "error" or scores):
        raise click.UsageError("--class, --doubled and --scores go with --wide", context)
    sign: Literal[".", ","] | None = {"point": ".", "comma": ","}.get(decimal or "")  # type: ignore[assignment]
    choices: dict[str, Any] = {
        "format": format,
        "tables": [check_what(word) for word in tables.replace(",", " ").split()] if tables else None,
        "names": None if names is None else _read_names(names, ascii=ascii),
        "wide": Wide(class_name, doubled=doubled, confidence=scores) if wide else False,
        "typed": Typed(sign, dates) if typed or decimal or dates else False,
        "include": Include.parse(include),
        "resume": resume,
        "single_file": single_file,
        "guard": not no_guard,
        "rows_per_part": rows_per_part,
    }
    places = {run_id: output / safe_name(run_id) if several else output for run_id in wanted}
    if several and output.suffix.lower().removeprefix(".") in ("parquet", "csv", "jsonl", "arrow"):
        raise ConfigurationError(f"several runs need a folder, and {str(output)!r} is to be one file")
    from run_results.cli.show import progress

    work = _Work(places, choices)
    show = _is_watched() and not context.obj.get("verbose")
    with _client(context.obj, on_change=on_change) as client:
        try:
            with progress(wanted=show) as tell:
                work.run(client, jobs, tell)
        except KeyboardInterrupt:
            if sys.stderr.isatty():
                click.echo(err=True)
            work.report()
            _complain("interrupted. What is written stays; go on with --resume")
            context.exit(Exit.INTERRUPTED)
    context.exit(work.report())


def _lines(file: Any) -> Iterator[str]:
    if file is None:
        return
    try:
        for line in file:
            if (text := line.strip("\ufeff \t\r\n")) and not text.startswith("#"):
                yield text
    except UnicodeDecodeError:
        raise ConfigurationError("the file of --runs-file is not UTF-8") from None


@define
class _Work:
    """Runs to export, and what became of each."""

    places: dict[str, Path]
    choices: dict[str, Any]
    so_far: "dict[str, Exported]" = field(factory=dict)
    done: set[str] = field(factory=set)
    failures: dict[str, Exception] = field(factory=dict)
    stopping: threading.Event = field(factory=threading.Event)
    began: float = field(factory=time.monotonic)

    def run(self, client: Client, jobs: int, tell: Callable[[str], None]) -> None:
        """Export all, that many at once, and tell how it goes."""
        waiting: SimpleQueue[str] = SimpleQueue()
        for run_id in self.places:
            waiting.put(run_id)
        # Daemons: an export that is waiting for a server may die with the process, which is what it is made for.
        threads = [
            threading.Thread(target=self._export_all, args=(client, waiting), daemon=True)
            for _ in range(min(jobs, len(self.places)))
        ]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                tell(self.line())
                for thread in threads:
                    thread.join(0.1)
        except KeyboardInterrupt:
            self.stopping.set()
            end = time.monotonic() + 2
            for thread in threads:
                thread.join(max(0.0, end - time.monotonic()))
            raise

    def _export_all(self, client: Client, waiting: "SimpleQueue[str]") -> None:
        with suppress(Empty):
            while not self.stopping.is_set():
                run_id = waiting.get_nowait()
                try:
                    made = client.export(run_id, self.places[run_id], progress=self._note, **self.choices)
                    self.so_far[run_id] = made
                    self.done.add(run_id)
                except _Stop:
                    return
                except Exception as error:  # noqa: BLE001 - told, or raised, when all are done
                    self.failures[run_id] = error

    def _note(self, exported: "Exported") -> None:
        self.so_far[exported.run_id] = exported
        if self.stopping.is_set():
            raise _Stop

    def line(self) -> str:
        """How far it is, in one line."""
        seen = list(self.so_far.values())
        if not seen:
            return "asking"
        fields, failed = sum(each.fields for each in seen), sum(each.failed for each in seen)
        rate = fields / max(time.monotonic() - self.began, 0.001)
        runs = f"{len(self.done):,} of {len(self.places):,} runs, " if len(self.places) > 1 else ""
        files = sum(each.files for each in seen)
        return f"{runs}{files:,} files, {fields:,} fields, {rate:,.0f} fields/s, {failed:,} failed"

    def report(self) -> int:
        """Say what became of each run; returns the exit code."""
        for run_id in self.places:
            if run_id in self.done:
                self._praise(self.so_far[run_id])
        if len(self.places) > 1:
            failures = f"; {len(self.failures):,} not exported" if self.failures else ""
            click.echo(self.line() + failures)
        code = int(Exit.OK)
        for run_id, error in self.failures.items():
            if not isinstance(error, RunResultsError):
                raise error
            code = code or exit_code(error)
            error.run_id = error.run_id or run_id
            error.resume_offset = None  # whatever has come is written, and --resume finds it
            went = self.so_far.get(run_id)
            hint = "" if isinstance(error, ExportError) or not went else ". What came is written; go on with --resume"
            if hint and isinstance(error, RunChanged):  # the parts are of the run as it was
                hint += " --on-change warn, or export it anew into another place"
            parts = self.places[run_id].with_name(f"{self.places[run_id].name}.parts")
            if isinstance(error, ExportMismatch | RunChanged) and parts.is_dir():
                hint += f". To begin anew, {str(parts)!r} may be deleted"
            _complain(describe(error).rstrip(".") + printable(hint))
        return code

    def _praise(self, made: "Exported") -> None:
        before = f" ({made.start:,} of them before)" if made.start else ""
        fields = f"{made.fields:,} fields, {made.failed:,} failed"
        where = self.places[made.run_id]
        text = f"{made.run_id}: {made.files:,} files{before}, {made.documents:,} documents, {fields} -> {where}"
        click.echo(printable(text))
        if made.unfinished:
            text = f"the run is not finished ({made.unfinished}): it may get more files than these"
            _warn(f"{made.run_id}: {text}; export it anew when it is")
        if made.unmet_class is not None:
            _warn(f"{made.run_id}: no document has the class {made.unmet_class!r}: the table is empty")
        if made.guarded:
            text = f"cells that could be formulas got an apostrophe: {made.guarded:,}; the column guarded says which"
            _warn(f"{made.run_id}: {text}, --no-guard leaves them")
        if made.drift:
            _warn(
                f"{made.run_id}: the server left the contract in {made.drift:,} places, first {made.first_drift};"
                " what did not fit is null; -v shows each kind, --strict makes them errors"
            )


class _Stop(BaseException):
    """Ends an export at the end of a page; what came becomes a part."""

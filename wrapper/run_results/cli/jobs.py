"""Exports of several runs at the same time: threads, progress, and the summary at the end."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

import click
from attrs import asdict, define, evolve, field

from run_results import Client, Include, RunResultsError
from run_results.cli.exits import Exit, exit_code
from run_results.cli.interrupts import Interrupts
from run_results.cli.messages import (
    complain,
    describe,
    warn,
    warn_of_breaches,
    warn_of_cut,
    warn_of_further,
    warn_of_guarded,
    warn_of_unfinished,
    warn_of_unread,
)
from run_results.cli.pace import SO_FAR
from run_results.cli.rows import MARKS, marked
from run_results.cli.types import print_json
from run_results.errors import ClientClosedError, ExportError, RunChanged, without_traceback
from run_results.export.options import ExportOptions
from run_results.export.result import Exported
from run_results.text import count, printable, quote


class _Stop(BaseException):
    """Ends an export after a page; the rows so far become a part."""


_MARKS = ("failed", "invalid", "edited")
"""The marks that an export counts."""
_PATIENCE = 10.0
"""Seconds that an interrupted export has to write the pages that have come."""


@define
class Jobs:
    """Runs to export, and the result of each."""

    places: dict[str, str]
    """Where each run goes; a slash ends a folder."""
    options: ExportOptions
    so_far: dict[str, Exported] = field(factory=dict)
    before: dict[str, int] = field(factory=dict)
    """The fields of each run that came with its first page or before: no work that was seen."""
    done: set[str] = field(factory=set)
    failures: dict[str, Exception] = field(factory=dict)
    stopping: threading.Event = field(factory=threading.Event)
    ended: threading.Event = field(factory=threading.Event)
    """Set when no export is at work any more."""
    began: float = field(factory=time.monotonic)

    def run(self, client: Client, count: int, update: Callable[[str], None], interrupts: Interrupts) -> None:
        """Export all runs, `count` at the same time, and show the progress with `update`.

        Once there is an interrupt, this stops after the pages that have come, or after some seconds.
        """
        waiting: SimpleQueue[str] = SimpleQueue()
        for run_id in self.places:
            waiting.put(run_id)
        left = list(range(min(count, len(self.places))))
        lock = threading.Lock()

        def work() -> None:
            try:
                self._export_all(client, waiting)
            finally:
                with lock:
                    left.pop()
                    if not left:
                        self.ended.set()

        try:
            # Daemons: an export that waits before its next attempt may end with the process; it can be resumed.
            for _ in tuple(left):
                threading.Thread(target=work, daemon=True).start()
            while not self.ended.wait(0.1) and not interrupts:
                update(self.line())
        finally:
            if self.is_running:
                self.stopping.set()
                client.close()  # ends what waits for the server; the pages so far are written
                self.ended.wait(_PATIENCE)

    @property
    def is_interrupted(self) -> bool:
        """Whether the exports were stopped before they had ended."""
        return self.stopping.is_set()

    @property
    def is_running(self) -> bool:
        """Whether an export is still at work."""
        return not self.ended.is_set()

    def _export_all(self, client: Client, waiting: "SimpleQueue[str]") -> None:
        options = evolve(self.options, progress=self._note)
        with suppress(Empty):
            while not self.stopping.is_set():
                run_id = waiting.get_nowait()
                try:
                    made = client.export(run_id, self.places[run_id], options=options)
                    self.before.setdefault(run_id, made.fields if made.start else 0)
                    self.so_far[run_id] = made
                    self.done.add(run_id)
                except _Stop:
                    return
                except Exception as error:  # noqa: BLE001 - reported, or raised, when all are done
                    if not (self.stopping.is_set() and isinstance(error, ClientClosedError)):
                        # One that is a bug keeps its traceback.
                        kept = without_traceback(error) if isinstance(error, RunResultsError) else error
                        self.failures[run_id] = kept

    def _note(self, exported: Exported) -> None:
        if exported.start:
            self.before.setdefault(exported.run_id, exported.fields)
        self.so_far[exported.run_id] = exported
        if self.stopping.is_set():
            raise _Stop

    def line(self, *, is_all: bool = False) -> str:
        """What is exported so far, or in all, in one line."""
        seen = list(self.so_far.values())
        if not seen:
            return "waiting for the server"
        fields, failed = sum(each.fields for each in seen), sum(each.failed for each in seen)
        rate = (fields - sum(self.before.values())) / max(time.monotonic() - self.began, 0.001)
        runs = f"{len(self.done):,} of {len(self.places):,} runs, " if len(self.places) > 1 else ""
        files, counted = (
            count(sum(each.files for each in seen), "file"),
            f"{count(fields, 'field')} ({failed:,} failed)",
        )
        if is_all:
            return f"{runs}{files}, {counted}, {rate:,.0f} fields/s"
        return f"{runs}{files} {SO_FAR}, {rate:,.0f} fields/s, {counted}"  # a narrow terminal cuts the end

    def report(self, *, as_json: bool = False) -> int:
        """Print the result of each run; returns the exit code, which is that of the first failure."""
        for run_id, place in self.places.items():
            if run_id in self.done and as_json:
                print_json(asdict(self.so_far[run_id]) | {"error": None})
                _warn(self.so_far[run_id])
            elif run_id in self.done:
                _print_result(self.so_far[run_id], place, self.options.include)
                _warn(self.so_far[run_id])
        if len(self.places) > 1 and not as_json:
            failures = f"; {len(self.failures):,} not exported" if self.failures else ""
            click.echo(self.line(is_all=True) + failures)
        code = int(Exit.OK)
        for run_id, error in self.failures.items():
            if not isinstance(error, RunResultsError):
                raise error
            code = code or exit_code(error)
            error.run_id = error.run_id or run_id
            error.resume_offset = None  # --resume finds the written parts itself
            text = describe(error).rstrip(".") + printable(self._next_step(run_id, error))
            complain(text)
            if as_json:
                print_json({"run_id": run_id, "path": self.places[run_id], "error": text})
        return code

    def _next_step(self, run_id: str, error: RunResultsError) -> str:
        """What can be done about a failure, beyond what the error says itself."""
        step = ""
        if run_id in self.so_far and not isinstance(error, ExportError):
            step = ". Everything before is written; continue with --resume"
            if isinstance(error, RunChanged):  # the parts are of the run as it was
                step += " --on-change warn, or export the run anew with --overwrite"
        return step


def _print_result(made: Exported, place: str, include: Include) -> None:
    before = f" ({made.start:,} of them before)" if made.start else ""
    parts = [count(made.files, "file") + before, count(made.documents, "document"), count(made.fields, "field")]
    marks = f" ({marked(made, (mark for mark in _MARKS if MARKS[mark] in include))})"
    cases = f", {count(made.case_fields, 'cross-class field')}" if made.case_fields else ""
    click.echo(printable(f"{made.run_id}: {', '.join(parts)}{marks}{cases} -> {Path(place)}"))


def _warn(made: Exported) -> None:
    warn_of_unfinished(made.run_id, made.unfinished, is_missing=made.is_status_missing)
    if made.unmet_class is not None:
        names = [quote(name) if name is not None else "none (unclassified)" for name in made.classes]
        there = f"; the documents have {', '.join(names)}" if names else ""
        warn(f"{made.run_id}: no document has the class {made.unmet_class!r}: the table is empty{there}")
    if made.guesses is not None:
        warn(f"{made.run_id}: {made.guesses}")
    warn_of_further(made.run_id, made.further, made.guessed_names)
    warn_of_guarded(made.run_id, made.guarded)
    warn_of_cut(made.run_id, made.cut)
    warn_of_unread(made.run_id, made.unread)
    warn_of_breaches(made.run_id, made.breaches, made.first_breach, " what did not fit is null;")

"""The walk of `fetch`: pages in, rows out, and the notes on each run when all of it has come."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from attrs import define, field

from run_results import Client, Include, Page
from run_results.cli.field_output import ColumnsOutput, FieldOutput, TableOutput
from run_results.cli.messages import resume, warn, warn_of_breaches, warn_of_start, warn_of_unfinished
from run_results.cli.pace import Pace
from run_results.cli.row_filter import RowFilter
from run_results.counts import Counts
from run_results.files import file_errors
from run_results.names.guesses import Guesses
from run_results.text import count

_LOG = logging.getLogger("run_results.cli")


class FetchInterrupted(Exception):
    """Raised when a fetch was interrupted; `state` says how far it was, and how to resume."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


@define
class FieldWalk:
    """Writes the fields of one run after the other."""

    client: Client
    output: FieldOutput
    wanted: RowFilter
    include: Include
    start: int
    path: Path | None
    """The file that is written; None for standard output."""
    several: bool
    """Whether there are several runs, so that notes say of which."""
    update: Callable[[str], None]
    """Shows the progress."""
    pace: Pace = field(factory=lambda: Pace("file"))
    files: int = 0
    """Of all runs so far, as the next one."""
    rows: int = 0

    def fetch(self, run_id: str) -> None:
        """Write the fields of a run. Raises `FetchInterrupted`, and what a walk raises."""
        counts, guesses = Counts(self.wanted.threshold), Guesses(self.wanted.names)
        self.wanted.begin()
        offset = self.start
        try:
            self.output.begin(run_id, counts)
            for page in self.client.pages(run_id, start=self.start, include=self.include):
                counts.add(page)
                guesses.add_page(page)
                self._write(page)
                offset = page.offset + len(page.files)
            with self._writing():
                self.output.end()
        except KeyboardInterrupt:
            where = f" at run {run_id!r}" if self.several else ""
            if self.path is None:
                raise FetchInterrupted(where + resume(offset, is_one_of_several=self.several)) from None
            raise FetchInterrupted(f"{where}. {str(self.path)!r} is not written") from None
        self._note(run_id, counts, guesses)

    def close(self) -> None:
        """Write what ends the output."""
        with self._writing():
            self.output.close()

    def _write(self, page: Page) -> None:
        more = "more follow" if page.has_more else "the last"
        _LOG.info("offset %d: %s, %s", page.offset, count(len(page.files), "file"), more)
        with self._writing():
            self.rows += self.output.add(page)
        self.files += len(page.files)
        is_all = not (page.has_more or self.several)
        self.update(self.pace.line(self.files, count(self.rows, "row"), is_all=is_all))

    def _writing(self) -> AbstractContextManager[None]:
        """Where the file cannot be written, an error of the family; standard output has the errors of Python."""
        return nullcontext() if self.path is None else file_errors("write", self.path)

    def _note(self, run_id: str, counts: Counts, guesses: Guesses) -> None:
        if guessed := guesses.describe():
            warn(f"{run_id}: {guessed}" if self.several else guessed)
        if not isinstance(self.output, TableOutput):  # the table says so itself
            effect = " what did not fit is null;" if isinstance(self.output, ColumnsOutput) else ""
            warn_of_breaches(run_id, counts.breaches, counts.first_breach, effect)
        warn_of_start(run_id, self.start, counts.files)
        warn_of_unfinished(run_id, counts.unfinished, is_missing=counts.is_status_missing)
        if counts.files:
            for text in self.wanted.misses():
                warn(f"{run_id}: {text}")

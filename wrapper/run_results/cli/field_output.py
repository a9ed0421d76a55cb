"""The forms in which `fetch` gives fields: lines of JSON, a table for people, and the table `fields` as CSV or Parquet.

CSV and Parquet have the columns that an export has, and a row for each field of a document: what has no such row, as a
cross-class field, is counted in a note.
"""

import io
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, get_args

import msgspec

from run_results import Include, Page
from run_results.cli.messages import warn, warn_of_guarded
from run_results.cli.row_filter import RowFilter
from run_results.cli.rows import record, rows
from run_results.cli.settings import Settings
from run_results.counts import Counts
from run_results.fields import case_fields
from run_results.tables.installed import need_arrow
from run_results.text import count, printable_json

if TYPE_CHECKING:
    from pyarrow import RecordBatch

Form = Literal["table", "csv", "jsonl", "parquet"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)

_ENCODER = msgspec.json.Encoder()


class FieldOutput(ABC):
    """One form of output. The fields of several runs follow each other."""

    def begin(self, run_id: str, counts: Counts) -> None:
        """Begin a run; whoever walks keeps the counts."""
        self.run_id, self.counts = run_id, counts

    @abstractmethod
    def add(self, page: Page) -> int:
        """Write the rows of a page that are wanted; returns how many."""

    def end(self) -> None:  # noqa: B027 - not every form has something between runs
        """End a run whose pages have all come."""

    def close(self) -> None:  # noqa: B027
        """Write what ends the output. The file stays open."""

    def abandon(self) -> None:  # noqa: B027
        """Let go of a file that is not going to be whole. Raises nothing."""


class LinesOutput(FieldOutput):
    """A line of JSON for each row; `rows` has the keys."""

    def __init__(self, file: BinaryIO, wanted: RowFilter) -> None:
        self._file, self._wanted = file, wanted

    def add(self, page: Page) -> int:
        """Write a line for each row."""
        # One write and a flush for each page: a reader sees it at once, and an error leaves whole pages behind.
        records = [record(row, page.run_id, self._wanted.names, page.include) for row in self._wanted.select(page)]
        self._file.write(printable_json(_ENCODER.encode_lines(records)))
        self._file.flush()
        return len(records)


class TableOutput(FieldOutput):
    """A table for people, with the counts of each run below it; on standard output, where there is no file."""

    def __init__(
        self, settings: Settings, file: BinaryIO | None, wanted: RowFilter, include: Include, *, several: bool
    ) -> None:
        self._text = None if file is None else io.TextIOWrapper(file, "utf-8", write_through=True)
        self._console = settings.console(self._text)
        self._wanted, self._include, self._several = wanted, include, several
        self._is_first = True

    def begin(self, run_id: str, counts: Counts) -> None:
        """Draw which run it is, where there are several."""
        super().begin(run_id, counts)
        from run_results.cli.show import FieldTable, run_heading

        if self._several:
            self._console.print(run_heading(run_id, is_first=self._is_first), soft_wrap=True)
        self._is_first = False
        self._table = FieldTable(self._console, self._wanted, self._include)

    def add(self, page: Page) -> int:
        """Draw the fields of a page."""
        return self._table.page(page)

    def end(self) -> None:
        """Draw the counts."""
        self._table.summary(self.counts)

    def close(self) -> None:
        """Leave the file to whoever opened it."""
        if self._text is not None:
            self._text.detach()

    def abandon(self) -> None:
        """See `close`."""
        self.close()


class ColumnsOutput(FieldOutput):
    """The table `fields`, as CSV or Parquet. Raises `ConfigurationError` where pyarrow is missing."""

    def __init__(self, file: BinaryIO, wanted: RowFilter, form: Literal["csv", "parquet"]) -> None:
        need_arrow()
        from run_results.tables.collect import Collector
        from run_results.tables.writers import open_writer

        self._file, self._wanted, self._form = file, wanted, form
        self._collector = Collector("fields", wanted.names)
        self._writer = open_writer(file, self._collector.stream(), form)

    def begin(self, run_id: str, counts: Counts) -> None:
        """Begin to count what is changed in the table, and what it lacks."""
        super().begin(run_id, counts)
        self._guarded, self._cases = self._writer.guarded, 0

    def add(self, page: Page) -> int:
        """Write a row for each field."""
        import pyarrow as pa

        batch = self._collector.batch(page)
        if not self._wanted:
            self._cases += len(case_fields(page.run)) if page.offset == 0 else 0
            return self._write(batch)
        kept: list[bool] = []  # for each row of the batch
        for row in rows(page):
            is_kept = row.field_index is not None and self._wanted.keeps(row)
            if row.file_index is None:
                self._cases += is_kept
            elif row.field_index is not None:
                kept.append(is_kept)
        return self._write(batch.filter(pa.array(kept, pa.bool_())))

    def _write(self, batch: "RecordBatch") -> int:
        self._writer.write(batch)
        if self._form == "csv":
            self._file.flush()
        return len(batch)

    def end(self) -> None:
        """Say what was changed in the table, and what it lacks."""
        warn_of_guarded(self.run_id, self._writer.guarded - self._guarded, "run-results export --no-guard")
        if self._cases:
            text = f"{count(self._cases, 'cross-class field')} of the packet have no row here"
            warn(f"{self.run_id}: {text}: JSON Lines have them, and the table case_fields of run-results export")

    def close(self) -> None:
        """Write the end of the table."""
        self._writer.close()

    def abandon(self) -> None:
        """Let go of the file."""
        self._writer.abandon()

"""Pages as one table in memory, or as a stream of batches."""

import json
from collections.abc import Iterable, Iterator

import pyarrow as pa
from attrs import asdict, define, field

from run_results.errors import ConfigurationError
from run_results.events import log
from run_results.names import NameMap
from run_results.page import Page
from run_results.tables.batches import Tabulator
from run_results.tables.options import Typed, Wide, as_names, as_typed, as_wide
from run_results.tables.schema import What, check_what
from run_results.tables.values import Unread
from run_results.tables.wide import Pivot, grouped, sources

_LOG = log()


@define
class Collector:
    """Collects pages and makes one table of them. Takes what `client.table` takes.

    Raises `ConfigurationError` for a table that there is not, and for a wide view without a class.
    """

    what: What = field(converter=check_what)
    names: NameMap = field(default=None, converter=as_names)
    wide: Wide | None = field(default=None, converter=as_wide)
    typed: Typed | None = field(default=None, converter=as_typed)
    unread: Unread = field(factory=Unread, init=False)
    """How many typed values of the pages so far could not be read."""
    _run_id: str = field(default="", init=False)
    _tabulators: list[Tabulator] = field(init=False)
    _pivot: Pivot | None = field(default=None, init=False)
    _batches: list[list[pa.RecordBatch]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        tables: tuple[What, ...] = (self.what,)
        if self.wide is not None:
            if self.wide.class_name is None:
                raise ConfigurationError("a wide table is of one document class: say which")
            if self.what != "fields":
                raise ConfigurationError(f"the wide view is of documents and their fields, not of {self.what}")
            tables = ("documents", "fields")
            self._pivot = Pivot(self.wide, self.names, typed=self.typed is not None)
            if len(self.names):
                self._pivot.schema(self.wide.class_name)  # raises where there are too many names for columns
        self._tabulators = [Tabulator(what, self.names, self.typed) for what in tables]
        self._batches = [[] for _ in tables]

    def add(self, page: Page) -> None:
        """Take the next page."""
        for batch, batches in zip(self._of_page(page), self._batches, strict=True):
            batches.append(batch)

    def finish(self) -> pa.Table:
        """The table. Raises `FieldDoubled`, and `ContractError` where a wide one would have too many columns."""
        if self._pivot is None:
            return self._finished(pa.Table.from_batches(self._batches[0], self._tabulators[0].schema))
        pages = [[pa.Table.from_batches([batch]) for batch in batches] for batches in zip(*self._batches, strict=True)]
        for documents, fields in pages:
            self._pivot.survey(documents, fields)
        class_name = self._pivot.wide.class_name
        widened = [self._pivot.widen(class_name, *tables) for tables in grouped(pages)]
        return self._finished(pa.Table.from_batches(widened, self._pivot.schema(class_name)))

    def _finished(self, table: pa.Table) -> pa.Table:
        """The table; where typed values could not be read, its metadata says how many."""
        if not self.unread:
            return table
        self.warn()
        counts = json.dumps(asdict(self.unread)).encode()
        return table.replace_schema_metadata({**(table.schema.metadata or {}), b"run_results.unread": counts})

    def warn(self) -> None:
        """Log how many typed values could not be read, and what to do about it."""
        for text in self.unread.explain():
            _LOG.warning("run %s: %s", self._run_id, text)

    def _of_page(self, page: Page) -> list[pa.RecordBatch]:
        """The page's batch of each table that is needed; for the wide view without the columns that it does not use."""
        batches = [tabulator.batch(page) for tabulator in self._tabulators]
        self._run_id = page.run_id
        self.unread += self._tabulators[-1].unread
        if self._pivot is None:
            return batches
        return [
            batch.select(sources(tabulator.what, batch.schema))
            for batch, tabulator in zip(batches, self._tabulators, strict=True)
        ]

    @property
    def guesses(self) -> str | None:
        """What `Guesses.describe` says about the fields so far; None for the wide view, which has no guesses."""
        return self._tabulators[-1].guesses.describe() if self._pivot is None else None

    @property
    def further(self) -> int:
        """How many fields of the wide view have no column so far."""
        return 0 if self._pivot is None else self._pivot.further

    # One batch at a time ------------------------------------------------------------------------------------------

    def stream(self) -> pa.Schema:
        """The schema of the batches that `batch` makes. Raises `ConfigurationError` where only a table can be made."""
        if self._pivot is None:
            return self._tabulators[0].schema
        if not len(self.names):
            text = "the columns of the wide view are known only at the end of the run: give the project's names"
            raise ConfigurationError(f"{text}, or make a table")
        return self._pivot.schema(self._pivot.wide.class_name)

    def batch(self, page: Page) -> pa.RecordBatch:
        """The rows of one page."""
        batches = self._of_page(page)
        if self._pivot is None:
            return batches[0]
        documents, fields = (pa.Table.from_batches([batch]) for batch in batches)
        return self._pivot.widen(self._pivot.wide.class_name, documents, fields)

    def reader(self, pages: Iterable[Page]) -> pa.RecordBatchReader:
        """The batches of pages, each made when it is asked for."""
        return pa.RecordBatchReader.from_batches(self.stream(), self._stream(pages))

    def _stream(self, pages: Iterable[Page]) -> Iterator[pa.RecordBatch]:
        for page in pages:
            batch = self.batch(page)
            if len(batch):
                yield batch
        self.warn()

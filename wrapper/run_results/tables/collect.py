"""Pages as one table in memory, or as a stream of batches."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from attrs import define, field

from run_results.errors import ConfigurationError
from run_results.names import NameMap
from run_results.page import Page
from run_results.tables.batches import Tabulator
from run_results.tables.options import Typed, Wide, as_names, as_typed, as_wide
from run_results.tables.schema import What, check_what
from run_results.tables.wide import Pivot


@define
class Collector:
    """Collects pages and makes one table of them. Takes what `client.table` takes.

    Raises `ConfigurationError` for a table that there is not, and for a wide view without a class.
    """

    what: What = field(converter=check_what)
    names: NameMap = field(default=None, converter=as_names)
    wide: Wide | None = field(default=None, converter=as_wide)
    typed: Typed | None = field(default=None, converter=as_typed)
    _tabulators: list[Tabulator] = field(init=False)
    _batches: list[list[pa.RecordBatch]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        if self.wide is not None and self.wide.class_name is None:
            raise ConfigurationError("a wide table is of one document class: say which")
        if self.wide is not None and self.what != "fields":
            raise ConfigurationError(f"the wide view is of documents and their fields, not of {self.what}")
        tables: tuple[What, ...] = (self.what,) if self.wide is None else ("documents", "fields")
        self._tabulators = [Tabulator(what, self.names, self.typed) for what in tables]
        self._batches = [[] for _ in tables]

    @property
    def schema(self) -> pa.Schema:
        """The schema of the table, where it is not a wide one."""
        return self._tabulators[0].schema

    def add(self, page: Page) -> None:
        """Take the next page."""
        for batch, batches in zip(self.batches(page), self._batches, strict=True):
            batches.append(batch)

    def batches(self, page: Page) -> list[pa.RecordBatch]:
        """The page's batch of each table that is wanted."""
        return [tabulator.batch(page) for tabulator in self._tabulators]

    def finish(self) -> pa.Table:
        """The table. Raises `FieldDoubled`, and `ContractError` where a wide one would have too many columns."""
        tables = [
            pa.Table.from_batches(batches, tabulator.schema)
            for batches, tabulator in zip(self._batches, self._tabulators, strict=True)
        ]
        if self.wide is None:
            return tables[0]
        documents, fields = tables
        pivot = Pivot(self.wide, typed=self.typed is not None)
        pivot.survey(documents, fields)
        return pivot.widen(self.wide.class_name, documents, fields)

    def reader(self, pages: Iterable[Page]) -> pa.RecordBatchReader:
        """The batches of pages, each made when it is asked for."""
        return pa.RecordBatchReader.from_batches(self.schema, self._stream(pages))

    def _stream(self, pages: Iterable[Page]) -> Iterator[pa.RecordBatch]:
        for page in pages:
            (batch,) = self.batches(page)
            if len(batch):
                yield batch

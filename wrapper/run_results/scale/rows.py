"""Pages of many runs as Arrow batches of a size that engines like, and the rows of runs that are missing."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa

from run_results.page import Page
from run_results.scale.schemas import MISSING
from run_results.scale.source import Source
from run_results.tables.batches import Tabulator
from run_results.tables.schema import What

Rows = tuple[What, pa.RecordBatch]
"""Rows of one table."""
_LEAST_ROWS: Final = 10_000
"""A batch of fewer rows is joined with others: handing one over costs an engine as much as many rows."""


class Tables:
    """Makes the rows of some tables, page by page. One thread uses it."""

    def __init__(self, source: Source, tables: Sequence[What]) -> None:
        self._tabulators = [Tabulator(table, source.names, source.typed, metadata=False) for table in tables]
        self._schemas: dict[What, pa.Schema] = {table: source.schema(table) for table in tables}
        self._reports = source.on_missing == "report"

    def of_page(self, page: Page) -> Iterator[Rows]:
        """The rows of a page."""
        for tabulator in self._tabulators:
            batch = tabulator.batch(page)
            if self._reports:
                arrays = [*batch.columns, pa.nulls(len(batch), pa.string())]
                batch = pa.RecordBatch.from_arrays(arrays, schema=self._schemas[tabulator.what])
            if len(batch):
                yield tabulator.what, batch

    def of_missing(self, run_id: str, reason: str) -> Iterator[Rows]:
        """The row of a run that is missing, in each table."""
        for table, schema in self._schemas.items():
            yield table, pa.RecordBatch.from_pylist([{"run_id": run_id, MISSING: reason}], schema=schema)


def joined(rows: Iterable[Rows]) -> Iterator[Rows]:
    """The same rows in fewer batches."""
    waiting: dict[What, list[pa.RecordBatch]] = {}
    counts: dict[What, int] = {}
    for table, batch in rows:
        waiting.setdefault(table, []).append(batch)
        counts[table] = counts.get(table, 0) + len(batch)
        if counts[table] >= _LEAST_ROWS:
            counts[table] = 0
            yield table, _one(waiting.pop(table))
    for table, batches in waiting.items():
        yield table, _one(batches)


def _one(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)

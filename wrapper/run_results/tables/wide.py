"""The wide view: a table for each document class, made of the tables of documents and fields.

A column is a field, by its API name; `layout` says which columns there are. Without the project's names that is known
only when all fields have been seen, so there are two passes: `survey`, then `widen`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final

import attrs
import pyarrow as pa
from attrs import define

from run_results.errors import ContractError, FieldDoubled
from run_results.names import NameMap
from run_results.tables.arrow import pc
from run_results.tables.layout import MOST_FIELDS, PLACE, SCORES, Layout, WideField, lay_out, named_fields
from run_results.tables.options import Wide
from run_results.tables.schema import What
from run_results.tables.values import kind_of
from run_results.tables.writers import BYTES, ROWS

_SOURCES: Final[dict[What, tuple[str, ...]]] = {
    "documents": (*(column.name for column in PLACE), "field_count"),
    "fields": ("class_name", "api_name", "name", "type", "value", "number", "currency", "date", *SCORES),
}
"""The columns of documents and fields that the wide view is made of; those for typed values may be absent."""


def sources(what: What, schema: pa.Schema) -> list[str]:
    """The columns of a table that the wide view is made of."""
    return [name for name in schema.names if name in _SOURCES[what]]


def grouped(pages: Iterable[Sequence[pa.Table]]) -> Iterator[list[pa.Table]]:
    """The documents and fields of several pages or parts put together: a batch costs time for each of its columns."""
    group: list[Sequence[pa.Table]] = []
    rows = size = 0
    for documents, fields in pages:
        group.append((documents, fields))
        rows += len(fields)
        size += fields.nbytes
        if rows >= ROWS or size >= BYTES:
            yield [pa.concat_tables(tables) for tables in zip(*group, strict=True)]
            group, rows, size = [], 0, 0
    if group:
        yield [pa.concat_tables(tables) for tables in zip(*group, strict=True)]


@define
class Pivot:
    """Makes wide tables."""

    wide: Wide
    names: NameMap = attrs.field(factory=NameMap)
    """The project's names. Where there are any, they decide on the columns."""
    typed: bool = False
    """Whether the table of fields has columns for typed values."""
    rows: int = attrs.field(default=0, init=False)
    """How many documents of the classes that are wanted were seen."""
    further: int = attrs.field(default=0, init=False)
    """How many fields `widen` put into the column `further`."""
    _classes: dict[str | None, dict[str | None, WideField]] = attrs.field(factory=dict, init=False)
    _layouts: dict[str | None, Layout] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        # A class that is asked for, or that the names have, counts as there in any case.
        for class_name in self.names.classes if self.wide.class_name is None else [self.wide.class_name]:
            if _is_text(class_name):
                self._classes[class_name] = {}
        if len(self.names):  # names of too many fields are an error before anything is fetched
            for known in list(self._classes) or [None]:
                self._layout(known)

    def survey(self, documents: pa.Table, fields: pa.Table) -> None:
        """Note which classes and fields there are. Raises `ContractError` where the fields are too many for columns."""
        one = self.wide.class_name
        counts = pc.value_counts(documents["class_name"].combine_chunks())
        for class_name, count in zip(*(counts.field(at).to_pylist() for at in (0, 1)), strict=True):
            if one is None or class_name == one:
                self._classes.setdefault(class_name, {})
                self.rows += count
        if len(self.names):
            return
        what = ["class_name", "api_name", "name", "type"]
        seen = fields.select(what).group_by(what, use_threads=False).aggregate([])
        for row in seen.to_pylist():
            known = self._classes.get(row["class_name"])
            if known is None:
                continue
            field = known.setdefault(row["api_name"], WideField(row["name"]))
            if kind := kind_of(row["type"]):
                field.kinds.add(kind)
            if len(known) > MOST_FIELDS:
                raise ContractError(f"class {row['class_name']!r} has more than {MOST_FIELDS} fields: no wide table")

    @property
    def classes(self) -> list[str | None]:
        """The classes that there are tables for: those of the names, then others in the order they came.

        None stands for documents without a class.
        """
        return list(self._classes)

    def schema(self, class_name: str | None) -> pa.Schema:
        """The columns of a class's table: where a document stands, then its fields."""
        return self._layout(class_name).schema

    def widen(self, class_name: str | None, documents: pa.Table, fields: pa.Table) -> pa.RecordBatch:
        """The documents of a class, a row each; `fields` are all of theirs. Others are passed over.

        Raises `FieldDoubled`.
        """
        layout = self._layout(class_name)
        documents, fields = (_of_class(table, class_name) for table in (documents, fields))
        cells = _Cells(layout, documents, fields, self.wide.doubled)
        arrays: list[Any] = [_array(documents[column.name]) for column in PLACE]
        for (index, source), target in zip(layout.columns, layout.schema.types[len(PLACE) :], strict=False):
            arrays.append(cells.column(index, source, target))
        if layout.has_further:
            arrays.append(cells.further(layout.schema.types[-1]))
            self.further += cells.further_count
        return pa.RecordBatch.from_arrays(arrays, schema=layout.schema)

    def _layout(self, class_name: str | None) -> Layout:
        if class_name not in self._layouts:
            has_names = len(self.names) > 0
            fields = named_fields(self.names, class_name) if has_names else self._classes[class_name]
            self._layouts[class_name] = lay_out(fields, self.wide, typed=self.typed, has_further=has_names)
        return self._layouts[class_name]


class _Cells:
    """The fields of some documents, sorted by column and then by row; those without a column come last."""

    def __init__(self, layout: Layout, documents: pa.Table, fields: pa.Table, doubled: str) -> None:
        self._count = len(documents)
        self._fields = fields
        # The fields stand in the order of their documents.
        offsets = pa.array([0, *accumulate(documents["field_count"].to_pylist())], pa.int32())
        rows = pc.list_parent_indices(pa.ListArray.from_arrays(offsets, pa.nulls(len(fields))))
        numbers = pc.index_in(_array(fields["api_name"]), value_set=pa.array(layout.api_names, pa.string()))
        order = pc.sort_indices(numbers)  # which is stable
        rows, numbers = rows.take(order), numbers.take(order)
        repeated = _repeated(numbers, rows)
        if doubled != "list" and repeated.true_count:
            if doubled == "error":
                raise _doubled(layout, documents, numbers, rows, pc.index(repeated, True).as_py())
            keep = pc.invert(repeated if doubled == "first" else _array(pa.chunked_array([repeated[1:], [False]])))
            order, rows, numbers = (each.filter(keep) for each in (order, rows, numbers))
        self._order, self._rows = order, rows.to_pylist()
        self._sorted: dict[str, pa.Array] = {}
        runs = pc.run_end_encode(numbers)
        ends = runs.run_ends.to_pylist()
        self._spans = dict(zip(runs.values.to_pylist(), pairwise([0, *ends]), strict=True))

    def column(self, number: int, source: str, type: pa.DataType) -> pa.Array:
        """The cells of one column of a field; null where a document has no such field."""
        if number not in self._spans:
            return pa.nulls(self._count, type)
        start, end = self._spans[number]
        cells = self._take(source)[start:end]
        if pa.types.is_list(type):
            return self._lists(cells, start, end, type)
        if len(cells) == self._count:  # each document has one
            return cells
        places: list[int | None] = [None] * self._count
        for place, row in enumerate(self._rows[start:end]):
            places[row] = place
        return cells.take(pa.array(places, pa.int32()))

    def further(self, type: pa.DataType) -> pa.Array:
        """The names and values of the fields without a column; null where a document has none."""
        start, end = self._spans.get(None, (0, 0))
        cells = [self._take(source)[start:end] for source in ("api_name", "value")]
        return self._lists(pa.StructArray.from_arrays(cells, fields=list(type.value_type)), start, end, type)

    @property
    def further_count(self) -> int:
        """How many fields have no column."""
        span: tuple[int, int] = self._spans.get(None, (0, 0))
        return span[1] - span[0]

    def _take(self, source: str) -> pa.Array:
        """A column of all fields, sorted."""
        if source not in self._sorted:
            self._sorted[source] = _array(self._fields[source]).take(self._order)
        return self._sorted[source]

    def _lists(self, cells: pa.Array, start: int, end: int, type: pa.DataType) -> pa.Array:
        counts = [0] * self._count
        for row in self._rows[start:end]:
            counts[row] += 1
        offsets = pa.array([0, *accumulate(counts)], pa.int32())
        mask = pa.array([not count for count in counts], pa.bool_())
        return pa.ListArray.from_arrays(offsets, cells, type=type, mask=mask)


def _repeated(numbers: pa.Array, rows: pa.Array) -> pa.Array:
    """Whether each field is for the same cell as the one before it."""
    if not len(numbers):
        return pa.array([], pa.bool_())
    same = [pc.equal(each[1:], each[:-1]).fill_null(False) for each in (numbers, rows)]
    return _array(pa.chunked_array([pa.array([False]), pc.and_(*same)]))


def _doubled(layout: Layout, documents: pa.Table, numbers: pa.Array, rows: pa.Array, at: int) -> FieldDoubled:
    """The error for a cell that has several fields."""
    number, row = numbers[at].as_py(), rows[at].as_py()
    times = pc.sum(pc.and_(pc.equal(numbers, number), pc.equal(rows, row))).as_py()
    file_index, document_index = (documents[name][row].as_py() for name in ("file_index", "document_index"))
    api_name = layout.api_names[number]
    where = f"document {document_index} of file {file_index}"
    return FieldDoubled(f"{where} has the field {api_name!r} {times} times", api_name=api_name)


def _of_class(table: pa.Table, class_name: str | None) -> pa.Table:
    column = table["class_name"]
    return table.filter(pc.is_null(column) if class_name is None else pc.equal(column, class_name))


def _array(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    found = column.combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found


def _is_text(class_name: str) -> bool:
    """Whether a document can have the class: half of a surrogate pair is no Unicode text."""
    return not any("\ud800" <= character <= "\udfff" for character in class_name)

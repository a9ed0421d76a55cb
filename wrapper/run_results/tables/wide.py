"""The wide view: a table for each document class, made of the tables of documents and fields.

A column is a field, by its API name; its title is the project's name for it. Where two fields would have one title,
their API names become the titles. Which columns there are is known only when all fields have been seen, so there are
two passes: `survey`, then `widen`.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import accumulate, chain

import attrs
import pyarrow as pa
from attrs import define

from run_results.errors import ContractError, FieldDoubled
from run_results.tables.arrow import arrow_field, list_of, pc
from run_results.tables.options import Wide
from run_results.tables.schema import COLUMNS, VERSION
from run_results.tables.values import kind_of
from run_results.tables.writers import GUARDED

_PLACE = COLUMNS["documents"][:5]
_SCORES = ("model_confidence", "ocr_confidence")
_READINGS = {"number": ("number",), "money": ("number", "currency"), "date": ("date",)}
_TYPES = {"number": pa.decimal128(38, 9), "date": pa.date32(), **dict.fromkeys(_SCORES, pa.float64())}
_MOST_COLUMNS = 10_000


@define
class _SeenField:
    """What the survey found of one field of a class."""

    label: str
    kinds: set[str] = attrs.field(factory=set)
    """What its values are read as: `number`, `money` or `date`."""


@define
class Pivot:
    """Makes wide tables."""

    wide: Wide
    typed: bool = False
    """Whether the table of fields has columns for typed values."""
    rows: int = attrs.field(default=0, init=False)
    """How many documents of the classes that are wanted were seen."""
    _classes: dict[str | None, dict[str | None, _SeenField]] = attrs.field(factory=dict, init=False)
    _schemas: dict[str | None, tuple[pa.Schema, list[tuple[str | None, str]]]] = attrs.field(factory=dict, init=False)

    def survey(self, documents: pa.Table, fields: pa.Table) -> None:
        """Note which classes and fields there are. A class that is asked for counts as there in any case.

        Raises `ContractError` where the fields are too many for columns.
        """
        one = self.wide.class_name
        for class_name in pc.unique(documents["class_name"]).to_pylist() if one is None else [one]:
            self._classes.setdefault(class_name, {})
        self.rows += len(documents) if one is None else len(_of_class(documents, one))
        what = ["class_name", "api_name", "name", "type"]
        seen = fields.select(what).group_by(what, use_threads=False).aggregate([])
        for row in seen.to_pylist():
            known = self._classes.get(row["class_name"])
            if known is None:
                continue
            field = known.setdefault(row["api_name"], _SeenField(row["name"] or "(no name)"))
            if kind := kind_of(row["type"]):
                field.kinds.add(kind)
            if len(known) > _MOST_COLUMNS:
                raise ContractError(f"class {row['class_name']!r} has more than {_MOST_COLUMNS} fields: no wide table")

    @property
    def classes(self) -> list[str | None]:
        """The classes that there are tables for, in the order they came; None for documents without a class."""
        return list(self._classes)

    def schema(self, class_name: str | None) -> pa.Schema:
        """The columns of a class's table: where a document stands, then its fields in the order they came."""
        return self._layout(class_name)[0]

    def widen(self, class_name: str | None, documents: pa.Table, fields: pa.Table) -> pa.Table:
        """The documents of a class, a row each; `fields` are all of theirs. Raises `FieldDoubled`."""
        schema, sources = self._layout(class_name)
        documents, fields = (_of_class(table, class_name) for table in (documents, fields))
        places = list(zip(*(documents[name].to_pylist() for name in ("file_index", "document_index")), strict=True))
        row_of = {place: row for row, place in enumerate(places)}
        cells: dict[str | None, list[list[int]]] = {}
        keys = (fields[name].to_pylist() for name in ("file_index", "document_index", "api_name"))
        for index, (file_index, document_index, api_name) in enumerate(zip(*keys, strict=True)):
            column = cells.get(api_name)
            if column is None:
                column = cells[api_name] = [[] for _ in places]
            column[row_of[file_index, document_index]].append(index)
        self._choose(cells, places)
        nothing: list[list[int]] = [[] for _ in places]
        arrays = [documents[column.name] for column in _PLACE]
        for (api_name, source), target in zip(sources, list(schema)[len(_PLACE) :], strict=True):
            arrays.append(_take(fields[source], cells.get(api_name, nothing), target.type))
        return pa.Table.from_arrays(arrays, schema=schema)

    def _choose(self, cells: dict[str | None, list[list[int]]], places: list[tuple[int, int]]) -> None:
        """Leave one field in each cell, unless all are wanted."""
        keep = {"first": slice(0, 1), "last": slice(-1, None)}.get(self.wide.doubled)
        if self.wide.doubled == "list":
            return
        for api_name, column in cells.items():
            for row, indexes in enumerate(column):
                if len(indexes) > 1 and keep is None:
                    file_index, document_index = places[row]
                    where = f"document {document_index} of file {file_index}"
                    raise FieldDoubled(f"{where} has the field {api_name!r} {len(indexes)} times", api_name=api_name)
                if len(indexes) > 1 and keep is not None:
                    column[row] = indexes[keep]

    def _layout(self, class_name: str | None) -> tuple[pa.Schema, list[tuple[str | None, str]]]:
        if class_name not in self._schemas:
            self._schemas[class_name] = self._lay_out(class_name)
        return self._schemas[class_name]

    def _lay_out(self, class_name: str | None) -> tuple[pa.Schema, list[tuple[str | None, str]]]:
        fields = self._classes[class_name]
        wanted = [
            (api_name, source, suffix)
            for api_name, field in fields.items()
            for source, suffix in [("value", ""), *((more, f" {more}") for more in self._beside(field))]
        ]
        titles = _titles(
            [(fields[api_name].label + suffix, f"{api_name or ''}{suffix}") for api_name, _, suffix in wanted],
            {*(column.name for column in _PLACE), GUARDED},
        )
        members = [
            pa.field(title, self._type(source), metadata={"api_name": api_name or "", "source": source})
            for title, (api_name, source, _) in zip(titles, wanted, strict=True)
        ]
        metadata = {"run_results.table": "wide", "run_results.schema_version": str(VERSION)}
        schema = pa.schema([*map(arrow_field, _PLACE), *members], metadata=metadata)
        return schema, [(api_name, source) for api_name, source, _ in wanted]

    def _type(self, source: str) -> pa.DataType:
        found = _TYPES.get(source, pa.string())
        return list_of(found) if self.wide.doubled == "list" else found

    def _beside(self, field: _SeenField) -> Iterable[str]:
        readings = [_READINGS[kind] for kind in sorted(field.kinds)] if self.typed else []
        scores = _SCORES if self.wide.confidence else ()
        return dict.fromkeys([*chain.from_iterable(readings), *scores])


def _of_class(table: pa.Table, class_name: str | None) -> pa.Table:
    column = table["class_name"]
    return table.filter(pc.is_null(column) if class_name is None else pc.equal(column, class_name)).combine_chunks()


def _take(column: pa.ChunkedArray, cells: list[list[int]], type: pa.DataType) -> pa.Array:
    """The cells of one column, by the indexes of their fields; null where a document has no such field."""
    if not pa.types.is_list(type):
        taken = column.take(pa.array([indexes[0] if indexes else None for indexes in cells], pa.int64()))
        return taken.combine_chunks()
    flat = column.take(pa.array(list(chain.from_iterable(cells)), pa.int64())).combine_chunks()
    offsets = pa.array(list(accumulate(map(len, cells), initial=0)), pa.int32())
    mask = pa.array([not indexes for indexes in cells], pa.bool_())
    return pa.ListArray.from_arrays(offsets, flat, type=type, mask=mask)


def _titles(choices: list[tuple[str, str]], reserved: set[str]) -> list[str]:
    """A title for each column, all different: the first choice, or the second where two columns have the same first.

    >>> _titles([("due date", "due_date"), ("due date", "due_date_"), ("total", "total")], {"total"})
    ['due_date', 'due_date_', 'total_']
    """
    wishes = Counter(first for first, _ in choices)
    titles: list[str] = []
    used = set(reserved)
    for first, second in choices:
        title = second if wishes[first] > 1 or first in reserved else first
        while title in used:  # where a project's name is another field's API name
            title += "_"
        used.add(title)
        titles.append(title)
    return titles

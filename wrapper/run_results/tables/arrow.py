"""Pages as Arrow record batches: a page in, a batch out, nothing sent and nothing kept.

The way is by columns: the page's models are laid out in one flat list for each level, each column is one comprehension
over such a list, lists become offsets and one flat child, and what belongs to the level above comes by `take`. Row
dictionaries would cost several times as much.

Unset and null are both null here; what a page lost to drift is null too, and stands in `page.breaches`.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from struct import pack
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute
from attrs import define, evolve, field
from msgspec.structs import astuple, replace

from run_results.errors import ContractError, NameCollisionError, UnknownNameError
from run_results.fields import FAILED_VALUE, failed
from run_results.names import NameMap
from run_results.page import Page
from run_results.tables.options import Typed
from run_results.tables.schema import VERSION, Column, ListOf, Struct, Type, What, columns
from run_results.tables.typed import read
from run_results_api.models import Document
from run_results_api.types import UNSET

pc: Any = pyarrow.compute
"""The compute functions, which come into being when the module is imported: no type checker sees them."""

_FIELD_PARTS: Final = (
    *("field_name", "value", "type", "error_msg", "confidence", "validations", "edit_history", "source_coordinates"),
)
_ENCODE = msgspec.json.Encoder().encode
# What one column of one page may take when the text of a level above is repeated on each row below it.
_MOST_REPEATED = 2**28
_AT_ONCE = 4_000  # fields
_MOST_NAMES = 100_000  # looked up and kept, at once


def arrow_type(type: Type) -> pa.DataType:
    """The Arrow type of a column's type."""
    if isinstance(type, ListOf):
        return pa.list_(pa.field("element", arrow_type(type.element)))
    if isinstance(type, Struct):
        return pa.struct([arrow_field(member) for member in type.members])
    return _PLAIN[type]


_PLAIN: Final = {
    "bool": pa.bool_(),
    "date32": pa.date32(),
    "decimal128(38, 9)": pa.decimal128(38, 9),
    "double": pa.float64(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "string": pa.string(),
    "timestamp[ns, UTC]": pa.timestamp("ns", "UTC"),
}


def arrow_field(column: Column) -> pa.Field:
    """A column as an Arrow field, with its description and unit in the metadata."""
    metadata = {"description": column.description} | ({"unit": column.unit} if column.unit else {})
    return pa.field(column.name, arrow_type(column.type), nullable=column.nullable, metadata=metadata)


def schema(what: What, *, typed: bool = False) -> pa.Schema:
    """The Arrow schema of a table: `run_results.table` and `run_results.schema_version` stand in its metadata.

    >>> schema("files").field("run_started_at").type
    TimestampType(timestamp[ns, tz=UTC])
    """
    metadata = {"run_results.table": what, "run_results.schema_version": str(VERSION)}
    return pa.schema([arrow_field(column) for column in columns(what, typed=typed)], metadata=metadata)


@define
class Tabulator:
    """Makes the batches of one table.

    >>> tabulator = Tabulator("fields", NameMap(["due date"]))
    >>> batches = [tabulator.batch(page) for page in client.pages("run-1")]  # doctest: +SKIP
    """

    what: What
    names: NameMap = field(factory=NameMap)
    typed: Typed | None = None
    schema: pa.Schema = field(init=False, repr=False)
    _labels: list[tuple[str | None, bool, str | None]] = field(factory=list, init=False, repr=False)
    _codes: "dict[str | None, _Codes]" = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.schema = schema(self.what, typed=self.typed is not None)

    def batch(self, page: Page) -> pa.RecordBatch:
        """The rows of a page, in the answer's order. Cross-class fields come with the first page of the run only.

        Raises `ContractError` where names that are repeated on each row would fill the memory.
        """
        try:
            batches = [self._batch(part) for part in self._parts(page)]
            return batches[0] if len(batches) == 1 else pa.concat_batches(batches)
        except (pa.ArrowException, OverflowError) as error:
            reason = str(error).partition("\n")[0][:200]
            raise ContractError(
                f"no table can be made of the page at offset {page.offset}: {reason}", drift=page.breaches
            ) from None

    def _batch(self, page: Page) -> pa.RecordBatch:
        arrays = getattr(self, f"_{self.what}")(page)
        return pa.RecordBatch.from_arrays([arrays[name] for name in self.schema.names], schema=self.schema)

    def _parts(self, page: Page) -> Iterator[Page]:
        """The page, in pieces where it has many fields: what is looked at several times should stay in the cache."""
        files = page.files
        fields = sum(len(document.fields or ()) for file in files for document in file.documents or ())
        step = max(1, len(files) * _AT_ONCE // max(fields, 1)) if self.what == "fields" else len(files)
        if step >= len(files):
            yield page
            return
        for start in range(0, len(files), step):
            run = replace(page.run, files=files[start : start + step])
            yield evolve(page, run=run, offset=page.offset + start)

    # The tables ---------------------------------------------------------------------------------------------------

    def _fields(self, page: Page) -> dict[str, pa.Array]:
        documents, place = self._place(page)
        fields, parents, indexes = _flatten(documents, "fields")
        _guard(page, place, parents)
        names, values, types, errors, confidences, validations, edits, boxes = _columns(fields, _FIELD_PARTS)
        value, kind = self._build("value", values), self._build("type", types)
        model, ocr = _columns(confidences, ("model", "ocr"))
        valid, alerts = _columns(validations, ("valid", "alerts"))
        return {
            **{name: array.take(parents) for name, array in place.items()},
            "field_index": indexes,
            **self._named(names, documents),
            "value": value,
            "type": kind,
            **self._read(value, kind),
            **self._outcome(value, errors),
            "model_confidence": self._build("model_confidence", model),
            "ocr_confidence": self._build("ocr_confidence", ocr),
            **self._checked(valid, alerts, edits),
            "source": self._build("source", boxes),
        }

    def _documents(self, page: Page) -> dict[str, pa.Array]:
        documents, place = self._place(page)
        counts = [(len(document.fields or ()), sum(map(failed, document.fields or ()))) for document in documents]
        return {
            **place,
            "class_confidence": self._build(
                "class_confidence", _pluck(documents, "classification_confidence", "model")
            ),
            "field_count": pa.array([count for count, _ in counts], pa.int64()),
            "failed_count": pa.array([failures for _, failures in counts], pa.int64()),
            "final_result_pass": self._build(
                "final_result_pass", _pluck(documents, "validations", "final_result_pass")
            ),
            "class_edits": self._build("class_edits", _pluck(documents, "class_edit_history")),
            **{
                name: self._build(name, _pluck(documents, name))
                for name in (
                    *("page_numbers", "page_layouts", "review_completed"),
                    *("post_processed_paths", "post_processed_pdf_path"),
                )
            },
        }

    def _files(self, page: Page) -> dict[str, pa.Array]:
        run, count = page.run, len(page.files)
        whole = {
            "run_id": page.run_id,
            "run_status": run.status,
            "run_message": run.message,
            "run_started_at": run.start_timestamp,
            "run_finished_at": run.finish_timestamp,
            "run_batch_id": run.batch_id,
            "run_review_completed": run.review_completed,
            "run_keys": _json(run.keys.to_dict()) if run.keys else None,
        }
        of_run = {name: self._build(name, [value]) for name, value in whole.items()}
        parents = pa.array([0] * count, pa.int64())
        _guard(page, of_run, parents)
        return {
            **{name: array.take(parents) for name, array in of_run.items()},
            "file_index": _count(count, page.offset),
            "file_name": self._build("file_name", _pluck(page.files, "original_file_name")),
            "file_path": self._build("file_path", _pluck(page.files, "input_file_path")),
            "document_count": pa.array([len(file.documents or ()) for file in page.files], pa.int64()),
        }

    def _case_fields(self, page: Page) -> dict[str, pa.Array]:
        # Every page tells of them again.
        fields = (page.run.case_info.fields if page.run.case_info and page.offset == 0 else None) or []
        values = self._build("value", _pluck(fields, "value"))
        valid, failures = _columns(_pluck(fields, "validations"), ("valid", "failures"))
        return {
            "run_id": pa.repeat(page.run_id, len(fields)),
            "field_index": _count(len(fields)),
            **self._named(_pluck(fields, "name"), None),
            "value": values,
            **self._outcome(values, _pluck(fields, "error_msg")),
            **self._checked(valid, failures, _pluck(fields, "edit_history")),
            "input_fields": self._build("input_fields", _pluck(fields, "input_fields")),
            "chosen_field": self._build("chosen_field", _pluck(fields, "chosen_field")),
        }

    # Columns that several tables have -----------------------------------------------------------------------------

    def _place(self, page: Page) -> tuple[list[Document], dict[str, pa.Array]]:
        """The page's documents, and where each of them stands."""
        files = page.files
        documents, parents, indexes = _flatten(files, "documents")
        of_file = {
            "run_id": pa.repeat(page.run_id, len(files)),
            "file_index": _count(len(files), page.offset),
            "file_name": self._build("file_name", _pluck(files, "original_file_name")),
        }
        _guard(page, of_file, parents)
        return documents, {
            **{name: array.take(parents) for name, array in of_file.items()},
            "document_index": indexes,
            "class_name": build(pa.string(), _pluck(documents, "class_name")),
        }

    def _named(self, api_names: list[Any], documents: Sequence[Document] | None) -> dict[str, pa.Array]:
        """What each field is called; `documents` hold them in order, or there are none."""
        if len(self._labels) >= _MOST_NAMES:
            self._labels.clear()
            self._codes.clear()
        codes: list[int] = []
        if documents is None:
            codes.extend(map(self._codes_of(None).__getitem__, api_names))
        for document in documents or ():
            end = len(codes) + len(document.fields or ())
            codes.extend(map(self._codes_of(document.class_name).__getitem__, api_names[len(codes) : end]))
        met = _pack(codes)
        return {
            column: self._build(column, [label[place] for label in self._labels]).take(met)
            for place, column in enumerate(("name", "name_is_known", "api_name"))
        }

    def _codes_of(self, class_name: object) -> "_Codes":
        known = class_name if isinstance(class_name, str) else None
        if known not in self._codes:
            self._codes[known] = _Codes(self, known)
        return self._codes[known]

    def code(self, api_name: object, class_name: str | None) -> int:
        """Where the label of a field stands among those that were looked up."""
        self._labels.append(self._find_label(api_name, class_name))
        return len(self._labels) - 1

    def _find_label(self, api_name: object, class_name: str | None) -> tuple[str | None, bool, str | None]:
        """What to call a field, whether that is the project's name for sure, and the API name."""
        if not isinstance(api_name, str):
            return None, False, None
        try:
            name = self.names.project_name(api_name, class_name)
        except (NameCollisionError, UnknownNameError):
            return self.names.label(api_name, class_name), False, api_name
        # A project's name can hold half of a surrogate pair, which no table can.
        text = name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text, text == name, api_name

    def _read(self, values: pa.Array, types: pa.Array) -> dict[str, pa.Array]:
        if self.typed is None:
            return {}
        readings = read(values.to_pylist(), types.to_pylist(), self.typed)
        return {
            name: self._build(name, [reading[index] for reading in readings])
            for index, name in enumerate(("number", "currency", "date"))
        }

    def _outcome(self, values: pa.Array, messages: list[Any]) -> dict[str, pa.Array]:
        errors = self._build("error", messages)
        outcome = pc.or_kleene(pc.equal(values, FAILED_VALUE), pc.not_equal(errors, ""))
        return {"failed": outcome.fill_null(False), "error": errors}

    def _checked(self, valid: list[Any], alerts: list[Any], edits: list[Any]) -> dict[str, pa.Array]:
        """What rules found and reviewers did."""
        made = self._build("edits", edits)
        return {
            "valid": self._build("valid", valid),
            "alerts": self._build("alerts", alerts),
            "edited": pc.greater(pc.list_value_length(made), 0),
            "edits": made,
        }

    def _build(self, column: str, values: list[Any]) -> pa.Array:
        return build(self.schema.field(column).type, values)


class _Codes(dict[Any, int]):
    """Where the label of each API name of one class stands; filled as names are met."""

    def __init__(self, tabulator: Tabulator, class_name: str | None) -> None:
        super().__init__()
        self._tabulator, self._class_name = tabulator, class_name

    def __missing__(self, api_name: object) -> int:
        self[api_name] = code = self._tabulator.code(api_name, self._class_name)
        return code


# Columns ----------------------------------------------------------------------------------------------------------


def build(type: pa.DataType, values: list[Any]) -> pa.Array:
    """An array of values as the models have them: plain ones, lists, models, and unset ones, which become null."""
    if pa.types.is_list(type):
        return _build_lists(type, values)
    if pa.types.is_struct(type):
        return _build_structs(type, values)
    try:
        return pa.array(values, type)  # unset ones are seldom in a column, and refused
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is UNSET else value for value in values], type)


def _build_lists(type: pa.DataType, lists: list[Any]) -> pa.Array:
    mask = None
    try:
        offsets = _offsets(lists)
    except TypeError:
        mask = pa.array([items is None or items is UNSET for items in lists], pa.bool_())
        offsets = _offsets([items or () for items in lists])
    # Most lists are empty, and passing them over is cheap.
    flat = build(type.value_type, _chain(filter(None, lists)))
    return pa.ListArray.from_arrays(offsets, flat, type=type, mask=mask)


def _offsets(lists: Sequence[Any]) -> pa.Array:
    """Where each list begins among the items of all, and where the last one ends. Raises TypeError for what is none."""
    return pc.cumulative_sum(_pack([0, *map(len, lists)]))


def _pack(numbers: list[int]) -> pa.Array:
    """An array of int32, none of them null: their bytes, made at once, instead of one value after the other."""
    return pa.Array.from_buffers(pa.int32(), len(numbers), [None, pa.py_buffer(pack(f"{len(numbers)}i", *numbers))])


def _build_structs(type: pa.DataType, models: list[Any]) -> pa.Array:
    members = list(type)
    columns = _columns(models, tuple(member.name for member in members))
    # Free of form, so text is what holds it.
    columns = [
        [_json(value) if value else None for value in column] if member.name == "locations" else column
        for member, column in zip(members, columns, strict=True)
    ]
    children = [build(member.type, column) for member, column in zip(members, columns, strict=True)]
    # A model is true, whatever it holds.
    mask = None if all(models) else pa.array([not model for model in models], pa.bool_())
    return pa.StructArray.from_arrays(children, fields=members, mask=mask)


def _columns(models: Sequence[Any], names: tuple[str, ...]) -> list[list[Any]]:
    """The attributes of these names of all models, a list for each; None for what is unset or null itself.

    One look at each model, in C: they are many, and far from each other in memory.
    """
    try:
        members: tuple[str, ...] = models[0].__struct_fields__
        flat = _chain(map(astuple, models))
    except (AttributeError, IndexError, TypeError):  # some are unset, or there are none
        return [_pluck(models, name) for name in names]
    return [flat[members.index(name) :: len(members)] for name in names]


def _pluck(models: Sequence[Any], *path: str) -> list[Any]:
    """An attribute of each model, or an attribute's attribute; None below what is unset or null."""
    try:
        return list(map(attrgetter(".".join(path)), models))
    except AttributeError:
        *above, name = path
        parents = _pluck(models, *above) if above else models
        return [getattr(parent, name) if parent else None for parent in parents]


def _json(value: Any) -> str | None:
    """JSON text of what is free of form; None where it is nested too deeply to be written again."""
    try:
        return _ENCODE(value).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, deep inside
        with suppress(RecursionError):
            return json.dumps(value)
    except RecursionError:
        pass
    return None


def _flatten(parents: Sequence[Any], name: str) -> tuple[list[Any], pa.Array, pa.Array]:
    """The items of each parent's list; for each the row of its parent, and its index in the list."""
    lists = [items or () for items in _pluck(parents, name)]
    offsets = _offsets(lists)
    flat = _chain(lists)
    rows = pc.list_parent_indices(pa.ListArray.from_arrays(offsets, pa.nulls(len(flat))))
    return flat, rows, pc.subtract(_count(len(flat)), offsets.take(rows))


def _chain(lists: Iterable[Iterable[Any]]) -> list[Any]:
    """All items of all lists; `extend` takes a list at once, where `itertools.chain` takes item by item."""
    flat: list[Any] = []
    deque(map(flat.extend, lists), maxlen=0)
    return flat


def _count(length: int, start: int = 0) -> pa.Array:
    """Whole numbers, one after the other; ten times as fast as from a `range`."""
    return pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), length), start=start - 1)


def _guard(page: Page, arrays: Mapping[str, pa.Array], parents: pa.Array) -> None:
    """Raises `ContractError` where a text that is repeated on many rows would fill the memory."""
    for name, array in arrays.items():
        # Rough at first: in all but hostile pages this much is not reached even if every row had all texts.
        if pa.types.is_string(array.type) and array.nbytes * len(parents) > _MOST_REPEATED:
            size = pc.sum(pc.binary_length(array).take(parents)).as_py() or 0
            if size > _MOST_REPEATED:
                text = f"{name} is so long that repeating it on each row takes {size} bytes"
                raise ContractError(f"no table can be made of the page at offset {page.offset}: {text}")

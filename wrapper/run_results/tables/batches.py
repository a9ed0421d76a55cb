"""Pages as Arrow record batches: a page in, a batch out. Nothing is sent, and no page is kept.

The models of a page are laid out in one flat list for each level: files, documents, fields. A column is made of such a
list at once, and what belongs to a level above is repeated by `take`.

Unset and null are both null here. What a page lost to drift is null, too; `page.breaches` has it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
from attrs import define, evolve, field
from msgspec.structs import replace

from run_results.errors import ContractError
from run_results.fields import FAILED_VALUE, case_fields, failed
from run_results.names import NameMap
from run_results.names.guesses import Guesses
from run_results.page import Page
from run_results.tables.arrays import build, columns_of, consecutive, flatten, json_text, pluck
from run_results.tables.arrow import arrow_schema, pc
from run_results.tables.labels import Labels
from run_results.tables.options import Typed
from run_results.tables.schema import COLUMNS, What
from run_results.tables.values import Unread, read
from run_results_api.models import Document

_FIELDS_AT_ONCE: Final = 4_000
"""How many fields are laid out at a time: all 13,000 of a large page do not fit the cache, and take a tenth longer."""
_MOST_REPEATED: Final = 2**28
"""The most bytes of a column of one page where a text of the level above is repeated on each row."""


@define
class Tabulator:
    """Makes the batches of one table.

    >>> tabulator = Tabulator("fields", NameMap(["due date"]))
    >>> batches = [tabulator.batch(page) for page in client.pages("run-1")]  # doctest: +SKIP
    """

    what: What
    names: NameMap = field(factory=NameMap)
    typed: Typed | None = None
    metadata: bool = True
    """Whether the schema has descriptions and its version."""
    schema: pa.Schema = field(init=False, repr=False)
    unread: Unread = field(factory=Unread, init=False)
    """How many typed values of the last batch could not be read."""
    _labels: Labels = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.schema = arrow_schema(self.what, typed=self.typed is not None, metadata=self.metadata)
        self._labels = Labels(self.names)

    @property
    def guesses(self) -> Guesses:
        """Which names of the fields are guessed, because the project's names do not have them."""
        return self._labels.guesses

    def batch(self, page: Page) -> pa.RecordBatch:
        """The rows of a page, in the answer's order. Cross-class fields come with the first page of the run only.

        Raises `ContractError` where names that are repeated on each row would fill the memory.
        """
        self.unread = Unread()
        try:
            batches = [self._batch(part) for part in self._parts(page)]
            return batches[0] if len(batches) == 1 else pa.concat_batches(batches)
        except (pa.ArrowException, OverflowError) as error:
            reason = str(error).partition("\n")[0][:200]
            raise ContractError(
                f"no table can be made of the page at offset {page.offset}: {reason}", drift=page.breaches
            ) from None

    def _batch(self, page: Page) -> pa.RecordBatch:
        makers = {
            "fields": self._fields,
            "documents": self._documents,
            "files": self._files,
            "case_fields": self._case_fields,
        }
        arrays = makers[self.what](page)
        return pa.RecordBatch.from_arrays([arrays[name] for name in self.schema.names], schema=self.schema)

    def _parts(self, page: Page) -> Iterator[Page]:
        """The page, or the parts of a large one that are laid out at a time."""
        files = page.files
        fields = sum(len(document.fields or ()) for file in files for document in file.documents or ())
        step = max(1, len(files) * _FIELDS_AT_ONCE // max(fields, 1)) if self.what == "fields" else len(files)
        if step >= len(files):
            yield page
            return
        for start in range(0, len(files), step):
            run = replace(page.run, files=files[start : start + step])
            yield evolve(page, run=run, offset=page.offset + start)

    # The tables ---------------------------------------------------------------------------------------------------

    def _fields(self, page: Page) -> dict[str, pa.Array]:
        documents, place = self._place(page)
        fields, parents, indexes = flatten(documents, "fields")
        _check_size(page, place, parents)
        names, values, types, errors, confidences, validations, edits, boxes = columns_of(
            fields,
            *("field_name", "value", "type", "error_msg"),
            *("confidence", "validations", "edit_history", "source_coordinates"),
        )
        value, kind = self._build("value", values), self._build("type", types)
        classes = [(document.class_name, len(document.fields or ())) for document in documents]
        labels = self._labels.columns(names, classes)
        model, ocr = columns_of(confidences, "model", "ocr")
        valid, alerts = columns_of(validations, "valid", "alerts")
        return {
            **{name: array.take(parents) for name, array in place.items()},
            "field_index": indexes,
            **labels,
            "value": value,
            "type": kind,
            **self._read(value, labels["given_type"], kind),
            **self._outcome(value, errors),
            "model_confidence": self._build("model_confidence", model),
            "ocr_confidence": self._build("ocr_confidence", ocr),
            **self._checked(valid, alerts, edits),
            "source": self._build("source", boxes),
            **self._members(fields),
        }

    def _documents(self, page: Page) -> dict[str, pa.Array]:
        documents, place = self._place(page)
        fields = [document.fields or () for document in documents]
        return {
            **place,
            "field_count": pa.array(list(map(len, fields)), pa.int64()),
            "failed_count": pa.array([sum(map(failed, each)) for each in fields], pa.int64()),
            **self._members(documents),
        }

    def _files(self, page: Page) -> dict[str, pa.Array]:
        run = page.run
        whole = {
            "run_id": page.run_id,
            "run_status": run.status,
            "run_message": run.message,
            "run_started_at": _microseconds(run.start_timestamp),
            "run_started_at_ns": run.start_timestamp,
            "run_finished_at": _microseconds(run.finish_timestamp),
            "run_finished_at_ns": run.finish_timestamp,
            "run_batch_id": run.batch_id,
            "run_review_completed": run.review_completed,
            "run_keys": json_text(run.keys.to_dict()) if run.keys else None,
        }
        of_run = {name: self._build(name, [value]) for name, value in whole.items()}
        parents = pa.array([0] * len(page.files), pa.int64())
        _check_size(page, of_run, parents)
        return {
            **{name: array.take(parents) for name, array in of_run.items()},
            "file_index": consecutive(len(page.files), page.offset),
            "file_name": self._build("file_name", pluck(page.files, "original_file_name")),
            "document_count": pa.array([len(file.documents or ()) for file in page.files], pa.int64()),
            **self._members(page.files),
        }

    def _case_fields(self, page: Page) -> dict[str, pa.Array]:
        fields = case_fields(page.run) if page.offset == 0 else []  # every page of the run has them
        values = self._build("value", pluck(fields, "value"))
        valid, failures = columns_of(pluck(fields, "validations"), "valid", "failures")
        return {
            "run_id": pa.repeat(page.run_id, len(fields)),
            "field_index": consecutive(len(fields)),
            **self._labels.columns(pluck(fields, "name"), [(None, len(fields))]),
            "value": values,
            **self._outcome(values, pluck(fields, "error_msg")),
            **self._checked(valid, failures, pluck(fields, "edit_history")),
            **self._members(fields),
        }

    # Columns that several tables have -----------------------------------------------------------------------------

    def _place(self, page: Page) -> tuple[list[Document], dict[str, pa.Array]]:
        """The page's documents, and where each of them stands."""
        files = page.files
        documents, parents, indexes = flatten(files, "documents")
        of_file = {
            "run_id": pa.repeat(page.run_id, len(files)),
            "file_index": consecutive(len(files), page.offset),
            "file_name": self._build("file_name", pluck(files, "original_file_name")),
        }
        _check_size(page, of_file, parents)
        return documents, {
            **{name: array.take(parents) for name, array in of_file.items()},
            "document_index": indexes,
            "class_name": build(pa.string(), pluck(documents, "class_name")),
        }

    def _members(self, models: Sequence[Any]) -> dict[str, pa.Array]:
        """The columns that have a member of the row's model (`Column.source`)."""
        return {
            column.name: self._build(column.name, pluck(models, *column.source.split(".")))
            for column in COLUMNS[self.what]
            if column.source is not None
        }

    def _read(self, values: pa.Array, given: pa.Array, types: pa.Array) -> dict[str, pa.Array]:
        """The values by the types that were given with the names, else by those of the server."""
        if self.typed is None:
            return {}
        readings, unread = read(values.to_pylist(), pc.coalesce(given, types).to_pylist(), self.typed)
        self.unread += unread
        return {
            name: self._build(name, [reading[index] for reading in readings])
            for index, name in enumerate(("number", "currency", "date"))
        }

    def _outcome(self, values: pa.Array, messages: list[Any]) -> dict[str, pa.Array]:
        errors = self._build("error", messages)
        outcome = pc.or_kleene(pc.equal(values, FAILED_VALUE), pc.not_equal(errors, ""))
        return {"failed": outcome.fill_null(False), "error": errors}

    def _checked(self, valid: list[Any], alerts: list[Any], edits: list[Any]) -> dict[str, pa.Array]:
        """What validation rules found, and what reviewers changed."""
        made = self._build("edits", edits)
        return {
            "valid": self._build("valid", valid),
            "alerts": self._build("alerts", alerts),
            "edited": pc.greater(pc.list_value_length(made), 0),
            "edits": made,
        }

    def _build(self, column: str, values: list[Any]) -> pa.Array:
        return build(self.schema.field(column).type, values)


def _microseconds(nanoseconds: Any) -> int | None:
    return nanoseconds // 1000 if isinstance(nanoseconds, int) else None


def _check_size(page: Page, arrays: Mapping[str, pa.Array], parents: pa.Array) -> None:
    """Raises `ContractError` where a text that is repeated on many rows would fill the memory."""
    for name, array in arrays.items():
        # The rough upper bound first, which only hostile pages exceed.
        if pa.types.is_string(array.type) and array.nbytes * len(parents) > _MOST_REPEATED:
            size = pc.sum(pc.binary_length(array).take(parents)).as_py() or 0
            if size > _MOST_REPEATED:
                text = f"{name} is so long that repeating it on each row takes {size} bytes"
                raise ContractError(f"no table can be made of the page at offset {page.offset}: {text}")

"""Files as the compact JSON in a report, which its script reads: lists of documents, one an element.

A document (a file without documents has one, without `d`):

| key | what |
|---|---|
| `f`, `n` | the file's index in the run, and its name |
| `d` | the document's index in the file |
| `c` | its class, as an index into `classes` |
| `cc` | the confidence of its class |
| `u` | true where it could not be classified |
| `v`, `r` | whether it passed validation, and whether its review is complete |
| `p` | its pages' numbers |
| `l` | the size of its pages: `[[page, width, height], ...]`; only those that can be drawn |
| `i` | its pages' pictures: `[[page, number of the picture], ...]` |
| `e` | edits of its class |
| `s` | its fields |

Whatever is not given is left out. A field is a list, without the nulls and empty lists at its end:

    [name, marks, value, type, error, model confidence, OCR confidence, boxes, alerts, edits]

`name` is an index into `names`, each `[API name, what to call it]`; `marks` are those of `summary`; `type` is an index
into `types`. Boxes are as in `boxes`: `[page, left, top, right, bottom, state]`. An alert is
`[level, message, type, blocked]`, an edit `[timestamp, user, [message, ...], moment]`, where the moment is ISO 8601 and
left out of a timestamp that is in no known form.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec
from attrs import Factory, define

from run_results import CaseField, Field, NameMap, Page, Unset
from run_results.fields import DocumentPlace, documents
from run_results.report.boxes import place, sizes
from run_results.report.images import Images, to_url
from run_results.report.summary import Summary, class_label, label, marks
from run_results.tables.currencies import CODES, SIGNS
from run_results.text import count, encodable, script_json
from run_results_api.models import CaseFieldFailure, Edit, ValidationAlert

_ENCODER: Final = msgspec.json.Encoder()
_TIMESTAMP: Final = "%m/%d/%Y %H:%M:%S"
_CHUNK: Final = 64
"""Documents in a list, at most."""

Json = dict[str, Any]


@define
class Interned:
    """Values that occur many times, each with a number in the order of its first occurrence."""

    numbers: dict[Any, int] = Factory(dict)
    shown: list[Any] = Factory(list)
    """The value of each in the report."""
    size: int = 0
    """How many bytes of JSON these are."""

    def number(self, key: Any, shown: Any) -> int:
        """The number of a key, known or new."""
        number = self.numbers.get(key)
        if number is None:
            number = self.numbers[key] = len(self.shown)
            self.shown.append(shown)
            self.size += len(to_json(shown)) + 1
        return number

    def forget(self, length: int) -> None:
        """Forget all but the first `length`."""
        while len(self.shown) > length:
            self.numbers.popitem()
            self.size -= len(to_json(self.shown.pop())) + 1


@define
class Listed:
    """How many documents, and files without documents, which have a place in the list of documents."""

    documents: int = 0
    empty_files: int = 0

    def add(self, place: DocumentPlace) -> None:
        """Count one."""
        if place.document_index is None:
            self.empty_files += 1
        else:
            self.documents += 1

    @property
    def total(self) -> int:
        """Both together."""
        return self.documents + self.empty_files

    @property
    def text(self) -> str:
        """Both, each with its noun; what there is none of is left out where there is the other."""
        documents, files = count(self.documents, "document"), count(self.empty_files, "file")
        files += " without documents"
        if self.documents and self.empty_files:
            return f"{documents} and {files}"
        return files if self.empty_files else documents


@define
class Compactor:
    """Makes the compact JSON of pages, one after the other, and counts those for which there is no room."""

    names: NameMap | None
    images: Images | None
    summary: Summary
    max_bytes: int
    max_image_bytes: int
    classes: Interned = Factory(Interned)
    types: Interned = Factory(Interned)
    field_names: Interned = Factory(Interned)
    size: int = 0
    """In bytes, of the documents, without the shared tables."""
    image_bytes: int = 0
    image_count: int = 0
    images_left_out: int = 0
    """Pictures for which there was no room."""
    images_refused: int = 0
    """Pictures in a format that is not accepted."""
    shown: Listed = Factory(Listed)
    left_out: Listed = Factory(Listed)
    """Those for which there was no room."""
    first_file: int | None = None
    """Index of the first file."""
    left_out_from: int | None = None
    """Index of the first file of which something was left out."""

    def page(self, page: Page) -> Iterator[tuple[str, bytes]]:
        """What a page adds to the report: `("documents", JSON)` and, before their document, `("image", data URL)`."""
        self.summary.add_page(page)
        self.first_file = page.offset if self.first_file is None else self.first_file
        tables = self.classes, self.types, self.field_names
        chunk: list[bytes] = []
        for where in documents(page.run, page.offset):
            known = [len(table.shown) for table in tables]
            compact = self._document(where)
            text = _dump(compact)
            # A document that is left out is counted: the numbers of a report are those of the run.
            size = self.size + len(text) + sum(table.size for table in tables)
            if self.left_out.total or size > self.max_bytes:
                for table, length in zip(tables, known, strict=True):
                    table.forget(length)
                self.left_out.add(where)
                self.left_out_from = where.file_index if self.left_out_from is None else self.left_out_from
                continue
            for page_number, url in self._pictures(where):
                compact["i"].append([page_number, self.image_count])
                self.image_count += 1
                yield "image", url
            if compact["i"]:
                text = _dump(compact)
            self.size += len(text)
            self.shown.add(where)
            chunk.append(text)
            if len(chunk) == _CHUNK:
                yield "documents", b"[" + b",\n".join(chunk) + b"]"
                chunk.clear()
        if chunk:
            yield "documents", b"[" + b",\n".join(chunk) + b"]"

    def index(self, run_id: str, case_fields: list[CaseField]) -> bytes:
        """The part that a report has once.

        The run's id, the tables that numbers in documents point into, the packet's fields, whether documents are
        left out, and the currencies, by which the script tells amounts from formulas.
        """
        return to_json(
            {
                "run": encodable(run_id),
                "full": bool(self.left_out.total),
                "classes": self.classes.shown,
                "types": self.types.shown,
                "names": self.field_names.shown,
                "whole": not self.first_file,
                "case": [self.case_field(field) for field in case_fields],
                "currencies": [sorted(CODES), sorted(SIGNS)],
            }
        )

    def case_field(self, field: CaseField) -> list[Any]:
        """`[API name, what to call it, marks, value, error, failures, edits]` of a cross-class field."""
        name = text(field.name) or ""
        failures = field.validations.failures if field.validations else None
        called = encodable(label(self.names, name, None))
        edits = [_edit(edit) for edit in field.edit_history or ()]
        alerts = [_alert(failure) for failure in failures or ()]
        return [name, called, marks(field), text(field.value), field.error_msg or None, alerts, edits]

    def _document(self, where: DocumentPlace) -> Json:
        document, file = where.document, where.file
        pages, there = sizes(document), where.document_index is not None
        shown: Json = {
            "f": where.file_index,
            "n": text(file.original_file_name) or text(file.input_file_path),
            "d": where.document_index,
            "c": self.classes.number(document.class_name, class_label(document.class_name)) if there else None,
            "cc": (document.classification_confidence or None) and number(document.classification_confidence.model),
            "u": True if there and document.class_name is None else None,
            "v": flag(document.validations.final_result_pass) if document.validations else None,
            "r": flag(document.review_completed),
            "p": document.page_numbers or [],
            "l": [[page, *size] for page, size in pages.items()],
            "i": [],
            "e": [_edit(edit) for edit in document.class_edit_history or ()],
            "s": [self._field(field, document.class_name, pages) for field in document.fields or ()],
        }
        return shown

    def _field(self, field: Field, class_name: str | Unset | None, pages: Any) -> list[Any]:
        name = text(field.field_name) or ""
        scores = field.confidence or None
        called = name, encodable(label(self.names, name, class_name))
        line: list[Any] = [
            self.field_names.number(called, called),
            marks(field),
            text(field.value),
            None if text(field.type) is None else self.types.number(field.type, field.type),
            field.error_msg or None,
            scores and number(scores.model),
            scores and number(scores.ocr),
            [place(box, pages) for box in field.source_coordinates or ()],
            [_alert(alert) for alert in (field.validations.alerts if field.validations else ()) or ()],
            [_edit(edit) for edit in field.edit_history or ()],
        ]
        while line[-1] in (None, []):
            line.pop()
        return line

    def _pictures(self, where: DocumentPlace) -> Iterator[tuple[int, bytes]]:
        """The pages that have pictures, each with its picture as a data URL."""
        if self.images is None or where.document_index is None:
            return
        file, document = where.file, where.document
        for page in dict.fromkeys([*(document.page_numbers or ()), *sizes(document)]):
            data = self.images(file, document, page)
            url = None if data is None else to_url(data)
            if url is None:
                self.images_refused += data is not None
            elif self.image_bytes + len(url) > self.max_image_bytes:
                self.images_left_out += 1
            else:
                self.image_bytes += len(url)
                yield page, url


def to_json(value: object) -> bytes:
    """A value as compact JSON that may stand inside a script element."""
    return script_json(_ENCODER.encode(value))


def _dump(compact: Json) -> bytes:
    """The JSON of a document, without members that are not given."""
    return to_json({key: value for key, value in compact.items() if value not in (None, [])})


def text(value: object) -> str | None:
    """The text, or None where there is none."""
    return value if isinstance(value, str) else None


def number(value: object) -> float | None:
    """The number, or None where there is none."""
    return value if isinstance(value, float) else None


def flag(value: object) -> bool | None:
    """The flag, or None where there is none."""
    return value if isinstance(value, bool) else None


def moment(timestamp: str | None) -> str | None:
    """A timestamp of the contract in ISO 8601, which sorts; None for one in another form. No zone: none is given.

    >>> moment("08/27/2025 00:58:39")
    '2025-08-27T00:58:39'
    """
    try:
        return datetime.strptime(timestamp or "", _TIMESTAMP).isoformat()  # noqa: DTZ007 - the zone is not given
    except ValueError:
        return None


def _edit(edit: Edit) -> list[Any]:
    timestamp = text(edit.timestamp)
    messages = [message for change in edit.modifications or () if (message := text(change.message)) is not None]
    line = [timestamp, text(edit.user_id), messages]
    when = moment(timestamp)
    return line if when is None else [*line, when]


def _alert(alert: ValidationAlert | CaseFieldFailure) -> list[Any]:
    if isinstance(alert, CaseFieldFailure):
        return [None, text(alert.msg), text(alert.type), None]
    return [text(alert.alert_level), text(alert.msg), text(alert.type), flag(alert.blocked)]

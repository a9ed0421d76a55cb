"""Documents and fields of a page with their places, and the marks and problems of a field.

The command line, the report and notebooks use the same four words for a field: *failed*, *invalid*, *unsure* and
*edited* (see the functions). `counts` counts them.

Errors at the level of a class, a document or a field do not change the status code: they stand inside the answer.
`problems` lists them all, in the order of the answer.
"""

from collections.abc import Iterator
from typing import Final, Literal, TypeVar

from attrs import field as attribute
from attrs import frozen
from msgspec import Struct

from run_results_api.models import CaseField, Document, Field, File, RunResults, RunStatus
from run_results_api.types import Unset

T = TypeVar("T")

FAILED_VALUE: Final = "ERROR"
"""The value of a field whose extraction failed; a word of the contract."""


def failed(field: Field | CaseField) -> bool:
    """Whether extraction failed: the value is the word `ERROR`, or there is an error message.

    >>> failed(Field(field_name="total", value="ERROR"))
    True
    """
    return field.value == FAILED_VALUE or bool(field.error_msg)


def is_invalid(field: Field | CaseField) -> bool:
    """Whether a validation rule of the field did not pass."""
    return field.validations.valid is False if field.validations else False


def is_invalid_document(document: Document) -> bool:
    """Whether the validation of the document as a whole did not pass."""
    return document.validations.final_result_pass is False if document.validations else False


def is_edited(field: Field | CaseField) -> bool:
    """Whether a reviewer changed the field."""
    return bool(field.edit_history)


def lowest_score(field: Field | CaseField) -> float | None:
    """The lower one of a field's two confidences, from 0 to 1; None where neither is known."""
    scores = field.confidence if isinstance(field, Field) else None
    known = [score for score in (scores.model, scores.ocr) if isinstance(score, float)] if scores else []
    return min(known, default=None)


def is_unsure(field: Field | CaseField, threshold: float) -> bool:
    """Whether the lower one of a field's confidences is below the threshold; never where neither is known."""
    score = lowest_score(field)
    return score is not None and score < threshold


def is_unsure_document(document: Document, threshold: float) -> bool:
    """Whether the confidence of the document's class is below the threshold; never where it is not known."""
    score = document.classification_confidence.model if document.classification_confidence else None
    return isinstance(score, float) and score < threshold


@frozen
class DocumentPlace:
    """A document with its place in the run; or the place of a file without documents.

    Where there is no document, `document_index` is None and `document` is an empty one.
    """

    file_index: int
    """Index of the file in the run."""
    file: File
    document_index: int | None = None
    """Index of the document in the file."""
    document: Document = attribute(factory=Document)


@frozen
class FieldPlace:
    """A field with its place in the run; or the place of a file without documents, or of a document without fields.

    Where there is no file, document or field, its index is None and an empty object takes its place. A cross-class
    field of the packet has neither file nor document.
    """

    file_index: int | None = None
    """Index of the file in the run."""
    file: File = attribute(factory=File)
    document_index: int | None = None
    """Index of the document in the file."""
    document: Document = attribute(factory=Document)
    field_index: int | None = None
    """Index of the field in the document, or among the cross-class fields of the packet."""
    field: Field | CaseField = attribute(factory=Field)

    @property
    def api_name(self) -> str | None:
        """The field's name as the API has it; None where it has none."""
        return _text(self.field.name if isinstance(self.field, CaseField) else self.field.field_name)

    @property
    def class_name(self) -> str | None:
        """The document's class; None where it has none."""
        return _text(self.document.class_name)


def documents(run: RunResults, offset: int = 0) -> Iterator[DocumentPlace]:
    """Every document of one page, and every file without documents, in the order of the answer.

    Args:
        run: The answer of one page.
        offset: The offset of the page, so that file indexes are those of the run.
    """
    for file_index, file in enumerate(_items(run.files), offset):
        if not file.documents:
            yield DocumentPlace(file_index, file)
        for document_index, document in enumerate(file.documents or ()):
            yield DocumentPlace(file_index, file, document_index, document)


def fields(run: RunResults, offset: int = 0) -> Iterator[FieldPlace]:
    """Every field of the documents of one page, and every file or document that has none, in the order of the answer.

    Args:
        run: The answer of one page.
        offset: The offset of the page, so that file indexes are those of the run.
    """
    for place in documents(run, offset):
        where = (place.file_index, place.file, place.document_index, place.document)
        if not place.document.fields:
            yield FieldPlace(*where)
        for index, field in enumerate(place.document.fields or ()):
            yield FieldPlace(*where, index, field)


def case_fields(run: RunResults) -> list[CaseField]:
    """The cross-class fields of the packet, which every page of a run has again."""
    return _items(run.case_info.fields) if run.case_info else []


class Problem(Struct, frozen=True):
    """One thing that failed or is invalid."""

    level: Literal["run", "class", "document", "field"]
    """Where: `run`; `class` (a cross-class field of the packet); `document`; `field` of a document."""
    kind: Literal["failure", "extraction", "classification", "validation"]
    """What: the run failed; a value could not be extracted; a document has no class; a validation rule did not pass."""
    message: str
    """What the server says about it; a short description where it says nothing."""
    name: str | None = None
    """The field's API name; None above the level of fields."""
    class_name: str | None = None
    """The document's class, where there is one."""
    file_index: int | None = None
    """Index of the file in the run."""
    document_index: int | None = None
    """Index of the document in the file."""
    field_index: int | None = None
    """Index of the field in the document, or in the packet's cross-class fields."""


def problems(run: RunResults, offset: int = 0) -> list[Problem]:
    """Every problem of one page, at every level. `offset` is the page's, so that file indexes are those of the run."""
    return list(_problems(run, offset))


def _problems(run: RunResults, offset: int) -> Iterator[Problem]:
    if run.status == RunStatus.FAILED:
        yield Problem("run", "failure", run.message or "the run failed")
    for index, case_field in enumerate(case_fields(run)):
        yield from _case_field_problems(case_field, index)
    for place in documents(run, offset):
        if place.document_index is not None:
            yield from _document_problems(place.document, place.file_index, place.document_index)


def _case_field_problems(field: CaseField, index: int) -> Iterator[Problem]:
    name = _text(field.name)
    if failed(field):
        message = field.error_msg or "the value could not be consolidated"
        yield Problem("class", "extraction", message, name=name, field_index=index)
    if is_invalid(field):
        failures = field.validations.failures if field.validations else []
        messages = [_text(failure.msg) or "no message" for failure in _items(failures)]
        for message in messages or ["a cross-class rule did not pass"]:
            yield Problem("class", "validation", message, name=name, field_index=index)


def _document_problems(document: Document, file_index: int, document_index: int) -> Iterator[Problem]:
    class_name = _text(document.class_name)
    if document.class_name is None:
        message = "the document could not be classified"
        yield Problem("document", "classification", message, None, None, file_index, document_index)
    if is_invalid_document(document):
        message = "the document is invalid"
        yield Problem("document", "validation", message, None, class_name, file_index, document_index)
    for index, field in enumerate(_items(document.fields)):
        place = (_text(field.field_name), class_name, file_index, document_index, index)
        if failed(field):
            message = field.error_msg or "the value could not be extracted"
            yield Problem("field", "extraction", message, *place)
        if is_invalid(field):
            alerts = field.validations.alerts if field.validations else []
            messages = [alert.msg or "no message" for alert in _items(alerts)]
            for message in messages or ["a validation rule did not pass"]:
                yield Problem("field", "validation", message, *place)


def _items(values: list[T] | Unset) -> list[T]:
    return values if isinstance(values, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

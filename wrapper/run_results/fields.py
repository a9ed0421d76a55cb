"""What went wrong in a run that was retrieved all the same.

Errors at the level of a class, a document or a field do not change the status code: they stand inside the answer. This
lists them all, in the order of the answer.
"""

from collections.abc import Iterator
from typing import Final, Literal, TypeVar

from msgspec import Struct

from run_results_api.models import CaseField, Document, Field, RunResults, RunStatus
from run_results_api.types import UNSET, Unset

T = TypeVar("T")

FAILED_VALUE: Final = "ERROR"
"""The value of a field whose extraction failed; a word of the contract."""


class Problem(Struct, frozen=True):
    """One thing that failed or did not pass."""

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


def failed(field: Field | CaseField) -> bool:
    """Whether extraction failed: the value is the word `ERROR`, or there is an error message.

    >>> failed(Field(field_name="total", value="ERROR"))
    True
    """
    return field.value == FAILED_VALUE or bool(field.error_msg)


def problems(run: RunResults, offset: int = 0) -> list[Problem]:
    """Every problem of one page, at every level. `offset` is the page's, so that file indexes are those of the run."""
    return list(_problems(run, offset))


def _problems(run: RunResults, offset: int) -> Iterator[Problem]:
    if run.status == RunStatus.FAILED:
        yield Problem("run", "failure", run.message or "the run failed")
    for index, case_field in enumerate(_items(run.case_info.fields if run.case_info else UNSET)):
        yield from _case_field_problems(case_field, index)
    for file_index, file in enumerate(_items(run.files), offset):
        for document_index, document in enumerate(_items(file.documents)):
            yield from _document_problems(document, file_index, document_index)


def _case_field_problems(field: CaseField, index: int) -> Iterator[Problem]:
    name = _text(field.name)
    if failed(field):
        message = field.error_msg or "the value could not be consolidated"
        yield Problem("class", "extraction", message, name=name, field_index=index)
    if field.validations and field.validations.valid is False:
        messages = [_text(failure.msg) or "no message" for failure in _items(field.validations.failures)]
        for message in messages or ["a cross-class rule did not pass"]:
            yield Problem("class", "validation", message, name=name, field_index=index)


def _document_problems(document: Document, file_index: int, document_index: int) -> Iterator[Problem]:
    class_name = _text(document.class_name)
    if document.class_name is None:
        message = "the document could not be classified"
        yield Problem("document", "classification", message, None, None, file_index, document_index)
    if document.validations and document.validations.final_result_pass is False:
        message = "the document did not pass validation"
        yield Problem("document", "validation", message, None, class_name, file_index, document_index)
    for index, field in enumerate(_items(document.fields)):
        place = (_text(field.field_name), class_name, file_index, document_index, index)
        if failed(field):
            message = field.error_msg or "the value could not be extracted"
            yield Problem("field", "extraction", message, *place)
        if field.validations and field.validations.valid is False:
            messages = [alert.msg or "no message" for alert in _items(field.validations.alerts)]
            for message in messages or ["a validation rule did not pass"]:
                yield Problem("field", "validation", message, *place)


def _items(values: list[T] | Unset) -> list[T]:
    return values if isinstance(values, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

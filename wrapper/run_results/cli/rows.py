"""Pages as rows, one for each field, and rows as the records of `fetch --format jsonl`.

Each record is one line of JSON. The keys are columns of the tables (`run_results.tables.schema`) with their meaning.
Within one fetch every line has the same ones, in this order: the run, the file, the document and the field; then what
`ADDED` has for each include flag that was asked for; and last `unset`: which of the class and the confidences are null
only because the server left them out. `name` is the field's name in the project (by `--names`, else the best guess),
`api_name` the one in the API; `final_result_pass`, `review_completed` and `class_edits` are the document's. The help of
`fetch` is made from the same keys.

A file without documents and a document without fields have one line, whose keys below it are null. The packet's
cross-class fields come first, without file and document, and only when the walk starts at 0, so that a resumed fetch
does not repeat them; their `alerts` are the rules' failures.

Null and unset: null stands for both. Only the class and the confidences can be null in the contract ("could not be
classified", "no score"), and there `unset` tells the two apart; for every other key null means that the server gave no
value of the right type.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from run_results import UNSET, CaseField, Field, Include, NameMap, Page, Unset
from run_results.counts import FieldCounts
from run_results.export.result import Exported
from run_results.fields import FieldPlace, case_fields, failed, fields, is_edited, is_invalid, is_unsure
from run_results_api.models import (
    CaseFieldFailure,
    ClassificationConfidence,
    DocumentValidations,
    FieldConfidence,
    ValidationAlert,
)

MARKS = {
    "failed": Include.NONE,
    "unsure": Include.CONFIDENCE,
    "invalid": Include.VALIDATION,
    "edited": Include.REVIEW,
}
"""The marks of a field, each with the include flag that it needs."""

_NULLABLE = ("class_name", "class_confidence", "model_confidence", "ocr_confidence")


def rows(page: Page) -> Iterator[FieldPlace]:
    """Every row of a page, in the answer's order."""
    if page.offset == 0:
        for index, case_field in enumerate(case_fields(page.run)):
            yield FieldPlace(field_index=index, field=case_field)
    yield from fields(page.run, page.offset)


def marks(row: FieldPlace, threshold: float) -> set[str]:
    """Those of `MARKS` that the row's field has."""
    found = {
        "failed": row.field_index is not None and failed(row.field),
        "unsure": is_unsure(row.field, threshold),
        "invalid": is_invalid(row.field),
        "edited": is_edited(row.field),
    }
    return {mark for mark, holds in found.items() if holds}


def marked(counts: FieldCounts | Exported, names: Iterable[str]) -> str:
    """How many fields have each of these marks, as text."""
    return ", ".join(f"{getattr(counts, name):,} {name}" for name in names)


def label(row: FieldPlace, names: NameMap) -> str | None:
    """The field's name in the project, or the likeliest one."""
    return None if row.api_name is None else names.label(row.api_name, row.class_name)


def type_of(row: FieldPlace) -> str | Unset:
    """The type that the project gives the field; a cross-class field has none."""
    return row.field.type if isinstance(row.field, Field) else UNSET


def confidence(row: FieldPlace) -> FieldConfidence:
    """The confidences of the value; empty where the server gives none."""
    return (row.field.confidence if isinstance(row.field, Field) else UNSET) or FieldConfidence()


def class_confidence(row: FieldPlace) -> ClassificationConfidence:
    """The confidence of the document's class; empty where the server gives none."""
    return row.document.classification_confidence or ClassificationConfidence()


def alerts(row: FieldPlace) -> list[ValidationAlert] | list[CaseFieldFailure] | Unset:
    """The messages of the validation rules."""
    if isinstance(row.field, CaseField):
        return row.field.validations.failures if row.field.validations else UNSET
    return row.field.validations.alerts if row.field.validations else UNSET


ADDED: Mapping[Include, Mapping[str, Callable[[FieldPlace], object]]] = {
    Include.CONFIDENCE: {
        "class_confidence": lambda row: class_confidence(row).model,
        "model_confidence": lambda row: confidence(row).model,
        "ocr_confidence": lambda row: confidence(row).ocr,
    },
    Include.VALIDATION: {
        "final_result_pass": lambda row: (row.document.validations or DocumentValidations()).final_result_pass,
        "valid": lambda row: row.field.validations.valid if row.field.validations else UNSET,
        "alerts": alerts,
    },
    Include.REVIEW: {
        "review_completed": lambda row: row.document.review_completed,
        "class_edits": lambda row: row.document.class_edit_history,
        "edits": lambda row: row.field.edit_history,
    },
    Include.SOURCE: {
        "source": lambda row: row.field.source_coordinates if isinstance(row.field, Field) else UNSET,
    },
}
"""The keys that each include flag adds to a line, and what they have."""


def record(row: FieldPlace, run_id: str, names: NameMap, include: Include) -> dict[str, object]:
    """The row as a line of JSON has it; see the module's docstring."""
    file, document, field = row.file, row.document, row.field
    line: dict[str, object] = {
        "run_id": run_id,
        "file_index": row.file_index,
        "file_name": file.original_file_name,
        "file_path": file.input_file_path,
        "document_index": row.document_index,
        "class_name": document.class_name,
        "page_numbers": document.page_numbers,
        "field_index": row.field_index,
        "name": label(row, names),
        "api_name": row.api_name,
        "value": field.value,
        "type": type_of(row),
        "failed": UNSET if row.field_index is None else failed(field),
        "error": field.error_msg,
    }
    for flag, added in ADDED.items():
        if flag in include:
            line |= {key: member(row) for key, member in added.items()}
    unset = [key for key in _NULLABLE if line.get(key) is UNSET]
    line = {key: None if value is UNSET else value for key, value in line.items()}
    line["unset"] = unset
    return line


def keys(include: Include = Include.NONE) -> list[str]:
    """The keys of a line, in order."""
    return list(record(FieldPlace(), "", NameMap(), include))

"""Pages as rows, one for each field, and rows as the records of `fetch --format jsonl`.

Each record is one line of JSON. The keys are columns of the tables (`run_results.tables.schema`) with their meaning.
Within one fetch every line has the same ones, in this order:

| key | what |
|---|---|
| `run_id` | the run |
| `file_index`, `file_name`, `file_path` | the file: its index in the run, its name, its path on the platform |
| `document_index`, `class_name`, `page_numbers` | the document: its index in the file, its class, its pages, from 0 |
| `field_index` | the field's index in the document |
| `name`, `api_name` | the field's name in the project (by `--names`, else the best guess), and as the API has it |
| `value`, `type` | as the server gave them |
| `failed`, `error` | whether extraction failed, and why |
| `class_confidence`, `model_confidence`, `ocr_confidence` | with `--include confidence` |
| `final_result_pass`, `valid`, `alerts` | with `--include validation`; the first is the document's |
| `review_completed`, `class_edits`, `edits` | with `--include review`; the first two are the document's |
| `source` | with `--include source`: the boxes on the page |
| `unset` | which of the class and the confidences are null here because the server left them out |

A file without documents and a document without fields have one line, whose keys below it are null. The packet's
cross-class fields come first, without file and document, and only when the walk starts at 0, so that a resumed fetch
does not repeat them; their `alerts` are the rules' failures.

Null and unset: null stands for both. Only the class and the confidences can be null in the contract ("could not be
classified", "no score"), and there `unset` tells the two apart; for every other key null means that the server gave no
value of the right type.
"""

from collections.abc import Iterable, Iterator

from run_results import UNSET, CaseField, Field, Include, NameMap, Page, Unset
from run_results.counts import FieldCounts
from run_results.export.result import Exported
from run_results.fields import FieldPlace, case_fields, failed, fields, is_edited, is_invalid, is_unsure
from run_results_api.models import CaseFieldFailure, ClassificationConfidence, FieldConfidence, ValidationAlert

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
    if Include.CONFIDENCE in include:
        line["class_confidence"] = class_confidence(row).model
        line["model_confidence"] = confidence(row).model
        line["ocr_confidence"] = confidence(row).ocr
    if Include.VALIDATION in include:
        line["final_result_pass"] = document.validations.final_result_pass if document.validations else UNSET
        line["valid"] = field.validations.valid if field.validations else UNSET
        line["alerts"] = alerts(row)
    if Include.REVIEW in include:
        line["review_completed"] = document.review_completed
        line["class_edits"] = document.class_edit_history
        line["edits"] = field.edit_history
    if Include.SOURCE in include:
        line["source"] = field.source_coordinates if isinstance(field, Field) else UNSET
    unset = [key for key in _NULLABLE if line.get(key) is UNSET]
    line = {key: None if value is UNSET else value for key, value in line.items()}
    line["unset"] = unset
    return line

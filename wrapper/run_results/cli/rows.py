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
| `unset` | the keys of this line, out of the class and the confidences, whose null is not the server's word |

A file without documents and a document without fields have one line, whose keys below it are null. The packet's
cross-class fields come first, without file and document, and only when the walk starts at 0, so that a resumed fetch
does not repeat them; their `alerts` are the rules' failures.

Null and unset: null stands for both. The contract has a null of its own for the class and the confidences only ("could
not be classified", "no score"), and there `unset` tells the two apart; for every other key null means that the server
gave nothing that fits.
"""

from collections import Counter
from collections.abc import Iterator

import attrs
from attrs import define, frozen

from run_results import UNSET, CaseField, Document, Field, File, Include, NameMap, Page, Unset, failed
from run_results_api.models import CaseFieldFailure, ClassificationConfidence, FieldConfidence, ValidationAlert

MARKS = {
    "failed": Include.NONE,
    "unsure": Include.CONFIDENCE,
    "invalid": Include.VALIDATION,
    "edited": Include.REVIEW,
}
"""What a field can be marked with, and what has to be included to know."""

_NULLABLE = ("class_name", "class_confidence", "model_confidence", "ocr_confidence")


@frozen
class Row:
    """A field in its place; or the place of a file without documents, or of a document without fields.

    Where there is no file, document or field, the index is None and an empty one stands in.
    """

    file_index: int | None = None
    file: File = attrs.field(factory=File)
    document_index: int | None = None
    document: Document = attrs.field(factory=Document)
    field_index: int | None = None
    field: Field | CaseField = attrs.field(factory=Field)

    @property
    def api_name(self) -> str | None:
        """The field's API name."""
        name = self.field.name if isinstance(self.field, CaseField) else self.field.field_name
        return name if isinstance(name, str) else None

    def label(self, names: NameMap) -> str | None:
        """The field's name in the project, as far as it is known."""
        if self.api_name is None:
            return None
        class_name = self.document.class_name
        return names.label(self.api_name, class_name if isinstance(class_name, str) else None)

    @property
    def type(self) -> str | Unset:
        """The type that the project gives the field; a cross-class field has none."""
        return self.field.type if isinstance(self.field, Field) else UNSET

    @property
    def failed(self) -> bool:
        """Whether extraction failed."""
        return failed(self.field)

    @property
    def is_edited(self) -> bool:
        """Whether a reviewer changed the field."""
        return bool(self.field.edit_history)

    @property
    def class_confidence(self) -> ClassificationConfidence:
        """How sure the platform is of the document's class; empty where it does not say."""
        return self.document.classification_confidence or ClassificationConfidence()

    @property
    def confidence(self) -> FieldConfidence:
        """How sure the platform is of the value; empty where it does not say."""
        return (self.field.confidence if isinstance(self.field, Field) else UNSET) or FieldConfidence()

    def is_unsure(self, threshold: float) -> bool:
        """Whether a score that is known is below the threshold."""
        scores = (self.confidence.model, self.confidence.ocr)
        return any(isinstance(score, float) and score < threshold for score in scores)

    @property
    def valid(self) -> bool | Unset:
        """Whether every validation rule passed."""
        return self.field.validations.valid if self.field.validations else UNSET

    def marks(self, threshold: float) -> set[str]:
        """What a reviewer would look at the field for: those of `MARKS` that hold."""
        found = {
            "failed": self.field_index is not None and self.failed,
            "unsure": self.is_unsure(threshold),
            "invalid": self.valid is False,
            "edited": self.is_edited,
        }
        return {mark for mark, holds in found.items() if holds}

    @property
    def alerts(self) -> list[ValidationAlert] | list[CaseFieldFailure] | Unset:
        """What the validation rules have to say."""
        if isinstance(self.field, CaseField):
            return self.field.validations.failures if self.field.validations else UNSET
        return self.field.validations.alerts if self.field.validations else UNSET


def rows(page: Page) -> Iterator[Row]:
    """Every row of a page, in the answer's order."""
    if page.offset == 0 and page.run.case_info:
        for index, case_field in enumerate(page.run.case_info.fields or ()):
            yield Row(field_index=index, field=case_field)
    for file_index, file in enumerate(page.files, page.offset):
        if not file.documents:
            yield Row(file_index, file)
        for document_index, document in enumerate(file.documents or ()):
            if not document.fields:
                yield Row(file_index, file, document_index, document)
            for field_index, field in enumerate(document.fields or ()):
                yield Row(file_index, file, document_index, document, field_index, field)


def record(row: Row, run_id: str, names: NameMap, include: Include) -> dict[str, object]:
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
        "name": row.label(names),
        "api_name": row.api_name,
        "value": field.value,
        "type": row.type,
        "failed": UNSET if row.field_index is None else row.failed,
        "error": field.error_msg,
    }
    if Include.CONFIDENCE in include:
        line["class_confidence"] = row.class_confidence.model
        line["model_confidence"] = row.confidence.model
        line["ocr_confidence"] = row.confidence.ocr
    if Include.VALIDATION in include:
        line["final_result_pass"] = document.validations.final_result_pass if document.validations else UNSET
        line["valid"] = row.valid
        line["alerts"] = row.alerts
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


@define
class Tally:
    """What the pages of a walk hold, counted as they go by."""

    threshold: float
    """Below which a score makes a field unsure."""
    files: int = 0
    documents: int = 0
    fields: int = 0
    """Fields of documents."""
    case_fields: int = 0
    """Cross-class fields of the packet."""
    rows: int = 0
    failed: int = 0
    unsure: int = 0
    edited: int = 0
    problems: Counter[str] = attrs.field(factory=Counter)
    """How many problems at each level."""
    drift: int = 0
    first_drift: str | None = None

    def add_row(self, row: Row) -> None:
        """Count a row."""
        self.rows += 1
        if row.field_index is None:
            return
        if row.file_index is None:
            self.case_fields += 1
        else:
            self.fields += 1
        self.failed += row.failed
        self.unsure += row.is_unsure(self.threshold)
        self.edited += row.is_edited

    def add_page(self, page: Page) -> None:
        """Count a page, but for its rows."""
        self.files += len(page.files)
        self.documents += sum(len(file.documents or ()) for file in page.files)
        for level, number in Counter(problem.level for problem in page.problems()).items():
            # Every page tells of the run and the packet again.
            told = level in ("run", "class")
            self.problems[level] = max(self.problems[level], number) if told else self.problems[level] + number
        self.drift += len(page.breaches)
        if self.first_drift is None and page.breaches:
            self.first_drift = str(page.breaches[0])

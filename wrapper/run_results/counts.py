"""The counts of a run: the library, the command line, exports and reports all take their numbers from here.

    counts = Counts()
    for page in client.pages(run_id, include=Include.ALL):
        counts.add(page)
    print(counts.documents.total, counts.fields.failed)

Fields of documents and cross-class fields of the packet are different things, and are counted apart: `fields` never
includes `case_fields`. docs/glossary.md has the words. What was not asked for is not there, and counts 0: *unsure*
needs confidences, *invalid* validations, and *edited* the review.
"""

from collections.abc import Sequence

from msgspec import Struct, field

from run_results.fields import (
    case_fields,
    failed,
    is_edited,
    is_invalid,
    is_invalid_document,
    is_unsure,
    is_unsure_document,
)
from run_results.page import Page
from run_results_api.models import CaseField, Document, Field, RunStatus

THRESHOLD = 0.8
"""A field is unsure where its lowest score is below this, unless another threshold is chosen."""


class FieldCounts(Struct):
    """How many fields there are, and how many of them have each mark. One field can have several marks."""

    total: int = 0
    failed: int = 0
    """Extraction failed."""
    invalid: int = 0
    """A validation rule did not pass."""
    unsure: int = 0
    """The lowest score is below the threshold."""
    edited: int = 0
    """A reviewer changed the field."""
    need_a_look: int = 0
    """Failed, invalid or unsure: a field with two of these marks counts once. Without a threshold it is 0."""
    problems: int = 0
    """One for each failed field, and one for each message of an invalid one: `Page.problems` lists them."""

    def add(self, fields: Sequence[Field | CaseField], threshold: float | None) -> None:
        """Count these fields. With None for the threshold no field is unsure."""
        failures = sum(map(failed, fields))
        invalid = [each for each in fields if is_invalid(each)]
        self.total += len(fields)
        self.failed += failures
        self.invalid += len(invalid)
        self.edited += sum(map(is_edited, fields))
        self.problems += failures + sum(len(_messages(each)) or 1 for each in invalid)
        if threshold is not None:
            unsure = [is_unsure(each, threshold) for each in fields]
            self.unsure += sum(unsure)
            self.need_a_look += sum(
                low or failed(each) or is_invalid(each) for each, low in zip(fields, unsure, strict=True)
            )


class DocumentCounts(Struct):
    """How many documents there are, and how many of them have each mark."""

    total: int = 0
    unclassified: int = 0
    """The class is null: the document could not be classified."""
    invalid: int = 0
    """The validation of the document as a whole did not pass."""
    unsure: int = 0
    """The confidence of the class is below the threshold."""
    edited: int = 0
    """A reviewer changed the class. Edits of fields are counted at the fields."""
    need_a_look: int = 0
    """Without a class, of an unsure class, or invalid though all its fields are valid. Without a threshold it is 0.

    An invalid document with an invalid field does not count: the field needs the look, and counts among the fields.
    """

    @property
    def problems(self) -> int:
        """One for each mark `unclassified` and `invalid`: `Page.problems` lists them."""
        return self.unclassified + self.invalid

    def add(self, documents: Sequence[Document], threshold: float | None) -> None:
        """Count these documents. With None for the threshold no document is unsure."""
        self.total += len(documents)
        self.unclassified += sum(document.class_name is None for document in documents)
        self.invalid += sum(map(is_invalid_document, documents))
        self.edited += sum(bool(document.class_edit_history) for document in documents)
        if threshold is not None:
            self.unsure += sum(is_unsure_document(document, threshold) for document in documents)
            self.need_a_look += sum(_needs_a_look(document, threshold) for document in documents)


class Counts(Struct):
    """Counts over the pages of a walk.

    >>> counts = Counts()
    >>> counts.files, counts.fields.failed
    (0, 0)
    """

    threshold: float | None = THRESHOLD
    """Below which a score makes a field unsure; None counts no unsure fields, which is faster."""
    files: int = 0
    empty_files: int = 0
    """Files without documents."""
    documents: DocumentCounts = field(default_factory=DocumentCounts)
    fields: FieldCounts = field(default_factory=FieldCounts)
    """Fields of documents."""
    case_fields: FieldCounts = field(default_factory=FieldCounts)
    """Cross-class fields of the packet. Every page has them again; those of the first page are counted."""
    breaches: int = 0
    """Places where an answer broke the contract."""
    first_breach: str | None = None
    run_failed: bool = False
    """Whether the run's status is `FAILED`, on the last page."""
    unfinished: str | None = None
    """The run's status, on the last page, where the run had not finished: it may get more files."""
    is_status_missing: bool = False
    """Whether the last page had no status: nobody can say whether the run had finished."""
    pages: int = 0

    def add(self, page: Page) -> None:
        """Count the next page of the walk."""
        documents = [document for file in page.files for document in file.documents or ()]
        self.files += len(page.files)
        self.empty_files += sum(not file.documents for file in page.files)
        self.documents.add(documents, self.threshold)
        self.fields.add([each for document in documents for each in document.fields or ()], self.threshold)
        if not self.pages:
            self.case_fields.add(case_fields(page.run), self.threshold)
        self.breaches += len(page.breaches)
        if self.first_breach is None and page.breaches:
            self.first_breach = str(page.breaches[0])
        self.run_failed = page.status == RunStatus.FAILED
        self.unfinished = str(page.status) if page.is_finished is False else None
        self.is_status_missing = page.is_finished is None
        self.pages += 1

    @property
    def problems(self) -> dict[str, int]:
        """How many problems there are at each level; `Page.problems` lists those of a page."""
        return {
            "run": int(self.run_failed),
            "class": self.case_fields.problems,
            "document": self.documents.problems,
            "field": self.fields.problems,
        }


def _needs_a_look(document: Document, threshold: float) -> bool:
    if document.class_name is None or is_unsure_document(document, threshold):
        return True
    return is_invalid_document(document) and not any(map(is_invalid, document.fields or ()))


def _messages(field: Field | CaseField) -> Sequence[object]:
    """The messages of the validation rules of a field."""
    if isinstance(field, CaseField):
        return (field.validations.failures if field.validations else ()) or ()
    return (field.validations.alerts if field.validations else ()) or ()

"""Content: parts of a run are left out of every answer. Each part may be absent, so only who knows the run sees it."""

from collections.abc import Callable
from typing import Any
from zlib import crc32

from run_results_conformance.server.terms import JsonObject

from .fault import Fault, Make, Question
from .standard import STATUS_RUNS, WALK, asking, flags
from .steps import CASE, DOCUMENT, FIELD, edited, parts, within

EVERY_STATUS = (*WALK, *(asking(run_id, flags()) for run_id in STATUS_RUNS.values()))


def content(name: str, breach: str, make: Make, *, witness: tuple[Question, ...] = EVERY_STATUS) -> Fault:
    return Fault(name, "content", breach, "content", make, witness=witness)


def _lacks(path: str, name: str, where: Callable[[Any, JsonObject], object] = lambda _value, _part: True) -> Make:
    """A server that leaves out a property of the objects at a path, where the test of its value is true."""

    def leave_out(part: JsonObject) -> None:
        if name in part and where(part[name], part):
            del part[name]

    return edited(within(path, leave_out))


def _some(text: str) -> bool:
    """Whether a text is one of about a third of all, always the same ones."""
    return crc32(text.encode()) % 3 == 0


def _not_ascii(value: Any, _part: JsonObject) -> bool:
    return isinstance(value, str) and not value.isascii()


def _is_null(value: Any, _part: JsonObject) -> bool:
    return value is None


def _is_something(value: Any, _part: JsonObject) -> bool:
    return bool(value)


def _failed(_value: Any, field: JsonObject) -> bool:
    return field.get("value") == "ERROR"


def _lose_last_options(page: JsonObject) -> None:
    for field in parts(page, CASE):
        field["input_fields"] = field.get("input_fields", [])[:-1]


CONTENT = (
    content(
        "documents-lost-of-some",
        "About a third of the files come without their documents.",
        _lacks("files", "documents", lambda _value, file: _some(file["original_file_name"])),
    ),
    content("file-path-lost", "The path of a file is left out.", _lacks("files", "input_file_path")),
    content(
        "file-name-lost-beyond-ascii",
        "The name of a file is left out if it is not ASCII.",
        _lacks("files", "original_file_name", _not_ascii),
    ),
    content(
        "fields-lost-of-some",
        "Documents of one page come without their fields.",
        _lacks(DOCUMENT, "fields", lambda _value, document: len(document.get("page_numbers", ())) == 1),
    ),
    content("class-lost", "The class of a document is left out.", _lacks(DOCUMENT, "class_name")),
    content(
        "class-absent-for-null",
        "The class of a document is left out where it is null.",
        _lacks(DOCUMENT, "class_name", _is_null),
    ),
    content("page-numbers-lost", "The page numbers of a document are left out.", _lacks(DOCUMENT, "page_numbers")),
    content("pdf-path-lost", "The path of a document's PDF is left out.", _lacks(DOCUMENT, "post_processed_pdf_path")),
    content("value-lost-beyond-ascii", "A value that is not ASCII is left out.", _lacks(FIELD, "value", _not_ascii)),
    content("value-lost-when-failed", "The value of a failed field is left out.", _lacks(FIELD, "value", _failed)),
    content(
        "value-lost-when-empty",
        "An empty value is left out.",
        _lacks(FIELD, "value", lambda value, _field: value == ""),
    ),
    content(
        "field-name-lost-of-some",
        "About a third of the fields have no name.",
        _lacks(FIELD, "field_name", lambda name, _field: _some(name)),
    ),
    content("field-type-lost", "The type of a field is left out.", _lacks(FIELD, "type")),
    content("error-msg-lost", "The error message of a failed field is left out.", _lacks(FIELD, "error_msg", _failed)),
    content(
        "alerts-lost",
        "The alerts of a field are left out where there are some.",
        _lacks(f"{FIELD}/validations", "alerts", _is_something),
    ),
    content("alert-msg-lost", "The message of an alert is left out.", _lacks(f"{FIELD}/validations/alerts", "msg")),
    content(
        "alert-locations-lost",
        "The locations of an alert are left out.",
        _lacks(f"{FIELD}/validations/alerts", "locations"),
    ),
    content(
        "ocr-confidence-absent-for-null",
        "The OCR confidence of a field is left out where it is null.",
        _lacks(f"{FIELD}/confidence", "ocr", _is_null),
    ),
    content(
        "modifications-lost",
        "What an edit of a field changed is left out.",
        _lacks(f"{FIELD}/edit_history", "modifications"),
    ),
    content("box-page-lost", "The page of a box is left out.", _lacks(f"{FIELD}/source_coordinates", "page_number")),
    content("case-info-lost", "The cross-class fields of a run are left out.", _lacks("case_info", "fields")),
    content("options-lost", "The options of a cross-class field are left out.", _lacks(CASE, "input_fields")),
    content(
        "option-lost",
        "The last option of each cross-class field is left out.",
        edited(lambda _call, page: _lose_last_options(page)),
    ),
    content(
        "chosen-option-lost", "The chosen option of a cross-class field is left out.", _lacks(CASE, "chosen_field")
    ),
    content(
        "option-name-lost",
        "The field name of an option is left out.",
        _lacks(f"{CASE}/input_fields", "refined_phrase_name"),
    ),
    content("case-error-msg-lost", "The error message of a cross-class field is left out.", _lacks(CASE, "error_msg")),
    content(
        "case-failures-lost",
        "The failures of a cross-class field are left out where there are some.",
        _lacks(f"{CASE}/validations", "failures", _is_something),
    ),
    content("message-lost", "The message of a run is left out.", _lacks("", "message", _is_something)),
    content(
        "message-absent-for-null", "The message of a run is left out where it is null.", _lacks("", "message", _is_null)
    ),
    content("start-lost", "The start of a run is left out.", _lacks("", "start_timestamp")),
    content("finish-lost", "The finish time of a run is left out.", _lacks("", "finish_timestamp", _is_something)),
    content(
        "finish-absent-for-null",
        "The finish time of a paused run is left out where it is null.",
        _lacks("", "finish_timestamp", lambda value, run: value is None and run["status"] == "PAUSED"),
    ),
    content("batch-lost", "The batch of a run is left out.", _lacks("", "batch_id")),
    content("keys-lost", "The keys of a run are left out.", _lacks("", "keys")),
    content("custom-keys-lost", "The custom keys of a run are left out.", _lacks("keys", "custom")),
    content("run-review-lost", "Whether the review of a run is complete is left out.", _lacks("", "review_completed")),
)

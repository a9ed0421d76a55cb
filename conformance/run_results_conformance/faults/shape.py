"""Shape: a value has another JSON type, is null, missing or out of range, or is one level too deep or too high."""

import json

from .fault import Fault, Question
from .standard import EMPTY_RUN, STATUS_RUNS, VALIDATION, WALK, asking, flags, from_offset
from .steps import (
    GONE,
    Change,
    Edit,
    When,
    always,
    asked,
    at,
    each,
    edited,
    gone,
    instead,
    last,
    late,
    later,
    server_with,
    to,
    within,
)

DOCUMENT = "files/documents"
FIELD = "files/documents/fields"
CASE = "case_info/fields"


def shape(name: str, breach: str, *edits: Edit, when: When = always, witness: tuple[Question, ...] = WALK) -> Fault:
    return Fault(name, "shape", breach, "nothing", edited(*edits, when=when), witness=witness)


def _number(text: str) -> object:
    return float(text.replace(",", "")) if text.replace(",", "").replace(".", "", 1).isdigit() else text


def _box(box: dict[str, object]) -> list[object]:
    return [box[name] for name in ("top_x", "top_y", "bottom_x", "bottom_y")]


def _inside(name: str) -> Change:
    return lambda value: {name: value}


SHAPE = (
    # --- The run ---
    shape("id-missing", "The answer has no id.", at("id", gone)),
    shape("id-an-object", "The id is an object that holds it.", at("id", lambda run_id: {"run_id": run_id})),
    shape("status-missing-at-end", "The last page has no status.", at("status", gone), when=last),
    shape("status-null", "The status is null.", at("status", to(None))),
    shape("status-an-object", "The status is an object with a name.", at("status", lambda text: {"name": text})),
    shape("status-a-number", "The status is a number.", at("status", lambda text: len(text))),
    shape(
        "message-an-object",
        "The message of a failed run is an object.",
        at("message", lambda text: {"text": text}),
        when=lambda call: call.status == "FAILED",
        witness=(asking(STATUS_RUNS["FAILED"]),),
    ),
    shape("message-false", "No message is false instead of null or absent.", at("message", instead(None, False))),
    shape("start-timestamp-text", "The start is a text of digits.", at("start_timestamp", str)),
    shape("start-timestamp-null", "The start is null.", at("start_timestamp", to(None))),
    shape(
        "start-timestamp-fraction",
        "The start is in seconds with a fraction.",
        at("start_timestamp", lambda moment: moment // 1000 / 1e6 + 1e-4),
    ),
    shape("start-timestamp-negative", "The start is before 1970.", at("start_timestamp", lambda moment: -moment)),
    shape(
        "start-timestamp-beyond-int64",
        "The start does not fit into 64 bits with a sign.",
        at("start_timestamp", lambda moment: moment + 2**63),
    ),
    shape(
        "finish-timestamp-iso",
        "The finish is a date and time as text.",
        at("finish_timestamp", to("2025-08-27T00:58:39Z")),
    ),
    shape(
        "finish-timestamp-empty-text",
        "The finish of an unfinished run is an empty text.",
        at("finish_timestamp", instead(None, "")),
        witness=(asking(STATUS_RUNS["RUNNING"]),),
    ),
    shape("batch-id-a-number", "The batch's id is a number.", at("batch_id", lambda text: int(text[-5:]))),
    shape("batch-id-null", "The batch's id is null.", at("batch_id", to(None))),
    shape(
        "files-missing-when-empty",
        "There is no files property where there are no files.",
        at("files", lambda files: files or GONE),
        witness=(asking(EMPTY_RUN),),
    ),
    shape(
        "files-null-past-end",
        "The files past the end are null.",
        at("files", instead([], None)),
        witness=from_offset(14, 20),
    ),
    shape(
        "files-by-index",
        "The files are an object with their indexes as keys.",
        at("files", lambda files: {str(index): file for index, file in enumerate(files)}),
    ),
    shape("files-wrapped", "The files stand in an items property of an object.", at("files", _inside("items"))),
    shape(
        "file-alone-at-end",
        "A single file of a last page is not in an array.",
        at("files", lambda files: files[0] if len(files) == 1 else files),
        witness=from_offset(13),
    ),
    shape(
        "files-end-with-null",
        "A null stands after the last file.",
        at("files", lambda files: [*files, None]),
        when=last,
        witness=from_offset(12),
    ),
    shape("keys-null", "The run's keys are null.", at("keys", to(None))),
    shape(
        "custom-keys-a-list",
        "The custom keys are a list of pairs.",
        at("keys/custom", lambda keys: [{"key": key, "value": value} for key, value in keys.items()]),
    ),
    shape("custom-keys-as-json-text", "The custom keys are JSON inside a text.", at("keys/custom", json.dumps)),
    shape("case-info-a-list", "The case information is a list.", at("case_info", lambda info: [info])),
    shape(
        "case-info-null-late",
        "The case information is null from the third page on.",
        at("case_info", to(None)),
        when=late,
    ),
    shape(
        "case-fields-by-name",
        "The cross-class fields are an object with their names as keys.",
        at(CASE, lambda fields: {field["name"]: field for field in fields}),
    ),
    shape(
        "review-completed-null",
        "Whether the run's review is complete is null while it is not.",
        at("review_completed", instead(False, None)),
        witness=(asking(STATUS_RUNS["RUNNING"]),),
    ),
    shape("has-more-text", "has_more is the text true or false.", at("has_more", lambda more: str(more).lower())),
    shape("has-more-a-number", "has_more is 1 or 0.", at("has_more", int)),
    shape(
        "has-more-missing-at-end",
        "has_more is left out where it would be false.",
        at("has_more", lambda more: more or GONE),
    ),
    shape(
        "has-more-null-past-end",
        "has_more is null past the end.",
        at("has_more", to(None)),
        when=lambda call: call.offset >= call.total,
        witness=from_offset(14),
    ),
    shape(
        "has-more-an-offset",
        "has_more is the next offset while there is one.",
        lambda call, page: page.update(has_more=call.end) if call.more else None,
    ),
    Fault(
        "answer-in-data",
        "shape",
        "The whole answer stands inside a data property.",
        "nothing",
        server_with(project=lambda _call, honest, *arguments: {"data": honest(*arguments)}),
        witness=WALK,
    ),
    Fault(
        "answer-in-list",
        "shape",
        "The answer is a list of one.",
        "nothing",
        server_with(project=lambda _call, honest, *arguments: [honest(*arguments)]),
        witness=WALK,
    ),
    Fault(
        "paging-in-meta",
        "shape",
        "has_more stands inside a meta property.",
        "nothing",
        edited(lambda _call, page: page.update(meta={"has_more": page.pop("has_more")})),
        witness=WALK,
    ),
    # --- Files and documents ---
    shape(
        "file-name-null-late",
        "A file's name is null from the third page on.",
        at("files/original_file_name", to(None)),
        when=late,
    ),
    shape(
        "file-path-a-list",
        "A file's path is a list of its parts.",
        at("files/input_file_path", lambda path: path.split("/")),
    ),
    shape(
        "documents-null-when-none",
        "A file without documents has null for them.",
        at("files/documents", instead([], None)),
    ),
    shape(
        "documents-alone",
        "The only document of a file is not in an array.",
        at("files/documents", lambda documents: documents[0] if len(documents) == 1 else documents),
    ),
    shape(
        "documents-twice-nested",
        "A file's documents stand in an array of arrays.",
        at("files/documents", lambda documents: [documents]),
    ),
    shape("class-name-an-object", "The class is an object.", at(f"{DOCUMENT}/class_name", _inside("name"))),
    shape("class-name-false", "No class is false instead of null.", at(f"{DOCUMENT}/class_name", instead(None, False))),
    shape(
        "page-numbers-text",
        "The page numbers are one text, as a printer takes it.",
        at(f"{DOCUMENT}/page_numbers", lambda pages: ",".join(map(str, pages))),
    ),
    shape("page-numbers-texts", "Each page number is a text.", at(f"{DOCUMENT}/page_numbers", each(str))),
    shape(
        "page-numbers-negative", "The first page is -1.", at(f"{DOCUMENT}/page_numbers", each(lambda page: page - 1))
    ),
    shape(
        "page-numbers-nulls",
        "A document without a class has null page numbers.",
        at(f"{DOCUMENT}/page_numbers", each(to(None)), where=lambda document: document["class_name"] is None),
    ),
    shape(
        "fields-by-name",
        "The fields are an object with their names as keys.",
        at(FIELD, lambda fields: {field["field_name"]: field for field in fields}),
    ),
    shape("fields-null-without-class", "A document without a class has null fields.", at(FIELD, instead([], None))),
    shape(
        "document-review-text",
        "Whether a document's review is complete is a text.",
        at(f"{DOCUMENT}/review_completed", str),
    ),
    shape(
        "layouts-by-page",
        "The page layouts are an object with the pages as keys.",
        at(f"{DOCUMENT}/page_layouts", lambda layouts: {str(each_["page_number"]): each_ for each_ in layouts}),
    ),
    shape("layout-width-missing", "A page layout has no width.", at(f"{DOCUMENT}/page_layouts/width", gone)),
    shape(
        "layout-height-null-late",
        "A page layout's height is null on the last page.",
        at(f"{DOCUMENT}/page_layouts/height", to(None)),
        when=last,
    ),
    shape(
        "layout-width-with-unit",
        "A page layout's width is a text with its unit.",
        at(f"{DOCUMENT}/page_layouts/width", lambda width: f"{width}px"),
    ),
    shape(
        "layout-height-negative",
        "A page layout's height is below zero.",
        at(f"{DOCUMENT}/page_layouts/height", lambda height: -height),
    ),
    shape(
        "layout-page-a-half",
        "A page layout's page number is not an integer.",
        at(f"{DOCUMENT}/page_layouts/page_number", lambda page: page + 0.5),
    ),
    shape(
        "processed-paths-text",
        "A single processed path is not in an array.",
        at(f"{DOCUMENT}/post_processed_paths", lambda paths: paths[0] if len(paths) == 1 else paths),
    ),
    shape(
        "processed-paths-objects",
        "The processed paths are objects.",
        at(f"{DOCUMENT}/post_processed_paths", each(_inside("path"))),
    ),
    shape(
        "pdf-path-null",
        "The PDF's path is null where no PDF was made.",
        within(DOCUMENT, lambda document: document.setdefault("post_processed_pdf_path", None)),
        when=lambda call: "include_source_info" in call.flags,
    ),
    shape(
        "class-edits-null-when-none",
        "The edits of a class are null where there are none.",
        at(f"{DOCUMENT}/class_edit_history", instead([], None)),
    ),
    shape(
        "class-edit-user-missing", "An edit of a class has no user.", at(f"{DOCUMENT}/class_edit_history/user_id", gone)
    ),
    shape(
        "document-validations-boolean",
        "The validations of a document are a bare boolean.",
        at(f"{DOCUMENT}/validations", lambda outcome: outcome["final_result_pass"]),
    ),
    shape(
        "final-result-null-when-failed",
        "A document that did not pass has null as its final result.",
        at(f"{DOCUMENT}/validations/final_result_pass", instead(False, None)),
    ),
    shape(
        "class-confidence-a-number",
        "The confidence of a class is a bare number.",
        at(f"{DOCUMENT}/classification_confidence", lambda confidence: confidence["model"]),
    ),
    shape(
        "class-confidence-percent-text",
        "The confidence of a class is a text with a percent sign.",
        at(f"{DOCUMENT}/classification_confidence/model", lambda score: f"{score or 0:.0%}"),
    ),
    # --- Fields ---
    shape(
        "field-name-null-late",
        "A failed field's name is null from the third page on.",
        at(f"{FIELD}/field_name", to(None), where=lambda field: field["value"] == "ERROR"),
        when=late,
    ),
    shape(
        "value-null-when-failed", "The value of a failed field is null.", at(f"{FIELD}/value", instead("ERROR", None))
    ),
    shape("value-a-number", "A value that looks like a number is one.", at(f"{FIELD}/value", _number)),
    shape(
        "value-a-boolean",
        "The value of a tick box is a boolean.",
        at(f"{FIELD}/value", lambda text: {"true": True, "false": False}.get(text, text)),
    ),
    shape(
        "value-of-lines",
        "A value of several lines is a list of them.",
        at(f"{FIELD}/value", lambda text: text.split("\n") if "\n" in text else text),
    ),
    shape("type-an-object", "The type of a field is an object.", at(f"{FIELD}/type", _inside("name"))),
    shape(
        "error-msg-null-when-empty",
        "The error message of a field that did not fail is null.",
        at(f"{FIELD}/error_msg", instead("", None)),
    ),
    shape("error-msg-a-list", "The error message of a field is a list.", at(f"{FIELD}/error_msg", lambda text: [text])),
    shape(
        "boxes-null-when-none",
        "A field that stands nowhere has null boxes.",
        at(f"{FIELD}/source_coordinates", instead([], None)),
    ),
    shape(
        "boxes-alone",
        "The only box of a field is not in an array.",
        at(f"{FIELD}/source_coordinates", lambda boxes: boxes[0] if len(boxes) == 1 else boxes),
    ),
    shape("boxes-as-arrays", "A box is an array of four numbers.", at(f"{FIELD}/source_coordinates", each(_box))),
    shape("box-edge-text", "One edge of a box is a text.", at(f"{FIELD}/source_coordinates/bottom_y", str)),
    shape(
        "box-edge-null-late",
        "One edge of a box is null from the third page on.",
        at(f"{FIELD}/source_coordinates/top_x", to(None)),
        when=late,
    ),
    shape(
        "box-page-negative",
        "A box on the first page is on page -1.",
        at(f"{FIELD}/source_coordinates/page_number", instead(0, -1)),
    ),
    shape(
        "edits-null-when-none",
        "The edits of a field are null where there are none.",
        at(f"{FIELD}/edit_history", instead([], None)),
    ),
    shape(
        "edit-timestamp-a-number",
        "The time of an edit is a number.",
        at(f"{FIELD}/edit_history/timestamp", to(1756256319482113024)),
    ),
    shape(
        "edit-timestamp-missing-in-case",
        "An edit of a cross-class field has no time.",
        at(f"{CASE}/edit_history/timestamp", gone),
    ),
    shape(
        "edit-modifications-texts",
        "The modifications of an edit are texts.",
        at(f"{FIELD}/edit_history/modifications", each(lambda modification: modification["message"] or "")),
    ),
    shape(
        "modification-message-false",
        "A modification without a message has false as its message.",
        at(f"{FIELD}/edit_history/modifications/message", instead(None, False)),
        at(f"{DOCUMENT}/class_edit_history/modifications/message", instead(None, False)),
        at(f"{CASE}/edit_history/modifications/message", instead(None, False)),
    ),
    shape(
        "modification-message-a-list",
        "The message of a modification is a list of words.",
        at(f"{FIELD}/edit_history/modifications/message", lambda text: (text or "").split()),
    ),
    shape(
        "confidence-null-when-failed",
        "A failed field has null confidence.",
        at(f"{FIELD}/confidence", to(None), where=lambda field: field["value"] == "ERROR"),
    ),
    shape(
        "ocr-confidence-text", "No OCR confidence is the text n/a.", at(f"{FIELD}/confidence/ocr", instead(None, "n/a"))
    ),
    shape(
        "model-confidence-a-list",
        "The model's confidence is a list of one.",
        at(f"{FIELD}/confidence/model", lambda score: [score]),
    ),
    shape(
        "validations-null-when-valid",
        "A field that is valid has null validations.",
        at(f"{FIELD}/validations", instead({"valid": True, "alerts": []}, None)),
    ),
    shape(
        "valid-text-alone",
        "valid is a text when nothing but the validations is asked for.",
        at(f"{FIELD}/validations/valid", str),
        when=asked(VALIDATION),
        witness=from_offset(0, query=flags(VALIDATION)),
    ),
    shape(
        "alerts-null-when-none",
        "The alerts are null where there are none.",
        at(f"{FIELD}/validations/alerts", instead([], None)),
    ),
    shape(
        "alerts-by-type",
        "The alerts are an object with their types as keys.",
        at(f"{FIELD}/validations/alerts", lambda alerts: {alert["type"]: alert for alert in alerts}),
    ),
    shape(
        "alert-level-a-number",
        "The level of an alert is a number.",
        at(f"{FIELD}/validations/alerts/alert_level", lambda level: 2 if level == "ERROR" else 1),
    ),
    shape("alert-blocked-text", "Whether an alert blocks is a text.", at(f"{FIELD}/validations/alerts/blocked", str)),
    shape(
        "alert-locations-null",
        "The locations of an alert are null where there are none.",
        at(f"{FIELD}/validations/alerts/locations", instead([], None)),
    ),
    shape(
        "alert-locations-texts",
        "The locations of an alert are texts.",
        at(f"{FIELD}/validations/alerts/locations", each(lambda place: f"page {place['page_number']}")),
    ),
    shape(
        "alert-msg-null-late",
        "The message of an alert is null after the first page.",
        at(f"{FIELD}/validations/alerts/msg", to(None)),
        when=later,
    ),
    # --- Cross-class fields ---
    shape("case-name-missing", "A cross-class field has no name.", at(f"{CASE}/name", gone)),
    shape(
        "case-value-null", "A cross-class field without a value has null.", at(f"{CASE}/value", instead("ERROR", None))
    ),
    shape(
        "options-null-when-none",
        "A cross-class field that nothing feeds has null options.",
        at(f"{CASE}/input_fields", instead([], None)),
    ),
    shape(
        "option-index-text", "The record index of an option is a text.", at(f"{CASE}/input_fields/record_index", str)
    ),
    shape(
        "option-index-negative",
        "The record index of an option counts from -1.",
        at(f"{CASE}/input_fields/record_index", lambda index: index - 1),
    ),
    shape(
        "option-name-null",
        "The field name of an option is null.",
        at(f"{CASE}/input_fields/refined_phrase_name", to(None)),
    ),
    shape(
        "chosen-field-false",
        "A cross-class field that chose nothing has false.",
        at(f"{CASE}/chosen_field", instead(None, False)),
    ),
    shape(
        "chosen-field-a-list",
        "The chosen option is a list of one.",
        at(f"{CASE}/chosen_field", lambda option: option and [option]),
    ),
    shape(
        "chosen-field-index-a-fraction",
        "The chosen option's record index is not an integer.",
        at(f"{CASE}/chosen_field/record_index", lambda index: index + 0.25),
    ),
    shape(
        "case-valid-missing",
        "The validations of a cross-class field do not say whether it is valid.",
        at(f"{CASE}/validations/valid", gone),
    ),
    shape(
        "case-failures-null",
        "The failures of a valid cross-class field are null.",
        at(f"{CASE}/validations/failures", instead([], None)),
    ),
    shape(
        "case-failure-texts",
        "The failures of a cross-class field are texts.",
        at(f"{CASE}/validations/failures", each(lambda failure: failure["msg"])),
    ),
    shape(
        "case-failure-type-missing",
        "A failure of a cross-class field has no type.",
        at(f"{CASE}/validations/failures/type", gone),
    ),
)

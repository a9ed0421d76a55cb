"""Shape: values of fields that do not fit the spec."""

from run_results_conformance.faults.standard import VALIDATION, flags, from_offset
from run_results_conformance.faults.steps import (
    CASE,
    DOCUMENT,
    FIELD,
    Change,
    asked,
    at,
    each,
    gone,
    instead,
    late,
    later,
    to,
)

from .family import shape


def _number(text: str) -> object:
    return float(text.replace(",", "")) if text.replace(",", "").replace(".", "", 1).isdigit() else text


def _box(box: dict[str, object]) -> list[object]:
    return [box[name] for name in ("top_x", "top_y", "bottom_x", "bottom_y")]


def _inside(name: str) -> Change:
    return lambda value: {name: value}


FIELDS_SHAPE = (
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
)

"""Documents of synthetic files, with their fields, edits, alerts and boxes."""

import time
from collections.abc import Sequence

from run_results_conformance.server.terms import JsonObject

from .project import FieldPlan
from .values import Maker, Random, below, pick

EPOCH = 1_735_689_600  # 2025-01-01, in seconds
_FAILED = 0.03  # share of fields that could not be extracted
_CORRECTED = 0.06  # share of fields that a reviewer changed
_FAILURES = ("The value could not be read", "Two candidates with the same score", "Зона не найдена", "")
NO_VALUE = "ERROR"


def make_document(
    r: Random, class_name: str | None, plan: Sequence[FieldPlan], pages: range, stem: str, position: int, reviewed: bool
) -> JsonObject:
    """The document at a position of a file. The paths of what was made from it begin with `stem`."""
    width, height = (1012.0, 638.0) if class_name == "Driver's Licence" else (2550.0, 3300.0)
    fields = [_field(r, name, kind, make, pages, width, height, reviewed) for name, kind, make in plan]
    document: JsonObject = {
        "class_name": class_name,
        "page_numbers": list(pages),
        "fields": fields,
        "review_completed": reviewed,
        "page_layouts": [{"page_number": page, "width": width, "height": height} for page in pages],
        "post_processed_paths": [f"{stem}/page-{page}.png" for page in pages],
        "post_processed_pdf_path": f"{stem}/document-{position}.pdf",
        "class_edit_history": [],
        "validations": {"final_result_pass": all(part["validations"]["valid"] for part in fields)},
        "classification_confidence": {"model": None if class_name is None else _confidence(r)},
    }
    if reviewed and class_name and r() < 0.1:
        document["class_edit_history"] = make_edits(r, f"Class changed from Other to {class_name}")
    if r() < 0.2:
        # Not every app makes PDFs, and the contract does not guarantee the path.
        del document["post_processed_pdf_path"]
    return document


def _field(
    r: Random,
    name: str,
    kind: str,
    make: Maker,
    pages: range,
    width: float,
    height: float,
    reviewed: bool,
) -> JsonObject:
    fate = r()
    if fate < _FAILED:
        result: JsonObject = {
            "field_name": name,
            "value": NO_VALUE,
            "type": kind,
            "error_msg": _FAILURES[int(r() * len(_FAILURES))] or f"No value for {name!r}",
            "source_coordinates": [],
            "edit_history": [],
            "confidence": {"model": None, "ocr": _confidence(r) if r() < 0.5 else None},
            "validations": {
                "valid": False,
                "alerts": [_alert(r, "ERROR", "A value is required", name, pages)],
            },
        }
        return result
    value = make(r)
    result = {
        "field_name": name,
        "value": value,
        "type": kind,
        "source_coordinates": _boxes(r, value, pages, width, height),
        "edit_history": [],
        "confidence": {"model": _confidence(r), "ocr": None if fate > 0.95 else _confidence(r)},
        "validations": {"valid": True, "alerts": []},
    }
    if fate < 0.2:
        result["error_msg"] = ""  # empty means the same as absent
    if fate > 1 - _CORRECTED and reviewed:
        result["edit_history"] = make_edits(r, f"Value changed from {make(r)}")
    elif 0.5 < fate < 0.55:
        level, valid = ("WARNING", True) if r() < 0.5 else ("ERROR", False)
        result["validations"] = {
            "valid": valid,
            "alerts": [_alert(r, level, "Unlikely value", name, pages)],
        }
    return result


def make_edits(r: Random, what: str) -> list[JsonObject]:
    """One to three edits, the oldest first. The last one has the message `what`."""
    moment = EPOCH + 30_000_000 + below(r, 1_000_000)
    edits: list[JsonObject] = []
    messages: list[str | None] = [what, None, "Box drawn anew"]
    for left in range(below(r, 3) if r() < 0.3 else 0, -1, -1):
        moment += 1 + below(r, 5_000)
        edits.append(
            {
                "timestamp": time.strftime("%m/%d/%Y %H:%M:%S", time.gmtime(moment)),
                "user_id": f"reviewer-{1 + below(r, 9)}",
                "modifications": [{"message": message} for message in messages[left : left + 1 + below(r, 2)]],
            }
        )
    return edits


def _confidence(r: Random) -> float:
    """Mostly high, sometimes any value; rounded to three digits, as services do."""
    share = r()
    return round(1 - share / 8 if share < 0.9 else r(), 3)


def _boxes(r: Random, value: str, pages: range, width: float, height: float) -> list[JsonObject]:
    """One box for each line of the value, on one page of the document. Coordinates are multiples of a quarter."""
    page = pages[int(r() * len(pages))]
    left, top = int(r() * width * 2) / 4, int(r() * height * 2) / 4
    return [
        {
            "top_x": left,
            "top_y": top + 40.0 * line,
            "bottom_x": left + min(12.0 * (len(text) or 1), width / 2),
            "bottom_y": top + 40.0 * line + 32.5,
            "page_number": page,
        }
        for line, text in enumerate(value.split("\n"))
    ]


def _alert(r: Random, level: str, message: str, name: str, pages: range) -> JsonObject:
    return {
        "alert_level": level,
        "msg": message,
        "type": pick(r, ("required", "lookup", "cross-field")),
        "blocked": level == "ERROR" and r() < 0.5,
        "locations": [{"page_number": pages[0], "field": name}] if r() < 0.5 else [],
    }

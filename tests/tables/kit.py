"""What the tests of tables share: rows as plain Python sees them in the JSON, with nothing of the code under test.

A column that is not named here must have the member of the JSON that its `source` says.
"""

import json
from collections.abc import Iterator
from typing import Any

from run_results.answer import read
from run_results.include import Include
from run_results.page import Page
from run_results.tables.schema import COLUMNS, What
from run_results_api.types import UNSET

Row = dict[str, Any]


def page_of(answer: Row, offset: int = 0) -> Page:
    """An answer as the page that a client makes of it."""
    body = json.dumps(answer).encode()
    answer = read(body, Include.NONE)
    return Page.of(answer, "r" if answer.run.id is UNSET else answer.run.id, offset, body)


def _failed(field: Row) -> bool:
    return field.get("value") == "ERROR" or bool(field.get("error_msg"))


def _edits(edits: Any) -> Any:
    if edits is None:
        return None
    return [
        {
            "timestamp": edit["timestamp"],
            "user_id": edit["user_id"],
            "modifications": None
            if edit.get("modifications") is None
            else [{"message": change.get("message")} for change in edit["modifications"]],
        }
        for edit in edits
    ]


def _only(items: Any, names: str) -> Any:
    """Each object with these keys, null where it has none."""
    return None if items is None else [{name: item.get(name) for name in names.split()} for item in items]


def _alerts(alerts: Any) -> Any:
    rows = _only(alerts, "alert_level msg type blocked locations")
    for row in rows or ():
        row["locations"] = row["locations"] or None
    return rows


def _checked(field: Row, alerts: Any) -> Row:
    return {
        "failed": _failed(field),
        "error": field.get("error_msg"),
        "valid": field.get("validations", {}).get("valid"),
        "alerts": alerts,
        "edited": None if field.get("edit_history") is None else bool(field["edit_history"]),
        "edits": _edits(field.get("edit_history")),
    }


def _members(table: What, value: Row) -> Row:
    """The columns of a table that have a source, as the JSON has it."""
    row: Row = {}
    for column in COLUMNS[table]:
        if column.source is not None:
            found: Any = value
            for key in column.source.split("."):
                found = (found or {}).get(key)
            row[column.name] = found
    return row


def fields(answer: Row, offset: int) -> Iterator[Row]:
    """The rows of `fields`, but for what depends on the project's names."""
    for file_index, file in enumerate(answer["files"], offset):
        for document_index, document in enumerate(file.get("documents", ())):
            for field_index, field in enumerate(document.get("fields", ())):
                yield {
                    **_members("fields", field),
                    "run_id": answer.get("id", "r"),
                    "file_index": file_index,
                    "file_name": file.get("original_file_name"),
                    "document_index": document_index,
                    "class_name": document.get("class_name"),
                    "field_index": field_index,
                    "api_name": field.get("field_name"),
                    "value": field.get("value"),
                    "type": field.get("type"),
                    "model_confidence": field.get("confidence", {}).get("model"),
                    "ocr_confidence": field.get("confidence", {}).get("ocr"),
                    **_checked(field, _alerts(field.get("validations", {}).get("alerts"))),
                    "source": _only(field.get("source_coordinates"), "top_x top_y bottom_x bottom_y page_number"),
                }


def documents(answer: Row, offset: int) -> Iterator[Row]:
    """The rows of `documents`."""
    for file_index, file in enumerate(answer["files"], offset):
        for document_index, document in enumerate(file.get("documents", ())):
            yield {
                **_members("documents", document),
                "run_id": answer.get("id", "r"),
                "file_index": file_index,
                "file_name": file.get("original_file_name"),
                "document_index": document_index,
                "class_name": document.get("class_name"),
                "class_confidence": document.get("classification_confidence", {}).get("model"),
                "page_numbers": document.get("page_numbers"),
                "page_layouts": _only(document.get("page_layouts"), "page_number width height"),
                "field_count": len(document.get("fields", ())),
                "failed_count": sum(map(_failed, document.get("fields", ()))),
                "review_completed": document.get("review_completed"),
                "final_result_pass": document.get("validations", {}).get("final_result_pass"),
                "class_edits": _edits(document.get("class_edit_history")),
                "post_processed_paths": document.get("post_processed_paths"),
                "post_processed_pdf_path": document.get("post_processed_pdf_path"),
            }


def files(answer: Row, offset: int) -> Iterator[Row]:
    """The rows of `files`; times as microseconds."""
    started, finished = (answer.get(f"{name}_timestamp") for name in ("start", "finish"))
    for file_index, file in enumerate(answer["files"], offset):
        yield {
            **_members("files", file),
            "run_id": answer.get("id", "r"),
            "file_index": file_index,
            "file_name": file.get("original_file_name"),
            "file_path": file.get("input_file_path"),
            "document_count": len(file.get("documents", ())),
            "run_status": answer.get("status"),
            "run_message": answer.get("message"),
            "run_started_at": None if started is None else started // 1000,
            "run_started_at_ns": started,
            "run_finished_at": None if finished is None else finished // 1000,
            "run_finished_at_ns": finished,
            "run_batch_id": answer.get("batch_id"),
            "run_review_completed": answer.get("review_completed"),
            # What the contract does not name stays in `page.raw`.
            "run_keys": None if "keys" not in answer else {k: v for k, v in answer["keys"].items() if k == "custom"},
        }


def case_fields(answer: Row, offset: int) -> Iterator[Row]:
    """The rows of `case_fields`, but for what depends on the project's names."""
    found = answer.get("case_info", {}).get("fields", ()) if offset == 0 else ()
    for field_index, field in enumerate(found):
        chosen = field.get("chosen_field")
        yield {
            **_members("case_fields", field),
            "run_id": answer.get("id", "r"),
            "field_index": field_index,
            "api_name": field["name"],
            "value": field["value"],
            **_checked(field, _only(field.get("validations", {}).get("failures"), "type msg")),
            "input_fields": _only(field.get("input_fields"), "record_index refined_phrase_name"),
            "chosen_field": None if chosen is None else _only([chosen], "record_index refined_phrase_name")[0],
        }


ORACLES = {"fields": fields, "documents": documents, "files": files, "case_fields": case_fields}

"""Shape: values of the run itself that do not fit the spec."""

import json

from run_results_conformance.faults.fault import Fault
from run_results_conformance.faults.standard import EMPTY_RUN, STATUS_RUNS, WALK, asking, from_offset
from run_results_conformance.faults.steps import (
    CASE,
    GONE,
    Change,
    at,
    edited,
    instead,
    last,
    late,
    server_with,
    to,
)

from .family import shape


def _inside(name: str) -> Change:
    return lambda value: {name: value}


RUN_SHAPE = (
    shape("id-an-object", "The id is an object that holds it.", at("id", lambda run_id: {"run_id": run_id})),
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
)

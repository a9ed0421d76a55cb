"""Edits of operations that a maintainer may make, as `tests/edits.py` has those of schemas."""

import copy
from collections.abc import Callable
from typing import Any

from attrs import field, frozen
from tests.edits import TEXT, with_changes

_Spec = dict[str, Any]


@frozen
class OperationChange:
    """One kind of edit of an operation, or a new one; those that work can be made all at once.

    `function` is where the operation is then, below `run_results_api.api`; `arguments` make a request that has `sent`;
    and `answer` is what the operation can read.
    """

    name: str
    edit: Callable[[_Spec], None]
    before: str = "worked"
    refused: str = ""
    function: str = "runs.list_runs"
    arguments: dict[str, Any] = field(factory=dict)
    sent: dict[str, Any] = field(factory=dict)
    answer: str = '{"runs": []}'


def _parameter(name: str, place: str = "query", **more: Any) -> Callable[[_Spec], None]:
    """One more parameter of the list of runs."""
    described = {"schema": TEXT, **more} if "content" not in more else more

    def edit(spec: _Spec) -> None:
        _list_runs(spec)["parameters"].append({"name": name, "in": place, **described})

    return edit


def _list_runs(spec: _Spec) -> Any:
    return next(item["get"] for item in spec["paths"].values() if item["get"]["operationId"] == "list_runs")


def _operation(path: str, name: str | None, method: str = "get", **more: Any) -> Callable[[_Spec], None]:
    """One more operation. None takes away what it would have."""

    def edit(spec: _Spec) -> None:
        described = {"operationId": name, "tags": ["runs"], "responses": _list_runs(spec)["responses"], **more}
        described = {key: value for key, value in described.items() if value is not None}
        spec["paths"][path] = {method: copy.deepcopy(described)}

    return edit


def _answers(schema: Any, status: str = "200", media: str = "application/json") -> dict[str, Any]:
    return {status: {"description": "An answer.", "content": {media: {"schema": schema}}}}


def _rename_path(spec: _Spec) -> None:
    spec["paths"] = {"/v3/runs" if item is _item(spec) else path: item for path, item in spec["paths"].items()}


def _item(spec: _Spec) -> Any:
    return next(item for item in spec["paths"].values() if item["get"]["operationId"] == "list_runs")


def _shared_parameter(spec: _Spec) -> None:
    _item(spec)["parameters"] = [{"name": "trace", "in": "header", "schema": TEXT}]


_LIST = {"type": "array", "items": {"$ref": "#/components/schemas/RunSummary"}}

OPERATIONS = [
    OperationChange("another path", _rename_path, sent={"url": "/v3/runs"}),
    OperationChange("a parameter that is a keyword", _parameter("from"), arguments={"from_": "a"}, sent={"from": "a"}),
    OperationChange(
        "a parameter in camelCase", _parameter("fromTime"), arguments={"from_time": "a"}, sent={"fromTime": "a"}
    ),
    OperationChange("a parameter with a hyphen", _parameter("x-y"), arguments={"x_y": "a"}, sent={"x-y": "a"}),
    OperationChange(
        "a parameter `client`", _parameter("client"), arguments={"client_query": "a"}, sent={"client": "a"}
    ),
    OperationChange(
        "a parameter with several values",
        _parameter("many", schema={"type": "array", "items": TEXT}),
        arguments={"many": ["a", "b"]},
        sent={"many": ["a", "b"]},
    ),
    OperationChange(
        "a parameter that is a date",
        _parameter("day", schema={"type": "string", "format": "date"}),
        arguments={"day": "2025-01-31"},
        sent={"day": "2025-01-31"},
    ),
    OperationChange(
        "a parameter with a default", _parameter("size", schema={"type": "integer", "default": 5}), sent={"size": 5}
    ),
    OperationChange("a cookie", _parameter("crumb", "cookie"), arguments={"crumb": "a"}, sent={"crumb": "a"}),
    OperationChange("a parameter of a whole path", _shared_parameter, arguments={"trace": "a"}, sent={"trace": "a"}),
    OperationChange(
        "one more operation",
        _operation("/v2/apps/things", "list_things"),
        function="runs.list_things",
        sent={"url": "/v2/apps/things"},
    ),
    OperationChange(
        "a required parameter",
        _operation(
            "/v2/needs", "list_needs", parameters=[{"name": "q", "in": "query", "required": True, "schema": TEXT}]
        ),
        function="runs.list_needs",
        arguments={"q": "a"},
        sent={"q": "a"},
    ),
    OperationChange(
        "an operation without operationId", _operation("/v2/nameless", None), function="runs.get_v2_nameless"
    ),
    OperationChange(
        "an operationId with a hyphen", _operation("/v2/hyphen", "list-hyphen"), function="runs.list_hyphen"
    ),
    OperationChange(
        "an operation with a tag of its own", _operation("/v2/own", "list_own", tags=["own"]), function="own.list_own"
    ),
    OperationChange(
        "an operation without a tag",
        _operation("/v2/untagged", "list_untagged", tags=None),
        function="default.list_untagged",
    ),
    OperationChange(
        "a method of its own",
        _operation("/v2/gone", "drop_gone", "delete"),
        function="runs.drop_gone",
        sent={"method": "delete"},
    ),
    OperationChange(
        "an answer that is an array",
        _operation("/v2/array", "list_array", responses=_answers(_LIST)),
        function="runs.list_array",
        answer='[{"id": "r", "status": "COMPLETE", "start_timestamp": 1}]',
    ),
    OperationChange(
        "an answer with its schema in place",
        _operation("/v2/inline", "list_inline", responses=_answers({"type": "object", "properties": {"x": TEXT}})),
        function="runs.list_inline",
        answer='{"x": "a"}',
    ),
    OperationChange(
        "an answer for all statuses of a hundred",
        _operation("/v2/range", "list_range", responses=_answers(_LIST, "2XX")),
        function="runs.list_range",
        answer="[]",
    ),
    # --- Refused ---
    OperationChange(
        "two operations of one name",
        _operation("/v2/again", "listRuns"),
        "generated, and lost one of them",
        "'listRuns' and 'list_runs' would be one function",
    ),
    OperationChange(
        "a parameter with content",
        _parameter("json", content={"application/json": {"schema": TEXT}}),
        "generated, and not sent",
        "the parameter 'json' has no schema, and would not be sent",
    ),
    OperationChange(
        "a part of the path that is not described",
        _operation("/v2/parts/{part}", "list_parts"),
        "10 lines of errors",
        "the part 'part' of the path is not described",
    ),
    OperationChange(
        "a body",
        _operation("/v2/body", "post_body", "post", requestBody={"content": {"application/json": {"schema": TEXT}}}),
        "generated, and not sent",
        "a body would not be sent",
    ),
    OperationChange(
        "an answer that is text",
        _operation("/v2/text", "list_text", responses=_answers(TEXT, media="text/plain")),
        "generated, and could not be read",
        "answers are read as JSON, and text/plain is none",
    ),
    OperationChange(
        "an answer without content",
        _operation("/v2/empty", "list_empty", responses={"204": {"description": "Nothing."}}),
        "generated, and could not be read",
        "an answer without content cannot be read",
    ),
]


def with_operations(changes: "list[OperationChange]") -> _Spec:
    """The contract with several edits of operations."""
    spec = with_changes([])
    for change in changes:
        change.edit(spec)
    return spec

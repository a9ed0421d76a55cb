"""Pairs of contracts, each with the right verdicts, written by hand.

A pair is our contract and an edit of it. The old side may be edited, too, where our contract has nothing of the kind.
Edits are lists of `(place, value)`: the value is put there, and `GONE` takes away what is there. A function is called
with the document and returns the value.
"""

import copy
from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from run_results_conformance.evolve import Document, Verdict
from run_results_conformance.server.contract import load_contract

SAFE, CAUTION, BREAKS = Verdict.SAFE, Verdict.CAUTION, Verdict.BREAKS
GONE = object()

OPERATION = ("paths", "/v2/apps/runs/{run_id}/results", "get")
LIST = ("paths", "/v2/apps/runs", "get")
SCHEMAS = ("components", "schemas")
PARAMETERS = ("components", "parameters")

Edit = tuple[tuple[str | int, ...], Any]


@frozen
class Pair:
    """A change of the contract, and what it means. `place` is a part of the place that must be named."""

    name: str
    edits: list[Edit]
    readers: Verdict
    senders: Verdict
    place: str = ""
    before: list[Edit] = field(factory=list)
    step: str = ""

    def documents(self) -> tuple[Document, Document]:
        """The old and the new contract."""
        old = edited(load_contract().document, self.before)
        return Document(old), Document(edited(old, self.edits))


def edited(document: Any, edits: list[Edit]) -> dict[str, Any]:
    """A document with some places changed. What does not change is shared with the one that is given."""
    made: dict[str, Any] = dict(document)
    for path, value in edits:
        node: Any = made
        for part in path[:-1]:
            node[part] = copy.copy(node[part])
            node = node[part]
        last = path[-1]
        if callable(value):
            node[last] = value(made)
        elif value is GONE:
            del node[last]
        elif isinstance(node, list) and last == "+":
            node.append(value)
        else:
            node[last] = value
    return made


def _property(schema: str, name: str, *more: str | int) -> tuple[str | int, ...]:
    return (*SCHEMAS, schema, "properties", name, *more)


def _operation(*more: str | int) -> tuple[str | int, ...]:
    return (*OPERATION, *more)


def _moved(path: str) -> Callable[[dict[str, Any]], Any]:
    return lambda document: {path if key == OPERATION[1] else key: item for key, item in document["paths"].items()}


_QUERY: dict[str, Any] = {"name": "limit", "in": "query", "schema": {"type": "integer"}}
_OBJECTS = {
    "oneOf": [
        {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "a"}, "x": {"type": "string"}}},
        {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "b"}, "y": {"type": "string"}}},
    ]
}
_OR_NULL = {
    "anyOf": [{"$ref": "#/components/schemas/DocumentValidations"}, {"type": "null"}],
    "x-include": "include_validation_results",
}
_THREE = {"oneOf": [*_OBJECTS["oneOf"], {"type": "object", "properties": {"kind": {"const": "c"}}}]}
_NODE_ITSELF = {"$ref": "#/components/schemas/Node"}
_NODE: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": _NODE_ITSELF}},
}
_CHANGED_NODE = {**_NODE, "properties": {**_NODE["properties"], "name": {"type": ["string", "null"]}}}

PAIRS = [
    # --- Answers: what is there ---
    Pair(
        "a property is new",
        [(_property("Field", "unit"), {"type": "string"})],
        SAFE,
        SAFE,
        "fields[].unit",
        step="minor",
    ),
    Pair(
        "a new property is required",
        [(_property("Field", "unit"), {"type": "string"}), ((*SCHEMAS, "Field", "required"), ["unit"])],
        SAFE,
        SAFE,
        "fields[].unit",
    ),
    Pair("a property is gone", [(_property("Field", "type"), GONE)], BREAKS, SAFE, "fields[].type", step="major"),
    Pair(
        "a property is renamed",
        [(_property("Field", "type"), GONE), (_property("Field", "kind"), {"type": "string"})],
        BREAKS,
        SAFE,
        "fields[].type",
    ),
    Pair(
        "a required property may be absent", [((*SCHEMAS, "Edit", "required"), ["timestamp"])], BREAKS, SAFE, "user_id"
    ),
    Pair("a property is always there", [((*SCHEMAS, "File", "required"), ["documents"])], SAFE, SAFE, "documents"),
    Pair(
        "a property is new where unknown keys were excluded",
        [(_property("PageLayout", "unit"), {"type": "string"})],
        BREAKS,
        SAFE,
        "page_layouts[].unit",
        before=[((*SCHEMAS, "PageLayout", "additionalProperties"), False)],
    ),
    Pair(
        "unknown keys are allowed",
        [((*SCHEMAS, "PageLayout", "additionalProperties"), True)],
        BREAKS,
        SAFE,
        "page_layouts[].*",
        before=[((*SCHEMAS, "PageLayout", "additionalProperties"), False)],
    ),
    Pair("unknown keys are excluded", [((*SCHEMAS, "PageLayout", "additionalProperties"), False)], SAFE, SAFE),
    Pair(
        "free keys have a type",
        [((*SCHEMAS, "CustomKeys", "additionalProperties"), {"type": "string"})],
        SAFE,
        SAFE,
        "custom.*",
    ),
    Pair(
        "free keys lose their type",
        [((*SCHEMAS, "CustomKeys", "additionalProperties"), True)],
        BREAKS,
        SAFE,
        "custom.*",
        before=[((*SCHEMAS, "CustomKeys", "additionalProperties"), {"type": "string"})],
    ),
    # --- Answers: include flags ---
    Pair(
        "a property comes only with a flag",
        [(_property("Field", "type", "x-include"), "include_source_info")],
        BREAKS,
        SAFE,
        "fields[].type",
    ),
    Pair(
        "a property comes without its flag",
        [(_property("Document", "review_completed", "x-include"), GONE)],
        SAFE,
        SAFE,
        "review_completed",
    ),
    Pair(
        "a property comes with another flag",
        [(_property("Document", "review_completed", "x-include"), "include_source_info")],
        BREAKS,
        SAFE,
        "review_completed",
    ),
    Pair(
        "a property is not guaranteed any more",
        [(_property("Document", "page_layouts", "x-include-guaranteed"), False)],
        BREAKS,
        SAFE,
        "page_layouts",
    ),
    Pair(
        "a property is guaranteed",
        [(_property("Document", "post_processed_pdf_path", "x-include-guaranteed"), GONE)],
        SAFE,
        SAFE,
        "post_processed_pdf_path",
    ),
    Pair(
        "a property is new with a flag",
        [(_property("Field", "unit"), {"type": "string", "x-include": "include_source_info"})],
        SAFE,
        SAFE,
        "fields[].unit",
    ),
    # --- Answers: values ---
    Pair("null may come", [(_property("Field", "value", "type"), ["string", "null"])], BREAKS, SAFE, "fields[].value"),
    Pair(
        "null does not come any more",
        [(_property("Document", "class_name", "type"), "string")],
        SAFE,
        SAFE,
        "class_name",
    ),
    Pair("a reference may be null", [(_property("Document", "validations"), _OR_NULL)], BREAKS, SAFE, "validations"),
    Pair(
        "an array becomes a string",
        [(_property("ValidationAlert", "locations"), {"type": "string"})],
        BREAKS,
        SAFE,
        "locations",
    ),
    Pair(
        "an integer may have a fraction",
        [(_property("PageLayout", "page_number", "type"), "number")],
        BREAKS,
        SAFE,
        "page_number",
    ),
    Pair("a number is an integer", [(_property("PageLayout", "width", "type"), "integer")], SAFE, SAFE, "width"),
    Pair(
        "a maximum is gone",
        [
            (_property("PageLayout", "page_number", "maximum"), GONE),
            (_property("PageLayout", "page_number", "format"), GONE),
        ],
        BREAKS,
        SAFE,
        "page_number",
    ),
    Pair(
        "a maximum is higher",
        [
            (_property("PageLayout", "page_number", "maximum"), 2**40),
            (_property("PageLayout", "page_number", "format"), "int64"),
        ],
        BREAKS,
        SAFE,
        "page_number",
    ),
    Pair("a minimum is higher", [(_property("PageLayout", "page_number", "minimum"), 1)], SAFE, SAFE, "page_number"),
    Pair(
        "a minimum becomes exclusive",
        [
            (_property("PageLayout", "width", "minimum"), GONE),
            (_property("PageLayout", "width", "exclusiveMinimum"), 0),
        ],
        SAFE,
        SAFE,
        "width",
    ),
    Pair(
        "an exclusive minimum becomes inclusive",
        [
            (_property("PageLayout", "width", "exclusiveMinimum"), GONE),
            (_property("PageLayout", "width", "minimum"), 0),
        ],
        BREAKS,
        SAFE,
        "width",
        before=[
            (_property("PageLayout", "width", "minimum"), GONE),
            (_property("PageLayout", "width", "exclusiveMinimum"), 0),
        ],
    ),
    Pair("an empty text may come", [(_property("RunResults", "id", "minLength"), GONE)], BREAKS, SAFE, "$.id"),
    Pair("an array has a longest length", [(_property("File", "documents", "maxItems"), 5)], SAFE, SAFE, "documents"),
    Pair(
        "an open list has a new value",
        [((*SCHEMAS, "RunStatus", "enum", "+"), "ARCHIVED")],
        CAUTION,
        SAFE,
        "$.status",
        step="minor",
    ),
    Pair(
        "a closed list has a new value",
        [(_property("Field", "type", "enum"), ["TEXT", "DATE"])],
        BREAKS,
        SAFE,
        "fields[].type",
        before=[(_property("Field", "type", "enum"), ["TEXT"])],
    ),
    Pair(
        "a value of a list is gone",
        [((*SCHEMAS, "RunStatus", "enum"), ["COMPLETE", "RUNNING"])],
        SAFE,
        SAFE,
        "$.status",
    ),
    Pair(
        "a closed list is opened",
        [(_property("Field", "type", "x-extensible-enum"), True)],
        BREAKS,
        SAFE,
        "fields[].type",
        before=[(_property("Field", "type", "enum"), ["TEXT"])],
    ),
    Pair(
        "a list is gone",
        [(_property("Field", "type", "enum"), GONE)],
        BREAKS,
        SAFE,
        "fields[].type",
        before=[(_property("Field", "type", "enum"), ["TEXT"])],
    ),
    Pair("a text has a format", [(_property("Edit", "timestamp", "format"), "date-time")], CAUTION, SAFE, "timestamp"),
    Pair(
        "a text loses its format",
        [(_property("Edit", "timestamp", "format"), GONE)],
        BREAKS,
        SAFE,
        "timestamp",
        before=[(_property("Edit", "timestamp", "format"), "date-time")],
    ),
    Pair(
        "a pattern is new in an answer",
        [(_property("Edit", "timestamp", "pattern"), "^[0-9]")],
        SAFE,
        SAFE,
        "timestamp",
    ),
    Pair(
        "a value may also be a list",
        [
            (
                _property("Document", "post_processed_pdf_path"),
                {
                    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
                    "x-include": "include_source_info",
                    "x-include-guaranteed": False,
                },
            )
        ],
        BREAKS,
        SAFE,
        "post_processed_pdf_path",
    ),
    Pair("any value may come", [(_property("Field", "value"), {})], BREAKS, SAFE, "fields[].value"),
    Pair(
        "a union has one more form",
        [(_property("File", "origin"), _THREE)],
        BREAKS,
        SAFE,
        "origin",
        before=[(_property("File", "origin"), _OBJECTS)],
    ),
    Pair(
        "a union has one form less",
        [(_property("File", "origin"), _OBJECTS)],
        SAFE,
        SAFE,
        "origin",
        before=[(_property("File", "origin"), _THREE)],
    ),
    Pair(
        "null may come inside a schema that contains itself",
        [((*SCHEMAS, "Node"), _CHANGED_NODE)],
        BREAKS,
        SAFE,
        "tree.name",
        before=[((*SCHEMAS, "Node"), _NODE), (_property("File", "tree"), {"$ref": "#/components/schemas/Node"})],
    ),
    Pair(
        "the field-name rule changes",
        [((*SCHEMAS, "ApiFieldName", "x-field-name-rule", "alphabet"), "ascii-identifier")],
        BREAKS,
        SAFE,
        "field_name",
    ),
    # --- Answers: around them ---
    Pair("an error has no message", [((*SCHEMAS, "Error", "required"), [])], BREAKS, SAFE, "message"),
    Pair(
        "a status of errors is described",
        [(_operation("responses", "409"), {"$ref": "#/components/responses/BadRequest"})],
        SAFE,
        SAFE,
        "409",
    ),
    Pair("a status of errors is gone, and another covers it", [(_operation("responses", "403"), GONE)], SAFE, SAFE),
    Pair(
        "another answer means success",
        [(_operation("responses", "202"), {"description": "later"})],
        BREAKS,
        SAFE,
        "202",
    ),
    Pair("the answer is gone", [(_operation("responses", "200"), GONE)], BREAKS, SAFE, "200"),
    Pair(
        "the answer has another media type",
        [(_operation("responses", "200", "content"), {"text/csv": {"schema": {"type": "string"}}})],
        BREAKS,
        SAFE,
        "200",
    ),
    Pair(
        "a required header is gone",
        [(("components", "responses", "Unauthorized", "headers"), {})],
        BREAKS,
        SAFE,
        "www-authenticate",
    ),
    Pair("paging changes", [(_operation("x-pagination", "more"), "more")], BREAKS, BREAKS, "x-pagination"),
    # --- Requests ---
    Pair("a parameter is new", [(_operation("parameters", "+"), _QUERY)], SAFE, SAFE, "query limit"),
    Pair(
        "a parameter is new and required",
        [(_operation("parameters", "+"), {**_QUERY, "required": True})],
        SAFE,
        BREAKS,
        "query limit",
    ),
    Pair("a parameter is required", [((*PARAMETERS, "Context", "required"), True)], SAFE, BREAKS, "header IB-Context"),
    Pair(
        "a parameter is gone",
        [(_operation("parameters"), [{"$ref": "#/components/parameters/RunId"}])],
        BREAKS,
        BREAKS,
        "include_source_info",
    ),
    Pair("a parameter that adds nothing is gone", [(_operation("parameters", 1), GONE)], SAFE, BREAKS, "ib-context"),
    Pair(
        "a parameter is renamed", [((*PARAMETERS, "FileOffset", "name"), "offset")], SAFE, BREAKS, "query file_offset"
    ),
    Pair("a parameter moves", [((*PARAMETERS, "Context", "in"), "query")], SAFE, BREAKS, "ib-context"),
    Pair(
        "a parameter has a lower maximum",
        [((*PARAMETERS, "FileOffset", "schema", "maximum"), 1000)],
        SAFE,
        BREAKS,
        "query file_offset",
    ),
    Pair(
        "a parameter has no maximum",
        [((*PARAMETERS, "FileOffset", "schema", "maximum"), GONE)],
        SAFE,
        SAFE,
        "query file_offset",
    ),
    Pair(
        "a parameter has a pattern",
        [((*PARAMETERS, "RunId", "schema", "pattern"), "^run-")],
        SAFE,
        BREAKS,
        "path run_id",
    ),
    Pair(
        "a parameter may be null",
        [((*PARAMETERS, "FileOffset", "schema", "type"), ["integer", "null"])],
        SAFE,
        SAFE,
        "query file_offset",
    ),
    Pair(
        "a parameter has another type",
        [((*PARAMETERS, "FileOffset", "schema", "type"), "string")],
        SAFE,
        BREAKS,
        "query file_offset",
    ),
    Pair(
        "a parameter has a list of values",
        [((*PARAMETERS, "RunId", "schema", "enum"), ["run-1"])],
        SAFE,
        BREAKS,
        "path run_id",
    ),
    Pair(
        "a parameter has another default",
        [((*PARAMETERS, "FileOffset", "schema", "default"), 1)],
        CAUTION,
        CAUTION,
        "query file_offset",
    ),
    Pair(
        "an include flag is on by default",
        [((*PARAMETERS, "IncludeSourceInfo", "schema", "default"), True)],
        SAFE,
        SAFE,
        "include_source_info",
    ),
    Pair(
        "an include flag is off by default",
        [((*PARAMETERS, "IncludeSourceInfo", "schema", "default"), False)],
        BREAKS,
        CAUTION,
        "include_source_info",
        before=[((*PARAMETERS, "IncludeSourceInfo", "schema", "default"), True)],
    ),
    Pair(
        "a parameter is deprecated",
        [((*PARAMETERS, "Context", "deprecated"), True)],
        CAUTION,
        CAUTION,
        "header IB-Context",
    ),
    Pair(
        "a path parameter has another name",
        [((*PARAMETERS, "RunId", "name"), "id"), (("paths",), _moved("/v2/apps/runs/{id}/results"))],
        SAFE,
        CAUTION,
        "path id",
    ),
    Pair(
        "other credentials are needed",
        [(("components", "securitySchemes", "bearerAuth"), {"type": "apiKey", "in": "header", "name": "X-Key"})],
        SAFE,
        BREAKS,
        "access",
    ),
    Pair("no credentials are needed", [(_operation("security"), [])], SAFE, SAFE, "access"),
    Pair("the path changes", [(("paths",), _moved("/v3/runs/{run_id}"))], BREAKS, BREAKS, "GET /v2/apps"),
    Pair(
        "an operation is new",
        [(("paths", "/v2/apps"), {"get": {"responses": {"200": {"description": "apps"}}}})],
        SAFE,
        SAFE,
        "GET /v2/apps",
    ),
    # --- The list of runs ---
    Pair("the addition is gone", [(("paths", LIST[1]), GONE)], BREAKS, BREAKS, "GET /v2/apps/runs", step="major"),
    Pair(
        "the addition is new",
        [(("paths",), lambda _: dict(load_contract().document["paths"]))],
        SAFE,
        SAFE,
        "GET /v2/apps/runs",
        before=[(("paths", LIST[1]), GONE)],
        step="minor",
    ),
    Pair("the list has no empty end", [((*LIST, "x-pagination", "end"), "last")], BREAKS, BREAKS, "x-pagination"),
    Pair(
        "a filter takes fewer values",
        [((*PARAMETERS, "StatusFilter", "schema", "items"), {"type": "string", "enum": ["FAILED"]})],
        SAFE,
        BREAKS,
        "query status[]",
    ),
    Pair(
        "a list of values is joined by commas",
        [((*PARAMETERS, "StatusFilter", "explode"), False)],
        SAFE,
        BREAKS,
        "query status",
    ),
    Pair(
        "how a list of values is written is left to OpenAPI",
        [((*PARAMETERS, "StatusFilter", keyword), GONE) for keyword in ("style", "explode")],
        SAFE,
        SAFE,
        step="none",
    ),
    Pair("a filter is gone", [((*LIST, "parameters", 1), GONE)], SAFE, BREAKS, "query app_id"),
    Pair("a limit has a maximum", [((*PARAMETERS, "Limit", "schema", "maximum"), 100)], SAFE, BREAKS, "query limit"),
    Pair("a list can be sorted by more", [((*SCHEMAS, "RunSortKey", "enum", "+"), "id")], SAFE, SAFE, "query sort_by"),
    Pair("a list can be sorted by less", [((*SCHEMAS, "RunSortKey", "enum", 1), GONE)], SAFE, BREAKS, "query sort_by"),
    Pair(
        "a listed run may have no start",
        [((*SCHEMAS, "RunSummary", "required"), ["id", "status"])],
        BREAKS,
        SAFE,
        "200 $.runs[].start_timestamp",
    ),
    Pair("a listed run has no tags", [(_property("RunSummary", "tags"), GONE)], BREAKS, SAFE, "200 $.runs[].tags"),
    Pair(
        "a listed run has an owner",
        [(_property("RunSummary", "owner"), {"type": "string"})],
        SAFE,
        SAFE,
        "200 $.runs[].owner",
    ),
    Pair("the address changes", [(("servers",), [{"url": "https://runs.example/api"}])], CAUTION, CAUTION, "servers"),
    Pair("the operation is deprecated", [(_operation("deprecated"), True)], CAUTION, CAUTION, "GET"),
    Pair("generated code has another function", [(_operation("operationId"), "results")], CAUTION, CAUTION, "GET"),
    # --- Nothing that anybody can meet ---
    Pair(
        "only words change",
        [((*SCHEMAS, "Field", "description"), "One field."), (_property("Field", "value", "description"), "Text.")],
        SAFE,
        SAFE,
        step="patch",
    ),
    Pair(
        "an example changes", [(("components", "examples", "Lean", "value", "id"), "run-2")], SAFE, SAFE, step="patch"
    ),
    Pair(
        "a reference is written out",
        [(_property("RunResults", "status"), lambda document: document["components"]["schemas"]["RunStatus"])],
        SAFE,
        SAFE,
        step="patch",
    ),
    Pair(
        "allOf around a reference",
        [(_property("RunResults", "status"), {"allOf": [{"$ref": "#/components/schemas/RunStatus"}]})],
        SAFE,
        SAFE,
        step="none",
    ),
    Pair(
        "null is written as anyOf",
        [(_property("Document", "class_name"), {"anyOf": [{"type": "string"}, {"type": "null"}]})],
        SAFE,
        SAFE,
        step="patch",
    ),
    Pair(
        "a schema is renamed",
        [
            ((*SCHEMAS, "Box"), lambda document: document["components"]["schemas"]["SourceCoordinates"]),
            (_property("Field", "source_coordinates", "items"), {"$ref": "#/components/schemas/Box"}),
        ],
        SAFE,
        SAFE,
        step="none",
    ),
]

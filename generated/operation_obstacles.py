"""What in the operations of the contract cannot be generated: each with its place, what it is, and what to do.

The generator writes code for most of these, and the code loses something: an operation, a parameter, a body.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

JsonObject = Mapping[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def operation_obstacles(spec: JsonObject) -> Iterator[tuple[str, str, str]]:
    """Pointer, what, and what to do, for each obstacle in an operation."""
    seen: dict[str, str] = {}
    for path, item in spec.get("paths", {}).items():
        for method in (method for method in METHODS if method in item):
            pointer = f"#/paths/{path.replace('~', '~0').replace('/', '~1')}/{method}"
            operation = item[method]
            name = str(operation.get("operationId", f"{method} {path}"))
            same = re.sub(r"[^a-z0-9]", "", name.lower())
            if same in seen:
                yield pointer, f"{name!r} and {seen[same]!r} would be one function", "give it another operationId"
            seen[same] = name
            yield from _parameters(spec, path, item, operation, pointer)
            if "requestBody" in operation:
                yield f"{pointer}/requestBody", "a body would not be sent", "describe what is sent as parameters"
            yield from _answers(spec, operation, pointer)


def _parameters(
    spec: JsonObject, path: str, item: JsonObject, operation: JsonObject, pointer: str
) -> Iterator[tuple[str, str, str]]:
    listed = [_followed(spec, node) for node in (*item.get("parameters", ()), *operation.get("parameters", ()))]
    for parameter in listed:
        if "schema" not in parameter:
            what = f"the parameter {parameter.get('name')!r} has no schema, and would not be sent"
            yield pointer, what, "give it a schema in place of content"
    described = {parameter.get("name") for parameter in listed if parameter.get("in") == "path"}
    for name in re.findall(r"\{([^}]*)\}", path):
        if name not in described:
            yield pointer, f"the part {name!r} of the path is not described", "add a parameter in: path with this name"


def _answers(spec: JsonObject, operation: JsonObject, pointer: str) -> Iterator[tuple[str, str, str]]:
    for status, node in operation.get("responses", {}).items():
        content = _followed(spec, node).get("content", {})
        place = f"{pointer}/responses/{status}"
        if not content:
            yield place, "an answer without content cannot be read", "give it a JSON schema, or leave it to default"
        for media in content:
            if not re.fullmatch(r"application/([\w.-]+\+)?json", media.partition(";")[0].strip()):
                yield place, f"answers are read as JSON, and {media} is none", "leave the media type out"


def _followed(spec: JsonObject, node: JsonObject) -> JsonObject:
    for _ in range(20):
        if "$ref" not in node:
            break
        _, kind, name = str(node["$ref"]).rsplit("/", 2)
        node = spec["components"][kind][name]
    return node

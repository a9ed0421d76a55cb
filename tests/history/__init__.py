"""The public contract over the years: its shapes, documents with them, and answers of that time.

`shapes.json` lists what each public version changed of the answer, places and types, and which include flags it added;
no words. Everything else here is made from it.
"""

import copy
import itertools
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

_PATH = "/v2/apps/runs/{run_id}/results"
_LIST = "/v2/apps/runs"


@cache
def _steps() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(Path(__file__).with_name("shapes.json").read_text("utf-8"))["versions"]
    return listed


def dates() -> list[str]:
    """The dates of the versions whose answer differs from the one before, oldest first."""
    return [step["date"] for step in _steps()]


def shapes(date: str) -> dict[str, dict[str, Any]]:
    """Each place of an answer of that version, with its type."""
    found: dict[str, dict[str, Any]] = {}
    for step in _steps():
        for place in step["drop"]:
            del found[place]
        found |= step["set"]
        if step["date"] == date:
            return found
    raise KeyError(date)


def document(date: str, *, whole: bool = False) -> dict[str, Any]:
    """An OpenAPI 3.0 document of that version, in the style of vendors: with `nullable`, without words.

    A `whole` document has the list of runs, and another operation, which is none of our business, and broken.
    """
    root: dict[str, Any] = {}
    for place, shape in sorted(shapes(date).items()):
        _place(root, place, copy.deepcopy(shape))
    flags = [flag for step in _steps() if step["date"] <= date for flag in step.get("flags", ())]
    query = [
        {"name": f"include_{flag}", "in": "query", "schema": {"type": "boolean", "default": False}} for flag in flags
    ]
    parameters = [
        {"name": "run_id", "in": "path", "required": True, "schema": {"type": "string"}},
        *query,
        {"name": "file_offset", "in": "query", "schema": {"type": "integer", "default": 0}},
        {"name": "IB-Context", "in": "header", "schema": {"type": "string"}},
    ]
    error = {"type": "object", "properties": {"message": {"type": "string"}}}
    operation = {
        "operationId": "run-results",
        "parameters": parameters,
        "responses": {
            "200": {"description": "", "content": {"application/json": {"schema": root}}},
            "default": {"description": "", "content": {"application/json": {"schema": error}}},
        },
    }
    other = {
        "get": {
            "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/no"}}}}}
        }
    }
    return {
        "openapi": "3.0.1",
        "info": {"title": "the platform", "version": date},
        "servers": [{"url": "https://aihub.instabase.com/api"}],
        "paths": {_PATH: {"get": operation}, **({_LIST: _list(), "/v2/batches": other} if whole else {})},
    }


def _list() -> dict[str, Any]:
    """The list of runs as the vendor describes it: types of parameters and members, and nothing of bounds."""
    text, number, texts = {"type": "string"}, {"type": "integer"}, {"type": "array", "items": {"type": "string"}}
    query: dict[str, dict[str, Any]] = {
        **dict.fromkeys(("app_id", "app_name", "deployment_id", "username", "run_id"), text),
        **dict.fromkeys(("status", "output_workspaces"), texts),
        **dict.fromkeys(("from_timestamp", "to_timestamp", "limit", "offset"), number),
        "sort_by": {"type": "string", "enum": ["start_timestamp", "status"]},
        "order": {"type": "string", "enum": ["ASCENDING", "DESCENDING"]},
    }
    parameters = [{"name": name, "in": "query", "schema": schema} for name, schema in query.items()]
    members = {
        **dict.fromkeys(("id", "msg", "input_dir", "app_id", "deployment_id"), text),
        **dict.fromkeys(("start_timestamp", "batch_id"), number),
        "status": {
            "type": "string",
            "enum": ["CANCELLED", "COMPLETE", "FAILED", "PAUSED", "RUNNING", "STOPPED_AT_CHECKPOINT"],
        },
        "finish_timestamp": {"type": "integer", "nullable": True},
        "tags": texts,
    }
    run = {"type": "object", "properties": members}
    answer = {"type": "object", "properties": {"runs": {"type": "array", "items": run}}}
    error = {"type": "object", "properties": {"message": text}}
    operation = {
        "operationId": "list-runs",
        "parameters": [*parameters, {"name": "IB-Context", "in": "header", "schema": text}],
        "responses": {
            "200": {"description": "", "content": {"application/json": {"schema": answer}}},
            "default": {"description": "", "content": {"application/json": {"schema": error}}},
        },
    }
    return {"get": operation, "post": {"operationId": "run-app", "responses": {"200": {"description": ""}}}}


RUN_ID = "run-of-old"
FILES = 5
_NESTED = {"files": 2, "documents": 2, "fields": 2}
_TIMES = {"start_timestamp": 1_756_256_319_482_113_024, "finish_timestamp": 1_756_256_464_119_870_976}


def answer(date: str, offset: int = 0, size: int = 2) -> dict[str, Any]:
    """A page of a run in that version: every place that it has is there, no two texts or numbers are equal.

    What the run says of itself is the same on every page.
    """
    schema = document(date)["paths"][_PATH]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    everything = dict(schema["properties"])
    files = everything.pop("files")
    numbers = itertools.count(1000)
    page = {name: _value(node, name, numbers) for name, node in everything.items()}
    made = [_value(files["items"], "file", numbers) for _ in range(FILES)]
    for index, file in enumerate(made):
        file["original_file_name"] = f"{index}.pdf"
    page |= {name: value for name, value in _TIMES.items() if name in page}
    page |= {"id": RUN_ID} if "id" in page else {}
    page |= {"status": "COMPLETE"} if "status" in page else {}
    return {**page, "files": made[offset : offset + size], "has_more": offset + size < FILES}


def _value(node: dict[str, Any], name: str, numbers: Iterator[int]) -> Any:
    number = next(numbers)
    match node.get("type"):
        case "object" if "properties" in node:
            return {key: _value(part, key, numbers) for key, part in node["properties"].items()}
        case "object":
            return {f"key_{number}": f"free {number}"}
        case "array":
            return [_value(node["items"], name, numbers) for _ in range(_NESTED.get(name, 1))]
        case "integer":
            return number
        case "number":
            return number / 8
        case "boolean":
            return True
    return f"{name}_{number}"


def leaves(value: Any) -> list[Any]:
    """The values of an answer that are neither objects nor arrays."""
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    return [leaf for part in value for leaf in leaves(part)] if isinstance(value, list) else [value]


def _place(root: dict[str, Any], place: str, shape: dict[str, Any]) -> None:
    node = root
    for part in place.split(".")[1:]:
        name = part.rstrip("[]")
        node = node.setdefault("properties", {}).setdefault(name, {})
        for _ in range(part.count("[]")):
            node = node.setdefault("items", {})
    node |= shape

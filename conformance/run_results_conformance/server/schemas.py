"""The JSON Schemas of the files that people write: run files, and manifests.

They are made from the contract, so they follow it. `run-results-conformance schema` prints them, for editors and other
validators; the same schemas check the files when they are read.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .contract import Contract
from .run_list import FILTERS, LIST_RUNS
from .terms import JsonObject

DIALECT = "https://json-schema.org/draft/2020-12/schema"
CONTEXT = "x-context"
"""The key of a run file that names the run's context."""
LISTING = "x-listing"
"""The key of a run file that has what only the list of runs knows of the run."""
EDITOR = "$schema"
"""A key that both kinds of files may have for the sake of editors. It says nothing about runs."""


def run_file_schema(contract: Contract) -> JsonObject:
    """The schema of a run file: a whole run, with everything that an include flag guarantees."""
    schema = _own_definitions(contract.run_schema, "Run")
    run = schema["$defs"]["Run"]
    context = {**_context(contract), "description": "The context of the run; without it the nameless one."}
    run["properties"] = {EDITOR: _editor(), CONTEXT: context, LISTING: _listing(contract), **run["properties"]}
    title = "A run, in a file for `serve --runs` and the pytest plugin"
    return {"$schema": DIALECT, "title": title, **schema}


def manifest_schema(contract: Contract) -> JsonObject:
    """The schema of a manifest. Of a run only the id is needed; parts of runs may be left out, but not misspelt."""
    schema = _own_definitions(contract.partial_run_schema, "Run")
    definitions = schema["$defs"]
    run = definitions.pop("Run")
    files = run["properties"].pop(contract.pagination.items)
    run.pop("required", None)
    definitions |= {
        "Properties": {**run, "description": "What every answer says of the run as a whole, by the contract's names."},
        "Run": _known_run(contract, files),
    }
    for node in _objects(definitions):
        if node.pop("x-extensible-enum", False):  # a server may be newer than this contract
            node["examples"] = node.pop("enum")
    return {
        "$schema": DIALECT,
        "title": "A manifest: what is known of a server's runs, for `check --manifest`",
        "type": "object",
        "additionalProperties": False,
        "required": ["runs"],
        "properties": {
            EDITOR: _editor(),
            "runs": {"type": "array", "description": "What is known, run by run.", "items": {"$ref": "#/$defs/Run"}},
        },
        "$defs": definitions,
    }


def _known_run(contract: Contract, files: JsonObject) -> JsonObject:
    properties: JsonObject = {
        "id": {"type": "string", "minLength": 1, "description": "The id of the run. The only key that is needed."},
        "context": {
            "anyOf": [_context(contract), {"type": "null"}],
            "description": "The context that the run is in: null for the nameless one. Without this key it is the one "
            "that is named with --context.",
        },
        "files": {"type": "integer", "minimum": 0, "description": "The number of files of the run."},
        "status": {"$ref": "#/$defs/RunStatus"},
        "names": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The project's own names of all fields that can occur: `due date`, not `due_date`.",
        },
        "properties": {"$ref": "#/$defs/Properties"},
        "content": {**files, "description": "All files of the run, in their order, under the project's own names."},
        "readable": {"type": "boolean", "description": "Whether the token that is used may read the run."},
    }
    return {"type": "object", "additionalProperties": False, "required": ["id"], "properties": properties}


def _context(contract: Contract) -> JsonObject:
    header = next(each for each in contract.parameters.values() if each.place == "header")
    return dict(header.schema)


def _listing(contract: Contract) -> JsonObject:
    described: JsonObject = {"type": "object", "description": "What only the list of runs has of it."}
    runs = contract.operations.get(LIST_RUNS)
    if runs is not None:
        item = runs.resolve(runs.resolve(runs.answer_schema)["properties"][runs.pagination.items]["items"])
        known = contract.resolve(contract.answer_schema)["properties"]
        named = {name: dict(node) for name, node in item["properties"].items() if name not in known and name != "msg"}
        named["batch_id"] = dict(item["properties"]["batch_id"])
        text = {"type": "string", "minLength": 1}
        described["properties"] = {**named, **{name: text for name in FILTERS if name not in named}}
        described["additionalProperties"] = False
    return described


def _editor() -> JsonObject:
    return {"type": "string", "description": "The schema of this file, for editors."}


def _own_definitions(schema: JsonObject, root: str) -> JsonObject:
    """The schema with those of the contract's schemas that it uses as `$defs`; its main one is called `root`."""
    schema = json.loads(json.dumps(schema))
    schemas = schema.pop("components")["schemas"]
    main = str(schema["$ref"]).rpartition("/")[2]
    kept: JsonObject = {}
    under_way = [main]
    while under_way:
        name = under_way.pop()
        if name in kept:
            continue
        kept[name] = schemas[name]
        for node in _objects(schemas[name]):
            if isinstance(node.get("$ref"), str):
                under_way.append(node["$ref"].rpartition("/")[2])
                node["$ref"] = node["$ref"].replace("#/components/schemas/", "#/$defs/")
    definitions = {name: kept[name] for name in schemas if name in kept and name != main}
    return {"$ref": f"#/$defs/{root}", "$defs": {root: kept[main], **definitions}}


def _objects(value: Any) -> Iterator[JsonObject]:
    """Every object in a JSON value, at any depth."""
    if isinstance(value, dict):
        yield value  # pyright: ignore[reportUnknownVariableType]
    parts: Any = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for part in list(parts):
        yield from _objects(part)

"""The parts of a contract that other places show: the properties of an answer, and the include flags."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from run_results_conformance.server.contract import Contract

JsonObject = Mapping[str, Any]


@frozen
class Part:
    """A property of an answer, or an include flag."""

    name: str
    """`Field.value`, or the parameter's name."""
    key: str
    schema: JsonObject = field(repr=False, factory=dict)
    is_required: bool = False
    gates: tuple[str, ...] = ()
    """The properties that a flag adds, by name; empty for a property."""


def properties(contract: Contract) -> list[Part]:
    """Every property of an answer, however deep, once for each schema."""
    found: dict[str, Part] = {}

    def visit(node: JsonObject, owner: str) -> None:
        owner = str(node["$ref"]).rpartition("/")[2] if "$ref" in node else owner
        described = contract.resolve(node)
        for branch in _branches(described):
            visit(branch, owner)
        if "items" in described:
            visit(described["items"], f"{owner}[]")
        for key, inner in described.get("properties", {}).items():
            if (name := f"{owner}.{key}") not in found:
                inner = {} if inner is True else inner
                found[name] = Part(name, key, inner, key in described.get("required", ()))
                visit(inner, name)

    visit(contract.answer_schema, "")
    return list(found.values())


def flags(contract: Contract) -> list[Part]:
    """Every include flag, with the properties that it adds."""
    parts = properties(contract)
    return [
        Part(flag, flag, gates=tuple(part.name for part in parts if part.schema.get("x-include") == flag))
        for flag in contract.flags
    ]


def objects(contract: Contract, node: JsonObject, value: Any, owner: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a value whose schema has properties, with the schema's name."""
    owner = str(node["$ref"]).rpartition("/")[2] if "$ref" in node else owner
    schema = contract.resolve(node)
    for branch in _branches(schema):
        yield from objects(contract, branch, value, owner)
    if isinstance(value, list):
        for item in value:
            yield from objects(contract, schema.get("items", {}), item, f"{owner}[]")
    elif isinstance(value, dict) and "properties" in schema:
        yield owner, value
        for key, inner in schema["properties"].items():
            if key in value and inner is not True:
                yield from objects(contract, inner, value[key], f"{owner}.{key}")


def _branches(schema: JsonObject) -> Iterator[JsonObject]:
    for keyword in ("allOf", "anyOf", "oneOf"):
        yield from schema.get(keyword, ())

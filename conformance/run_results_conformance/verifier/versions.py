"""The versions that the public contract has had, and which of them a server speaks.

Each version is made from the contract of today, by undoing what later versions changed: properties that came with them
(`x-since`), and other changes (`_CHANGES`). `docs/contract.md`, "Earlier versions", says how the client reads them.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from attrs import frozen

from run_results_conformance.server.contract import Contract
from run_results_conformance.server.terms import JsonObject

from .spec_view import spec_view_of

FIRST = "2024-10-17"
"""The day of the first public version."""

Answer = tuple[Any, frozenset[str] | None]
"""The body of a 200, with the flags of the request (None: it is open which they were)."""

_Undo = Callable[[JsonObject], None]


def _as(schema: str, name: str, **shape: Any) -> _Undo:
    """The property with another shape; what its flag is, and since when it is there, stays."""

    def undo(schemas: JsonObject) -> None:
        properties = schemas[schema]["properties"]
        kept = {key: part for key, part in properties.get(name, {}).items() if key.startswith(("x-include", "x-since"))}
        properties[name] = {**shape, **kept}

    return undo


def _named(schema: str, name: str, before: str) -> _Undo:
    def undo(schemas: JsonObject) -> None:
        properties = schemas[schema]["properties"]
        properties[before] = properties.pop(name)

    return undo


def _optional(schema: str) -> _Undo:
    return lambda schemas: schemas[schema].pop("required")


_CHANGES: Mapping[str, tuple[_Undo, ...]] = {
    "2026-01-15": (_as("ValidationAlert", "locations", type="object"),),
    "2026-01-13": (_named("RunResults", "message", "msg"),),
    "2025-09-05": (_optional("Edit"),),
    "2025-06-26": (_as("Document", "post_processed_pdf_path", type="array", items={"type": "string"}),),
    "2025-03-12": (_as("Document", "doc_id", type="integer"),),
}
"""The day of each version that changed a property, and how to undo the change."""


def _days(schemas: JsonObject) -> list[str]:
    """The days of the versions that changed the shape of an answer, newest first."""
    properties = (node for schema in schemas.values() for node in schema.get("properties", {}).values())
    since = {node["x-since"] for node in properties if isinstance(node, dict) and "x-since" in node}
    return sorted(since | _CHANGES.keys(), reverse=True)


def _leave_out(schemas: JsonObject, day: str) -> None:
    """Take away the properties that came on that day."""
    for schema in schemas.values():
        properties = schema.get("properties", {})
        new = [name for name, node in properties.items() if isinstance(node, dict) and node.get("x-since") == day]
        for name in new:
            del properties[name]
        if "required" in schema:
            schema["required"] = [name for name in schema["required"] if name not in new]


@frozen(eq=False)
class Version:
    """An earlier version of the contract: from `since` on, and before `until`."""

    since: str
    until: str
    contract: Contract

    def __str__(self) -> str:
        return f"{self.since}, which held until {self.until}"


@cache
def earlier_versions(contract: Contract) -> tuple[Version, ...]:
    """The versions before a contract, newest first; none where it is not the public one and has other schemas."""
    document, found = copy.deepcopy(dict(contract.document)), list[Version]()
    schemas = document["components"]["schemas"]
    days = _days(schemas)
    for until, since in zip(days, [*days[1:], FIRST], strict=True):
        _leave_out(schemas, until)
        try:
            for undo in _CHANGES.get(until, ()):
                undo(schemas)
        except KeyError:
            return ()
        found.append(Version(since, until, Contract(copy.deepcopy(document))))
    return tuple(found)


def version_of(contract: Contract, answers: Sequence[Answer]) -> Version | None:
    """The earlier version that the answers fit better than this contract; None where there is none.

    A version can be the one only if it has every key in the answers that any version has. Of those with the fewest
    breaches it is the oldest: the later ones have keys that no answer has.
    """
    versions = earlier_versions(contract)
    every = {place for each in (contract, *(version.contract for version in versions)) for place in places_of(each)}
    seen = {place for value, _ in answers for place in _seen(value, ())} & every
    possible = [version for version in reversed(versions) if seen <= places_of(version.contract)]
    if not possible:
        return None
    left = [_breaches(version.contract, answers) for version in possible]
    fewest = min(left)
    is_of_today = seen <= places_of(contract) and _breaches(contract, answers) <= fewest
    return None if is_of_today else possible[left.index(fewest)]


def _breaches(contract: Contract, answers: Sequence[Answer]) -> int:
    spec = spec_view_of(contract)
    found = [[*spec.schema_findings(200, value), *spec.inspect(value, flags).findings] for value, flags in answers]
    return sum(map(len, found))


@cache
def places_of(contract: Contract) -> frozenset[tuple[str, ...]]:
    """The names that the contract has, each with those above it. Free keys are none."""

    def walk(node: Any, place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        schema = contract.resolve(node)
        for name, part in schema.get("properties", {}).items():
            yield (*place, name)
            yield from walk(part, (*place, name))
        for branch in [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])]:
            yield from walk(branch, place)

    return frozenset(walk(contract.answer_schema, ()))


def _seen(value: Any, place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield (*place, name)
            yield from _seen(part, (*place, name))
    elif isinstance(value, list):
        for part in value:
            yield from _seen(part, place)

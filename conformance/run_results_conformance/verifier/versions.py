"""The versions that the public contract has had, and which of them a server speaks.

Each version is made from the contract of today, by undoing what later versions changed. `docs/contract.md`, "Earlier
versions", says how the client reads them.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from attrs import frozen

from run_results_conformance.server.contract import Contract, JsonObject

from .spec_view import spec_view_of

FIRST = "2024-10-17"
"""The day of the first public version."""

Answer = tuple[Any, frozenset[str] | None]
"""The body of a 200, with the flags of the request (None: it is open which they were)."""

_Undo = Callable[[JsonObject], None]


def _without(schema: str, *names: str) -> _Undo:
    def undo(schemas: JsonObject) -> None:
        for name in names:
            del schemas[schema]["properties"][name]
        schemas[schema]["required"] = [name for name in schemas[schema].get("required", ()) if name not in names]

    return undo


def _as(schema: str, name: str, **shape: Any) -> _Undo:
    """The property with another shape; what its flag is stays."""

    def undo(schemas: JsonObject) -> None:
        properties = schemas[schema]["properties"]
        flags = {key: part for key, part in properties.get(name, {}).items() if key.startswith("x-include")}
        properties[name] = {**shape, **flags}

    return undo


def _named(schema: str, name: str, before: str) -> _Undo:
    def undo(schemas: JsonObject) -> None:
        properties = schemas[schema]["properties"]
        properties[before] = properties.pop(name)

    return undo


def _optional(schema: str) -> _Undo:
    return lambda schemas: schemas[schema].pop("required")


_CHANGES: tuple[tuple[str, tuple[_Undo, ...]], ...] = (
    ("2026-01-15", (_as("ValidationAlert", "locations", type="object"),)),
    ("2026-01-13", (_named("RunResults", "message", "msg"),)),
    (
        "2026-01-05",
        (
            _without("RunResults", "id", "status", "msg", "start_timestamp", "finish_timestamp"),
            _without("Document", "page_layouts"),
        ),
    ),
    ("2025-11-19", (_without("CaseField", "validations"),)),
    ("2025-09-05", (_without("RunResults", "case_info"), _optional("Edit"))),
    ("2025-06-26", (_as("Document", "post_processed_pdf_path", type="array", items={"type": "string"}),)),
    ("2025-06-16", (_without("RunResults", "keys"),)),
    ("2025-06-12", (_without("Field", "error_msg"),)),
    ("2025-04-09", (_without("Document", "classification_confidence"),)),
    ("2025-03-27", (_without("Document", "post_processed_pdf_path"),)),
    ("2025-03-19", (_without("FieldConfidence", "ocr"),)),
    (
        "2025-03-12",
        (
            _without("Document", "page_numbers"),
            _without("File", "input_file_path"),
            _as("Document", "doc_id", type="integer"),
        ),
    ),
)
"""The day of each version that changed the shape of an answer, newest first, and how to undo the change."""


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
    days = [day for day, _ in _CHANGES]
    for (until, undo), since in zip(_CHANGES, [*days[1:], FIRST], strict=True):
        try:
            for each in undo:
                each(document["components"]["schemas"])
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

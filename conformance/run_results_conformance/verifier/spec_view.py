"""Answers seen through the spec: what a value holds that the contract has a word for, and where.

All of it is compiled from the schemas, so that nothing here knows a property by name. `inspect` walks a value
once for the rules that JSON Schema cannot say: gated properties, integers as they were written, field names.
`strip` keeps what the contract names and the flags ask for, so that two answers can be compared although a
server adds keys of its own. `difference` finds the first place where two values differ.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from typing import Any

import jsonschema_rs
from attrs import define, field, frozen

from run_results_conformance.server.contract import ALPHABETS, Contract, SpecError

Path = tuple[str | int, ...]
"""The way to a place in a JSON value: names and indices."""

_Trail = tuple["_Trail", str | int] | None
_Visitor = Callable[[Any, _Trail, "Inspection"], None]
_Transform = Callable[[Any], Any]


def show_path(path: Sequence[str | int]) -> str:
    """A path as JSON path: `$.files[0].documents`."""
    parts = ["$"]
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif step.isascii() and step.isidentifier():
            parts.append(f".{step}")
        else:
            parts.append(f"[{json.dumps(step, ensure_ascii=False)}]")
    return "".join(parts)


def _unroll(trail: _Trail) -> Path:
    steps: list[str | int] = []
    while trail is not None:
        trail, step = trail
        steps.append(step)
    return tuple(reversed(steps))


@frozen
class Finding:
    """Something that breaks a rule, at a place in a body."""

    rule: str
    path: Path
    expected: str
    got: Any


@define
class Inspection:
    """What a walk over one value found.

    `chances` are the rules that the value gave something to judge, `findings` what breaks them. `names` are the
    field names that occur, each with its first place.
    """

    flags: frozenset[str] | None
    chances: set[str] = field(factory=set)
    findings: list[Finding] = field(factory=list)
    names: dict[str, Path] = field(factory=dict)

    def find(self, rule: str, trail: _Trail, expected: str, got: Any) -> None:
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(Finding(rule, _unroll(trail), expected, got))


_MOST_FINDINGS = 50


class Lens:
    """A contract, compiled into what is asked of answers. Raises SpecError for a spec it cannot interpret."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.flags = frozenset(contract.flags)
        self._name_places: set[tuple[str, ...]] = set()
        alphabet = ALPHABETS[contract.field_name_rule.alphabet]

        @lru_cache(maxsize=65_536)
        def is_name(name: str) -> bool:
            return bool(name) and alphabet.start(name[0]) and all(map(alphabet.continue_, name[1:]))

        self.is_name = is_name
        self._visit = self._visitor(contract.answer_schema, ())

    # --- Walking --------------------------------------------------------------------------------------------

    def inspect(self, page: Any, flags: frozenset[str] | None) -> Inspection:
        """Walks a 200 answer, asked for under `flags` (None: it is open what was asked for)."""
        inspection = Inspection(flags)
        if self._visit is not None:
            self._visit(page, None, inspection)
        return inspection

    def is_name_place(self, path: Sequence[str | int]) -> bool:
        """Whether the spec has a field name at this place of a 200 answer."""
        return tuple(step for step in path if isinstance(step, str)) in self._name_places

    def _visitor(self, node: Mapping[str, Any], place: tuple[str, ...]) -> _Visitor | None:
        schema = self.contract.resolve(node)
        visitors: list[_Visitor] = []
        if schema.get("format") == "api-field-name":
            self._name_places.add(place)
            visitors.append(self._visit_name)
        if "integer" in _types(schema):
            visitors.append(_visit_integer)
        for keyword in ("allOf", "anyOf", "oneOf"):
            visitors += [found for branch in schema.get(keyword, ()) if (found := self._visitor(branch, place))]
        if "properties" in schema:
            visitors += self._object_visitor(schema["properties"], place)
        if "items" in schema and (item := self._visitor(schema["items"], place)):
            visitors.append(_array_visitor(item))
        if len(visitors) <= 1:
            return visitors[0] if visitors else None

        def visit(value: Any, trail: _Trail, inspection: Inspection) -> None:
            for each in visitors:
                each(value, trail, inspection)

        return visit

    def _object_visitor(self, properties: Mapping[str, Any], place: tuple[str, ...]) -> list[_Visitor]:
        gated = [
            (name, str(node["x-include"]), bool(node.get("x-include-guaranteed", True)))
            for name, node in properties.items()
            if "x-include" in node
        ]
        inner = [
            (name, visitor)
            for name, node in properties.items()
            if (visitor := self._visitor(node, (*place, name))) is not None
        ]
        if not gated and not inner:
            return []

        def visit(value: Any, trail: _Trail, inspection: Inspection) -> None:
            if type(value) is not dict:
                return
            flags = inspection.flags
            if flags is not None:
                for name, flag, guaranteed in gated:
                    if flag not in flags:
                        inspection.chances.add("flags.absent")
                        if name in value:
                            inspection.find("flags.absent", (trail, name), f"absent without {flag}", value[name])
                    elif guaranteed:
                        inspection.chances.add("flags.present")
                        if name not in value:
                            inspection.find("flags.present", (trail, name), f"present with {flag}", ABSENT)
            for name, visitor in inner:
                if name in value:
                    visitor(value[name], (trail, name), inspection)

        return [visit]

    def _visit_name(self, value: Any, trail: _Trail, inspection: Inspection) -> None:
        if type(value) is not str:
            return
        inspection.chances.add("names.valid")
        if value not in inspection.names:
            inspection.names[value] = _unroll(trail)
        if not self.is_name(value):
            inspection.find("names.valid", trail, "a Python variable name", value)

    # --- Comparing ------------------------------------------------------------------------------------------

    def strip(self, page: Any, flags: frozenset[str]) -> Any:
        """The answer with only what the contract names, and of that only what `flags` ask for."""
        transform = self._strippers(flags & self.flags)
        return transform(page) if transform else page

    def strip_files(self, files: Sequence[Any], flags: frozenset[str]) -> list[Any]:
        """The same for files."""
        items = self.contract.pagination.items
        stripped: list[Any] = self.strip({items: list(files)}, flags)[items]
        return stripped

    @cached_property
    def _strippers(self) -> Callable[[frozenset[str]], _Transform | None]:
        @cache
        def compiled(flags: frozenset[str]) -> _Transform | None:
            return self._stripper(self.contract.answer_schema, flags)

        return compiled

    def _stripper(self, node: Mapping[str, Any], flags: frozenset[str]) -> _Transform | None:
        schema = self.contract.resolve(node)
        for keyword in ("allOf", "anyOf", "oneOf"):
            for branch in schema.get(keyword, ()):
                if (found := self._stripper(branch, flags)) is not None:
                    return found
        if "items" in schema and (item := self._stripper(schema["items"], flags)):
            return lambda value: [item(part) for part in value] if type(value) is list else value
        # An object that is free of form is compared as it is.
        if "properties" not in schema or schema.get("additionalProperties") is True:
            return None
        kept = {
            name: self._stripper(part, flags)
            for name, part in schema["properties"].items()
            if part.get("x-include") is None or part["x-include"] in flags
        }
        names = frozenset(kept)
        inner = [(name, step) for name, step in kept.items() if step is not None]

        def strip(value: Any) -> Any:
            if type(value) is not dict:
                return value
            whole = value.keys() <= names
            if whole and not inner:
                return value
            stripped = dict(value) if whole else {name: part for name, part in value.items() if name in names}
            for name, step in inner:
                if name in stripped:
                    stripped[name] = step(stripped[name])
            return stripped

        return strip

    def contradiction(self, expected: Any, got: Any, path: Path = ()) -> tuple[Path, Any, Any] | None:
        """The first place where `got` says something other than `expected`, and what stands there in each.

        What `got` leaves out of the properties that the spec names says nothing, and neither does what it adds.
        """
        if type(expected) is dict and type(got) is dict:
            left_out = {name for name in expected if name not in got and name in self._words}
            for name in sorted(expected.keys() - left_out):
                if found := self.contradiction(expected[name], got.get(name, ABSENT), (*path, name)):
                    return found
            return None
        if type(expected) is list and type(got) is list and len(expected) == len(got):
            for index, (one, other) in enumerate(zip(expected, got, strict=True)):
                if found := self.contradiction(one, other, (*path, index)):
                    return found
            return None
        return difference(expected, got, path)

    @cached_property
    def _words(self) -> frozenset[str]:
        """The names of all properties that the spec's schemas name."""
        schemas = self.contract.document["components"]["schemas"].values()
        return frozenset(name for schema in schemas for name in schema.get("properties", ()))

    # --- Schemas --------------------------------------------------------------------------------------------

    def schema_findings(self, status: int, body: Any) -> list[Finding]:
        """Where the body of a status breaks its schema. Field names are left to `inspect`."""
        rule = "shape.results" if status == 200 else "errors.shape"
        findings: list[Finding] = []
        for error in self._validator(str(status)).iter_errors(body):
            keyword = str(error.schema_path[-1]) if error.schema_path else ""
            if keyword in ("format", "pattern") and self.is_name_place(error.instance_path):
                continue
            findings.append(
                Finding(rule, tuple(error.instance_path), error.message[:20_000], _at(body, error.instance_path))
            )
            if len(findings) == _MOST_FINDINGS:
                break
        return findings

    @cached_property
    def _validator(self) -> Callable[[str], Any]:
        @cache
        def compiled(status: str) -> Any:
            schema = json.loads(json.dumps(self.contract.validation_schema(status)))
            _open_enums(schema)
            return jsonschema_rs.validator_for(schema, formats={"api-field-name": self.is_name}, validate_formats=True)

        listed = frozenset(str(status) for status in self.contract.operation["responses"])
        return lambda status: compiled(status if status in listed else "default")

    @cached_property
    def statuses(self) -> frozenset[str]:
        """The run statuses that the spec lists."""
        page = self.contract.resolve(self.contract.answer_schema)
        found = self.contract.resolve(page.get("properties", {}).get("status", {})).get("enum")
        if not found:
            raise SpecError("the spec lists no status of a run")
        return frozenset(map(str, found))


@cache
def lens_of(contract: Contract) -> Lens:
    """The lens of a contract, compiled once."""
    return Lens(contract)


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


ABSENT = _Absent()
"""What stands where there is nothing."""


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        value = value[step]
    return value


def _types(schema: Mapping[str, Any]) -> Sequence[str]:
    kind = schema.get("type", ())
    return (kind,) if isinstance(kind, str) else kind


def _visit_integer(value: Any, trail: _Trail, inspection: Inspection) -> None:
    if type(value) is int:
        inspection.chances.add("shape.results")
    elif type(value) is float:
        inspection.chances.add("shape.results")
        inspection.find("shape.results", trail, "an integer without fraction and exponent", value)


def _array_visitor(item: _Visitor) -> _Visitor:
    def visit(value: Any, trail: _Trail, inspection: Inspection) -> None:
        if type(value) is list:
            for index, part in enumerate(value):
                item(part, (trail, index), inspection)

    return visit


def _open_enums(node: Any) -> None:
    """Takes the closed list away where the spec says that it is open."""
    if isinstance(node, dict):
        if node.get("x-extensible-enum"):
            node.pop("enum", None)
        for part in node.values():
            _open_enums(part)
    elif isinstance(node, list):
        for part in node:
            _open_enums(part)


def difference(expected: Any, got: Any, path: Path = ()) -> tuple[Path, Any, Any] | None:
    """The first place where two values differ, names in alphabetical order, and what stands there in each."""
    if type(expected) is dict and type(got) is dict:
        for name in sorted({*expected, *got}):
            found = difference(expected.get(name, ABSENT), got.get(name, ABSENT), (*path, name))
            if found:
                return found
        return None
    if type(expected) is list and type(got) is list:
        for index, (one, other) in enumerate(zip(expected, got, strict=False)):
            if found := difference(one, other, (*path, index)):
                return found
        if len(expected) != len(got):
            return path, f"{len(expected)} items", f"{len(got)} items"
        return None
    same = expected == got and (type(expected) is bool) == (type(got) is bool)
    return None if same else (path, expected, got)

"""One walk over an answer, for the rules that JSON Schema cannot say.

These are the rules about properties that hang on a flag (`flags.present`, `flags.absent`), about integers as they were
written (`shape.results`), and about field names (`names.valid`). The walk is compiled from the schemas of the spec.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from attrs import define, field, frozen

from run_results_conformance.server.contract import Contract
from run_results_conformance.server.name_rule import ALPHABETS

from .values import ABSENT, Path

MOST_FINDINGS = 50
"""So many findings of one answer are kept; each is a place that breaks a rule."""

# The way to a place, from its end: a tuple would be copied at every step down.
_Trail = tuple["_Trail", str | int] | None
_Visitor = Callable[[Any, _Trail, "Inspection"], None]


@frozen
class Finding:
    """Something that breaks a rule, at a place in a body."""

    rule: str
    path: Path
    expected: str
    got: Any


@define
class Inspection:
    """What a walk over one answer found. `flags` are those of its request, None where it is open which they were.

    `applicable` are the rules that the answer gave something to judge, `findings` what breaks them. `names` are the
    field names that occur, each with its first place.
    """

    flags: frozenset[str] | None
    applicable: set[str] = field(factory=set)
    findings: list[Finding] = field(factory=list)
    names: dict[str, Path] = field(factory=dict)

    def add(self, rule: str, trail: _Trail, expected: str, got: Any) -> None:
        """Notes a breach; those after the fiftieth are dropped."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(rule, _path(trail), expected, got))


def _path(trail: _Trail) -> Path:
    steps: list[str | int] = []
    while trail is not None:
        trail, step = trail
        steps.append(step)
    return tuple(reversed(steps))


class Inspector:
    """Walks 200 answers of a contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._name_places: set[tuple[str, ...]] = set()
        alphabet = ALPHABETS[contract.field_name_rule.alphabet]

        @lru_cache(maxsize=65_536)
        def is_name(name: str) -> bool:
            return bool(name) and alphabet.start(name[0]) and all(map(alphabet.continue_, name[1:]))

        self.is_name: Callable[[str], bool] = is_name
        self._visit = self._visitor(contract.answer_schema, ())

    def inspect(self, answer: Any, flags: frozenset[str] | None) -> Inspection:
        """Walks an answer to a request with `flags`."""
        inspection = Inspection(flags)
        if self._visit is not None:
            self._visit(answer, None, inspection)
        return inspection

    def is_name_place(self, path: Sequence[str | int]) -> bool:
        """Whether the spec has a field name at this place of an answer."""
        return tuple(step for step in path if isinstance(step, str)) in self._name_places

    def _visitor(self, node: Mapping[str, Any], place: tuple[str, ...]) -> _Visitor | None:
        """What visits the values of a schema; None where there is nothing to look for."""
        schema = self._contract.resolve(node)
        visitors: list[_Visitor] = []
        if schema.get("format") == "api-field-name":
            self._name_places.add(place)
            visitors.append(self._visit_name)
        if "integer" in _types(schema):
            visitors.append(_visit_integer)
        for keyword in ("allOf", "anyOf", "oneOf"):
            visitors += [found for branch in schema.get(keyword, ()) if (found := self._visitor(branch, place))]
        if "properties" in schema and (found := self._object_visitor(schema["properties"], place)):
            visitors.append(found)
        if "items" in schema and (item := self._visitor(schema["items"], place)):
            visitors.append(_array_visitor(item))
        if len(visitors) <= 1:
            return visitors[0] if visitors else None

        def visit(value: Any, trail: _Trail, inspection: Inspection) -> None:
            for each in visitors:
                each(value, trail, inspection)

        return visit

    def _object_visitor(self, properties: Mapping[str, Any], place: tuple[str, ...]) -> _Visitor | None:
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
            return None

        def visit(value: Any, trail: _Trail, inspection: Inspection) -> None:
            if type(value) is not dict:
                return
            flags = inspection.flags
            if flags is not None:
                for name, flag, guaranteed in gated:
                    if flag not in flags:
                        inspection.applicable.add("flags.absent")
                        if name in value:
                            inspection.add("flags.absent", (trail, name), f"absent without {flag}", value[name])
                    elif guaranteed:
                        inspection.applicable.add("flags.present")
                        if name not in value:
                            inspection.add("flags.present", (trail, name), f"present with {flag}", ABSENT)
            for name, visitor in inner:
                if name in value:
                    visitor(value[name], (trail, name), inspection)

        return visit

    def _visit_name(self, value: Any, trail: _Trail, inspection: Inspection) -> None:
        if type(value) is not str:
            return
        inspection.applicable.add("names.valid")
        if value not in inspection.names:
            inspection.names[value] = _path(trail)
        if not self.is_name(value):
            inspection.add("names.valid", trail, "a Python variable name", value)


def _visit_integer(value: Any, trail: _Trail, inspection: Inspection) -> None:
    if type(value) is int or type(value) is float:
        inspection.applicable.add("shape.results")
        if type(value) is float:
            inspection.add("shape.results", trail, "an integer without fraction and exponent", value)


def _array_visitor(item: _Visitor) -> _Visitor:
    def visit(value: Any, trail: _Trail, inspection: Inspection) -> None:
        if type(value) is list:
            for index, part in enumerate(value):
                item(part, (trail, index), inspection)

    return visit


def _types(schema: Mapping[str, Any]) -> Sequence[str]:
    kind = schema.get("type", ())
    return (kind,) if isinstance(kind, str) else kind

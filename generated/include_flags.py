"""The include flags of the contract, and what each guarantees, for two templates.

`flags.py.jinja` becomes `run_results_api/flags.py`. `include.py.jinja` becomes `run_results/include.py`, which stands
in the wrapper because its errors are the wrapper's. A flag is called by the first word after `include_`, or by the
parameter's `x-include-name`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prepare import attribute_names

JsonObject = Mapping[str, Any]

_TAKEN = ("NONE", "ALL")


@dataclass(frozen=True)
class IncludeFlag:
    """One include flag: its parameter, its name in `Include`, where the parameter stands, and what it is for."""

    parameter: str
    name: str
    pointer: str
    about: str

    @property
    def variable(self) -> str:
        """The name as an argument of a function."""
        return self.name.lower()


@dataclass(frozen=True)
class Level:
    """Objects that have guaranteed members: their place in an answer, and how Python goes there.

    `loops` are pairs of a variable and what it runs over; `members` are flag, key and attribute.
    """

    place: str
    item: str
    loops: tuple[tuple[str, str], ...]
    members: tuple[tuple[IncludeFlag, str, str], ...]

    @property
    def loop(self) -> str:
        """The loops in which `item` is each of the objects."""
        loops = self.loops or (("item", f"({self.item},)"),)
        return " ".join(f"for {variable} in {values}" for variable, values in loops)

    @property
    def lacking(self) -> str:
        """Whether a flag that is set misses one of its members."""
        item = self.item if self.loops else "item"
        unset: dict[str, list[str]] = {}
        for flag, _, attribute in self.members:
            unset.setdefault(flag.variable, []).append(f"{item}.{attribute} is UNSET")
        present = "" if item == "run" or (self.loops and item == self.loops[-1][0]) else f"{item} and "
        checks = (f"({flag} and ({' or '.join(each)}))" for flag, each in unset.items())
        return f"{present}({' or '.join(checks)})"


def include_flags(spec: JsonObject) -> list[IncludeFlag]:
    """The query parameters of the main operation that an `x-include` names, in the contract's order."""
    named = {node["x-include"] for node in _nodes(spec.get("components", {}).get("schemas", {})) if "x-include" in node}
    found: dict[str, IncludeFlag] = {}
    for pointer, parameter in _parameters(spec):
        name = str(parameter.get("name"))
        if name in named and name not in found:
            about = re.split(r"[:.;]\s|\.$", str(parameter.get("description", "")).strip())[0]
            called = parameter.get("x-include-name") or name.removeprefix("include_").partition("_")[0].upper()
            found[name] = IncludeFlag(name, str(called), pointer, " ".join(about.split()))
    return list(found.values())


def clashes(spec: JsonObject) -> Iterator[tuple[str, str]]:
    """Flags that cannot be called as they would be: pointer, and why."""
    seen: dict[str, str] = {}
    for flag in include_flags(spec):
        if flag.name in seen:
            yield flag.pointer, f"{flag.parameter} and {seen[flag.name]} would both be Include.{flag.name}"
        elif flag.name in _TAKEN or not re.fullmatch(r"[A-Z][A-Z0-9_]*", flag.name):
            yield flag.pointer, f"{flag.parameter} cannot be called Include.{flag.name}"
        seen[flag.name] = flag.parameter


def levels(spec: JsonObject) -> list[Level]:
    """The objects of an answer that have guaranteed members, from the outside in."""
    flags = {flag.parameter: flag for flag in include_flags(spec)}
    return list(_Walk(spec, flags).levels())


class _Walk:
    """Goes through the answers of status 200."""

    def __init__(self, spec: JsonObject, flags: Mapping[str, IncludeFlag]) -> None:
        self._spec = spec
        self._flags = flags
        self._classes = spec.get("components", {}).get("schemas", {})

    def levels(self) -> Iterator[Level]:
        for _, operation in _main_operations(self._spec):
            answer = _followed(self._spec, operation.get("responses", {}).get("200", {}))
            for content in answer.get("content", {}).values():
                yield from self._objects(content.get("schema", {}), "", "run", (), ())

    def _objects(
        self, schema: JsonObject, place: str, item: str, loops: tuple[tuple[str, str], ...], above: tuple[int, ...]
    ) -> Iterator[Level]:
        schema = self._object(schema)
        properties = schema.get("properties", {})
        if not properties or id(schema) in above:
            return
        attributes = attribute_names(properties, self._classes)
        members = tuple(
            (self._flags[node["x-include"]], key, attributes[key])
            for key, node in properties.items()
            if isinstance(node, Mapping)  # a schema may also be `true`
            and node.get("x-include") in self._flags
            and node.get("x-include-guaranteed", True)
        )
        if members:
            yield Level(place, item, loops, members)
        above = (*above, id(schema))
        for key, node in properties.items():
            inner = self._object(node)
            there = f"{place}.{key}".removeprefix(".")
            # An object in the answer itself has no name of its own; any other value may be unset or null.
            value = f"{item}.{attributes[key]}" if item.isidentifier() else f"({item} and {item}.{attributes[key]})"
            if inner.get("type") == "array":
                name = f"level{len(loops) + 1}"
                values = f"{value} or ()" + (f" if {name}" if self._may_be_null(inner.get("items", {})) else "")
                yield from self._objects(inner.get("items", {}), f"{there}[]", name, (*loops, (name, values)), above)
            elif "properties" in inner:
                yield from self._objects(inner, there, value, loops, above)

    def _object(self, schema: JsonObject) -> JsonObject:
        """The schema behind references and `null`."""
        schema = _followed(self._spec, schema)
        for keyword in ("anyOf", "oneOf"):
            branches = [part for part in schema.get(keyword, ()) if _followed(self._spec, part).get("type") != "null"]
            if len(branches) == 1:
                return self._object(branches[0])
        if len(schema.get("allOf", ())) == 1:
            return self._object(schema["allOf"][0])
        return schema

    def _may_be_null(self, schema: JsonObject) -> bool:
        schema = _followed(self._spec, schema)
        return "null" in schema.get("type", ()) or any(
            self._may_be_null(part) for keyword in ("anyOf", "oneOf") for part in schema.get(keyword, ())
        )


def _main_operations(spec: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """The operations that are no additions: pointer and node. `Include` is made for them; an addition has no flags."""
    for path, item in spec.get("paths", {}).items():
        for method, operation in item.items():
            if isinstance(operation, Mapping) and not operation.get("x-addition"):
                yield f"#/paths/{path.replace('~', '~0').replace('/', '~1')}/{method}", operation


def _parameters(spec: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """The parameters of the main operation: pointer and node."""
    for pointer, operation in _main_operations(spec):
        for index, node in enumerate(operation.get("parameters", ())):
            yield node.get("$ref", f"{pointer}/parameters/{index}"), _followed(spec, node)


def _followed(spec: JsonObject, node: Any) -> JsonObject:
    for _ in range(20):
        if not isinstance(node, Mapping) or "$ref" not in node:
            break
        target: Any = spec
        for part in str(node["$ref"])[2:].split("/"):
            target = target.get(part.replace("~1", "/").replace("~0", "~"), {})
        node = target
    return node if isinstance(node, Mapping) else {}


def _nodes(node: Any) -> Iterator[JsonObject]:
    if isinstance(node, Mapping):
        yield node
    for part in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from _nodes(part)

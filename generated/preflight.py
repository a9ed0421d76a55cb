"""What in the contract cannot be generated: one line for each obstacle, before anything is generated.

The generator stops at some of these with long reports, and writes code for others that cannot be imported, or that
takes wrong values for right. Each obstacle here is one of them, with a place and a way on.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from include_flags import clashes
from operation_obstacles import operation_obstacles
from prepare import circles

# Keywords that say what a value is, and that no model can check. A model would take any value without a word.
_UNKNOWN_TO_MODELS = (
    "not",
    "if",
    "then",
    "else",
    "prefixItems",
    "contains",
    "patternProperties",
    "propertyNames",
    "dependentSchemas",
    "dependentRequired",
    "unevaluatedProperties",
    "unevaluatedItems",
    "$dynamicRef",
)
_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")


@dataclass(frozen=True)
class Obstacle:
    """Something in the contract that cannot be generated, where it stands, and what to do."""

    pointer: str
    what: str
    do: str

    def __str__(self) -> str:
        return f"openapi.yaml{self.pointer}: {self.what}; {self.do}"


def obstacles(spec: Mapping[str, Any]) -> list[Obstacle]:
    """Everything in a contract that cannot be generated."""
    return list(_Inspection(spec).all())


class _Inspection:
    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = spec
        self._schemas: Mapping[str, Any] = spec.get("components", {}).get("schemas", {})

    def all(self) -> Iterator[Obstacle]:
        broken = list(self._references(self._spec, "#"))
        yield from broken
        if broken:
            return  # what a reference leads to cannot be looked at
        for name, schema in self._schemas.items():
            yield from self._schema(schema, f"#/components/schemas/{_escaped(name)}")
        for pointer, schema in self._elsewhere(self._spec, "#"):
            yield from self._schema(schema, pointer)
        yield from self._class_names()
        yield from self._circles()
        yield from (Obstacle(*found) for found in operation_obstacles(self._spec))
        for pointer, what in clashes(self._spec):
            yield Obstacle(pointer, what, "give its parameter another x-include-name, in capitals")

    def _references(self, node: Any, pointer: str) -> Iterator[Obstacle]:
        if isinstance(node, Mapping):
            reference = node.get("$ref")
            if isinstance(reference, str):
                if not reference.startswith("#/"):
                    yield Obstacle(
                        pointer, f"$ref leads to another file ({reference})", "copy the schema into openapi.yaml"
                    )
                elif self._find(reference) is None:
                    yield Obstacle(
                        pointer, f"$ref leads nowhere ({reference})", "correct the reference, or add what it names"
                    )
                elif reference.count("/") > 3:
                    yield Obstacle(
                        pointer, f"$ref leads into a schema ({reference})", "give what it names a schema of its own"
                    )
            for key, part in node.items():
                if key not in ("example", "examples", "value"):
                    yield from self._references(part, f"{pointer}/{_escaped(str(key))}")
        elif isinstance(node, list):
            for index, part in enumerate(node):
                yield from self._references(part, f"{pointer}/{index}")

    def _find(self, reference: str) -> Any:
        node: Any = self._spec
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            node = node.get(key) if isinstance(node, Mapping) else None
        return node

    def _elsewhere(self, node: Any, pointer: str) -> Iterator[tuple[str, Any]]:
        """The schemas of parameters, headers and bodies."""
        if isinstance(node, Mapping):
            for key, part in node.items():
                inner = f"{pointer}/{_escaped(str(key))}"
                if key == "schema" and isinstance(part, Mapping):
                    yield inner, part
                elif key not in ("schemas", "example", "examples", "value"):
                    yield from self._elsewhere(part, inner)
        elif isinstance(node, list):
            for index, part in enumerate(node):
                yield from self._elsewhere(part, f"{pointer}/{index}")

    # --- One schema -----------------------------------------------------------------------------------------

    def _schema(self, schema: Any, pointer: str) -> Iterator[Obstacle]:
        if schema is True:
            return
        if not isinstance(schema, Mapping):
            yield Obstacle(pointer, "it is no schema", "write an object, or leave it out")
            return
        for keyword in _UNKNOWN_TO_MODELS:
            if keyword in schema:
                yield Obstacle(
                    f"{pointer}/{keyword}", f"models cannot check {keyword!r}", "say it in the description instead"
                )
        yield from self._type(schema, pointer)
        yield from self._values(schema, pointer)
        yield from self._parts(schema, pointer)
        yield from self._union(schema, pointer)
        yield from self._object(schema, pointer)

    def _type(self, schema: Mapping[str, Any], pointer: str) -> Iterator[Obstacle]:
        declared = schema.get("type", [])
        types = [declared] if isinstance(declared, str) else declared
        for name in types:
            if name not in _TYPES:
                yield Obstacle(f"{pointer}/type", f"JSON has no type {name!r}", f"choose one of {', '.join(_TYPES)}")
        if "nullable" in schema:
            yield Obstacle(f"{pointer}/nullable", "OpenAPI 3.1 has no 'nullable'", "write type: [..., 'null']")
        if schema.get("format") in ("binary", "byte"):
            yield Obstacle(f"{pointer}/format", "JSON has no bytes", "leave the format out: the value is a text")

    def _values(self, schema: Mapping[str, Any], pointer: str) -> Iterator[Obstacle]:
        if "enum" not in schema:
            return
        kinds = {type(value).__name__ for value in schema["enum"]}
        names = {_member(str(value)) for value in schema["enum"]}
        pointer = f"{pointer}/enum"
        if not kinds <= {"str", "NoneType"} and not kinds <= {"int", "NoneType"}:
            what = "the values are neither all texts nor all integers"
            yield Obstacle(pointer, what, "list values of one type")
        elif "NoneType" in kinds:
            what = "null is one of the values"
            yield Obstacle(pointer, what, "write anyOf: the list without null, and type: 'null'")
        elif len(names) < len(schema["enum"]):
            what = "two values would be one member of the enum"
            yield Obstacle(pointer, what, "say the values in the description instead")

    def _parts(self, schema: Mapping[str, Any], pointer: str) -> Iterator[Obstacle]:
        for name, part in schema.get("properties", {}).items():
            yield from self._schema(part, f"{pointer}/properties/{_escaped(str(name))}")
        for keyword in ("items", "additionalProperties"):
            if isinstance(schema.get(keyword), Mapping):
                yield from self._schema(schema[keyword], f"{pointer}/{keyword}")
        for keyword in ("allOf", "anyOf", "oneOf"):
            for index, part in enumerate(schema.get(keyword, ())):
                yield from self._schema(part, f"{pointer}/{keyword}/{index}")

    def _union(self, schema: Mapping[str, Any], pointer: str) -> Iterator[Obstacle]:
        for keyword in ("anyOf", "oneOf"):
            branches = [self._resolved(part) for part in schema.get(keyword, ())]
            objects = [part for part in branches if part.get("type") == "object" or "properties" in part]
            if len(objects) > 1 and not _discriminated(schema):
                yield Obstacle(
                    f"{pointer}/{keyword}",
                    "a reader cannot tell several objects apart",
                    "give them a discriminator, or write one object whose members may be absent",
                )
            yield from self._discriminator(schema, branches, pointer)
            arrays = [part for part in branches if part.get("type") == "array"]
            if len(arrays) > 1:
                yield Obstacle(f"{pointer}/{keyword}", "a reader cannot tell several arrays apart", "write one array")
        if "allOf" in schema and any(
            "anyOf" in self._resolved(part) or "oneOf" in self._resolved(part) for part in schema["allOf"]
        ):
            yield Obstacle(f"{pointer}/allOf", "a union inside allOf cannot be generated", "write the union outside")

    def _discriminator(
        self, schema: Mapping[str, Any], branches: list[Mapping[str, Any]], pointer: str
    ) -> Iterator[Obstacle]:
        if _discriminated(schema):
            member = schema["discriminator"]["propertyName"]
            if any(member not in part.get("properties", {}) for part in branches):
                what = f"not every object of the union describes {member!r}"
                yield Obstacle(f"{pointer}/discriminator", what, "describe it in each of them, with its value as const")

    def _object(self, schema: Mapping[str, Any], pointer: str) -> Iterator[Obstacle]:
        additional = schema.get("additionalProperties")
        if additional is False:
            yield Obstacle(
                f"{pointer}/additionalProperties", "models ignore keys that they do not know",
                "leave it out (docs/contract.md, New keys)",
            )  # fmt: skip
        elif isinstance(additional, Mapping) and additional and schema.get("properties"):
            yield Obstacle(
                f"{pointer}/additionalProperties", "a model with members of its own cannot check other keys",
                "give the free keys a member of their own",
            )  # fmt: skip
        for name in schema.get("required", ()):
            if "properties" in schema and name not in schema["properties"] and "allOf" not in schema:
                yield Obstacle(
                    f"{pointer}/required", f"{name!r} is required and not described", "describe it in properties"
                )
        seen: dict[str, str] = {}
        for name in schema.get("properties", {}):
            if re.search(r'["\\\x00-\x1f]', str(name)):
                what = f"the decoder cannot read the key {str(name)!r}"
                yield Obstacle(f"{pointer}/properties", what, "use a key without quotes, backslashes and controls")
            same = unicodedata.normalize("NFKC", str(name))
            if same in seen:
                what = f"{name!r} and {seen[same]!r} are one name to Python, which normalizes names"
                yield Obstacle(f"{pointer}/properties/{_escaped(str(name))}", what, "call one of them otherwise")
            seen[same] = str(name)

    def _resolved(self, schema: Any) -> Mapping[str, Any]:
        for _ in range(20):
            if not isinstance(schema, Mapping) or "$ref" not in schema:
                break
            schema = self._find(schema["$ref"])
        return schema if isinstance(schema, Mapping) else {}

    # --- Several schemas ------------------------------------------------------------------------------------

    def _class_names(self) -> Iterator[Obstacle]:
        seen: dict[str, str] = {}
        for name in self._schemas:
            same = re.sub(r"[^a-z0-9]", "", str(name).lower())
            pointer = f"#/components/schemas/{_escaped(str(name))}"
            if same in seen:
                yield Obstacle(pointer, f"{name!r} and {seen[same]!r} would be one class", "call one of them otherwise")
            seen[same] = str(name)

    def _circles(self) -> Iterator[Obstacle]:
        """Schemas that contain each other must be classes: Python reads the names of other types at once."""
        for name, others in circles(self._schemas).items():
            if "properties" not in self._schemas[name] or "allOf" in self._schemas[name]:
                what = f"it contains {' and '.join(sorted(others))}, and the other way round, and has no properties"
                do = "write it where it is used, in place of the reference"
                yield Obstacle(f"#/components/schemas/{_escaped(name)}", what, do)


def _discriminated(schema: Mapping[str, Any]) -> bool:
    found = schema.get("discriminator")
    return isinstance(found, Mapping) and isinstance(found.get("propertyName"), str)


def _member(value: str) -> str:
    """The name that the generator makes of a value of an enum, but for its case."""
    return re.sub(r"[^A-Za-z0-9]+", "_", value).upper()


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")

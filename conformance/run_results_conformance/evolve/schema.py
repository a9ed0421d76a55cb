"""JSON Schemas as sets of alternatives: one for each JSON type that a value may have.

References are followed, `allOf` is merged, `anyOf`, `oneOf` and lists of types become alternatives. Two ways to write
the same thing have the same alternatives, so a reference that was inlined is no change.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen

from .change import CannotJudge
from .document import WORDS, Document, Node

KINDS = ("null", "boolean", "number", "string", "array", "object")
"""The JSON types. `integer` is a number without a fraction."""

# What may differ without a judgement of its own: words, and what other keywords have said already.
_HANDLED = frozenset(
    {"$ref", "allOf", "anyOf", "oneOf", "type", "properties", "required", "items", "additionalProperties"}
)
_TIGHTER: Mapping[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
    "uniqueItems": lambda one, other: one or other,
    "deprecated": lambda one, other: one or other,
    "enum": lambda one, other: [value for value in one if value in other],
}
_MOST_ALTERNATIVES = 200

Nodes = tuple[Node, ...]
"""Schemas that a value must fit all of, as in `allOf`."""


@frozen
class Alternative:
    """One JSON type that a value may have, and what must be true of it.

    `keywords` are those that are not handled by the other attributes, such as `minLength`; `where` has the pointer to
    the schema with each. For an object without `additionalProperties` every other key is allowed, with any value
    (`additional` is empty).
    """

    kind: str
    pointer: str
    keywords: Mapping[str, Any] = field(factory=dict)
    where: Mapping[str, str] = field(factory=dict)
    integer: bool = False
    properties: Mapping[str, Nodes] = field(factory=dict)
    required: frozenset[str] = frozenset()
    additional: Nodes = ()
    closed: bool = False
    items: Nodes = ()

    @property
    def name(self) -> str:
        """The type, for people: `an integer`, `null`."""
        name = "integer" if self.integer else self.kind
        return name if name == "null" else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


@frozen
class _Merged:
    """Several schemas as one: keywords by name, and the parts that are schemas themselves."""

    pointer: str
    keywords: Mapping[str, Any] = field(factory=dict)
    where: Mapping[str, str] = field(factory=dict)
    kinds: frozenset[str] | None = None
    properties: Mapping[str, Nodes] = field(factory=dict)
    required: frozenset[str] = frozenset()
    additional: Nodes = ()
    closed: bool = False
    items: Nodes = ()
    choices: tuple[tuple[Node, ...], ...] = ()
    nothing: bool = False


def alternatives(document: Document, schemas: Nodes) -> list[Alternative]:
    """The alternatives of a value that must fit all the schemas. Raises CannotJudge."""
    return _expand(document, schemas, 0)


def annotations(document: Document, schemas: Nodes) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """What is said of a value's place, whatever its type: keywords such as `x-include`, and the pointer to each."""
    merged = _merge(document, schemas)
    return merged.keywords, merged.where


def _expand(document: Document, schemas: Nodes, depth: int) -> list[Alternative]:
    merged = _merge(document, schemas)
    if not merged.choices:
        return _by_kind(merged)
    if depth > 20:
        raise CannotJudge("anyOf", merged.pointer, "alternatives are nested too deeply, or contain themselves")
    first, *others = merged.choices
    plain = _without_choices(document, schemas)
    rest = tuple(Node({"anyOf": [choice.value for choice in group]}, group[0].pointer) for group in others)
    found = [each for choice in first for each in _expand(document, (choice, *plain, *rest), depth + 1)]
    if len(found) > _MOST_ALTERNATIVES:
        raise CannotJudge("anyOf", merged.pointer, "there are too many alternatives")
    return found


def _without_choices(document: Document, schemas: Nodes) -> Nodes:
    """The same schemas, references and `allOf` followed, without `anyOf` and `oneOf`."""
    return tuple(
        Node(
            {key: value for key, value in part.value.items() if key not in ("anyOf", "oneOf", "allOf", "$ref")},
            part.pointer,
        )
        for part in _parts(document, schemas)
        if isinstance(part.value, Mapping)
    )


def _parts(document: Document, schemas: Sequence[Node], depth: int = 0) -> list[Node]:
    """The schemas with everything that they refer to, each as one node with keywords of its own."""
    found: list[Node] = []
    for node in schemas:
        if depth > 50:
            raise CannotJudge("allOf", node.pointer, "it contains itself")
        if not isinstance(node.value, Mapping):
            found.append(node)
            continue
        if "$ref" in node.value:
            found += _parts(document, [document.at(Node({"$ref": node.value["$ref"]}, node.pointer))], depth + 1)
        if "allOf" in node.value:
            found += _parts(document, node["allOf"].elements(), depth + 1)
        if node.value.keys() - {"$ref", "allOf"}:
            found.append(node)
    return found


def _merge(document: Document, schemas: Nodes) -> _Merged:
    merged = _Merged(schemas[0].pointer if schemas else "#")
    parts = _parts(document, schemas)
    # What stands where the schema is used (`x-include` beside a reference) is said last, and its place is less telling
    # than that of the schema itself.
    for part in parts:
        merged = _add(merged, part)
    shown = next((part.pointer for part in parts if part.value is not True), merged.pointer)
    return evolve(merged, pointer=shown)


def _add(merged: _Merged, part: Node) -> _Merged:
    schema = part.value
    if schema is True:
        return merged
    if schema is False:
        return evolve(merged, nothing=True)
    if not isinstance(schema, Mapping):
        raise CannotJudge("schema", part.pointer, "it is neither an object nor true or false")
    keywords, where = dict(merged.keywords), dict(merged.where)
    for key, value in schema.items():
        if key in _HANDLED or key in WORDS:
            continue
        if key == "const":
            key, value = "enum", [value]
        where[key] = part.pointer
        if key not in keywords or keywords[key] == value:
            keywords[key] = value
        elif key in _TIGHTER:
            keywords[key] = _TIGHTER[key](keywords[key], value)
        elif not key.startswith("x-"):
            raise CannotJudge(key, part.pointer, "two schemas that both apply give it different values")
        else:
            keywords[key] = value
    properties = dict(merged.properties)
    if "properties" in schema:
        for name, node in part["properties"].members():
            properties[name] = (*properties.get(name, ()), node)
    closed, additional = merged.closed, merged.additional
    if "additionalProperties" in schema:
        value = schema["additionalProperties"]
        closed = closed or value is False
        if isinstance(value, Mapping) and value:
            additional = (*additional, part["additionalProperties"])
    kinds = _kinds(part)
    return evolve(
        merged,
        keywords=keywords,
        where=where,
        kinds=kinds if merged.kinds is None else merged.kinds if kinds is None else _both(merged.kinds, kinds),
        properties=properties,
        required=merged.required | frozenset(schema.get("required", ())),
        additional=additional,
        closed=closed,
        items=(*merged.items, part["items"]) if "items" in schema else merged.items,
        choices=(*merged.choices, *(tuple(part[key].elements()) for key in ("anyOf", "oneOf") if key in schema)),
    )


def _kinds(part: Node) -> frozenset[str] | None:
    declared = part.value.get("type")
    if declared is None:
        return None
    names = frozenset([declared] if isinstance(declared, str) else declared)
    if unknown := names - {*KINDS, "integer"}:
        raise CannotJudge("type", part.pointer, f"JSON has no type {min(map(str, unknown))!r}")
    return names


def _both(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """The types that two lists of types have in common; an integer is a number."""
    common = set(one & other)
    if "integer" in one | other and "number" in one | other:
        common |= {"integer"} & (one | other)
    return frozenset(common)


def _by_kind(merged: _Merged) -> list[Alternative]:
    if merged.nothing:
        return []
    kinds = frozenset(KINDS) if merged.kinds is None else merged.kinds
    found: list[Alternative] = []
    for kind in KINDS:
        integer = kind == "number" and "integer" in kinds and "number" not in kinds
        if kind not in kinds and not integer:
            continue
        keywords = dict(merged.keywords)
        if "enum" in keywords:
            keywords["enum"] = [value for value in keywords["enum"] if kind_of(value) == kind]
            if not keywords["enum"]:
                continue
        made = Alternative(kind, merged.pointer, keywords, merged.where, integer)
        if kind == "object":
            made = evolve(
                made,
                properties=merged.properties,
                required=merged.required,
                additional=merged.additional,
                closed=merged.closed,
            )
        elif kind == "array":
            made = evolve(made, items=merged.items)
        found.append(made)
    return found


def kind_of(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    for kind, classes in (("boolean", bool), ("number", (int, float)), ("string", str), ("array", list)):
        if isinstance(value, classes):
            return kind
    return "object"


def canonical(document: Document, value: Any, above: tuple[str, ...] = ()) -> Any:
    """A part of a document without words, references replaced by what they lead to, for a comparison as a whole.

    A reference into itself becomes the number of steps up, so that recursive schemas can be compared, too.
    """
    if isinstance(value, Mapping):
        reference = value.get("$ref")
        if isinstance(reference, str):
            if reference in above:
                return {"up": len(above) - above.index(reference)}
            target = document.at(Node({"$ref": reference}, reference)).value
            beside = {key: part for key, part in value.items() if key != "$ref"}
            inner = canonical(document, target, (*above, reference))
            return {**inner, **canonical(document, beside, above)} if isinstance(inner, dict) else inner
        # Below `properties` the keys are names, not keywords.
        return {
            str(key): {str(name): canonical(document, inner, above) for name, inner in part.items()}
            if key == "properties" and isinstance(part, Mapping)
            else sorted(part, key=str)
            if key in ("required", "enum", "type") and isinstance(part, list)
            else canonical(document, part, above)
            for key, part in value.items()
            if key not in WORDS
        }
    if isinstance(value, list):
        return [canonical(document, part, above) for part in value]
    return value

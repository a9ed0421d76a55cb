"""The contract in the form that the generator reads best. The models say the same; nothing of their code is changed.

Four things are prepared:

* `allOf` becomes one schema with all the members: the generator forgets what stands beside it.
* `date`, `date-time` and `uuid` are texts: as Python values they would not be written back as they came (`.000Z`, nine
  digits of a second, capital letters).
* A schema that allows everything is `{}`, and an array without `items` has such items.
* What our templates need to know stands in keys that begin with `x-python-`, because the generator hands these on: the
  attribute of a key that cannot be one (`x-python-attributes`), the tag of an object in a union (`x-python-tag`), and
  the schemas that contain an object and are contained in it (`x-python-circle`).
  An open list of values is marked in its `example`: of an enum the generator hands on nothing else that is unused.
"""

import copy
import keyword
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

JsonObject = dict[str, Any]

_TEXT_FORMATS = frozenset({"date", "date-time", "time", "duration", "uuid"})
# Names that mean something inside a model: what its annotations are made of, and its methods.
_TAKEN = frozenset(
    {"str", "int", "float", "bool", "list", "dict", "Annotated", "Any", "Literal", "Meta", "Model", "UNSET", "Unset"}
    | {"from_json", "from_dict", "to_json", "to_dict", "self", "field", "msgspec"}
)


def prepared(spec: Mapping[str, Any]) -> JsonObject:
    """A copy of the contract for the generator. The contract itself is not changed."""
    made: JsonObject = copy.deepcopy(dict(spec))
    schemas: JsonObject = made.get("components", {}).get("schemas", {})
    for name, schema in schemas.items():
        schemas[name] = _schema(schema, schemas)
    for holder in _holders(made):
        holder["schema"] = _schema(holder["schema"], schemas)
    _tag(made, schemas)
    for name, others in circles(schemas).items():
        schemas[name]["x-python-circle"] = sorted(others)
    for schema in _objects(schemas):
        attributes = attribute_names(schema["properties"], schemas)
        renamed = {key: attribute for key, attribute in attributes.items() if key != attribute}
        if renamed:
            schema["x-python-attributes"] = renamed
    return made


def attribute_names(keys: Mapping[str, Any], classes: Mapping[str, Any]) -> dict[str, str]:
    """The attribute of each JSON key: the key itself wherever it can be one.

    >>> attribute_names({"due-date": {}, "class": {}, "3d": {}, "createdAt": {}}, {})
    {'due-date': 'due_date', 'class': 'class_', '3d': 'field_3d', 'createdAt': 'createdAt'}
    """
    # Keys that can be attributes keep their names, whatever order they come in.
    found = {key: key for key in keys if _attribute(key, classes) == key}
    for key in keys:
        name = found.get(key) or _attribute(key, classes)
        while key not in found and name in found.values():
            name += "_"
        found[key] = name
    return {key: found[key] for key in keys}


def _attribute(key: str, classes: Mapping[str, Any]) -> str:
    name = re.sub(r"\W", "_", unicodedata.normalize("NFKC", key)).lstrip("_")
    if not name.isidentifier():
        name = f"field_{name}".rstrip("_")
    if keyword.iskeyword(name) or name in _TAKEN or name in classes:
        name += "_"
    return name


def _schema(schema: Any, schemas: JsonObject) -> Any:
    """A schema, prepared with everything in it."""
    if schema is True:
        return {}
    if not isinstance(schema, dict):
        return schema
    if "allOf" in schema:
        schema = _merged(schema, schemas)
    made: JsonObject = {}
    for key, part in schema.items():
        if key == "properties":
            made[key] = {name: _schema(inner, schemas) for name, inner in part.items()}
        elif key in ("items", "additionalProperties") and isinstance(part, dict):
            made[key] = _schema(part, schemas)
        elif key in ("anyOf", "oneOf"):
            made[key] = [_schema(inner, schemas) for inner in part]
        else:
            made[key] = part
    if made.get("format") in _TEXT_FORMATS:
        del made["format"]
    if made.get("x-extensible-enum"):
        made["example"] = "x-extensible-enum"
    if made.get("type") == "array":
        made.setdefault("items", {})
    return made


def _merged(schema: JsonObject, schemas: JsonObject) -> JsonObject:
    """One schema for an `allOf`. A single reference stays one, so that its model keeps its name."""
    beside = {key: part for key, part in schema.items() if key != "allOf"}
    parts = schema["allOf"]
    if len(parts) == 1 and "$ref" in parts[0] and not (beside.keys() & {"properties", "required"}):
        return {**parts[0], **beside}
    made: JsonObject = {}
    for part in [*parts, beside]:
        whole = _followed(part, schemas)
        for key, value in whole.items():
            if key == "properties":
                made[key] = {**made.get(key, {}), **value}
            elif key == "required":
                made[key] = list(dict.fromkeys([*made.get(key, []), *value]))
            elif key in ("minimum", "exclusiveMinimum", "minLength", "minItems") and key in made:
                made[key] = max(made[key], value)
            elif key in ("maximum", "exclusiveMaximum", "maxLength", "maxItems") and key in made:
                made[key] = min(made[key], value)
            else:
                made[key] = value
    return made


def _followed(schema: JsonObject, schemas: JsonObject) -> JsonObject:
    if "$ref" in schema:
        target = _followed(schemas[schema["$ref"].rpartition("/")[2]], schemas)
        return {**target, **{key: part for key, part in schema.items() if key != "$ref"}}
    return _merged(schema, schemas) if "allOf" in schema else schema


def _tag(spec: JsonObject, schemas: JsonObject) -> None:
    """Tells the objects of a union with a discriminator which value each of them is known by."""
    for node in _nodes(spec):
        discriminator = node.get("discriminator")
        if not isinstance(discriminator, dict) or not {"oneOf", "anyOf"} & node.keys():
            continue
        member = discriminator["propertyName"]
        mapping = {reference.rpartition("/")[2]: value for value, reference in discriminator.get("mapping", {}).items()}
        for branch in node.get("oneOf") or node["anyOf"]:
            name = branch.get("$ref", "").rpartition("/")[2]
            if name not in schemas or member not in schemas[name].get("properties", {}):
                continue
            described = schemas[name]["properties"][member]
            value = mapping.get(name) or described.get("const") or (described.get("enum") or [name])[0]
            schemas[name]["x-python-tag"] = {"member": member, "value": value}
        del node["discriminator"]  # the generator would ask for more than is needed


def circles(schemas: Mapping[str, Any]) -> dict[str, set[str]]:
    """The schemas that contain each other: each with the others of its circles. One that contains only itself is none.

    >>> a, b = ({"properties": {"x": {"$ref": f"#/components/schemas/{name}"}}} for name in "BA")
    >>> circles({"A": a, "B": b, "C": {"items": {"$ref": "#/components/schemas/C"}}})
    {'A': {'B'}, 'B': {'A'}}
    """
    uses = {
        name: {_last(node["$ref"]) for node in _nodes(schema) if "$ref" in node} for name, schema in schemas.items()
    }
    reach = {name: _reached(name, uses) for name in schemas}
    found = {name: {other for other in reach[name] if name in reach.get(other, ())} - {name} for name in schemas}
    return {name: others for name, others in found.items() if others}


def _reached(start: str, uses: Mapping[str, set[str]]) -> set[str]:
    """The schemas that one contains, at any depth."""
    found, under_way = set[str](), [start]
    while under_way:
        new = uses.get(under_way.pop(), set()) - found
        found |= new
        under_way.extend(new)
    return found


def _last(reference: Any) -> str:
    return str(reference).rpartition("/")[2]


def _nodes(node: Any) -> Iterator[JsonObject]:
    under_way = [node]
    while under_way:
        part = under_way.pop()
        if isinstance(part, dict):
            yield part  # pyright: ignore[reportUnknownVariableType]
        under_way.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())


def _objects(schemas: JsonObject) -> Iterator[JsonObject]:
    """Every schema with members, at any depth."""
    for node in _nodes(schemas):
        if isinstance(node.get("properties"), dict) and not isinstance(node["properties"].get("properties"), str):
            yield node


def _holders(node: Any) -> Iterator[JsonObject]:
    """Whatever has a member `schema`: parameters, headers and media types."""
    for part in _nodes(node):
        if isinstance(part.get("schema"), dict):
            yield part

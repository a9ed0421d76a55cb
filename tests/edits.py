"""Edits of the contract that a maintainer may make, and what becomes of each: it works, or it is refused in one line.

`tests/operation_edits.py` has edits of operations; `python -m tests.edits_page` writes docs/contract-edits.md of both.
"""

import copy
import json
from typing import Any

from attrs import field, frozen

from run_results_conformance.server.contract import load_contract

TEXT = {"type": "string"}
EDIT = {"$ref": "#/components/schemas/Edit"}
LAYOUT = {"$ref": "#/components/schemas/PageLayout"}


@frozen
class Change:
    """One kind of edit: schemas that are added, and properties of a file that are.

    `before` says what happened when the stock generator and our first templates met it; `refused` is what is said now,
    and empty where it works. `good` and `bad` are values of the property that the model must take, and must not.
    """

    name: str
    property: Any
    before: str
    key: str = "added"
    schemas: dict[str, Any] = field(factory=dict)
    refused: str = ""
    good: tuple[Any, ...] = ()
    bad: tuple[Any, ...] = ()

    def spec(self) -> dict[str, Any]:
        """The contract with this edit alone."""
        return with_changes([self])


def with_changes(changes: "list[Change]") -> dict[str, Any]:
    """The contract with several edits: each adds a schema with its property, called after its place in the list."""
    spec: dict[str, Any] = copy.deepcopy(dict(load_contract().document))
    schemas = spec["components"]["schemas"]
    for number, change in enumerate(changes):
        text = json.dumps([change.schemas, change.property]).replace("Thing", f"Thing{number}")
        added, added_property = json.loads(text)
        schemas.update(added)
        schemas[f"Edited{number}"] = {"type": "object", "properties": {change.key: added_property}}
        reference = {"$ref": f"#/components/schemas/Edited{number}"}
        schemas["File"]["properties"][f"edited{number}"] = reference
    return spec


def _thing(schema: dict[str, Any]) -> dict[str, Any]:
    return {"Thing": schema}


THING = {"$ref": "#/components/schemas/Thing"}
_TREE = {
    "type": "object",
    "properties": {"name": TEXT, "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}},
}
_KIND = {"type": "object", "required": ["kind"]}
_PETS = {
    "Cat": {**_KIND, "properties": {"kind": {"type": "string", "const": "cat"}, "lives": {"type": "integer"}}},
    "Dog": {**_KIND, "properties": {"kind": {"type": "string", "const": "dog"}, "name": TEXT}},
}
_PET = {
    "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
    "discriminator": {
        "propertyName": "kind",
        "mapping": {"cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"},
    },
}
_AB = {"type": "object", "properties": {"x": TEXT}}

CHANGES = [
    # --- Keys ---
    Change("a key in camelCase", TEXT, "85 lines of errors", "createdAt", good=("a",), bad=(1,)),
    Change("a key with a hyphen", TEXT, "85 lines of errors", "created-at", good=("a",), bad=(1,)),
    Change("a key with a blank", TEXT, "85 lines of errors", "due date", good=("a",), bad=(1,)),
    Change("a key with a dot", TEXT, "85 lines of errors", "a.b", good=("a",), bad=(1,)),
    Change("a key with a digit in front", TEXT, "85 lines of errors", "3d", good=("a",), bad=(1,)),
    Change("a key with a dollar sign", TEXT, "85 lines of errors", "$x", good=("a",), bad=(1,)),
    Change("a key that is a keyword", TEXT, "29 lines of errors", "class", good=("a",), bad=(1,)),
    Change("a key in capitals", TEXT, "85 lines of errors", "ID", good=("a",), bad=(1,)),
    Change("a key that begins with an underscore", TEXT, "85 lines of errors", "_id", good=("a",), bad=(1,)),
    Change("an empty key", TEXT, "85 lines of errors", "", good=("a",), bad=(1,)),
    Change("a key with letters of another script", TEXT, "worked", "größe", good=("a",), bad=(1,)),
    Change("a key of ideographs", TEXT, "worked", "名前", good=("a",), bad=(1,)),
    Change("a key `self`", TEXT, "generated, and could not be imported", "self", good=("a",), bad=(1,)),
    Change("a key `str`", TEXT, "generated, and could not be imported", "str", good=("a",), bad=(1,)),
    Change("a key `int`", {"type": "integer"}, "generated, and could not be imported", "int", good=(1,), bad=("a",)),
    Change(
        "a key `list`",
        {"type": "array", "items": TEXT},
        "generated, and could not be imported",
        "list",
        good=(["a"],),
        bad=("a",),
    ),
    Change("a key `Unset`", TEXT, "85 lines of errors", "Unset", good=("a",), bad=(1,)),
    Change(
        "a key `Edit`, as a class",
        EDIT,
        "110 lines of errors",
        "Edit",
        good=({"timestamp": "t", "user_id": "u"},),
        bad=("a",),
    ),
    Change("a key `to_dict`, as a method", TEXT, "generated, and hid a method", "to_dict", good=("a",), bad=(1,)),
    Change("a key `type`, as a builtin", TEXT, "worked", "type", good=("a",), bad=(1,)),
    # --- Types ---
    Change("no type at all", {}, "generated, and could not be imported", good=("a", 1, None, [1], {"b": 2})),
    Change("a schema `true`", True, "12 lines of errors", good=("a", 1, None)),
    Change("null alone", {"type": "null"}, "worked", good=(None,), bad=("a",)),
    Change(
        "a list of types",
        {"type": ["string", "integer"]},
        "worked",
        good=("a", 1),
        bad=(1.5, []),
    ),
    Change(
        "a list of three types", {"type": ["boolean", "string", "null"]}, "worked", good=(True, "a", None), bad=(1,)
    ),
    Change(
        "a text or an array",
        {"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
        "worked",
        good=("a", ["a"]),
        bad=(1, [1]),
    ),
    Change(
        "a text or an object",
        {"anyOf": [TEXT, LAYOUT]},
        "worked",
        good=("a", {"page_number": 0, "width": 1.0, "height": 2.0}),
        bad=(1, {"width": "a"}),
    ),
    Change(
        "an object or null",
        {"anyOf": [EDIT, {"type": "null"}]},
        "worked",
        good=(None, {"timestamp": "t", "user_id": "u"}),
        bad=(1,),
    ),
    Change(
        "an array of arrays",
        {"type": "array", "items": {"type": "array", "items": TEXT}},
        "worked",
        good=([["a"]],),
        bad=(["a"],),
    ),
    Change("an array without items", {"type": "array"}, "27 lines of errors", good=([1, "a"],), bad=("a",)),
    Change("an object inside a property", _AB, "worked", good=({"x": "a"},), bad=({"x": 1}, "a")),
    Change(
        "an array as a schema of its own",
        THING,
        "worked",
        schemas=_thing({"type": "array", "items": TEXT}),
        good=(["a"],),
        bad=("a", [1]),
    ),
    Change(
        "a number as a schema of its own", THING, "worked", schemas=_thing({"type": "number"}), good=(1.5,), bad=("a",)
    ),
    Change(
        "free keys with a type",
        THING,
        "generated, and took a wrong value",
        schemas=_thing({"type": "object", "additionalProperties": TEXT}),
        good=({"b": "a"},),
        bad=({"b": 1},),
    ),
    Change(
        "free keys with a model",
        THING,
        "generated, and took a wrong value",
        schemas=_thing({"type": "object", "additionalProperties": LAYOUT}),
        good=({"b": {"page_number": 0, "width": 1.0, "height": 2.0}},),
        bad=({"b": 1},),
    ),
    Change(
        "free keys inside a property",
        {"type": "object", "additionalProperties": {"type": "integer"}},
        "generated, and took a wrong value",
        good=({"b": 1},),
        bad=({"b": "a"},),
    ),
    Change(
        "a schema that contains itself",
        {"$ref": "#/components/schemas/Tree"},
        "generated, and could not be imported",
        schemas={"Tree": _TREE},
        good=({"name": "a", "children": [{"children": []}]},),
        bad=({"children": [{"name": 1}]},),
    ),
    Change(
        "schemas that contain each other",
        {"$ref": "#/components/schemas/Za"},
        "generated, and could not be imported",
        schemas={
            "Za": {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/Zb"}}},
            "Zb": {
                "type": "object",
                "properties": {"a": {"type": "array", "items": {"$ref": "#/components/schemas/Za"}}, "n": TEXT},
            },
        },
        good=({"b": {"a": [{"b": {"n": "x"}}]}},),
        bad=({"b": {"a": [{"b": {"n": 1}}]}}, {"b": {"a": {}}}),
    ),
    Change(
        "three schemas in a circle",
        {"$ref": "#/components/schemas/Ra"},
        "generated, and could not be imported",
        schemas={
            "Ra": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Rb"}}},
            "Rb": {
                "type": "object",
                "properties": {"next": {"anyOf": [{"$ref": "#/components/schemas/Rc"}, {"type": "null"}]}},
            },
            "Rc": {
                "type": "object",
                "properties": {
                    "next": {"$ref": "#/components/schemas/Ra"},
                    "same": {"$ref": "#/components/schemas/Rc"},
                },
            },
        },
        good=({"next": {"next": None}}, {"next": {"next": {"same": {"next": {}}}}}),
        bad=({"next": {"next": {"next": {"next": {"next": 1}}}}},),
    ),
    Change(
        "allOf of two objects",
        THING,
        "a traceback of 157 lines",
        schemas=_thing({"allOf": [LAYOUT, _AB]}),
        good=({"page_number": 0, "width": 1.0, "height": 2.0, "x": "a"},),
        bad=({"x": "a"}, {"page_number": 0, "width": 1.0, "height": 2.0, "x": 1}),
    ),
    Change(
        "allOf around one reference", {"allOf": [EDIT]}, "worked", good=({"timestamp": "t", "user_id": "u"},), bad=({},)
    ),
    Change(
        "allOf of limits",
        THING,
        "a traceback of 157 lines",
        schemas=_thing(
            {"allOf": [{"type": "object", "properties": {"n": {"type": "integer", "minimum": 2}}}, {"required": ["n"]}]}
        ),
        good=({"n": 2},),
        bad=({}, {"n": 1}),
    ),
    Change(
        "objects with a discriminator",
        _PET,
        "generated, and could not be imported",
        schemas=_PETS,
        good=({"kind": "cat", "lives": 9}, {"kind": "dog", "name": "a"}),
        bad=({"kind": "fox"}, {"kind": "cat", "lives": "a"}, {}),
    ),
    # --- Values ---
    Change(
        "a list of values",
        {"type": "string", "enum": ["a", "b"]},
        "generated, and took a wrong value",
        good=("a", "b"),
        bad=("c", 1),
    ),
    Change(
        "an open list of values",
        {"type": "string", "enum": ["a"], "x-extensible-enum": True},
        "worked",
        good=("a", "c"),
        bad=(1,),
    ),
    Change(
        "a list of numbers",
        THING,
        "worked",
        schemas=_thing({"type": "integer", "enum": [1, 2]}),
        good=(1,),
        bad=(3, "a"),
    ),
    Change(
        "a list of values, or null",
        {"anyOf": [{"$ref": "#/components/schemas/RunStatus"}, {"type": "null"}]},
        "worked",
        good=(None, "COMPLETE"),
        bad=(1,),
    ),
    Change("one value", {"const": "x"}, "worked", good=("x",), bad=("y", 1)),
    Change("a date", {"type": "string", "format": "date"}, "worked", good=("2025-01-31",), bad=(1,)),
    Change(
        "a date with time",
        {"type": "string", "format": "date-time"},
        "generated, and changed a value when it was written back",
        good=("2025-01-31T10:00:00.000Z", "2025-01-31T10:00:00.123456789Z"),
        bad=(1,),
    ),
    Change(
        "a UUID",
        {"type": "string", "format": "uuid"},
        "generated, and changed a value when it was written back",
        good=("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",),
        bad=(1,),
    ),
    Change("a format of one's own", {"type": "string", "format": "iban"}, "worked", good=("a",), bad=(1,)),
    Change("a default", {"type": "string", "default": "a"}, "worked", good=("b",), bad=(1,)),
    Change("a least number", {"type": "integer", "minimum": 5}, "worked", good=(5,), bad=(4,)),
    Change("an exclusive limit", {"type": "number", "exclusiveMaximum": 1.5}, "worked", good=(1.4,), bad=(1.5,)),
    Change(
        "a limit of a text or a number",
        {"type": ["string", "integer"], "minLength": 2},
        "generated, and could not be imported",
        good=("ab", 1),
        bad=("a",),
    ),
    Change(
        "limits of items",
        {"type": "array", "items": {"type": "integer", "maximum": 5}},
        "worked",
        good=([5],),
        bad=([6],),
    ),
    Change("a pattern", {"type": "string", "pattern": "^x"}, "worked", good=("xa",), bad=(1,)),
    Change("a multiple", {"type": "integer", "multipleOf": 5}, "worked", good=(10,), bad=("a",)),
    Change("a shortest array", {"type": "array", "items": TEXT, "minItems": 1}, "worked", good=(["a"],), bad=("a",)),
    Change(
        "a description with quotes", {"type": "string", "description": 'a """ b \\ c'}, "worked", good=("a",), bad=(1,)
    ),
    Change("a deprecated property", {"type": "string", "deprecated": True}, "worked", good=("a",), bad=(1,)),
    Change(
        "a property with an include flag",
        {"type": "string", "x-include": "include_source_info"},
        "worked",
        good=("a",),
        bad=(1,),
    ),
    # --- Refused ---
    Change(
        "a reference to another file",
        {"$ref": "other.yaml#/X"},
        "27 lines of errors",
        refused="$ref leads to another file (other.yaml#/X)",
    ),
    Change(
        "a reference to nothing",
        {"$ref": "#/components/schemas/Nothing"},
        "27 lines of errors",
        refused="$ref leads nowhere (#/components/schemas/Nothing)",
    ),
    Change(
        "a reference into a schema",
        {"$ref": "#/components/schemas/Edit/properties/user_id"},
        "27 lines of errors",
        refused="$ref leads into a schema (#/components/schemas/Edit/properties/user_id)",
    ),
    Change(
        "two objects without a discriminator",
        {"oneOf": [EDIT, LAYOUT]},
        "generated, and could not be imported",
        refused="a reader cannot tell several objects apart",
    ),
    Change(
        "two arrays",
        {"anyOf": [{"type": "array", "items": TEXT}, {"type": "array", "items": {"type": "integer"}}]},
        "generated, and could not be imported",
        refused="a reader cannot tell several arrays apart",
    ),
    Change(
        "a union inside allOf",
        {"allOf": [{"anyOf": [TEXT, {"type": "null"}]}]},
        "generated, and not checked",
        refused="a union inside allOf cannot be generated",
    ),
    Change(
        "schemas that contain each other, one of them an array",
        {"$ref": "#/components/schemas/Zc"},
        "generated, and could not be imported",
        schemas={
            "Zc": {"type": "object", "properties": {"d": {"$ref": "#/components/schemas/Zd"}}},
            "Zd": {"type": "array", "items": {"$ref": "#/components/schemas/Zc"}},
        },
        refused="it contains Zc, and the other way round, and has no properties",
    ),
    Change(
        "members and free keys with a type",
        THING,
        "generated, and not checked",
        schemas=_thing({"type": "object", "properties": {"x": TEXT}, "additionalProperties": TEXT}),
        refused="a model with members of its own cannot check other keys",
    ),
    Change(
        "no other keys",
        THING,
        "generated, and not checked",
        schemas=_thing({"type": "object", "properties": {"x": TEXT}, "additionalProperties": False}),
        refused="models ignore keys that they do not know",
    ),
    Change(
        "a required key that is not described",
        THING,
        "generated, and not checked",
        schemas=_thing({"type": "object", "properties": {"x": TEXT}, "required": ["y"]}),
        refused="'y' is required and not described",
    ),
    Change(
        "keys that Python takes for one",
        THING,
        "generated, and not checked",
        schemas=_thing({"type": "object", "properties": {"ﬁle": TEXT, "file": TEXT}}),
        refused="'file' and 'ﬁle' are one name to Python, which normalizes names",
    ),
    Change(
        "schemas that would be one class",
        {"$ref": "#/components/schemas/edit"},
        "40 lines of errors",
        schemas={"edit": _AB},
        refused="'edit' and 'Edit' would be one class",
    ),
    Change("a key with a quote", TEXT, "85 lines of errors", 'a"b', refused="the decoder cannot read the key 'a\"b'"),
    Change(
        "bytes",
        {"type": "string", "format": "binary"},
        "generated, and could not be imported",
        refused="JSON has no bytes",
    ),
    Change(
        "values of several types",
        {"enum": ["a", 1]},
        "30 lines of errors",
        refused="the values are neither all texts nor all integers",
    ),
    Change(
        "null among the values",
        {"type": ["string", "null"], "enum": ["a", None]},
        "generated, and could not be imported",
        refused="null is one of the values",
    ),
    Change(
        "values that would be one member",
        {"enum": ["a-b", "a_b"]},
        "a traceback of 151 lines",
        refused="two values would be one member of the enum",
    ),
    Change(
        "`nullable`, as in OpenAPI 3.0",
        {"type": "string", "nullable": True},
        "generated, and not checked",
        refused="OpenAPI 3.1 has no 'nullable'",
    ),
    Change("a type that JSON has not", {"type": "text"}, "15 lines of errors", refused="JSON has no type 'text'"),
    Change("`not`", {"not": TEXT}, "generated, and could not be imported", refused="models cannot check 'not'"),
    Change(
        "`if`",
        {"type": "object", "properties": {"x": TEXT}, "if": {}},
        "generated, and not checked",
        refused="models cannot check 'if'",
    ),
    Change(
        "`prefixItems`",
        {"type": "array", "prefixItems": [TEXT]},
        "generated, and not checked",
        refused="models cannot check 'prefixItems'",
    ),
    Change(
        "`contains`",
        {"type": "array", "items": TEXT, "contains": TEXT},
        "generated, and not checked",
        refused="models cannot check 'contains'",
    ),
    Change(
        "`patternProperties`",
        {"type": "object", "patternProperties": {"^x": TEXT}},
        "generated, and not checked",
        refused="models cannot check 'patternProperties'",
    ),
    Change(
        "`propertyNames`",
        {"type": "object", "propertyNames": TEXT},
        "generated, and not checked",
        refused="models cannot check 'propertyNames'",
    ),
    Change(
        "`dependentRequired`",
        {"type": "object", "dependentRequired": {}},
        "generated, and not checked",
        refused="models cannot check 'dependentRequired'",
    ),
    Change(
        "`unevaluatedProperties`",
        {"type": "object", "unevaluatedProperties": False},
        "generated, and not checked",
        refused="models cannot check 'unevaluatedProperties'",
    ),
    Change("a schema that is no schema", "text", "12 lines of errors", refused="it is no schema"),
]

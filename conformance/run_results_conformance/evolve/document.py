"""OpenAPI documents as `evolve` reads them: YAML or JSON, references followed, 3.0 read as 3.1."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from .change import CannotJudge

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# Words for people: a change of them changes no request and no answer.
WORDS = frozenset(
    {"title", "summary", "description", "examples", "example", "$comment", "externalDocs", "tags", "operationId"}
)


class DocumentError(Exception):
    """A file is not an OpenAPI document that can be read."""


@frozen
class Node:
    """A part of a document, with the JSON pointer to it. References are followed by `Document.at`."""

    value: Any
    pointer: str

    def __getitem__(self, key: str | int) -> "Node":
        return Node(self.value[key], f"{self.pointer}/{str(key).replace('~', '~0').replace('/', '~1')}")

    def get(self, key: str) -> "Node | None":
        """The member, or None where there is none."""
        return self[key] if key in self.value else None

    def members(self) -> "Iterator[tuple[str, Node]]":
        """Name and value of each member of an object."""
        for key in self.value:
            yield str(key), self[key]

    def elements(self) -> "list[Node]":
        """The elements of an array."""
        return [self[index] for index in range(len(self.value))]


@frozen
class Document:
    """An OpenAPI document in the terms of 3.1."""

    root: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "Document":
        """The document in a YAML or JSON file. Raises DocumentError, which names the file."""
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DocumentError(f"{path} cannot be read: {error}") from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, name: str) -> "Document":
        """The document in a text; `name` is for messages. Raises DocumentError."""
        try:
            root = json.loads(text) if text.lstrip().startswith("{") else _yaml(text)
        except ValueError as error:
            raise DocumentError(f"{name} is neither YAML nor JSON: {error}") from error
        if not isinstance(root, dict) or not str(root.get("openapi", "")).startswith("3.") or "paths" not in root:  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            raise DocumentError(f"{name} is not an OpenAPI 3 document: it needs openapi: 3.x and paths")
        if str(root["openapi"]).startswith("3.0"):  # pyright: ignore[reportUnknownArgumentType]
            root = as_31(root)
        return cls(root)  # pyright: ignore[reportUnknownArgumentType]

    def at(self, node: Node) -> Node:
        """The node that a chain of references leads to. Members beside a reference are left out.

        Raises CannotJudge for a reference to another file, and for one that leads nowhere or in a circle.
        """
        seen: set[str] = set()
        while isinstance(node.value, Mapping) and "$ref" in node.value:
            reference = node.value["$ref"]
            if not isinstance(reference, str) or not reference.startswith("#/"):
                raise CannotJudge(
                    "$ref", node.pointer, f"{reference!r} leads to another file; bundle the document first"
                )
            if reference in seen:
                raise CannotJudge("$ref", node.pointer, f"{reference} leads back to itself")
            seen.add(reference)
            node = self._find(reference, node.pointer)
        return node

    def _find(self, reference: str, pointer: str) -> Node:
        node = Node(self.root, "#")
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(node.value, Mapping) or key not in node.value:
                raise CannotJudge("$ref", pointer, f"{reference} leads nowhere")
            node = node[key]
        return node


def as_31(root: Mapping[str, Any]) -> dict[str, Any]:
    """A 3.0 document in the terms of 3.1: null is a type, and exclusive bounds are numbers."""
    return {**{str(key): _translate(part) for key, part in root.items()}, "openapi": "3.1.0"}


def _translate(node: Any) -> Any:
    if isinstance(node, list):
        return [_translate(part) for part in node]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(node, Mapping):
        return node
    made: dict[str, Any] = {str(key): _translate(value) for key, value in node.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if made.get(exclusive) is True and bound in made:
            made[exclusive] = made.pop(bound)
        elif isinstance(made.get(exclusive), bool):
            del made[exclusive]
    if isinstance(made.get("nullable"), bool):
        return _with_null(made) if made.pop("nullable") else made
    return made


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, and null. Beside a reference tools differ about `nullable`, but the intent is clear."""
    if isinstance(schema.get("type"), str):
        if "enum" in schema and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
        return {**schema, "type": [schema["type"], "null"]}
    if not (schema.keys() - WORDS):
        return schema  # no type: null is allowed already
    words = {key: value for key, value in schema.items() if key in WORDS or key.startswith("x-")}
    rest = {key: value for key, value in schema.items() if key not in words}
    return {"anyOf": [rest, {"type": "null"}], **words}


def _yaml(text: str) -> Any:
    # YAML 1.2, as OpenAPI asks for: under 1.1 a key `on` or a value `no` would be a boolean.
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
    except ModuleNotFoundError as error:
        raise DocumentError("reading YAML needs the extra: pip install 'run-results[evolve]'") from error
    try:
        return YAML(typ="safe").load(text)  # pyright: ignore[reportUnknownMemberType]
    except YAMLError as error:
        raise ValueError(str(error)) from error

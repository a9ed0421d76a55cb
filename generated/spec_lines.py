"""The lines of the spec's parts, so that a report can point to what a rule is about."""

from collections.abc import Iterator

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node

_DEPTHS = {"components": 3, "paths": 4}


def spec_lines(text: str) -> dict[str, int]:
    """The line, counted from 1, of each part of an OpenAPI document in YAML, by its JSON pointer.

    Parts are the members of the document, the components, the members and properties of schemas, and the members of
    operations.
    """
    root = YAML().compose(text)
    return {_pointer(path): line for path, line in _lines(root, ())}


def _lines(node: Node | None, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    if not isinstance(node, MappingNode) or len(path) >= _depth(path):
        return
    for key, value in node.value:
        here = (*path, str(key.value))
        yield here, key.start_mark.line + 1
        yield from _lines(value, here)


def _depth(path: tuple[str, ...]) -> int:
    """How many steps lead to the innermost parts that are listed."""
    match path:
        case ("components", "schemas", _, "properties", *_):
            return 5
        case ("components", "schemas", _, *_):
            return 4
        case (first, *_):
            return _DEPTHS.get(first, 1)
        case _:
            return 1


def _pointer(path: tuple[str, ...]) -> str:
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in path)

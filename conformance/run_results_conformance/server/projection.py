"""From project terms to API terms: field names by the rule, and only the parts that the include flags ask for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from run_results_conformance.server.terms import JsonObject, SpecError

Transform = Callable[[Any], Any]
Resolve = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Gives the target of a schema node that is a reference, and any other node itself."""


class ProjectionCompiler:
    """Compiles schema nodes to functions that transform data. None means no change, so most data is never visited."""

    def __init__(self, resolve: Resolve, rule: Callable[[str], str], flags: frozenset[str]) -> None:
        self._resolve = resolve
        self._flags = flags
        self._under_way: set[int] = set()
        self._name = lru_cache(maxsize=65_536)(rule)

    def compile(self, node: Mapping[str, Any]) -> Transform | None:
        """The transform of a schema node. Raises SpecError for one that cannot be projected."""
        schema = self._resolve(node)
        if id(schema) in self._under_way:
            raise SpecError("a schema that holds itself cannot be projected")
        self._under_way.add(id(schema))
        try:
            branches = [*self._own(schema), *self._alternatives(schema)]
        finally:
            self._under_way.discard(id(schema))
        return _by_type(branches)

    def _own(self, schema: Mapping[str, Any]) -> Iterator[tuple[type, Transform]]:
        if schema.get("format") == "api-field-name":
            yield str, self._name
        if "properties" in schema and (transform := self._object(schema["properties"])):
            yield dict, transform
        if "items" in schema and (item := self.compile(schema["items"])):
            yield list, lambda values: [item(value) for value in values]

    def _alternatives(self, schema: Mapping[str, Any]) -> Iterator[tuple[type, Transform]]:
        for keyword in ("allOf", "anyOf", "oneOf"):
            for branch in schema.get(keyword, ()):
                inner = self._resolve(branch)
                yield from self._own(inner)
                yield from self._alternatives(inner)

    def _object(self, properties: Mapping[str, Any]) -> Transform | None:
        hidden = {
            name for name, node in properties.items() if "x-include" in node and node["x-include"] not in self._flags
        }
        steps = {
            name: transform
            for name, node in properties.items()
            if name not in hidden and (transform := self.compile(node)) is not None
        }
        if not hidden and not steps:
            return None

        def transform_object(value: JsonObject) -> JsonObject:
            return {
                name: step(part) if (step := steps.get(name)) is not None else part
                for name, part in value.items()
                if name not in hidden
            }

        return transform_object


def _by_type(branches: Sequence[tuple[type, Transform]]) -> Transform | None:
    """One function that chooses the branch by the JSON type of the value."""
    if not branches:
        return None
    table = dict(branches)
    if len(table) != len(branches):
        raise SpecError("two alternatives of one JSON type cannot be told apart")
    if len(branches) == 1:
        kind, transform = branches[0]
        return lambda value: transform(value) if type(value) is kind else value

    def pick(value: Any) -> Any:
        chosen = table.get(type(value))
        return value if chosen is None else chosen(value)

    return pick

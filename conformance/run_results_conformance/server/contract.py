"""The contract as the server sees it: the spec is read as data, and interpreted.

This module knows no property by name. The spec says which include flag a property needs (`x-include`), which strings
are field names (`format: api-field-name`), how the name rule works (`x-field-name-rule`), how paging works
(`x-pagination`) and what values a parameter may have (its schema). So a change of `openapi.yaml` changes the server
without a change of code. A spec that this module cannot interpret is an error when the server starts.

Two terms: data in *project terms* has the project's own field names and every optional part, as stores keep it. Data in
*API terms* is what a client gets: names by the rule, and only the parts that the include flags ask for.

    SpecError       the spec is missing, or has something that cannot be interpreted
    BadParameter    a parameter of a request has a value that the spec does not allow
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from run_results_conformance.server.name_rule import FieldNameRule
from run_results_conformance.server.parameters import Pagination, Parameter
from run_results_conformance.server.projection import ProjectionCompiler, Transform
from run_results_conformance.server.terms import JsonObject, SpecError

_CONTRACT_PACKAGE = "run_results_api"
_CONTRACT_FILE = "openapi.json"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class Contract:
    """One operation of an OpenAPI document: the main one, or the one that is named.

    `document` is the parsed document; it is never changed. Attributes are computed once, on first use.

        contract = load_contract()
        contract.path                                # "/v2/apps/runs/{run_id}/results"
        contract.parameters["file_offset"].read([])  # 0
        contract.project(run, frozenset({"include_source_info"}))
        contract.operations["list_runs"].path        # "/v2/apps/runs"

    The main operation is the one without `x-addition`. Raises SpecError if the document does not have exactly one such
    operation, has none called `name`, or cannot be interpreted.
    """

    def __init__(self, document: Mapping[str, Any], name: str | None = None) -> None:
        self.document = document
        self._places = {
            str(item[method].get("operationId", f"{method} {path}")): (path, method, item[method])
            for path, item in document.get("paths", {}).items()
            for method in _METHODS
            if method in item
        }
        main = [each for each, (_, _, node) in self._places.items() if not node.get("x-addition")]
        if len(main) != 1:
            raise SpecError(f"the contract has {len(main)} operations without x-addition; there must be one")
        self.name = name or main[0]
        if self.name not in self._places:
            raise SpecError(f"the contract has no operation {self.name!r}, only {', '.join(self._places)}")
        self.path: str
        self.method: str
        self.operation: Mapping[str, Any]
        self.path, self.method, self.operation = self._places[self.name]

    @cached_property
    def operations(self) -> Mapping[str, "Contract"]:
        """Every operation of the document by its `operationId`, this one included, in the spec's order."""
        return MappingProxyType(
            {name: self if name == self.name else Contract(self.document, name) for name in self._places}
        )

    def resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """The node itself, or the target of its `$ref`. Raises SpecError if there is no target."""
        while "$ref" in node:
            target: Any = self.document
            for part in str(node["$ref"]).removeprefix("#/").split("/"):
                try:
                    target = target[part.replace("~1", "/").replace("~0", "~")]
                except (KeyError, TypeError):
                    raise SpecError(f"{node['$ref']} points nowhere") from None
            node = target
        return node

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """The operation's parameters by name, in the spec's order."""
        found: dict[str, Parameter] = {}
        for reference in self.operation.get("parameters", ()):
            node = self.resolve(reference)
            examples = {name: self.resolve(example)["value"] for name, example in node.get("examples", {}).items()}
            found[node["name"]] = Parameter(
                node["name"], node["in"], node.get("required", False), self.resolve(node["schema"]), examples
            )
        return MappingProxyType(found)

    @cached_property
    def pagination(self) -> Pagination:
        """The names in `x-pagination`. Raises SpecError if one is missing."""
        return Pagination.from_spec(self.operation.get("x-pagination", {}))

    @cached_property
    def answer_schema(self) -> Mapping[str, Any]:
        """The schema node of the 200 answer, as the spec writes it (usually a reference)."""
        return self._body_schema("200")

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """The include flags, in the spec's order: the query parameters that an `x-include` names."""
        named = {str(node["x-include"]) for node in self._schemas() if "x-include" in node}
        unknown = named - self.parameters.keys()
        if unknown:
            raise SpecError(f"x-include names what is no parameter: {', '.join(sorted(unknown))}")
        return tuple(name for name in self.parameters if name in named)

    @cached_property
    def field_name_rule(self) -> FieldNameRule:
        """The rule for strings of `format: api-field-name`. All operations have the same one."""
        schemas = _objects(self.document["components"]["schemas"])
        rules = [node["x-field-name-rule"] for node in schemas if "x-field-name-rule" in node]
        if len(rules) != 1:
            raise SpecError(f"the schemas hold {len(rules)} field-name rules; there must be one")
        return FieldNameRule.from_spec(rules[0])

    @cached_property
    def examples(self) -> Mapping[str, JsonObject]:
        """The example answers of status 200, by name: whole pages in API terms."""
        nodes = self._media_type("200").get("examples", {})
        return MappingProxyType({name: self.resolve(node)["value"] for name, node in nodes.items()})

    def validation_schema(self, status: int | str) -> JsonObject:
        """A self-contained JSON Schema (2020-12) for the body of a status (`default` if it is not listed).

            jsonschema_rs.validator_for(contract.validation_schema(200)).is_valid(body)

        Its `$ref`s point to `#/components/...`, which is part of it.
        """
        return {**self._body_schema(str(status)), "components": self.document["components"]}

    def _media_type(self, status: str) -> Mapping[str, Any]:
        responses = self.operation["responses"]
        node = self.resolve(responses[status] if status in responses else responses["default"])
        return self.resolve(node["content"]["application/json"])

    def _body_schema(self, status: str) -> Mapping[str, Any]:
        schema: Mapping[str, Any] = self._media_type(status)["schema"]
        return schema

    @cached_property
    def run_schema(self) -> JsonObject:
        """A self-contained JSON Schema of a whole run in *project terms*, as stores keep it.

        It is the answer's schema with four differences. There is no has-more property. A field name is any string. What
        an include flag guarantees is required, because the server must not make it up. Keys that the spec does not name
        are refused, because they are typing errors.
        """
        return self._schema_in_project_terms(whole=True)

    @cached_property
    def partial_run_schema(self) -> JsonObject:
        """As `run_schema`, for what is known of a run: what include flags ask for may be left out."""
        return self._schema_in_project_terms(whole=False)

    def _schema_in_project_terms(self, *, whole: bool) -> JsonObject:
        copy = Contract(json.loads(json.dumps(self.document)), self.name)
        for schema in copy._schemas():
            if schema.get("format") == "api-field-name":
                schema.pop("pattern", None)
            if "properties" in schema:
                guaranteed = _guaranteed(schema["properties"]) if whole else []
                schema["required"] = [*schema.get("required", ()), *guaranteed]
                schema.setdefault("additionalProperties", False)
        answer: Any = copy.resolve(copy.answer_schema)
        del answer["properties"][self.pagination.more]
        required = {"id": None} | dict.fromkeys(answer["required"])  # a store finds a run by its id
        answer["required"] = [name for name in required if name != self.pagination.more]
        return copy.validation_schema(200)

    def _schemas(self) -> Iterator[JsonObject]:
        """Every object inside the schemas that the 200 answer reaches, at any depth."""
        reached: dict[int, Mapping[str, Any]] = {}
        under_way = [self.answer_schema]
        while under_way:
            schema = self.resolve(under_way.pop())
            if id(schema) not in reached:
                reached[id(schema)] = schema
                under_way += [node for node in _objects(schema) if isinstance(node.get("$ref"), str)]
        # A schema that is written in place is reached once, and a component wherever it is referred to.
        for schema in reached.values():
            yield from _objects(schema)

    # --- Projection -----------------------------------------------------------------------------------------

    def project(self, value: Any, flags: frozenset[str]) -> Any:
        """A page in API terms: field names by the rule, and only the parts that these flags ask for.

        `value` has the shape of the 200 answer, in project terms. It is not changed. Parts that need no change are not
        copied but shared with the result. Data that does not fit the spec is passed on unchanged.
        """
        projector = self._projector(flags & frozenset(self.flags))
        return value if projector is None else projector(value)

    @cached_property
    def _projector(self) -> Callable[[frozenset[str]], Transform | None]:
        @cache
        def compiled(flags: frozenset[str]) -> Transform | None:
            return ProjectionCompiler(self.resolve, self.field_name_rule, flags).compile(self.answer_schema)

        return compiled


def _objects(value: Any) -> Iterator[JsonObject]:
    """Every object in a JSON value, at any depth."""
    under_way = [value]
    while under_way:
        node = under_way.pop()
        if isinstance(node, dict):
            yield node  # pyright: ignore[reportUnknownVariableType]
        under_way.extend(node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())


def _guaranteed(properties: Mapping[str, Any]) -> list[str]:
    """The properties that are always there if their include flag is set."""
    return [name for name, node in properties.items() if "x-include" in node and node.get("x-include-guaranteed", True)]


# --- Finding it ---------------------------------------------------------------------------------------------


@cache
def load_contract(path: Path | None = None) -> Contract:
    """The contract in the JSON file `path`; without a path, the copy in the installed `run_results_api`.

    The package is found, not imported: none of the client's code runs. Raises SpecError when there is no
    such package, no such file, or no OpenAPI document in it.
    """
    path = path or installed(_CONTRACT_FILE)
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise SpecError(f"the contract cannot be read: {error}") from error
    except ValueError as error:
        raise SpecError(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict) or "paths" not in document:
        raise SpecError(f"{path} is not an OpenAPI document")
    return Contract(document)  # pyright: ignore[reportUnknownArgumentType]


def installed(name: str) -> Path:
    """A file of the installed `run_results_api`, which is not imported. Raises SpecError if it is not there."""
    # find_spec only looks for files; for a top-level package it executes nothing.
    spec = find_spec(_CONTRACT_PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / name
        if path.is_file():
            return path
    raise SpecError(f"{_CONTRACT_PACKAGE} with its {name} is not installed; in a checkout, make generate")

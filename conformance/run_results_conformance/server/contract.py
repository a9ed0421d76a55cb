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
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from attrs import field, frozen

JsonObject = dict[str, Any]
"""A JSON object as `json.loads` gives it. The spec, not the type checker, says what is in it."""

_CONTRACT_PACKAGE = "run_results_api"
_CONTRACT_FILE = "openapi.json"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class SpecError(Exception):
    """The spec is missing, or has something that this server cannot interpret."""


class BadParameter(ValueError):
    """A parameter of a request has a value that the contract does not allow. The message never quotes the value."""


# --- The field-name rule ------------------------------------------------------------------------------------


@frozen
class Alphabet:
    """Which characters a name may have: `start` tests the first character, `continue_` every later one."""

    start: Callable[[str], bool]
    continue_: Callable[[str], bool]


ALPHABETS: Mapping[str, Alphabet] = MappingProxyType(
    {
        # str.isidentifier uses the Unicode tables of the running Python, as the users of the names do.
        "python-identifier": Alphabet(str.isidentifier, lambda character: f"_{character}".isidentifier()),
        "ascii-identifier": Alphabet(
            lambda character: character.isascii() and character.isidentifier(),
            lambda character: character.isascii() and f"_{character}".isidentifier(),
        ),
    }
)
"""The alphabets that a rule can name."""


class _Outside(dict[int, str | None]):
    """A table for `str.translate` that replaces every character outside a set. Entries are made when needed."""

    def __init__(self, inside: Callable[[str], bool], replacement: str) -> None:
        super().__init__()
        self._inside = inside
        self._replacement = replacement

    def __missing__(self, code_point: int) -> str:
        character = chr(code_point)
        self[code_point] = found = character if self._inside(character) else self._replacement
        return found


@frozen
class FieldNameRule:
    """The rule that turns a project's field name into an API field name, with the steps of the spec.

    Call it with a name: `rule("driver's license") == "driver_s_license"`. Every string has an API name. Different
    strings can have the same one, such as `due date` and `due-date`.
    """

    document: Mapping[str, Any] = field(repr=False)
    alphabet: str
    _steps: tuple[Callable[[str], str], ...] = field(repr=False)

    @classmethod
    def from_spec(cls, document: Mapping[str, Any], *, alphabet: str | None = None) -> Self:
        """Compiles an `x-field-name-rule`. `alphabet` replaces the one that the rule names.

        Raises SpecError for an unknown alphabet or an unknown step.
        """
        name = alphabet or str(document.get("alphabet"))
        if name not in ALPHABETS:
            raise SpecError(f"x-field-name-rule: no alphabet is called {name!r}")
        steps = tuple(_compile_step(step, ALPHABETS[name]) for step in document.get("steps", ()))
        return cls(document, name, steps)

    def with_alphabet(self, alphabet: str) -> Self:
        """The same steps with another alphabet, such as `ascii-identifier` for an ASCII-only service."""
        return self.from_spec(self.document, alphabet=alphabet)

    def __call__(self, name: str) -> str:
        """The API name of a project's field name."""
        for step in self._steps:
            name = step(name)
        return name


def _compile_step(step: Mapping[str, Any], alphabet: Alphabet) -> Callable[[str], str]:
    classes = {"start": alphabet.start, "continue": alphabet.continue_}
    match dict(step):
        case {"replace": str(old), "with": str(new), **rest} if old and not rest:
            return lambda name: name.replace(old, new)
        case {"replace-characters-outside": str(kind), "with": str(new), **rest} if kind in classes and not rest:
            table = _Outside(classes[kind], new)
            return lambda name: name.translate(table)
        case {"unless-first-character-in": str(kind), "prepend": str(prefix), **rest} if kind in classes and not rest:
            inside = classes[kind]
            return lambda name: name if name and inside(name[0]) else prefix + name
        case _:
            raise SpecError(f"x-field-name-rule: the step {dict(step)!r} is not known")


# --- Parameters ---------------------------------------------------------------------------------------------


@frozen
class Parameter:
    """One parameter of the operation.

    `place` is `path`, `query` or `header`. `examples` are the example values that the spec gives, by name.
    """

    name: str
    place: str
    required: bool
    schema: Mapping[str, Any] = field(repr=False)
    examples: Mapping[str, Any] = field(repr=False)

    @property
    def is_list(self) -> bool:
        """Whether the parameter may be given several times, once for each value of a list."""
        return self.schema.get("type") == "array"

    def read(self, values: Sequence[str]) -> Any:
        """The parameter's value, read from all texts that the request has for it.

        Without a text it is the default, or None if the spec has no default. A boolean is exactly `true` or `false`. An
        integer is a decimal number in ASCII digits, without plus sign or leading zeros. A list has one text for each of
        its values. Raises BadParameter if a parameter that is no list is given twice, if it is required and missing, or
        if it does not fit its schema.
        """
        if len(values) > 1 and not self.is_list:
            raise BadParameter(f"{self.name} must be given once")
        if values:
            return [self._parse(text) for text in values] if self.is_list else self._parse(values[0])
        if self.required:
            raise BadParameter(f"{self.name} is required")
        return self.schema.get("default")

    @cached_property
    def _parse(self) -> Callable[[str], Any]:
        parsers = {"boolean": _boolean_parser, "integer": _integer_parser, "string": _string_parser}
        schema = self.schema.get("items", {}) if self.is_list else self.schema
        kind = schema.get("type")
        if kind not in parsers:
            raise SpecError(f"parameter {self.name}: cannot read values of type {kind!r}")
        return parsers[kind](self.name, schema)


def _boolean_parser(name: str, _schema: Mapping[str, Any]) -> Callable[[str], bool]:
    words = {"true": True, "false": False}

    def parse(text: str) -> bool:
        if text not in words:
            raise BadParameter(f"{name} must be true or false")
        return words[text]

    return parse


def _integer_parser(name: str, schema: Mapping[str, Any]) -> Callable[[str], int]:
    minimum, maximum = schema.get("minimum"), schema.get("maximum")
    span = f" from {minimum} to {maximum}" if minimum is not None and maximum is not None else ""
    refusal = f"{name} must be an integer{span}"
    # Every 64-bit integer has at most 20 characters; to convert longer texts would only cost time.
    canonical = re.compile("0|-?[1-9][0-9]{0,18}")

    def parse(text: str) -> int:
        if canonical.fullmatch(text) is None:
            raise BadParameter(refusal)
        value = int(text)
        if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
            raise BadParameter(refusal)
        return value

    return parse


def _string_parser(name: str, schema: Mapping[str, Any]) -> Callable[[str], str]:
    if "enum" in schema and not schema.get("x-extensible-enum"):
        return _choice_parser(name, schema["enum"])
    shortest = int(schema.get("minLength", 0))
    # In a spec `$` matches only at the end; in Python it also matches before a final newline.
    pattern = re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", schema.get("pattern", "")))

    def parse(text: str) -> str:
        if len(text) < shortest or pattern.search(text) is None:
            raise BadParameter(f"{name} has a form that is not accepted")
        return text

    return parse


def _choice_parser(name: str, choices: Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise BadParameter(f"{name} must be {' or '.join(choices)}")
        return text

    return parse


@frozen
class Pagination:
    """The names in the spec's `x-pagination`: the offset parameter, and the properties for items and has-more."""

    offset: str
    items: str
    _more: str | None

    @classmethod
    def from_spec(cls, words: Mapping[str, Any]) -> Self:
        """Reads an `x-pagination`. Raises SpecError if it lacks a name."""
        if "more" not in words and words.get("end") != "empty":
            raise SpecError("x-pagination does not say 'more', and not that the end is an empty page")
        try:
            return cls(words["offset"], words["items"], words.get("more"))
        except KeyError as error:
            raise SpecError(f"x-pagination does not say {error}") from None

    @property
    def more(self) -> str:
        """The property that says whether more pages come. Raises SpecError where only an empty page is the end."""
        if self._more is None:
            raise SpecError("x-pagination does not say 'more': the first page without items is the end")
        return self._more

    @property
    def ends_empty(self) -> bool:
        """Whether no page says if more come, so that the first page without items is the end."""
        return self._more is None


# --- The contract -------------------------------------------------------------------------------------------

Transform = Callable[[Any], Any]


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
            return _Compiler(self, flags).compile(self.answer_schema)

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


class _Compiler:
    """Compiles schema nodes to functions that transform data. None means no change, so most data is never visited."""

    def __init__(self, contract: Contract, flags: frozenset[str]) -> None:
        self._contract = contract
        self._flags = flags
        self._under_way: set[int] = set()
        self._name = lru_cache(maxsize=65_536)(contract.field_name_rule)

    def compile(self, node: Mapping[str, Any]) -> Transform | None:
        schema = self._contract.resolve(node)
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
                inner = self._contract.resolve(branch)
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


# --- Finding it ---------------------------------------------------------------------------------------------


@cache
def load_contract(path: Path | None = None) -> Contract:
    """The contract in the JSON file `path`; without a path, the copy in the installed `run_results_api`.

    The package is found, not imported: none of the client's code runs. Raises SpecError when there is no
    such package, no such file, or no OpenAPI document in it.
    """
    path = path or _installed_copy()
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise SpecError(f"the contract cannot be read: {error}") from error
    except ValueError as error:
        raise SpecError(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict) or "paths" not in document:
        raise SpecError(f"{path} is not an OpenAPI document")
    return Contract(document)  # pyright: ignore[reportUnknownArgumentType]


def _installed_copy() -> Path:
    # find_spec only looks for files; for a top-level package it executes nothing.
    spec = find_spec(_CONTRACT_PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / _CONTRACT_FILE
        if path.is_file():
            return path
    raise SpecError(f"{_CONTRACT_PACKAGE} with its {_CONTRACT_FILE} is not installed; in a checkout, make generate")

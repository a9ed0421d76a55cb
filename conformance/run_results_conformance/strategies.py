"""Hypothesis strategies made from the spec: answers, whole runs, and answers that break the contract.

    @given(responses())                             any answer of status 200 that the spec allows
    @given(responses({"include_source_info"}))      any answer to a request with only this flag
    @given(responses(extra=True))                   the same, with keys that the spec does not name
    @given(schema("Document"))                      any value of one schema
    @given(runs())                                  any whole run in project terms, for a store
    @given(broken_responses())                      an answer with one breach, with its place and description
    @given(responses(contract=contract.operations["list_runs"]))    any answer of another operation

`_Compiler` makes a strategy from a schema. It knows no property by name, and a keyword that it does not know is an
error. Examples shrink to the smallest value that the spec allows: no optional keys, empty arrays, empty texts, zeros.
"""

import copy
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from attrs import frozen
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from .server.contract import Contract, load_contract
from .server.folder import json_path
from .server.runs import MemoryRun
from .server.terms import JsonObject, SpecError

Values = SearchStrategy[Any]

_FIELD_NAME = "api-field-name"
# Keywords that do not change which values a schema allows, or that are read at the property.
_REMARKS = {"description", "title", "default", "deprecated", "format", "$schema", "components"}
_READ = {
    "$ref", "type", "enum", "const", "anyOf", "oneOf", "properties", "required", "additionalProperties", "items",
    "minItems", "maxItems", "minimum", "maximum", "minLength", "maxLength", "pattern", "examples",
}  # fmt: skip
_ITEMS = 3  # most items of an array without a limit in the spec: enough for a first, a middle and a last one

_EXACT = 2**53  # up to here a double holds every integer

_SIMPLEST = ("null", "boolean", "integer", "number", "string", "array", "object")  # JSON's types, simplest first

_NULL: Values = st.none()
# Seldom 0. If an optional key were there only half the time, deep places would hardly ever be reached.
_SELDOM = st.integers(0, 4)
_TEXT = st.text(max_size=12)
_NUMBER = st.floats(allow_nan=False, allow_infinity=False)
_LEAF = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | _NUMBER | _TEXT
_JSON = _LEAF | st.lists(_LEAF, max_size=2) | st.dictionaries(_TEXT, _LEAF | st.lists(_LEAF, max_size=2), max_size=2)


# --- Names --------------------------------------------------------------------------------------------------


def project_names() -> SearchStrategy[str]:
    """Field names of a project: any text, often with the characters that the name rule changes."""
    # Two separate strategies are much faster than one with a mixed alphabet.
    return st.text("aZ_09 -'é²٣·ªß漢℘😀", max_size=8) | st.text(max_size=8)


def api_names(contract: Contract | None = None) -> SearchStrategy[str]:
    """Field names as the service gives them. Every identifier is possible."""
    return project_names().map((contract or load_contract()).field_name_rule)


# --- The compiler -------------------------------------------------------------------------------------------


class _Compiler:
    """Makes the strategy for a schema node.

    `names` makes the field names. `include` are the flags of the request; None means any, so that every part may be
    there or not. `extra` adds keys that the spec does not name, unless it forbids them.
    """

    def __init__(
        self, contract: Contract, names: Values, include: Collection[str] | None = None, *, extra: bool = False
    ) -> None:
        self._contract = contract
        self._names = names
        self._include = include
        self._extra = extra
        self._known: dict[str, Values] = {}

    def compile(self, node: Mapping[str, Any]) -> Values:
        reference = node.get("$ref")
        if reference is None:
            return self._branches(node)
        if reference not in self._known:
            # The deferred strategy is for schemas that contain themselves.
            self._known[reference] = st.deferred(lambda: self._known[reference])
            self._known[reference] = self._branches(self._contract.resolve(node))
        return self._known[reference]

    def _branches(self, schema: Mapping[str, Any]) -> Values:
        unknown = {key for key in schema.keys() - _READ - _REMARKS if not key.startswith("x-")}
        if unknown:
            raise SpecError(f"no strategy for the schema keywords {', '.join(sorted(unknown))}")
        if not schema.keys() & _READ:
            return _JSON
        if "enum" in schema or "const" in schema:
            return st.sampled_from(schema.get("enum") or [schema["const"]])
        if alternatives := [*schema.get("anyOf", ()), *schema.get("oneOf", ())]:
            # The simplest first, because examples shrink towards it.
            return st.one_of(sorted(map(self.compile, alternatives), key=lambda values: values is not _NULL))
        return st.one_of([self._of_type(kind, schema) for kind in sorted(_types(schema), key=_SIMPLEST.index)])

    def _of_type(self, kind: str, schema: Mapping[str, Any]) -> Values:
        match kind:
            case "null":
                return _NULL
            case "boolean":
                return st.booleans()
            case "integer":
                return st.integers(schema.get("minimum"), schema.get("maximum"))
            case "number":
                return self._number(schema)
            case "string":
                return self._string(schema)
            case "array":
                return self._array(schema)
            case _:
                return self._object(schema)

    def _string(self, schema: Mapping[str, Any]) -> Values:
        if schema.get("format") == _FIELD_NAME:
            return self._names
        if "pattern" in schema:
            # In a spec `$` matches only at the end; in Python it also matches before a final newline.
            return st.from_regex(re.sub(r"(?<!\\)\$$", r"\\Z", schema["pattern"]))
        shortest = schema.get("minLength", 0)
        text = st.text(min_size=shortest, max_size=schema.get("maxLength", shortest + 12))
        return text | st.sampled_from(schema["examples"]) if "examples" in schema else text

    def _number(self, schema: Mapping[str, Any]) -> Values:
        low, high = schema.get("minimum", -_EXACT), schema.get("maximum", _EXACT)
        # Both `1` and `1.0` are numbers.
        whole = st.integers(math.ceil(max(low, -_EXACT)), math.floor(min(high, _EXACT)))
        return whole | st.floats(schema.get("minimum"), schema.get("maximum"), allow_nan=False, allow_infinity=False)

    def _array(self, schema: Mapping[str, Any]) -> Values:
        least = schema.get("minItems", 0)
        items = self.compile(schema.get("items", {}))
        return st.lists(items, min_size=least, max_size=schema.get("maxItems", least + _ITEMS))

    def _object(self, schema: Mapping[str, Any]) -> Values:
        properties: Mapping[str, Any] = schema.get("properties", {})
        members: list[tuple[str, Values, bool]] = []
        for name, node in properties.items():
            flag = node.get("x-include") if self._include is not None else None
            if flag is None or flag in (self._include or ()):
                asked_for = flag is not None and node.get("x-include-guaranteed", True)
                members.append((name, self.compile(node), asked_for or name in schema.get("required", ())))
        objects = _objects(members)
        others = schema.get("additionalProperties", True)
        if others is False or (properties and not self._extra and others is True):
            return objects
        # An object of any form, or one with keys that the spec does not name.
        values = self.compile({} if others is True else others)
        strange = st.dictionaries(_TEXT.filter(lambda key: key not in properties), values, max_size=2)
        return st.builds(lambda known, unknown: {**unknown, **known}, objects, strange) if properties else strange


@st.composite
def _objects(draw: st.DrawFn, members: Sequence[tuple[str, Values, bool]]) -> JsonObject:
    """Objects with these members: name, values, and whether the member is always there."""
    # One choice more, "no optional key at all", makes examples small. This is faster and shrinks better than
    # `fixed_dictionaries`, which also chooses an order of the keys.
    bare = draw(_SELDOM) == 0
    return {name: draw(values) for name, values, always in members if always or (not bare and draw(_SELDOM))}


def _types(schema: Mapping[str, Any]) -> list[str]:
    kinds: Any = schema.get("type", _SIMPLEST)
    return [kinds] if isinstance(kinds, str) else list(kinds)


# --- Answers ------------------------------------------------------------------------------------------------


def schema(
    name: str, include: Collection[str] | None = None, *, extra: bool = False, contract: Contract | None = None
) -> Values:
    """The values of one schema of the spec's components, by its name (`"Field"`). Arguments as for `responses`.

    Raises SpecError if there is no such schema, or if it cannot be read.
    """
    return _compiled(contract or load_contract(), f"#/components/schemas/{name}", _asked(include), extra)


def responses(
    include: Collection[str] | None = None, *, extra: bool = False, contract: Contract | None = None
) -> SearchStrategy[JsonObject]:
    """Whole answers of status 200, as `json.loads` would give them.

    `include` are the include flags of the request, by their parameter names (`()` for none). What needs another flag
    is absent, and what a flag guarantees is there. With None, any mixture that the schema allows. `extra` adds keys
    that the spec does not name, at every level. Raises SpecError for an unknown flag.
    """
    contract = contract or load_contract()
    return _compiled(contract, str(contract.answer_schema["$ref"]), _asked(include), extra)


def _asked(include: Collection[str] | None) -> frozenset[str] | None:
    return None if include is None else frozenset(include)


@cache
def _compiled(contract: Contract, reference: str, include: frozenset[str] | None, extra: bool) -> Values:
    if include and not include <= set(contract.flags):
        raise SpecError(f"no include flag is called {', '.join(sorted(include - set(contract.flags)))}")
    return _Compiler(contract, api_names(contract), include, extra=extra).compile({"$ref": reference})


# --- Runs ---------------------------------------------------------------------------------------------------

_RUN_IDS = st.text("ab-7_é run", min_size=1, max_size=8).map(lambda text: f"r{text}".strip())
_RUNNING = ("RUNNING", "PAUSED", "STOPPED_AT_CHECKPOINT")
# In nanoseconds.
_YEAR_2000, _CENTURY = 946_684_800 * 10**9, 100 * 365 * 24 * 3600 * 10**9


def runs(*, min_files: int = 0, max_files: int = 6, contract: Contract | None = None) -> SearchStrategy[MemoryRun]:
    """Whole runs in project terms, with everything that an include flag can ask for.

    Every file has another `input_file_path`. An unfinished run has no finish time; a finished one does not finish
    before it starts. All times are in this century. Every id is valid in a URL.
    """
    header, file = _compiled_runs(contract or load_contract())
    return st.builds(_run, header, _RUN_IDS, st.lists(file, min_size=min_files, max_size=max_files))


@cache
def _compiled_runs(contract: Contract) -> tuple[Values, Values]:
    """The strategies for a run without its files, and for one file."""
    whole = Contract({**contract.document, **contract.run_schema})
    compiler = _Compiler(whole, project_names())
    answer = copy.deepcopy(dict(whole.resolve({"$ref": contract.answer_schema["$ref"]})))
    files = answer["properties"].pop(contract.pagination.items)
    answer["required"].remove(contract.pagination.items)
    return compiler.compile(answer), compiler.compile(files["items"])


def _run(header: JsonObject, run_id: str, files: list[JsonObject]) -> MemoryRun:
    header["id"] = run_id
    for name in ("start_timestamp", "finish_timestamp"):
        if header.get(name) is not None:
            header[name] = _YEAR_2000 + header[name] % _CENTURY
    if header.get("status") in _RUNNING and "finish_timestamp" in header:
        header["finish_timestamp"] = None
    elif "finish_timestamp" in header:
        earliest = header.get("start_timestamp", _YEAR_2000)
        header["finish_timestamp"] = max(header["finish_timestamp"] or earliest, earliest)
    for index, file in enumerate(files):
        file["input_file_path"] = f"{index}/{file.get('input_file_path', '')}"
    return MemoryRun(header, files)


# --- Breaches -----------------------------------------------------------------------------------------------


@frozen
class Mutation:
    """A document with one deliberate breach of the spec."""

    document: Any
    where: str
    """The JSON path of the breach."""
    what: str
    """A description of the breach, such as `null for string`."""


_GONE: Any = object()  # stands for a value that is removed
_Edit = tuple[tuple[str | int, ...], str, Any]

# One value of each JSON type, different from every value that the spec names.
_OF_TYPE: Mapping[str, Any] = {
    "null": None, "boolean": True, "number": 0.5, "integer": 12, "string": "no such thing", "array": [], "object": {},
}  # fmt: skip


def all_mutations(document: Any, contract: Contract | None = None) -> Iterator[Mutation]:
    """Every mutation of a valid answer, one at a time. `document` is not changed. See `mutations`."""
    for edit in _edits(document, contract or load_contract()):
        yield _mutate(document, edit)


def mutations(document: Any, contract: Contract | None = None) -> SearchStrategy[Mutation]:
    """A valid answer with one breach. Every validator of the spec refuses it.

    A value has a type that is not allowed in its place (also where the key was absent), is out of range or not in the
    enum, is empty where it must not be, is not a valid field name, or is missing although it is required.
    """
    edits = list(_edits(document, contract or load_contract()))
    return st.sampled_from(edits).map(lambda edit: _mutate(document, edit))


def broken_responses(
    include: Collection[str] | None = None, *, extra: bool = False, contract: Contract | None = None
) -> SearchStrategy[Mutation]:
    """Answers of status 200 with one breach each; see `responses` and `mutations`."""
    contract = contract or load_contract()

    def break_(chosen: int, answer: JsonObject) -> Mutation:
        edits = list(_edits(answer, contract))
        return _mutate(answer, edits[chosen % len(edits)])

    # Hypothesis too often takes the first choice for what is drawn last, so the breach is drawn before the answer.
    return st.builds(break_, st.integers(0, 9999), responses(include, extra=extra, contract=contract))


def _mutate(document: Any, edit: _Edit) -> Mutation:
    path, what, value = edit
    where = json_path(list(path))
    if not path:
        return Mutation(copy.deepcopy(value), where, what)
    mutated = copy.deepcopy(document)
    target = mutated
    for step in path[:-1]:
        target = target[step]
    if value is _GONE:
        del target[path[-1]]
    else:
        target[path[-1]] = copy.deepcopy(value)
    return Mutation(mutated, where, what)


def _edits(document: Any, contract: Contract) -> Iterator[_Edit]:
    def walk(node: Mapping[str, Any], value: Any, path: tuple[str | int, ...]) -> Iterator[_Edit]:
        schemas = [contract.resolve(branch) for branch in _alternatives(contract.resolve(node))]
        yield from ((path, what, wrong) for what, wrong in _wrong(schemas))
        for each in schemas:
            if isinstance(value, list) and "items" in each:
                for index, item in enumerate(value):
                    yield from walk(each["items"], item, (*path, index))
            elif isinstance(value, dict):
                for name, part in each.get("properties", {}).items():
                    place = (*path, name)
                    if name in value:
                        yield from walk(part, value[name], place)
                        if name in each.get("required", ()):
                            yield place, "required and missing", _GONE
                    else:
                        branches = [contract.resolve(branch) for branch in _alternatives(contract.resolve(part))]
                        yield from ((place, what, wrong) for what, wrong in _wrong(branches))

    # Deep places first, because there are more kinds of them, and the first ones are chosen most often.
    yield from sorted(walk(contract.answer_schema, document, ()), key=lambda edit: -len(edit[0]))


def _alternatives(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*node.get("anyOf", ()), *node.get("oneOf", ())] or [node]


def _wrong(schemas: list[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Values that none of these alternatives allows, each with what is wrong with it."""
    kinds = {kind for each in schemas for kind in _types(each)}
    kinds |= {"integer"} if "number" in kinds else set()
    wanted = " or ".join(sorted(kinds, key=_SIMPLEST.index))
    yield from ((f"{kind} for {wanted}", value) for kind, value in _OF_TYPE.items() if kind not in kinds)
    bounded = [each for each in schemas if each.get("type") != "null"]
    # If there are several alternatives, one of them may allow what another refuses.
    for each in bounded if len(bounded) == 1 else ():
        if "minimum" in each:
            yield "below the minimum", each["minimum"] - 1
        if "maximum" in each:
            yield "above the maximum", each["maximum"] + 1
        if each.get("minLength", 0) > 0:
            yield "too short", ""
        if "enum" in each:
            yield "not in the enum", _OF_TYPE["string"]
        if each.get("format") == _FIELD_NAME:
            yield from (("not a field name", name) for name in ("", "due date", "3rd", "a\n", "driver's"))

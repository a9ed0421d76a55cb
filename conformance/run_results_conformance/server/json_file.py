"""JSON files that people write: read strictly, and compared with a JSON Schema. All problems are found at once.

value, problems = read_json(path)
problems += find_problems(value, schema)
raise ...(list_problems(path.name, problems))

JsonFileError   the file cannot be read, or is not JSON
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import jsonschema_rs
from attrs import frozen

from run_results_conformance.suggestions import suggest

from .terms import JsonObject

Parts = Sequence[str | int]
"""The keys and indexes that lead to a value."""

_MOST_LISTED = 40  # problems of a file; more are counted


class JsonFileError(ValueError):
    """The file cannot be read, or is not JSON."""


@frozen
class Problem:
    """Something in a file that is not as it should be. `where` is its JSON path, `why` says what is wrong."""

    where: str
    why: str

    def __str__(self) -> str:
        return f"at {self.where}: {self.why}"


def json_path(parts: Parts) -> str:
    """A JSON path in the usual notation: `$.files[0]["odd key"]`."""
    return "$" + "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" if part.isidentifier() else f"[{json.dumps(part)}]"
        for part in parts
    )


def list_problems(problems: Sequence[Problem], name: str) -> str:
    """All problems of a file, as text: a line for each kind of problem, with the first place that has it.

    What is wrong in the same way at several places (as a member that every document lacks) is listed once.
    """
    kinds: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        place = "".join("*" if character.isdigit() else character for character in problem.where)
        kinds.setdefault((place, problem.why), []).append(problem)
    lines = [
        f"{name}: {alike[0]}" + (f" (and at {len(alike) - 1} more places like this)" if len(alike) > 1 else "")
        for alike in kinds.values()
    ]
    if len(lines) > _MOST_LISTED:
        lines[_MOST_LISTED:] = [f"{name}: and {len(lines) - _MOST_LISTED} more kinds of problems"]
    return "\n".join(lines)


# --- Reading ------------------------------------------------------------------------------------------------


def read_json(path: Path) -> tuple[Any, list[Problem]]:
    """The parsed file, and its problems. Stricter than json.loads, so that nothing that was written is lost or changed.

    Raises JsonFileError if there is nothing to look at.
    """
    doubled: dict[
        int, tuple[JsonObject, list[str]]
    ] = {}  # by the object's id; it is kept, so that its id stays its own

    def refuse(why: str) -> NoReturn:
        raise ValueError(why)

    def note_doubled(pairs: list[tuple[str, Any]]) -> JsonObject:
        found = dict(pairs)
        if len(found) != len(pairs):
            keys = [key for key, _ in pairs]
            doubled[id(found)] = (found, sorted({key for key in keys if keys.count(key) > 1}))
        return found

    def finite(text: str) -> float:
        number = float(text)
        return number if math.isfinite(number) else refuse(f"{text} is too large for a number")

    try:
        value: Any = json.loads(
            path.read_bytes(),
            object_pairs_hook=note_doubled,
            parse_float=finite,
            parse_constant=lambda word: refuse(f"{word} is not JSON"),
        )
    except OSError as error:
        raise JsonFileError(f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise JsonFileError(f"not JSON: {error}") from error
    problems: list[Problem] = []
    for parts, part in _parts_of(value):
        if isinstance(part, dict) and id(part) in doubled:  # pyright: ignore[reportUnknownArgumentType]
            keys = doubled[id(part)][1]  # pyright: ignore[reportUnknownArgumentType]
            problems += [Problem(json_path(parts), f"the key {key!r} stands twice in one object") for key in keys]
        # JSON can hold half of a surrogate pair (\ud800), but UTF-8, and so an answer, cannot.
        texts = part if isinstance(part, dict) else (part,)  # pyright: ignore[reportUnknownVariableType]
        if any(isinstance(text, str) and _has_surrogate(text) for text in texts):  # pyright: ignore[reportUnknownVariableType]
            problems.append(Problem(json_path(parts), "half of a surrogate pair is not a character"))
    return value, problems


def _parts_of(value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The value and everything in it, each with the way to it, in the order of the document."""
    under_way: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while under_way:
        parts, part = under_way.pop()
        yield parts, part
        items: Any = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        under_way += reversed([((*parts, key), inner) for key, inner in items])


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


# --- Comparing with a schema --------------------------------------------------------------------------------


def find_problems(value: Any, schema: JsonObject) -> list[Problem]:
    """Every place where a value does not fit the schema, in the order of the document."""
    found: list[tuple[Parts, str]] = []
    try:
        for error in jsonschema_rs.validator_for(schema).iter_errors(value):
            found += _explain(error, schema)
    except ValueError as error:  # a value that is nested hundreds of times
        found.append(((), f"cannot be checked: {error}"))
    return [Problem(json_path(parts), why) for parts, why in sorted(found, key=lambda each: _order(each[0]))]


def _order(parts: Parts) -> list[tuple[bool, int, str]]:
    return [(isinstance(part, int), part if isinstance(part, int) else 0, str(part)) for part in parts]


def _explain(error: jsonschema_rs.ValidationError, schema: JsonObject) -> Iterator[tuple[Parts, str]]:
    """What an error of the validator means, for somebody who wrote the file."""
    parts = error.instance_path
    kind = error.kind
    node = _node(schema, error.schema_path[:-1])
    match kind:
        case jsonschema_rs.ValidationErrorKind.AnyOf():
            yield from _explain_choice(error, kind.context, schema)
        case jsonschema_rs.ValidationErrorKind.AdditionalProperties():
            keys = list(node.get("properties", ()))
            yield from ((parts, f"unknown key {key!r}; {suggest(key, keys)}") for key in sorted(kind.unexpected))
        case jsonschema_rs.ValidationErrorKind.Required():
            yield parts, _missing(str(kind.property), node, schema)
        case jsonschema_rs.ValidationErrorKind.Enum():
            yield parts, f"{_short(error.instance)} is not allowed; {suggest(str(error.instance), kind.options)}"
        case jsonschema_rs.ValidationErrorKind.Type():
            yield parts, f"must be {' or '.join(map(_name, sorted(kind.types)))}, not {_of(error.instance)}"
        case _:
            yield parts, error.message


def _explain_choice(
    error: jsonschema_rs.ValidationError, branches: list[list[jsonschema_rs.ValidationError]], schema: JsonObject
) -> Iterator[tuple[Parts, str]]:
    """The errors of the alternative that has the right type; if none has, what types there are."""
    types: list[str] = []
    for branch in branches:
        here = [each for each in branch if each.instance_path == error.instance_path]
        wrong = [each.kind for each in here if isinstance(each.kind, jsonschema_rs.ValidationErrorKind.Type)]
        if not wrong:
            for each in branch:
                yield from _explain(each, schema)
            return
        types += [name for kind in wrong for name in kind.types]
    yield error.instance_path, f"must be {' or '.join(map(_name, dict.fromkeys(types)))}, not {_of(error.instance)}"


def _missing(name: str, node: Mapping[str, Any], schema: JsonObject) -> str:
    """What to add. What an include flag guarantees has to be there, even if it is empty: nothing is made up."""
    member = node.get("properties", {}).get(name, {})
    example = json.dumps({name: _smallest(member, schema)}, ensure_ascii=False)[1:-1]
    flag = _resolve(member, schema).get("x-include", member.get("x-include"))
    reason = f", because {flag} guarantees it" if flag else ""
    return f"{name!r} is missing; add it{reason}, such as {example}"


def _smallest(member: Mapping[str, Any], schema: JsonObject) -> Any:
    """A small value that fits a schema."""
    node = _resolve(member, schema)
    if "anyOf" in node:
        return _smallest(node["anyOf"][0], schema)
    if "enum" in node:
        return "COMPLETE" if "COMPLETE" in node["enum"] else node["enum"][0]
    kind = node.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = node.get("properties", {})
        return {name: _smallest(properties.get(name, {}), schema) for name in node.get("required", ())}
    smallest: dict[str, Any] = {"array": [], "string": "...", "boolean": False, "integer": 0, "number": 0.0}
    return smallest.get(str(kind))


def _resolve(node: Mapping[str, Any], schema: JsonObject) -> Mapping[str, Any]:
    while "$ref" in node:
        node = _node(schema, str(node["$ref"]).removeprefix("#/").split("/"))
    return node


def _node(schema: JsonObject, way: Iterable[str | int]) -> Mapping[str, Any]:
    node: Any = schema
    for part in way:
        node = node[part]
    return node if isinstance(node, Mapping) else {}


_NAMES = {"object": "an object", "array": "a list", "string": "a string", "integer": "a whole number"}
_NAMES |= {"number": "a number", "boolean": "true or false", "null": "null"}


def _name(kind: str) -> str:
    return _NAMES[kind]


def _of(value: Any) -> str:
    if isinstance(value, dict | list):
        return _NAMES["object" if isinstance(value, dict) else "array"]
    return _short(value)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}…"

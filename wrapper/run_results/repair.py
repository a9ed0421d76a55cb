"""Repairs a broken answer: models are built of what fits, and every place that does not fit is listed.

What does not fit stays unset, and a `Drift` says where, what was expected and what came. So a typed attribute never
holds a wrong type, and the raw value can still be read.
"""

from collections import Counter
from collections.abc import Iterator
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from attrs import NOTHING, Attribute, AttrsInstance, fields

from run_results.drift import Drift
from run_results.errors import ContractError
from run_results.names.rule import is_api_name
from run_results_api.models import RunResults, RunStatus
from run_results_api.types import UNSET, Model, Unset

_DEEPEST = 100


class Huge(str):
    """A number that neither an int nor a float of Python holds, as its text."""

    __slots__ = ()


class Doubled(dict[str, Any]):
    """An object in which a key came more than once; the last value counts (RFC 8259, 4)."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.doubled = [key for key, number in Counter(key for key, _ in pairs).items() if number > 1]


class _Places(list[Drift]):
    """The places found so far. A small answer can have millions: so many are listed, and then the answer is refused."""

    _MOST = 200_000

    def add(self, path: str, expected: str, got: Any, *, is_breach: bool = True) -> None:
        """List a place. Raises `ContractError` where there are too many."""
        if len(self) >= self._MOST:
            text = f"the answer leaves the contract in more than {self._MOST:,} places, first {self[0]}"
            raise ContractError(text, drift=tuple(self[:100]))
        self.append(Drift(path, expected, got, is_breach))


def repair(value: Any) -> tuple[RunResults, tuple[Drift, ...]]:
    """The models of a decoded answer, and every place where it left the contract or goes beyond it.

    Raises `ContractError` where it is no object, or leaves the contract in too many places to list them.
    """
    drift = _Places()
    try:
        run = _build(RunResults, _survey(value, "$", drift), "$", drift)
    except RecursionError:  # the caller's own stack is nearly full
        raise ContractError("the answer is nested too deeply to be looked through here") from None
    if not isinstance(run, RunResults):
        raise ContractError(f"the answer is no JSON object: {drift[0]}", drift=tuple(drift))
    return run, tuple(drift)


def _at(path: str, key: str) -> str:
    """The JSON path of a member. A key that could be mistaken for something else, or be unprintable, is quoted."""
    if key.isidentifier() and key.isascii():
        return f"{path}.{key}"
    from json import dumps  # here: few keys need it

    return f"{path}[{dumps(key[:80])}]"


def _survey(value: Any, path: str, drift: _Places, depth: int = 0) -> Any:
    """The value with U+FFFD for every half of a surrogate pair, which no UTF-8 text can hold. Adds to `drift`.

    Adds keys that came twice, too. What is nested deeper than any model is not changed.
    """
    if isinstance(value, str) and not isinstance(value, Huge):
        try:
            value.encode()
        except UnicodeEncodeError:
            drift.add(path, "text that can be encoded", value)
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    elif depth > _DEEPEST:
        return value
    elif isinstance(value, list):
        return [_survey(item, f"{path}[{index}]", drift, depth + 1) for index, item in enumerate(value)]
    elif isinstance(value, dict):
        doubled = value.doubled if isinstance(value, Doubled) else ()
        for key in doubled:
            # Nobody can say which of two values counts, and on these the walk depends.
            drift.add(_at(path, key), "one value", value[key], is_breach=path == "$" and key in ("files", "has_more"))
        return {
            _survey(key, path, drift, depth + 1): _survey(item, _at(path, key), drift, depth + 1)
            for key, item in value.items()
        }
    return value


@cache
def _hints(model: Any) -> dict[str, Any]:
    """The types of a model's attributes. The one that marks an absent value is taken out of each."""
    return {
        name: Union[tuple(option for option in _options(hint) if option is not Unset)]  # noqa: UP007 - made, not written
        for name, hint in get_type_hints(model, include_extras=True).items()
    }


def _attributes(model: type[Model]) -> "tuple[Attribute[Any], ...]":
    # `Model` is no attrs class itself, its subclasses are.
    attributes: tuple[Attribute[Any], ...] = fields(cast("type[AttrsInstance]", model))
    return attributes


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _build(hint: Any, value: Any, path: str, drift: _Places) -> Any:
    """The model or value of this type, as far as `value` fits; UNSET where it does not. Adds to `drift`."""
    options = _options(hint)
    if value is None and NoneType in options:
        return None
    kind = _choose([option for option in options if option is not NoneType], value)
    if isinstance(kind, type) and issubclass(kind, Model):
        if isinstance(value, dict):
            return kind(**dict(_members(kind, value, path, drift)))
    elif get_origin(kind) is list:
        if isinstance(value, list):
            return list(_items(get_args(kind)[0], value, path, drift))
    elif get_origin(kind) is dict and get_args(kind)[1] is not Any:
        if isinstance(value, dict):
            built = {key: _build(get_args(kind)[1], item, _at(path, key), drift) for key, item in value.items()}
            return {key: item for key, item in built.items() if item is not UNSET}
    elif not isinstance(value, Huge):
        if _plain(kind) is int and isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON Schema counts 1.0 as an integer.
        try:
            built = msgspec.convert(_holdable(value, path, drift), kind)
        except msgspec.ValidationError:
            pass
        else:
            if getattr(built, "is_known", True) is False or (_is_name(kind) and not is_api_name(built)):
                drift.add(path, _describe(kind), value)
            return built
    drift.add(path, " or ".join(_describe(option) for option in options), value)
    return UNSET


def _choose(kinds: list[Any], value: Any) -> Any:
    """The type of a union that a value is to be read as: the one model or list that it can be, else all of them."""
    for kind in kinds if len(kinds) > 1 else ():
        if isinstance(kind, type) and issubclass(kind, Model):
            tag = kind.__struct_config__.tag
            if isinstance(value, dict) and (tag is None or value.get(kind.__struct_config__.tag_field) == tag):
                return kind
        elif (get_origin(kind) is list and isinstance(value, list)) or (
            get_origin(kind) is dict and isinstance(value, dict)
        ):
            return kind
    return Union[tuple(kinds)] if kinds else NoneType  # noqa: UP007 - made, not written


def _holdable(value: Any, path: str, drift: _Places, depth: int = 0) -> Any:
    """A free part of an answer, with text in the place of every number that Python cannot hold. Adds to `drift`."""
    if isinstance(value, Huge):
        drift.add(path, "a number that an int or a float holds", value, is_breach=False)
        return str(value)
    if isinstance(value, list) and depth < _DEEPEST:
        return [_holdable(item, f"{path}[{index}]", drift, depth + 1) for index, item in enumerate(value)]
    if isinstance(value, dict) and depth < _DEEPEST:
        return {key: _holdable(item, _at(path, key), drift, depth + 1) for key, item in value.items()}
    return value


def _members(model: type[Model], value: dict[str, Any], path: str, drift: _Places) -> Iterator[tuple[str, Any]]:
    hints = _hints(cast("Any", model))
    keys = {member.name: member.encode_name for member in msgspec.structs.fields(model)}
    known = {*keys.values(), model.__struct_config__.tag_field}
    for key in value:
        if key not in known:
            drift.add(_at(path, key), "no key of this name", value[key], is_breach=False)
    for member in _attributes(model):
        hint, key = hints[member.name], keys[member.name]
        if key in value:
            yield member.name, _build(hint, value[key], _at(path, key), drift)
        elif member.default is NOTHING:
            expected = " or ".join(_describe(option) for option in _options(hint))
            drift.add(_at(path, key), f"{expected}, which is required", UNSET)
            yield member.name, UNSET


def _items(hint: Any, values: list[Any], path: str, drift: _Places) -> Iterator[Any]:
    for index, value in enumerate(values):
        built = _build(hint, value, f"{path}[{index}]", drift)
        if built is not UNSET:
            yield built
        elif isinstance(hint, type) and issubclass(hint, Model):
            # An empty model keeps the place, so that the items behind it keep their index.
            yield hint(**{member.name: UNSET for member in _attributes(hint)})


def _plain(kind: Any) -> Any:
    """The type without the bounds that the contract sets on it."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _is_name(kind: Any) -> bool:
    return get_origin(kind) is Annotated and get_args(kind)[1].title == "ApiFieldName"


_NAMES: dict[Any, str] = {
    NoneType: "null",
    RunStatus: "a status that the contract names",
    bool: "boolean",
    float: "number",
    int: "integer",
    str: "string",
}


def _describe(kind: Any) -> str:
    """The type in the contract's words."""
    plain = _plain(kind)
    if get_origin(plain) is list:
        return "array"
    if _is_name(kind):
        return "an API field name"
    if get_origin(plain) is Literal or (isinstance(plain, type) and issubclass(plain, Enum) and plain not in _NAMES):
        values = get_args(plain) or [each.value for each in plain]
        return f"one of {', '.join(map(repr, values))}"
    name = _NAMES.get(plain, "any value" if plain is Any else "object")
    if plain is not kind:
        bounds = get_args(kind)[1]
        signs = (("> ", bounds.gt), (">= ", bounds.ge), ("< ", bounds.lt), ("<= ", bounds.le))
        limits = [f"{sign}{bound}" for sign, bound in signs if bound is not None]
        if bounds.min_length is not None:
            limits.append(f"at least {bounds.min_length} long")
        name += f" ({', '.join(limits)})"
    return name

"""Repairs a broken answer: models are built of what fits, and every place that does not fit is listed.

What does not fit stays unset, and a `Drift` says where, what was expected and what came. So a typed attribute never
holds a wrong type, and the raw value can still be read.
"""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TypeVar, cast, get_origin

import msgspec

from run_results.drift import Drift
from run_results.errors import ContractError
from run_results.historic import READINGS, RENAMED
from run_results.names.rule import is_api_name
from run_results.shapes import Shape, describe, keys_of, members_of, shape_of
from run_results.text import count
from run_results_api.types import UNSET, Model

_DEEPEST = 100
M = TypeVar("M", bound=Model)


class Huge(str):
    """A number that neither an int nor a float of Python holds, as its text."""

    __slots__ = ()


class Doubled(dict[str, Any]):
    """An object in which a key came more than once; the last value counts (RFC 8259, 4)."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.doubled = [key for key, number in Counter(key for key, _ in pairs).items() if number > 1]


# What a walk depends on, in the results of a run and in the list of runs.
_PAGING = ("files", "has_more", "runs")


class _Places(list[Drift]):
    """The places found so far. A small answer can have millions, so their number is limited.

    Every breach is listed, since what depends on one must see it: with too many, the answer is refused. Of what is
    merely news, the first are listed and the others counted.
    """

    _MOST = 200_000

    def __init__(self, *, is_built: bool = True) -> None:
        super().__init__()
        self.is_built = is_built
        """Whether models are wanted, too."""
        self._breaches = self._news = 0

    def add(self, path: str, expected: str, got: Any, *, is_breach: bool = True) -> None:
        """List or count a place. Raises `ContractError` where there are too many breaches."""
        if is_breach:
            self._breaches += 1
            if self._breaches > self._MOST:
                listed = [place for place in self if place.is_breach][:100]
                text = f"the answer leaves the contract in more than {self._MOST:,} places, first {listed[0]}"
                raise ContractError(text, drift=tuple(listed))
        else:
            self._news += 1
            if self._news > self._MOST:
                return
        self.append(Drift(path, expected, got, is_breach))

    def all(self) -> tuple[Drift, ...]:
        """Every place; the last one says how many others there are, if not all are listed."""
        more = self._news - self._MOST
        return (
            (*self, Drift("$", "nothing new", count(more, "more place"), is_breach=False)) if more > 0 else tuple(self)
        )


def repair(value: Any, model: type[M]) -> tuple[M, tuple[Drift, ...]]:
    """The model of a decoded answer, and every place where it left the contract or goes beyond it.

    Takes over `value`, and may change it. Raises `ContractError` where it is no object, or breaks the contract in too
    many places to list them.
    """
    drift = _Places()
    repaired = _repair(value, model, drift)
    return repaired, drift.all()


def find_drift(value: Any, model: type[Model]) -> tuple[Drift, ...]:
    """The places that `repair` lists, without the memory for models; takes over `value`, too."""
    drift = _Places(is_built=False)
    _repair(value, model, drift)
    return drift.all()


def _repair(value: Any, model: type[M], drift: _Places) -> M:
    try:
        repaired = _build(shape_of(model), _survey(value, "$", drift), "$", drift)
    except RecursionError:  # the caller's own stack is nearly full
        raise ContractError("the answer is nested too deeply to be looked through here") from None
    if not isinstance(repaired, model):
        raise ContractError(f"the answer is no JSON object: {drift[0]}", drift=drift.all())
    return repaired


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
        for index, item in enumerate(value):
            if isinstance(item, _LOOKED_INTO):
                value[index] = _survey(item, f"{path}[{index}]", drift, depth + 1)
    elif isinstance(value, dict):
        doubled = value.doubled if isinstance(value, Doubled) else ()
        for key in doubled:
            # Nobody can say which of two values counts, and on these the walk depends.
            drift.add(_at(path, key), "one value", value[key], is_breach=path == "$" and key in _PAGING)
        for key, item in list(value.items()):
            place = _at(path, key)
            new = _survey(key, path, drift, depth + 1)
            if new is not key:
                del value[key]
            value[new] = _survey(item, place, drift, depth + 1)
    return value


_LOOKED_INTO = (str, list, dict)


def _build(shape: Shape, value: Any, path: str, drift: _Places) -> Any:
    """The model or value of this shape, as far as `value` fits; UNSET where it does not. Adds to `drift`."""
    if value is None and shape.is_nullable:
        return None
    chosen = _choose(shape, value) if shape.choices else shape
    if chosen.model is not None:
        if isinstance(value, dict):
            return chosen.model(**dict(_members(chosen.model, value, path, drift)))
    elif chosen.items is not None:
        if isinstance(value, list):
            return _build_array(chosen, chosen.items, value, path, drift)
    elif chosen.values is not None:
        if isinstance(value, dict):
            built = {key: _build(chosen.values, item, _at(path, key), drift) for key, item in value.items()}
            return {key: item for key, item in built.items() if item is not UNSET}
    elif not isinstance(value, Huge):
        if chosen.is_integer and isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON Schema counts 1.0 as an integer.
        try:
            built = msgspec.convert(_holdable(value, path, drift), chosen.kind)
        except msgspec.ValidationError:
            pass
        else:
            if getattr(built, "is_known", True) is False or (chosen.is_name and not is_api_name(built)):
                drift.add(path, describe(chosen.kind), value)
            return built
    drift.add(path, shape.expected, value)
    return UNSET


def _choose(shape: Shape, value: Any) -> Shape:
    """The type of a union that a value is to be read as: the one model or list that it can be, else all of them."""
    for choice in shape.choices:
        if choice.model is not None:
            config = choice.model.__struct_config__
            if isinstance(value, dict) and (config.tag is None or value.get(config.tag_field) == config.tag):
                return choice
        elif (isinstance(value, list) and choice.items) or (
            isinstance(value, dict) and get_origin(choice.kind) is dict
        ):
            return choice
    return shape


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
    value = _renamed(model, value, path, drift)
    known = keys_of(cast("Any", model))
    for key in value:
        if key not in known:
            drift.add(_at(path, key), "no key of this name", value[key], is_breach=False)
    for member in members_of(cast("Any", model)):
        if member.key in value:
            place = _at(path, member.key)
            yield member.name, _read(model, member.name, member.shape, value[member.key], place, drift)
        elif member.is_required:
            drift.add(_at(path, member.key), f"{member.shape.expected}, which is required", UNSET)
            yield member.name, UNSET


def _renamed(model: type[Model], value: dict[str, Any], path: str, drift: _Places) -> dict[str, Any]:
    """The object with the names of today. Adds to `drift`."""
    for (owner, name), (before, expected) in RENAMED.items():
        if owner is model and before in value and name not in value:
            drift.add(_at(path, before), expected, value[before], is_breach=False)
            value = {name if key == before else key: item for key, item in value.items()}
    return value


def _read(model: type[Model], name: str, shape: Shape, value: Any, path: str, drift: _Places) -> Any:
    """The value of a member, of the shape of today or of an earlier one. Adds to `drift`."""
    reading = READINGS.get((model, name))
    read = None if reading is None else reading.read(value)
    if reading is None or read is None:
        return _build(shape, value, path, drift)
    drift.add(path, reading.expected, value)
    return UNSET if read is UNSET else _build(shape, read, path, drift)


def _build_array(shape: Shape, of: Shape, values: list[Any], path: str, drift: _Places) -> Any:
    if of.is_integer:
        with suppress(msgspec.ValidationError):  # all at once: a page number takes two bytes, so they can be many
            return msgspec.convert(values, shape.kind)
    items = _items(of, values, path, drift)
    return list(items) if drift.is_built else list(deque(items, maxlen=0))


def _items(shape: Shape, values: list[Any], path: str, drift: _Places) -> Iterator[Any]:
    for index, value in enumerate(values):
        built = _build(shape, value, f"{path}[{index}]", drift)
        if built is not UNSET:
            yield built
        elif shape.model is not None:
            # An empty model keeps the place, so that the items behind it keep their index.
            yield shape.model(**dict.fromkeys(shape.model.__struct_fields__, UNSET))

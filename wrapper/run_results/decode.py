"""The boundary where bytes become models: one validating pass, and a patient second look where that fails.

An answer that keeps the contract costs one pass of msgspec. Where one does not, the second look builds the models place
by place: what fits is kept, what does not fit stays unset, and a `Drift` says where, what was expected and what came.
So a typed attribute never holds a wrong type, and nothing that came is out of reach.
"""

from collections.abc import Iterator
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from attrs import NOTHING, Attribute, AttrsInstance, field, fields, frozen

from run_results.errors import ContractError, MalformedResponseError
from run_results_api.models import RunResults, RunStatus
from run_results_api.types import UNSET, Model, Unset

_BOM = b"\xef\xbb\xbf"
_DECODER = msgspec.json.Decoder(RunResults)


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


@frozen
class Drift:
    """One place where an answer left the contract.

    >>> print(Drift("$.files[0].documents[2].class_name", "string or null", 7))
    $.files[0].documents[2].class_name: expected string or null, got 7
    """

    path: str
    """Where, as a JSON path."""
    expected: str
    """What the contract has there."""
    got: Any = field(repr=_shorten)
    """What came, as decoded JSON; `UNSET` where nothing came."""

    def __str__(self) -> str:
        came = "nothing" if self.got is UNSET else _shorten(self.got)
        return f"{self.path}: expected {self.expected}, got {came}"


def excerpt(body: bytes) -> str:
    """The beginning of a body as text for an error message: at most 500 characters, whatever the bytes are."""
    return body[:2000].decode("utf-8", "replace")[:500]


def decode(body: bytes) -> tuple[RunResults, tuple[Drift, ...]]:
    """Decode the body of a 200 into the models and the list of places where it left the contract.

    What paging depends on can be among those places: the caller looks at them. Raises `MalformedResponseError` where
    the body is no JSON, and `ContractError` where it is no object.
    """
    body = body.removeprefix(_BOM)  # RFC 8259, 8.1: a parser may ignore it.
    try:
        run = _DECODER.decode(body)
    except msgspec.ValidationError:
        return _mend(parse(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(body, error) from None
    if not run.status.is_known:
        return run, (Drift("$.status", "a status that the contract names", str(run.status)),)
    return run, ()


def parse(body: bytes) -> Any:
    """Decode JSON text as it is. Raises `MalformedResponseError`."""
    try:
        return msgspec.json.decode(body.removeprefix(_BOM))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(body, error) from None


def error_message(body: bytes) -> str | None:
    """The `message` of an error body, at most 500 characters; None where there is none."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    message = value.get("message") if isinstance(value, dict) else None
    return message[:500] if isinstance(message, str) else None


def _malformed(body: bytes, error: Exception) -> MalformedResponseError:
    reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    start = excerpt(body)
    what = "an HTML page" if start.lstrip()[:1] == "<" else "no JSON"
    return MalformedResponseError(
        f"the body of a status 200 is {what} ({reason}); it begins {start[:80]!r}", excerpt=start
    )


def _mend(value: Any) -> tuple[RunResults, tuple[Drift, ...]]:
    drift: list[Drift] = []
    run = _build(RunResults, value, "$", drift)
    if not isinstance(run, RunResults):
        raise ContractError(f"the answer is no JSON object: {drift[0]}", drift=tuple(drift))
    return run, tuple(drift)


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


def _build(hint: Any, value: Any, path: str, drift: list[Drift]) -> Any:
    """The model or value of this type, as far as `value` fits; UNSET where it does not. Adds to `drift`."""
    options = _options(hint)
    if value is None and NoneType in options:
        return None
    (kind,) = (option for option in options if option is not NoneType)
    if isinstance(kind, type) and issubclass(kind, Model):
        if isinstance(value, dict):
            return kind(**dict(_members(kind, value, path, drift)))
    elif get_origin(kind) is list:
        if isinstance(value, list):
            return list(_items(get_args(kind)[0], value, path, drift))
    else:
        if _plain(kind) is int and isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON Schema counts 1.0 as an integer.
        try:
            built = msgspec.convert(value, kind)
        except msgspec.ValidationError:
            pass
        else:
            if isinstance(built, RunStatus) and not built.is_known:
                drift.append(Drift(path, _describe(kind), value))
            return built
    drift.append(Drift(path, " or ".join(_describe(option) for option in options), value))
    return UNSET


def _members(model: type[Model], value: dict[str, Any], path: str, drift: list[Drift]) -> Iterator[tuple[str, Any]]:
    hints = _hints(cast("Any", model))
    for member in _attributes(model):
        hint, place = hints[member.name], f"{path}.{member.name}"
        if member.name in value:
            yield member.name, _build(hint, value[member.name], place, drift)
        elif member.default is NOTHING:
            expected = " or ".join(_describe(option) for option in _options(hint))
            drift.append(Drift(place, f"{expected}, which is required", UNSET))
            yield member.name, UNSET


def _items(hint: Any, values: list[Any], path: str, drift: list[Drift]) -> Iterator[Any]:
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
    name = _NAMES.get(plain, "object")
    if plain is not kind:
        bounds = get_args(kind)[1]
        signs = (("> ", bounds.gt), (">= ", bounds.ge), ("< ", bounds.lt), ("<= ", bounds.le))
        limits = [f"{sign}{bound}" for sign, bound in signs if bound is not None]
        if bounds.min_length is not None:
            limits.append(f"at least {bounds.min_length} long")
        name += f" ({', '.join(limits)})"
    return name

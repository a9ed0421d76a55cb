"""What the contract has in a place of an answer, in a form that is quick to compare with: the types of the models.

Type hints are looked up slowly, and `repair` compares millions of places with them.
"""

from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from run_results_api.models import RunStatus
from run_results_api.types import Model, Unset


class Shape(msgspec.Struct, frozen=True, eq=False):
    """What the contract has in a place, in the form that is quick to compare with."""

    kind: Any
    """The type without null, with its bounds."""
    expected: str
    """The type in the contract's words."""
    is_nullable: bool
    model: type[Model] | None = None
    items: "Shape | None" = None
    """What an array has in it."""
    values: "Shape | None" = None
    """What an object has in it whose keys are free, and whose values are not."""
    choices: "tuple[Shape, ...]" = ()
    """The types of a union that has several, beside null."""
    is_integer: bool = False
    is_name: bool = False


def shape_of(hint: Any) -> Shape:
    """The shape of a type hint. The type that marks an absent value is left out."""
    options = tuple(option for option in _options(hint) if option is not Unset)
    kinds = tuple(option for option in options if option is not NoneType)
    expected, is_nullable = " or ".join(describe(option) for option in options), NoneType in options
    if len(kinds) != 1:
        kind = Union[kinds] if kinds else NoneType  # noqa: UP007 - made, not written
        return Shape(kind, expected, is_nullable, choices=tuple(shape_of(kind) for kind in kinds))
    (kind,) = kinds
    origin, inner = get_origin(kind), get_args(kind)
    return Shape(
        kind,
        expected,
        is_nullable,
        model=kind if isinstance(kind, type) and issubclass(kind, Model) else None,
        items=shape_of(inner[0]) if origin is list else None,
        values=shape_of(inner[1]) if origin is dict and inner[1] is not Any else None,
        is_integer=_plain(kind) is int,
        is_name=_is_name(kind),
    )


class Member(msgspec.Struct, frozen=True, eq=False):
    """A member of a model."""

    name: str
    key: str
    """Its key in JSON."""
    shape: Shape
    is_required: bool


@cache
def members_of(model: Any) -> tuple[Member, ...]:
    """The members of a model, in its order."""
    hints = get_type_hints(model, include_extras=True)
    return tuple(
        Member(each.name, each.encode_name, shape_of(hints[each.name]), each.required)
        for each in msgspec.structs.fields(model)
    )


@cache
def keys_of(model: Any) -> frozenset[str | None]:
    """The keys that a model's object may have, with that of its tag."""
    return frozenset((*(member.key for member in members_of(model)), model.__struct_config__.tag_field))


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


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


def describe(kind: Any) -> str:
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

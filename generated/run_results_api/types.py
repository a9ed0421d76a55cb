# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
"""What the models share: the mark of an absent value, and the ways from and to JSON."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import attrs
import msgspec
from attrs import NOTHING, Attribute, define, field
from msgspec import UNSET
from msgspec import UnsetType as Unset
from msgspec.structs import fields


@cache
def _attributes(model: "type[Model]") -> "tuple[Attribute[Any], ...]":
    """The members of a model as attrs describes them, taken from an attrs class with the same members."""
    members: dict[str, Any] = {
        member.name: field(default=NOTHING if member.required else member.default, kw_only=True)
        for member in fields(model)
    }
    twin = attrs.make_class(model.__name__, members, init=False, repr=False, eq=False)
    attributes: tuple[Attribute[Any], ...] = attrs.fields(twin)
    return attributes


class _Attributes:
    """The attribute `__attrs_attrs__`, in which attrs looks for the members of a class.

    It is computed when attrs asks. For all models at once that takes 10 ms, a tenth of `import run_results`, and most
    programs never ask. Subclasses get their own members in this way, too.
    """

    def __get__(self, instance: object, model: "type[Model]") -> "tuple[Attribute[Any], ...]":
        if not model.__struct_fields__:
            raise AttributeError(f"{model.__name__} has no members")  # so `attrs.has(Model)` is false
        return _attributes(model)


class Model(msgspec.Struct, gc=False):
    """Base of every model: decoding validates, encoding leaves unset values out and keeps nulls.

    A model is a class of attrs (`attrs.fields`, `asdict`, `evolve` and the rest take it) in the memory layout of
    msgspec, which decodes it in half the time. The garbage collector does not visit models: a page's are a tree.

    Raises `msgspec.ValidationError` with the JSON path where a value does not fit, `msgspec.DecodeError` where
    the text is no JSON, and `UnicodeDecodeError` where it is not UTF-8.
    """

    if TYPE_CHECKING:
        __attrs_attrs__: ClassVar[
            tuple[Attribute[Any], ...]
        ]  # mypy wants a ClassVar; at run time it is no type hint
    else:
        __attrs_attrs__ = _Attributes()

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Decode JSON text, in one pass. Keys that the contract does not name are passed over."""
        return msgspec.json.decode(data, type=cls)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Convert a decoded JSON object."""
        return msgspec.convert(data, cls)

    def to_json(self) -> bytes:
        """Encode as JSON text in UTF-8."""
        return msgspec.json.encode(self)

    def to_dict(self) -> dict[str, Any]:
        """Convert to what `json.loads` of the JSON text would give."""
        result: dict[str, Any] = msgspec.to_builtins(self)
        return result

    def _repr_html_(self) -> str:
        """What a notebook shows: the members that are set, and of lists the first items, all of it as mere text."""
        rows = ((name, getattr(self, name)) for name in self.__struct_fields__)
        lines = (
            f"<tr><th>{name}</th><td>{_shown(value)}</td></tr>" for name, value in rows if value is not UNSET
        )
        return f"<table><tbody>{''.join(lines)}</tbody></table>"


def _shown(value: Any) -> str:
    """A member's value for a notebook: models as rows with a column for each member, anything else as text."""
    values = value if isinstance(value, list) else [value]
    items = [item for item in values[:10] if isinstance(item, Model)]
    if not items:
        return _text(value)
    names = [
        name for name in items[0].__struct_fields__ if any(getattr(item, name) is not UNSET for item in items)
    ]
    head = "".join(f"<th>{name}</th>" for name in names)
    cells = ("".join(f"<td>{_text(getattr(item, name))}</td>" for name in names) for item in items)
    more = f"<p>and {len(values) - len(items):,} more</p>" if len(values) > len(items) else ""
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _text(value: Any) -> str:
    """A value as JSON text, or as it is where it is a text, harmless and short; nothing where it is unset."""
    from html import escape  # here: only notebooks show anything

    if value is UNSET:
        return ""
    try:
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    except (
        UnicodeEncodeError,
        RecursionError,
    ):  # half of a surrogate pair, or nested beyond what is left of the stack
        text = "not shown"
    text = text if len(text) <= 80 else f"{text[:80]}…"
    return f"<bdi>{escape(''.join(c if c.isprintable() else ' ' for c in text))}</bdi>"


T = TypeVar("T")


@define
class Response(Generic[T]):
    """An answer with its status and headers beside the parsed body."""

    status_code: int
    """The status; one of `http.HTTPStatus` where the standard library has a name for it."""
    content: bytes
    headers: Mapping[str, str]
    parsed: T


__all__ = ["UNSET", "Model", "Response", "Unset"]

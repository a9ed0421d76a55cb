# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
"""What the models share: the value for "absent", and the conversions from and to JSON."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
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
    """Base of every model. Decoding validates; encoding leaves out unset values and keeps nulls.

    A model is a msgspec Struct, which msgspec decodes in half the time of an attrs class. attrs sees it as an attrs
    class: `attrs.fields`, `asdict`, `evolve` and the other functions work. The garbage collector skips models
    (`gc=False`), because the models of a page are a tree, without cycles.

    Decoding raises `msgspec.ValidationError` with the JSON path when a value does not fit, `msgspec.DecodeError` when
    the text is not JSON, and `UnicodeDecodeError` when it is not UTF-8.
    """

    if TYPE_CHECKING:
        __attrs_attrs__: ClassVar[
            tuple[Attribute[Any], ...]
        ]  # mypy wants a ClassVar; at run time it is no type hint
    else:
        __attrs_attrs__ = _Attributes()

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Decode and validate JSON text, in one pass. Keys that the contract does not name are ignored."""
        return msgspec.json.decode(data, type=cls)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Convert and validate a decoded JSON object."""
        return msgspec.convert(data, cls)

    def to_json(self) -> bytes:
        """Encode as JSON text in UTF-8."""
        return msgspec.json.encode(self)

    def to_dict(self) -> dict[str, Any]:
        """Convert to dicts, lists and plain values, as `json.loads(self.to_json())` would."""
        result: dict[str, Any] = msgspec.to_builtins(self)
        return result

    if not TYPE_CHECKING:  # type checkers take it for the attribute dictionary that a model lacks

        @property
        def __dict__(self) -> Mapping[str, Any]:
            """What `vars(model)` gives: the members that are set, to be read only.

            FastAPI asks for it where an endpoint has no return type; so does `json.dumps(model, default=vars)`.
            """
            members = ((name, getattr(self, name)) for name in self.__struct_fields__)
            return MappingProxyType({name: value for name, value in members if value is not UNSET})

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> dict[str, Any]:
        """How pydantic, and so FastAPI, takes and writes a model: as an instance or an object, and as `to_dict` writes it.

        pydantic asks for it where a model stands in an annotation. Its schemas are plain dicts, so it is not imported.
        """
        return {
            "type": "function-plain",
            "function": {"type": "no-info", "function": cls._taken},
            "serialization": {"type": "function-plain", "function": cls.to_dict},
        }

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> dict[str, Any]:
        """The JSON schema of a model for pydantic, without references to other schemas."""
        schema = msgspec.json.schema(cls)
        result: dict[str, Any] = _without_references(schema, schema.get("$defs", {}))
        return result

    @classmethod
    def _taken(cls, value: Any) -> Self:
        return value if isinstance(value, cls) else cls.from_dict(value)

    def _repr_html_(self) -> str:
        """What a notebook shows, as HTML: the members that are set, and the first items of lists. Text is escaped."""
        rows = ((name, getattr(self, name)) for name in self.__struct_fields__)
        lines = (
            f"<tr><th>{name}</th><td>{_shown(value)}</td></tr>" for name, value in rows if value is not UNSET
        )
        return f"<table><tbody>{''.join(lines)}</tbody></table>"


def _without_references(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """A JSON schema with each reference replaced by what it points to. No model contains itself."""
    if isinstance(schema, list):
        return [_without_references(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return {key: _without_references(value, definitions) for key, value in found.items() if key != "$defs"}


def _shown(value: Any) -> str:
    """The HTML of a value: a table for models, text for anything else."""
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
    """The HTML of one value, escaped and shortened: a text itself, anything else as JSON; empty if it is unset."""
    from html import escape  # only notebooks need it

    if value is UNSET:
        return ""
    try:
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    except (UnicodeEncodeError, RecursionError):  # half a surrogate pair, or too deep for the stack
        text = "not shown"
    text = text if len(text) <= 80 else f"{text[:80]}…"
    return f"<bdi>{escape(''.join(c if c.isprintable() else ' ' for c in text))}</bdi>"


T = TypeVar("T")


@define
class Response(Generic[T]):
    """An answer: the status, the headers, the body, and the parsed body."""

    status_code: int
    """The HTTP status; an `http.HTTPStatus` if that enum has it."""
    content: bytes
    headers: Mapping[str, str]
    parsed: T


__all__ = ["UNSET", "Model", "Response", "Unset"]

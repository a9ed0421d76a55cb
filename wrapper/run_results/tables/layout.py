"""The columns of a wide table: which there are, in which order, of which types, under which titles.

With the project's names they are those of the names, in every run. Without, they are those of the fields that the run
has.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

import attrs
import pyarrow as pa
from attrs import define, frozen

from run_results.errors import ConfigurationError
from run_results.names import NameMap
from run_results.tables.arrow import arrow_field, list_of
from run_results.tables.labels import storable
from run_results.tables.options import Wide
from run_results.tables.schema import COLUMNS, FURTHER, VERSION
from run_results.tables.titles import unique_titles
from run_results.tables.values import kind_of
from run_results.tables.writers import GUARDED

PLACE: Final = COLUMNS["documents"][:5]
"""The columns that say where a document stands; each wide table begins with them."""
MOST_FIELDS: Final = 10_000
"""How many fields a class may have in a wide table."""
SCORES: Final = ("model_confidence", "ocr_confidence")
READINGS: Final = {"number": ("number",), "money": ("number", "currency"), "date": ("date",)}
"""The columns of `fields` that a value is read into, by what it is read as."""
_TYPES: Final = {"number": pa.decimal128(38, 9), "date": pa.date32(), **dict.fromkeys(SCORES, pa.float64())}


@define
class WideField:
    """A field of a class that gets columns."""

    label: str
    """What people call it."""
    kinds: set[str] = attrs.field(factory=set)
    """What its values are read as: `number`, `money` or `date`."""


@frozen
class Layout:
    """The columns of a class's table."""

    schema: pa.Schema
    api_names: Sequence[str | None]
    """The fields that have columns, in order."""
    columns: Sequence[tuple[int, str]]
    """Each column behind `PLACE`: the index of its field, and the column of `fields` that its cells come from."""
    has_further: bool
    """Whether there is a last column with the fields that have none."""


def named_fields(names: NameMap, class_name: str | None) -> dict[str | None, WideField]:
    """The fields that a class can have, by the project's names. Raises `ConfigurationError` for too many."""
    known = names.known_fields(class_name)
    if len(known) > MOST_FIELDS:
        where = "no class" if class_name is None else f"class {class_name!r}"
        raise ConfigurationError(f"the names have more than {MOST_FIELDS} fields for {where}: no wide table")
    fields: dict[str | None, WideField] = {}
    for each in known:
        (label, *others) = each.names
        fields[each.api_name] = WideField(each.api_name if others else storable(label), _kinds(each.type))
    return fields


def _kinds(type: str | None) -> set[str]:
    """What the values of a type can be read as: anything without a type, or the columns would depend on the run."""
    kind = kind_of(type)
    return {*READINGS} if type is None else {kind} if kind else set()


def lay_out(fields: Mapping[str | None, WideField], wide: Wide, *, typed: bool, has_further: bool) -> Layout:
    """The columns for these fields; with `typed`, also for what their values are read as."""
    reserved = [*(column.name for column in PLACE), GUARDED, *([FURTHER.name] if has_further else [])]
    names = [api_name or "no_name" for api_name in fields]
    labels = [field.label or "(no name)" for field in fields.values()]
    is_api = wide.titles == "api"
    titles = unique_titles([(name,) for name in names] if is_api else list(zip(labels, names, strict=True)), reserved)
    beside = [(index, more) for index, field in enumerate(fields.values()) for more in _beside(field, wide, typed)]
    gap = "_" if is_api else " "
    wishes = [(f"{titles[index]}{gap}{more}", f"{names[index]}{gap}{more}") for index, more in beside]
    title_of = dict(zip(beside, unique_titles(wishes, [*reserved, *titles]), strict=True))
    api_names = list(fields)
    columns: list[tuple[int, str]] = []
    members: list[pa.Field] = []
    for index, field in enumerate(fields.values()):
        for source in ("value", *_beside(field, wide, typed)):
            metadata = {"api_name": api_names[index] or "", "source": source}
            title = title_of.get((index, source), titles[index])
            columns.append((index, source))
            members.append(pa.field(title, _type(source, wide), metadata=metadata))
    further = [arrow_field(FURTHER)] if has_further else []
    metadata = {"run_results.table": "wide", "run_results.schema_version": str(VERSION)}
    schema = pa.schema([*map(arrow_field, PLACE), *members, *further], metadata=metadata)
    return Layout(schema, api_names, columns, has_further)


def _beside(field: WideField, wide: Wide, typed: bool) -> Iterable[str]:
    """The columns beside a field's value."""
    readings = [READINGS[kind] for kind in sorted(field.kinds)] if typed else []
    return dict.fromkeys([*chain.from_iterable(readings), *(SCORES if wide.confidence else ())])


def _type(source: str, wide: Wide) -> pa.DataType:
    found = _TYPES.get(source, pa.string())
    return list_of(found) if wide.doubled == "list" else found

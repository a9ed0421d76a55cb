"""The arguments of `NameMap`, checked: names, names by class, and types. Wrong ones raise `ConfigurationError`."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import cast

from run_results.errors import ConfigurationError
from run_results.names.rule import sanitize
from run_results.text import quote


def listed(given: object, what: str) -> list[str]:
    """The names of one list."""
    kind = type(given).__name__
    # A lone string is an iterable of strings, and so is a mapping: both would pass for names, wrongly.
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise ConfigurationError(f"{what}: expected a list of names, not {kind}")
    names: list[str] = []
    for index, name in enumerate(cast("Iterable[object]", given)):
        if not isinstance(name, str):
            raise ConfigurationError(f"{what}[{index}] is not a string but {type(name).__name__}")
        names.append(name)
    return names


def listed_by_class(given: object) -> dict[str, list[str]]:
    """The names of each document class."""
    if not isinstance(given, Mapping):
        raise ConfigurationError("by_class: expected a mapping from document class to names")
    classed: dict[str, list[str]] = {}
    for class_name, names in cast("Mapping[object, object]", given).items():
        if not isinstance(class_name, str):
            raise ConfigurationError(f"by_class: a class is a string, not {type(class_name).__name__}")
        classed[class_name] = listed(names, f"by_class[{quote(class_name)}]")
    return classed


def listed_types(
    types: object, by_class: object, unclassed: list[str], classed: dict[str, list[str]]
) -> dict[str | None, dict[str, str]]:
    """The types by class and name; None stands for the names without a class. A class without types is left out."""
    if not isinstance(by_class, Mapping | None):
        raise ConfigurationError("types_by_class: expected a mapping from document class to types")
    scopes: list[tuple[str, str | None, object, Iterable[str]]] = [
        ("types", None, types, chain(unclassed, *classed.values()))
    ]
    for name, own in cast("Mapping[str, object]", by_class or {}).items():
        scopes.append((f"types_by_class[{quote(name)}]", name, own, chain(classed.get(name, ()), unclassed)))
    found: dict[str | None, dict[str, str]] = {}
    for what, class_name, given, names in scopes:
        if not isinstance(given, Mapping | None):
            raise ConfigurationError(f"{what}: expected a mapping from names to types")
        known = set(names) if given else set[str]()
        for name, kind in cast("Mapping[str, object]", given or {}).items():
            if not isinstance(kind, str):
                raise ConfigurationError(f"{what}: the type of {quote(name)} is not a string")
            if name not in known:
                raise ConfigurationError(f"{what}: {quote(name)} is not among the names")
            found.setdefault(class_name, {})[name] = kind
    return found


def by_api_name(names: Iterable[str], ascii: bool) -> dict[str, tuple[str, ...]]:
    """The names that become each API name, in the order given."""
    meeting: dict[str, dict[str, None]] = {}
    for name in names:
        meeting.setdefault(sanitize(name, ascii=ascii), {})[name] = None
    return {api_name: tuple(group) for api_name, group in meeting.items()}

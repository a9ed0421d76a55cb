"""Steps that change the page: its properties, the include flags that it obeys, its names."""

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from typing import Any

from run_results_conformance.faults.fault import Make
from run_results_conformance.server.terms import JsonObject

from .call import Call, Step, When, always, server_with

Change = Callable[[Any], Any]
"""Makes a new value of an old one."""
Edit = Callable[[Call, JsonObject], object]
"""Changes a page in place."""

DOCUMENT = "files/documents"
FIELD = "files/documents/fields"
CASE = "case_info/fields"
"""The paths of documents, of their fields and of cross-class fields in a page."""

GONE: Any = object()
"""A change returns this to remove the property."""


def parts(page: Any, path: str) -> Iterator[JsonObject]:
    """Every object at a path such as `files/documents`, through lists too. The empty path is the page itself."""
    places = [page]
    for name in path.split("/") if path else ():
        places = [
            part
            for place in places
            if isinstance(place, dict) and name in place
            for part in (place[name] if isinstance(place[name], list) else [place[name]])
        ]
    return (place for place in places if isinstance(place, dict))


def at(path: str, change: Change, *, where: Callable[[JsonObject], bool] | None = None) -> Edit:
    """Changes the property at the end of the path, in every object that has it and that passes the test `where`."""
    above, _, name = path.rpartition("/")

    def edit(_call: Call, page: JsonObject) -> None:
        for part in parts(page, above):
            if name in part and (where is None or where(part)):
                _put(part, name, change(part[name]))

    return edit


def within(path: str, change: Callable[[JsonObject], object]) -> Edit:
    """Changes every object at the path in place."""

    def edit(_call: Call, page: JsonObject) -> None:
        for part in list(parts(page, path)):
            change(part)

    return edit


def _put(part: JsonObject, name: str, value: Any) -> None:
    if value is GONE:
        del part[name]
    else:
        part[name] = value


def to(value: Any) -> Change:
    """A change to a fixed value."""
    return lambda _old: deepcopy(value)


def gone(_old: Any) -> Any:
    """The change that removes a property."""
    return GONE


def each(change: Change) -> Change:
    """The same change to every member of a list."""
    return lambda values: [change(value) for value in values]


def instead(old: Any, new: Any) -> Change:
    """A change of `old` to `new`; other values stay."""
    return lambda value: deepcopy(new) if type(value) is type(old) and value == old else value


def edited(*edits: Edit, when: When = always) -> Make:
    """A server that edits the page before it is written, after flags and name rule were applied."""

    def project(call: Call, honest: Step, page: JsonObject, flags: frozenset[str]) -> Any:
        projected = honest(page, flags)
        if when(call):
            projected = deepcopy(projected)
            for edit in edits:
                edit(call, projected)
        return projected

    return server_with(project=project)


def leaked(path: str, *, when: When = always, change: Change = deepcopy) -> Make:
    """A server that gives the property at this path although nobody asked for its flag."""
    above, _, name = path.rpartition("/")

    def project(call: Call, honest: Step, page: JsonObject, flags: frozenset[str]) -> Any:
        projected = honest(page, flags)
        if when(call):
            projected = deepcopy(projected)
            # Flags do not change how many objects there are, so the objects of both pages correspond.
            whole = honest(page, frozenset(call.server.contract.flags))
            for part, source in zip(parts(projected, above), parts(whole, above), strict=True):
                if name in source and name not in part:
                    part[name] = change(source[name])
        return projected

    return server_with(project=project)


def flagged(change: Callable[[Call, frozenset[str]], Iterable[str]]) -> Make:
    """A server that uses other flags than the request has."""
    return server_with(project=lambda call, honest, page, flags: honest(page, frozenset(change(call, flags))))


FIELD_NAME, CASE_FIELD_NAME = f"{FIELD}/field_name", f"{CASE}/name"


def named(
    rule: Callable[[str, str], str], *paths: str, when: When = always, where: Callable[[JsonObject], bool] | None = None
) -> Make:
    """A server with another name rule: it answers `rule(project_name, api_name)`.

    It does so at these paths (default: all names), in objects that pass the test `where`.
    """

    def project(call: Call, honest: Step, page: JsonObject, flags: frozenset[str]) -> Any:
        projected = honest(page, flags)
        if when(call):
            projected = deepcopy(projected)
            for path in paths or (FIELD_NAME, CASE_FIELD_NAME):
                above, _, name = path.rpartition("/")
                for part, source in zip(parts(projected, above), parts(page, above), strict=True):
                    if where is None or where(part):
                        part[name] = rule(source[name], part[name])
        return projected

    return server_with(project=project)

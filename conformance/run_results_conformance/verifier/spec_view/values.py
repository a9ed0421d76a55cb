"""Places in JSON values, and where two values differ."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

Path = tuple[str | int, ...]
"""The way to a place in a JSON value: names and indices."""


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


ABSENT = _Absent()
"""Stands where a value has nothing."""


def show_path(path: Sequence[str | int]) -> str:
    """A path as JSON path: `$.files[0].documents`."""
    parts = ["$"]
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif step.isascii() and step.isidentifier():
            parts.append(f".{step}")
        else:
            parts.append(f"[{json.dumps(step, ensure_ascii=False)}]")
    return "".join(parts)


def at(value: Any, path: Sequence[str | int]) -> Any:
    """What stands at a place of a value."""
    for step in path:
        value = value[step]
    return value


def difference(expected: Any, got: Any, path: Path = ()) -> tuple[Path, Any, Any] | None:
    """The first place where two values differ, names in alphabetical order, and what stands there in each."""
    if type(expected) is dict and type(got) is dict:
        for name in sorted({*expected, *got}):
            one, other = expected.get(name, ABSENT), got.get(name, ABSENT)
            if not _same_plain(one, other) and (found := difference(one, other, (*path, name))):
                return found
        return None
    if type(expected) is list and type(got) is list:
        for index, (one, other) in enumerate(zip(expected, got, strict=False)):
            if not _same_plain(one, other) and (found := difference(one, other, (*path, index))):
                return found
        if len(expected) != len(got):
            return path, f"{len(expected)} items", f"{len(got)} items"
        return None
    same = expected == got and (type(expected) is bool) == (type(got) is bool)
    return None if same else (path, expected, got)


def contradictions(expected: Any, got: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Each place where `got` lacks a part of `expected` or has another value, and what stands there in both.

    What only `got` has is no contradiction. A part that is absent is not the same as null.
    """
    if type(expected) is dict and type(got) is dict:
        for name in sorted(expected):
            one, other = expected[name], got.get(name, ABSENT)
            if not _same_plain(one, other):
                yield from contradictions(one, other, (*path, name))
    elif type(expected) is list and type(got) is list:
        for index, (one, other) in enumerate(zip(expected, got, strict=False)):
            if not _same_plain(one, other):
                yield from contradictions(one, other, (*path, index))
        if len(expected) != len(got):
            yield path, f"{len(expected)} items", f"{len(got)} items"
    elif found := difference(expected, got, path):
        yield found


def _same_plain(one: Any, other: Any) -> bool:
    """Whether both are the same text, number, bool or null: a quick answer for nearly all parts of an answer."""
    kind = type(one)
    return kind is type(other) and kind is not dict and kind is not list and bool(one == other)

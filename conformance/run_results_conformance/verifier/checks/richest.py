"""The page that shows most: requests that are varied are sent where the most kinds of values are."""

import re
from collections.abc import Hashable, Iterable
from typing import Any

from attrs import frozen

from run_results_conformance.verifier.exchange import ObservedRun

_DECIMAL = re.compile(r"\d[.,]\d")


@frozen
class RichPage:
    """A page with many kinds of values: at `offset` of `run`."""

    run: ObservedRun
    offset: int


def richest_page(runs: Iterable[ObservedRun]) -> RichPage | None:
    """Of the pages that were read with all flags, of runs that do not change, one that has the most kinds of values."""
    best: tuple[int, RichPage] | None = None
    for run in runs:
        if not run.final or run.large or run.changed:
            continue
        header = _kinds(run.headers.get(True))
        kinds = {index: _kinds(file) for index, file in run.full.items()}
        size = len(run.first.files)
        for offset in dict.fromkeys((0, *run.starts)):
            files = [kinds[index] for index in range(offset, offset + size) if index in kinds]
            count = len(header.union(*files)) if files or not offset else 0
            if best is None or count > best[0]:
                best = count, RichPage(run, offset)
    return best[1] if best else None


def _kinds(value: Any) -> set[Hashable]:
    """The places in a value, without indices, each with what kinds of values stand there."""
    found: set[Hashable] = set()
    _add_kinds(found, value, ())
    return found


def _add_kinds(found: set[Hashable], value: Any, place: tuple[str, ...]) -> None:
    if isinstance(value, dict):
        for name, part in value.items():
            _add_kinds(found, part, (*place, name))
    elif isinstance(value, list):
        found.add((place, bool(value)))
        for part in value:
            _add_kinds(found, part, place)
    elif isinstance(value, str):
        found.add((place, bool(value), value.isascii(), _DECIMAL.search(value) is not None))
    else:
        found.add((place, value if value is None or isinstance(value, bool) else ""))

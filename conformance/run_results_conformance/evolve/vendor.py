"""The vendor's own document against our contract: has the vendor moved?

The vendor's page leaves questions open, and `docs/contract.md` has our answers. `decisions.toml` lists, as data, which
differences these answers explain. What no decision explains is news.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from attrs import frozen

from .change import CannotJudge, Change
from .document import METHODS, Document, DocumentError
from .judgement import judge

# What the vendor's document cannot say, because it is ours.
_OURS = frozenset(
    {
        "x-addition",
        "x-pagination",
        "x-include",
        "x-include-guaranteed",
        "x-include-name",
        "x-field-name-rule",
        "x-extensible-enum",
    }
)


@frozen
class Decision:
    """Differences from the vendor's document that we decided on.

    `place` and `what` are regular expressions that a difference must match as a whole; `heading` is the section of
    docs/contract.md that has the reason.
    """

    place: str
    what: str
    heading: str

    def explains(self, change: Change) -> bool:
        """Whether this difference is decided."""
        return re.fullmatch(self.place, change.place) is not None and re.fullmatch(self.what, change.what) is not None


@frozen
class VendorReport:
    """What differs between our contract and the vendor's document.

    `news` are differences without a decision; `decided` counts those with one. `unused` are decisions that explain
    nothing in this document: the vendor may have come to agree.
    """

    news: tuple[Change, ...]
    decided: int
    unused: tuple[Decision, ...]


def decisions(path: Path | None = None) -> list[Decision]:
    """The decisions in a TOML file; without a path, those that come with this package."""
    text = (
        path.read_text("utf-8")
        if path
        else files("run_results_conformance.evolve").joinpath("decisions.toml").read_text("utf-8")
    )
    return [Decision(**entry) for entry in tomllib.loads(text)["decision"]]


def compare_with_vendor(ours: Document, vendor: Document, settled: Sequence[Decision]) -> VendorReport:
    """Compares our operations with those of a whole vendor document. Raises CannotJudge and DocumentError.

    An operation that is an addition of ours (`x-addition`) is left out where the vendor's document does not have it.
    """
    wanted = _wanted(ours.root, vendor.root)
    here, there = Document(_cut(ours.root, wanted)), Document(_cut(vendor.root, wanted))
    changes = judge(here, there).changes
    news = [change for change in changes if not any(decision.explains(change) for decision in settled)]
    unused = [each for each in settled if not any(each.explains(change) for change in changes)]
    return VendorReport(tuple(news), len(changes) - len(news), tuple(unused))


def _wanted(ours: Mapping[str, Any], vendor: Mapping[str, Any]) -> dict[str, set[str]]:
    """The methods to compare, by our paths: all of ours, but for additions that the vendor does not have."""
    wanted: dict[str, set[str]] = {}
    for path, item in ours["paths"].items():
        offered: Mapping[str, Any] = next((other for key, other in vendor["paths"].items() if _same(key, path)), {})
        methods = {m for m in METHODS if m in item and (m in offered or not item[m].get("x-addition"))}
        if methods:
            wanted[path] = methods
    return wanted


def _cut(root: Mapping[str, Any], wanted: Mapping[str, set[str]]) -> dict[str, Any]:
    """The wanted operations of a document, under our paths, without our extensions."""
    paths: dict[str, Any] = {}
    for path, methods in wanted.items():
        found = next((key for key in root["paths"] if _same(key, path)), None)
        if found is None:
            raise DocumentError(f"the vendor's document has no path that ends like {path}")
        paths[path] = {key: part for key, part in root["paths"][found].items() if key not in METHODS or key in methods}
        if missing := methods - paths[path].keys():
            raise CannotJudge("paths", f"#/paths/{found}", f"it has no {min(missing).upper()}")
    return {**_without_extensions(root), "paths": _without_extensions(paths)}


def _same(path: str, ours: str) -> bool:
    """Whether a path is ours, whatever its parameters are called and whatever stands in front."""
    blank = [re.sub(r"\{[^}]*\}", "{}", each) for each in (path, ours)]
    return blank[0].endswith(blank[1])


def _without_extensions(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _without_extensions(part) for key, part in node.items() if key not in _OURS}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(node, list):
        return [_without_extensions(part) for part in node]  # pyright: ignore[reportUnknownVariableType]
    return node

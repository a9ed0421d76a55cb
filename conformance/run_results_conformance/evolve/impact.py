"""Where a change of the contract must follow: which properties and flags have no home yet, and in which place.

What has no home on purpose stands in `unmapped.toml`, with the reason.
"""

import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path

from attrs import frozen

from run_results_conformance.server.contract import Contract
from run_results_conformance.server.run_list import LIST_RUNS

from .parts import flags, properties
from .places import PLACES, list_places, places


@frozen
class Unmapped:
    """What has no home in a place, on purpose."""

    place: str
    what: tuple[str, ...]
    why: str


@frozen
class Impact:
    """`homeless` has the places where each part lacks a home; `unused` are entries of `unmapped.toml` not needed."""

    homeless: Mapping[str, tuple[str, ...]]
    unused: tuple[tuple[str, str], ...]
    parts: int
    """How many properties and flags there are."""

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return not self.homeless and not self.unused


def unmapped(path: Path | None = None) -> list[Unmapped]:
    """The entries of a TOML file; without a path, of the one that comes with this package."""
    source = path or files("run_results_conformance.evolve").joinpath("unmapped.toml")
    entries = tomllib.loads(source.read_text("utf-8"))["unmapped"]
    return [Unmapped(each["place"], tuple(each["what"]), each["why"]) for each in entries]


def impact(contract: Contract, docs: Path, known: Iterable[Unmapped]) -> Impact:
    """Every property and flag of a contract without a home, but for what is `known` to have none.

    The answers of results and of the list of runs are looked at, each in the places that show it.

    `docs` is the folder of Markdown files. Raises SpecError where the contract has no example `full`.
    """
    settled = {(what, entry.place) for entry in known for what in entry.what}
    looked_at = [([*properties(contract), *flags(contract)], places(contract, docs))]
    if (runs := contract.operations.get(LIST_RUNS)) is not None:
        looked_at.append((properties(runs), list_places(runs, docs)))
    without: dict[tuple[str, str], None] = {}
    for parts, where in looked_at:
        for place, has_home in where.items():
            homes = {part.name for part in parts if has_home(part)}
            for part in parts:
                # A flag has the home of what it adds, or the reason for having none.
                is_settled = bool(part.gates) and all((name, place) in settled for name in part.gates)
                if part.name not in homes and homes.isdisjoint(part.gates) and not is_settled:
                    without[part.name, place] = None
    homeless: dict[str, tuple[str, ...]] = {}
    for name, place in without:
        if (name, place) not in settled:
            homeless[name] = (*homeless.get(name, ()), place)
    count = len({part.name for parts, _ in looked_at for part in parts})
    return Impact(homeless, tuple(sorted(settled - without.keys())), count)


def as_text(found: Impact) -> str:
    """What has no home, a line each, then what to change in each place that is named."""
    lines = [f"{name}: no home in {', '.join(places)}" for name, places in found.homeless.items()]
    named = [place for place in PLACES if any(place in places for places in found.homeless.values())]
    if named:
        lines += ["", "Give each a home, or list it with a reason in evolve/unmapped.toml:"]
        lines += [f"  {place}: {PLACES[place]}" for place in named]
    lines += [f"unmapped.toml: {what} needs no entry for {place}; take it out" for what, place in found.unused]
    if not lines:
        lines = [f"All {found.parts} properties and flags have a home in every place, or a reason for having none."]
    return "\n".join(lines) + "\n"

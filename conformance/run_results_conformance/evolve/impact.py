"""Where a change of the contract must follow: which properties and flags have no home yet, and in which place.

The places are looked at, not listed. The example `full` shows every property; a property has a home in the tables, the
report or `fetch` when these write something else where it is left out or has another value. Synthetic runs have the
properties that they make, strategies those that they can make, and docs those whose names they quote.

What has no home on purpose stands in `unmapped.toml`, with the reason.
"""

import copy
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from attrs import evolve, field, frozen

from run_results.answer import read
from run_results.include import Include
from run_results.names import NameMap
from run_results.page import Page
from run_results_conformance.server.contract import Contract, SpecError
from run_results_conformance.server.synthetic import SyntheticRun
from run_results_conformance.strategies import schema

JsonObject = Mapping[str, Any]

PLACES: Mapping[str, str] = {
    "example": "the example `full` in openapi.yaml",
    "tables": "tables/schema.py (the column), tables/batches.py (its values), docs/tables.md",
    "report": "report/compact.py or report/facts.py (the data), report/report.js (what is shown)",
    "fetch": "cli/rows.py (the key), cli/fetch.py (its help)",
    "synthetic": "server/synthetic.py",
    "strategies": "strategies.py (the keyword)",
    "docs": "the page of docs/ where users meet it, in backticks",
}
"""Every place, with what has to be changed to give something a home there."""

_RUN = "run-of-the-example"


@frozen
class Part:
    """A property of an answer, or an include flag."""

    name: str
    """`Field.value`, or the parameter's name."""
    key: str
    schema: JsonObject = field(repr=False, factory=dict)
    is_required: bool = False
    gates: tuple[str, ...] = ()
    """The properties that a flag adds, by name; empty for a property."""


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

    `docs` is the folder of Markdown files. Raises SpecError where the contract has no example `full`.
    """
    parts = [*properties(contract), *_flags(contract)]
    without: dict[tuple[str, str], None] = {}
    for place, has_home in _places(contract, docs).items():
        homes = {part.name for part in parts if has_home(part)}
        for part in parts:
            if part.name not in homes and homes.isdisjoint(part.gates):
                without[part.name, place] = None
    settled = {(what, entry.place) for entry in known for what in entry.what}
    homeless: dict[str, tuple[str, ...]] = {}
    for name, place in without:
        if (name, place) not in settled:
            homeless[name] = (*homeless.get(name, ()), place)
    return Impact(homeless, tuple(sorted(settled - without.keys())), len(parts))


def properties(contract: Contract) -> list[Part]:
    """Every property of an answer, however deep, once for each schema."""
    found: dict[str, Part] = {}

    def visit(node: JsonObject, owner: str) -> None:
        owner = str(node["$ref"]).rpartition("/")[2] if "$ref" in node else owner
        described = contract.resolve(node)
        for branch in _branches(described):
            visit(branch, owner)
        if "items" in described:
            visit(described["items"], f"{owner}[]")
        for key, inner in described.get("properties", {}).items():
            if (name := f"{owner}.{key}") not in found:
                inner = {} if inner is True else inner
                found[name] = Part(name, key, inner, key in described.get("required", ()))
                visit(inner, name)

    visit(contract.answer_schema, "")
    return list(found.values())


def _flags(contract: Contract) -> list[Part]:
    parts = properties(contract)
    return [
        Part(flag, flag, gates=tuple(part.name for part in parts if part.schema.get("x-include") == flag))
        for flag in contract.flags
    ]


def _branches(schema: JsonObject) -> Iterator[JsonObject]:
    for keyword in ("allOf", "anyOf", "oneOf"):
        yield from schema.get(keyword, ())


def _objects(contract: Contract, node: JsonObject, value: Any, owner: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a value whose schema has properties, with the schema's name."""
    owner = str(node["$ref"]).rpartition("/")[2] if "$ref" in node else owner
    schema = contract.resolve(node)
    for branch in _branches(schema):
        yield from _objects(contract, branch, value, owner)
    if isinstance(value, list):
        for item in value:
            yield from _objects(contract, schema.get("items", {}), item, f"{owner}[]")
    elif isinstance(value, dict) and "properties" in schema:
        yield owner, value
        for key, inner in schema["properties"].items():
            if key in value and inner is not True:
                yield from _objects(contract, inner, value[key], f"{owner}.{key}")


# --- The places ---------------------------------------------------------------------------------------------

_HasHome = Callable[[Part], bool]
_Edit = Callable[[dict[str, Any], str], None]


def _places(contract: Contract, docs: Path) -> Mapping[str, _HasHome]:
    """For each place, whether a part has a home there. A flag also has one where something that it adds has."""
    if "full" not in contract.examples:
        raise SpecError("the contract has no example called 'full'")
    full = contract.examples["full"]
    variants = _Variants(contract, full)
    shown = _keys(contract, full)
    made = frozenset[str]().union(*(_keys(contract, page) for page in _synthetic()))
    quoted = _quoted(docs)
    return {
        "example": lambda part: part.name in shown,
        **{
            place: variants.judge(write)
            for place, write in (("tables", _tables), ("report", _report), ("fetch", _fetch))
        },
        "synthetic": lambda part: part.name in made,
        "strategies": lambda part: not part.gates and _can_be_made(contract, part),
        "docs": lambda part: part.key in quoted,
    }


def _keys(contract: Contract, page: JsonObject) -> frozenset[str]:
    """The names of the properties that a page has."""
    found = _objects(contract, contract.answer_schema, page)
    return frozenset(f"{owner}.{key}" for owner, value in found for key in value)


def _synthetic() -> Iterator[JsonObject]:
    run = SyntheticRun(files=40)
    yield {**run.header, "files": run.files(0, 40), "has_more": False}


def _quoted(docs: Path) -> frozenset[str]:
    """Every word in a code block or between backticks."""
    quotes: list[str] = []
    for path in sorted(docs.glob("*.md")):
        text = path.read_text("utf-8")
        fence = re.compile("^```.*?^```", re.MULTILINE | re.DOTALL)
        quotes += [*fence.findall(text), *re.findall("`[^`\n]+`", fence.sub("", text))]
    return frozenset(word for quote in quotes for word in re.findall(r"\w+", quote))


def _can_be_made(contract: Contract, part: Part) -> bool:
    """Whether a strategy can be made of the property's schema."""
    components = contract.document["components"]
    schemas = {**components["schemas"], "Probe": part.schema}
    probe = Contract({**contract.document, "components": {**components, "schemas": schemas}})
    try:
        schema("Probe", contract=probe).validate()
    except SpecError:
        return False
    return True


class _Variants:
    """The example without a property, and with another value of it, everywhere where it stands."""

    def __init__(self, contract: Contract, full: JsonObject) -> None:
        self._contract = contract
        self._full = full
        self._made: dict[tuple[str, _Edit], Page] = {}

    def judge(self, write: Callable[[Page], object]) -> _HasHome:
        """Says for a property whether it makes a difference for what is written of a page."""
        plain = write(_page(self._full))

        def has_home(part: Part) -> bool:
            if part.gates:
                return False  # a flag has a home by what it adds
            edits = (_change,) if part.is_required else (_leave_out, _change)
            return any(write(self._page(part, edit)) != plain for edit in edits)

        return has_home

    def _page(self, part: Part, edit: _Edit) -> Page:
        if (part.name, edit) not in self._made:
            answer = copy.deepcopy(dict(self._full))
            for owner, value in list(_objects(self._contract, self._contract.answer_schema, answer)):
                if f"{owner}.{part.key}" == part.name and part.key in value:
                    edit(value, part.key)
            self._made[part.name, edit] = _page(answer)
        return self._made[part.name, edit]


def _leave_out(value: dict[str, Any], key: str) -> None:
    del value[key]


def _change(value: dict[str, Any], key: str) -> None:
    match value[key]:
        case bool(old):
            value[key] = not old
        case int(old) | float(old):
            value[key] = old + 1
        case str(old):
            value[key] = f"{old}x"
        case None:
            value[key] = "x"
        case list():
            value[key] = []
        case _:
            value[key] = {}


def _page(answer: JsonObject) -> Page:
    """The page of an answer. Drift is left out: it is shown for what is missing, whatever that is."""
    body = msgspec.json.encode(answer)
    page = Page.of(read(body, Include.ALL), _RUN, 0, body, Include.ALL)
    return evolve(page, breaches=(), news=(), is_inspected=True)


def _tables(page: Page) -> object:
    from run_results.tables.batches import Tabulator
    from run_results.tables.schema import TABLES

    return [Tabulator(what).batch(page) for what in TABLES]


def _report(page: Page) -> object:
    from run_results.report import write_report

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        started = _minute()
        write_report([page], path)
        # A report says when it was made, which may be a minute after the one that it is compared with.
        return path.read_text("utf-8").replace(started, "").replace(_minute(), "")


def _minute() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _fetch(page: Page) -> object:
    from run_results.cli.rows import record, rows

    return [record(row, page.run_id, NameMap(), page.include) for row in rows(page)]


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

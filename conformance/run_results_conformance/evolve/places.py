"""The places that show what the contract has, and whether a property has a home in each.

The places are looked at, not listed. The example `full` shows every property; a property has a home in the tables, the
report or `fetch` when these write something else where it is left out or has another value. Of the data in a report
only what its script reads counts. Synthetic runs have the properties that they make, strategies those that they can
make, and docs those that they quote. A property of the list of runs is looked for in what the command `runs` writes.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from attrs import evolve

from run_results.answer import read
from run_results.counts import THRESHOLD
from run_results.fields import case_fields
from run_results.include import Include
from run_results.names import NameMap
from run_results.page import Page
from run_results_api.models import RunList
from run_results_conformance.server.contract import Contract
from run_results_conformance.server.run_list import summary
from run_results_conformance.server.synthetic import SyntheticRun
from run_results_conformance.server.terms import SpecError
from run_results_conformance.strategies import schema

from .parts import JsonObject, Part, objects

PLACES: Mapping[str, str] = {
    "example": "the example `full` in openapi.yaml; `runs` for the list of runs",
    "tables": "tables/schema.py; tables/batches.py, unless `source` is the member",
    "report": "report/compact.py and report/script/, or report/facts.py",
    "fetch": "cli/rows.py",
    "runs": "cli/runs.py (for the list of runs)",
    "synthetic": "server/synthetic/",
    "strategies": "strategies.py (the keyword)",
    "docs": "the page of docs/ where users meet it, in backticks",
}
"""Every place, with what has to be changed to give something a home there."""

_RUN = "run-of-the-example"


HasHome = Callable[[Part], bool]
_Edit = Callable[[dict[str, Any], str], None]
_Reads = tuple[frozenset[str], frozenset[int]]


def places(contract: Contract, docs: Path) -> Mapping[str, HasHome]:
    """For each place, whether a part has a home there. A flag also has one where something that it adds has."""
    if "full" not in contract.examples:
        raise SpecError("the contract has no example called 'full'")
    full = contract.examples["full"]
    variants = _Variants(contract, full)
    shown = _keys(contract, full)
    made = frozenset[str]().union(*(_keys(contract, page) for page in _synthetic()))
    quoted = _quoted(docs)
    report = partial(_report, reads=_script_reads())
    return {
        "example": lambda part: part.name in shown,
        "tables": variants.judge(_tables),
        "report": variants.judge(report),
        "fetch": variants.judge(_fetch),
        "synthetic": lambda part: part.name in made,
        "strategies": lambda part: not part.gates and _can_be_made(contract, part),
        "docs": lambda part: part.key in quoted,
    }


def list_places(contract: Contract, docs: Path) -> Mapping[str, HasHome]:
    """The places of the list of runs, as `places`. `contract` is that of its operation.

    Raises SpecError where it has no example `runs`.
    """
    if "runs" not in contract.examples:
        raise SpecError("the list of runs has no example called 'runs'")
    shown = _keys(contract, contract.examples["runs"])
    made = _keys(contract, {contract.pagination.items: [summary(SyntheticRun(files=0))]})
    quoted = _quoted(docs)
    plain = _runs(contract.examples["runs"])

    def is_written(part: Part) -> bool:
        changed = copy.deepcopy(dict(contract.examples["runs"]))
        for owner, value in list(objects(contract, contract.answer_schema, changed)):
            if f"{owner}.{part.key}" == part.name and value.get(part.key) is not None:
                _change(value, part.key)
        return _runs(changed) != plain

    return {
        "example": lambda part: part.name in shown,
        "runs": is_written,
        "synthetic": lambda part: part.name in made,
        "strategies": lambda part: _can_be_made(contract, part),
        "docs": lambda part: part.key in quoted,
    }


def _keys(contract: Contract, page: JsonObject) -> frozenset[str]:
    """The names of the properties that a page has."""
    found = objects(contract, contract.answer_schema, page)
    return frozenset(f"{owner}.{key}" for owner, value in found for key in value)


def _synthetic() -> Iterator[JsonObject]:
    run = SyntheticRun(files=40)
    yield {**run.header, "files": run.files(0, 40), "has_more": False}


def _quoted(docs: Path) -> frozenset[str]:
    """The keys that pages quote: a path in backticks, or a member or text in a code block; no other words of code."""
    found: set[str] = set()
    fence = re.compile("^```.*?^```", re.MULTILINE | re.DOTALL)
    for path in docs.glob("*.md"):
        text = path.read_text("utf-8")
        for block in fence.findall(text):
            found.update(re.findall(r"\.(\w+)", block), re.findall(r'"(\w+)"', block))
        for quote in re.findall("`([^`\n]+)`", fence.sub("", text)):
            if re.fullmatch(r"[\w.$*\[\]]+", quote):
                found.update(re.findall(r"\w+", quote))
    return frozenset(found)


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

    def judge(self, write: Callable[[Page], Iterator[object]]) -> HasHome:
        """Says for a property whether it makes a difference for what is written of a page, part by part."""
        plain = list(write(_page(self._full)))

        def has_home(part: Part) -> bool:
            if part.gates:
                return False  # a flag has a home by what it adds
            edits = (_change,) if part.is_required else (_leave_out, _change)
            return any(
                one != other for edit in edits for one, other in zip(write(self._page(part, edit)), plain, strict=True)
            )

        return has_home

    def _page(self, part: Part, edit: _Edit) -> Page:
        if (part.name, edit) not in self._made:
            answer = copy.deepcopy(dict(self._full))
            for owner, value in list(objects(self._contract, self._contract.answer_schema, answer)):
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


def _tables(page: Page) -> Iterator[object]:
    from run_results.tables.batches import Tabulator
    from run_results.tables.schema import TABLES

    for what in TABLES:
        yield Tabulator(what).batch(page)


def _report(page: Page, reads: _Reads) -> Iterator[object]:
    from run_results.report.compact import Compactor
    from run_results.report.summary import Summary
    from run_results.report.template import render

    compactor = Compactor(None, None, Summary(THRESHOLD), 64 << 20, 0)
    data = [document for kind, part in compactor.page(page) if kind == "documents" for document in json.loads(part)]
    cases = case_fields(page.run)
    yield _read_by_script(data, reads)
    yield compactor.index(_RUN, cases)
    # A report says when it was made, which may be a minute after the one that it is compared with.
    started = _minute()
    yield [text.replace(started, "").replace(_minute(), "") for text in render(page, compactor, cases, None)]


def _read_by_script(data: list[dict[str, Any]], reads: _Reads) -> object:
    """The documents of a report (`report/compact.py`), without the members that its script never reads."""
    members, positions = reads
    found = [{key: value for key, value in document.items() if key in members} for document in data]
    for document in found:
        fields = document.get("s", [])
        document["s"] = [[part for at, part in enumerate(field) if at in positions] for field in fields]
    return found


def _script_reads() -> _Reads:
    """The members of a document that the report's script reads, and the positions in the list of a field."""
    from run_results.report.template import script

    text = script()
    members = re.findall(r"\bdoc(?:uments\[[\w.]+\])?\.(\w+)", text)
    names = re.search(r"const \[([A-Z, ]+)\] = Array\(\d+\)\.keys\(\)", text)
    if names is None:
        raise SpecError("the report's script does not name the positions in the list of a field")
    used = re.findall(r"\[([A-Z]+)\]", text)
    return frozenset(members), frozenset(at for at, name in enumerate(names[1].split(", ")) if name in used)


def _minute() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _fetch(page: Page) -> Iterator[object]:
    from run_results.cli.rows import record, rows

    yield [record(row, page.run_id, NameMap(), page.include) for row in rows(page)]


def _runs(answer: JsonObject) -> object:
    from run_results.cli.runs import record

    return [record(run) for run in msgspec.convert(answer, RunList).runs]

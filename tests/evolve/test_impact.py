"""`evolve --impact`: what a change of the contract still needs elsewhere is found, place by place."""

import copy
import json
import re
from datetime import datetime, timedelta, tzinfo
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Self

import pytest
from click.testing import CliRunner

from run_results.report.template import script
from run_results_conformance.cli import main
from run_results_conformance.evolve.impact import Impact, Unmapped, impact, unmapped
from run_results_conformance.evolve.parts import Part, properties
from run_results_conformance.evolve.places import places
from run_results_conformance.server.contract import Contract, load_contract

DOCS = Path(__file__).parents[2] / "docs"
EVERYWHERE = ("tables", "report", "fetch", "synthetic", "docs")


def edited(name: str, node: dict[str, Any], value: Any, flag: str | None = None) -> dict[str, Any]:
    """The contract with one more property of a field, which the full example shows, and perhaps with its flag."""
    document: dict[str, Any] = copy.deepcopy(dict(load_contract().document))
    components = document["components"]
    components["schemas"]["Field"]["properties"][name] = node
    for file in components["examples"]["Full"]["value"]["files"]:
        for each in file["documents"]:
            for field in each["fields"]:
                field[name] = value
    if flag is not None:
        node["x-include"] = flag
        parameter = {"name": flag, "in": "query", "schema": {"type": "boolean", "default": False}}
        document["paths"][load_contract().path]["get"]["parameters"].append(parameter)
    return document


@cache
def today(*, documented: bool = True) -> Impact:
    """What the contract itself comes to, with or without what `unmapped.toml` says."""
    return impact(load_contract(), DOCS, unmapped() if documented else [])


def homeless(document: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """What has no home when the contract is this one, apart from what already has none."""
    found = impact(Contract(document), DOCS, unmapped()).homeless
    return {name: places for name, places in found.items() if name not in already()}


@cache
def already() -> frozenset[str]:
    """What of the contract has no home; nothing, or one test says so."""
    return frozenset(today().homeless)


def test_the_contract_has_a_home_everywhere() -> None:
    """Every property and flag is in every place, or in `unmapped.toml` with a reason, and no entry there is idle."""
    found = today()
    assert (dict(found.homeless), found.unused) == ({}, ())
    assert found.parts > 70
    assert all(entry.why for entry in unmapped())


def test_a_property_that_no_example_shows_is_named() -> None:
    """The example is a place of its own: without it the others could not be looked at."""
    document = edited("mood_of_text", {"type": "string"}, "calm")
    document["components"]["examples"]["Full"] = load_contract().document["components"]["examples"]["Full"]
    assert homeless(document) == {"Field.mood_of_text": ("example", *EVERYWHERE)}


def test_a_new_flag_is_named_with_each_place() -> None:
    """A flag has a home where something that it adds has one; a new one has none."""
    node = {"type": "string"}
    assert homeless(edited("mood_of_text", node, "calm", "include_mood")) == {
        "Field.mood_of_text": EVERYWHERE,
        "include_mood": EVERYWHERE,
    }


def test_a_flag_has_the_reasons_of_what_it_adds() -> None:
    """Where everything that a flag adds has a reason for having no home, the flag needs no entry of its own."""
    contract = Contract(edited("mood_of_text", {"type": "string"}, "calm", "include_mood"))
    reasons = [Unmapped(place, ("Field.mood_of_text",), "none") for place in EVERYWHERE]
    assert "include_mood" not in impact(contract, DOCS, [*unmapped(), *reasons]).homeless


def test_a_keyword_that_strategies_cannot_make_is_named() -> None:
    """A property whose values cannot be made for tests lacks the strategies, too."""
    found = homeless(edited("mood_of_text", {"type": "array", "uniqueItems": True}, []))
    assert "strategies" in found["Field.mood_of_text"]


@pytest.mark.parametrize("place", ["tables", "report", "fetch"])
def test_what_is_written_is_looked_at(place: str) -> None:
    """Without the entries of `unmapped.toml` exactly what they name has no home in a place."""
    named = {what for entry in unmapped() if entry.place == place for what in entry.what}
    without = today(documented=False).homeless
    found = {name for name, places in without.items() if place in places and "." in name}  # no flags: they follow
    assert found - already() == named - already()


def test_a_new_property_is_named_with_each_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A property that only the spec has lacks a home in all places but the strategies, which are made from it.

    A report says when it was made: a minute that passes in between gives no property a home.
    """
    seconds = count(step=20)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls(2030, 1, 1, tzinfo=tz) + timedelta(seconds=next(seconds))

    for module in ("run_results.report.template", "run_results_conformance.evolve.places"):
        monkeypatch.setattr(f"{module}.datetime", Clock)
    assert homeless(edited("mood_of_text", {"type": "string"}, "calm")) == {"Field.mood_of_text": EVERYWHERE}


@pytest.mark.parametrize(
    ("read", "instead", "name"),
    [("doc.r", "doc.d", "Document.review_completed"), ("[BOXES]", "[EDITS]", "SourceCoordinates.top_x")],
)
def test_the_script_must_read_what_a_report_has(
    monkeypatch: pytest.MonkeyPatch, read: str, instead: str, name: str
) -> None:
    """Data in a report that its script does not read show nothing: the property has no home there."""
    changed = re.sub(rf"{re.escape(read)}(?!\w)", instead, script())
    (part,) = (part for part in properties(load_contract()) if part.name == name)
    assert places(load_contract(), DOCS)["report"](part)
    monkeypatch.setattr("run_results.report.template.script", lambda: changed)
    assert not places(load_contract(), DOCS)["report"](part)


@pytest.mark.parametrize(
    ("text", "is_quoted"),
    [
        ("`mood_of_text`", True),
        ("`field.mood_of_text`", True),
        ("```python\nprint(field.mood_of_text)\n```", True),
        ('```json\n{"mood_of_text": 1}\n```', True),
        ("mood_of_text", False),
        ("`mood_of_text of it`", False),
        ("```python\nmood_of_text = 1\n```", False),
    ],
)
def test_docs_must_quote_the_key(tmp_path: Path, text: str, is_quoted: bool) -> None:
    """A key is documented where it is quoted as a key or member; another name in code that is equal is not enough."""
    (tmp_path / "page.md").write_text(text, "utf-8")
    part = Part("Field.mood_of_text", "mood_of_text")
    assert places(load_contract(), tmp_path)["docs"](part) is is_quoted


def test_an_entry_that_is_not_needed_is_named() -> None:
    """An entry for what has a home, or for what is not in the contract, must go."""
    idle = Unmapped("tables", ("Field.value", "Field.gone"), "none")
    assert impact(load_contract(), DOCS, [*unmapped(), idle]).unused == (
        ("Field.gone", "tables"),
        ("Field.value", "tables"),
    )


def test_every_property_of_an_answer_is_met() -> None:
    """The list has every property of every schema that an answer can have, once."""
    schemas = load_contract().document["components"]["schemas"]
    others = ("Error", "RunList", "RunSummary")
    reached = {name: schema for name, schema in schemas.items() if name not in others}
    listed = [f"{name}.{key}" for name, schema in reached.items() for key in schema.get("properties", ())]
    assert sorted(part.name for part in properties(load_contract())) == sorted(listed)


def test_a_new_property_of_the_list_is_named_with_each_place() -> None:
    """A property of a listed run that only the spec and its example have lacks a home in the places of the list."""
    document: dict[str, Any] = copy.deepcopy(dict(load_contract().document))
    document["components"]["schemas"]["RunSummary"]["properties"]["mood_of_run"] = {"type": "string"}
    expected = ("runs", "synthetic", "docs")
    assert homeless(document) == {"RunSummary.mood_of_run": ("example", *expected)}
    for run in document["components"]["examples"]["ListedRuns"]["value"]["runs"]:
        run["mood_of_run"] = "calm"
    assert homeless(document) == {"RunSummary.mood_of_run": expected}


def test_every_property_of_the_list_is_met() -> None:
    """The list of runs has its own properties, and each has a home without any entry."""
    contract = load_contract()
    runs = contract.operations["list_runs"]
    schemas = contract.document["components"]["schemas"]
    listed = [f"{name}.{key}" for name in ("RunList", "RunSummary") for key in schemas[name]["properties"]]
    assert sorted(part.name for part in properties(runs)) == sorted(listed)
    assert not {what for entry in unmapped() for what in entry.what} & {*listed}


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 0 when nothing is left to do, 1 with a line for each part and what to change, 2 outside a checkout."""
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(edited("mood_of_text", {"type": "string"}, "calm")), "utf-8")
    monkeypatch.chdir(DOCS.parent)
    runner = CliRunner()
    assert runner.invoke(main, ["evolve", "--impact"]).exit_code == bool(already())
    result = runner.invoke(main, ["evolve", "--impact", str(path)])
    assert result.exit_code == 1
    assert "Field.mood_of_text: no home in tables, report, fetch, synthetic, docs\n" in result.output
    assert "tables/schema.py" in result.output
    monkeypatch.chdir(tmp_path)
    assert runner.invoke(main, ["evolve", "--impact"]).exit_code == 2

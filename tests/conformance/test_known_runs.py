"""What a manifest says of a run is compared with the answers: what it lists must be there, the rest is open."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve

from run_results_conformance import MemoryRun, MemoryStore, ReferenceServer, load_contract
from run_results_conformance.verifier.manifest import KnownRun, Manifest
from run_results_conformance.verifier.report import Report
from run_results_conformance.verifier.spec_view import show_path

from .verifier_kit import STORE, TOKEN, broken, explain, verified

pytestmark = pytest.mark.usefixtures("quick_turns")

CONTRACT = load_contract()
REQUIRED = ("id", "status", "files", "has_more")
Place = tuple[str | int, ...]


def _whole_run() -> dict[str, Any]:
    """One run in project terms that has every part of the contract, from the spec's own example."""
    run: dict[str, Any] = json.loads(json.dumps(CONTRACT.examples["full"]))
    return run


WHOLE = _whole_run()


def _optional_places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every member that an answer may leave out."""
    if isinstance(value, dict):
        for name, part in value.items():
            if place or name not in REQUIRED:
                yield (*place, name)
            yield from _optional_places(part, (*place, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _optional_places(part, (*place, index))


def _one_of_each() -> list[Place]:
    """Of the members that differ only in the index of a list the first one."""
    places: dict[Place, Place] = {}
    for place in _optional_places(WHOLE):
        places.setdefault(tuple(step for step in place if isinstance(step, str)), place)
    return list(places.values())


def _without(value: Any, place: Place) -> Any:
    """The value without what stands at a place."""
    copy = json.loads(json.dumps(value))
    part = copy
    for step in place[:-1]:
        part = part[step]
    del part[place[-1]]
    return copy


class Losing(ReferenceServer):
    """Leaves one part out of every answer."""

    lost: Place = ()

    def project(self, page: Any, flags: frozenset[str]) -> Any:
        found = super().project(page, flags)
        try:
            return _without(found, self.lost)
        except (LookupError, TypeError):
            return found


def _store() -> MemoryStore:
    header = {name: part for name, part in WHOLE.items() if name not in ("files", "has_more")}
    return MemoryStore([MemoryRun(header, WHOLE["files"])])


def _judged(server: ReferenceServer, manifest: Manifest) -> Report:
    return verified(server, manifest=manifest, only=["state"], max_requests=8)


def _losing(place: Place) -> ReferenceServer:
    server = Losing(_store(), TOKEN, page_size=3)
    server.lost = place
    return server


@pytest.mark.parametrize("place", [pytest.param(place, id=show_path(place)) for place in _one_of_each()])
def test_every_part_that_is_listed_is_missed(place: Place) -> None:
    """Whichever part of a run the manifest lists and the answers lack: that is a breach, at its place."""
    report = _judged(_losing(place), Manifest.of(_store()))
    rule = "state.content" if place[0] == "files" else "state.known"
    assert rule in broken(report), explain(report)
    found = next(verdict for verdict in report.broken if verdict.rule.id == rule).failures
    assert show_path(place) in [failure.path for failure in found]
    assert {failure.got for failure in found} == {"(absent)"}


def test_a_manifest_that_is_silent_accuses_nobody() -> None:
    """What a manifest leaves out may be in the answers or not, at every level of it."""
    bare_case = {"fields": [{} for _ in WHOLE["case_info"]["fields"]]}
    bare_files = [{"documents": [{} for _ in file["documents"]]} for file in WHOLE["files"]]
    for properties, content in (({}, None), ({"keys": {}, "case_info": bare_case}, bare_files)):
        known = Manifest((KnownRun(WHOLE["id"], files=2, properties=properties, content=content),))
        report = _judged(ReferenceServer(_store(), TOKEN, page_size=3), known)
        assert report.exit_code == 0, explain(report)


@pytest.mark.parametrize(("listed", "answered", "expected", "got"), [
    ({"message": None}, {}, "null", "(absent)"),
    ({"message": None}, {"message": ""}, "null", ""),
    ({"message": ""}, {"message": None}, "", "null"),
    ({"finish_timestamp": None}, {}, "null", "(absent)"),
    ({"keys": {"custom": {"a": None}}}, {"keys": {"custom": {}}}, "null", "(absent)"),
    ({"case_info": {"fields": []}}, {"case_info": {}}, "[]", "(absent)"),
])  # fmt: skip
def test_absent_null_and_empty_are_three_things(
    listed: dict[str, Any], answered: dict[str, Any], expected: str, got: str
) -> None:
    """A manifest that lists null or nothing is contradicted by an answer without the member, and the report says so."""
    least = {"id": "r", "status": "PAUSED"}
    server = ReferenceServer(MemoryStore([MemoryRun({**least, **answered}, [])]), TOKEN)
    report = _judged(server, Manifest((KnownRun("r", properties=listed),)))
    (verdict,) = report.broken
    assert (verdict.rule.id, verdict.failures[0].expected, verdict.failures[0].got) == ("state.known", expected, got)


def test_files_that_are_listed_are_missed() -> None:
    """A run that ends before the files that the manifest lists is a breach, whether or not their number is given."""
    run = STORE.find("run-1a", None)
    assert run is not None
    server = ReferenceServer(MemoryStore([MemoryRun(run.header, run.files(0, 7))]), TOKEN, page_size=3)
    known = next(known for known in Manifest.of(STORE).runs if known.id == "run-1a")
    assert broken(_judged(server, Manifest((evolve(known, files=None),)))) == ["state.content"]
    assert "state.file-count" in broken(_judged(server, Manifest((known,))))


def test_a_run_that_is_described_is_missed() -> None:
    """A run of which the manifest says anything is there; an id alone says nothing, and is only not judged."""
    server = ReferenceServer(STORE, TOKEN, page_size=3)
    for known in (
        KnownRun("gone", names=frozenset({"due date"})),
        KnownRun("gone", properties={"batch_id": "b"}),
        KnownRun("gone", content=[{}]),
    ):
        assert broken(_judged(server, Manifest((known,)))) == ["state.known"]
    assert broken(_judged(server, Manifest((KnownRun("gone"),)))) == []

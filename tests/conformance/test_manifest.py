"""Manifests: what is known of runs."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from run_results_conformance import (
    MemoryStore,
    SyntheticRun,
    load_contract,
)
from run_results_conformance.server.schemas import manifest_schema
from run_results_conformance.verifier.manifest import HERE, KnownRun, Manifest, ManifestError


def test_of_a_store() -> None:
    """A store's manifest knows of each run its context, count, status, the project's names, header and files."""
    run = SyntheticRun(3, 6, run_id="a")
    store = MemoryStore([run, SyntheticRun(4, 2, run_id="b", status="RUNNING")])
    store.add(SyntheticRun(5, 1_000_000, run_id="c"), context="org")
    a, b, c = Manifest.of(store).runs
    assert (a.id, a.context, a.files, a.status) == ("a", None, 6, "COMPLETE")
    assert a.content == run.files(0, 6)
    assert a.properties == run.header
    seen = {field["field_name"] for file in run.files(0, 6) for doc in file["documents"] for field in doc["fields"]}
    assert a.names == seen | set(run.case_names())
    assert b == KnownRun("b", None, status="RUNNING")
    assert (c.context, c.files, c.names, c.content) == ("org", 1_000_000, None, None)


def test_round_trip(tmp_path: Path) -> None:
    """What a manifest says can be written as JSON and read again."""
    manifest = Manifest.of(MemoryStore([SyntheticRun(3, 2, run_id="a"), SyntheticRun(4, 0, run_id="b")], context="x"))
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest.document()), "utf-8")
    assert Manifest.read(path) == manifest


def test_written_by_hand(tmp_path: Path) -> None:
    """Only the id is needed; a run without a context is one of the verification's."""
    path = tmp_path / "manifest.json"
    path.write_text('{"runs": [{"id": "r"}, {"id": "s", "files": 3, "names": ["due date"], "context": null}]}')
    assert Manifest.read(path).runs == (
        KnownRun("r", HERE),
        KnownRun("s", None, files=3, names=frozenset({"due date"})),
    )


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([], "at $: must be an object, not a list"),
        ({}, "at $: 'runs' is missing; add it, such as \"runs\": []"),
        ({"runs": {}}, "at $.runs: must be a list, not an object"),
        ({"runs": [], "more": 1}, "at $: unknown key 'more'; There can be: $schema, runs"),
        ({"runs": ["r"]}, 'at $.runs[0]: must be an object, not "r"'),
        ({"runs": [{}]}, "at $.runs[0]: 'id' is missing"),
        ({"runs": [{"id": ""}]}, "at $.runs[0].id: "),
        ({"runs": [{"id": 7}]}, "at $.runs[0].id: must be a string, not 7"),
        ({"runs": [{"id": "r", "context": 7}]}, "at $.runs[0].context: must be a string or null, not 7"),
        ({"runs": [{"id": "r", "context": " "}]}, "at $.runs[0].context: "),
        (
            {"runs": [{"id": "r", "File": 3}]},
            "at $.runs[0]: unknown key 'File'; did you mean 'files'? There can be: files, content, context, id, names, "
            "properties, readable, status",
        ),
        ({"runs": [{"id": "r", "files": True}]}, "at $.runs[0].files: must be a whole number, not true"),
        ({"runs": [{"id": "r", "files": -1}]}, "at $.runs[0].files: "),
        ({"runs": [{"id": "r", "names": [1]}]}, "at $.runs[0].names[0]: must be a string, not 1"),
        ({"runs": [{"id": "r", "content": [1]}]}, "at $.runs[0].content[0]: must be an object, not 1"),
        (
            {"runs": [{"id": "r", "content": [{"documents": [{"classname": "W-2"}]}]}]},
            "at $.runs[0].content[0].documents[0]: unknown key 'classname'; did you mean 'class_name'?",
        ),
        ({"runs": [{"id": "r", "properties": {"mesage": ""}}]}, "unknown key 'mesage'; did you mean 'message'?"),
        ({"runs": [{"id": "r"}, {"id": "s"}, {"id": "r"}]}, "at $.runs[2].id: runs[0] is this run already"),
    ],
)
def test_bad_manifests(document: Any, why: str, tmp_path: Path) -> None:
    """A slip of the pen is an error that says where, not a rule that is silently not judged."""
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ManifestError) as caught:
        Manifest.read(path)
    assert f"manifest.json: {why}" in str(caught.value) or why in str(caught.value)
    assert "candidates" not in str(caught.value)


def test_all_slips_at_once(tmp_path: Path) -> None:
    """Every slip is named in one message, in the order of the file."""
    path = tmp_path / "m.json"
    path.write_text('{"runs": [{"id": "r", "file": 3, "files": 1, "files": 2}, {"status": 1}], "run": 0}')
    with pytest.raises(ManifestError) as caught:
        Manifest.read(path)
    places = [line.split(": ")[1] for line in str(caught.value).splitlines()]
    assert places == ["at $.runs[0]", "at $", "at $.runs[0]", "at $.runs[1]", "at $.runs[1].status"]


def test_the_schema_is_what_is_checked(tmp_path: Path) -> None:
    """The schema is valid by itself; it takes what a store knows, a status that is new, and an editor's key."""
    schema = manifest_schema(load_contract())
    jsonschema_rs.meta.validate(schema)
    assert "components" not in json.dumps(schema)
    document = Manifest.of(MemoryStore([SyntheticRun(seed, 3, run_id=f"r-{seed}") for seed in range(4)])).document()
    document["runs"].append({"id": "new", "status": "ARCHIVED", "files": 3.0, "properties": {"status": "ARCHIVED"}})
    jsonschema_rs.validator_for(schema).validate(document)
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"$schema": "manifest.schema.json", **document}))
    assert Manifest.read(path).runs[-1].files == 3


def test_no_file(tmp_path: Path) -> None:
    """A file that is missing or no JSON is an error of this module."""
    with pytest.raises(ManifestError, match="cannot be read"):
        Manifest.read(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ManifestError, match="is not JSON"):
        Manifest.read(tmp_path / "bad.json")


def test_the_page_has_every_key() -> None:
    """The example of the page has every key of a run in a manifest, and its table explains every key."""
    page = (Path(__file__).parents[2] / "docs" / "manifest.md").read_text("utf-8")
    (manifest,) = re.findall(r'```json title="runs.json"\n(.*?)```', page, re.DOTALL)
    keys = {key for entry in json.loads(manifest)["runs"] for key in entry}
    assert keys == set(manifest_schema(load_contract())["$defs"]["Run"]["properties"])
    assert keys == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))

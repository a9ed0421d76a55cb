"""Manifests: what is known of runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from run_results_conformance import MemoryStore, SyntheticRun
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
        ([], "not a manifest"),
        ({"runs": {}}, "not a manifest"),
        ({"runs": [], "more": 1}, "not a manifest"),
        ({"runs": ["r"]}, "not an object"),
        ({"runs": [{}]}, "no id"),
        ({"runs": [{"id": ""}]}, "no id"),
        ({"runs": [{"id": 7}]}, "id of a run has a wrong type"),
        ({"runs": [{"id": "r", "file": 3}]}, "unknown key 'file'"),
        ({"runs": [{"id": "r", "files": True}]}, "files of a run has a wrong type"),
        ({"runs": [{"id": "r", "files": -1}]}, "negative"),
        ({"runs": [{"id": "r", "names": [1]}]}, "names of a run must be strings"),
        ({"runs": [{"id": "r", "content": [1]}]}, "content of a run"),
    ],
)
def test_bad_manifests(document: Any, why: str, tmp_path: Path) -> None:
    """A slip of the pen is an error that says where, not a rule that is silently not judged."""
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ManifestError, match=why):
        Manifest.read(path)


def test_no_file(tmp_path: Path) -> None:
    """A file that is missing or no JSON is an error of this module."""
    with pytest.raises(ManifestError, match="cannot be read"):
        Manifest.read(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ManifestError, match="is not JSON"):
        Manifest.read(tmp_path / "bad.json")

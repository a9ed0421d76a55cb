"""What speed rests on, held by structure and never by a clock: the layout of models, one connection, small starts."""

import copy
import gc
import importlib.util
import json
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import attrs
import msgspec
import pytest

from run_results import Field, File
from run_results.answer import decode
from run_results_api import models
from run_results_api.types import UNSET, Model
from run_results_conformance.server.contract import load_contract
from run_results_conformance.server.synthetic import SyntheticRun

ROOT = Path(__file__).parents[1]
MODELS = [getattr(models, name) for name in models.__all__ if attrs.has(getattr(models, name))]


@pytest.fixture
def body() -> bytes:
    """A page with everything on it."""
    run = SyntheticRun(seed=3, files=4)
    page = {**run.header, "files": run.files(0, 4), "has_more": False}
    return json.dumps(load_contract().project(page, frozenset(load_contract().flags))).encode()


# --- Models ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_collector_never_visits_a_model(model: type[Model]) -> None:
    """No model is tracked by the garbage collector, which would otherwise look at every field of every page held."""
    one = model(**{a.name: UNSET for a in attrs.fields(model)})
    assert not gc.is_tracked(one)
    assert issubclass(model, msgspec.Struct)


def test_a_page_that_is_let_go_is_freed_at_once(body: bytes) -> None:
    """Nothing of a decoded page waits for the collector: with the last reference to it, all of it goes."""
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        run, _ = decode(body)
        assert len(gc.get_objects()) > before
        del run
        assert len(gc.get_objects()) <= before + 5
    finally:
        gc.enable()


def test_decoding_leaves_the_collector_as_it_is(body: bytes) -> None:
    """The collector is the program's own: neither decoding nor looking for drift switches it on or off."""
    for wanted in (gc.enable, gc.disable):
        wanted()
        try:
            state = gc.isenabled()
            decode(body)
            assert gc.isenabled() is state
        finally:
            gc.enable()


def test_models_are_classes_of_attrs(body: bytes) -> None:
    """What attrs offers works on models as on any class of attrs: fields, asdict, astuple, evolve, has, filters."""
    run, _ = decode(body)
    field = next(f for file in run.files for document in file.documents or () for f in document.fields or ())
    assert attrs.has(Field)
    names = [a.name for a in attrs.fields(Field)]
    assert names == list(msgspec.structs.asdict(field))
    assert attrs.asdict(field, recurse=False) == {name: getattr(field, name) for name in names}
    assert attrs.astuple(field, recurse=False) == tuple(getattr(field, name) for name in names)
    without_unset = attrs.asdict(run, filter=lambda _, value: value is not UNSET)
    assert without_unset == run.to_dict()
    other = attrs.evolve(field, value="another")
    assert (other.value, other.field_name) == ("another", field.field_name)
    assert other != field
    assert attrs.evolve(field) == field
    assert all(a.kw_only and a.init and a.alias == a.name for a in attrs.fields(Field))


def test_to_attrs_a_model_is_made_of_its_own_members() -> None:
    """Asked from many threads at once, attrs is told the same of a model; the base of all models has no members."""
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append([a.name for a in attrs.fields(File)])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == [["original_file_name", "input_file_path", "documents"]] * 8
    assert not attrs.has(Model)


def test_models_compare_copy_and_pickle_by_value(body: bytes) -> None:
    """Two pages of one text are equal, differ where a value does, survive copying and pickling, and have no hash."""
    one, other = decode(body)[0], decode(body)[0]
    assert one == other
    assert one is not other
    assert copy.deepcopy(one) == copy.copy(one) == pickle.loads(pickle.dumps(one)) == one
    other.files[0].original_file_name = "another"
    assert one != other
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


def test_setting_an_attribute_changes_what_is_written() -> None:
    """Models can be changed, and what is set is what is encoded."""
    field = Field(field_name="a")
    field.value = "1"
    assert field.to_dict() == {"field_name": "a", "value": "1"}
    field.value = UNSET
    assert json.loads(field.to_json()) == {"field_name": "a"}


# --- The benchmarks -------------------------------------------------------------------------------------------


def run_benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the harness with this interpreter, whatever peers it has."""
    command = [sys.executable, str(ROOT / "benchmarks" / "speed" / "run.py"), "--quick", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


def test_the_harness_measures_a_case(tmp_path: Path) -> None:
    """A quick run of two cases writes a page with their numbers. This test does not judge the numbers."""
    output = tmp_path / "results.md"
    finished = run_benchmarks("--only", "wire", "--output", str(output))
    assert finished.returncode == 0, finished.stderr
    page = output.read_text("utf-8")
    assert "## wire-size" in page
    assert "| identity |" in page
    assert "A quick run" in page


@pytest.mark.skipif(importlib.util.find_spec("aihub") is not None, reason="the vendor's SDK is installed here")
def test_a_missing_peer_is_said() -> None:
    """Where a case's peer is not installed, the harness says so, and does not pretend to have measured."""
    finished = run_benchmarks("--only", "walk")
    assert finished.returncode != 0
    assert "SKIPPED walk: " in finished.stdout


def test_attrs_knows_a_subclass_by_its_own_members() -> None:
    """A caller's subclass has its own members in attrs, also where attrs has asked for the model's before."""

    class Noted(Field, kw_only=True):
        note: str = ""

    names = [member.name for member in attrs.fields(Field)]
    assert [member.name for member in attrs.fields(Noted)] == [*names, "note"]
    assert attrs.evolve(Noted(note="seen"), value="v").note == "seen"  # type: ignore[misc]

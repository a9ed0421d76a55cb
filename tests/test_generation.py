"""Generating after an edit of the contract: it works, or it is refused in one line before anything is written.

The edits are those of `tests/edits.py` and `tests/operation_edits.py`. The oracle for what a model accepts is an
independent validator.
"""

import importlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import jsoncompat
import jsonschema_rs
import msgspec
import pytest
from tests import edits, edits_page
from tests.operation_edits import OPERATIONS, OperationChange, with_operations

ROOT = Path(__file__).parents[1]
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
WORKS = [change for change in edits.CHANGES if not change.refused]
REFUSED = [change for change in edits.CHANGES if change.refused]

sys.path.append(str(ROOT / "generated"))
obstacles = importlib.import_module("preflight").obstacles
prepare = importlib.import_module("prepare")
include_flags = importlib.import_module("include_flags").include_flags


def _tree(folder: Path, spec: dict[str, Any]) -> Path:
    """What generating needs, with another contract."""
    folder.mkdir(parents=True)
    (folder / "openapi.yaml").write_text(json.dumps(spec), "utf-8")  # JSON is YAML
    shutil.copytree(ROOT / "generated", folder / "generated", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _generate(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "generated" / "generate.py")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The models of a contract with every edit that works."""
    folder = tmp_path_factory.mktemp("edited")
    root = _tree(folder / "tree", edits.with_changes(WORKS))
    finished = _generate(root)
    assert finished.returncode == 0, finished.stderr
    shutil.copytree(root / "generated" / "run_results_api", folder / "edited_api")
    sys.path.insert(0, str(folder))
    yield importlib.import_module("edited_api.models")
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == "edited_api"]:
        del sys.modules[name]


@pytest.mark.parametrize("change", WORKS, ids=lambda change: change.name)
def test_an_edit_that_works(models: ModuleType, change: edits.Change) -> None:
    """The model takes right values and gives them back as they were, and refuses wrong ones."""
    model = getattr(models, f"Edited{WORKS.index(change)}")
    assert model.from_dict({}) == model()
    assert len(attrs.fields(model)) == 1
    for value in change.good:
        read = model.from_json(json.dumps({change.key: value}))
        assert read.to_dict() == {change.key: value}
        assert json.loads(read.to_json()) == {change.key: value}
    for value in change.bad:
        with pytest.raises(msgspec.ValidationError):
            model.from_dict({change.key: value})


_READ = """
import json, sys
from run_results.answer import decode
for line in sys.stdin:
    run, drift = decode(line.encode())
    print(json.dumps([str(place) for place in drift or () if place.is_breach]))
"""


def test_the_wrapper_reads_what_edits_generate(models: ModuleType) -> None:
    """With the models of every edit, right values are no breach, and each wrong one is a breach below its file."""
    cases = [
        (number, change.key, value, is_bad)
        for number, change in enumerate(WORKS)
        for values, is_bad in ((change.good, False), (change.bad, True))
        for value in values
    ]
    answer = {"id": "r", "status": "COMPLETE", "has_more": False, "finish_timestamp": 1}
    lines = [json.dumps({**answer, "files": [{f"edited{number}": {key: value}}]}) for number, key, value, _ in cases]
    package = Path(str(models.__file__)).parents[2] / "tree" / "generated"
    path = os.pathsep.join([str(package), str(ROOT / "wrapper")])
    finished = subprocess.run(
        [sys.executable, "-c", _READ], input="\n".join(lines), env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    for (number, key, value, is_bad), line in zip(cases, finished.stdout.splitlines(), strict=True):
        found = json.loads(line)
        assert bool(found) == is_bad, (WORKS[number].name, value, found)
        assert all(place.startswith(f"$.files[0].edited{number}") for place in found), (key, found)


@pytest.mark.parametrize("change", REFUSED, ids=lambda change: change.name)
def test_an_edit_that_is_refused(change: edits.Change) -> None:
    """One obstacle is named, with its place and what to do."""
    found = obstacles(change.spec())
    assert [obstacle.what for obstacle in found] == [change.refused]
    assert found[0].pointer.startswith("#/components/schemas/")
    assert found[0].do


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a contract with every edit of operations that works generates."""
    works = [change for change in OPERATIONS if not change.refused]
    root = _tree(tmp_path_factory.mktemp("operations") / "tree", with_operations(works))
    finished = _generate(root)
    assert finished.returncode == 0, finished.stderr
    return root / "generated"


_ASK = """
import importlib, json, sys
found = []
for function, arguments, answer in json.load(sys.stdin):
    module = importlib.import_module(f"run_results_api.api.{function}")
    read = module.parse_response(200, answer.encode())
    found.append([module.build_request(**arguments), read is not None])
print(json.dumps(found, default=str))
"""


def test_edits_of_operations_that_work(operations: Path) -> None:
    """Each operation sends what it is given, under the name of the contract, and reads its answer."""
    works = [change for change in OPERATIONS if not change.refused]
    finished = subprocess.run(
        [sys.executable, "-c", _ASK], text=True, capture_output=True, check=False,
        input=json.dumps([[change.function, change.arguments, change.answer] for change in works]),
        env={**os.environ, "PYTHONPATH": str(operations)},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    for change, (request, is_read) in zip(works, json.loads(finished.stdout), strict=True):
        sent = {**request, **request.get("params", {}), **request.get("headers", {}), **request.get("cookies", {})}
        assert is_read, change.name
        assert {key: sent.get(key) for key in change.sent} == change.sent, change.name


@pytest.mark.parametrize("change", [change for change in OPERATIONS if change.refused], ids=lambda change: change.name)
def test_an_edit_of_an_operation_that_is_refused(change: OperationChange) -> None:
    """One obstacle is named, with the operation and what to do."""
    (found,) = obstacles(with_operations([change]))
    assert found.what == change.refused
    assert found.pointer.startswith("#/paths/")
    assert found.do


def _with_flag(parameter: str, **more: str) -> dict[str, Any]:
    """The contract with one more include flag, which gates a property of a file."""
    spec = edits.with_changes([])
    node = {"name": parameter, "in": "query", "schema": {"type": "boolean", "default": False}, **more}
    next(iter(spec["paths"].values()))["get"]["parameters"].append(node)
    spec["components"]["schemas"]["File"]["properties"]["extra"] = {"type": "string", "x-include": parameter}
    return spec


@pytest.mark.parametrize(
    ("parameter", "more", "name"),
    [
        ("include_page_texts", {}, "PAGE"),
        ("include_review_of_pages", {"x-include-name": "PAGE_REVIEW"}, "PAGE_REVIEW"),
    ],
)
def test_a_new_flag_gets_its_name(parameter: str, more: dict[str, str], name: str) -> None:
    """A flag is called by the first word after `include_`, or as `x-include-name` says; no other name changes."""
    found = [flag.name for flag in include_flags(_with_flag(parameter, **more))]
    assert found == [*(flag.name for flag in include_flags(edits.with_changes([]))), name]
    assert found[:4] == ["REVIEW", "CONFIDENCE", "VALIDATION", "SOURCE"]


@pytest.mark.parametrize("parameter", ["include_review_of_pages", "include_all", "include_3d"])
def test_a_flag_that_cannot_be_called_so_is_refused(parameter: str) -> None:
    """Two flags of one name, and a name that `Include` cannot have, are one obstacle with a way on."""
    (found,) = obstacles(_with_flag(parameter))
    assert found.pointer.startswith("#/paths/")
    assert "x-include-name" in found.do


def test_a_new_flag_is_sent_and_checked(tmp_path: Path) -> None:
    """After generating, `Include.ALL` has a new flag, its parameter is sent, and what it guarantees is missed."""
    root = _tree(tmp_path / "tree", _with_flag("include_page_texts"))
    shutil.copytree(ROOT / "wrapper", root / "wrapper")
    assert _generate(root).returncode == 0
    code = """
from run_results import Include
from run_results.answer import decode
from run_results.answer_checks import check_answer
from run_results.options import Options
from run_results.request import request
run, _ = decode(b'{"id": "r", "status": "RUNNING", "files": [{}], "has_more": false}')
print(request(Options(token="t"), "r", 0, Include.ALL).params["include_page_texts"])
print([place.path for place in check_answer(run, Include.parse("page"), ())])
"""
    path = os.pathsep.join([str(root / "generated"), str(root / "wrapper")])
    command = [sys.executable, "-c", code]
    finished = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert finished.stdout.splitlines() == ["True", "['$.files[0].extra']"], finished.stderr


def test_nothing_is_written_before_a_refusal(tmp_path: Path) -> None:
    """Every obstacle is one line, the exit code is 2, and the package stays as it is."""
    root = _tree(tmp_path / "tree", edits.with_changes([REFUSED[3], REFUSED[-1]]))
    before = {path: path.read_bytes() for path in (root / "generated").rglob("*.py")}
    finished = _generate(root)
    assert finished.returncode == 2
    assert len(finished.stderr.splitlines()) == 2
    assert all(line.startswith("openapi.yaml#/components/schemas/") for line in finished.stderr.splitlines())
    assert {path: path.read_bytes() for path in (root / "generated").rglob("*.py")} == before


def test_an_example_that_the_models_do_not_read_stops(tmp_path: Path) -> None:
    """What was generated is tried before it replaces the package: the contract's own examples must come back."""
    spec = edits.with_changes([])
    spec["components"]["examples"]["Lean"]["value"]["files"][0]["documents"][0]["class_name"] = 7
    root = _tree(tmp_path / "tree", spec)
    before = (root / "generated" / "run_results_api" / "stamp.json").read_bytes()
    finished = _generate(root)
    assert finished.returncode == 1
    assert "class_name" in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
    assert (root / "generated" / "run_results_api" / "stamp.json").read_bytes() == before


def test_todays_contract_has_no_obstacle() -> None:
    """The contract itself can be generated, and preparing does not change it."""
    spec = edits.with_changes([])
    kept = json.dumps(spec)
    assert obstacles(spec) == []
    prepare.prepared(spec)
    assert json.dumps(spec) == kept


def test_attributes_are_one_for_each_key() -> None:
    """Keys that become the same attribute get different ones, and a key that can be an attribute keeps its name."""
    keys = ["a-b", "a.b", "a_b", "_a_b", "class", "class_", "", " "]
    names = prepare.attribute_names(dict.fromkeys(keys), {})
    assert names["a_b"] == "a_b"
    assert names["class_"] == "class_"
    assert len(set(names.values())) == len(keys)
    assert all(name.isidentifier() for name in names.values())


def test_the_page_of_edits_is_current() -> None:
    """docs/contract-edits.md lists every kind of edit: `python -m tests.edits_page` writes it."""
    assert edits_page.PAGE.read_text("utf-8") == edits_page.page()


# --- Random contracts -----------------------------------------------------------------------------------------


def _random_schema(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    """A small schema that is no obstacle."""
    simple: list[dict[str, Any]] = [
        {"type": "string"},
        {"type": "string", "minLength": chance.randint(0, 3), "maxLength": chance.randint(3, 9)},
        {"type": "integer", "minimum": chance.randint(-9, 0), "maximum": chance.randint(1, 9)},
        {"type": "number"},
        {"type": "boolean"},
        {"type": ["integer", "null"]},
        {"type": ["string", "boolean"]},
        {"type": "string", "enum": ["a", "b c", "3"]},
        {"type": "string", "format": "date-time"},
        {"const": "x"},
        {},
    ]
    if depth > 2 or chance.random() < 0.5:
        return chance.choice(simple)
    inner = _random_schema(chance, depth + 1)
    names = ["a", "b-c", "class", "Ü", "to_json", "3"]
    keys = chance.sample(names, chance.randint(1, 3))
    return chance.choice(
        [
            {"type": "array", "items": inner},
            {"type": "object", "additionalProperties": inner} if inner else {"type": "object"},
            {"type": "object", "properties": dict.fromkeys(keys, inner), "required": keys[: chance.randint(0, 1)]},
        ]
    )


@pytest.mark.skipif(not THOROUGH, reason="generating takes three seconds for each: see `make thorough`")
@pytest.mark.parametrize("seed", range(40))
def test_random_contracts(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A contract with random schemas generates, imports, and its models accept what a validator accepts."""
    chance = random.Random(seed)
    changes = [edits.Change(f"random {number}", _random_schema(chance), "") for number in range(30)]
    spec = edits.with_changes(changes)
    assert obstacles(spec) == []
    root = _tree(tmp_path / "tree", spec)
    finished = _generate(root)
    assert finished.returncode == 0, finished.stderr
    name = f"random_api_{seed}"
    (root / "generated" / "run_results_api").rename(tmp_path / name)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module(f"{name}.models")
    others = [json.loads(jsoncompat.generate_value(json.dumps(change.property))) for change in changes]
    for number, change in enumerate(changes):
        model = getattr(module, f"Edited{number}")
        validator = jsonschema_rs.validator_for(change.property, validate_formats=False)
        for value in (*others, 1.5, "", None, True, {}, [], [[]], 10**12, "a" * 12):
            document = {change.key: value}
            try:
                read = model.from_json(json.dumps(document))
            except msgspec.ValidationError:
                assert not validator.is_valid(value), (change.property, value)
            else:
                assert validator.is_valid(value), (change.property, value)
                assert model.from_json(read.to_json()) == read  # keys that a model does not know are left out


@pytest.mark.skipif(not THOROUGH, reason="type-checking takes half a minute: see `make thorough`")
def test_what_edits_generate_passes_the_type_checker(tmp_path: Path) -> None:
    """mypy, strict, has nothing to say about the models of a contract with every edit that works."""
    root = _tree(tmp_path / "tree", edits.with_changes(WORKS))
    assert _generate(root).returncode == 0
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "run_results_api"]
    finished = subprocess.run(command, cwd=root / "generated", capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout

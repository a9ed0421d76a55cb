"""The generated package: it is what the contract generates, it says what the contract says, and it works by itself.

The oracle for what the models accept is an independent validator with the contract's own schema.
"""

import asyncio
import copy
import hashlib
import json
import math
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import attrs
import jsonschema_rs
import msgspec
import pydantic
import pytest
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter
from ruamel.yaml import YAML

from run_results_api import AuthenticatedClient, Client, models
from run_results_api.api.runs import get_run_results
from run_results_api.models import Document, Error, File, RunList, RunResults, RunStatus
from run_results_api.types import UNSET, Model, Unset
from run_results_conformance.server.synthetic import SyntheticRun

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "generated" / "run_results_api"
BANNER = "# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template."

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
SPEC: dict[str, Any] = YAML(typ="safe").load((ROOT / "openapi.yaml").read_text("utf-8"))
SCHEMAS: dict[str, Any] = SPEC["components"]["schemas"]
EXAMPLES: dict[str, Any] = {name: node["value"] for name, node in SPEC["components"]["examples"].items()}
OBJECTS = [name for name, schema in SCHEMAS.items() if "properties" in schema]
FREE = [name for name, schema in SCHEMAS.items() if schema["type"] == "object" and "properties" not in schema]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its relative path, caches apart."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def copy_tree(root: Path) -> Path:
    """What generating needs, in a folder of its own: the contract and what stands in generated/."""
    root.mkdir(parents=True)
    shutil.copy(ROOT / "openapi.yaml", root)
    shutil.copytree(ROOT / "generated", root / "generated", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "wrapper" / "run_results").mkdir(parents=True)
    shutil.copy(ROOT / "wrapper" / "run_results" / "include.py", root / "wrapper" / "run_results")
    return root


def run_generator(root: Path, *arguments: str, seed: str = "random") -> subprocess.CompletedProcess[str]:
    """Run a tree's own generate.py as `make` does, from another folder."""
    return subprocess.run(
        [sys.executable, str(root / "generated" / "generate.py"), *arguments],
        cwd=root.parent,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )


# --- It is what the contract generates ------------------------------------------------------------------------


def test_generating_is_reproducible(tmp_path: Path) -> None:
    """Wherever, and with whatever hash seed, the contract generates what is committed, to the last byte."""
    root = copy_tree(tmp_path / "a longer" / "pläce" / "b")
    # Settings that would show in every file, if those of the surrounding project leaked into the generator's ruff.
    (root / "pyproject.toml").write_text('[tool.ruff]\nline-length = 40\nformat.quote-style = "single"\n')
    for seed in ("1", "2") if THOROUGH else ("2",):
        shutil.rmtree(root / "generated" / PACKAGE.name)
        finished = run_generator(root, seed=seed)
        assert finished.returncode == 0, finished.stderr
        made = contents(root / "generated" / PACKAGE.name)
        assert "models/run_results.py" in made
        assert made == contents(PACKAGE)


def test_a_changed_contract_makes_the_package_stale(tmp_path: Path) -> None:
    """When the spec gains a property, `--check` fails, names what it changes, and leaves the files alone."""
    root = copy_tree(tmp_path / "tree")
    yaml = YAML()
    spec = yaml.load(root / "openapi.yaml")
    spec["components"]["schemas"]["PageLayout"]["properties"]["rotation"] = {"type": "integer"}
    yaml.dump(spec, root / "openapi.yaml")
    before = contents(root / "generated")

    finished = run_generator(root, "--check")

    assert finished.returncode == 1
    assert "run `make generate`" in finished.stderr
    named = finished.stderr.rpartition("commit: ")[2].strip().split(", ")
    assert named == ["lines.json", "models/page_layout.py", "openapi.json", "stamp.json"]
    assert contents(root / "generated") == before


def test_a_touched_package_is_stale(tmp_path: Path) -> None:
    """`--check` fails and names the file where one was edited, one is missing, and one was left over."""
    root = copy_tree(tmp_path / "tree")
    package = root / "generated" / PACKAGE.name
    edited = package / "models" / "file.py"
    edited.write_text(edited.read_text("utf-8") + "\n", "utf-8")
    (package / "py.typed").unlink()
    (package / "models" / "folder.py").write_text("")

    finished = run_generator(root, "--check")

    assert finished.returncode == 1
    named = finished.stderr.rpartition("commit: ")[2].strip().split(", ")
    assert named == ["models/file.py", "models/folder.py", "py.typed"]


def test_what_cannot_be_generated_stops(tmp_path: Path) -> None:
    """A contract that the generator complains about is an error with the reason, and no half of a package is left."""
    root = copy_tree(tmp_path / "tree")
    text = (root / "openapi.yaml").read_text("utf-8")
    (root / "openapi.yaml").write_text(
        text.replace('"#/components/schemas/Edit"', '"#/components/schemas/Edits"'), "utf-8"
    )
    before = contents(root / "generated")

    finished = run_generator(root)

    assert finished.returncode == 2
    assert "Edits" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert contents(root / "generated") == before


def digest(*paths: Path) -> str:
    """The stamp's digest, computed a second way: names, lengths and contents, one after the other."""
    parts = [
        path.name.encode() + b"\0" + str(path.stat().st_size).encode() + b"\0" + path.read_bytes() for path in paths
    ]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def test_the_stamp_is_true() -> None:
    """The stamp holds the hash of the contract and of what steers the generator, and the versions installed."""
    generated = ROOT / "generated"
    named = [generated / name for name in ("generator.yaml", "include_flags.py", "prepare.py", "spec_lines.py")]
    steering = [*named, *sorted(generated.glob("templates/*.jinja"))]
    assert len(steering) > 5
    assert json.loads((PACKAGE / "stamp.json").read_bytes()) == {
        "spec": digest(ROOT / "openapi.yaml"),
        "steering": digest(*steering),
        "tools": {name: version(name) for name in ("openapi-python-client", "ruff")},
    }


def test_the_tools_are_pinned() -> None:
    """The versions in the stamp are those that the project pins exactly."""
    tools = json.loads((PACKAGE / "stamp.json").read_bytes())["tools"]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert len(tools) == 2
    assert all(f'"{name}=={number}"' in project for name, number in tools.items())


def test_the_copy_of_the_contract_is_the_contract() -> None:
    """The JSON inside the package says what openapi.yaml says, nanoseconds and all."""
    assert json.loads((PACKAGE / "openapi.json").read_bytes()) == SPEC


def test_every_file_says_where_it_comes_from() -> None:
    """Every generated module begins with the banner, and the package is marked as typed."""
    modules = sorted(PACKAGE.rglob("*.py"))
    assert len(modules) > len(SCHEMAS)
    assert [path.name for path in modules if path.read_text("utf-8").partition("\n")[0] != BANNER] == []
    assert (PACKAGE / "py.typed").is_file()


# --- It says what the contract says ---------------------------------------------------------------------------


def resolve(node: Any) -> Any:
    """What a node means: itself, or the schema that its reference points to."""
    while "$ref" in node:
        node = SCHEMAS[node["$ref"].removeprefix("#/components/schemas/")]
    return node


BOUNDS = {
    "minimum": "ge",
    "exclusiveMinimum": "gt",
    "maximum": "le",
    "exclusiveMaximum": "lt",
    "minLength": "min_length",
    "maxLength": "max_length",
}
WORDS: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def by_schema(node: dict[str, Any]) -> set[str]:
    """What may stand at a node, in words: the type's name and its bounds."""
    if "anyOf" in node:
        return set().union(*map(by_schema, node["anyOf"]))
    schema, name = resolve(node), node.get("$ref", "").rpartition("/")[2]
    if name in OBJECTS or "enum" in schema:
        return {name}
    if name and schema["type"] == "string":  # a text with a name of its own
        return {f"{schema['type']} called {name}"}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    bounds = {BOUNDS[keyword]: schema[keyword] for keyword in BOUNDS if keyword in schema}
    found = set()
    for kind in types:
        if kind == "array":
            found.add(f"array of {sorted(by_schema(schema['items']))}")
        else:
            found.add(f"{kind} {sorted(bounds.items())}" if bounds and kind != "null" else kind)
    return found


def by_hint(hint: Any) -> set[str]:
    """What may stand in an attribute, in the same words, from its type hint."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return set().union(*map(by_hint, arguments))
    if origin is Annotated:
        kind, meta = arguments
        bounds = {word: getattr(meta, word) for word in BOUNDS.values() if getattr(meta, word) is not None}
        if meta.title is not None:
            return {f"{WORDS[kind]} called {meta.title}"}
        return {f"{WORDS[kind]} {sorted(bounds.items())}"}
    if origin is list:
        return {f"array of {sorted(by_hint(arguments[0]))}"}
    if origin is dict:
        assert arguments == (str, Any)
        return {"object"}
    return {"unset"} if hint is Unset else {WORDS.get(hint, getattr(hint, "__name__", ""))}


def test_there_is_a_model_for_every_schema() -> None:
    """The models are the contract's objects and enums, under the contract's names, and nothing else."""
    wanted = {name for name, schema in SCHEMAS.items() if schema["type"] == "object" or "enum" in schema}
    assert set(models.__all__) == wanted
    assert {name for name in vars(models) if isinstance(getattr(models, name), type)} <= wanted
    assert all(getattr(models, name) == dict[str, Any] for name in FREE)
    assert FREE


@pytest.mark.parametrize("name", OBJECTS)
def test_model_and_schema_agree(name: str) -> None:
    """A model has exactly its schema's properties, types, nulls and bounds, and only what is optional can be unset."""
    schema, model = SCHEMAS[name], getattr(models, name)
    hints = get_type_hints(model, include_extras=True)
    assert {key: by_hint(hint) for key, hint in hints.items()} == {
        key: by_schema(node) | (set() if key in schema.get("required", ()) else {"unset"})
        for key, node in schema["properties"].items()
    }
    attributes = {attribute.name: attribute for attribute in attrs.fields(model)}
    assert attributes.keys() == hints.keys()
    assert {key for key, attribute in attributes.items() if attribute.default is attrs.NOTHING} == set(
        schema.get("required", ())
    )
    assert all(attribute.default in (attrs.NOTHING, UNSET) for attribute in attributes.values())


@pytest.mark.parametrize("name", OBJECTS)
def test_models_are_slotted(name: str) -> None:
    """A model is a slotted class of attrs: no dictionary inside, no misspelt attribute, and no positional arguments."""
    model = getattr(models, name)
    assert issubclass(model, Model)
    assert attrs.has(model)
    one = model(**dict.fromkeys((attribute.name for attribute in attrs.fields(model)), UNSET))
    assert model.__dictoffset__ == 0
    with pytest.raises(AttributeError):
        one.misspelt = 1
    with pytest.raises(TypeError):
        model("an argument")


def test_the_enum_agrees() -> None:
    """The status has exactly the values that the contract names, each under its own name."""
    assert {member.name: member.value for member in RunStatus} == {
        value: value for value in SCHEMAS["RunStatus"]["enum"]
    }


def test_every_model_tells_what_it_is() -> None:
    """Every model and every enum carries the contract's description."""
    for name in [*OBJECTS, "RunStatus"]:
        assert getattr(models, name).__doc__.split()[:4] == SCHEMAS[name]["description"].split()[:4]


# --- What decodes, and what comes back ------------------------------------------------------------------------


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside a value, the whole first."""
    yield path
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(part, (*path, key))


def at(page: Any, path: tuple[Any, ...]) -> Any:
    """The value at the end of a way."""
    for key in path:
        page = page[key]
    return page


def is_free(path: tuple[Any, ...]) -> bool:
    """Whether what stands there is inside something that is free of form."""
    return "custom" in path[:-1] or "locations" in path[:-2]


def formed(page: Any) -> Iterator[Any]:
    """Every value of a page that has a form, but for the insides of what is free of it."""
    for path in paths(page):
        value = at(page, path)
        if not is_free((*path, "any key")) or not isinstance(value, dict):
            yield value


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_survive(name: str) -> None:
    """Unset, null and present values all come back from decoding and encoding as they went in."""
    page, model = EXAMPLES[name], RunList if "runs" in EXAMPLES[name] else RunResults
    decoded = model.from_json(json.dumps(page))
    assert decoded.to_dict() == page
    assert json.loads(decoded.to_json()) == page
    assert model.from_dict(page) == decoded
    assert model.from_json(decoded.to_json()) == decoded
    assert pickle.loads(pickle.dumps(decoded)) == decoded
    assert copy.deepcopy(decoded) == decoded


def test_unset_is_not_null() -> None:
    """An absent value and an explicit null are told apart, and both are falsy."""
    absent, null = RunResults.from_dict(EXAMPLES["Running"]), RunResults.from_dict(EXAMPLES["Lean"])
    assert (absent.finish_timestamp, null.batch_id, null.message) == (None, UNSET, None)
    assert not UNSET
    assert "batch_id" not in null.to_dict()
    assert null.to_dict()["message"] is None


def test_unknown_keys_do_not_fail() -> None:
    """A key that the contract does not name, at any level, changes nothing of what is decoded."""
    page, plain = copy.deepcopy(EXAMPLES["Full"]), RunResults.from_dict(EXAMPLES["Full"])

    bags = [value for value in formed(page) if isinstance(value, dict)]
    for bag in bags:
        bag["x-new"] = {"any": ["thing", None]}
    assert json.dumps(page).count("x-new") == len(bags) > 40
    assert RunResults.from_json(json.dumps(page)) == plain


@given(st.text().filter(lambda text: text not in RunStatus.__members__))
@example("")
@example("complete")
@example("name")
def test_an_unknown_status_keeps_its_text(text: str) -> None:
    """A status that the contract does not name is its own text, compared, hashed, pickled, copied and encoded."""
    status = RunResults.from_json(json.dumps({**EXAMPLES["Lean"], "status": text})).status
    assert type(status) is RunStatus
    assert (status, str(status), status.value, f"{status}") == (text, text, text, text)
    assert hash(status) == hash(text)
    assert {text: "found"}[status] == "found"
    assert not status.is_known
    for again in (pickle.loads(pickle.dumps(status)), copy.copy(status), copy.deepcopy(status), RunStatus(text)):
        assert (type(again), again, again.is_known) == (RunStatus, text, False)
    assert msgspec.json.decode(msgspec.json.encode(status)) == text
    assert [member.value for member in RunStatus] == SCHEMAS["RunStatus"]["enum"], "no member was added"


@pytest.mark.parametrize("value", SCHEMAS["RunStatus"]["enum"])
def test_a_known_status_is_its_member(value: str) -> None:
    """A status that the contract names is the one member of that name, however it was come by."""
    status = RunResults.from_json(json.dumps({**EXAMPLES["Lean"], "status": value})).status
    assert status is RunStatus[value]
    assert status.is_known
    assert pickle.loads(pickle.dumps(status)) is status


@pytest.mark.parametrize("value", [None, 1, True, ["COMPLETE"], {}])
def test_a_status_is_a_text(value: object) -> None:
    """What is no text is no status, known or not."""
    with pytest.raises(msgspec.ValidationError, match=r"\$\.status"):
        RunResults.from_json(json.dumps({**EXAMPLES["Lean"], "status": value}))
    with pytest.raises(ValueError, match="RunStatus"):
        RunStatus(value)  # type: ignore[arg-type]


# --- What is refused: agreement with an independent validator -------------------------------------------------


def lenient(node: Any) -> Any:
    """The contract's schemas without the two rules that decoding leaves to others: names, and the list of statuses."""
    if isinstance(node, list):
        return [lenient(part) for part in node]
    if not isinstance(node, dict):
        return node
    dropped = {"pattern"} if node.get("format") == "api-field-name" else set()
    dropped |= {"enum"} if node.get("x-extensible-enum") is True else set()
    return {key: lenient(part) for key, part in node.items() if key not in dropped}


PAGE = {"$ref": "#/components/schemas/RunResults"}
STRICT = jsonschema_rs.validator_for({**PAGE, "components": {"schemas": SCHEMAS}})
ORACLE = jsonschema_rs.validator_for({**PAGE, "components": {"schemas": lenient(SCHEMAS)}})


def known(node: dict[str, Any], value: Any) -> Any:
    """A value without the keys that the contract does not name, and with a double wherever it has a number."""
    schema = resolve(node)
    if "anyOf" in schema:
        schema = resolve(schema["anyOf"][0])
    if isinstance(value, dict) and "properties" in schema:
        parts = schema["properties"]
        return {key: known(parts[key], part) for key, part in value.items() if key in parts}
    if isinstance(value, list):
        return [known(schema["items"], part) for part in value]
    if type(value) is int and "number" in schema["type"]:
        return float(value)
    return value


# Integers stand at the edges that the contract draws. Floats are never whole: see below.
NUMBERS = st.sampled_from([-1, 0, 1, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63), 10**30]) | st.integers()
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer())
LEAVES = st.none() | st.booleans() | NUMBERS | FLOATS | st.sampled_from(["", "ERROR", "true", "0", "3rd category"])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2))


@st.composite
def bent_pages(draw: st.DrawFn) -> Any:
    """The full example, changed in one to three places: a value replaced, taken out, added to a list or under a key."""
    page = copy.deepcopy(EXAMPLES["Full"])
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(list(paths(page))[1:]))
        parent = at(page, tuple(way))
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                parent[last] = draw(VALUES)
            case "remove":
                del parent[last]
            case _ if isinstance(parent, list):
                parent.insert(last, draw(VALUES))
            case _:
                parent[draw(st.sampled_from(["x-new", "message", "error_msg", "model", "fields"]))] = draw(VALUES)
    return page


# Most pages that are bent are broken: it takes many to meet every kind that is not.
@settings(max_examples=10 * settings().max_examples)
@given(bent_pages())
def test_decoding_agrees_with_the_schema(page: Any) -> None:
    """A page decodes exactly if an independent validator accepts it, and what the contract names then comes back."""
    text = json.dumps(page)
    try:
        decoded = RunResults.from_json(text)
    except msgspec.ValidationError:
        assert not ORACLE.is_valid(page)
    else:
        assert ORACLE.is_valid(page)
        assert decoded.to_dict() == known(PAGE, page)


WRONG = {str: 7, bool: "true", int: "7", float: "0.5", list: {}, dict: []}


def test_a_wrong_type_anywhere_is_refused() -> None:
    """At every single place of the full example that has a form, a value of another type is refused, at that place."""
    refused = 0
    for path in paths(EXAMPLES["Full"]):
        if is_free(path):
            continue
        page = [copy.deepcopy(EXAMPLES["Full"])]
        *way, last = (0, *path)
        parent = at(page, tuple(way))
        # Where null stands, only null and a text or number or object may.
        parent[last] = WRONG.get(type(parent[last]), True)
        with pytest.raises(msgspec.ValidationError) as caught:
            RunResults.from_json(json.dumps(page[0]))
        assert not ORACLE.is_valid(page[0])
        place = "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
        assert str(caught.value).endswith(f"`{place}`") or path == ()
        refused += 1
    assert refused > 180


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("start_timestamp",), 1.0),
        (("finish_timestamp",), 1e18),
        (("files", 0, "documents", 0, "page_numbers", 0), 0.0),
        (("files", 0, "documents", 0, "page_layouts", 0, "page_number"), -0.0),
        (("case_info", "fields", 0, "input_fields", 0, "record_index"), 3.0),
    ],
)
def test_a_whole_float_is_no_integer_here(path: tuple[Any, ...], value: float) -> None:
    """JSON Schema takes 1.0 for an integer and strict decoding does not: a known difference, in every integer."""
    page = copy.deepcopy(EXAMPLES["Full"])
    at(page, path[:-1])[path[-1]] = value
    assert STRICT.is_valid(page)
    with pytest.raises(msgspec.ValidationError, match=r"Expected `int.*`, got `float`"):
        RunResults.from_json(json.dumps(page))


@pytest.mark.parametrize(("key", "value"), [("field_name", "3rd category"), ("field_name", "")])
def test_names_are_not_judged_here(key: str, value: str) -> None:
    """A text that is no API name is refused by the contract's schema and decoded as it is: a known difference."""
    page = copy.deepcopy(EXAMPLES["Lean"])
    page["files"][0]["documents"][0]["fields"][0][key] = value
    assert not STRICT.is_valid(page)
    assert ORACLE.is_valid(page)
    assert RunResults.from_dict(page).to_dict() == page


def test_a_number_that_no_double_holds_is_refused() -> None:
    """A number beyond the largest double fits the schema and cannot be decoded: a known difference, and an error."""
    page = copy.deepcopy(EXAMPLES["Full"])
    page["files"][0]["documents"][0]["page_layouts"][0]["width"] = 10**400
    assert STRICT.is_valid(page)
    with pytest.raises(msgspec.ValidationError, match="out of range"):
        RunResults.from_json(json.dumps(page))


@pytest.mark.parametrize("text", ["", "{", "nil", '{"id": NaN}', "\ufeff{}", "'{}'"])
def test_what_is_no_json_is_refused(text: str) -> None:
    """What is no JSON text is a decoding error and no page."""
    with pytest.raises(msgspec.DecodeError) as caught:
        RunResults.from_json(text)
    assert not isinstance(caught.value, msgspec.ValidationError)


# --- The generated client by itself ---------------------------------------------------------------------------

Serve = Callable[..., str]


def test_the_generated_client_works(serve_runs: Serve, token: str) -> None:
    """The generated client alone fetches a page over a real socket, synchronously and asynchronously."""
    run = SyntheticRun(seed=5, files=9)
    url = serve_runs(run, page_size=4)
    wanted = [file["original_file_name"] for file in run.files(4, 8)]

    def names(page: object) -> list[object]:
        assert isinstance(page, RunResults)
        assert page.has_more
        return [file.original_file_name for file in page.files]

    with AuthenticatedClient(base_url=url, token=token) as client:
        answer = get_run_results.sync_detailed(run.run_id, client=client, file_offset=4, include_confidence_scores=True)
        assert answer.status_code is HTTPStatus.OK
        assert answer.headers["content-type"] == "application/json"
        assert json.loads(answer.content)["id"] == run.run_id
        assert names(answer.parsed) == wanted
        assert names(get_run_results.sync(run.run_id, client=client, file_offset=4)) == wanted

    async def fetch() -> object:
        async with AuthenticatedClient(base_url=url, token=token) as client:
            return await get_run_results.asyncio(run.run_id, client=client, file_offset=4)

    assert names(asyncio.run(fetch())) == wanted


def test_flags_reach_the_server(serve_runs: Serve, token: str) -> None:
    """Each flag of the generated function is sent: what it asks for is there with it, and not without."""
    run = SyntheticRun(seed=5, files=3, documents_per_file=1)
    url = serve_runs(run)
    with AuthenticatedClient(base_url=url, token=token) as client:
        for flag, key in {
            "include_review_results": "class_edit_history",
            "include_confidence_scores": "classification_confidence",
            "include_validation_results": "validations",
            "include_source_info": "page_layouts",
        }.items():
            for value in (True, False):
                page = get_run_results.sync(run.run_id, client=client, **{flag: value})  # type: ignore[arg-type]
                assert isinstance(page, RunResults)
                (document,) = page.files[0].documents or ()
                assert (getattr(document, key) is not UNSET) is value


def test_errors_are_models_too(serve_runs: Serve, token: str) -> None:
    """Every other status is decoded as the contract's error, with its status kept."""
    url = serve_runs(SyntheticRun(seed=5, files=1))
    with AuthenticatedClient(base_url=url, token=token) as client:
        missing = get_run_results.sync_detailed("no-such-run", client=client)
        bad = get_run_results.sync_detailed("synthetic-5", client=client, file_offset=-1)
    with AuthenticatedClient(base_url=url, token="another") as client:
        unauthorized = get_run_results.sync_detailed("synthetic-5", client=client)
    for answer, status in ((missing, 404), (bad, 400), (unauthorized, 401)):
        assert answer.status_code == status
        assert isinstance(answer.parsed, Error)
        assert answer.parsed.message


def test_run_id_and_context_are_sent_as_they_are(serve_runs: Serve, token: str) -> None:
    """An id with characters that mean something in addresses stays one segment, and the context goes in its header."""
    request = get_run_results.build_request("a/b?c#d e%20é", ib_context="acme")
    assert request["url"] == "/v2/apps/runs/a%2Fb%3Fc%23d%20e%2520%C3%A9/results"
    assert request["headers"] == {"IB-Context": "acme"}
    assert get_run_results.build_request("a")["headers"] == {}
    run = SyntheticRun(seed=5, files=1, run_id="a/b?c#d e%20é")
    with AuthenticatedClient(base_url=serve_runs(run), token=token) as client:
        page = get_run_results.sync(run.run_id, client=client)
    assert isinstance(page, RunResults)
    assert page.id == run.run_id


def test_the_token_is_not_shown(token: str) -> None:
    """Neither the client's repr nor its text shows the token or a header, and the token is still sent."""
    client = AuthenticatedClient(base_url="http://127.0.0.1:9", token=token, headers={"X-Key": "s3cret"})
    with client:
        assert client.get_httpx_client().headers["Authorization"] == f"Bearer {token}"
        for text in (repr(client), str(client), f"{client!r}", repr(client.with_timeout(3))):
            assert "127.0.0.1" in text
            assert token not in text
            assert "s3cret" not in text


def test_no_wait_is_endless_by_default() -> None:
    """Every step of a request has a finite time-out unless the caller says otherwise."""
    with Client(base_url="http://127.0.0.1:9") as client:
        assert all(0 < seconds < math.inf for seconds in client.get_httpx_client().timeout.as_dict().values())
    with client.with_timeout(2.5) as hasty:
        assert set(hasty.get_httpx_client().timeout.as_dict().values()) == {2.5}
    assert client.timeout == 60.0


def test_a_changed_client_is_another_one() -> None:
    """`with_headers` gives a new client: its parent keeps its headers, and its connections, opened or not."""
    with AuthenticatedClient(base_url="http://127.0.0.1:9", token="t", headers={"A": "1"}) as parent:
        opened = parent.get_httpx_client()
        with parent.with_headers({"B": "2"}) as child:
            assert child.get_httpx_client() is not opened
            assert child.get_httpx_client().headers["B"] == "2"
            assert child.get_httpx_client().headers["A"] == "1"
        assert parent.headers == {"A": "1"}
        assert "B" not in opened.headers
        assert parent.get_httpx_client() is opened
        assert not opened.is_closed, "closing the child closes the child"


def test_models_need_no_http_library() -> None:
    """Importing the package, its models and the operation's module loads neither httpx nor asyncio; the client does."""
    program = (
        "import sys, run_results_api, run_results_api.models, run_results_api.types\n"
        "import run_results_api.api.runs.get_run_results\n"
        "print(*sorted({'httpx', 'asyncio', 'ssl'} & sys.modules.keys()))\n"
        "run_results_api.AuthenticatedClient\n"
        "print(*sorted({'httpx'} & sys.modules.keys()))\n"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.splitlines() == ["", "httpx"]


def test_a_name_that_is_not_there() -> None:
    """A name that the package does not have is an AttributeError, as everywhere."""
    import run_results_api

    with pytest.raises(AttributeError, match=re.escape("no attribute 'Klient'")):
        run_results_api.Klient  # type: ignore[attr-defined]  # noqa: B018


# --- In pydantic and FastAPI ----------------------------------------------------------------------------------


def full() -> RunResults:
    """The example that shows every property."""
    return RunResults.from_dict(EXAMPLES["Full"])


def every_schema(schema: Any) -> Iterator[dict[str, Any]]:
    """A JSON schema and all schemas in it."""
    if isinstance(schema, dict):
        yield schema
        schema = list(schema.values())
    if isinstance(schema, list):
        for each in schema:
            yield from every_schema(each)


def test_models_stand_in_pydantic_models() -> None:
    """An instance and an object are taken, and the JSON that pydantic writes is that of `to_json`."""

    class Reply(BaseModel):
        run: RunResults
        files: list[File] = []

    run = full()
    reply = Reply(run=run, files=list(run.files))
    assert reply.run is run
    assert reply.model_dump() == {"run": run.to_dict(), "files": [file.to_dict() for file in run.files]}
    again = Reply.model_validate_json(reply.model_dump_json())
    assert again.run == run
    assert json.loads(reply.model_dump_json())["run"] == json.loads(run.to_json())


def test_pydantic_hears_of_a_value_that_does_not_fit() -> None:
    """A wrong type is pydantic's own error, with the place."""
    for wrong in ({"original_file_name": 3}, 3, None, [], File):
        with pytest.raises(pydantic.ValidationError, match=r"Expected"):
            TypeAdapter(File).validate_python(wrong)
    with pytest.raises(pydantic.ValidationError, match=r"\$\.original_file_name"):
        TypeAdapter(File).validate_json(b'{"original_file_name": 3}')


@pytest.mark.parametrize("name", OBJECTS)
def test_every_model_has_a_json_schema_for_pydantic(name: str) -> None:
    """It needs no other schema, has every member, and takes what the model writes."""
    model = getattr(models, name)
    for mode in ("validation", "serialization"):
        schema = TypeAdapter(model).json_schema(mode=mode)  # type: ignore[arg-type]
        assert schema.get("properties", {}).keys() == set(model.__struct_fields__)
        assert not any("$ref" in each for each in every_schema(schema))
    if model is RunResults:
        jsonschema_rs.validate(schema, json.loads(full().to_json()))


def test_fastapi_takes_and_returns_models() -> None:
    """As what an endpoint returns, alone and inside of others, and as the body of a request."""
    app, run = FastAPI(), full()

    @app.get("/typed")
    def typed() -> RunResults:
        return run

    @app.get("/inside")
    def inside() -> dict[str, list[RunResults]]:
        return {"runs": [run]}

    @app.post("/body")
    def body(file: Annotated[File, Body()]) -> list[File]:
        return [file]

    with TestClient(app) as client:
        assert client.get("/typed").json() == run.to_dict()
        assert client.get("/inside").json() == {"runs": [run.to_dict()]}
        assert client.post("/body", json={"input_file_path": "a"}).json() == [{"input_file_path": "a"}]
        assert client.post("/body", json={"input_file_path": 3}).status_code == 422
        assert client.get("/openapi.json").status_code == 200


def test_fastapi_returns_models_from_endpoints_without_a_type() -> None:
    """A model, a list of models and an object with one are written as `to_dict` has them."""
    app, run = FastAPI(), full()
    sparse = File(input_file_path="a", documents=[Document(class_name=None)])

    @app.get("/alone")
    def alone():  # type: ignore[no-untyped-def]
        return run

    @app.get("/inside")
    def inside():  # type: ignore[no-untyped-def]
        return {"files": [sparse, File()], "status": run.status}

    with TestClient(app) as client:
        assert client.get("/alone").json() == run.to_dict()
        assert client.get("/inside").json() == {"files": [sparse.to_dict(), {}], "status": run.status.value}


@pytest.mark.parametrize("name", OBJECTS)
def test_the_variables_of_a_model_are_the_members_that_are_set(name: str) -> None:
    """`vars` gives them, and they can only be read; copies, pickles and `dir` are those of any object."""
    model = getattr(models, name)
    values = {attribute.name: 7 for attribute in attrs.fields(model) if attribute.default is attrs.NOTHING}
    one = model(**values | {model.__struct_fields__[-1]: None})
    assert vars(one) == {key: value for key, value in msgspec.structs.asdict(one).items() if value is not UNSET}
    with pytest.raises(TypeError):
        vars(one)["misspelt"] = 1
    assert one == copy.copy(one) == copy.deepcopy(one) == pickle.loads(pickle.dumps(one))
    assert set(model.__struct_fields__) <= set(dir(one))


def test_models_need_no_pydantic() -> None:
    """Neither package imports it."""
    program = "import sys, run_results, run_results_api.models; print('pydantic' in sys.modules)"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout == "False\n"

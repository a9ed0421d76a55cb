"""The strategies, held against an independent validator and against the vendor's page."""

import copy
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import combinations
from random import Random
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from run_results_conformance import MemoryStore, ReferenceServer
from run_results_conformance.server.contract import Contract, load_contract
from run_results_conformance.server.folder import json_path
from run_results_conformance.server.runs import MemoryRun
from run_results_conformance.server.terms import SpecError
from run_results_conformance.strategies import (
    Mutation,
    all_mutations,
    api_names,
    broken_responses,
    mutations,
    project_names,
    responses,
    runs,
    schema,
)

from .flags import CASE_FIELD_PARTS, DOCUMENT_PARTS, FIELD_PARTS, FLAGS, SOURCE

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
CONTRACT = load_contract()
RULE = CONTRACT.field_name_rule
COMBINATIONS = [frozenset(chosen) for count in range(len(FLAGS) + 1) for chosen in combinations(FLAGS, count)]

# A search ends with the first example that it looks for: a high limit costs nothing where that can come at all. This is
# far above what is needed, as the examples depend on the constants of all modules that other tests have loaded.
SEARCH = settings(
    max_examples=10_000,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def validator_of(node: dict[str, Any]) -> jsonschema_rs.Validator:
    """The oracle: what is a field name is judged by Python itself, not by the compiled rule."""
    return jsonschema_rs.validator_for(node, formats={"api-field-name": str.isidentifier}, validate_formats=True)


ANSWER = validator_of(CONTRACT.validation_schema(200))
LIST = CONTRACT.operations["list_runs"]
LIST_ANSWER = validator_of(LIST.validation_schema(200))
RUN = jsonschema_rs.validator_for(CONTRACT.run_schema)  # any text is a project's name


def component(name: str) -> jsonschema_rs.Validator:
    """The oracle for one schema of the components."""
    return validator_of({"$ref": f"#/components/schemas/{name}", "components": CONTRACT.document["components"]})


COMPONENTS = {name: component(name) for name in CONTRACT.document["components"]["schemas"]}


class TestAnswers:
    @given(responses())
    def test_valid(self, answer: dict[str, Any]) -> None:
        """Every answer keeps the spec."""
        ANSWER.validate(answer)

    @given(responses(extra=True))
    def test_valid_with_unknown_keys(self, answer: dict[str, Any]) -> None:
        """With keys that the spec does not name an answer is still valid, and JSON that is read as it was written."""
        ANSWER.validate(answer)
        assert json.loads(json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()) == answer

    @given(st.data())
    def test_every_schema(self, data: st.DataObject) -> None:
        """Every schema of the components can be asked for by its name, and gives what it allows."""
        name = data.draw(st.sampled_from(sorted(COMPONENTS)))
        COMPONENTS[name].validate(data.draw(schema(name)))

    def test_unknown_keys_come(self) -> None:
        """With `extra` a strange key turns up at the root, deep inside, and none without it."""
        known = {
            name for node in CONTRACT.document["components"]["schemas"].values() for name in node.get("properties", ())
        }
        find(responses(extra=True), lambda answer: bool(answer.keys() - known), settings=SEARCH)
        find(responses(extra=True), lambda answer: any(part.keys() - known for part in fields(answer)), settings=SEARCH)


class TestTheListOfRuns:
    @given(responses(contract=LIST), responses(contract=LIST, extra=True), broken_responses(contract=LIST))
    def test_answers_and_breaches(self, answer: dict[str, Any], more: dict[str, Any], broken: Mutation) -> None:
        """Answers of the list keep its schema, also with unknown keys; with a breach they do not."""
        LIST_ANSWER.validate(answer)
        LIST_ANSWER.validate(more)
        assert not LIST_ANSWER.is_valid(broken.document), broken

    def test_a_whole_run_is_made(self) -> None:
        """A listed run can have every property at once, so that readers meet all of them."""
        properties = CONTRACT.document["components"]["schemas"]["RunSummary"]["properties"].keys()
        find(schema("RunSummary"), lambda run: run.keys() == properties, settings=SEARCH)


def documents(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [document for file in answer["files"] for document in file.get("documents", ())]


def fields(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for document in documents(answer) for part in document.get("fields", ())]


class TestFlags:
    @given(st.data(), st.sampled_from(COMBINATIONS))
    def test_exactly_by_the_flag(self, data: st.DataObject, flags: frozenset[str]) -> None:
        """What waits for a flag is there when it is asked for, at every level, and never else."""
        answer = data.draw(responses(flags))
        ANSWER.validate(answer)
        levels = [
            (documents(answer), DOCUMENT_PARTS),
            (fields(answer), FIELD_PARTS),
            (answer.get("case_info", {}).get("fields", []), CASE_FIELD_PARTS),
        ]
        for holders, parts in levels:
            for holder in holders:
                there = holder.keys() & parts.keys()
                assert all(parts[name] in flags for name in there)
                optional = {"post_processed_pdf_path"} | ({"validations"} if parts is CASE_FIELD_PARTS else set())
                assert {name for name in parts if parts[name] in flags} - there <= optional

    def test_what_is_not_guaranteed_may_be_absent(self) -> None:
        """The PDF of a document may be absent although source info is asked for, and may be there."""
        for wanted in (True, False):
            find(
                responses({SOURCE}),
                lambda answer, wanted=wanted: any(
                    ("post_processed_pdf_path" in part) is wanted for part in documents(answer)
                ),
                settings=SEARCH,
            )

    def test_unknown_flag(self) -> None:
        """A flag that the contract does not have is an error, not ignored."""
        with pytest.raises(SpecError, match="no include flag is called include_everything"):
            responses({"include_everything"})


# --- Coverage -----------------------------------------------------------------------------------------------


def branches(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The alternatives of a node, each with one type."""
    node = dict(CONTRACT.resolve(node))
    if "anyOf" in node:
        return [branch for each in node["anyOf"] for branch in branches(each)]
    kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
    return [{**node, "type": kind} for kind in kinds]


def promised(node: dict[str, Any], place: str = "$") -> Iterator[str]:
    """Everything that the spec lets happen, in words: each type, each absence, each empty array, each enum value."""
    for branch in branches(node):
        yield f"{place} {branch['type']}"
        yield from (f"{place} = {value}" for value in branch.get("enum", ()))
        if "items" in branch:
            yield f"{place} empty"
            yield from promised(branch["items"], f"{place}[]")
        for name, part in branch.get("properties", {}).items():
            if name not in branch.get("required", ()):
                yield f"{place}.{name} absent"
            yield from promised(part, f"{place}.{name}")


def happened(node: dict[str, Any], value: Any, place: str = "$") -> Iterator[str]:
    """What of it happened in a value."""
    names: dict[type, str] = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string"}
    kind = names.get(type(value), "array" if isinstance(value, list) else "object")
    options = branches(node)
    branch = next(each for each in options if each["type"] == kind or (each["type"], kind) == ("number", "integer"))
    yield f"{place} {branch['type']}"
    if "enum" in branch:
        yield f"{place} = {value}"
    if "items" in branch:
        if not value:
            yield f"{place} empty"
        for item in value:
            yield from happened(branch["items"], item, f"{place}[]")
    for name, part in branch.get("properties", {}).items():
        if name in value:
            yield from happened(part, value[name], f"{place}.{name}")
        else:
            yield f"{place}.{name} absent"


def test_every_path_of_the_schema_is_hit() -> None:
    """Among many answers every type, null, absence, empty array and enum value of every place turns up."""
    node = dict(CONTRACT.answer_schema)
    missing = set(promised(node))
    assert len(missing) > 190
    assert "$.files[].documents[].fields[].validations.alerts[].locations[] object" in missing
    assert "$.case_info.fields[].chosen_field null" in missing

    def complete(answer: dict[str, Any]) -> bool:
        missing.difference_update(happened(node, answer))
        return not missing

    with suppress(NoSuchExample):
        find(responses(), complete, settings=SEARCH)
    assert missing == set()


# --- Shrinking ----------------------------------------------------------------------------------------------


class TestShrinking:
    @pytest.mark.skipif(not THOROUGH, reason="shrinking takes half a minute: see `make thorough`")
    def test_least_answer(self) -> None:
        """The least answer has the required keys and nothing in them."""
        least = find(responses(), lambda _: True)
        assert least == {"id": "0", "status": "CANCELLED", "files": [], "has_more": False}

    @pytest.mark.skipif(not THOROUGH, reason="shrinking takes half a minute: see `make thorough`")
    def test_one_deep_thing(self) -> None:
        """An answer that must hold one alert shrinks to the way to it, and nothing beside it."""
        found = find(
            responses(),
            lambda answer: any(part.get("validations", {}).get("alerts") for part in fields(answer)),
            settings=settings(SEARCH, max_examples=2000, phases=[Phase.generate, Phase.shrink]),
        )
        assert found["files"] == [{"documents": [{"fields": [{"validations": {"alerts": [{}]}}]}]}]
        assert found.keys() == {"id", "status", "files", "has_more"}

    @pytest.mark.skipif(not THOROUGH, reason="shrinking takes half a minute: see `make thorough`")
    def test_a_breach(self) -> None:
        """A breach shrinks to a small answer with that breach."""
        attempts = (
            find(
                broken_responses(),
                lambda mutation: mutation.what == "null for boolean" and mutation.where == "$.has_more",
                settings=settings(SEARCH, max_examples=2000, phases=[Phase.generate, Phase.shrink]),
                random=Random(seed),
            )
            for seed in range(8)  # one in four ends in a local minimum of about 400 characters
        )
        assert any(len(json.dumps(found.document)) < 120 for found in attempts)


# --- Breaches -----------------------------------------------------------------------------------------------


class TestMutations:
    @given(responses().flatmap(lambda answer: st.tuples(st.just(answer), mutations(answer))))
    def test_refused(self, pair: tuple[dict[str, Any], Mutation]) -> None:
        """The validator refuses every breach, at the place that the mutation names, and nowhere else."""
        answer, mutation = pair
        assert ANSWER.is_valid(answer), "the answer itself stays as it is"
        assert_refused(mutation)

    @given(broken_responses(extra=True))
    def test_broken_answers(self, mutation: Mutation) -> None:
        """So with answers that come broken, whatever strange keys they have beside."""
        assert_refused(mutation)

    @pytest.mark.parametrize("name", sorted(CONTRACT.examples))
    def test_every_breach_of_the_examples(self, name: str) -> None:
        """All breaches of the spec's own examples are refused, every one of them."""
        example = CONTRACT.examples[name]
        before = copy.deepcopy(example)
        found = [(mutation.where, mutation.what) for mutation in all_mutations(example) if assert_refused(mutation)]
        assert example == before
        assert len(set(found)) > 30

    def test_every_kind_of_breach(self) -> None:
        """Types, ranges, enum, length, names and missing keys are all broken, in places that are there and are not."""
        full = {(mutation.where, mutation.what) for mutation in all_mutations(CONTRACT.examples["full"])}
        field = "$.files[0].documents[0].fields[0]"
        assert {
            ("$", "array for object"),
            ("$.id", "too short"),
            ("$.has_more", "required and missing"),
            ("$.status", "not in the enum"),
            ("$.start_timestamp", "above the maximum"),
            ("$.start_timestamp", "number for integer"),
            ("$.finish_timestamp", "below the minimum"),
            ("$.files[1].documents[0].page_numbers[1]", "boolean for integer"),
            (f"{field}.field_name", "not a field name"),
            (f"{field}.confidence.model", "string for null or integer or number"),
            (f"{field}.error_msg", "null for string"),  # which this field does not have
            ("$.case_info.fields[1].chosen_field", "boolean for null or object"),
        } <= full


def assert_refused(mutation: Mutation) -> bool:
    errors = list(ANSWER.iter_errors(mutation.document))
    assert errors, mutation
    places = {json_path(error.instance_path) for error in errors}
    parent = mutation.where.rpartition(".")[0]
    place = parent if mutation.what == "required and missing" else mutation.where
    # Of alternatives, the validator names the place where none of them holds.
    assert places in ({place}, {place.partition(".chosen_field")[0] + ".chosen_field"}), mutation
    return True


# --- Names and runs -----------------------------------------------------------------------------------------


class TestNames:
    @given(api_names())
    def test_api_names(self, name: str) -> None:
        """Every API name is an identifier to Python."""
        COMPONENTS["ApiFieldName"].validate(name)

    def test_unusual_names_are_usual(self) -> None:
        """Among many project names there are all the kinds that the rule treats differently."""
        seen: set[str] = set()

        def complete(name: str) -> bool:
            kinds = {
                "empty": not name,
                "underscore": "_" in name,
                "leading digit": name[:1].isdigit(),
                "space": " " in name,
                "letter beyond ASCII": any(letter.isalpha() and not letter.isascii() for letter in name),
                "unchanged": name == RULE(name),
                "changed": name != RULE(name),
            }
            seen.update(kind for kind, is_so in kinds.items() if is_so)
            return len(seen) == len(kinds)

        find(project_names(), complete, settings=SEARCH)


class TestRuns:
    @given(runs())
    def test_valid(self, run: MemoryRun) -> None:
        """A run is one in project terms, as a folder may hold it, with all that flags ask for; its parts agree."""
        files = list(run.files(0, run.file_count))
        RUN.validate({**run.header, "files": files})
        assert len({file["input_file_path"] for file in files}) == len(files)
        finish = run.header.get("finish_timestamp")
        if run.header.get("status") in ("RUNNING", "PAUSED", "STOPPED_AT_CHECKPOINT"):
            assert finish is None
        elif "finish_timestamp" in run.header:
            assert finish >= run.header.get("start_timestamp", 0)

    @given(runs(max_files=4), st.sampled_from(COMBINATIONS))
    def test_servable(self, run: MemoryRun, flags: frozenset[str]) -> None:
        """The reference server's page of a run keeps the spec under all flags."""
        server = ReferenceServer(MemoryStore([run]), "t")
        files = run.files(0, run.file_count)
        page = server.project(server.assemble(run, files, server.has_more(run, 0, files)), flags)
        ANSWER.validate(page)

    @settings(max_examples=settings().max_examples // 2)
    @given(st.data(), st.integers(0, 5), st.integers(0, 4))
    def test_size(self, data: st.DataObject, least: int, more: int) -> None:
        """A run has as many files as are asked for."""
        run = data.draw(runs(min_files=least, max_files=least + more))
        assert least <= run.file_count <= least + more


# --- Other specs --------------------------------------------------------------------------------------------


ODD = "#/components/schemas/Odd"


def contract_with(node: dict[str, Any]) -> Contract:
    """The contract with another schema in it, called Odd."""
    document = copy.deepcopy(dict(CONTRACT.document))
    document["components"]["schemas"]["Odd"] = node
    return Contract(document)


class TestOtherSpecs:
    @pytest.mark.parametrize(
        "node",
        [
            {"type": "string", "minLength": 2, "maxLength": 3},
            {"type": "string", "pattern": "^[a-c]+$"},
            {"type": "number", "minimum": 0.5, "maximum": 2.25},
            {"type": ["number", "null"], "maximum": -1},
            {"type": "integer", "minimum": -3, "maximum": 3},
            {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "boolean"}},
            {"type": "array"},
            {"const": {"a": 1}},
            {"enum": [1, "1", None]},
            {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            {"type": "object", "additionalProperties": {"type": "integer"}},
            {"type": "object", "additionalProperties": False},
            {"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": {"type": "integer"}},
            {"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": False},
            {"description": "anything"},
            {"type": "object", "properties": {"next": {"oneOf": [{"$ref": ODD}, {"type": "null"}]}}},
        ],
        ids=str,
    )  # fmt: skip
    def test_readable(self, node: dict[str, Any]) -> None:
        """Whatever a later spec may say in these keywords is read, recursion included."""
        contract = contract_with(node)
        check = validator_of({"$ref": ODD, "components": contract.document["components"]})

        @settings(max_examples=20)
        @given(schema("Odd", extra=True, contract=contract))
        def valid(value: Any) -> None:
            check.validate(value)

        valid()

    @pytest.mark.parametrize("node", [{"type": "string", "contentEncoding": "base64"}, {"not": {"type": "null"}}])
    def test_unreadable(self, node: dict[str, Any]) -> None:
        """A keyword that is not known is an error, not a guess."""
        with pytest.raises(SpecError, match=r"no strategy for the schema keywords (contentEncoding|not)"):
            schema("Odd", contract=contract_with(node))

    def test_unknown_schema(self) -> None:
        """A name that the components do not have is an error."""
        with pytest.raises(SpecError, match="Nothing points nowhere"):
            schema("Nothing")

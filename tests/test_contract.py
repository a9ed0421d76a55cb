"""openapi.yaml itself: it is valid, its examples are what it says they are, and it says what the vendor's page says.

What the page lists (which values each include flag brings, the six statuses, the four names) and the types of every
property are written down here a second time, so that a slip in the spec has something to disagree with.
"""

import copy
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from ruamel.yaml import YAML

from run_results import sanitize
from run_results_conformance.server.contract import Contract

SPEC: dict[str, Any] = YAML(typ="safe").load((Path(__file__).parents[1] / "openapi.yaml").read_text("utf-8"))
OPERATION: dict[str, Any] = SPEC["paths"]["/v2/apps/runs/{run_id}/results"]["get"]
LIST: dict[str, Any] = SPEC["paths"]["/v2/apps/runs"]["get"]
SCHEMAS: dict[str, Any] = SPEC["components"]["schemas"]

# --- What the vendor tells, in its own lists ------------------------------------------------------------------

DOCUMENT, FIELD, CASE_FIELD = "Document", "Field", "CaseField"
EDITS = ["", "/timestamp", "/user_id", "/modifications", "/modifications/message"]

# The page of the operation: "The following values are returned at the ... level" for each flag.
RETURNED: dict[str, dict[str, list[str]]] = {
    "include_review_results": {
        DOCUMENT: ["review_completed", *(f"class_edit_history{part}" for part in EDITS)],
        FIELD: [f"edit_history{part}" for part in EDITS],
        CASE_FIELD: [f"edit_history{part}" for part in EDITS],
    },
    "include_confidence_scores": {
        DOCUMENT: ["classification_confidence"],
        FIELD: ["confidence/model", "confidence/ocr"],
    },
    "include_validation_results": {
        DOCUMENT: ["validations/final_result_pass"],
        FIELD: ["validations/valid", "validations/alerts"],
        CASE_FIELD: ["validations/valid", "validations/failures"],
    },
    "include_source_info": {
        DOCUMENT: ["post_processed_paths", "post_processed_pdf_path", "page_layouts"],
        FIELD: [
            *(f"source_coordinates/{part}" for part in ("top_x", "top_y", "bottom_x", "bottom_y", "page_number")),
        ],
    },
}

STATUSES = {"CANCELLED", "COMPLETE", "FAILED", "PAUSED", "RUNNING", "STOPPED_AT_CHECKPOINT"}

NAMES = {
    "due date": "due_date",
    "driver's license": "driver_s_license",
    "3rd category": "_3rd_category",
    "secret_id": "secret__id",
}

# The types: `?` may be null, `!` is required, `[]` is an array of, `{}` is free of form. The vendor calls nothing of a
# page required; `id`, `status`, `files` and `has_more` are, because a walk is impossible without them.
TYPES = """
RunResults: id string | status RunStatus | message string? | start_timestamp int64 | finish_timestamp int64?
RunResults: batch_id string | files File[]! | keys RunKeys | case_info CaseInfo | review_completed boolean
RunResults: has_more boolean!
RunKeys: custom CustomKeys
CustomKeys: {}
CaseInfo: fields CaseField[]
File: original_file_name string | input_file_path string | documents Document[]
Document: class_name string? | page_numbers index[] | fields Field[] | review_completed boolean
Document: page_layouts PageLayout[] | post_processed_paths string[] | post_processed_pdf_path string
Document: class_edit_history Edit[] | validations DocumentValidations
Document: classification_confidence ClassificationConfidence
PageLayout: page_number index! | width size! | height size!
DocumentValidations: final_result_pass boolean
ClassificationConfidence: model double?
Field: field_name ApiFieldName | value string | type string | error_msg string
Field: source_coordinates SourceCoordinates[] | edit_history Edit[] | confidence FieldConfidence
Field: validations FieldValidations
SourceCoordinates: top_x double | top_y double | bottom_x double | bottom_y double | page_number index
FieldConfidence: model double? | ocr double?
FieldValidations: valid boolean | alerts ValidationAlert[]
ValidationAlert: alert_level string | msg string | type string | blocked boolean | locations AlertLocation[]
AlertLocation: {}
Edit: timestamp string! | user_id string! | modifications Modification[]
Modification: message string?
CaseField: name ApiFieldName! | value string! | input_fields CaseFieldOption[] | chosen_field CaseFieldOption?
CaseField: error_msg string | edit_history Edit[] | validations CaseFieldValidations
CaseFieldOption: record_index index | refined_phrase_name string
CaseFieldValidations: valid boolean! | failures CaseFieldFailure[]
CaseFieldFailure: type string! | msg string!
Error: message string!
RunList: runs RunSummary[]!
RunSummary: id string! | status RunStatus! | start_timestamp int64! | finish_timestamp int64? | msg string?
RunSummary: batch_id int64? | input_dir string? | app_id string? | deployment_id string? | tags string[]?
"""

# --- Reading the spec -----------------------------------------------------------------------------------------


def resolve(node: Any) -> Any:
    """What a node means: itself, or what its reference points to."""
    while isinstance(node, dict) and "$ref" in node:
        target: Any = SPEC
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def name_of(node: dict[str, Any]) -> str:
    """The name of the schema that a node refers to; empty where it is written in place."""
    return node.get("$ref", "").rpartition("/")[2]


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """The independent oracle, with the whole document to resolve references in and the one format checked in full."""
    return jsonschema_rs.validator_for(
        {**SPEC, **schema}, formats={"api-field-name": str.isidentifier}, validate_formats=True
    )


PAGES = validator({"$ref": "#/components/schemas/RunResults"})


def complaints(checker: jsonschema_rs.Validator, value: Any) -> list[str]:
    """Everything that the oracle has against a value."""
    return [f"{error.instance_path}: {error.message}" for error in checker.iter_errors(value)]


def answers(operation: dict[str, Any] = OPERATION) -> Iterator[tuple[str, str, Any, dict[str, Any]]]:
    """Status, example name, example and schema of everything that an operation answers."""
    for status, response in operation["responses"].items():
        for media in resolve(response)["content"].values():
            for name, node in media["examples"].items():
                yield status, name, resolve(node)["value"], media["schema"]


def stated() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Place, example and schema of every example that does not stand in an answer."""
    for name, parameter in SPEC["components"]["parameters"].items():
        for key, node in parameter["examples"].items():
            yield f"{name}.{key}", node["value"], parameter["schema"]
    under_way: list[tuple[str, Any]] = list(SCHEMAS.items())
    while under_way:
        place, node = under_way.pop()
        if isinstance(node, dict):
            for index, value in enumerate(node["examples"] if isinstance(node.get("examples"), list) else ()):
                yield f"{place}.examples[{index}]", value, {k: v for k, v in node.items() if k != "examples"}
            under_way += [(f"{place}.{key}", child) for key, child in node.items()]
        elif isinstance(node, list):
            under_way += [(f"{place}[{index}]", child) for index, child in enumerate(node)]


def examples() -> dict[str, Any]:
    """The examples of status 200 of the main operation by name."""
    return {name: value for status, name, value, _ in answers() if status == "200"}


def places(node: Any, path: str = "$") -> Iterator[str]:
    """Every place that a schema describes, as the path of a value there."""
    schema = resolve(node)
    for branch in schema.get("anyOf", ()):
        yield from places(branch, path)
    for name, part in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from places(part, f"{path}.{name}")
    if "items" in schema:
        yield f"{path}[]"
        yield from places(schema["items"], f"{path}[]")


def shown(value: Any, path: str = "$") -> Iterator[str]:
    """Every place at which a value has something."""
    for name, part in value.items() if isinstance(value, dict) else ():
        yield f"{path}.{name}"
        yield from shown(part, f"{path}.{name}")
    for part in value if isinstance(value, list) else ():
        yield f"{path}[]"
        yield from shown(part, f"{path}[]")


def objects(node: Any, value: Any) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every object of a page: its schema's name, its schema and itself."""
    schema = resolve(node)
    if "anyOf" in schema and value is not None:
        yield from objects(schema["anyOf"][0], value)
    if isinstance(value, dict) and "properties" in schema:
        yield name_of(node), schema, value
        for name, part in value.items():
            yield from objects(schema["properties"][name], part)
    if isinstance(value, list):
        for item in value:
            yield from objects(schema["items"], item)


def may_be_null(node: dict[str, Any]) -> bool:
    """Whether null is among a property's types."""
    return "null" in node.get("type", ()) or {"type": "null"} in node.get("anyOf", ())


ROOT_REFERENCE = {"$ref": "#/components/schemas/RunResults"}

# --- The document ---------------------------------------------------------------------------------------------


def test_the_document_is_openapi() -> None:
    """The contract is a valid OpenAPI 3.1 document."""
    assert SPEC["openapi"].startswith("3.1.")
    validate(SPEC, cls=OpenAPIV31SpecValidator)


def test_every_component_is_used() -> None:
    """Nothing is written down that the operation does not reach."""
    used: set[str] = set()
    under_way: list[Any] = [SPEC["paths"]]
    while under_way:
        node = under_way.pop()
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str) and reference not in used:
                used.add(reference)
                under_way.append(resolve(node))
            under_way.extend(node.values())
        elif isinstance(node, list):
            under_way.extend(node)
    kinds = {kind: members for kind, members in SPEC["components"].items() if kind != "securitySchemes"}
    assert used == {f"#/components/{kind}/{name}" for kind, members in kinds.items() for name in members}
    assert {name for part in OPERATION["security"] for name in part} == set(SPEC["components"]["securitySchemes"])


def test_every_property_is_described() -> None:
    """Every schema, and every property that is written in place, says in words what it is."""
    silent = [name for name, schema in SCHEMAS.items() if not schema.get("description", "").strip()]
    silent += [
        f"{name}.{key}"
        for name, schema in SCHEMAS.items()
        for key, node in schema.get("properties", {}).items()
        if not resolve(node).get("description", "").strip()
    ]
    assert silent == []


# --- The examples ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        pytest.param(value, schema, id=f"{status} {name}")
        for operation in (OPERATION, LIST)
        for status, name, value, schema in answers(operation)
    ],
)
def test_every_answer_keeps_its_schema(value: Any, schema: dict[str, Any]) -> None:
    """Every example of an answer, whatever its status, fits the schema beside it."""
    assert complaints(validator(schema), value) == []


@pytest.mark.parametrize(
    ("value", "schema"), [pytest.param(value, schema, id=place) for place, value, schema in stated()]
)
def test_every_other_example_keeps_its_schema(value: Any, schema: dict[str, Any]) -> None:
    """Every example of a parameter or inside a schema fits the schema that it stands in."""
    assert complaints(validator(schema), value) == []


BREACHES: dict[str, Callable[[Any], Any]] = {
    "no files": lambda page: page.pop("files"),
    "an empty id": lambda page: page.update(id=""),
    "has_more is text": lambda page: page.update(has_more="true"),
    "a status in lower case": lambda page: page.update(status="complete"),
    "files is null": lambda page: page.update(files=None),
    "a time past int64": lambda page: page.update(start_timestamp=2**63),
    "a time before 1970": lambda page: page.update(finish_timestamp=-1),
    "half a nanosecond": lambda page: page.update(start_timestamp=0.5),
    "a class that is a number": lambda page: page["files"][0]["documents"][0].update(class_name=7),
    "a page without width": lambda page: page["files"][0]["documents"][0]["page_layouts"][0].pop("width"),
    "a name that the pattern refuses": lambda page: page["case_info"]["fields"][0].update(name="3rd category"),
    "a name that only the format refuses": lambda page: page["case_info"]["fields"][0].update(name="a😀"),
    "an edit by nobody": lambda page: page["case_info"]["fields"][0]["edit_history"][0].pop("user_id"),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_broken_example_is_rejected(breach: str) -> None:
    """The oracle that accepts every example rejects the full one as soon as it leaves the contract in one place."""
    page = copy.deepcopy(examples()["full"])
    BREACHES[breach](page)
    assert len({str(error.instance_path) for error in PAGES.iter_errors(page)}) == 1


def test_every_status_has_an_example() -> None:
    """Every documented status shows at least one answer, and nothing but JSON is answered."""
    for operation, more in ((OPERATION, {"404"}), (LIST, set[str]())):
        responses = operation["responses"]
        counts = dict.fromkeys(responses, 0)
        for status, *_ in answers(operation):
            counts[status] += 1
        assert min(counts.values()) >= 1
        assert all(set(resolve(response)["content"]) == {"application/json"} for response in responses.values())
        assert {"200", "400", "401", "403", "429", "500", "503", "default"} | more == set(counts)


def test_the_full_example_shows_every_place() -> None:
    """The full example has every property of every schema at every place, and something in every array."""
    described, full = set(places(ROOT_REFERENCE)), examples()["full"]
    assert "$.files[].documents[].fields[].validations.alerts[].locations[]" in described
    assert described - set(shown(full)) == set()


def test_every_null_is_shown() -> None:
    """Every property that may be null is null in one example and a value in another."""
    nullable = {
        (name, key)
        for name, schema in SCHEMAS.items()
        for key, node in schema.get("properties", {}).items()
        if may_be_null(node)
    }
    seen = {
        (name, key, part is None)
        for operation in (OPERATION, LIST)
        for status, _, page, root in answers(operation)
        if status == "200"
        for name, schema, value in objects(root, page)
        for key, part in value.items()
        if may_be_null(schema["properties"][key])
    }
    assert seen == {(*place, null) for place in nullable for null in (False, True)}


def test_the_pair_of_pages_fits_together() -> None:
    """The two pages are one run: the second begins where the first ends, and only the first says that more comes."""
    first, last = copy.deepcopy((examples()["firstPage"], examples()["lastPage"]))
    assert (first.pop("has_more"), last.pop("has_more")) == (True, False)
    first_files, last_files = first.pop("files"), last.pop("files")
    assert first == last
    paths = [file["input_file_path"] for file in first_files + last_files]
    assert len(set(paths)) == len(paths) > len(first_files) > 0
    offsets = {node["value"] for node in SPEC["components"]["parameters"]["FileOffset"]["examples"].values()}
    assert offsets == {0, len(first_files)}


def test_a_running_run_is_shown() -> None:
    """One example is a run that still works: it has no end yet, and what is there so far is in it."""
    (running,) = (page for page in examples().values() if page["status"] == "RUNNING")
    assert running["finish_timestamp"] is None
    assert running["files"]
    assert running["id"] == SPEC["components"]["parameters"]["RunId"]["examples"]["running"]["value"]


def test_failures_are_shown() -> None:
    """One complete run shows what failed at each level: a field, a cross-class field, a document without a class."""
    page = examples()["failedFields"]
    assert page["status"] == "COMPLETE"
    documents = [document for file in page["files"] for document in file["documents"]]
    fields = [field for document in documents for field in document["fields"]]
    assert any(document["class_name"] is None for document in documents)
    for failed in (fields, page["case_info"]["fields"]):
        assert any(field["value"] == "ERROR" and field["error_msg"] for field in failed)
    assert any(field["value"] != "ERROR" for field in fields)


def test_examples_follow_the_flags() -> None:
    """In one example a flag's properties are at every place where they belong or at none, as one request gives them."""
    seen: set[tuple[str, bool]] = set()
    for example_name, page in examples().items():
        for flag in RETURNED:
            there = {
                key in value
                for _, schema, value in objects(ROOT_REFERENCE, page)
                for key, node in schema["properties"].items()
                if node.get("x-include") == flag and node.get("x-include-guaranteed", True)
            }
            assert len(there) <= 1, (example_name, flag)
            seen |= {(flag, value) for value in there}
    assert seen == {(flag, value) for flag in RETURNED for value in (False, True)}


# --- What the vendor's page says ------------------------------------------------------------------------------


def gated(schemas: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """The properties that wait for a flag, by flag and schema."""
    found: dict[tuple[str, str], set[str]] = {}
    for name, schema in schemas.items():
        for key, node in schema.get("properties", {}).items():
            if "x-include" in node:
                found.setdefault((node["x-include"], name), set()).add(key)
    return found


def test_the_flags_gate_what_the_page_lists() -> None:
    """Each flag gates, at each level, exactly the properties that the vendor's page lists there."""
    listed = {
        (flag, level): {path.partition("/")[0] for path in paths}
        for flag, levels in RETURNED.items()
        for level, paths in levels.items()
    }
    assert gated(SCHEMAS) == listed


def test_everything_that_the_page_lists_is_there() -> None:
    """Every value that the vendor's page lists for a flag, however deep, has a place in the spec."""
    roots = {
        DOCUMENT: "$.files[].documents[]",
        FIELD: "$.files[].documents[].fields[]",
        CASE_FIELD: "$.case_info.fields[]",
    }
    described = {path.replace("[]", "") for path in places(ROOT_REFERENCE)}
    listed = {
        f"{roots[level]}.{path}".replace("[]", "").replace("/", ".")
        for levels in RETURNED.values()
        for level, paths in levels.items()
        for path in paths
    }
    assert len(listed) == 16 + 3 + 5 + 8
    assert listed - described == set()


def test_the_flags_are_parameters() -> None:
    """What gates properties is exactly the operation's boolean query parameters, each optional and false by default."""
    parameters = [resolve(node) for node in OPERATION["parameters"]]
    flags = {
        parameter["name"]: parameter
        for parameter in parameters
        if parameter["in"] == "query" and parameter["schema"]["type"] == "boolean"
    }
    assert set(flags) == {flag for flag, _ in gated(SCHEMAS)} == set(RETURNED)
    assert all(not flag.get("required") and flag["schema"]["default"] is False for flag in flags.values())


def test_no_other_parameter() -> None:
    """The operation takes the seven parameters of the vendor's page, and only the run id is required."""
    parameters = [resolve(node) for node in OPERATION["parameters"]]
    assert {(p["name"], p["in"], p.get("required", False)) for p in parameters} == {
        ("run_id", "path", True),
        ("IB-Context", "header", False),
        ("file_offset", "query", False),
        *((flag, "query", False) for flag in RETURNED),
    }


def test_the_paging_words_are_real() -> None:
    """`x-pagination` names an integer parameter that starts at 0, an array of the answer, and a boolean of it."""
    words = OPERATION["x-pagination"]
    assert set(words) == {"offset", "items", "more"}
    (offset,) = (p for p in map(resolve, OPERATION["parameters"]) if p["name"] == words["offset"])
    assert (offset["in"], offset["schema"]["type"], offset["schema"]["default"]) == ("query", "integer", 0)
    answer = SCHEMAS["RunResults"]
    assert answer["properties"][words["items"]]["type"] == "array"
    assert answer["properties"][words["more"]]["type"] == "boolean"
    assert {words["items"], words["more"]} <= set(answer["required"])


def test_the_list_of_runs_is_an_addition() -> None:
    """The list is marked as ours, ends with an empty page, and shares the header and the statuses of the results."""
    assert (LIST["x-addition"], "x-addition" in OPERATION) == (True, False)
    words = LIST["x-pagination"]
    assert words == {"offset": "offset", "items": "runs", "end": "empty"}
    parameters = {p["name"]: p for p in map(resolve, LIST["parameters"])}
    assert {name for name, p in parameters.items() if p["in"] != "query"} == {"IB-Context"}
    assert not any(p.get("required") for p in parameters.values())
    assert parameters["offset"]["schema"] == resolve(OPERATION["parameters"][-1])["schema"]
    lists = {name for name, p in parameters.items() if resolve(p["schema"])["type"] == "array"}
    assert lists == {"status", "output_workspaces"}
    items = SCHEMAS["RunList"]["properties"][words["items"]]["items"]
    assert SCHEMAS[name_of(items)]["properties"]["status"] == {"$ref": "#/components/schemas/RunStatus"}


def test_the_statuses() -> None:
    """The spec names the six statuses of the vendor's page, and says that there may be more."""
    assert set(SCHEMAS["RunStatus"]["enum"]) == STATUSES
    assert SCHEMAS["RunStatus"]["x-extensible-enum"] is True


def kind(node: dict[str, Any]) -> str:
    """A property's type in the words of TYPES."""
    if "anyOf" in node:
        value, null = node["anyOf"]
        assert null == {"type": "null"}
        return f"{kind(value)}?"
    if "$ref" in node:
        return name_of(node)
    types = node["type"] if isinstance(node["type"], list) else [node["type"]]
    (name,) = (name for name in types if name != "null")
    if name == "array":
        return f"{kind(node['items'])}[]" + ("?" if "null" in types else "")
    bounds = node.get("format"), node.get("minimum"), node.get("maximum")
    words = {
        ("integer", "int64", 0, 2**63 - 1): "int64",
        ("integer", "int32", 0, 2**31 - 1): "index",
        ("number", "double", None, None): "double",
        ("number", "double", 0, None): "size",
    }
    word = words.get((name, *bounds), name if bounds == (None, None, None) else f"{name} {bounds}")
    return word + ("?" if "null" in types else "")


def test_every_property_has_its_type() -> None:
    """Every schema has the properties, types, bounds, nulls and required keys that are known of the operation."""
    known: dict[str, set[str]] = {}
    for line in TYPES.strip().splitlines():
        name, _, properties = line.partition(": ")
        known.setdefault(name, set()).update(properties.split(" | ") if properties != "{}" else ())
    written = {
        name: {
            f"{key} {kind(node)}" + ("!" if key in schema.get("required", ()) else "")
            for key, node in schema.get("properties", {}).items()
        }
        for name, schema in SCHEMAS.items()
        if schema["type"] == "object"
    }
    assert written == known


def test_what_is_free_of_form() -> None:
    """Exactly what has no properties says that it is free of form, and no schema refuses keys that it does not name."""
    assert {name for name, schema in SCHEMAS.items() if schema.get("additionalProperties") is True} == {
        name for name, schema in SCHEMAS.items() if schema["type"] == "object" and "properties" not in schema
    }
    assert not [name for name, schema in SCHEMAS.items() if schema.get("additionalProperties") is False]


@pytest.mark.parametrize(
    "node",
    [
        SCHEMAS["RunResults"]["properties"]["start_timestamp"],
        SCHEMAS["RunResults"]["properties"]["finish_timestamp"],
        SPEC["components"]["parameters"]["FileOffset"]["schema"],
    ],
    ids=["start_timestamp", "finish_timestamp", "file_offset"],
)
def test_int64_is_exact(node: dict[str, Any]) -> None:
    """A 64-bit number reaches from 0 to the largest int64, and not one further, to the last digit."""
    # A float would round the last digits, and `==` would not tell.
    assert (type(node["minimum"]), type(node["maximum"])) == (int, int)
    checker = validator(node)
    assert [checker.is_valid(value) for value in (-1, 0, 2**63 - 1, 2**63)] == [False, True, True, False]


# --- The names ------------------------------------------------------------------------------------------------

NAME = SCHEMAS["ApiFieldName"]
# The spec's `$` is the very end of the text, as in ECMA-262; Python's also stands before a last line break.
PATTERN = re.compile(re.sub(r"\$$", r"\\Z", NAME["pattern"]))
PATTERN_ALONE = [
    jsonschema_rs.validator_for({"type": "string", "pattern": NAME["pattern"]}, pattern_options=engine)
    for engine in (jsonschema_rs.RegexOptions(), jsonschema_rs.FancyRegexOptions())
]
IN_FULL = validator({"$ref": "#/components/schemas/ApiFieldName"})
RULE = Contract(SPEC).field_name_rule

# Dense in what patterns trip over: the edges of the ASCII ranges, line breaks, and letters that only Unicode knows.
EDGES = st.sampled_from("_aZ09/:@[^`{~\x00\x7f\n é·²٣℘😀")
NAMES_GIVEN = st.text(alphabet=EDGES | st.characters(), max_size=8)
# A lone surrogate is no text that JSON in UTF-8 can carry, so only a project's name can hold one.
TEXTS = st.text(alphabet=EDGES | st.characters(codec="utf-8"), max_size=8)


def by_pattern(text: str) -> bool:
    """What the pattern says of a text, in which three engines must agree."""
    verdicts = {PATTERN.match(text) is not None, *(engine.is_valid(text) for engine in PATTERN_ALONE)}
    assert len(verdicts) == 1
    return verdicts.pop()


def test_the_rule_has_examples() -> None:
    """The rule's examples are those of the vendor's page and the empty name, and the schema shows what they become."""
    assert NAME["x-field-name-rule"]["examples"] == {**NAMES, "": "_"}
    assert NAME["examples"] == list(NAMES.values())


@pytest.mark.parametrize(("name", "api_name"), NAME["x-field-name-rule"]["examples"].items())
def test_the_rule_is_understood_alike(name: str, api_name: str) -> None:
    """What the rule's examples say is what the client's `sanitize` does and what the server reads out of the steps."""
    assert sanitize(name) == api_name
    assert RULE(name) == api_name
    assert IN_FULL.is_valid(api_name)


@given(NAMES_GIVEN)
@example("3rd_party's")
@example("a\ud800")
@example("a\n")
def test_client_and_server_make_the_same_name(name: str) -> None:
    """Client and server, which share no code, make the same API name of every name, and the contract accepts it."""
    api_name = sanitize(name)
    assert api_name == RULE(name)
    assert by_pattern(api_name)
    assert IN_FULL.is_valid(api_name)


@given(TEXTS)
@example("a\n")
@example("")
def test_the_pattern_refuses_no_name(text: str) -> None:
    """What the portable pattern does not match is no identifier, and the full format accepts identifiers alone."""
    assert by_pattern(text) or not text.isidentifier()
    assert IN_FULL.is_valid(text) == text.isidentifier()


@given(TEXTS)
def test_the_pattern_is_exact_but_for_unicode(text: str) -> None:
    """The pattern is the identifier rule in which every character beyond ASCII counts as a letter."""
    assert by_pattern(text) == re.sub(r"[^\x00-\x7F]", "é", text).isidentifier()


def test_the_pattern_is_exact_for_ascii() -> None:
    """Over every ASCII text of one or two characters, the pattern and Python agree on what is a name."""
    ascii_characters = [chr(code) for code in range(128)]
    texts = ascii_characters + [first + second for first in ascii_characters for second in ascii_characters]
    wrong = [text for text in texts if (PATTERN.match(text) is not None) != text.isidentifier()]
    assert wrong == []
    assert sum(map(str.isidentifier, texts)) == 53 + 53 * 63

"""The boundary from bytes to models: drift is reported with its place, and nothing that fits is lost."""

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results import UNSET, Drift, Include, RunResults, RunStatus
from run_results.answer import decode, error_message, excerpt, parse
from run_results.answer_checks import check_answer
from run_results.errors import MalformedResponseError, RunResultsError
from run_results_conformance.strategies import responses

PAGE: dict[str, Any] = {
    "id": "r",
    "status": "COMPLETE",
    "message": None,
    "start_timestamp": 1756256319482113024,
    "finish_timestamp": None,
    "files": [
        {
            "input_file_path": "a.pdf",
            "documents": [
                {
                    "class_name": "W-2",
                    "page_numbers": [0, 1],
                    "class_edit_history": [{"timestamp": "08/27/2025 00:58:39", "user_id": "u"}],
                    "fields": [
                        {"field_name": "a", "value": "1", "confidence": {"model": 0.5, "ocr": None}},
                        {"field_name": "b", "value": "2"},
                    ],
                    "page_layouts": [{"page_number": 0, "width": 1, "height": 2.5}],
                }
            ],
        },
        {"input_file_path": "b.pdf"},
    ],
    "keys": {"custom": {"anything": [1, None, {"x": True}]}},
    "case_info": {"fields": [{"name": "n", "value": "v", "chosen_field": None}]},
    "has_more": False,
}


def put(path: list[str | int], value: Any) -> dict[str, Any]:
    """A copy of the page with another value in one place; `...` takes the key away."""
    changed: Any = copy.deepcopy(PAGE)
    target = changed
    for step in path[:-1]:
        target = target[step]
    if value is ...:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return dict(changed)


DOCUMENT: list[str | int] = ["files", 0, "documents", 0]
FIELD: list[str | int] = [*DOCUMENT, "fields", 0]
DRIFTS: dict[str, tuple[list[str | int], Any, str, str]] = {
    "null for a string": ([*FIELD, "value"], None, "$.files[0].documents[0].fields[0].value", "string"),
    "number for a string": ([*FIELD, "value"], 12.5, "$.files[0].documents[0].fields[0].value", "string"),
    "number for a nullable string": (["message"], 3, "$.message", "null or string"),
    "null for an object": ([*FIELD, "confidence"], None, "$.files[0].documents[0].fields[0].confidence", "object"),
    "array for an object": (["keys"], [], "$.keys", "object"),
    "object for an array": ([*DOCUMENT, "fields"], {"a": 1}, "$.files[0].documents[0].fields", "array"),
    "null in an array": ([*DOCUMENT, "fields", 1], None, "$.files[0].documents[0].fields[1]", "object"),
    "string for a number": ([*FIELD, "confidence", "model"], "high", "$.files[0].documents[0].fields[0].confidence.model", "number or null"),
    "string in an array of integers": ([*DOCUMENT, "page_numbers", 1], "1", "$.files[0].documents[0].page_numbers[1]", "integer (>= 0, <= 2147483647)"),
    "fraction for an integer": (["start_timestamp"], 1.5, "$.start_timestamp", "integer (>= 0, <= 9223372036854775807)"),
    "boolean for an integer": (["start_timestamp"], True, "$.start_timestamp", "integer (>= 0, <= 9223372036854775807)"),
    "beyond int64": (["start_timestamp"], 2**63, "$.start_timestamp", "integer (>= 0, <= 9223372036854775807)"),
    "negative": (["finish_timestamp"], -1, "$.finish_timestamp", "integer (>= 0, <= 9223372036854775807) or null"),
    "unknown status": (["status"], "ARCHIVED", "$.status", "a status that the contract names"),
    "null status": (["status"], None, "$.status", "a status that the contract names"),
    "has_more missing": (["has_more"], ..., "$.has_more", "boolean, which is required"),
    "required key missing": ([*DOCUMENT, "page_layouts", 0, "width"], ..., "$.files[0].documents[0].page_layouts[0].width", "number (>= 0), which is required"),
    "object for nullable object": (["case_info", "fields", 0, "chosen_field"], "x", "$.case_info.fields[0].chosen_field", "object or null"),
}  # fmt: skip


@pytest.mark.parametrize("name", DRIFTS)
def test_drift_says_where_what_was_expected_and_what_came(name: str) -> None:
    """One value that does not fit gives one entry with its JSON path; everything else is delivered as before."""
    path, value, place, expected = DRIFTS[name]
    body = json.dumps(put(path, value)).encode()
    run, drift = decode(body)
    assert [(entry.path, entry.expected) for entry in drift] == [(place, expected)]
    assert drift[0].got is UNSET if value is ... else drift[0].got == value
    assert place in str(drift[0])
    assert [file.input_file_path for file in run.files] == ["a.pdf", "b.pdf"]
    if path[:1] == ["status"]:
        assert run.status is UNSET or run.status == value
    else:
        assert run.status is RunStatus.COMPLETE


def test_every_place_is_reported_and_not_only_the_first() -> None:
    """Three values that do not fit give three entries, in the order of the contract's properties."""
    changed = put([*FIELD, "value"], 1)
    changed["start_timestamp"] = "yesterday"
    changed["files"][0]["documents"][0]["fields"][1]["type"] = []
    _, drift = decode(json.dumps(changed).encode())
    assert sorted(entry.path for entry in drift) == [
        "$.files[0].documents[0].fields[0].value",
        "$.files[0].documents[0].fields[1].type",
        "$.start_timestamp",
    ]


def _times_that_cannot_be(**changes: Any) -> list[tuple[str, str]]:
    answer = {
        "id": "r",
        "status": "COMPLETE",
        "start_timestamp": 1756256319482113024,
        "finish_timestamp": None,
        **changes,
    }
    run, broken = decode(json.dumps(answer | {"files": [], "has_more": False}).encode())
    return [(entry.path, entry.expected) for entry in check_answer(run, Include.NONE, broken or ())]


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
@pytest.mark.parametrize("review", [{}, {"review_completed": True}, {"review_completed": False}])
def test_a_run_that_failed_or_was_cancelled_has_finished(status: str, review: dict[str, bool]) -> None:
    """A null finish time of such a run is drift, whatever its review; without the key nothing is said that is wrong."""
    found = _times_that_cannot_be(status=status, **review)
    assert found == [("$.finish_timestamp", f"a moment, as the run is {status}")]
    assert _times_that_cannot_be(status=status, finish_timestamp=1756256319482113025, **review) == []
    run, _ = decode(json.dumps({"id": "r", "status": status, "files": [], "has_more": False}).encode())
    assert check_answer(run, Include.NONE, ()) == ()


def test_a_complete_run_under_review_may_have_no_finish_time() -> None:
    """COMPLETE with a null finish time fits the contract only where `review_completed` is false."""
    assert _times_that_cannot_be(review_completed=False) == []
    for review in ({"review_completed": True}, {}):
        assert _times_that_cannot_be(**review) == [("$.finish_timestamp", "a moment, as the run is COMPLETE")]


def test_half_a_surrogate_pair_is_delivered_with_a_mark_in_its_place() -> None:
    """JSON can spell text that UTF-8 cannot hold: it is drift, and what is delivered can be written anywhere."""
    changed = put([*FIELD, "value"], "a\ud800b")
    changed["keys"]["custom"]["\udfff"] = ["\U0001f600", "\ude00\ud83d"]
    run, drift = decode(json.dumps(changed).encode())
    assert {(entry.path, entry.expected) for entry in drift} == {
        ("$.files[0].documents[0].fields[0].value", "text that can be encoded"),
        ("$.keys.custom", "text that can be encoded"),
        ('$.keys.custom["\\udfff"][1]', "text that can be encoded"),
    }
    again = json.loads(run.to_json())
    assert again["files"][0]["documents"][0]["fields"][0]["value"] == "a\ufffdb"
    assert again["keys"]["custom"]["\ufffd"] == ["\U0001f600", "\ufffd\ufffd"]
    assert parse(json.dumps(changed).encode()) == changed


def test_a_number_beyond_a_double_is_drift_and_not_infinity() -> None:
    """It stays readable in full, and no attribute holds something else."""
    body = json.dumps(PAGE).replace("2.5", "1e999").encode()
    run, drift = decode(body)
    assert [(entry.path, str(entry.got)) for entry in drift] == [
        ("$.files[0].documents[0].page_layouts[0].height", "1e999")
    ]
    assert b"1e999" not in run.to_json()


@pytest.mark.parametrize("name", ["due date", "", "3rd", "a-b", "x\u00b2", "a\n"])
def test_a_field_name_that_is_no_variable_name_is_drift(name: str) -> None:
    """The field keeps the name as it came, and the drift says so, in documents and among cross-class fields."""
    for path in ([*FIELD, "field_name"], ["case_info", "fields", 0, "name"]):
        run, drift = decode(json.dumps(put(path, name)).encode())
        assert [(entry.expected, entry.got) for entry in drift] == [("an API field name", name)]
        assert json.dumps(name).encode() in run.to_json() or name in run.to_json().decode()


def test_items_behind_a_broken_one_keep_their_index() -> None:
    """A null among the fields leaves an empty field in its place."""
    run, _ = decode(json.dumps(put([*DOCUMENT, "fields", 0], None)).encode())
    documents = run.files[0].documents
    assert documents
    fields = documents[0].fields
    assert fields
    assert [field.field_name for field in fields] == [UNSET, "b"]


def test_what_the_contract_does_not_name_is_passed_over() -> None:
    """Unknown keys anywhere are no drift."""
    changed = put([*FIELD, "colour"], "red")
    changed["new"] = {"deep": [1]}
    run, drift = decode(json.dumps(changed).encode())
    assert not drift
    assert run.to_dict() == {**PAGE, "files": PAGE["files"]}


def test_an_integer_may_be_written_as_a_float() -> None:
    """JSON Schema counts 1.0 as an integer, so it is no drift and arrives as an integer."""
    run, drift = decode(json.dumps(put([*DOCUMENT, "page_numbers"], [0, 1.0, 2e0])).encode())
    assert not drift
    documents = run.files[0].documents
    assert documents
    assert documents[0].page_numbers == [0, 1, 2]


def test_a_byte_order_mark_is_passed_over() -> None:
    """Right JSON behind a byte order mark is right JSON."""
    run, drift = decode(b"\xef\xbb\xbf" + json.dumps(PAGE).encode())
    assert (run.to_dict(), drift) == (PAGE, None)


# Texts that are not quite JSON ----------------------------------------------------------------------------------

# More than a double holds, than a decimal holds, and than Python reads.
HUGE = ["1e999", "-1e999", "1e" + "9" * 23, "9" * 5000]

LEAST = json.dumps({"id": "r", "status": "COMPLETE", "files": [], "has_more": False, "keys": {"custom": {}}})


def text_with(old: str, new: str | bytes) -> bytes:
    """The least answer's text with a part replaced."""
    before, found, after = LEAST.partition(old)
    assert found
    return before.encode() + (new if isinstance(new, bytes) else new.encode()) + after.encode()


NO_JSON = {
    "nothing": b"",
    "an HTML page": b"<!doctype html><title>502</title>",
    "cut off": LEAST[:-1].encode(),
    "more behind": LEAST.encode() + b" {}",
    "comma at the end": LEAST[:-1].encode() + b",}",
    "single quotes": LEAST.replace('"', "'").encode(),
    "NaN": text_with("{}", '{"a": NaN}'),
    "infinity": text_with("{}", '{"a": -Infinity}'),
    "leading zero": text_with("{}", '{"a": 01}'),
    "bare control character": text_with('"r"', '"\x01"'),
    "bad escape": text_with('"r"', r'"\x"'),
    "UTF-16": LEAST.encode("utf-16"),
    "Latin-1 in a value": text_with('"r"', b'"\xe9"'),
    "Latin-1 in a free key": text_with("{}", b'{"\xe9": 1}'),
    # JSON by its grammar, which lets a parser set limits (RFC 8259, 9).
    "too deep": text_with("{}", '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"),
}


def look(body: bytes) -> tuple[RunResults, list[Drift]]:
    """What the decoder makes of a body, and where it says that the contract was broken."""
    run, drift = decode(body)
    return run, [place for place in drift or () if place.is_breach]


@pytest.mark.parametrize("name", sorted(NO_JSON))
def test_what_is_no_json_is_one_typed_error(name: str) -> None:
    """What is no JSON, or none that can be relied on, is malformed, with the reason and a bounded excerpt."""
    said = {"an HTML page": "an HTML page", "too deep": "nested too deeply", "Latin-1 in a value": "utf-8"}
    with pytest.raises(MalformedResponseError, match=said.get(name)) as caught:
        decode(NO_JSON[name])
    assert len(caught.value.excerpt) <= 500
    assert len(str(caught.value)) < 600
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("number", HUGE, ids=lambda number: number[:9])
def test_a_number_beyond_every_range_keeps_its_digits(number: str) -> None:
    """A number that Python cannot hold keeps its digits where anything may stand, and is a breach elsewhere."""
    body = text_with("{}", f'{{"a": {number}}}')
    run, breaches = look(body)
    assert breaches == []
    assert run.keys
    assert run.keys.custom
    assert str(run.keys.custom["a"]) == str(parse(body)["keys"]["custom"]["a"]) == number
    assert run.to_dict()
    assert run.to_json()
    _, breaches = look(text_with('"files": []', f'"files": [], "start_timestamp": {number}'))
    assert [place.path for place in breaches] == ["$.start_timestamp"]
    layout = f'"files": [{{"documents": [{{"page_layouts": [{{"page_number": 0, "width": {number}, "height": 1}}]}}]}}]'
    _, breaches = look(text_with('"files": []', layout))
    assert [place.path for place in breaches] == ["$.files[0].documents[0].page_layouts[0].width"]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("status", ["COMPLETE", "ODD"])
@pytest.mark.parametrize("depth", [10, 100, 450, 600, 900, 1100, 100_000])
def test_a_free_part_of_any_depth_is_kept_or_refused(depth: int, status: str, opening: str) -> None:
    """However deep a free part is nested, beside drift or not, it is kept or the body is malformed."""
    nested = opening * depth + "1" + {"[": "]"}.get(opening, "}") * depth
    body = text_with('"COMPLETE"', f'"{status}"').replace(b"{}", b'{"a":%s}' % nested.encode())
    try:
        run, breaches = look(body)
    except MalformedResponseError:
        assert depth > 200
    else:
        assert len(breaches) == (status == "ODD")
        assert run.to_dict() == parse(body)


@given(st.data(), responses(extra=True))
def test_damaged_text_ends_in_the_family(data: st.DataObject, answer: dict[str, Any]) -> None:
    """A body with any byte changed, taken out or put in ends in a page or in an error of the family."""
    body = bytearray(json.dumps(answer, ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    with suppress(RunResultsError):
        run, breaches = look(bytes(body))
        assert isinstance(run, RunResults)
        assert breaches or run.to_json()
    with suppress(RunResultsError):
        parse(bytes(body))
    assert len(excerpt(bytes(body))) <= 500
    assert isinstance(error_message(bytes(body)), str | None)

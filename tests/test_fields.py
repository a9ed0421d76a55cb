"""Documents and fields with their places and marks, and the problems of a page, against plain loops over JSON."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from run_results import Field, RunResults, failed, problems
from run_results.fields import case_fields, documents, fields, is_edited, is_invalid, is_invalid_document, lowest_score
from run_results_api.models import CaseField, FieldConfidence
from run_results_conformance.strategies import responses

Json = dict[str, Any]


@given(responses(), st.integers(0, 10_000))
def test_every_document_and_field_has_its_place(answer: Json, offset: int) -> None:
    """Each document and field comes once, in order, with its indexes in the run; so does a file that has none."""
    run = RunResults.from_dict(answer)
    expected_documents, expected_fields = [], []
    for file_index, file in enumerate(answer["files"], offset):
        for index, document in enumerate(file.get("documents") or [None]):
            where = (file_index, None if document is None else index)
            expected_documents.append(where)
            found = (document or {}).get("fields") or [None]
            expected_fields += [
                (*where, None if field is None else at, (field or {}).get("field_name"))
                for at, field in enumerate(found)
            ]
    assert [(place.file_index, place.document_index) for place in documents(run, offset)] == expected_documents
    assert [
        (place.file_index, place.document_index, place.field_index, place.api_name) for place in fields(run, offset)
    ] == expected_fields


@given(responses())
def test_marks_are_those_of_the_answer(answer: Json) -> None:
    """A field is failed, invalid or edited exactly where the JSON of the answer says so."""
    run = RunResults.from_dict(answer)
    given_fields = [each for place in documents(run) for each in place.document.to_dict().get("fields", [])]
    found = [place.field for place in fields(run) if place.field_index is not None]
    for field, given_field in zip(found, given_fields, strict=True):
        assert failed(field) == (given_field.get("value") == "ERROR" or bool(given_field.get("error_msg")))
        assert is_invalid(field) == (given_field.get("validations", {}).get("valid") is False)
        assert is_edited(field) == bool(given_field.get("edit_history"))
        known = [score for score in given_field.get("confidence", {}).values() if score is not None]
        assert lowest_score(field) == (min(known) if known else None)


@given(responses())
def test_every_problem_is_listed_at_its_level(answer: Json) -> None:
    """`problems` has each failed and invalid thing of the page, and nothing else, with its place."""
    run = RunResults.from_dict(answer)
    found = problems(run, 7)
    extraction = {
        (one.level, one.file_index, one.document_index, one.field_index) for one in found if one.kind == "extraction"
    }
    invalid = {
        (one.level, one.file_index, one.document_index, one.field_index) for one in found if one.kind == "validation"
    }
    places = [place for place in fields(run, 7) if place.field_index is not None]
    where = [("field", place.file_index, place.document_index, place.field_index) for place in places]
    cases = [("class", None, None, index) for index, _ in enumerate(case_fields(run))]
    marked = [*zip(where, (place.field for place in places), strict=True), *zip(cases, case_fields(run), strict=True)]
    assert extraction == {place for place, field in marked if failed(field)}
    assert {place for place in invalid if place[3] is not None} == {
        place for place, field in marked if is_invalid(field)
    }
    assert {place[1:3] for place in invalid if place[3] is None} == {
        (each.file_index, each.document_index) for each in documents(run, 7) if is_invalid_document(each.document)
    }
    unclassified = [(one.file_index, one.document_index) for one in found if one.kind == "classification"]
    assert unclassified == [
        (each.file_index, each.document_index) for each in documents(run, 7) if each.document.class_name is None
    ]
    assert all(one.message for one in found)


def test_a_score_that_is_not_known_does_not_count() -> None:
    """The lowest score is that of the known ones; a cross-class field has none."""
    assert lowest_score(Field(confidence=FieldConfidence(model=None, ocr=0.25))) == 0.25
    assert lowest_score(Field(confidence=FieldConfidence(model=None))) is None
    assert lowest_score(Field()) is None
    assert lowest_score(CaseField(name="a", value="b")) is None

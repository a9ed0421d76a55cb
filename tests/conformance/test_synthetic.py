"""Computed runs: the same everywhere, of any size, and as awkward as real ones."""

import hashlib
import json
import time
import tracemalloc
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from run_results_conformance import Contract, SyntheticRun


def dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def documents_of(run: SyntheticRun) -> list[dict[str, Any]]:
    return [document for file in run.files(0, run.file_count) for document in file["documents"]]


_NAMES = """
    id status message start_timestamp finish_timestamp batch_id keys custom case_info review_completed files
    original_file_name input_file_path documents class_name page_numbers fields page_layouts width height
    post_processed_paths post_processed_pdf_path class_edit_history classification_confidence final_result_pass
    field_name name value type error_msg source_coordinates top_x top_y bottom_x bottom_y page_number
    confidence model ocr validations valid alerts alert_level msg blocked locations field failures
    edit_history timestamp user_id modifications input_fields chosen_field record_index refined_phrase_name
    loan_number branch city code tags größe
"""
KNOWN = frozenset(_NAMES.split())


def only_known(value: Any) -> Any:
    """The value without keys that are not `KNOWN`."""
    if isinstance(value, dict):
        return {key: only_known(part) for key, part in value.items() if key in KNOWN}
    return [only_known(part) for part in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def large() -> SyntheticRun:
    return SyntheticRun(7, 400)


class TestDeterminism:
    @given(st.integers(0, 2**80), st.integers(0, 10**15))
    def test_file_by_itself(self, seed: int, index: int) -> None:
        """A file depends on the seed and its index alone, not on the size, the slice or what was made before."""
        small, large = (
            SyntheticRun(seed, index + 1, run_id="r"),
            SyntheticRun(seed, 2 * index + 5, run_id="r"),
        )
        assert small.file(index) == large.files(index, index + 3)[0]

    def test_known_answer(self) -> None:
        """The same seed gives the same bytes on every machine and in every Python version.

        Properties that came later are left out: they must not change what a seed gives for the others.
        """
        run = SyntheticRun(2025, 30)
        known = dump(only_known({**run.header, "files": run.files(0, 30)}))
        digest = hashlib.sha256(known).hexdigest()
        assert digest == "586c0a15070ed77278b6b821b17ba9e34c2412c4fb977cf8462e29b7f4f5c2d2"

    @given(st.integers(0, 2**70), st.integers(0, 2**70))
    def test_seeds_differ(self, one: int, other: int) -> None:
        """Another seed is another run, and no two files of a run are the same."""
        first = SyntheticRun(one, 2, run_id="r")
        assert first.file(0)["original_file_name"] != first.file(1)["original_file_name"]
        assert (one == other) == (first.header == SyntheticRun(other, 2, run_id="r").header)


class TestShape:
    @settings(deadline=None, max_examples=30)
    @given(
        seed=st.integers(0, 10**6),
        status=st.sampled_from(["CANCELLED", "COMPLETE", "FAILED", "PAUSED", "RUNNING", "STOPPED_AT_CHECKPOINT"]),
        documents=st.none() | st.integers(0, 3),
        fields=st.none() | st.integers(0, 30),
        collisions=st.booleans(),
    )
    def test_fits(
        self,
        contract: Contract,
        seed: int,
        status: str,
        documents: int | None,
        fields: int | None,
        collisions: bool,
    ) -> None:
        """Every run has the shape of a run with every part that a flag can promise."""
        run = SyntheticRun(
            seed,
            5,
            status=status,
            documents_per_file=documents,
            fields_per_document=fields,
            collisions=collisions,
        )
        jsonschema_rs.validate(contract.run_schema, {**run.header, "files": run.files(0, 5)})
        assert run.header["status"] == status
        finished = status in ("CANCELLED", "COMPLETE", "FAILED")
        assert (run.header["finish_timestamp"] is not None) is finished
        for file in run.files(0, 5):
            assert documents is None or len(file["documents"]) == documents
            assert fields is None or all(len(document["fields"]) == fields for document in file["documents"])

    def test_pages(self, large: SyntheticRun) -> None:
        """Documents divide the pages of their file, and every box lies on a page of its document."""
        for file in large.files(0, large.file_count):
            pages = [page for document in file["documents"] for page in document["page_numbers"]]
            assert pages == list(range(len(pages)))
            for document in file["documents"]:
                layouts = {layout["page_number"]: layout for layout in document["page_layouts"]}
                assert list(layouts) == document["page_numbers"]
                for box in (box for part in document["fields"] for box in part["source_coordinates"]):
                    layout = layouts[box["page_number"]]
                    assert 0 <= box["top_x"] < box["bottom_x"] <= layout["width"]
                    assert 0 <= box["top_y"] < box["bottom_y"] <= layout["height"]

    def test_edits(self) -> None:
        """Edits are dated as the platform dates them, oldest first, and only reviewed documents have any."""
        documents = documents_of(SyntheticRun(7, 400, status="RUNNING"))
        histories = {True: list[Any](), False: list[Any]()}
        for document in documents:
            of_fields = [part["edit_history"] for part in document["fields"]]
            histories[document["review_completed"]] += [document["class_edit_history"], *of_fields]
        assert not any(histories[False])
        assert sum(map(len, histories[True])) > 20
        for history in histories[True]:
            # The platform does not say the time zone, so neither does the test.
            times = [time.strptime(edit["timestamp"], "%m/%d/%Y %H:%M:%S") for edit in history]
            assert times == sorted(times)

    def test_case_fields(self, large: SyntheticRun) -> None:
        """A cross-class field's options are fields that exist, and its value is the chosen one's."""
        documents = documents_of(SyntheticRun(7, 5))
        chosen = 0
        for part in large.header["case_info"]["fields"]:
            for option in part["input_fields"]:
                names = [field["field_name"] for field in documents[option["record_index"]]["fields"]]
                assert option["refined_phrase_name"] in names
            if part["chosen_field"] is None:
                assert (part["value"], part["validations"]["valid"]) == ("ERROR", False)
            else:
                chosen += 1
                source = documents[part["chosen_field"]["record_index"]]["fields"]
                assert part["chosen_field"] in part["input_fields"]
                assert [field["value"] for field in source].count(part["value"]) >= 1
        assert 0 < chosen < len(large.header["case_info"]["fields"])


class TestAwkwardness:
    def test_everything_occurs(self, large: SyntheticRun) -> None:
        """What makes real results awkward occurs in a few hundred files, and stays the exception."""
        files = large.files(0, large.file_count)
        documents = documents_of(large)
        fields = [part for document in documents for part in document["fields"]]
        total = len(fields)
        seen = {
            "file without documents": sum(not file["documents"] for file in files) / len(files),
            "several documents": sum(len(file["documents"]) > 1 for file in files) / len(files),
            "unclassified": sum(document["class_name"] is None for document in documents) / len(documents),
            "document without fields": sum(not document["fields"] for document in documents) / len(documents),
            "several pages": sum(len(document["page_numbers"]) > 1 for document in documents) / len(documents),
            "class edited": sum(bool(document["class_edit_history"]) for document in documents) / len(documents),
            "document fails": sum(not document["validations"]["final_result_pass"] for document in documents)
            / len(documents),
            "failed": sum(part["value"] == "ERROR" for part in fields) / total,
            "empty value": sum(part["value"] == "" for part in fields) / total,
            "null confidence": sum(part["confidence"]["model"] is None for part in fields) / total,
            "null OCR": sum(part["confidence"]["ocr"] is None for part in fields) / total,
            "low confidence": sum((part["confidence"]["model"] or 1) < 0.5 for part in fields) / total,
            "edited": sum(bool(part["edit_history"]) for part in fields) / total,
            "several boxes": sum(len(part["source_coordinates"]) > 1 for part in fields) / total,
            "alerts": sum(bool(part["validations"]["alerts"]) for part in fields) / total,
            "not ASCII": sum(not part["value"].isascii() for part in fields) / total,
            "empty error": sum(part.get("error_msg") == "" for part in fields) / total,
        }
        assert {what: share for what, share in seen.items() if not 0.001 < share < 0.6} == {}
        assert all(bool(part.get("error_msg")) == (part["value"] == "ERROR") for part in fields)
        messages = [
            change["message"] for part in fields for edit in part["edit_history"] for change in edit["modifications"]
        ]
        assert None in messages

    def test_names(self, large: SyntheticRun) -> None:
        """The project's names hold underscores, apostrophes, first digits, spaces, and letters of many
        scripts.
        """
        names = [name for names in large.project_names().values() for name in names]
        for what in ("_", "'", " ", "é", "合", "№", "😀"):
            assert any(what in name for name in names), what
        assert any(name[0].isdigit() for name in names)
        assert any(name.startswith("_") and "__" in name for name in names)
        assert "class" in names

    @settings(deadline=None, max_examples=20)
    @given(st.none() | st.integers(0, 400))
    def test_names_do_not_meet(self, contract: Contract, fields: int | None) -> None:
        """No two names of a class meet under the rule, over either alphabet, however many there are."""
        rule = contract.field_name_rule
        for names in SyntheticRun(fields_per_document=fields).project_names().values():
            for each in (rule, rule.with_alphabet("ascii-identifier")):
                assert len({each(name) for name in names}) == len(names)

    def test_collisions(self, contract: Contract) -> None:
        """Where collisions are asked for, every class has names that meet."""
        for names in SyntheticRun(collisions=True).project_names().values():
            assert len(set(names)) == len(names) > len({contract.field_name_rule(name) for name in names})


class TestCost:
    def test_memory(self) -> None:
        """A run of a quadrillion files takes no more memory than its page."""
        tracemalloc.start()
        try:
            run = SyntheticRun(1, 10**15)
            assert len(run.files(10**15 - 3, 10**15)) == 3
            assert run.header["id"] == "synthetic-1"
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 1_000_000

    def test_heavy_page(self, contract: Contract) -> None:
        """The documented arguments make a page of about 4 MB."""
        run = SyntheticRun(seed=1, files=1_000, documents_per_file=4, fields_per_document=65)
        page = contract.project({**run.header, "files": run.files(0, 50)}, frozenset(contract.flags))
        assert 3.5 < len(dump(page)) / 1e6 < 4.6

    @pytest.mark.parametrize(
        "arguments", [{"seed": -1}, {"files": -1}, {"status": "DONE"}, {"fields_per_document": -1}]
    )
    def test_bad_arguments(self, arguments: dict[str, Any]) -> None:
        """Arguments that make no run are refused."""
        with pytest.raises(ValueError, match="must be"):
            SyntheticRun(**arguments)

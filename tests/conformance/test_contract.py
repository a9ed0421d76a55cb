"""What is read from the contract, and that it is the contract that decides."""

import ast
import copy
import json
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from run_results_conformance.server.contract import Contract, load_contract
from run_results_conformance.server.name_rule import FieldNameRule
from run_results_conformance.server.terms import BadParameter, SpecError

RULE = load_contract().field_name_rule
# Names as projects have them, with every kind of character that a rule could trip over.
NAMES = st.text(alphabet=st.one_of(st.sampled_from("_ '-/09aZé²٣·ªᢅ℘한😀\n\x00"), st.characters()), max_size=12)


def is_letter(character: str) -> bool:
    """UAX 31's ID_Start, from the general categories. U+2E2F is a letter that is kept for syntax."""
    if character == "\u2e2f":
        return False
    return unicodedata.category(character) in {"Lu", "Ll", "Lt", "Lm", "Lo", "Nl"} or character in "ᢅᢆ℘℮゛゜"


def is_letter_or_digit(character: str) -> bool:
    """UAX 31's ID_Continue, from the general categories."""
    others = "\u00b7\u0387\u1369\u136a\u136b\u136c\u136d\u136e\u136f\u1370\u1371\u19da"
    return is_letter(character) or unicodedata.category(character) in {"Mn", "Mc", "Nd", "Pc"} or character in others


def may_start(character: str) -> bool:
    """Python's own definition: XID_Start is ID_Start that stays one under NFKC; and the underscore."""
    if not is_letter(character):
        return character == "_"
    folded = unicodedata.normalize("NFKC", character)
    return is_letter(folded[0]) and all(map(is_letter_or_digit, folded))


def may_follow(character: str) -> bool:
    """The same of XID_Continue and ID_Continue."""
    if not is_letter_or_digit(character):
        return False
    return all(map(is_letter_or_digit, unicodedata.normalize("NFKC", character)))


def by_hand(name: str, *, ascii_only: bool = False) -> str:
    """The three steps of the vendor's page, written out."""
    written = ""
    for character in name:
        fits = may_follow(character) and (character.isascii() or not ascii_only)
        written += "__" if character == "_" else character if fits else "_"
    starts = written != "" and may_start(written[0])
    return written if starts else "_" + written


class TestFieldNameRule:
    def test_spec_examples(self, contract: Contract) -> None:
        """Every example that the rule carries comes out as the rule says."""
        examples = contract.field_name_rule.document["examples"]
        assert len(examples) >= 5
        assert {name: contract.field_name_rule(name) for name in examples} == examples

    @given(NAMES)
    @example("class")
    @example("")
    def test_oracle(self, name: str) -> None:
        """The interpreted steps do what the vendor's page says, for every name and over both alphabets."""
        assert RULE(name) == by_hand(name)
        assert RULE.with_alphabet("ascii-identifier")(name) == by_hand(name, ascii_only=True)

    def test_every_character(self) -> None:
        """Every single character of Unicode is taken or replaced as Python's definition of a name says."""
        # Python versions differ in whether these four may stand inside a name.
        moving = "\u200c\u200d\u30fb\uff65"
        characters = [chr(code) for code in range(sys.maxunicode + 1) if chr(code) not in moving + "_"]
        replaced = RULE("a" + "".join(characters))[1:]
        followers = [character for character in characters if may_follow(character)]
        assert [c for c, found in zip(characters, replaced, strict=True) if c == found != "_"] == followers
        assert set(replaced) - set(followers) == {"_"}
        assert [c for c in followers if RULE(c) == c] == [c for c in followers if may_start(c)]
        assert all(RULE(c) in (c, "_" + c) for c in followers)

    @given(NAMES)
    def test_result_is_a_name(self, name: str) -> None:
        """Every result is a Python name, and an ASCII one where that is asked for."""
        result = RULE(name)
        assert result.isidentifier()
        assert RULE.with_alphabet("ascii-identifier")(name).isascii()
        if not result.startswith("__"):
            ast.parse(f"x.{result}_ = 1")

    @pytest.mark.parametrize(
        "rule",
        [
            {"alphabet": "klingon", "steps": []},
            {"alphabet": "python-identifier", "steps": [{"replace": "_"}]},
            {"alphabet": "python-identifier", "steps": [{"replace": "_", "with": "__", "if": "x"}]},
            {
                "alphabet": "python-identifier",
                "steps": [{"replace-characters-outside": "digits", "with": "_"}],
            },
        ],
    )
    def test_unknown_words(self, rule: dict[str, Any]) -> None:
        """A rule with words that are not understood is an error, not a guess."""
        with pytest.raises(SpecError, match="x-field-name-rule"):
            FieldNameRule.from_spec(rule)

    def test_steps_decide(self) -> None:
        """Another rule in the contract is another rule in the server."""
        rule = FieldNameRule.from_spec({"alphabet": "ascii-identifier", "steps": [{"replace": "b", "with": "é"}]})
        assert rule("abc_") == "aéc_"


class TestParameters:
    @given(st.integers(-(2**70), 2**70))
    @example(0)
    @example(2**63 - 1)
    @example(2**63)
    def test_offset_bounds(self, number: int) -> None:
        """Exactly the integers of the contract's range are offsets."""
        offset = load_contract().parameters["file_offset"]
        if 0 <= number < 2**63:
            assert offset.read([str(number)]) == number
        else:
            with pytest.raises(BadParameter, match="file_offset must be an integer from 0 to"):
                offset.read([str(number)])

    @given(st.text(max_size=6))
    def test_offset_form(self, text: str) -> None:
        """A text is an offset only if it is how that integer is written."""
        offset = load_contract().parameters["file_offset"]
        try:
            assert str(offset.read([text])) == text
        except BadParameter:
            assert not (text.isascii() and text.isdigit() and str(int(text)) == text)

    @given(st.text(alphabet=st.characters(max_codepoint=300), max_size=5))
    @example("a\n")
    def test_context_form(self, text: str) -> None:
        """A context is visible ASCII with spaces only inside."""
        allowed = text != "" and text.strip(" ") == text and all(" " <= character <= "~" for character in text)
        try:
            assert load_contract().parameters["IB-Context"].read([text]) == text
            assert allowed
        except BadParameter:
            assert not allowed

    def test_defaults(self, contract: Contract) -> None:
        """A parameter that is left out has the contract's default."""
        found = {name: p.read([]) for name, p in contract.parameters.items() if not p.required}
        assert found == {"IB-Context": None, "file_offset": 0, **dict.fromkeys(contract.flags, False)}


class TestProjection:
    def test_input_is_untouched(self, contract: Contract) -> None:
        """Projecting changes nothing in what is projected."""
        page: dict[str, Any] = {
            "id": "r",
            "files": [{"documents": [{"class_name": None, "fields": [{"field_name": "a b", "edit_history": []}]}]}],
        }
        before = copy.deepcopy(page)
        projected = contract.project(page, frozenset())
        assert page == before
        assert projected["files"][0]["documents"][0]["fields"] == [{"field_name": "a_b"}]

    def test_null_is_kept(self, contract: Contract) -> None:
        """A null stays a null at every place that may be one, and free keys are not looked into."""
        page: dict[str, Any] = {
            "message": None,
            "keys": {"custom": {"field_name": "a b", "edit_history": 1, "deep": [{"name": "x y"}]}},
            "case_info": {"fields": [{"name": "a b", "chosen_field": None}]},
        }
        expected = json.loads(json.dumps(page).replace('"name": "a b"', '"name": "a_b"', 2))
        expected["keys"] = page["keys"]
        assert contract.project(page, frozenset()) == expected

    def test_flag_moves_with_the_contract(self, contract: Contract) -> None:
        """A property that waits for another flag in the contract waits for it in the server."""
        document = copy.deepcopy(dict(contract.document))
        document["components"]["schemas"]["File"]["properties"]["documents"]["x-include"] = "include_source_info"
        changed = Contract(document)
        page: dict[str, Any] = {"files": [{"documents": []}]}
        assert changed.project(page, frozenset()) == {"files": [{}]}
        assert changed.project(page, frozenset({"include_source_info"})) == page
        assert "documents" in changed.run_schema["components"]["schemas"]["File"]["required"]

    def test_unknown_flag(self, contract: Contract) -> None:
        """A property that waits for what is no parameter is an error of the contract."""
        document = copy.deepcopy(dict(contract.document))
        document["components"]["schemas"]["File"]["properties"]["documents"]["x-include"] = "include_everything"
        with pytest.raises(SpecError, match="include_everything"):
            _ = Contract(document).flags


class TestLoading:
    def test_not_imported(self) -> None:
        """The server runs without importing either client."""
        code = (
            "import sys, run_results_conformance as c\n"
            "for name in c.__all__: getattr(c, name)\n"
            "with c.serve(c.ReferenceServer(c.example_store(), 't')): pass\n"
            "clients = {'run_results', 'run_results_api', 'httpx', 'msgspec'}\n"
            "print([name for name in sys.modules if name.split('.')[0] in clients])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"

    def test_missing_package(self) -> None:
        """Without the installed copy the error says what is missing."""
        code = (
            "import importlib.util as u, run_results_conformance.server.contract as c\n"
            "c.find_spec = lambda name: None\n"
            "try: c.load_contract()\n"
            "except c.SpecError as e: print(e)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "run_results_api with its openapi.json is not installed" in done.stdout

    @pytest.mark.parametrize(
        ("content", "why"),
        [("{", "is not JSON"), ("[]", "is not an OpenAPI document"), ('{"paths": {}}', "has 0 operations")],
    )
    def test_bad_file(self, tmp_path: Path, content: str, why: str) -> None:
        """A file that holds no contract is an error with a reason."""
        path = tmp_path / "openapi.json"
        path.write_text(content)
        with pytest.raises(SpecError, match=why):
            load_contract(path)

    def test_no_file(self, tmp_path: Path) -> None:
        """A file that is not there is an error with a reason."""
        with pytest.raises(SpecError, match="cannot be read"):
            load_contract(tmp_path / "openapi.json")


class TestSeveralOperations:
    def test_the_main_one(self, contract: Contract) -> None:
        """The results of a run are the main operation, and every operation can be looked at by its name."""
        assert list(contract.operations) == ["get_run_results", "list_runs"]
        assert contract.operations["get_run_results"] is contract
        runs = contract.operations["list_runs"]
        assert (runs.method, runs.path) == ("get", "/v2/apps/runs")
        assert list(runs.operations) == list(contract.operations)
        with pytest.raises(SpecError, match="no operation 'delete_run'"):
            Contract(contract.document, "delete_run")

    def test_each_has_its_own(self, contract: Contract) -> None:
        """Parameters, answers, examples and paging are those of the operation; the name rule is the same for all."""
        runs = contract.operations["list_runs"]
        assert runs.flags == ()
        assert "run_id" in runs.parameters
        assert runs.parameters["run_id"].place == "query"
        assert runs.answer_schema == {"$ref": "#/components/schemas/RunList"}
        assert list(runs.examples) == ["runs", "end"]
        assert runs.field_name_rule("due date") == contract.field_name_rule("due date")
        assert (runs.pagination.offset, runs.pagination.items, runs.pagination.ends_empty) == ("offset", "runs", True)
        assert contract.pagination.ends_empty is False
        with pytest.raises(SpecError, match="the first page without items is the end"):
            _ = runs.pagination.more

    def test_no_operation_sees_the_flags_of_another(self, contract: Contract) -> None:
        """What waits for a flag in the answer of one operation is not looked for in another."""
        document = copy.deepcopy(dict(contract.document))
        document["components"]["schemas"]["RunSummary"]["properties"]["tags"]["x-include"] = "include_tags"
        changed = Contract(document)
        assert changed.flags == contract.flags
        with pytest.raises(SpecError, match="include_tags"):
            _ = changed.operations["list_runs"].flags

    def test_two_main_ones(self, contract: Contract) -> None:
        """Without `x-addition` nobody could say which operation is the main one."""
        document = copy.deepcopy(dict(contract.document))
        del document["paths"]["/v2/apps/runs"]["get"]["x-addition"]
        with pytest.raises(SpecError, match="2 operations without x-addition"):
            Contract(document)

    @pytest.mark.parametrize(
        ("name", "given", "read"),
        [
            ("status", [], None),
            ("status", ["FAILED"], ["FAILED"]),
            ("status", ["FAILED", "NEW"], ["FAILED", "NEW"]),
            ("order", ["ASCENDING"], "ASCENDING"),
            ("order", [], None),
            ("limit", ["1"], 1),
        ],
    )
    def test_parameters(self, contract: Contract, name: str, given: list[str], read: object) -> None:
        """A list is read from all of its texts, and a choice is one of its values."""
        assert contract.operations["list_runs"].parameters[name].read(given) == read

    @pytest.mark.parametrize(
        ("name", "given"),
        [("status", ["FAILED", ""]), ("order", ["ascending"]), ("order", ["ASCENDING"] * 2), ("limit", ["0"])],
    )
    def test_bad_parameters(self, contract: Contract, name: str, given: list[str]) -> None:
        """An empty value in a list, a value that is no choice, and a choice that is given twice are refused."""
        with pytest.raises(BadParameter, match=name):
            contract.operations["list_runs"].parameters[name].read(given)

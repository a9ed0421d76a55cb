"""The report's file: it contains the data of the run, and no text from a server that a browser would obey."""

import json
import os
import re
import stat
import subprocess
import sys
import tracemalloc
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from html import unescape
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results import Client, Include, NameMap, Page, RunResultsError
from run_results.cli.commands import run as command
from run_results.cli.report import report as report_command
from run_results.errors import ConfigurationError, DeadlineExceededError, RunMismatch
from run_results.report import folder, write_report
from run_results.report.boxes import INCOMPLETE, NO_LAYOUT, OFF, ON, PARTLY, TURNED, place
from run_results.report.compact import moment, to_json
from run_results.report.template import load, script
from run_results.report.tiles import Tile, tiles
from run_results.text import visible
from run_results_api.models import Document, File, RunKeys, RunResults, SourceCoordinates
from run_results_conformance.server.synthetic import SyntheticRun
from run_results_conformance.strategies import broken_responses, responses

from .kit import Json, Reader, box, document, one, page_of

NASTY = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "--><img src=x onerror=alert(1)>",
    '"><img src="http://evil.example/x" onerror=alert(1)>',
    "'onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnihton\u202c",
    "\u2066\u2067x",
    "a\u2028b\u2029c",
    "nul\x00 and \x1b[31m and \x7f \x9b",
    "\ufeff\ufffe\uffff",
    "&lt;b&gt; &amp;",
    "javascript:alert(1)",
    "x" * 10_000,
    "e" + "\u0301" * 500,
    "<!-- data -->",
    "]]>",
]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000"
    "000049454e44ae426082"
)


# What it holds ------------------------------------------------------------------------------------------------


def items(value: Any) -> list[Any]:
    """The members of an array; of anything else none."""
    return value if isinstance(value, list) else []


def is_failed(field: Json) -> bool:
    """The contract's words: the value is ERROR, or there is an error message."""
    return field.get("value") == "ERROR" or bool(field.get("error_msg"))


@given(st.lists(responses(), min_size=1, max_size=3))
def test_a_report_holds_what_the_answers_hold(tmp_path_factory: pytest.TempPathFactory, answers: list[Json]) -> None:
    """Every document and field of any run that the contract allows is in the report, with its values, in order."""
    path = tmp_path_factory.mktemp("report") / "r.html"
    sizes = [len(answer["files"]) for answer in answers]
    pages = [page_of({**answer, "id": "run-1"}, sum(sizes[:at])) for at, answer in enumerate(answers)]
    written = write_report(pages, path)
    read = Reader(path)
    names, types, classes = read.index["names"], read.index["types"], read.index["classes"]
    files = [file for answer in answers for file in answer["files"]]
    documents = [each for file in files for each in items(file.get("documents"))]
    fields = [each for one in documents for each in items(one.get("fields"))]
    assert (written.files, written.documents, written.fields) == (len(files), len(documents), len(fields))
    assert written.size == path.stat().st_size

    expected = list(
        chain.from_iterable([(at, file, d) for d in file.get("documents") or [None]] for at, file in enumerate(files))
    )
    assert len(read.documents) == len(expected)
    for shown, (at, file, there) in zip(read.documents, expected, strict=True):
        assert shown["f"] == at
        assert shown.get("n") == (file.get("original_file_name") or file.get("input_file_path"))
        assert ("d" in shown) == (there is not None)
        if there is None:
            continue
        if isinstance(there.get("class_name"), str):
            assert classes[shown["c"]] == there["class_name"]
        assert shown.get("u", False) == ("class_name" in there and there["class_name"] is None)
        assert shown.get("p", []) == there.get("page_numbers", [])
        assert shown.get("v") == there.get("validations", {}).get("final_result_pass")
        assert len(shown.get("e", [])) == len(there.get("class_edit_history", []))
        for line, field in zip(shown.get("s", []), there.get("fields", []), strict=True):
            name, marks, value, kind, error, model, ocr, boxes, alerts, edits = (line + [None] * 10)[:10]
            assert names[name][0] == field.get("field_name", "")
            assert value == field.get("value")
            assert (types[kind] if kind is not None else None) == field.get("type")
            assert (error or "") == field.get("error_msg", "")
            confidence = field.get("confidence", {})
            assert (model, ocr) == (confidence.get("model"), confidence.get("ocr"))
            assert bool(marks & 1) == is_failed(field)
            assert bool(marks & 2) == (field.get("validations", {}).get("valid") is False)
            assert bool(marks & 4) == bool(field.get("edit_history"))
            assert len(boxes or []) == len(field.get("source_coordinates", []))
            assert [alert[1] for alert in alerts or []] == [
                each.get("msg") for each in field.get("validations", {}).get("alerts", [])
            ]
            assert [edit[:2] for edit in edits or []] == [
                [each["timestamp"], each["user_id"]] for each in field.get("edit_history", [])
            ]


@given(broken_responses(extra=True))
def test_an_answer_that_leaves_the_contract_is_shown_too(tmp_path_factory: pytest.TempPathFactory, broken: Any) -> None:
    """Whatever a server breaks, the report is written, or refused with an error of the family; the drift is in it."""
    path = tmp_path_factory.mktemp("report") / "r.html"
    try:
        page = page_of(broken.document) if isinstance(broken.document, dict) else None
    except RunResultsError:
        return
    if page is None or not isinstance(page.run.files, list):
        return
    write_report([page], path)
    assert re.search(r"\d+ places? where an answer broke the contract", "".join(Reader(path).text)) or not page.breaches


def test_numbers_are_those_of_the_run(small: Any) -> None:
    """The counts above the report are those that a plain loop over the run's JSON finds."""
    files = small.run.files(0, small.run.file_count)
    fields = [field for file in files for each in file["documents"] for field in each["fields"]]
    scores = [[s for s in field["confidence"].values() if s is not None] for field in fields]
    counts = {
        "files": len(files),
        "documents": sum(len(file["documents"]) for file in files),
        "fields": len(fields),
        "cross-class fields": 5,
        "places of drift": 0,
    }
    marks = {
        "failed": sum(map(is_failed, fields)),
        "invalid": sum(not field["validations"]["valid"] for field in fields),
        "unsure (below 0.80)": sum(bool(each) and min(each) < 0.8 for each in scores),
        "edited": sum(bool(field["edit_history"]) for field in fields),
    }
    text = " ".join("".join(Reader(small.path).text).split())
    for noun, number in counts.items():
        assert f"{number} {noun}" in text
    for mark, number in marks.items():
        assert number > 0, "there is something to see"
        assert re.search(rf"\d {re.escape(mark)} {number} fields?\b", text)


def test_a_tile_adds_up_what_the_list_has(small: Any) -> None:
    """Each tile is the sum of its parts; a row with two marks needs one look, a document with invalid fields none."""
    needs_a_look = 0
    for file in small.run.files(0, small.run.file_count):
        needs_a_look += not file["documents"]
        for each in file["documents"]:
            invalid = [field["validations"]["valid"] is False for field in each["fields"]]
            scores = [[s for s in field["confidence"].values() if s is not None] for field in each["fields"]]
            needs_a_look += sum(
                is_failed(field) or bad or (bool(known) and min(known) < 0.8)
                for field, bad, known in zip(each["fields"], invalid, scores, strict=True)
            )
            score = each["classification_confidence"]["model"]
            needs_a_look += (
                each["class_name"] is None
                or (score is not None and score < 0.8)
                or (each["validations"]["final_result_pass"] is False and not any(invalid))
            )
    cases = small.written.counts.case_fields.need_a_look
    look, *others = tiles(small.written.counts)
    assert look.total == needs_a_look + cases
    assert sum(int(number) for number in re.findall(r"\d+", look.text)) == look.total
    assert [tile.reason for tile in others] == ["failed", "invalid", "unsure", "edited"]
    assert Tile("edited", "edited", "", ((0, "field"),)).text == "none"


def test_names_are_the_projects(small: Any) -> None:
    """With the project's names, each field has its own beside the API's."""
    known = {name for names in small.run.project_names().values() for name in names} | set(small.run.case_names())
    names = Reader(small.path).index["names"]
    assert {called for _, called in names} <= known
    assert ["driver_s_license", "driver's license"] in names


def test_an_option_has_the_api_name_of_its_field(tmp_path: Path) -> None:
    """Options of cross-class fields follow the rule (ASCII or Unicode) of the names that were given."""
    option = {"record_index": 0, "refined_phrase_name": "Größe"}
    page = one(document({"field_name": "Gr__e"}), case_info={"fields": [{"name": "a", "input_fields": [option]}]})
    write_report([page], tmp_path / "r.html", names=NameMap(["Größe"], ascii=True))
    read = Reader(tmp_path / "r.html")
    assert [each["data-api"] for _, each in read.tags if "data-api" in each] == ["Gr__e"] == [read.index["names"][0][0]]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((10, 20, 30, 40), [0, 10, 20, 30, 40, ON]),
        ((0, 0, 200, 100), [0, 0, 0, 200, 100, ON]),
        ((30, 40, 10, 20), [0, 10, 20, 30, 40, ON + TURNED]),
        ((10, 40, 30, 20), [0, 10, 20, 30, 40, ON + TURNED]),
        ((10, 20, 10, 20), [0, 10, 20, 10, 20, ON]),
        ((-5, 20, 30, 40), [0, -5, 20, 30, 40, PARTLY]),
        ((190, 20, 230.5, 40), [0, 190, 20, 230.5, 40, PARTLY]),
        ((201, 20, 230, 40), [0, 201, 20, 230, 40, OFF]),
        ((230, -40, 201, -20), [0, 201, -40, 230, -20, OFF + TURNED]),
        ((10, 20, 1e300, 40), [0, 10, 20, 1e300, 40, PARTLY]),
    ],
)
def test_a_box_is_placed(given: tuple[float, ...], wanted: list[float]) -> None:
    """The corners of a box are put in order, and its state says whether it lies off its page or across its edge."""
    made = SourceCoordinates.from_dict(box(*given))
    assert place(made, {0: (200, 100)}) == wanted
    assert place(made, {1: (200, 100)})[5] in (NO_LAYOUT, NO_LAYOUT + TURNED)


def test_an_incomplete_box_is_kept() -> None:
    """A box without an edge or a page is kept with what it has."""
    assert place(SourceCoordinates(top_x=1.0, page_number=3), {3: (1, 1)}) == [3, 1, None, None, None, INCOMPLETE]
    assert place(SourceCoordinates(), {}) == [None, None, None, None, None, INCOMPLETE]


@given(*[st.floats(allow_nan=False, allow_infinity=False, width=32)] * 4)
def test_a_placed_box_is_right_way_round(x1: float, y1: float, x2: float, y2: float) -> None:
    """Whatever the corners are, left is left of right, top is above bottom, and both ways round give the same place."""
    there = place(SourceCoordinates.from_dict(box(x1, y1, x2, y2)), {0: (612, 792)})
    back = place(SourceCoordinates.from_dict(box(x2, y2, x1, y1)), {0: (612, 792)})
    assert there[1] <= there[3]  # type: ignore[operator]
    assert there[2] <= there[4]  # type: ignore[operator]
    assert there[:5] == back[:5]
    assert there[5] % TURNED == back[5] % TURNED  # type: ignore[operator]


def test_timestamps_are_read_where_they_can_be() -> None:
    """A timestamp in the contract's form sorts; one in another form stays text."""
    assert moment("08/27/2025 00:58:39") == "2025-08-27T00:58:39"
    assert [moment(text) for text in ("27.08.2025", "13/13/2025 00:00:00", "", None, "08/27/2025 00:58:39 UTC")] == [
        None
    ] * 5


def test_cross_class_fields_show_what_was_chosen(tmp_path: Path) -> None:
    """The option chosen stands first and is marked, also when the server does not list it."""
    options = [{"record_index": at, "refined_phrase_name": f"name {at}"} for at in range(3)]
    fields = [
        {"name": "a", "value": "x", "input_fields": options, "chosen_field": options[1]},
        {"name": "b", "value": "x", "input_fields": options, "chosen_field": {"record_index": 7}},
        {"name": "c", "value": "ERROR", "input_fields": options, "chosen_field": None},
    ]
    write_report([page_of({"files": [], "case_info": {"fields": fields}})], tmp_path / "r.html")
    html = (tmp_path / "r.html").read_text("utf-8")
    cases = re.findall(r'<li id="case-\d".*?</li>\s*</ol>.*?</li>', html, re.DOTALL)
    chosen = [re.findall(r'data-record="(\d+)"', each)[: each.count(">chosen<")] for each in cases]
    assert chosen == [["1"], ["7"], []]
    assert "No option was chosen." in cases[2]


def test_classes_that_are_called_the_same_stay_apart(tmp_path: Path) -> None:
    """A document without a class and one of a class with the words for it have classes of their own."""
    given = document(class_name="class not given")
    del given["class_name"]
    others = [document(class_name=name) for name in (None, "not classified", "class not given", "not classified")]
    write_report([one(given, *others)], tmp_path / "r.html")
    read = Reader(tmp_path / "r.html")
    assert [each["c"] for each in read.documents] == [0, 1, 2, 3, 2]
    assert read.index["classes"] == ["class not given", "not classified", "not classified", "class not given"]
    assert sorted(each["data-class"] or "" for _, each in read.tags if "data-class" in each) == list("0123")


def test_drift_is_listed_by_kind(tmp_path: Path) -> None:
    """Drift is grouped by place without indexes; breaches come before news."""
    files = [{"documents": [{"class_name": 7, "fields": [{"new": at}]}]} for at in range(30)]
    write_report([page_of({"files": files})], tmp_path / "r.html")
    text = " ".join(" ".join(Reader(tmp_path / "r.html").text).split())
    assert "$.files[*].documents[*].class_name breach null or string 30" in text
    assert text.index("class_name breach") < text.index("fields[*].new news")


# That it is harmless ------------------------------------------------------------------------------------------

TAGS = frozenset(
    re.findall(
        r"\w+",
        "html head meta title style body a header div h1 p span dl dt bdi dd ul li b noscript nav main section h2 form"
        " button input select label output table thead tr th tbody td svg path rect article h3 code ol footer details"
        " summary kbd script dialog",
    )
)


def nasty_page() -> Page:
    """Hostile text wherever an answer can have text."""

    def part(text: str) -> Json:
        alert = {"alert_level": text, "msg": text, "type": text, "locations": [{text: text}]}
        edit = {"timestamp": text, "user_id": text, "modifications": [{"message": text}]}
        field = {
            "field_name": text, "value": text, "type": text, "error_msg": text, "edit_history": [edit],
            "source_coordinates": [box(1, 1, 9, 9)], "confidence": {"model": 0.1, "ocr": None},
            "validations": {"valid": False, "alerts": [alert]},
        }  # fmt: skip
        inner = document(field, class_name=text, class_edit_history=[edit], post_processed_paths=[text], **{text: text})
        return {"original_file_name": text, "input_file_path": text, "documents": [inner]}

    cases = [
        {
            "name": text, "value": text, "error_msg": text,
            "input_fields": [{"record_index": 0, "refined_phrase_name": text}],
            "chosen_field": {"record_index": 0, "refined_phrase_name": text},
            "validations": {"valid": False, "failures": [{"type": text, "msg": text}]},
            "edit_history": [{"timestamp": text, "user_id": text, "modifications": [{"message": text}]}],
        }
        for text in NASTY
    ]  # fmt: skip
    header = {"message": NASTY[1], "batch_id": NASTY[4], "status": NASTY[0], "keys": {"custom": {t: t for t in NASTY}}}
    return page_of({**header, "files": [part(text) for text in NASTY], "case_info": {"fields": cases}})


def test_hostile_text_makes_no_element(tmp_path: Path) -> None:
    """Whatever text an answer holds, the report has the elements of its template, no handler and one script to run."""
    names = NameMap([*NASTY, "\ud800 half"])
    write_report([nasty_page()], tmp_path / "r.html", names=names, title=NASTY[1] + "\udcff\x00")
    read = Reader(tmp_path / "r.html")
    assert {tag for tag, _ in read.tags} <= TAGS
    attributes = {name for _, attributes in read.tags for name in attributes}
    assert {name for name in attributes if name.startswith("on") or name in ("style", "src", "srcdoc")} == set()
    assert {value for _, each in read.tags if (value := each.get("href")) and not value.startswith("#")} == set()
    assert len([1 for each, _ in read.scripts if "type" not in each]) == 1
    assert [field[2] for each in read.documents for field in each["s"]] == NASTY


def test_unseen_characters_are_spelled_out(tmp_path: Path) -> None:
    """No control and nothing that turns the direction of writing is left outside the data."""
    write_report([nasty_page()], tmp_path / "r.html", title="\u202etitle")
    shown = "".join(Reader(tmp_path / "r.html").text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown)
    assert "⟨U+202E⟩title" in shown
    hidden = "\u00ad\u180e\u200b\u2060\u2064\u206f"
    assert visible(hidden) == "".join(f"⟨U+{ord(sign):04X}⟩" for sign in hidden)
    assert visible("a\u200db\n\t") == "a\u200db\n\t", "joiners and line ends stay"


SIGNS = st.text("<>&\u2028\u2029-!/script") | st.text()


@given(st.recursive(SIGNS | st.booleans() | st.integers(-(2**53), 2**53), lambda inner: st.lists(inner), max_leaves=9))
def test_data_may_stand_in_a_script(value: Any) -> None:
    """JSON for a script element means the same and has no character that HTML or old JavaScript would interpret."""
    made = to_json(value).decode()
    assert json.loads(made) == value
    assert not set(made) & set("<>&\u2028\u2029")


def test_the_policy_names_what_is_there(small: Any) -> None:
    """The policy allows the one script and the one style of the file by their hashes, data URLs for images, no more."""
    html = small.path.read_text("utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    rules = dict(rule.strip().partition(" ")[::2] for rule in unescape(policy).split(";"))
    (style,), (script,) = (
        re.findall(r"<style>(.*?)</style>", html, re.DOTALL),
        re.findall(r"<script>(.*?)</script>", html, re.DOTALL),
    )
    hashes = [f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in (style, script)]
    assert (rules["style-src"], rules["script-src"]) == tuple(hashes)
    assert (rules["default-src"], rules["img-src"]) == ("'none'", "data:")
    assert html.index("Content-Security-Policy") < html.index("<style>")


def test_the_script_parses_nothing_as_html() -> None:
    """The script has no way to make elements of text."""
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|fetch\(", script()
    )


# The file -----------------------------------------------------------------------------------------------------


def test_pictures_are_found_in_the_folder_and_nowhere_else(tmp_path: Path) -> None:
    """A picture is found by the platform's path, by that without its first folders, or by file and page."""
    pictures = tmp_path / "pictures"
    for name in ("outbox/r/a/page-0.png", "b/page-1.jpg", "c/page-0.gif", "bad/page-0.png"):
        (pictures / name).parent.mkdir(parents=True, exist_ok=True)
        (pictures / name).write_bytes(PNG)
    (pictures / "b/page-1.jpg").write_bytes(b"\xff\xd8\xff\xe0jpeg")
    (pictures / "bad/page-0.png").write_bytes(b"<svg onload='alert(1)'/>")
    (tmp_path / "secret.png").write_bytes(PNG)
    (pictures / "link").symlink_to(tmp_path)

    def file(name: str, *paths: str) -> Json:
        return {"original_file_name": name, "documents": [document(post_processed_paths=list(paths), pages=len(paths))]}

    files = [
        file("a.pdf", "outbox/r/a/page-0.png"),
        file("b.pdf", "elsewhere/x/b/page-0.png", "elsewhere/x/b/page-1.jpg"),
        file("c.pdf", "nowhere/page-0.png"),
        file("bad.pdf", "x"),
        file("d.pdf", "../secret.png", "link/secret.png", str(tmp_path / "secret.png"), "\x00", "x" * 5000),
        file("../../d.pdf", "../../secret.png"),
    ]
    written = write_report([page_of({"files": files})], tmp_path / "r.html", images=folder(pictures))
    read = Reader(tmp_path / "r.html")
    assert [each.get("i") for each in read.documents] == [[[0, 0]], [[1, 1]], [[0, 2]], None, None, None]
    kinds = [text.partition(";")[0] for each, text in read.scripts if (each.get("id") or "").startswith("image-")]
    assert kinds == ["data:image/png", "data:image/jpeg", "data:image/png"]
    assert (written.images, written.images_left_out) == (3, 1)
    with pytest.raises(ConfigurationError, match="no folder of pictures"):
        folder(tmp_path / "none")


def test_a_full_report_says_so(tmp_path: Path) -> None:
    """Beyond the limit documents are counted and left out from one file on, and the report says from which."""
    field = {"field_name": "a", "value": "v" * 100}
    files = [{"original_file_name": f"{at}.pdf", "documents": [document(field)]} for at in range(100)]
    written = write_report([page_of({"files": files})], tmp_path / "r.html", max_bytes=2000)
    read = Reader(tmp_path / "r.html")
    assert 0 < len(read.documents) == 100 - written.left_out < 20
    assert written.left_out_from == len(read.documents)
    assert (written.documents, written.fields) == (100, 100)
    assert f"from file {(written.left_out_from or 0) + 1} on" in "".join(read.text)
    assert f"(--start {written.left_out_from})" in "".join(read.text)
    assert read.index["full"] is True
    written = write_report(
        [page_of({"files": files})], tmp_path / "r.html", images=lambda *_: PNG, max_image_bytes=1000
    )
    assert 0 < written.images < 10
    assert written.images_left_out == 100 - written.images


@pytest.mark.parametrize("key", ["field_name", "type", "class_name"])
def test_names_need_room_too(tmp_path: Path, key: str) -> None:
    """The names of classes, types and fields count towards the limit of size."""
    texts = [f"{at}{'x' * 1000}" for at in range(3000)]
    fields = [{"field_name": "a", "type": "b"} | {key: text} for text in texts]
    documents = [document(field, class_name=field.get("class_name", "c")) for field in fields]
    written = write_report([one(*documents)], tmp_path / "r.html", max_bytes=1 << 20)
    read = Reader(tmp_path / "r.html")
    assert 0 < len(read.documents) == 3000 - written.left_out < 1000
    kinds = read.index[{"field_name": "names", "type": "types", "class_name": "classes"}[key]]
    assert len(kinds) == len(read.documents), "names of what is left out are left out"
    data = [text for attributes, text in read.scripts if "type" in attributes]
    assert sum(map(len, data)) < 1.01 * (1 << 20)
    assert written.size < 2 << 20


def test_a_part_of_a_run_says_so(tmp_path: Path) -> None:
    """A report that begins at a later file says at which; one of the whole run says nothing."""
    files = {"files": [{"original_file_name": "a.pdf", "documents": [document()]}]}
    for offset in (0, 2500):
        write_report([page_of(files, offset)], tmp_path / "r.html")
        text = "".join(Reader(tmp_path / "r.html").text)
        assert ("This report begins at file 2501 (--start 2500)." in text) == (offset == 2500)
        assert ("Not the whole run." in text) == (offset == 2500)


def test_memory_does_not_grow_with_the_run(tmp_path: Path) -> None:
    """Three times the pages, the same memory, but for a little that is counted."""
    run = SyntheticRun(seed=1, files=10)
    answer = {"files": run.files(0, 10)}

    def peak(number: int) -> int:
        def pages() -> Iterator[Page]:
            return (page_of(answer, offset=10 * at) for at in range(number))

        tracemalloc.start()
        write_report(pages(), tmp_path / "r.html", max_bytes=1 << 40)
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    peak(1)  # what is kept for the next report, such as the template
    assert peak(9) < peak(3) + 300_000


def failing(page: Page, error: RunResultsError) -> Iterator[Page]:
    """A walk with one page and an error."""
    yield page
    raise error


def test_a_report_is_whole_or_not_there(tmp_path: Path) -> None:
    """When the walk fails on the way, the older report stays and nothing else is left; a link stays a link."""
    path = tmp_path / "r.html"
    path.write_text("old")
    with pytest.raises(RunMismatch):
        write_report(failing(one(document()), RunMismatch("the page belongs to another run")), path)
    with pytest.raises(DeadlineExceededError, match="too slow"):  # which is an OSError, too
        write_report(failing(one(document()), DeadlineExceededError("too slow")), path)
    with pytest.raises(ConfigurationError, match="no page"):
        write_report([], path)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("r.html", "old")]
    (tmp_path / "link.html").symlink_to(path)
    write_report([one(document())], tmp_path / "link.html")
    assert (tmp_path / "link.html").is_symlink()
    assert path.read_text("utf-8").startswith("<!doctype html>")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.html", "r.html"]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A path that is no file, or cannot become one, gives an error of the family, before anything is fetched."""
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    (tmp_path / "file").touch()
    names = ("file/r.html", "x" * 300, "a\x00b", "loop", "loop/r.html")
    for path in (tmp_path, Path(os.devnull), *(tmp_path / name for name in names)):
        with pytest.raises(RunResultsError, match=r"cannot (write the report|make the folder)|no file can be called"):
            write_report((pytest.fail("a page was asked for") for _ in range(1)), path)
    assert {path.name for path in tmp_path.iterdir()} == {"loop", "file"}
    with pytest.raises(ConfigurationError, match="threshold"):
        write_report([], tmp_path / "r.html", threshold=80)


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """When the file cannot grow any more, the error says so and nothing is left of it."""
    program = (
        "import resource, sys\n"
        "from run_results.errors import ExportError\n"
        "from run_results.report import write_report\n"
        "from tests.report.kit import document, one\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "page = one(*[document({'field_name': 'a', 'value': 'v' * 1000})] * 200)\n"
        "try:\n    write_report([page], sys.argv[1])\nexcept ExportError as error:\n    print(error)\n"
    )
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "r.html")],
        cwd=root, capture_output=True, text=True, timeout=600, check=True,
    )  # fmt: skip
    assert "cannot write the report" in ran.stdout
    assert "File too large" in ran.stdout
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without jinja2 the error says what to install, before a page is asked for."""
    load.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'run-results\[report\]'"):
        write_report((pytest.fail("a page was asked for") for _ in range(1)), tmp_path / "r.html")


def test_the_file_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    """The report has the permissions that the process gives every new file."""
    write_report([one(document())], tmp_path / "r.html")
    (tmp_path / "other").touch()
    assert stat.S_IMODE((tmp_path / "r.html").stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


# The command --------------------------------------------------------------------------------------------------


def test_the_command_writes_a_report(
    serve_runs: Callable[..., str], token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    """`run-results report` fetches every page and writes a file without the token and the context."""
    run = SyntheticRun(seed=5, files=12)
    names = tmp_path / "names.json"
    names.write_text(json.dumps({"": run.case_names(), **run.project_names()}))
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(run))
    path = tmp_path / "r.html"
    assert command(["report", run.run_id, "-o", str(path), "--names", str(names), "--title", "A & B"]) == 0
    said = capfd.readouterr()
    numbers = r": 12 files, \d+ documents, \d+ fields \(\d+ failed, .* edited\), 5 cross-class fields, "
    assert re.search(numbers, said.out)
    assert said.err == ""
    html = path.read_text("utf-8")
    assert "<title>A &amp; B</title>" in html
    assert token not in html
    assert {doc["f"] for doc in Reader(path).documents} == set(range(12))
    assert command(["report", run.run_id, "-o", str(path), "--start", "5"]) == 0
    assert "7 files from file 5 on" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["report", "r", "-o", "."], 2, "cannot write the report"),
        (["report", "r"], 2, "--output"),
        (["report", "r", "-o", "r.html", "--images", "none"], 2, "no folder of pictures"),
        (["report", "nobody", "-o", "r.html"], 3, "404"),
    ],
)
def test_the_command_says_what_is_wrong(
    serve_runs: Callable[..., str], token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any,
    arguments: list[str], code: int, said: str,
) -> None:  # fmt: skip
    """A failure gives one line, the right exit code and no file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(SyntheticRun(seed=5)))
    assert command(arguments) == code
    err = capfd.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1
    assert "--start" not in err
    assert list(tmp_path.iterdir()) == []


# Notebooks ----------------------------------------------------------------------------------------------------


NOTEBOOK_TAGS = {"p", "b", "table", "thead", "tr", "th", "tbody", "td", "bdi", "ul", "li"}


class Cells(Reader):
    """Reads what a notebook is given."""

    def __init__(self, html: str) -> None:
        self.tags, self.text, self.scripts, self._inside = [], [], [], None
        super(Reader, self).__init__()
        self.feed(html)
        self.close()


def test_a_page_shows_itself(serve_runs: Callable[..., str], token: str) -> None:
    """In a notebook a page shows what it holds and its first fields."""
    run = SyntheticRun(seed=5, files=9)
    with Client(token=token, base_url=serve_runs(run)) as client:
        page = client.page(run.run_id, include=Include.ALL)
    read = Cells(page._repr_html_())
    assert "7 files from 0 on" in "".join(read.text)
    assert [tag for tag, _ in read.tags].count("tr") == 11


def test_a_document_shows_its_fields() -> None:
    """In a notebook a model shows the members that are set, one a row, and its fields as a table."""
    fields = [{"field_name": f"field_{number}", "value": "v"} for number in range(12)]
    shown = one(document(*fields, class_name="Invoice")).files[0].documents
    assert isinstance(shown, list)
    read = Cells(shown[0]._repr_html_())
    text = "\n".join(read.text)
    assert "Invoice" in text
    assert "field_9" in text
    assert "field_10" not in text
    assert "and 2 more" in text
    assert "post_processed_pdf_path" not in text


def test_a_notebook_shows_what_cannot_be_written_as_such() -> None:
    """Half of a surrogate pair, deep inside, keeps no model from showing the rest of itself."""
    run = RunResults.from_dict({"id": "r", "status": "COMPLETE", "files": [], "has_more": False})
    run.keys = RunKeys(custom={"half": ["\ud800"]})
    run.files = [File(documents=[Document(class_name="\ud800")])]
    text = "".join(Cells(run._repr_html_()).text)
    assert text.count("not shown") == 2
    assert "COMPLETE" in text


@pytest.mark.parametrize("text", NASTY)
def test_hostile_text_is_text_in_a_notebook(text: str) -> None:
    """Whatever a page and its names hold, a notebook gets tables of text."""
    field = {"field_name": text, "value": text}
    page = one(document(field, class_name=text), status=text)
    (file,) = page.files
    assert file.documents
    for html in (
        page._repr_html_(),
        page.run._repr_html_(),
        file._repr_html_(),
        file.documents[0]._repr_html_(),
        file.documents[0].fields[0]._repr_html_(),  # type: ignore[index]
        NameMap([text, f"{text} "])._repr_html_(),
    ):
        read = Cells(html)
        assert {tag for tag, _ in read.tags} <= NOTEBOOK_TAGS
        assert not any(attributes for _, attributes in read.tags)
        assert len(html) < 8000
        html.encode()


# The page about it --------------------------------------------------------------------------------------------


def test_the_documentation_names_every_option() -> None:
    """docs/report.md has every option that the command has for itself, and its pictures are small."""
    page = (Path(__file__).parents[2] / "docs" / "report.md").read_text("utf-8")
    shared = {"base_url", "context", "token_file", "timeout", "strict", "allow_insecure", "no_color", "verbose"}
    shared |= {"profile", "patience", "quiet"}
    options = [each for each in report_command.params if each.name not in shared and each.opts[0].startswith("-")]
    assert len(options) == 12
    assert [name for each in options for name in each.opts if f"`{name}" not in page] == []
    pictures = list((Path(__file__).parents[2] / "docs" / "images").glob("report-*.png"))
    assert pictures
    assert [each.name for each in pictures if each.stat().st_size > 200_000] == []

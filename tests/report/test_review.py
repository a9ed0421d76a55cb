"""Reviewers' work in a real browser: what comes first, groups, checks, tables and tiles, on every size of screen."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from run_results import NameMap
from run_results.report import write_report
from run_results.report.tiles import tiles
from run_results.tables.formulas import guard

from .conftest import Large, View
from .kit import Json, box, document, one, page_of
from .test_browser import FAINT
from .test_report import NASTY, PNG, nasty_page

Look = Callable[..., View]
MAIL = "maria.magdalena.oberhuber-steinacher@lending.branch-office.example.com"


def field(name: str, model: float | None = 0.99, **more: Any) -> Json:
    """A field with a score."""
    return {"field_name": name, "value": f"value of {name}", "confidence": {"model": model, "ocr": None}, **more}


def failure(name: str, model: float | None = 0.89, **more: Any) -> Json:
    """A field whose extraction failed, with a score that is not low."""
    return field(name, model, value="ERROR", error_msg="The check box was not found", **more)


def edit(user: str, message: str, at: str = "08/27/2025 00:58:39") -> Json:
    return {"timestamp": at, "user_id": user, "modifications": [{"message": message}]}


INVALID = {"valid": False, "alerts": [{"msg": "does not add up"}]}


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with a fault that comes again and again, formulas, edits and addresses."""
    path = tmp_path_factory.mktemp("report") / "inbox.html"
    documents = [
        document(
            field("total", 0.2, value="=1+1;2", source_coordinates=[box(10, 10, 60, 20)]),
            failure(
                "_13_retirement_plan_", validations=INVALID, edit_history=[edit("j.doe@example.com", f"as {MAIL}")]
            ),
            field(
                "note",
                0.99,
                value='two\nlines, "quoted"',
                source_coordinates=[box(10, 30, 90, 40), box(10, 50, 90, 60)],
            ),
            class_name="W-2",
        )
        for _ in range(5)
    ]
    documents += [
        document(field("total", 0.7), field("date", 0.1, edit_history=[edit(MAIL, "Day and month changed")]), pages=2),
        document(failure("date", None), class_edit_history=[edit("u", "From Other")]),
    ]
    case = {"name": "applicant", "value": "ERROR", "validations": {"valid": False, "failures": []}}
    files = [{"original_file_name": f"{at}.pdf", "documents": [each]} for at, each in enumerate(documents)]
    files.append({"original_file_name": "empty.pdf", "documents": []})
    answer = {"id": "run-1", "files": files, "case_info": {"fields": [case]}}
    write_report([page_of(answer)], path, names=NameMap(["13 retirement plan?"]))
    return path


def listed(page: Page) -> list[str]:
    """The names in the list, from top to bottom."""
    return page.locator("#queue tbody .c-what .name").all_inner_texts()


def number(text: str) -> int:
    """The first number in a text."""
    return int(re.findall(r"\d[\d,]*", text)[0].replace(",", ""))


# The list -----------------------------------------------------------------------------------------------------


def test_failed_fields_come_first(inbox: Path, look: Look) -> None:
    """A failed field stands above every score, and says that it failed where others have their score."""
    page = look(inbox).page
    assert listed(page)[:8] == [*["13 retirement plan?"] * 5, "applicant", "date", "date"]
    first = page.locator("#queue tbody .c-score").first.inner_text()
    assert first.split() == ["failed", "0.89"]
    assert "failed" in page.locator("#viewer tr[aria-current] .score").inner_text()
    page.select_option("#sort", "severity")
    assert listed(page)[:7] == [*["13 retirement plan?"] * 5, "applicant", "date"]


def test_faults_are_grouped_by_class_and_field(inbox: Path, look: Look) -> None:
    """Groups say how often a field of a class failed, of how many, and with which error; most failures come first."""
    page = look(inbox).page
    page.click("#list-groups")
    assert page.locator("#found").inner_text().startswith("6 groups of 15 entries: ")
    rows = page.locator("#queue tbody tr")
    text = rows.first.inner_text()
    for part in (
        "5",
        "of 5",
        "13 retirement plan?",
        "_13_retirement_plan_",
        "failed 5 times",
        "W-2",
        "5 × The check box was not found",
    ):
        assert part in text
    assert sum(number(each) for each in page.locator("#queue .score").all_inner_texts()) == 15
    for row in range(rows.count()):
        count = number(rows.nth(row).locator(".score").inner_text())
        rows.nth(row).click()
        assert page.locator("#list-fields").get_attribute("aria-pressed") == "true"
        assert number(page.locator("#found").inner_text()) == count
        page.click("#list-groups")
        assert rows.count() == 6, "the way back leads to all groups"
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    assert set(listed(page)) == {"13 retirement plan?"}


def test_tiles_are_filters(small: Large, look: Look) -> None:
    """A tile counts what the list has when it is pressed, and its parts are the run's counts."""
    page, counts = look(small.path).page, small.written.counts
    for tile in tiles(counts):
        button = page.locator(f".tile[data-reason={tile.reason}]")
        page.fill("#filter-text", "no such thing")
        if button.get_attribute("aria-pressed") == "false":
            button.click()
        else:
            page.click("#clear")
        assert button.get_attribute("aria-pressed") == "true"
        assert page.locator(".tile[aria-pressed=true]").count() == 1
        assert number(button.inner_text()) == number(page.locator("#found").inner_text()) == tile.total
        assert tile.total > 0
    parts = {tile.reason: {noun: number for number, noun in tile.parts} for tile in tiles(counts)}
    for reason in ("failed", "invalid", "unsure", "edited"):
        assert parts[reason]["field"] == getattr(counts.fields, reason)
        assert parts[reason]["cross-class field"] == getattr(counts.case_fields, reason)
    page.click(".tile[data-reason=edited]")
    assert page.locator("#filter-reason").input_value() == "look", "pressed once more, it gives way"


def test_tiles_follow_the_threshold(small: Large, look: Look) -> None:
    """When the reader moves the threshold, the tiles count again, and still say what the list has."""
    page = look(small.path).page
    before = page.locator(".tile[data-reason=unsure]").inner_text()
    page.locator("#threshold").fill("0.3")
    for reason in ("unsure", "look"):
        page.select_option("#filter-reason", reason)
        shown = number(page.locator(f".tile[data-reason={reason}]").inner_text())
        assert shown == number(page.locator("#found").inner_text())
    assert "below 0.30" in page.locator(".tile[data-reason=unsure]").inner_text()
    assert number(page.locator(".tile[data-reason=unsure]").inner_text()) < number(before)
    page.locator("#threshold").fill("0.8")
    assert page.locator(".tile[data-reason=unsure]").inner_text() == before


# Checks -------------------------------------------------------------------------------------------------------


def marked(page: Page) -> int:
    """How many rows have the mark."""
    return page.locator("#queue tr.checked").count()


def test_checks_are_kept(inbox: Path, look: Look, tmp_path: Path) -> None:
    """Rows marked as checked stay so after a reload, and no row of another run has their marks; no value is kept."""
    view = look(inbox, fresh="kept")
    page = view.page
    page.locator("#queue .c-check input").nth(2).click()
    page.keyboard.press("j")
    page.keyboard.press("c")
    assert marked(page) == 2
    page.keyboard.press("Enter")
    page.keyboard.press("c")
    assert marked(page) == 1
    page.keyboard.press("c")
    assert page.locator("#viewer tr.checked").count() == 1
    page.reload()
    assert marked(page) == 2
    tile = page.locator(".tile[data-reason=checked]")
    assert tile.inner_text().split("\n") == ["2", "checked", "2 of 15 that need a look"]
    tile.click()
    assert len(listed(page)) == 2
    page.select_option("#filter-reason", "look")
    page.check("#hide-checked")
    assert page.locator("#found").inner_text().startswith("13 entries: ")
    assert page.locator("#found").inner_text().endswith("; 2 checked hidden")
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert "run-results/checked/run-1" in kept
    for text in ("ERROR", "value of", ".pdf", "retirement"):
        assert text not in kept
    other = tmp_path / "other.html"
    write_report([page_of({"id": "run-2", "files": [{"documents": [document(failure("a"))]}]})], other)
    assert marked(look(other, fresh="kept").page) == 0


def test_a_check_ends_with_the_value_that_was_checked(look: Look, tmp_path: Path) -> None:
    """When a row has other marks or more edits than when it was checked, it counts as unchecked, and says why."""
    path = tmp_path / "r.html"
    write_report([one(document(failure("a"), failure("b")))], path)
    view = look(path, fresh="changed")
    for row in (0, 1):
        view.page.locator("#queue .c-check input").nth(row).click()
    assert marked(view.page) == 2
    write_report([one(document(failure("a", edit_history=[edit("u", "changed")]), failure("b")))], path)
    view.page.reload()
    assert marked(view.page) == 1
    assert "changed since checked" in view.page.locator("#queue tr", has_text="edited").inner_text()


def test_without_storage_checks_last_as_long_as_the_page(inbox: Path, look: Look) -> None:
    """Where the browser keeps nothing, or what is not ours, marks last until the page is closed, and a line says so."""
    page = look(inbox, fresh="damaged").page
    for damaged in ("{", "7", "null", '{"0/0/1": 7, "__proto__": ["x"], "0/0": [1]}', '["a"]'):
        page.evaluate("text => localStorage.setItem('run-results/checked/run-1', text)", damaged)
        page.reload()
        assert marked(page) == 0
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no') } })")
    page.reload()
    page.locator("#queue .c-check input").first.click()
    assert marked(page) == 1
    assert "keeps no checks" in page.locator("#said").inner_text()
    page.reload()
    assert marked(page) == 0


# Tables -------------------------------------------------------------------------------------------------------


def test_the_list_can_be_had_as_csv(inbox: Path, look: Look) -> None:
    """The list that is shown comes as CSV: every row with its place, harmless for spreadsheets, with its check."""
    page = look(inbox, fresh="csv").page
    page.locator("#queue .c-check input").first.click()
    with page.expect_download() as waiting:
        page.click("#download")
    assert waiting.value.suggested_filename == "run-1-look.csv"
    rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text("utf-8-sig"), newline="")))
    assert len(rows) == 15
    first = rows[0]
    assert (first["reason"], first["file"], first["document"], first["class"]) == (
        "failed, invalid, edited",
        "0.pdf",
        "1",
        "W-2",
    )
    assert (first["field"], first["api_name"], first["error"]) == (
        "13 retirement plan?",
        "_13_retirement_plan_",
        "The check box was not found",
    )
    assert (first["file_index"], first["document_index"], first["field_index"], first["score"]) == (
        "0",
        "0",
        "1",
        "0.89",
    )
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", first["checked"])
    assert [row["checked"] != "" for row in rows].count(True) == 1
    (total, *_) = (row for row in rows if row["value"].startswith("'"))
    assert total["value"] == guard("=1+1;2") == "'=1+1;2"
    assert json.loads(total["guarded"]) == ["value"]
    assert total["page"] == "1"
    page.select_option("#filter-reason", "all")
    page.fill("#filter-text", "quoted")
    expect(page.locator("#queue tbody tr")).to_have_count(5)
    with page.expect_download() as waiting:
        page.click("#download")
    rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text("utf-8-sig"), newline="")))
    assert [row["value"] for row in rows] == ['two\nlines, "quoted"'] * 5


def test_the_list_can_be_copied(inbox: Path, look: Look) -> None:
    """The list that is shown goes to the clipboard as a table; where that is not allowed, a line says so."""
    page = look(inbox, fresh="copy").page
    page.evaluate("() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; }")
    page.select_option("#filter-class", label="W-2")
    page.click("#copy")
    expect(page.locator("#said")).to_have_text("10 rows copied")
    rows = list(csv.reader(io.StringIO(page.evaluate("copied"), newline=""), delimiter="\t"))
    assert len(rows) == 11
    assert {len(row) for row in rows} == {19}
    page.evaluate("() => { navigator.clipboard.writeText = async () => { throw new DOMException('no'); }; }")
    page.click("#copy")
    expect(page.locator("#said")).to_contain_text("allows no copying")


def test_hostile_text_does_nothing_in_groups_and_tables(look: Look, tmp_path: Path) -> None:
    """Markup, controls and formulas in every place are text in groups, in the filters of edits and in CSV."""
    path = tmp_path / "r.html"
    write_report([nasty_page()], path, names=NameMap(NASTY[:4]))
    page = look(path, fresh="hostile").page
    page.locator("#queue .c-check input").nth(3).click()
    with page.expect_download() as waiting:
        page.click("#download")
    rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text("utf-8-sig"), newline="")))
    assert {row["value"] for row in rows if row["file_index"]} >= {guard(text) for text in NASTY if "\r" not in text}
    page.click("#list-groups")
    assert "<script>alert(1)</script>" in page.locator("#queue").inner_text()
    assert "⟨U+202E⟩" in page.locator("#edits-user").text_content()  # type: ignore[operator]
    page.fill("#edits-text", "<script>")
    for row in range(3):
        page.locator("#queue tbody tr").nth(row).click()
        page.click("#list-groups")
    assert page.evaluate("document.querySelectorAll('script, img, iframe').length") <= 1
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# A document ---------------------------------------------------------------------------------------------------


def test_people_count_from_one(inbox: Path, look: Look) -> None:
    """Files, documents and pages are counted from 1; the API's indexes stand in the details of a field."""
    page = look(inbox, "#d=5&s=1").page
    assert page.locator("#viewer .meta").inner_text().split("\n")[:2] == ["file 6", "document 1"]
    assert page.locator("#viewer figure b").all_inner_texts() == ["Page 1", "Page 2"]
    assert "file 5, document 0, field 1, counted from 0" in page.locator("#viewer .more").inner_text()
    page.locator("#viewer .rows tr").nth(1).click()
    page.evaluate("location.hash = 'd=0&s=0'")
    expect(page.locator("#viewer .more")).to_contain_text("page 1: 10, 10 to 60, 20")
    assert "file 0, document 0, page 0, field 0" in page.locator("#viewer .more").inner_text()


def test_a_page_without_a_picture_shows_the_values(inbox: Path, look: Look, tmp_path: Path) -> None:
    """Values stand in their boxes, one line in each where each has a box; over a picture they do not."""
    page = look(inbox, "#d=0").page
    assert page.locator("#viewer .ink").all_text_contents() == ["=1+1;2", "two", 'lines, "quoted"']
    path = tmp_path / "r.html"
    shown = document(
        field("a", source_coordinates=[box(10, 10, 60, 20)]),
        field("long", value="w" * 5000, source_coordinates=[box(10, 30, 60, 40)]),
    )
    write_report([one(shown)], path, images=lambda *_: PNG)
    assert look(path).page.locator("#viewer .ink").count() == 0
    write_report([one(shown)], path)
    assert [len(text) < 60 for text in look(path).page.locator("#viewer .ink").all_text_contents()] == [True, True]


# The rest -----------------------------------------------------------------------------------------------------


def test_edits_can_be_filtered(inbox: Path, look: Look) -> None:
    """Edits are filtered by words, by who made them and by class, alone and together."""
    page = look(inbox).page
    found = page.locator("#edits-found")
    assert found.inner_text() == "7 edits"
    page.fill("#edits-text", "retirement j.doe")
    assert found.inner_text() == "5 of 7 edits"
    page.select_option("#edits-class", label="Invoice (2)")
    assert found.inner_text() == "0 of 7 edits"
    page.fill("#edits-text", "")
    assert found.inner_text() == "2 of 7 edits"
    page.select_option("#edits-user", label="u (1)")
    assert page.locator("#timeline .edit").count() == 1
    page.select_option("#edits-class", "")
    page.select_option("#edits-user", "0")
    assert page.locator("#timeline .edit").count() == 5


@pytest.mark.parametrize("width", [1400, 390])
def test_addresses_are_not_broken_in_the_middle(inbox: Path, look: Look, width: int) -> None:
    """An e-mail address is broken before the @ or nowhere, where its parts fit."""
    page = look(inbox, size=(width, 844)).page
    lines = page.locator("#timeline .unit").evaluate_all(
        "all => all.map(e => [e.textContent, e.getClientRects().length, e.clientHeight])"
    )
    assert {text for text, _, _ in lines} >= {"j.doe", "@example.com", *re.split("(?=@)", MAIL)}
    assert {(boxes, height < 30) for _, boxes, height in lines} == {(1, True)}


def test_the_tab_of_what_is_seen_is_marked(small: Large, look: Look) -> None:
    """The tab of the part on the screen is the current one, after a click and after scrolling."""
    page = look(small.path).page
    current = page.locator("nav a[aria-current]")
    expect(current).to_have_text("Review")
    for name in ("Drift", "Confidence", "Cross-class fields", "Edits"):
        page.locator("nav a", has_text=name).click()
        expect(current).to_have_text(name)
    page.mouse.wheel(0, -100_000)
    expect(current).to_have_text("Review")


def test_a_question_mark_shows_the_keys(inbox: Path, look: Look) -> None:
    """`?` opens the list of keys, which has every key; other keys do nothing meanwhile, and Escape closes it."""
    page = look(inbox).page
    page.keyboard.press("?")
    keys = page.locator("#keys")
    assert {"/", "j", "k", "c", "?", "Esc", "Enter"} <= set(keys.locator("kbd").all_inner_texts())
    address = page.url
    page.keyboard.press("]")
    assert page.url == address
    page.keyboard.press("Escape")
    assert not keys.is_visible()
    page.fill("#filter-text", "")
    page.focus("#filter-text")
    page.keyboard.type("?")
    assert not keys.is_visible()
    page.click("#show-keys")
    assert keys.is_visible()
    page.click("#hide-keys")
    assert not keys.is_visible()


def test_chips_leave_room_for_the_error(inbox: Path, look: Look) -> None:
    """At 1,400 px the error of a field that is failed, invalid and edited can be read in the list."""
    page = look(inbox, size=(1400, 900)).page
    error = page.locator("#queue tbody tr").first.locator(".value")
    assert error.evaluate("e => [e.scrollWidth <= e.clientWidth, e.scrollHeight <= e.clientHeight + 1]") == [True, True]
    assert page.locator("#queue tbody tr").first.locator(".badge").all_inner_texts() == ["invalid", "edited"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_groups_checks_and_keys_have_contrast(inbox: Path, look: Look, scheme: str) -> None:
    """Rows that are checked, groups, and the list of keys can be read in light and in dark."""
    page = look(inbox, fresh=scheme, color_scheme=scheme).page
    for row in (0, 3):
        page.locator("#queue .c-check input").nth(row).click()
    assert page.evaluate(FAINT)[1] == []
    page.click("#list-groups")
    page.click("#show-keys")
    assert page.evaluate(FAINT)[1] == []


def test_a_narrow_screen_has_room_for_the_list(small: Large, look: Look) -> None:
    """At 390 px the head takes less than half of the screen, every tab is seen, and a file has its own line."""
    page = look(small.path, size=(390, 844)).page
    assert page.locator("header").bounding_box()["height"] < 422  # type: ignore[index]
    assert page.locator("nav").evaluate("e => e.scrollWidth <= e.clientWidth")
    title, tools = (page.locator(f"#viewer .top {name}").bounding_box() for name in ("h3", ".tools"))
    assert title
    assert tools
    assert title["y"] + title["height"] <= tools["y"]
    page.locator("summary", has_text="About this run").click()
    assert page.locator(".facts", has_text="Started").is_visible()


def test_a_narrow_screen_has_room_for_drift(tmp_path: Path, look: Look) -> None:
    """At 390 px the path of a breach has room for a name, and its mark is not broken."""
    path = tmp_path / "drift.html"
    write_report([one(document({"field_name": "a", "value": 1}))], path)
    page = look(path, size=(390, 844)).page
    cell = page.locator(".drift tbody th").first.bounding_box(timeout=5000)
    assert cell
    assert cell["width"] > 130
    assert page.locator(".drift .badge").first.bounding_box()["height"] < 25  # type: ignore[index]


def test_paper_says_what_is_left_out(large: Large, look: Look) -> None:
    """On paper a list says which part of it is printed, class names have room, and nothing is wider than the paper."""
    page = look(large.path, size=(720, 1000)).page
    page.emulate_media(media="print")
    assert re.match(r"Printed: 1–50 of [\d,]+ entries\.", page.locator("#queue-printed").inner_text())
    assert re.match(r"Printed: 1–100 of [\d,]+ edits\.", page.locator("#edits-printed").inner_text())
    assert page.locator(".tile .below").is_visible()  # nobody can look up the threshold on paper
    is_cut = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).length"
    assert page.locator("#queue .api.line").evaluate_all(is_cut) == 0  # nor the end of a file's name
    table = page.locator(".classes")
    outer = table.bounding_box()
    assert outer
    assert outer["x"] + outer["width"] <= 720
    for cell in table.locator("tbody tr").first.locator("th, td.chart").all():
        assert cell.bounding_box()["width"] > 90  # type: ignore[index]
    chart = table.locator(".histogram").first.bounding_box()
    assert chart
    assert chart["x"] + chart["width"] <= outer["x"] + outer["width"]
    after = "all => [...new Set(all.map(e => getComputedStyle(e).breakAfter))]"
    assert page.locator("h2, section > h3, .legend").evaluate_all(after) == ["avoid"]

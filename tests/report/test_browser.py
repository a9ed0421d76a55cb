"""The report in a real browser: that people find, see and reach what they look for, and that nothing else happens.

Every view fails its test when a dialog opens, the console has an error, the policy is broken, or anything is asked for
but the report itself (see `look`). Screenshots are kept in `build/screenshots`.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from run_results import NameMap
from run_results.report import write_report
from run_results.text import count

from .conftest import Large, View
from .kit import Json, box, document, one, page_of
from .test_report import NASTY, PNG, nasty_page

Look = Callable[..., View]


def field(name: str, model: float | None = None, ocr: float | None = None, **more: Any) -> Json:
    """A field with scores."""
    return {"field_name": name, "value": f"value of {name}", "confidence": {"model": model, "ocr": ocr}, **more}


def invoice() -> Json:
    """A document with a field of each kind."""
    return document(
        field("first", 0.99, source_coordinates=[box(10, 10, 60, 20)]),
        field("low", 0.2, 0.9, source_coordinates=[box(110, 30, 60, 10), box(70, 40, 90, 50)]),
        field("stray", 0.7, source_coordinates=[box(500, 10, 600, 20), box(180, 80, 230, 90)]),
        field("elsewhere", 0.85, source_coordinates=[box(1, 1, 2, 2, page=7), {"top_x": 4.0, "page_number": 0}]),
        field("unscored", source_coordinates=[box(5, 60, 40, 70)]),
        {"field_name": "gone", "value": "ERROR", "error_msg": "no such field here", "validations": {"valid": False}},
        field("second page", 0.97, source_coordinates=[box(5, 60, 40, 70, page=1)]),
        pages=2,
    )


@pytest.fixture(scope="session")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with every kind of field and box, and pictures."""
    path = tmp_path_factory.mktemp("report") / "kinds.html"
    names = NameMap(["first name", "low-value"], by_class={"Invoice": ["low"]})
    edits = [
        {"timestamp": "08/27/2025 00:58:39", "user_id": "u", "modifications": [{"message": "earlier"}]},
        {"timestamp": "yesterday", "user_id": "u", "modifications": [{"message": "unknown"}]},
        {"timestamp": "12/01/2025 10:00:00", "user_id": "v", "modifications": [{"message": "later"}]},
    ]
    case = {
        "name": "applicant",
        "value": "value of low",
        "input_fields": [{"record_index": 1, "refined_phrase_name": name} for name in ("first", "low")],
        "chosen_field": {"record_index": 1, "refined_phrase_name": "low"},
    }
    other = document(
        field("total", 0.6, edit_history=edits), class_name="Receipt", validations={"final_result_pass": False}
    )
    page = one(other, invoice(), document(class_name=None), case_info={"fields": [case]})
    write_report([page], path, names=names, images=lambda _, __, number: PNG if number == 1 else None)
    return path


def rows(view: View) -> list[str]:
    """The names in the list, from top to bottom."""
    return [text.split("\n")[0] for text in view.page.locator("#queue tbody .c-what").all_inner_texts()]


def chosen(view: View) -> tuple[list[str], list[str]]:
    """The field that is chosen in the table of the document, and the boxes that are marked for it, by number."""
    marked = view.page.locator("#viewer .box[aria-pressed=true]").evaluate_all("all => all.map(e => e.dataset.s)")
    row = view.page.locator("#viewer tr[aria-current=true]").evaluate_all("all => all.map(e => e.dataset.s)")
    return row, sorted(set(marked))


# The queue ----------------------------------------------------------------------------------------------------


def test_the_queue_has_what_needs_a_look(kinds: Path, look: Look) -> None:
    """The list begins with failures and the lowest confidence; fields without a problem are not in it."""
    view = look(kinds)
    view.picture("kinds")
    assert rows(view) == ["gone", "low", "total", "stray", "(the document)", "(the document)"]
    assert view.page.locator("#found").inner_text() == "6 entries: 4 fields, 2 documents"
    view.page.select_option("#sort", "run")
    assert rows(view) == ["(the document)", "total", "low", "stray", "gone", "(the document)"]
    view.page.select_option("#filter-reason", "failed")
    assert rows(view) == ["gone"]
    view.page.select_option("#filter-reason", "invalid")
    assert rows(view) == ["(the document)", "gone"]
    view.page.select_option("#filter-reason", "edited")
    assert rows(view) == ["total"]
    view.page.select_option("#filter-reason", "all")
    assert len(rows(view)) == 1 + 8 + 2


def test_the_queue_can_be_filtered(kinds: Path, look: Look) -> None:
    """Class, field, text and threshold narrow the list, alone and together."""
    view = look(kinds)
    page = view.page
    page.select_option("#filter-class", label="Receipt")
    assert rows(view) == ["total", "(the document)"]
    page.select_option("#filter-field", label="total")
    assert rows(view) == ["total"]
    page.select_option("#filter-class", label="Invoice")
    assert page.locator("#filter-field").input_value() == "", "a field that the class does not have is let go"
    assert rows(view) == ["gone", "low", "stray"]
    page.fill("#filter-text", "VALUE of low")
    expect(page.locator("#queue tbody tr")).to_have_count(1)
    assert rows(view) == ["low"]
    page.fill("#filter-text", "no such thing")
    page.wait_for_selector("#queue .empty")
    page.fill("#filter-text", "")
    expect(page.locator("#queue tbody tr")).to_have_count(3)
    page.locator("#threshold").fill("0.5")
    assert rows(view) == ["gone", "low"]
    page.locator("#threshold").fill("0.9")
    assert rows(view) == ["gone", "low", "stray", "elsewhere"]
    assert page.locator("#threshold-shown").inner_text() == "0.90"


def test_the_list_goes_by_the_threshold_that_was_counted_with(tmp_path: Path, look: Look) -> None:
    """A threshold with three digits is the same in the counts, beside the slider and in the list."""
    path = tmp_path / "r.html"
    write_report([one(document(field("a", 0.852), field("b", 0.857)))], path, threshold=0.855)
    view = look(path)
    page = view.page
    tile = page.locator(".tile[data-reason=unsure]").inner_text()
    assert tile.split() == ["1", "unsure", "(below", "0.855)", "1", "field"]
    assert page.locator("#threshold-shown").inner_text() == "0.855"
    assert rows(view) == ["a"]
    page.focus("#threshold")
    page.keyboard.press("ArrowUp")
    assert page.locator("#threshold-shown").inner_text() == "0.86", "from there it goes by hundredths"
    assert rows(view) == ["a", "b"]


def test_documents_can_be_listed(small: Large, look: Look) -> None:
    """Documents can be listed, and files without documents are in the list."""
    view = look(small.path)
    view.page.click("#list-documents")
    view.page.select_option("#filter-reason", "all")
    numbers = [len(file["documents"]) for file in small.run.files(0, 30)]
    assert 0 in numbers
    found = f"{sum(numbers)} documents, {count(numbers.count(0), 'file')} without documents"
    assert view.page.locator("#found").inner_text() == found
    view.page.locator("#queue .badge", has_text="no documents").first.click()
    assert "No documents were found in this file." in view.page.locator("#viewer").inner_text()


def test_the_queue_has_as_many_as_are_counted(small: Large, look: Look) -> None:
    """Each filter finds as many fields, cross-class fields and documents as stand above and in the counts."""
    page, counts = look(small.path).page, small.written.counts
    cases, documents = counts.case_fields, counts.documents
    for mark, of_documents in (("failed", 0), ("invalid", documents.invalid), ("edited", documents.edited)):
        page.select_option("#filter-reason", mark)
        found = page.locator("#found").inner_text()
        kinds = {"field": getattr(counts.fields, mark), "cross-class field": getattr(cases, mark)}
        kinds["document"] = of_documents
        shown = ", ".join(count(number, noun) for noun, number in kinds.items() if number)
        total = sum(kinds.values())
        assert found == f"{count(total, 'entry', 'entries')}: {shown}" if total else "0 entries"
        tile = page.locator(f".tile[data-reason={mark}]").inner_text()
        assert tile.split() == f"{total:,} {mark} {shown or 'none'}".split()
    page.select_option("#filter-reason", "unsure")
    assert f": {count(counts.fields.unsure, 'field')}" in page.locator("#found").inner_text()
    page.locator("#queue tbody tr").first.click()
    assert f" of {count(documents.total, 'document')}" in page.locator("#viewer .top").inner_text()


def test_a_histogram_leads_to_its_fields(kinds: Path, look: Look) -> None:
    """A click on a class or a field among the histograms lists its fields."""
    view = look(kinds)
    view.page.locator(".charts .card", has_text="stray").click()
    assert rows(view) == ["stray"]
    view.page.locator(".counted .link", has_text="Receipt").click()
    assert rows(view) == ["total", "(the document)"]


# A document ---------------------------------------------------------------------------------------------------


def test_rows_and_boxes_are_linked_by_clicks(kinds: Path, look: Look) -> None:
    """A click on a row marks its boxes, a click on a box its row, and the row shows the rest of the field."""
    view = look(kinds, "#d=1")
    page = view.page
    page.locator("#viewer tr[data-s='1']").click()
    assert chosen(view) == (["1"], ["1"])
    assert page.locator("#viewer .box[aria-pressed=true]").count() == 2
    assert "given the wrong way round" in page.locator("#viewer tr[data-s='1']").inner_text()
    page.locator("#viewer .box[data-s='4'] .frame").click()
    assert chosen(view) == (["4"], ["4"])
    assert page.locator("#viewer .more").count() == 1
    page.locator("#viewer .box[data-s='6'] .frame").click()
    assert chosen(view) == (["6"], ["6"])
    page.locator("#queue tr", has_text="stray").click()
    assert chosen(view) == (["2"], ["2"])
    assert page.url.endswith("#d=1&s=2")


def test_rows_and_boxes_are_linked_by_hover_and_focus(kinds: Path, look: Look) -> None:
    """Pointing at a row or focusing it shows its boxes, and the other way round."""
    view = look(kinds, "#d=1")
    page = view.page
    page.hover("#viewer tr[data-s='0']")
    assert "near" in view.classes("#viewer .box[data-s='0']")
    page.hover("#viewer .box[data-s='4'] .frame")
    assert "near" in view.classes("#viewer tr[data-s='4']")
    assert "near" not in view.classes("#viewer .box[data-s='0']")
    page.mouse.move(0, 0)
    page.focus("#viewer tr[data-s='0']")
    assert "near" in view.classes("#viewer .box[data-s='0']")
    page.focus("#viewer .box[data-s='4']")
    assert "near" in view.classes("#viewer tr[data-s='4']")


def test_boxes_are_where_they_belong(kinds: Path, look: Look) -> None:
    """A box is drawn at its place on the page, with its corners in order; one across the edge is cut there."""
    view = look(kinds, "#d=1")
    frames = view.page.locator("#viewer .paper").evaluate_all("all => all.map(e => e.getAttribute('viewBox'))")
    assert frames == ["0 0 1000 500"] * 2
    corners = "all => all.map(e => ['x', 'y', 'width', 'height'].map(n => Math.round(e.getAttribute(n))))"
    assert view.page.locator(".box[data-s='0'] .frame").evaluate_all(corners) == [[50, 50, 250, 50]]
    assert view.page.locator(".box[data-s='1'] .frame").evaluate_all(corners) == [
        [300, 50, 250, 100],
        [350, 200, 100, 50],
    ]
    assert view.page.locator(".box[data-s='2'] .frame").evaluate_all(corners) == [[900, 400, 106, 50]]
    paper = view.page.locator("#viewer .paper").first.bounding_box()
    drawn = view.page.locator(".box[data-s='0'] .frame").bounding_box()
    assert paper is not None
    assert drawn is not None
    assert drawn["x"] - paper["x"] == pytest.approx(paper["width"] * 10 / 200, abs=4)


def test_boxes_that_cannot_be_drawn_are_listed(kinds: Path, look: Look) -> None:
    """A box off its page, on a page without layout, or with coordinates missing is listed, and linked to its row."""
    view = look(kinds, "#d=1")
    page = view.page
    assert page.locator("figure", has_text="Page 1").locator(".misplaced").inner_text().split("\n") == [
        "Off the page:",
        "3 stray at 500, 10 to 600, 20",
    ]
    lost = page.locator("figure", has_text="Page 8")
    assert "The size of this page is not given" in lost.inner_text()
    assert "not among the document's pages" in lost.inner_text()
    lost.locator(".misplaced button").click()
    assert chosen(view)[0] == ["3"]
    assert "4 elsewhere at 4, ? to ?, ?" in page.locator(".pages > .misplaced").inner_text()


def test_confidence_is_more_than_a_colour(kinds: Path, look: Look) -> None:
    """Each band of confidence has another line as well as another colour, and the legend shows them all."""
    view = look(kinds, "#d=1")
    script = "all => all.map(e => { const s = getComputedStyle(e); return [s.strokeDasharray, s.strokeWidth].join(); })"
    lines = view.page.locator("#confidence .legend rect").evaluate_all(script)
    assert len(lines) == len(set(lines)) == 6
    drawn = [view.page.locator(f".box[data-s='{s}']").first.get_attribute("class") for s in (0, 1, 2, 4)]
    assert drawn == ["box high", "box low", "box medium", "box unknown"]
    assert view.page.locator(".box[data-s='1']").first.get_attribute("aria-label") == "2 low: value of low (low, 0.20)"


def test_a_picture_lies_under_the_boxes(kinds: Path, look: Look) -> None:
    """The picture of a page is drawn over its whole frame, below the boxes."""
    view = look(kinds, "#d=1")
    picture = view.page.locator("figure", has_text="Page 2").locator("svg > *").first
    assert picture.evaluate("e => e.tagName") == "image"
    assert (picture.get_attribute("href") or "").startswith("data:image/png;base64,")
    assert [picture.get_attribute(name) for name in ("width", "height")] == ["1000", "500"]
    assert view.page.locator("figure", has_text="Page 1").locator("image").count() == 0


def test_pages_can_be_magnified(kinds: Path, look: Look) -> None:
    """Plus and minus make the pages larger and smaller."""
    view = look(kinds, "#d=1")
    width = "document.querySelector('.paper').getBoundingClientRect().width"
    before = view.page.evaluate(width)
    view.page.get_by_label("Larger pages").click()
    assert view.page.evaluate(width) == pytest.approx(1.5 * before, rel=0.02)
    view.page.keyboard.press("-")
    assert view.page.evaluate(width) == pytest.approx(before, rel=0.02)


# The rest -----------------------------------------------------------------------------------------------------


def test_edits_are_a_timeline(kinds: Path, look: Look) -> None:
    """Edits stand newest first by day; one whose time cannot be read stands at the end, unchanged."""
    view = look(kinds)
    lines = view.page.locator("#timeline li").all_inner_texts()
    assert [line.split("\n")[0] for line in lines] == [
        "2025-12-01", "10:00:00", "2025-08-27", "00:58:39", "Time not readable", "yesterday",
    ]  # fmt: skip
    assert [word for line in lines for word in ("later", "earlier", "unknown") if word in line] == [
        "later",
        "earlier",
        "unknown",
    ]
    view.page.locator("#timeline button", has_text="total").first.click()
    assert chosen(view)[0] == ["0"]


def test_cross_class_fields_lead_to_their_documents(kinds: Path, look: Look) -> None:
    """An option shows the value that its document has, and a click opens the document at the field."""
    view = look(kinds)
    options = view.page.locator("#packet .options li")
    assert options.first.inner_text().split("\n") == ["●low document 2 chosen", "value of low"]
    options.first.locator("button").click()
    assert view.page.url.endswith("#d=1&s=1")
    assert chosen(view) == (["1"], ["1"])


# Keys ---------------------------------------------------------------------------------------------------------


def focused(view: View) -> str:
    """What has the focus: `queue 3`, `row 1`, `box 1`, or an id."""
    return str(
        view.page.evaluate(
            "(e => e.closest('#queue') ? `queue ${e.dataset.row}` : e.matches('.rows tr') ? `row ${e.dataset.s}`"
            " : e.matches('.box') ? `box ${e.dataset.s}` : e.id || e.tagName)(document.activeElement)"
        )
    )


def test_all_can_be_done_with_keys(kinds: Path, look: Look) -> None:
    """Keys move through the queue, into the document, between row and box, and back."""
    view = look(kinds)
    press = view.page.keyboard.press
    press("Tab")
    assert view.page.evaluate("document.activeElement.className") == "skip"
    press("Enter")
    assert focused(view) == "review"
    press("j")
    assert focused(view) == "queue 1"
    assert chosen(view) == (["1"], ["1"])
    press("k")
    assert focused(view) == "queue 0"
    press("ArrowDown")
    press("Enter")
    assert focused(view) == "row 1"
    press("Enter")
    assert focused(view) == "box 1"
    press("ArrowDown")
    assert focused(view) == "box 2"
    press("Enter")
    assert focused(view) == "row 2"
    press("ArrowUp")
    press("Home")
    assert focused(view) == "row 0"
    press("End")
    assert focused(view) == "row 6"
    press("Escape")
    assert focused(view) == "queue 1"
    press("/")
    assert focused(view) == "filter-text"
    view.page.keyboard.type("jk/")
    assert view.page.locator("#filter-text").input_value() == "jk/", "letters are letters where one types"
    press("Escape")
    press("Escape")
    assert focused(view) == "queue 1", "the words found nothing: they go first, then one is back in the list"
    press("]")
    assert "document 3" in view.page.locator("#viewer .meta").inner_text()
    press("[")
    assert "document 2" in view.page.locator("#viewer .meta").inner_text()


def test_a_late_event_of_an_earlier_step_takes_no_focus(kinds: Path, look: Look) -> None:
    """The browser reports a change of the address late: a row that was reached by then keeps the focus."""
    view = look(kinds)
    view.page.evaluate(
        """() => new Promise((done) => {
            addEventListener("hashchange", () => setTimeout(done, 0), { once: true });
            location.hash = "review";
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
        })"""
    )
    assert focused(view) == "queue 1"
    assert chosen(view) == (["1"], ["1"])
    view.page.evaluate(
        """() => new Promise((done) => {
            addEventListener("hashchange", () => setTimeout(done, 0), { once: true });
            location.hash = "d=0";
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "]", bubbles: true }));
        })"""
    )
    assert view.page.url.endswith("#d=2"), "what was opened since the jump stays open"
    view.page.keyboard.press("j")
    view.page.evaluate("location.hash = 'd=0'")
    expect(view.page.locator("#viewer .meta")).to_contain_text("document 1")
    assert focused(view).startswith("queue"), "a list that is drawn anew keeps the focus"


def test_a_key_that_is_faster_than_the_search_finds_what_was_typed(kinds: Path, look: Look) -> None:
    """Enter right after the last letter leads to the first hit, not to the first row of the list before."""
    view = look(kinds)
    view.page.evaluate(
        """() => {
            const search = document.getElementById("filter-text");
            search.focus();
            search.value = "stray";
            search.dispatchEvent(new Event("input", { bubbles: true }));
            search.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
        }"""
    )
    assert rows(view) == ["stray"]
    assert focused(view) == "queue 0"
    view.page.wait_for_timeout(200)
    assert focused(view) == "queue 0", "and nothing comes after it"


def test_escape_leaves_a_search_without_hits(kinds: Path, look: Look) -> None:
    """Where nothing was found, Escape first empties the search and then moves to the list."""
    view = look(kinds)
    view.page.fill("#filter-text", "no such thing")
    view.page.wait_for_selector("#queue .empty")
    view.page.keyboard.press("Escape")
    assert view.page.locator("#filter-text").input_value() == ""
    assert len(rows(view)) == 6
    assert focused(view) == "filter-text"
    view.page.keyboard.press("Escape")
    assert focused(view).startswith("queue")


def test_the_focus_is_seen(kinds: Path, look: Look) -> None:
    """The element with the focus has an outline, in both lists and on a box; each list is one Tab stop."""
    view = look(kinds)
    style = "getComputedStyle(document.activeElement)"
    outline = f"{style}.outlineStyle !== 'none' && parseFloat({style}.outlineWidth) >= 2"
    view.page.keyboard.press("j")
    assert view.page.evaluate(outline)
    view.page.keyboard.press("Enter")
    assert view.page.evaluate(outline)
    view.page.keyboard.press("/")
    assert view.page.evaluate(outline)
    assert view.page.locator("#queue [tabindex='0']").count() == 1
    assert view.page.locator(".rows [tabindex='0']").count() == 1
    assert view.page.locator(".box[tabindex='0']").count() == 1


# Many documents -----------------------------------------------------------------------------------------------


def test_two_thousand_documents_are_paged(large: Large, look: Look) -> None:
    """With 12,000 fields the page holds a few thousand elements, and every field can be reached."""
    assert large.written.documents == 2000
    assert large.written.fields == 12_000
    assert large.written.size < 5_000_000
    view = look(large.path)
    page = view.page
    view.picture("large")
    elements = "document.querySelectorAll('*').length"
    assert page.evaluate(elements) < 6000
    page.select_option("#filter-reason", "all")
    counts = large.written.counts
    total = f"{12_000 + counts.case_fields.total + counts.documents.need_a_look + counts.empty_files:,}"
    assert page.locator("#found").inner_text().startswith(f"{total} entries: 12,000 fields, ")
    assert f"1–50 of {total} entries" in page.locator("#queue-pager").inner_text()
    assert len(rows(view)) == 50
    page.get_by_label("Next page").first.click()
    assert page.locator("#queue-pager").inner_text().split("\n")[1].startswith(f"51–100 of {total}")
    assert page.locator("#queue tbody tr").first.get_attribute("data-row") == "50"
    page.focus("#queue tr[data-row='99']")
    page.locator("#queue tr[data-row='99']").click()
    page.keyboard.press("j")
    assert focused(view) == "queue 100"
    page.keyboard.press("End")
    assert page.locator("#queue-pager").inner_text().split("\n")[1].startswith("12,1")
    page.click("#list-documents")
    assert page.locator("#found").inner_text() == "2,000 documents"
    assert page.evaluate(elements) < 6000


def test_a_search_finds_the_one(large: Large, look: Look) -> None:
    """The last file's documents are found by its name, and the report can be opened at any of them."""
    view = look(large.path)
    view.page.select_option("#filter-reason", "all")
    view.page.fill("#filter-text", "0000499")
    expect(view.page.locator("#found")).to_have_text(re.compile("^2[4-8] entries"))
    last = look(large.path, "#d=1999&s=5")
    assert last.page.locator("#viewer h3").inner_text() == large.run.file(499)["original_file_name"]
    assert chosen(last)[0] == ["5"]
    last.page.evaluate("location.hash = 'd=7&s=2'")
    expect(last.page.locator("#viewer h3")).to_have_text(large.run.file(1)["original_file_name"])
    assert chosen(last)[0] == ["2"]


# Hostile text -------------------------------------------------------------------------------------------------


def test_hostile_text_stays_text(tmp_path: Path, look: Look) -> None:
    """Names and values full of markup, controls and length are shown as text wherever they are, and do nothing."""
    path = tmp_path / "r.html"
    write_report([nasty_page()], path, names=NameMap(NASTY[:4]), title=NASTY[1])
    view = look(path)
    page = view.page
    view.picture("hostile")
    page.select_option("#filter-reason", "all")
    page.select_option("#sort", "run")
    listed = page.locator("#queue tbody").inner_text()
    assert "<script>alert(1)</script>" in listed
    assert "⟨U+202E⟩" in listed
    assert "⟨U+0000⟩" in listed
    for number in range(len(NASTY)):
        page.evaluate(f"location.hash = 'd={number}&s=0'")
        page.locator("#queue tr", has=page.locator("td")).nth(0)
        page.keyboard.press("]")
    page.evaluate("document.querySelectorAll('#viewer .link').forEach(each => each.click())")
    assert page.evaluate("document.querySelectorAll('script').length") <= 2, "the data have been read and taken out"
    assert (
        page.evaluate("document.querySelectorAll('img, iframe, object, embed, link, video, style ~ style').length") == 0
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing pushes the page wide"
    page.set_viewport_size({"width": 420, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_characters_without_width_are_spelled_out(tmp_path: Path, look: Look) -> None:
    """A value with a soft hyphen or a space without width in it does not look like one without."""
    path = tmp_path / "r.html"
    write_report([one(document(field("a", 0.1) | {"value": "1\u200b2\u00ad3\u20604\u180e5"}))], path)
    view = look(path)
    for place in ("#queue", "#viewer"):
        assert "1⟨U+200B⟩2⟨U+00AD⟩3⟨U+2060⟩4⟨U+180E⟩5" in view.page.locator(place).inner_text()


def test_a_long_value_is_cut_and_can_be_had(tmp_path: Path, look: Look) -> None:
    """A value of 10,000 characters is cut in the tables and shown in full when asked for."""
    path = tmp_path / "r.html"
    write_report([one(document(field("a", 0.1) | {"value": "w" * 10_000}))], path)
    view = look(path)
    assert view.page.locator("#viewer").inner_text().count("w") < 1000
    view.page.get_by_text("Show all 10,000 characters").click()
    assert view.page.locator("#viewer").inner_text().count("w") > 10_000


def test_half_a_surrogate_pair_is_survived(tmp_path: Path, look: Look) -> None:
    """Text that UTF-8 cannot hold is shown with U+FFFD in its place."""
    path = tmp_path / "r.html"
    write_report([one(document(field("a", 0.1) | {"value": "half \ud800 pair"}))], path, names=NameMap(["a", "\udfff"]))
    assert "half \ufffd pair" in look(path).page.locator("#viewer").inner_text()


@pytest.mark.parametrize(
    "answer",
    [{"files": []}, {"files": [{}]}, {"files": [{"documents": [{}]}]}, {"files": [{"documents": [{"fields": [{}]}]}]}],
)
def test_an_empty_run_can_be_opened(tmp_path: Path, look: Look, answer: Json) -> None:
    """A run without files, documents, fields or values opens, and keys and clicks do no harm."""
    path = tmp_path / "r.html"
    write_report([page_of(answer)], path)
    view = look(path)
    for key in ("j", "Enter", "Enter", "k", "]", "[", "Escape", "+"):
        view.page.keyboard.press(key)
    view.page.click("#list-documents")
    view.page.select_option("#filter-reason", "all")
    for row in view.page.locator("#queue tbody tr").all():
        row.click()


# How it looks -------------------------------------------------------------------------------------------------

# The contrast of all text that is seen against what lies behind it, by WCAG 2; gives those that are too faint.
FAINT = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const parse = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  let seen = 0;
  for (const e of document.querySelectorAll('body *')) {
    if (e.closest('svg, option, script, noscript, [disabled], .skip') || !e.checkVisibility()) continue;
    if (![...e.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    seen += 1;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) faint.push(`${e.tagName}.${e.className} ${e.textContent.slice(0, 30)} ${contrast.toFixed(2)}`);
  }
  return [seen, [...new Set(faint)]];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_contrast(small: Large, look: Look, scheme: str) -> None:
    """In light and in dark, every text has a contrast of at least 4.5 to 1 against what lies behind it."""
    view = look(small.path, color_scheme=scheme)
    view.picture(f"report-{scheme}")
    ground = view.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 150) == (scheme == "dark")
    seen, faint = view.page.evaluate(FAINT)
    assert seen > 200
    assert faint == []


def test_it_fits_a_narrow_screen(small: Large, look: Look) -> None:
    """On a telephone nothing is wider than the screen, and a click on a row brings the document into sight."""
    view = look(small.path, size=(400, 800))
    view.picture("report-narrow")
    assert view.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    view.page.locator("#queue tbody tr").nth(3).click()
    top = view.page.evaluate("document.querySelector('#viewer').getBoundingClientRect().top")
    assert 0 <= top < 300


def test_it_prints(small: Large, look: Look) -> None:
    """On paper there are no controls, nothing is cut by a scroll pane, and the ground is white also in dark."""
    view = look(small.path, color_scheme="dark")
    view.page.emulate_media(media="print", color_scheme="dark")
    view.page.set_viewport_size({"width": 720, "height": 1000})
    view.picture("report-print")
    assert view.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for selector in ("nav", ".filters", ".pager", ".skip"):
        assert not view.page.locator(selector).first.is_visible()
    for selector in ("header .tiles", "#queue", "#viewer .paper", ".rows", "#packet", "#timeline", ".histogram"):
        assert view.page.locator(selector).first.is_visible()
    panes = view.page.locator(".pane, .scroller, .split, .pages, .side")
    assert panes.evaluate_all("all => all.filter(e => e.scrollHeight > e.clientHeight + 2).length") == 0
    seen, faint = view.page.evaluate(FAINT)
    assert (seen > 200, faint) == (True, [])
    assert len(view.page.pdf(format="A4")) > 10_000


def test_without_scripts_the_rest_is_there(small: Large, look: Look) -> None:
    """With scripts off, counts, histograms, cross-class fields and drift are there, and a notice names the rest."""
    view = look(small.path, java_script_enabled=False)
    text = view.page.locator("body").inner_text()
    numbers = f"{small.written.fields} fields"
    for words in ("Scripts are off here", numbers, "By class", "Cross-class fields", "applicant's name", "Drift"):
        assert words in text
    assert not view.page.locator("#review").is_visible()
    assert view.page.locator(".histogram").first.is_visible()

"""The script's rule for formulas is that of the tables, and its parts are all in the report."""

import re
from importlib.resources import files

from hypothesis import example, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser
from tests.tables.test_formats import HOSTILE
from tests.tables.test_formulas import FORMULAS, HARMLESS

from run_results.report.template import SCRIPTS, script
from run_results.tables.currencies import CODES, SIGNS
from run_results.tables.formulas import guard

PARTS = files("run_results.report").joinpath("script")


def test_every_part_is_in_the_report() -> None:
    """The report has each part of the script once, in one scope, strict."""
    names = {part.name for part in PARTS.iterdir()}
    assert names == {f"{name}.js" for name in SCRIPTS}
    text = script()
    assert text.startswith('"use strict";\n(() => {\n')
    for name in SCRIPTS:
        part = PARTS.joinpath(f"{name}.js").read_text("utf-8")
        assert text.count(part) == 1
        assert len(part.splitlines()) < 300
    assert not re.search("</|<!--", text), "nothing in it ends the element that it stands in"


AMOUNTS = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from(["", "-", "+", "- ", "=", "a;-", "x, -", "; +", "1\n-"]),
    st.sampled_from(["", *sorted(SIGNS), *sorted(CODES)[:20]]),
    st.sampled_from(["", " ", "\u00a0"]),
    st.sampled_from(["5", "1,234.50", ".5", "5'000", "1e5", "9" * 99, "9" * 100, "9" * 101]),
    st.sampled_from(["", " ", "%", "\u00a0€", " EUR", "kr.", "zł", ";", "\n", "\x85", "\ufeff", "\x1c"]),
    st.sampled_from(["", "x", "=1", ";-5", ", -6", "|@a"]),
)
TEXTS = st.text("=+-@,;|\t\r\n 12.a'\"\x00\u00a0$%＝\x85\ufeff", max_size=10) | st.text(max_size=8) | AMOUNTS


def test_formulas_are_guarded_as_in_tables(browser: Browser) -> None:
    """For every text, the script of a report gives what `guard` of the tables gives."""
    page = browser.new_page()
    source = PARTS.joinpath("formulas.js").read_text("utf-8")
    page.evaluate(
        f"currencies => {{ {source}; window.guard = guardWith(currencies); }}", [sorted(CODES), sorted(SIGNS)]
    )

    @settings(max_examples=30, deadline=None)
    @given(st.lists(TEXTS, min_size=60, max_size=120))
    @example(FORMULAS + HARMLESS + HOSTILE)
    def agree(texts: list[str]) -> None:
        texts = [text.encode("utf-8", "replace").decode() for text in texts]
        guarded = page.evaluate("texts => texts.map(guard)", texts)
        assert dict(zip(texts, guarded, strict=True)) == {text: guard(text) for text in texts}

    agree()
    page.close()

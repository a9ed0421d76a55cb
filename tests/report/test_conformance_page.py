"""The conformance report in a real browser, on a telephone and in the dark."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from run_results_conformance.verifier.report import Failure, Report, Verdict, to_html
from run_results_conformance.verifier.rules import RULES

from .test_browser import FAINT


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_conformance_report_fits_and_can_be_read(browser: Browser, tmp_path: Path, scheme: str) -> None:
    """At 390 px nothing is wider than the screen, and every text has contrast, in light and in dark."""
    request = f"curl 'https://host.example/api/v2/apps/runs/{'0198f3c2-' * 9}/results?{'include_review=true&' * 9}'"
    failure = Failure(RULES[0].id, "offset=3", request, 200, "{" * 300, "$.files[0].documents" * 9, "3", "2")
    verdicts = [Verdict(rule, 3, 1, (failure,)) for rule in RULES[:2]]
    verdicts += [Verdict(rule, 0, 0, (), "needs a manifest") for rule in RULES[2:5]]
    verdicts += [Verdict(rule, 9, 0, ()) for rule in RULES[5:]]
    found = Report("https://host.example/api", ("r" * 90, "r-2"), tuple(verdicts), ("no",), ("note",), 212, 14.2, 3)
    path = tmp_path / "report.html"
    path.write_text(to_html(found), "utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(path.as_uri())
    page.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen, faint = page.evaluate(FAINT)
    assert seen > 200
    assert faint == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(246, 246, 243)", "dark": "rgb(22, 24, 27)"}[scheme]
    page.emulate_media(media="print", color_scheme=scheme)  # type: ignore[arg-type]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()

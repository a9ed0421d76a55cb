"""Takes the pictures of the documentation, from invented runs and servers, with Chromium: `make pictures`."""

import io
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import evolve
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from run_results_conformance import MemoryStore, SyntheticRun, serve
from run_results_conformance.faults import faulty
from run_results_conformance.verifier.report import to_html
from run_results_conformance.verifier.verification import verify

from .conftest import find_browser
from .picture_runs import intake, invoices

PLACE = Path(__file__).parents[2] / "docs" / "images"
PAPER = 90  # dots per inch
COLOURS = 256
TOKEN = "a-token-of-the-pictures"


def keep(picture: bytes, name: str) -> None:
    """Keep a picture as docs/images/NAME.png, with few colours, so that it is small."""
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            PLACE / f"{name}.png", optimize=True
        )


def take(
    browser: Browser, path: Path, name: str, *keys: str, size: tuple[int, int] = (1280, 720), **options: Any
) -> None:
    """Open a page, press keys and click what is none, and keep a picture."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, **options)
    page.goto(path.as_uri())
    for key in keys:
        if key.startswith("#"):
            page.locator(key).first.click()
        else:
            page.keyboard.press(key)
    keep(page.screenshot(), name)
    page.close()


def print_page(browser: Browser, path: Path, name: str) -> None:
    """Print a page on A4, and keep a picture of the first sheet. Without pdftoppm this is left out."""
    if not (program := shutil.which("pdftoppm")):
        print(f"SKIPPED: {name}.png needs pdftoppm (Debian: apt-get install poppler-utils)")
        return
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(path.as_uri())
    words = [program, "-png", "-singlefile", "-r", str(PAPER), "-f", "1", "-"]
    keep(subprocess.run(words, input=page.pdf(format="A4"), stdout=subprocess.PIPE, check=True).stdout, name)
    page.close()


def verification(path: Path) -> None:
    """The report on a server that has faults."""
    store = MemoryStore([SyntheticRun(1, 7, run_id="run-tax-2025", documents_per_file=1)])
    with serve(faulty("has-more-late", store, TOKEN, page_size=3)) as served:
        found = verify(served.url, TOKEN, runs=["run-tax-2025"])
    text = to_html(evolve(found, seconds=14.2), datetime(2026, 3, 2, 3, 17, tzinfo=UTC))
    path.write_text(text.replace(served.url, "https://hub.example.com/api"), "utf-8")


def main() -> None:
    """Write docs/images/report-*.png and docs/images/conformance-*.png."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        inbox, large, server = (Path(folder) / f"{name}.html" for name in ("invoices", "intake", "server"))
        invoices(browser, inbox)
        intake(large)
        verification(server)
        for scheme in ("light", "dark"):
            take(browser, inbox, f"report-{scheme}", *["j"] * 11, color_scheme=scheme)
            take(browser, server, f"conformance-{scheme}", size=(1000, 720), color_scheme=scheme)
        take(browser, large, "report-groups", "#list-groups")
        take(browser, large, "report-wide", size=(1400, 640))
        take(browser, large, "report-narrow", size=(390, 844))
        take(browser, large, "report-keys", "?", color_scheme="dark")
        take(browser, server, "conformance-narrow", size=(390, 844))
        print_page(browser, large, "report-paper")
        print_page(browser, server, "conformance-paper")
        browser.close()


if __name__ == "__main__":
    main()

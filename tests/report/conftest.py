"""One browser for all, and one large report."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from run_results import Client, Include, NameMap
from run_results.report import Written, write_report
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryStore
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

expect.set_options(timeout=120_000)  # a limit that matters only where a test fails
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> str:
    """The path of a Chromium. Where there is none, the test that asks is skipped; in CI it fails."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        reason = "no Chromium here: install it (Debian: apt-get install chromium), or name one in CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium, for no longer than a module: while it lives, no other event loop can run in this thread."""
    found = find_browser()
    with sync_playwright() as playwright:
        # As root, which containers run as, Chromium starts without its sandbox only.
        flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=found, args=flags, timeout=120_000)
        yield started
        started.close()


@define
class View:
    """A report in the browser, and what happened while it was looked at."""

    page: Page
    path: Path
    unwanted: list[str] = field(factory=list)
    """Dialogs, errors on the console, breaches of the policy, and requests for anything but the report itself."""

    size: Any = None
    listeners: list[tuple[Any, Callable[[Any], object]]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.size = self.page.viewport_size

    def listen(self, event: Any, listener: Callable[[Any], object]) -> None:
        """Hear an event of the page until the test ends."""
        self.listeners.append((event, listener))
        self.page.on(event, listener)

    def leave(self, *, keep: bool) -> None:
        """Close the page, or leave it empty for the next test, if it still is as it was made."""
        if not keep or self.page.viewport_size != self.size or self.page.evaluate("matchMedia('print').matches"):
            self.page.close()
            return
        for event, listener in self.listeners:
            self.page.remove_listener(event, listener)
        self.page.unroute_all()
        self.page.mouse.move(0, 0)
        self.page.goto("about:blank")

    def picture(self, name: str) -> None:
        """Keep a screenshot as `build/screenshots/NAME.png`."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png")

    def classes(self, selector: str) -> set[str]:
        """The classes of the one element."""
        return set((self.page.locator(selector).get_attribute("class") or "").split())


@pytest.fixture(scope="module")
def context(browser: Browser) -> Callable[..., BrowserContext]:
    """A context with these options, one for all who ask for the same. Who marks rows as checked needs a fresh one."""

    @cache
    def made(fresh: object = None, **options: Any) -> BrowserContext:
        size = dict(zip(("width", "height"), options.pop("size", (1400, 900)), strict=True))
        context = browser.new_context(**{"viewport": size, **options})
        context.add_init_script(
            "document.addEventListener('securitypolicyviolation', (e) => console.error('policy', e.violatedDirective))"
        )
        return context

    return made


@pytest.fixture
def look(context: Callable[..., BrowserContext]) -> Iterator[Callable[..., View]]:
    """Open a report; whatever it does that no report should do fails the test at its end.

    A page of a context that tests share is used by one after the other: another page costs as much as a short test.
    """
    views: list[View] = []
    idle: list[Page] = []

    def open_(path: Path, hash: str = "", **options: Any) -> View:
        shared = context(**options)
        free = [page for page in shared.pages if all(page is not view.page for view in views)]
        view = View(free[0] if free else shared.new_page(), path)
        views.append(view)
        if "fresh" not in options:
            idle.append(view.page)

        def route(route: Route) -> None:
            if route.request.url.partition("#")[0] == path.as_uri():
                route.continue_()
            else:
                view.unwanted.append(f"request: {route.request.url[:200]}")
                route.abort()

        view.page.route("**/*", route)
        view.listen("dialog", lambda dialog: (view.unwanted.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        view.listen("pageerror", lambda error: view.unwanted.append(f"error: {error}"))
        view.listen("popup", lambda _: view.unwanted.append("popup"))
        view.listen(
            "console",
            lambda message: (
                view.unwanted.append(f"{message.type}: {message.text}")
                if message.type in ("error", "warning")
                else None
            ),
        )
        view.page.set_default_timeout(120_000)
        view.page.goto(path.as_uri() + hash)
        return view

    yield open_
    for view in views:
        view.leave(keep=view.page in idle)
    assert [view.unwanted for view in views if view.unwanted] == []


@define(frozen=True)
class Large:
    """A large report, the run that it shows, and what was said when it was written."""

    path: Path
    run: SyntheticRun
    written: Written


def written(run: SyntheticRun, path: Path, **options: Any) -> Written:
    """The report of a run, fetched over a real socket."""
    names = NameMap(run.case_names(), by_class=run.project_names())
    server = ReferenceServer(MemoryStore([run]), "t0k3n", page_size=100)
    with serve(server) as running, Client(token="t0k3n", base_url=running.url) as client:
        return write_report(client.pages(run.run_id, include=Include.ALL), path, **{"names": names, **options})


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Large:
    """2,000 documents with 6 fields each."""
    run = SyntheticRun(seed=3, files=500, documents_per_file=4, fields_per_document=6)
    path = tmp_path_factory.mktemp("report") / "large.html"
    return Large(path, run, written(run, path))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Large:
    """A run as an inbox has it: 30 files, some without documents, some documents without a class."""
    run = SyntheticRun(seed=24, files=30)
    path = tmp_path_factory.mktemp("report") / "small.html"
    return Large(path, run, written(run, path, title="March intake"))

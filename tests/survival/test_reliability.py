"""docs/reliability.md says what the tests of this folder see."""

import os
from pathlib import Path

import pytest

from run_results_conformance.faults.network import SITUATIONS

from .conftest import COMMAND, COMMITTED
from .reliability import Book, without_times

HERE = Path(__file__).parent


def all_were_run(session: pytest.Session) -> bool:
    """Whether every test of this folder was to be run in this process."""
    if "PYTEST_XDIST_WORKER" in os.environ:  # `note` compares each line
        return False
    options = session.config.option
    narrowed = any(getattr(options, name, None) for name in ("keyword", "markexpr", "lf", "failedfirst", "deselect"))
    narrowed = narrowed or any("::" in argument for argument in session.config.args)
    return not narrowed and {path.name for path in HERE.glob("test_*.py")} <= {
        item.path.name for item in session.items if item.path.parent == HERE
    }


def test_the_page_says_what_the_tests_saw(request: pytest.FixtureRequest, book: Book) -> None:
    """But for the times waited, the committed page is word for word what the tests of this session observed."""
    if request.config.getoption("--reliability", default=None):
        pytest.skip("the page is being made anew")
    if not all_were_run(request.session):
        pytest.skip("only a part of the tests of survival was run")
    committed, seen = without_times(COMMITTED.read_text("utf-8")), without_times(book.page())
    assert committed == seen, f"make the page anew: {COMMAND}"


def test_the_page_tells_of_every_situation(request: pytest.FixtureRequest) -> None:
    """Each situation of the catalogue has its line."""
    if request.config.getoption("--reliability", default=None):
        pytest.skip("the page is being made anew")
    lines = COMMITTED.read_text("utf-8").splitlines()
    told = {line.split("`")[1] for line in lines if line.startswith("| `")}
    assert SITUATIONS.keys() <= told

"""The page about the pytest plugin: its settings and tests are those of a project, which passes."""

import re
import shutil

import pytest

from .blocks import DOCS, FOR_PYTEST, blocks

NEEDED = [block for block in blocks(DOCS / "testing.md") if (block.page, block.language) in FOR_PYTEST]
(SETTINGS,) = (block for block in NEEDED if block.language == "toml")
TESTS = [block for block in NEEDED if block.language == "python"]
OWN_RUNS = DOCS / "examples" / "pytest-project" / "tests" / "runs"


@pytest.mark.parametrize(
    ("own_runs", "wanted"),
    [
        (False, ["test_every_invoice"]),
        (
            True,
            [
                "test_patience",
                "test_an_error_and_not_a_shorter_list",
                "test_takes_all",
                "test_says_where",
                "test_walks",
            ],
        ),
    ],
)
def test_the_examples_of_the_page_pass(
    own_runs: bool, wanted: list[str], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first test passes without settings, because it reads a synthetic run; the others with those below it."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert len(TESTS) == 4
    for number, block in enumerate(TESTS[1:] if own_runs else TESTS[:1]):
        pytester.makepyfile(**{f"test_{number}": block.text})
    if own_runs:
        (pytester.path / SETTINGS.title).write_text(SETTINGS.text, "utf-8")
        for folder in ("runs", "large"):
            shutil.copytree(OWN_RUNS, pytester.path / "tests" / folder)
    else:
        pytester.makeini("[pytest]")
    plugins = ("-p", "run_results_conformance.plugin", "-p", "no:cacheprovider")
    done = pytester.runpytest_inprocess(*plugins, "-W", "error", "-v")
    ended = re.findall(r"^\S+::(\w+)\S* (\w+)", str(done.stdout), re.MULTILINE)
    assert {outcome for _, outcome in ended} == {"PASSED"}, str(done.stdout)
    assert {name for name, _ in ended} == set(wanted)

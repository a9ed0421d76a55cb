"""What CONTRIBUTING.md says of a change of the contract is so: tried in a copy of the project."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests import exercises
from tests.exercises import EXERCISES, ROOT, copied, make

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def contract_tests() -> list[str]:
    """The tests that `make contract` runs."""
    listed = (ROOT / "Makefile").read_text("utf-8").partition("\nCONTRACT_TESTS := ")[2].partition("\n\n")[0]
    return listed.replace("\\", " ").split()


def run(root: Path, *command: str) -> str:
    """Run Python on a copy of the project; what it wrote. Fails where it fails."""
    path = os.pathsep.join(str(root / folder) for folder in ("generated", "wrapper", "conformance"))
    environment = {**os.environ, "PYTHONPATH": path, "HYPOTHESIS_PROFILE": "fast"}
    finished = subprocess.run(
        [sys.executable, *command], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout[-4000:] + finished.stderr[-2000:]
    return finished.stdout


def test_the_figures_are_true() -> None:
    """CONTRIBUTING.md says how many files and lines each exercise takes; `python -m tests.exercises` writes it."""
    assert exercises.table() in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_every_contract_test_exists() -> None:
    """`make contract` names files and folders that there are."""
    assert contract_tests()
    assert [path for path in contract_tests() if not (ROOT / path).exists()] == []


@pytest.mark.skipif(not THOROUGH, reason="generating and the tests of the contract take minutes: see `make thorough`")
def test_a_property_and_a_flag_need_nothing_else(tmp_path: Path) -> None:
    """After the edits of each exercise and generating, nothing lacks a home, and the tests of the contract pass."""
    root = copied(tmp_path)
    for edits in EXERCISES.values():
        make(edits, root)
        run(root, "generated/generate.py")
        run(root, "docs/write.py")
        assert "have a home in every place" in run(root, "-m", "run_results_conformance", "evolve", "--impact")
        run(root, "-m", "ruff", "check", ".")
        run(root, "-m", "ruff", "format", "--check", ".")
    run(root, "-m", "mypy")
    run(root, "-m", "pytest", "-q", "-p", "no:cacheprovider", *contract_tests())


@pytest.mark.skipif(not THOROUGH, reason="generating and the tests of the contract take minutes: see `make thorough`")
@pytest.mark.parametrize("what", EXERCISES)
def test_the_contract_tests_find_what_is_left_out(tmp_path: Path, what: str) -> None:
    """With openapi.yaml alone, generated, `evolve --impact` and the tests of the contract fail."""
    root = copied(tmp_path)
    make([edit for edit in EXERCISES[what] if edit.path == "openapi.yaml"], root)
    run(root, "generated/generate.py")
    for command in (
        ["-m", "run_results_conformance", "evolve", "--impact"],
        ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/test_contract.py"],
        ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/history"],
    ):
        with pytest.raises(AssertionError):
            run(root, *command)

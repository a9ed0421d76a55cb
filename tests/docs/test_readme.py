"""The README is short, and its examples run unchanged."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from run_results_conformance.server.synthetic import SyntheticRun

README = Path(__file__).parents[2] / "README.md"
LIBRARY, ASYNC = re.findall(r"^```python\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
RUN = SyntheticRun(seed=3, files=60, run_id="run-tax-2025")
FIELDS = sum(len(document["fields"]) for file in RUN.files(0, 60) for document in file["documents"])
OWN_NAMES = sorted({name for names in RUN.project_names().values() for name in names})


@pytest.fixture
def run_example(
    serve_runs: Callable[..., str],
    token: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[str], str]:
    """Run an example unchanged, in a folder with the project's names, given a server by the environment."""
    (tmp_path / "fields.txt").write_text("\n".join(OWN_NAMES), "utf-8")
    with (tmp_path / "names.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["name"], *([name] for name in OWN_NAMES)])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(RUN))

    def run(example: str) -> str:
        exec(compile(example, str(README), "exec"), {})
        return capsys.readouterr().out

    return run


def test_the_library_example_runs_as_it_stands(run_example: Callable[[str], str]) -> None:
    """The example prints what failed, under the project's names, and how many fields came."""
    printed = run_example(LIBRARY)
    assert "failed:" in printed
    assert printed.endswith(f"{FIELDS} fields\n")
    assert any(f" {name} " in printed for name in OWN_NAMES if "_" in name or "'" in name)


def test_the_example_with_asyncio_runs(run_example: Callable[[str], str]) -> None:
    """The example with asyncio fetches a page and every file."""
    assert run_example(ASYNC) == "COMPLETE 60 files\n"


def test_the_library_example_is_about_twenty_lines() -> None:
    """Short enough to be read."""
    assert len(LIBRARY.splitlines()) <= 20


def test_the_readme_is_short() -> None:
    """The README is about a screen and a half; the pages of docs/ have the rest."""
    assert len(README.read_text("utf-8").splitlines()) <= 125

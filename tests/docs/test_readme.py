"""The examples of the README run unchanged, and links of the documentation lead to files."""

import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from run_results.cli import commands
from run_results_conformance.cli import app
from run_results_conformance.server.synthetic import SyntheticRun

README = Path(__file__).parents[2] / "README.md"
LIBRARY, ASYNC, NAMES, TABLES, GENERATED = re.findall(
    r"^```python\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL
)


def test_the_library_example_runs_as_it_stands(
    serve_runs: Callable[..., str],
    token: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Given a server by the environment, the example prints the run's status, what failed, and how many fields came."""
    run = SyntheticRun(seed=3, files=60, run_id="run-tax-2025")
    fields = sum(len(document["fields"]) for file in run.files(0, 60) for document in file["documents"])
    own = sorted({name for names in run.project_names().values() for name in names})
    (tmp_path / "fields.txt").write_text("\n".join(own), "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(run))

    exec(compile(LIBRARY, str(README), "exec"), {})

    printed = capsys.readouterr().out
    assert printed.startswith("COMPLETE 20")
    assert "failed:" in printed
    assert "is unsure:" in printed
    assert printed.endswith(f"{fields} fields\n")
    assert any(f" {name} " in printed for name in own if "_" in name or "'" in name), "under the project's names"


def test_the_example_with_tables_runs_as_it_stands(
    serve_runs: Callable[..., str],
    token: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Given a server by the environment, the example prints a row for each field, and exports every file."""
    run = SyntheticRun(seed=3, files=12, run_id="run-tax-2025")
    fields = sum(len(document["fields"]) for file in run.files(0, 12) for document in file["documents"])
    (tmp_path / "fields.txt").write_text("due date", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(run))

    exec(compile(TABLES, str(README), "exec"), {})

    printed = capsys.readouterr().out
    assert "'class_name': [" in printed
    assert printed.endswith(f"{fields} rows\n12 files are in out\n")
    assert (tmp_path / "out" / "_SUCCESS").exists()


def test_the_example_with_asyncio_runs(
    serve_runs: Callable[..., str], token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example with asyncio fetches a page and every file."""
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(SyntheticRun(seed=3, files=60, run_id="run-tax-2025")))

    exec(compile(ASYNC, str(README), "exec"), {})

    assert capsys.readouterr().out == "COMPLETE 60 files\n"


def test_the_example_with_the_generated_client_runs(
    serve_runs: Callable[..., str], token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example with the generated client alone prints the name of every file, and says why a server refuses."""
    run = SyntheticRun(seed=3, files=60, run_id="run-tax-2025")
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(run))

    exec(compile(GENERATED, str(README), "exec"), {})

    assert capsys.readouterr().out.splitlines() == [file["original_file_name"] for file in run.files(0, 60)]
    monkeypatch.setenv("RUN_RESULTS_TOKEN", "another")
    with pytest.raises(SystemExit, match="the server refused: "):
        exec(compile(GENERATED, str(README), "exec"), {})


def test_the_example_with_names_holds() -> None:
    """Their assertions are true."""
    assert NAMES.count("assert") == 6
    exec(compile(NAMES, str(README), "exec"), {})


def test_the_library_example_is_about_twenty_lines() -> None:
    """Short enough to be read."""
    assert len(LIBRARY.splitlines()) <= 20


def test_every_link_leads_somewhere() -> None:
    """Relative links in the pages for people name files that exist."""
    root = README.parent
    pages = [README, root / "ARCHITECTURE.md", root / "CONTRIBUTING.md", *(root / "docs").glob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8"))]
    assert links
    for page, link in links:
        assert link.startswith("https://") or (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_command_is_one_of_the_command_lines() -> None:
    """Commands, options and extras that the README names are those of the package."""
    text = README.read_text("utf-8")
    groups = {"run-results": commands.group, "run-results-conformance": app.main}
    lines = re.findall(r"^    (run-results(?:-conformance)? .*)$", text, re.MULTILINE)
    assert len(lines) >= 10
    for line in lines:
        program, *words = shlex.split(line, comments=True)
        command: click.Command = groups[program]
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert [word for word in words if word.startswith("-") and word not in known] == [], line

    extras = {extra for names in re.findall(r"run-results\[([a-z0-9,]+)\]", text) for extra in names.split(",")}
    project = tomllib.loads((README.parent / "pyproject.toml").read_text("utf-8"))["project"]
    assert extras
    assert extras <= project["optional-dependencies"].keys()

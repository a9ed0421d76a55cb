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
LIBRARY, ASYNC, RUNS, MODELS, NAMES, TABLES, GENERATED = re.findall(
    r"^```python\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL
)


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
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(RUN))

    def run(example: str) -> str:
        exec(compile(example, str(README), "exec"), {})
        return capsys.readouterr().out

    return run


def test_the_library_example_runs_as_it_stands(run_example: Callable[[str], str]) -> None:
    """The example prints the run's status, what failed, and how many fields came, under the project's names."""
    printed = run_example(LIBRARY)
    assert printed.startswith("COMPLETE 20")
    assert "failed:" in printed
    assert "is unsure:" in printed
    assert printed.endswith(f"{FIELDS} fields\n")
    assert any(f" {name} " in printed for name in OWN_NAMES if "_" in name or "'" in name)


def test_the_examples_with_the_list_of_runs_run_as_they_stand(run_example: Callable[[str], str]) -> None:
    """The examples of the README and of docs/runs.md list the run of the server."""
    assert re.fullmatch(r"run-tax-2025 COMPLETE 20[0-9: +.-]+\n", run_example(RUNS))
    page = (README.parent / "docs/runs.md").read_text("utf-8")
    printed = run_example(*re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    assert re.fullmatch(r"run-tax-2025 COMPLETE 20[0-9: +.-]+\n0 runs were at work in the last hour\n", printed)


def test_the_example_with_models_runs_as_it_stands(run_example: Callable[[str], str]) -> None:
    """The example writes the same models with json and with pydantic."""
    assert re.fullmatch(r"\d+ characters\n\d+ characters through pydantic\n", run_example(MODELS))


def test_the_example_with_tables_runs_as_it_stands(run_example: Callable[[str], str], tmp_path: Path) -> None:
    """The example prints a row for each field, and exports every file."""
    printed = run_example(TABLES)
    assert "'class_name': [" in printed
    assert printed.endswith(f"{FIELDS} rows\n60 files are in out\n")
    assert (tmp_path / "out" / "_SUCCESS").exists()


def test_the_example_with_asyncio_runs(run_example: Callable[[str], str]) -> None:
    """The example with asyncio fetches a page and every file."""
    assert run_example(ASYNC) == "COMPLETE 60 files\n"


def test_the_example_with_the_generated_client_runs(
    run_example: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example with the generated client alone prints the name of every file, and says why a server refuses."""
    assert run_example(GENERATED).splitlines() == [file["original_file_name"] for file in RUN.files(0, 60)]
    monkeypatch.setenv("RUN_RESULTS_TOKEN", "another")
    with pytest.raises(SystemExit, match="the server refused: "):
        run_example(GENERATED)


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

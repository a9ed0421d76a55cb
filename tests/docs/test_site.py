"""Every block of code in the documentation runs, and every page is in the site."""

import ast
import csv
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from run_results.cli import commands
from run_results_conformance.cli import app
from run_results_conformance.server.synthetic import SyntheticRun

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
RUN = SyntheticRun(seed=3, files=20, run_id="run-tax-2025")
ELSEWHERE = {"tables.md", "sync.md", "testing.md", "scale.md", "spark.md"}
"""Pages whose examples are run by tests of their own; those of Spark need a cluster, and tests/spark has their like."""
NEW_PAGES = [page for page in PAGES if page.relative_to(DOCS).as_posix() not in ELSEWHERE]


def blocks(page: Path, language: str) -> list[tuple[str, str]]:
    """The blocks of code of a page, each with what stands behind the language."""
    return re.findall(rf"^```{language}([^\n]*)\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def place(serve_runs: Callable[..., str], token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the project's names, and a server given by the environment."""
    names = sorted({name for each in RUN.project_names().values() for name in each})
    (tmp_path / "fields.txt").write_text("\n".join(names), "utf-8")
    with (tmp_path / "names.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["name"], *([name] for name in names)])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(RUN))
    return tmp_path


FILES = [file["original_file_name"] for file in RUN.files(0, 20)]
FIELDS = sum(len(document["fields"]) for file in RUN.files(0, 20) for document in file["documents"])
LISTED = r"run-tax-2025 COMPLETE 20[0-9: +.-]+\n"
PRINTED = {
    "names.md": "",  # its assertions hold
    "promises.md": "20 files\n",
    "tutorial.md": rf"COMPLETE 20[0-9: +.-]+\n(?s:(?=.* failed: )(?=.* is unsure: ).+)\n{FIELDS} fields\n",
    "runs.md": LISTED + r"0 runs were at work in the last hour\n",
    "reference/models.md": r"\d+ characters\n\d+ characters through pydantic\n",
    "reference/generated.md": re.escape("".join(f"{name}\n" for name in FILES)),
}
"""What the examples of some pages print, as a regular expression."""


@pytest.mark.parametrize("page", [page for page in NEW_PAGES if blocks(page, "python")], ids=lambda page: page.stem)
def test_examples_in_python_run(page: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of a page run one after another; those with a title need a program of others, and are parsed.

    Where the result matters, it is compared: every run, every file, both ways to write a model.
    """
    names: dict[str, Any] = {}
    for title, source in blocks(page, "python"):
        code = compile(source, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if not title.strip():
            exec(code, names)
    expected = PRINTED.get(page.relative_to(DOCS).as_posix())
    assert expected is None or re.fullmatch(expected, capsys.readouterr().out)


def test_the_example_with_the_generated_client_says_why_a_server_refuses(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example with the generated client ends with the server's reason where the token is wrong."""
    monkeypatch.setenv("RUN_RESULTS_TOKEN", "another")
    ((_, source),) = blocks(DOCS / "reference" / "generated.md", "python")
    code = compile(source, "generated.md", "exec")
    with pytest.raises(SystemExit, match="the server refused: "):
        exec(code, {})


@pytest.mark.parametrize("page", [page for page in NEW_PAGES if blocks(page, "sh")], ids=lambda page: page.stem)
def test_commands_run(
    page: Path, place: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command of a page ends as it should: with 0, or with 1 where `check` or `names check` found something."""
    for _, source in blocks(page, "sh"):
        for line in source.splitlines():
            program, *words = [os.path.expandvars(word) for word in shlex.split(line, comments=True)]
            if program == "run-results":
                code = int(commands.run(words))
            else:
                assert program == "run-results-conformance"
                with pytest.raises(SystemExit) as ended:
                    app.main.main(words, prog_name=program)
                code = int(ended.value.code or 0)
            _, err = capfd.readouterr()
            assert code == 0 or (code == 1 and "check" in words), (line, code, err)


def test_every_page_is_in_the_site() -> None:
    """The navigation of the site has each page once."""

    def files(node: Any) -> list[str]:
        if isinstance(node, str):
            return [node]
        parts = node.values() if isinstance(node, dict) else node
        return [file for part in parts for file in files(part)]

    config = YAML(typ="safe").load((ROOT / "mkdocs.yml").read_text("utf-8"))
    assert sorted(files(config["nav"])) == [page.relative_to(DOCS).as_posix() for page in PAGES]


@pytest.mark.parametrize(
    ("name", "schema"),
    [("github-workflow.yml", "github-workflows"), ("gitlab-job.yml", "gitlab-ci")],
)
def test_files_for_ci_fit_their_schema(name: str, schema: str) -> None:
    """GitHub and GitLab would take the files as they are: they fit the schemas of both."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*command, str(DOCS / "examples" / "ci" / name)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("run_id", "code"), [("run-tax-2025", 0), ("no-run", 2)])
def test_the_step_of_the_workflow_runs(place: Path, monkeypatch: pytest.MonkeyPatch, run_id: str, code: int) -> None:
    """The shell of the step that verifies ends as the command, keeps its exit code, and writes all four reports."""
    workflow = YAML(typ="safe").load((DOCS / "examples" / "ci" / "github-workflow.yml").read_text("utf-8"))
    (step,) = (each for each in workflow["jobs"]["verify"]["steps"] if each.get("id") == "check")
    monkeypatch.setenv("RUN_ID", run_id)
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.setenv(name, str(place / name))
    program = f'run-results-conformance() {{ "{sys.executable}" -m run_results_conformance "$@"; }}\n'
    done = subprocess.run(["bash", "-e", "-c", program + step["run"]], capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    assert (place / "GITHUB_OUTPUT").read_text("utf-8") == f"code={code}\n"
    for name in ("report.sarif", "report.xml", "report.html", "GITHUB_STEP_SUMMARY"):
        assert (place / name).stat().st_size > 0


def test_commands_in_the_files_for_ci_are_ours() -> None:
    """Each call in the files for CI names a command and options that there are; the YAML can be read."""
    seen = 0
    for path in sorted((DOCS / "examples" / "ci").iterdir()):
        text = path.read_text("utf-8")
        if path.suffix in (".yml", ".yaml"):
            YAML(typ="safe").load(text)
        text = re.sub(r"\s*\\?\n\s+(?=--)", " ", text)
        called = re.findall(r"(run-results(?:-conformance)?) ((?:check|names) [^\n]*)", text)
        for program, rest in called:
            words = shlex.split(rest)
            command: click.Command = {"run-results": commands.group, "run-results-conformance": app.main}[program]
            while isinstance(command, click.Group):
                command = command.commands[words.pop(0)]
            known = {option for parameter in command.params for option in parameter.opts}
            assert [word for word in words if word.startswith("-") and word not in known] == [], rest
            seen += 1
    assert seen >= 2

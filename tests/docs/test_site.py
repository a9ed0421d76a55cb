"""Every page is in the site, and the files for CI that users copy are whole and run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from run_results.cli import commands
from run_results_conformance.cli import app

from .blocks import DOCS, ROOT


def test_every_page_is_in_the_site() -> None:
    """The navigation of the site has each page once."""

    def files(node: Any) -> list[str]:
        if isinstance(node, str):
            return [node]
        parts = node.values() if isinstance(node, dict) else node
        return [file for part in parts for file in files(part)]

    config = YAML(typ="safe").load((ROOT / "mkdocs.yml").read_text("utf-8"))
    assert sorted(files(config["nav"])) == [page.relative_to(DOCS).as_posix() for page in sorted(DOCS.rglob("*.md"))]


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

"""What every Markdown page of the project names is there: files, headings, commands, options and extras."""

import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from run_results.cli import commands
from run_results_conformance.cli import app

ROOT = Path(__file__).parents[2]
BUILT = ("node_modules", "build", "dist")
GROUPS: dict[str, click.Command] = {"run-results": commands.group, "run-results-conformance": app.main}


def pages() -> Iterator[Path]:
    """Every Markdown file of the project, without what is built or installed."""
    for folder, subfolders, files in os.walk(ROOT):
        subfolders[:] = [
            each for each in subfolders if each[0] != "." and each not in ("node_modules", "build", "dist")
        ]
        yield from (Path(folder, file) for file in files if file.endswith(".md"))


PAGES = sorted(pages())


@cache
def headings(page: Path) -> frozenset[str]:
    """The anchors of a page, as both GitHub and mkdocs make them of its headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return frozenset(re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles)


def ids(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Relative links name files that exist, and headings that these files have."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith("https://"):
            path, _, heading = target.partition("#")
            there = (page.parent / path).resolve() if path else page
            assert there.exists(), target
            assert not heading or heading in headings(there), target


def called(text: str) -> list[str]:
    """The lines of a page that call one of the command lines: indented, behind a prompt, or in a block of shell."""
    lines = re.findall(r"^(?:    |\$ )(run-results(?:-conformance)? .*)$", text, re.MULTILINE)
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        lines += [line for line in block.splitlines() if line.startswith("run-results")]
    return [part.strip() for line in lines for part in re.split(r" \| ", line) if part.startswith("run-results")]


@pytest.mark.parametrize("page", [page for page in PAGES if called(page.read_text("utf-8"))], ids=ids)
def test_every_command_is_one_of_the_command_lines(page: Path) -> None:
    """Commands and options that a page names are those of the package."""
    for line in called(page.read_text("utf-8")):
        program, *words = shlex.split(line, comments=True)
        command = GROUPS[program]
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert [word for word in words if re.match(r"--?[a-z]", word) and word not in known] == [], line


def test_the_readme_shows_the_main_commands() -> None:
    """The README has a line for each command that people use most."""
    assert len(called((ROOT / "README.md").read_text("utf-8"))) >= 10


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_extra_is_one_of_the_package(page: Path) -> None:
    """Extras that a page names are those of pyproject.toml."""
    named = re.findall(r"(?:run-results|'\.)\[([a-z0-9,]+)\]", page.read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {extra for names in named for extra in names.split(",")} <= project["optional-dependencies"].keys()

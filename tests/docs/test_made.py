"""What the site has from code is all that there is: settings, variables, exit codes, commands, errors."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import run_results
import run_results_api.models
from run_results import errors
from run_results.cli import commands
from run_results.cli.exits import Exit
from run_results.options import Options, Settings

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def hooks() -> Iterator[Any]:
    """The functions that fill the pages of the site."""
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")  # as mkdocs does
        spec.loader.exec_module(module)
        yield module


def family(kind: type[errors.RunResultsError] = errors.RunResultsError) -> set[type[errors.RunResultsError]]:
    """An error and all that are kinds of it, of the library."""
    found = {kind}
    for each in kind.__subclasses__():
        if each.__module__.startswith("run_results."):
            found |= family(each)
    return found


def test_the_page_has_every_setting(hooks: Any) -> None:
    """The page of settings has each setting of a client, with its own documentation, default and variable."""
    page = hooks.fill((REFERENCE / "settings.md").read_text("utf-8"))
    known = {field.name: field.metadata for field in attrs.fields(Options) if "documentation" in field.metadata}
    assert known.keys() == Settings.__annotations__.keys()
    for name, metadata in known.items():
        (row,) = re.findall(rf"^\| `{name}`(?: \||<br>).*$", page, re.MULTILINE)
        assert metadata["documentation"].split()[0] in row
        assert not metadata["variable"] or f"`{metadata['variable']}`" in row


def test_the_page_has_every_variable() -> None:
    """The page of settings names every environment variable that the library and its command line read."""
    page = (REFERENCE / "settings.md").read_text("utf-8")
    in_table = {field.metadata.get("variable") for field in attrs.fields(Options)}
    source = "".join(path.read_text("utf-8") for path in (ROOT / "wrapper" / "run_results").rglob("*.py"))
    read = set(re.findall(r"[\"']((?:RUN_RESULTS|SSL_CERT|XDG)_[A-Z_]+)[\"']", source))
    assert len(read) >= 8
    assert [name for name in sorted(read - in_table) if f"`{name}`" not in page] == []


def test_the_page_has_every_error(hooks: Any) -> None:
    """The page of errors has each of the family, when it is raised, and what to do."""
    page = hooks.fill((REFERENCE / "errors.md").read_text("utf-8"))
    assert {kind.__name__ for kind in family()} == set(errors.__all__)
    for kind in family():
        (about,) = re.findall(rf"^### {kind.__name__}\n\n(.*?)(?=^### |\Z)", page, re.MULTILINE | re.DOTALL)
        said, _, advice = about.partition("**What to do:** ")
        assert said.startswith(("Raised ", "Base of the family")), kind
        assert re.fullmatch(r"[A-Z`].{15,}\.\s*", advice), (kind, advice)
        assert f" {kind.__name__} " in page.partition("## Each error")[0] or kind is errors.RunResultsError


def test_the_page_has_every_command_and_exit_code(hooks: Any) -> None:
    """The page of the command line has the help of each command, and each exit code."""
    page = hooks.fill((REFERENCE / "commands.md").read_text("utf-8"))
    assert [name for name in commands.group.commands if f"### run-results {name}" not in page] == []
    helps = re.findall(r"^### [^\n]*\n\n```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(helps) > len(commands.group.commands)
    assert all("  -h, --help  " in text for text in helps), "as the command itself prints it"
    assert [code for code in Exit if f"| {code.value} |" not in page] == []


def test_the_reference_has_every_public_name() -> None:
    """Every public name of the library, and every model, has its entry, or stands in the text beside its like."""
    pages = "".join(page.read_text("utf-8") for page in REFERENCE.glob("*.md"))
    entries = set(re.findall(r"^::: run_results(?:_api)?\.(?:\w+\.)*(\w+)$", pages, re.MULTILINE))
    in_text = {"AsyncClient", "UNSET", "Unset"}  # as Client; unset members
    elsewhere = {"__version__", "errors", *errors.__all__}
    assert {*run_results.__all__} - elsewhere - in_text - entries == set()
    assert {*run_results_api.models.__all__} - entries == set()


def test_the_page_of_figures_has_what_the_full_results_have(hooks: Any) -> None:
    """Each number of the page of figures stands in the full results; nothing but files and errors ends a walk."""
    page = hooks.fill((ROOT / "docs" / "figures.md").read_text("utf-8"))
    speed = (ROOT / "benchmarks" / "speed" / "RESULTS.md").read_text("utf-8")
    power = (ROOT / "docs" / "power.md").read_text("utf-8")
    reliability = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    (vendor,) = re.findall(r"\| decode-heavy \| vendor's SDK / run-results \| ([\d.]+)", speed)
    assert f"| read a page of 4.1 MB | the vendor's SDK | {float(vendor):.1f} |" in page
    (orjson,) = re.findall(r"\| decode-heavy \| run-results / orjson to dicts \| ([\d.]+)", speed)
    assert f"| `orjson` to dicts, without models | {1 / float(orjson):.1f} |" in page
    (faults,) = re.findall(r"\*\*Faults\*\* \(`make power`\): (\d+) servers", power)
    found, total = re.findall(r"with a \[manifest\].*\| (\d+) of (\d+) \|", page)[0]
    assert ("finds every fault" in power) == (found == total)
    assert total == faults
    (detected,) = re.findall(r"\| detected \| (\d+) \|", power)
    assert f" found | {detected} of " in page
    assert "| anything else, such as a missing file or a loop | 0 of " in page
    ends = re.findall(r"^\| the fault stays: .* \| (\d+) of (\d+) \|$", page, re.MULTILINE)
    assert len(ends) == 2
    assert (
        sum(int(some) for some, _ in ends)
        == int(ends[0][1])
        == len(
            re.findall(
                r"^\| `.* \|$", "".join(re.findall(r"the fault stays \|\n((?:\|.*\n)+)", reliability)), re.MULTILINE
            )
        )
    )

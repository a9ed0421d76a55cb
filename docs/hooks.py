"""What `make docs` writes into pages: settings, commands, exit codes, errors and figures, from where they are defined.

A page has a line such as `<!-- made: settings -->`, and the table or text comes in its place. Links to files beside
docs/ have no place in the site: their text stays.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import click
import figures

from run_results import errors
from run_results.cli import commands
from run_results.cli.exits import Exit
from run_results.options import Options
from run_results_conformance.cli import app

ROOT = Path(__file__).resolve().parents[1]


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;").strip()


def settings() -> Iterator[str]:
    """Each setting of a client, with its environment variable and default."""
    yield "| setting, and its environment variable | meaning | default |"
    yield "|---|---|---|"
    for member in attrs.fields(Options):
        if "documentation" in member.metadata:
            default = member.metadata["default"]
            if isinstance(default, str | int | float | None):
                shown = repr(default)
            else:
                shown = default.__name__ if inspect.isfunction(default) else f"{type(default).__name__}()"
            variable = f"<br>`{member.metadata['variable']}`" if member.metadata["variable"] else ""
            yield f"| `{member.name}`{variable} | {_cell(member.metadata['documentation'])} | `{shown}` |"


def exits() -> Iterator[str]:
    """The exit codes of `run-results`."""
    yield "| code | meaning |"
    yield "|---|---|"
    for code in Exit:
        yield f"| {code.value} | {_cell(code.meaning)} |"


def _commands(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    # As the command line makes it: click keeps the help option of a command, with the names of the first context.
    context = click.Context(command, parent, info_name=name, terminal_width=100, **command.context_settings)
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from _commands(each, str(each.name), context)
        return
    text = click.unstyle(command.get_help(context))
    yield from (f"### {context.command_path}", "", "```text", *text.splitlines(), "```", "")


def command_line() -> Iterator[str]:
    """The help of each command of `run-results`."""
    return _commands(commands.group, "run-results")


def conformance_command_line() -> Iterator[str]:
    """The help of each command of `run-results-conformance`."""
    return _commands(app.main, "run-results-conformance")


def error_tree() -> Iterator[str]:
    """The drawing of the family, from the module's docstring."""
    drawing = (errors.__doc__ or "").split("\n\n")[1]
    yield from ("```text", *(line.removeprefix("    ") for line in drawing.splitlines()), "```")


def _what_to_do(kind: type[errors.RunResultsError]) -> str:
    if kind.advice:
        return re.sub(r"\{([^}]*)\}", r"`\1`", kind.advice).rstrip(".") + "."
    _, _, said = (kind.__doc__ or "").partition("What to do: ")
    return re.sub(r"\s+", " ", said[:1].upper() + said[1:]).strip()


def error_family() -> Iterator[str]:
    """Each error: when it is raised, what it is a kind of, and what to do."""
    for name in errors.__all__:
        kind = getattr(errors, name)
        when = re.sub(r"\s+", " ", (kind.__doc__ or "").partition("\n\n")[0]).strip()
        parents = " and ".join(f"`{parent.__name__}`" for parent in kind.__bases__)
        yield from (f"### {name}", "", f"{when} A kind of {parents}.", "")
        yield from (f"**What to do:** {_what_to_do(kind)}", "")


def _page_beside(name: str) -> Callable[[], Iterator[str]]:
    """The text of a page at the root of the project, with its links as the site has them."""

    def text() -> Iterator[str]:
        _, _, markdown = (ROOT / name).read_text("utf-8").partition("\n")
        markdown = re.sub(r"\]\(docs/", "](", markdown)
        yield re.sub(r"\]\(([A-Z]+\.md)", lambda match: f"]({match[1].lower()}", markdown)

    return text


def _results(name: str) -> Callable[[], Iterator[str]]:
    """The results of a benchmark, without pictures; links to other files of benchmarks/ become text."""

    def text() -> Iterator[str]:
        _, _, markdown = (ROOT / "benchmarks" / name).read_text("utf-8").partition("\n")
        markdown = re.sub(r"^!\[.*\n", "", markdown, flags=re.MULTILINE)
        markdown = re.sub(r"\]\(\.\./\.\./docs/", "](../", markdown)
        yield re.sub(r"\[([^\]]+)\]\((?!\.\./)[^)]*\)", r"\1", markdown)

    return text


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "settings": settings,
    "exits": exits,
    "commands": command_line,
    "conformance-commands": conformance_command_line,
    "error-tree": error_tree,
    "errors": error_family,
    "contributing": _page_beside("CONTRIBUTING.md"),
    "architecture": _page_beside("ARCHITECTURE.md"),
    "changelog": _page_beside("CHANGELOG.md"),
    "results-speed": _results("speed/RESULTS.md"),
    "results-scale": _results("scale/RESULTS.md"),
    "results-spark": _results("scale/SPARK.md"),
    "figures-speed": figures.speed,
    "figures-power": figures.power,
    "figures-reliability": figures.reliability,
}


def fill(markdown: str) -> str:
    """A page with its tables. Raises `KeyError` for a table that there is not."""
    return re.sub(
        r"^<!-- made: ([\w-]+) -->$", lambda match: "\n".join(TABLES[match[1]]()), markdown, flags=re.MULTILINE
    )


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Called by mkdocs with each page."""
    up = "\\.\\./" * (page.file.src_uri.count("/") + 1)
    outside = rf"\[([^\]]+)\]\({up}(?!\.\.)[^)]*\)|\[([^\]]+)\]\((?:\.\./)*(?:examples|recipes)/[^)]*\)"
    return fill(re.sub(outside, lambda match: match[1] or match[2], markdown))

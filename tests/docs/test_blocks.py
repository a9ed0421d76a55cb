"""Every block of code of every page runs, in order, as a reader would run it: in a folder, with a server."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from deltalake import DeltaTable
from sqlglot.expressions import Command

from .blocks import FOR_PYTEST, FOR_SPARK, PAGES, ROOT, Block, blocks, blocks_in, name_of
from .expected import AFTERWARDS, PRINTED
from .terminal import Terminal, same_form

BLOCKS = {name_of(page): blocks(page) for page in PAGES}
NOT_RUN = [
    # Two drawings.
    ("ARCHITECTURE.md", "openapi.yaml ", "tests/test_layout.py::test_the_drawings_of_the_architecture_are_true"),
    ("ARCHITECTURE.md", "run_results_api ", "tests/test_layout.py::test_the_drawings_of_the_architecture_are_true"),
    # It observes for minutes, and writes the page.
    (
        "docs/reliability.md",
        "python -m pytest ",
        "tests/survival/test_reliability.py::test_the_page_says_what_the_tests_saw",
    ),
    # Sums.
    ("docs/scale.md", "100,000 runs ", "tests/scale/test_docs.py::test_the_sums_are_right"),
    # What options mean.
    ("docs/tables.md", "format: ", "tests/tables/test_docs.py::test_the_options_in_the_docs_are_the_options"),
]
"""Blocks that are not run, by page and beginning, each with the test that checks what it says."""
HERE = "tests/docs/test_blocks.py"
NO_SERVICE = ("-- Snowflake:", "-- BigQuery:")
"""Statements for services that are not here begin so. They are parsed, in the dialect of the service."""

MORE = {"docs/sync.md": ("runs.txt", "run-gone\n")}
"""What a file of the folder has besides, for a page: a run that the server does not know."""


class Page:
    """Runs the blocks of a page one after another: Python in one namespace, shell in one terminal."""

    def __init__(self, place: Path, terminal: Terminal, capture: pytest.CaptureFixture[str]) -> None:
        self.names: dict[str, Any] = {}
        self.printed: list[str] = []
        self._place = place
        self._terminal = terminal
        self._capture = capture

    def run(self, block: Block) -> None:
        """Run a block by the rule of its language."""
        RULES[block.language](self, block)

    def python(self, block: Block) -> None:
        """A program, or the next part of one."""
        source = block.text_in(self._place)
        self._capture.readouterr()
        exec(compile(source, str(block), "exec"), self.names)
        self.printed.append(self._capture.readouterr().out)

    def shell(self, block: Block) -> None:
        """Commands, one on each line."""
        for line in block.text_in(self._place).splitlines():
            self.printed.append(self._terminal.run(line))

    def session(self, block: Block) -> None:
        """Commands behind a prompt, each with what it prints below it."""
        assert block.text.startswith("$ "), block
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text_in(self._place), re.MULTILINE):
            printed = self._terminal.run(command)
            assert not shown or same_form(printed, shown), printed
            self.printed.append(printed)

    def file(self, block: Block) -> None:
        """A file, which the blocks below it use: the title is its path."""
        path = Path(block.title).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, "utf-8")

    def listing(self, block: Block) -> None:
        """Files that are there, each with a remark: digits stand for any digits, and `...` for anything."""
        for line in block.text.splitlines():
            path = line.partition("  ")[0]
            assert list(self._place.glob(re.sub(r"\d", "[0-9]", path).replace("...", "*"))), line

    def sql(self, block: Block) -> None:
        """A query of the dataset in `lake`, or a statement of another service."""
        if block.text.startswith(NO_SERVICE):
            (service,) = re.findall(r"^-- (\w+):", block.text)
            parsed = sqlglot.parse(block.text, dialect=service.lower())
            assert not any(isinstance(each, Command | None) for each in parsed)
            return
        with duckdb.connect() as connection:
            for table in ("fields", "runs"):
                connection.register(table, DeltaTable(f"lake/{table}").to_pyarrow_table())
            self.printed.append(f"{len(connection.sql(block.text).fetchall())} rows\n")


RULES: dict[str, Callable[[Page, Block], None]] = {
    "": Page.shell,
    "console": Page.session,
    "csv": Page.file,
    "json": Page.file,
    "python": Page.python,
    "sh": Page.shell,
    "sql": Page.sql,
    "text": Page.listing,
    "toml": Page.file,
}
"""What is done with a block of each language; an indented block has none."""


def rule_of(block: Block) -> str | None:
    """The file or test that runs or checks a block, or None: nothing does."""
    if (block.page, block.language) in FOR_SPARK:
        return "tests/spark/test_pages.py"
    if (block.page, block.language) in FOR_PYTEST:
        return "tests/docs/test_testing_page.py"
    for page, beginning, test in NOT_RUN:
        if block.page == page and block.text.startswith(beginning):
            return test
    rule = RULES.get(block.language)
    return HERE if rule and (block.title or rule is not Page.file) else None


def test_every_block_has_a_rule() -> None:
    """Nothing is left out; a file has its path as the title; every rule, and every exception, is needed."""
    everything = [block for page in BLOCKS.values() for block in page]
    assert [(str(block), block.language) for block in everything if rule_of(block) is None] == []
    rules = [rule for block in everything if (rule := rule_of(block))]
    assert {block.language for block in everything} == RULES.keys()
    assert {(block.page, block.language) for block in everything} >= FOR_SPARK | FOR_PYTEST
    elsewhere = [rule for rule in rules if rule != HERE]
    assert {rule for rule in elsewhere if "::" in rule} == {test for *_, test in NOT_RUN}
    assert len([rule for rule in elsewhere if "::" in rule]) == len(NOT_RUN)
    for rule in set(elsewhere):
        path, _, name = rule.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text("utf-8") if name else (ROOT / path).exists(), rule
    assert {*PRINTED, *AFTERWARDS} <= {block.page for block in everything}


@pytest.mark.parametrize("info", ["yaml", "json", "bash", "mermaid", "python {.new}"])
def test_a_block_of_another_kind_is_found(info: str) -> None:
    """A block that nothing would run has no rule, and neither has data that no block below could read."""
    (block,) = blocks_in("docs/new.md", f"```{info}\n{{}}\n```\n")
    assert rule_of(block) is None


def test_blocks_are_found_wherever_they_stand() -> None:
    """Fences of both kinds, in lists and quotes, with and without a mark, and indented blocks are found."""
    text = '1. one\n\n   ```sh\n   a\n   ```\n\n> ~~~~json title="b"\n> {}\n> ~~~~\n\n```\nc\n```\n\n    d\n'
    found = [(each.language, each.title, each.text) for each in blocks_in("new.md", text)]
    assert found == [("sh", "", "a\n"), ("json", "b", "{}\n"), ("", "", "c\n"), ("", "", "d\n")]


def here(page: str) -> list[Block]:
    """The blocks of a page that run here."""
    return [block for block in BLOCKS[page] if rule_of(block) == HERE]


@pytest.mark.parametrize("page", [page for page in BLOCKS if here(page)])
def test_the_blocks_of_a_page_run(
    page: str, place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The blocks of a page run one after another, and print what the page is about."""
    if page in MORE:
        name, text = MORE[page]
        with (place / name).open("a", encoding="utf-8") as file:
            file.write(text)
    terminal = Terminal(monkeypatch, capfd)
    reader = Page(place, terminal, capfd)
    try:
        for block in here(page):
            reader.run(block)
    finally:
        terminal.close()
    assert re.search(PRINTED.get(page, ""), "".join(reader.printed), re.DOTALL), reader.printed
    if afterwards := AFTERWARDS.get(page):
        afterwards(reader.names, reader.printed)


def test_the_example_with_the_generated_client_says_why_a_server_refuses(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example with the generated client ends with the server's reason where the token is wrong."""
    monkeypatch.setenv("RUN_RESULTS_TOKEN", "another")
    (block,) = BLOCKS["docs/reference/generated.md"]
    with pytest.raises(SystemExit, match="the server refused: "):
        exec(compile(block.text, str(block), "exec"), {})

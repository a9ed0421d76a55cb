"""The blocks of code of the documentation, found as every reader of Markdown finds them."""

import re
from pathlib import Path

from attrs import frozen
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
FOR_SPARK = {("docs/spark.md", "python"), ("docs/spark.md", "sql"), ("docs/howto/databricks.md", "python")}
"""Blocks, by page and language, that need a Spark session: tests/spark/test_pages.py runs them."""
FOR_PYTEST = {("docs/testing.md", "python"), ("docs/testing.md", "toml")}
"""Blocks that are tests and settings of pytest: tests/docs/test_testing_page.py runs them."""

# Where a reader's machine has a folder of its own, such as a volume or a mounted secret.
_PLACE = re.compile(r"(?<![\w.}/])(?=/(?:data|etc/ssl|lake|run/secrets|var/spool|Volumes)/)")


@frozen
class Block:
    """A block of code: where it is, what is said of it, and what it has. Without a mark the language is empty."""

    page: str
    line: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    def text_in(self, folder: Path) -> str:
        """The text, with the folders of a reader's machine, such as `/data/`, below this folder."""
        return _PLACE.sub(folder.as_posix(), self.text)


def name_of(page: Path) -> str:
    """The path of a page from the root of the project."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, fenced or indented, in their order."""
    return blocks_in(name_of(page), page.read_text("utf-8"))


def blocks_in(page: str, text: str) -> list[Block]:
    """The blocks of the text of a page."""
    found = []
    for token in MarkdownIt().parse(text):
        if token.type in ("fence", "code_block"):
            assert token.map is not None
            marked = re.fullmatch(r'(\S*)(?: title="([^"]+)")?', token.info.strip())
            language, title = marked.groups("") if marked else (token.info, "")
            found.append(Block(page, token.map[0] + 1, language, title, token.content))
    return found

"""The pages of results: a table with a line for each measurement."""

from collections.abc import Iterable
from pathlib import Path

Line = tuple[str, str, str]
"""What was measured, what came out, and what it should be."""


def show(lines: Iterable[Line], page: Path | None, head: str) -> None:
    """Print the table, and write it below the head into a page, where one is given."""
    table = ["| measured | result | should be |", "|---|---|---|", *(f"| {' | '.join(line)} |" for line in lines)]
    print(*table, sep="\n")
    if page is not None:
        page.write_text(head + "\n".join(table) + "\n", "utf-8")

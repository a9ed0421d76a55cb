"""docs/contract-edits.md: what becomes of each kind of edit. `python -m tests.edits_page` writes it."""

from pathlib import Path

from tests.edits import CHANGES, Change
from tests.operation_edits import OPERATIONS, OperationChange

PAGE = Path(__file__).parents[1] / "docs" / "contract-edits.md"


def page() -> str:
    """docs/contract-edits.md."""
    changes: list[Change | OperationChange] = [*CHANGES, *OPERATIONS]
    lines = [
        "# Edits of the contract",
        "",
        "The table says what `make generate` does after each kind of edit of `openapi.yaml`. *Before* is what the",
        "generator did with our first templates. An edit that is refused ends with exit code 2 and one line that names",
        "the place, before anything is written. A test generates everything that works, and reads right and wrong",
        "values with it.",
        "",
        f"{len(changes)} kinds: {sum(not change.refused for change in changes)} work, "
        f"{sum(bool(change.refused) for change in changes)} are refused.",
        "",
        "| edit | before | now |",
        "|---|---|---|",
    ]
    lines += [
        f"| {change.name} | {change.before} | {f'refused: {change.refused}' if change.refused else 'works'} |"
        for change in changes
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")

"""docs/tables.md: its schema is the schema, and its options are the options."""

import inspect
import textwrap
from pathlib import Path

from run_results.export import ExportOptions
from run_results.tables import VERSION
from run_results.tables.schema import reference

PAGE = (Path(__file__).parents[2] / "docs" / "tables.md").read_text("utf-8")


def test_the_schema_in_the_docs_is_the_schema() -> None:
    """What stands in the docs is what the schema gives; to renew it, put `reference()` below the mark."""
    assert PAGE.partition("<!-- schema -->\n\n")[2] == reference()
    assert f"## Schema, version {VERSION}\n" in PAGE


def explained_options() -> str:
    """The options of an export, as the docstring of `ExportOptions` explains them."""
    section = inspect.getdoc(ExportOptions).partition("Args:\n")[2].partition("\n\n")[0]  # type: ignore[union-attr]
    return textwrap.dedent(section)


def test_the_options_in_the_docs_are_the_options() -> None:
    """The docs explain each option in the words of `ExportOptions`; to renew them, put `explained_options()` there."""
    assert f"```text\n{explained_options()}\n```" in PAGE

"""docs/tables.md: its examples run, and its schema is the schema."""

import inspect
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from run_results.export import ExportOptions
from run_results.tables import VERSION
from run_results.tables.schema import reference
from run_results_conformance.server.synthetic import SyntheticRun

PAGE = (Path(__file__).parents[2] / "docs" / "tables.md").read_text("utf-8")
RUN = SyntheticRun(seed=1, files=30)


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


def test_every_example_runs(
    serve_runs: Callable[..., str], token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The examples work as they stand, one after the other, and DuckDB, pandas and polars read the same."""
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 10
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(RUN))
    (tmp_path / "fields.txt").write_text("\n".join(name for names in RUN.project_names().values() for name in names))
    known: dict[str, Any] = {"run_id": RUN.run_id}
    for example in examples:
        exec(compile(example, "docs/tables.md", "exec"), known)
    fields = [field for file in RUN.files(0, 30) for document in file["documents"] for field in document["fields"]]
    failures = sum(field["value"] == "ERROR" for field in fields)
    assert sum(count for _, count in known["failed"]) == failures > 0
    assert len(known["frame"]) == len(fields)
    unsure = sum((field["confidence"]["model"] or 1) < 0.8 for field in fields)
    assert known["lazy"].collect().height == unsure > 0
    rows = known["duckdb"].sql("SELECT count(*) FROM 'out/fields/*.parquet'").fetchall()
    assert rows == [(len(known["pandas"].read_parquet("out/fields")),)] == [(len(fields),)]
    assert known["polars"].scan_parquet("out/fields/*.parquet").collect().height == len(fields)
    assert known["w2"].num_rows == known["scored"].num_rows > 0
    assert (known["done"].files, known["done"].start) == (30, 30)

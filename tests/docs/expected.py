"""What the blocks of each page print, and what holds afterwards."""

import re
from pathlib import Path
from typing import Any

from run_results import NameMap
from run_results_conformance.server.synthetic import SyntheticRun

from .conftest import RUNS, all_fields

FIELDS = [len(all_fields(run)) for run in RUNS]
SERVED = len(all_fields(SyntheticRun(seed=0, files=25, run_id="run-tax-2025")))
"""How many fields the run has that `serve` has without options."""
CONFORMS = r"The server conforms: \d+ rules kept, 0 broken"
PRINTED = {
    "README.md": r"of 3,204 fields: 116 failed, 484 unsure.*\nThe server is stopped.\n"
    rf".* failed: .*\n{SERVED} fields\nCOMPLETE 25 files\n.* new, .*{CONFORMS}",
    "docs/howto/ci.md": rf"{CONFORMS}.*\"exit_code\": 0",
    "docs/howto/excel.md": rf"(run-tax-2025: 20 files, \d+ documents, {FIELDS[0]} fields .*){{2}}",
    "docs/howto/network.md": r"^COMPLETE\n$",
    "docs/manifest.md": rf"({CONFORMS}.*){{3}}",
    "docs/names.md": r"no collisions among \d+ names",
    "docs/promises.md": r"^20 files\n$",
    "docs/recipes/README.md": rf"{sum(FIELDS)} rows",
    "docs/reference/commands.md": r'^(\{"run_id":"run-tax-2025".*"failed":true.*\n)+wages.csv: 20 files, [1-9].*'
    rf"fields.parquet: 20 files, {FIELDS[0]} rows\n.*Nothing is written",
    "docs/reference/errors.md": r"^20 files\n$",
    "docs/reference/generated.md": "^"
    + re.escape("".join(f"{f['original_file_name']}\n" for f in RUNS[0].files(0, 20))),
    "docs/reference/models.md": r"^\d+ characters\n\d+ characters through pydantic\n$",
    "docs/reference/settings.md": r"context +my-organization  \(profile 'default' .*\nnames +\S+/fields.txt ",
    "docs/report.md": r"\b0 pictures.*\b20 pictures",
    "docs/runs.md": r"^(run-tax-\d+ COMPLETE 2025.*\n){2}run-refused FAILED .*\nrun-new COMPLETE .*\n2 runs were at "
    r'work.*"run-long".*"run-new".*"run-refused".*\nrun-new\n.*"run-long".*"run-new".*run-new: 1 file, ',
    "docs/scale.md": rf"^{FIELDS[0]} rows\n{FIELDS[1]} rows\n$",
    "docs/sync.md": rf"^2 new, .* 1 missing, .*\n{sum(FIELDS)} rows\n.* unchanged .*3 new, .*-> lake\n$",
    "docs/tables.md": rf"\n{FIELDS[0]} rows\n20 files are in out\n20 {FIELDS[0]}\n20\n",
    "docs/tutorial.md": r"\nstatus +COMPLETE.*\nCOMPLETE 20[0-9: +.-]+\n"
    rf"(?=.* failed: )(?=.* is unsure: ).*\n{SERVED} fields\n",
    "docs/verifier.md": rf"({CONFORMS}.*){{2}}",
}
"""What the blocks of a page print, as a regular expression that is searched for; `.` is a line end, too."""


def afterwards_tables(names: dict[str, Any], _printed: list[str]) -> None:
    """DuckDB, pandas and polars read the same, and the same failures and doubts, as the run has."""
    fields = all_fields(RUNS[0])
    assert sum(count for _, count in names["failed"]) == sum(field["value"] == "ERROR" for field in fields) > 0
    unsure = sum((field["confidence"]["model"] or 1) < 0.8 for field in fields)
    assert names["lazy"].collect().height == unsure > 0
    rows = names["duckdb"].sql("SELECT count(*) FROM 'out/fields/*.parquet'").fetchall()
    assert rows == [(len(names["pandas"].read_parquet("out/fields")),)] == [(len(fields),)]
    assert names["polars"].scan_parquet("out/fields/*.parquet").collect().height == len(fields)
    assert len(names["frame"]) == len(fields)
    assert names["w2"].num_rows == names["scored"].num_rows > 0
    assert (names["done"].files, names["done"].start) == (20, 20)
    assert NameMap.read("names.csv") == NameMap.read("names.json")


def afterwards_notebook(names: dict[str, Any], _printed: list[str]) -> None:
    """The frames have the run's fields, and the classes their share of failures."""
    assert len(names["frame"]) == FIELDS[0]
    assert len(names["worst"]) == 20
    assert names["by_class"].height == len(names["shares"]) > 1
    assert len(names["wide"]) > 0


def afterwards_airflow(_names: dict[str, Any], _printed: list[str]) -> None:
    """Each task has exported its run."""
    assert all(Path("data", run.run_id, "_SUCCESS").exists() for run in RUNS)


def afterwards_manifest(_names: dict[str, Any], printed: list[str]) -> None:
    """The manifest of the page says what is needed to judge its run, and that a run of others is not shown."""
    report = next(each for each in printed if each.startswith("Verified "))
    not_judged = set(re.findall(r"\b[a-z]+\.[a-z-]+\b", report))
    assert "state.running" in not_judged
    needed = {"names.exact", "state.known", "state.file-count", "state.content", "context.foreign"}
    assert needed & not_judged == set(), report


AFTERWARDS = {
    "docs/howto/airflow.md": afterwards_airflow,
    "docs/howto/notebook.md": afterwards_notebook,
    "docs/manifest.md": afterwards_manifest,
    "docs/tables.md": afterwards_tables,
}
"""What holds after the blocks of a page: of their names in Python, of what each line printed, and of the files."""

"""The recipes for other engines run as they stand, each where its library is installed."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from run_results_conformance.server.synthetic import SyntheticRun

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
LIBRARIES = {
    "airflow_runs.py": ["airflow"],
    "daft_runs.py": ["daft"],
    "dask_runs.py": ["dask.dataframe", "pandas"],
    "duckdb_runs.py": ["duckdb"],
    "polars_runs.py": ["polars"],
    "ray_runs.py": ["ray.data"],
    "sail_runs.py": ["pysail", "pyspark.sql.connect", "pandas"],
}
RUNS = [SyntheticRun(seed=seed, files=5 + seed, run_id=f"run-{seed}") for seed in range(6)]
ROWS = sum(
    len(document["fields"]) for run in RUNS for file in run.files(0, run.file_count) for document in file["documents"]
)


@pytest.mark.parametrize("recipe", LIBRARIES)
def test_a_recipe_runs_as_it_stands(recipe: str, serve_runs: Callable[..., str], token: str) -> None:
    """A recipe prints the number of all fields of all runs, given only the environment and the ids."""
    for library in LIBRARIES[recipe]:
        if importlib.util.find_spec(library.partition(".")[0]) is None:
            pytest.skip(f"{library} is not installed: it is large, and only this recipe needs it")
    environ = {**os.environ, "RUN_RESULTS_TOKEN": token, "RUN_RESULTS_BASE_URL": serve_runs(*RUNS)}
    command = [sys.executable, str(RECIPES / recipe), *(run.run_id for run in RUNS)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    if recipe != "airflow_runs.py":  # its tasks run in a scheduler
        assert f"{ROWS} rows" in done.stdout


def test_every_recipe_is_known() -> None:
    """Every recipe of the folder is run where it can be, and stands in its README, in few lines."""
    files = {path.name: path.read_text("utf-8") for path in RECIPES.glob("*.py")}
    assert files.keys() == LIBRARIES.keys()
    page = (RECIPES / "README.md").read_text("utf-8")
    for name, text in files.items():
        compile(text, name, "exec")
        assert f"]({name})" in page
        assert len([line for line in text.splitlines() if line.strip()]) <= 28

"""The recipes for other engines run as they stand, each where its library is installed."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from run_results_conformance.server.synthetic import SyntheticRun

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
LIBRARIES = {
    "airflow_runs.py": ["airflow.sdk"],
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


@pytest.fixture
def environ(serve_runs: Callable[..., str], token: str) -> dict[str, str]:
    """The environment of a recipe: a server with the runs, and nothing that reports to anybody."""
    told = {"RUN_RESULTS_TOKEN": token, "RUN_RESULTS_BASE_URL": serve_runs(*RUNS)}
    return {**os.environ, **told, "RAY_USAGE_STATS_ENABLED": "0", "DO_NOT_TRACK": "1"}


def skip_without(recipe: str) -> None:
    """Skip where a library that the recipe needs is not installed."""
    for library in LIBRARIES[recipe]:
        if importlib.util.find_spec(library.partition(".")[0]) is None:
            pytest.skip(f"{library} is not installed: it is large, and only this recipe needs it")


def run(environ: dict[str, str], *command: object) -> str:
    """What a program prints that ends well."""
    done = subprocess.run(
        [sys.executable, *map(str, command)], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


# The one for Polars is an example of the page, which test_blocks.py runs.
@pytest.mark.parametrize("recipe", [name for name in LIBRARIES if name not in ("airflow_runs.py", "polars_runs.py")])
def test_a_recipe_runs_as_it_stands(recipe: str, environ: dict[str, str]) -> None:
    """A recipe prints the number of all fields of all runs, given only the environment and the ids."""
    skip_without(recipe)
    assert f"{ROWS} rows" in run(environ, RECIPES / recipe, *(run.run_id for run in RUNS))


def test_the_dag_runs_as_it_stands(environ: dict[str, str], tmp_path: Path) -> None:
    """Airflow runs the recipe without a scheduler, from its folder of DAGs: the files have every field of all runs."""
    skip_without("airflow_runs.py")
    import pyarrow.dataset

    lake, dags = tmp_path / "lake", tmp_path / "home" / "dags"
    lake.mkdir()
    dags.mkdir(parents=True)
    (lake / "run-ids.txt").write_text("".join(f"{run.run_id}\n" for run in RUNS), "utf-8")
    shutil.copy(RECIPES / "airflow_runs.py", dags)
    settings = {"AIRFLOW_HOME": str(dags.parent), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "LAKE": str(lake)}
    run({**environ, **settings}, "-m", "airflow", "db", "migrate")
    run({**environ, **settings}, dags / "airflow_runs.py")
    (folder,) = (lake / "fields").iterdir()
    assert len(list(folder.iterdir())) == len(RUNS)
    assert pyarrow.dataset.dataset(folder).count_rows() == ROWS


def test_every_recipe_is_known() -> None:
    """Every recipe of the folder is run where it can be, and stands in its README, in few lines."""
    files = {path.name: path.read_text("utf-8") for path in RECIPES.glob("*.py")}
    assert files.keys() == LIBRARIES.keys()
    page = (RECIPES / "README.md").read_text("utf-8")
    for name, text in files.items():
        compile(text, name, "exec")
        assert f"]({name})" in page
        assert len([line for line in text.splitlines() if line.strip()]) <= 28

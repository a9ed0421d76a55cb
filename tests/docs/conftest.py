"""The folder and the server of a reader who tries what the documentation shows."""

import csv
import shutil
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import certifi
import click
import pytest

from run_results.scale import pace
from run_results_conformance.server.runs import MemoryRun
from run_results_conformance.server.synthetic import SyntheticRun

from .airflow_sdk import airflow_modules
from .blocks import DOCS

RUNS = [
    SyntheticRun(seed=3, files=20, run_id="run-tax-2025"),
    SyntheticRun(seed=4, files=5, run_id="run-tax-2026"),
]
"""The runs that the pages name."""
_NAMES = [file["original_file_name"] for file in RUNS[0].files(0, 20)]


def all_fields(run: SyntheticRun) -> list[dict[str, Any]]:
    """All fields of all documents of a run."""
    return [
        field for file in run.files(0, run.file_count) for document in file["documents"] for field in document["fields"]
    ]


def recent_runs() -> list[MemoryRun]:
    """A run that is new, one that takes long, and one that failed at noon yesterday: synthetic runs started in 2025."""
    now = datetime.now().astimezone()
    starts = [
        ("run-new", "COMPLETE", now - timedelta(minutes=30)),
        ("run-long", "RUNNING", now - timedelta(hours=2)),
        ("run-refused", "FAILED", now.replace(hour=12, minute=0) - timedelta(days=1)),
    ]
    made = []
    for seed, (run_id, status, start) in enumerate(starts):
        run = SyntheticRun(seed, files=1, run_id=run_id, status=status)
        times = {"start_timestamp": int(start.timestamp()) * 10**9, "finish_timestamp": None}
        if status != "RUNNING":
            times["finish_timestamp"] = times["start_timestamp"] + 60 * 10**9
        made.append(MemoryRun({**run.header, **times}, run.files(0, 1), listing=run.listing))
    return made


@pytest.fixture
def place(
    serve_runs: Callable[..., str],
    token: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A folder with the project's names and the ids of runs, and a server given by the environment."""
    names = sorted({name for each in RUNS[0].project_names().values() for name in each})
    (tmp_path / "fields.txt").write_text("\n".join(names), "utf-8")
    with (tmp_path / "names.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["name"], *([name] for name in names)])
    (tmp_path / "runs.txt").write_text("run-tax-2025\nrun-tax-2026\n", "utf-8")
    (tmp_path / "var/spool/runs").mkdir(parents=True)
    (tmp_path / "var/spool/runs/run-tax-2026").touch()
    for name in _NAMES:
        (tmp_path / "pictures" / Path(name).stem).mkdir(parents=True)
        shutil.copy(DOCS / "images/report-narrow.png", tmp_path / "pictures" / Path(name).stem / "page-0.png")
    (tmp_path / "docs").symlink_to(DOCS)
    shutil.copytree(DOCS / "examples/pytest-project/tests/runs", tmp_path / "folder")
    (tmp_path / "run/secrets").mkdir(parents=True)
    (tmp_path / "run/secrets/run-results").write_text(token, "utf-8")
    (tmp_path / "etc/ssl").mkdir(parents=True)
    shutil.copy(certifi.where(), tmp_path / "etc/ssl/company-ca.pem")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("GITHUB_ACTIONS", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(*RUNS, *recent_runs()))
    for name, module in airflow_modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(click, "launch", lambda url: 0)  # a browser
    monkeypatch.setattr(pace.Pace, "wait", lambda _: None)  # a rate takes no time here
    return tmp_path

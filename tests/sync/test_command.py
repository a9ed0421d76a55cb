"""The command `sync` and its page of documentation."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from run_results.cli.commands import run
from run_results.sync.ledger import SCHEMA
from run_results_conformance.server.synthetic import SyntheticRun

PAGE = (Path(__file__).parents[2] / "docs" / "sync.md").read_text("utf-8")


@pytest.fixture
def lake(serve_runs: Callable[..., str], token: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder where the command runs, with a server of two runs."""
    runs = [SyntheticRun(number, 3, run_id=run_id) for number, run_id in enumerate(("run-tax-2025", "run-2"))]
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(*runs))
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "lake"


def test_it_says_what_was_done(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, or one JSON object; a run that the server does not know is an error, and exit code 3."""
    lake.with_name("runs.txt").write_text("# of today\nrun-tax-2025\n\nrun-2\n")
    assert run(["sync", "--ids", "runs.txt", "--to", "lake"]) == 0
    assert capsys.readouterr() == ("2 new, 0 changed, 0 unchanged, 0 missing, 0 failed -> lake\n", "")
    lake.with_name("runs.txt").write_text("run-2\nrun-3\n")
    assert run(["sync", "--ids", "runs.txt", "--to", "lake", "--json"]) == 3
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "new": 0,
        "changed": 0,
        "unchanged": 0,
        "settled": 1,
        "waiting": 0,
        "files": 0,
        "breaches": 0,
        "missing": ["run-3"],
        "failed": {},
    }
    assert "the server does not know 1 run: 'run-3'" in err


@pytest.mark.parametrize(
    ("ids", "options", "message"),
    [
        ("", [], "no run ids are given"),
        ("run-2\n", ["--to", "s3://bucket/lake"], "is an address"),
        ("../x\n", [], "holds a slash"),
    ],
)
def test_wrong_use_is_one_line(
    lake: Path, capsys: pytest.CaptureFixture[str], ids: str, options: list[str], message: str
) -> None:
    """Without ids, with an address instead of a folder, or with an id that cannot be one, nothing is made."""
    lake.with_name("runs.txt").write_text(ids)
    assert run(["sync", "--ids", "runs.txt", "--to", "lake", *options]) == 2
    _, err = capsys.readouterr()
    assert message in err
    assert err.count("\n") == 1
    assert not lake.exists()


def test_the_example_of_the_page_runs(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The example in Python makes a dataset, and prints what it did."""
    example = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
    exec(compile(example, "docs/sync.md", "exec"), {})
    assert capsys.readouterr().out.startswith("1 new, 0 changed")
    assert (lake / "runs" / "_delta_log").is_dir()


def test_the_page_has_every_column_of_the_ledger() -> None:
    """The table in the page names each column of the ledger."""
    section = PAGE[PAGE.index("## The ledger") : PAGE.index("A batch is written")]
    assert set(re.findall(r"`(\w+)`", section)) == set(SCHEMA.names)

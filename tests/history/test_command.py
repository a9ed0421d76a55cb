"""The command line reads servers of every earlier version."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from run_results.cli.commands import run
from run_results_conformance import serve

from . import FILES, RUN_ID, answer, dates
from .test_check import TOKEN, old_server


@pytest.fixture(params=dates())
def date(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A version, whose server is the one that is asked."""
    with serve(old_server(request.param)) as served:
        monkeypatch.setenv("RUN_RESULTS_TOKEN", TOKEN)
        monkeypatch.setenv("RUN_RESULTS_BASE_URL", served.url)
        yield request.param


def test_commands(date: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """`fetch`, `status`, `export` and `report` end well, have every field, and say where a status is missing."""

    def command(*arguments: str) -> tuple[str, str]:
        capfdbinary.readouterr()
        code = run(arguments)
        out, err = capfdbinary.readouterr()
        assert code == 0, err.decode()
        assert ("the server gives no status" in err.decode()) is (no_status and arguments[0] != "status")
        return out.decode(), err.decode()

    no_status = "status" not in answer(date)
    values = [
        field["value"]
        for file in answer(date, 0, FILES)["files"]
        for document in file["documents"]
        for field in document["fields"]
    ]
    fetched, _ = command("fetch", RUN_ID, "--json", "--include", "all")
    rows = map(json.loads, fetched.splitlines())
    assert [row["value"] for row in rows if row["file_index"] is not None] == values
    facts = json.loads(command("status", RUN_ID, "--json")[0])
    assert facts["status"] == answer(date).get("status")
    assert facts["finished"] is (None if no_status else True)
    assert ("status" in facts["unset"]) is no_status
    assert facts["message"] == answer(date).get("message", answer(date).get("msg"))
    shown, _ = command("status", RUN_ID)
    assert ("not known, without a status" in shown) is no_status
    command("export", RUN_ID, "-o", str(tmp_path / "run.csv"))
    with (tmp_path / "run.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["value"] for row in csv.DictReader(file)] == values
    command("report", RUN_ID, "-o", str(tmp_path / "run.html"))
    assert (tmp_path / "run.html").stat().st_size > 0
    capfdbinary.readouterr()
    assert (run(["status", RUN_ID, "--wait"]) == 0) is not no_status
    assert (b"has no status" in capfdbinary.readouterr().err) is no_status

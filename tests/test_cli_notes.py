"""Notes on stderr: what -q leaves out, and what is said of a run that is not whole."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from run_results.cli.after_export import advice
from run_results.cli.console import progress
from run_results.cli.pace import Pace
from run_results.cli.settings import Settings
from run_results.export import Exported
from run_results_conformance.server.synthetic import SyntheticRun

RUN = SyntheticRun(seed=1, files=11)
GOING = SyntheticRun(seed=2, files=3, status="RUNNING")

Heard = Callable[..., tuple[int, str, str]]


@pytest.fixture
def url(serve_runs: Callable[..., str]) -> str:
    """The URL of a server with a run that is complete, and one that is not finished."""
    return serve_runs(RUN, GOING)


@pytest.mark.parametrize("command", ["fetch", "export", "report"])
def test_quiet_leaves_errors_and_results_only(url: str, run_command: Heard, tmp_path: Path, command: str) -> None:
    """-q changes neither what is printed nor the exit code: of stderr it leaves the errors."""
    names = tmp_path / "names.txt"
    names.write_text("nothing of this run\n")

    def call(run_id: str, *more: str) -> tuple[int, str, str]:
        place = [] if command == "fetch" else ["-o", str(tmp_path / f"{len(more)}.{'html' * (command == 'report')}")]
        code, out, err = run_command(url, command, run_id, *place, "--names", str(names), *more)
        return code, out.replace(str(tmp_path / f"{len(more)}."), ""), err

    code, out, err = call(GOING.run_id)
    assert (code, err.count("run-results: warning: ")) == (0, 2)
    assert "the run is not finished (RUNNING): it may get more files than these" in err
    assert call(GOING.run_id, "-q") == (0, out, "")
    code, _, err = call("nobody", "-q", "--strict")
    assert (code, err.count("\n")) == (3, 1)
    assert err.startswith("run-results: error: status 404")


def test_quiet_and_verbose_are_not_both_possible(url: str, run_command: Heard) -> None:
    """-q and -v ask for opposite things, wherever they stand."""
    for arguments in (["-q", "-v", "fetch", "r"], ["-q", "status", "r", "--verbose"]):
        code, out, err = run_command(url, *arguments)
        assert (code, out) == (2, "")
        assert "give one of them" in err


@pytest.mark.parametrize("command", ["fetch", "report"])
def test_a_start_behind_the_end_is_said(url: str, run_command: Heard, tmp_path: Path, command: str) -> None:
    """A walk that begins behind the last file has no files, and says why."""
    place = ["-o", str(tmp_path / "r.html")] if command == "report" else []
    code, _, err = run_command(url, command, RUN.run_id, "--start", "99", *place)
    assert code == 0
    assert f"{RUN.run_id}: the run has no file 99: it ends earlier (files are counted from 0)" in err


@pytest.mark.parametrize(
    ("given", "following"),
    [
        ({"failed": 1}, "run-results --profile 'a b' fetch 'r 1' --only failed"),
        ({}, "run-results --profile 'a b' report 'r 1' -o r_1-"),
        ({"unfinished": "RUNNING", "failed": 1}, "run-results --profile 'a b' status 'r 1' --wait"),
    ],
)
def test_the_next_command_can_be_typed_as_it_stands(tmp_path: Path, given: dict[str, Any], following: str) -> None:
    """After an export the next command has the options that found the server, and is quoted for the shell."""
    settings = Settings({"profile": "a b", "names": "x", "timeout": 3})
    made = Exported("r 1", tmp_path, "csv", files=3, paths=(tmp_path, tmp_path / "a.csv"), **given)
    written, step = advice(made, settings.retyped())
    assert written == f"written: {tmp_path}/, {tmp_path}/a.csv (csv)"
    assert step.startswith(f"next: {following}")


@pytest.mark.parametrize("columns", [24, 40, 200])
def test_progress_fits_into_one_line(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """However narrow the terminal is, the line of progress and the ^C behind it leave room, and the time is whole."""
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress(wanted=True) as update:
        update(Pace("file").line(12_345, "100,000 rows"))
    lines = [line for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "\n", shown.getvalue()).splitlines() if line.strip()]
    assert all(len(line) <= columns - len("^C") for line in lines)
    assert "12,345" in lines[-1]
    assert re.search(r" \d:\d\d:\d\d$", lines[-1].rstrip())

"""Notes on stderr: what -q leaves out, and what is said of a run that is not whole."""

from collections.abc import Callable
from pathlib import Path

import pytest

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
    assert f"{RUN.run_id}: the run has no file 99: its files, counted from 0, end before" in err

"""Several runs in one command: each has its answer, and one that fails stops no other."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import pytest

from run_results.cli.export import _places as export_places
from run_results.cli.report import _places as report_places
from run_results_conformance.server.synthetic import SyntheticRun

FIRST, SECOND = SyntheticRun(seed=1, files=3), SyntheticRun(seed=2, files=2)
BOTH = (FIRST.run_id, SECOND.run_id)

Heard = Callable[..., tuple[int, str, str]]


@pytest.fixture
def heard(serve_runs: Callable[..., str], run_command: Heard) -> Heard:
    """Run the command against a server with both runs; gives code, stdout, stderr."""
    return partial(run_command, serve_runs(FIRST, SECOND))


def test_the_state_of_each_run_is_shown_though_one_is_unknown(heard: Heard) -> None:
    """`status` shows each run once, in order; an unknown one is a line on stderr, and decides the exit code."""
    code, out, err = heard("status", BOTH[0], "nobody", *BOTH)
    assert code == 3
    assert [line.split()[1] for line in out.splitlines() if line.startswith("run ")] == list(BOTH)
    assert err.count("run-results: error: ") == 1
    assert "'nobody'" in err
    code, out, _ = heard("status", *BOTH, "--json", "--wait")
    assert (code, out.count("\n"), out.count('"settled": true')) == (0, 2, 2)


def test_each_run_has_a_report_of_its_own(heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`report` writes RUN_ID.html for each run into a folder, and --open opens the first."""
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", lambda address: opened.append(address) or 0)
    folder = tmp_path / "a b" / "reports"
    code, out, err = heard("report", "nobody", *BOTH, "-o", str(folder), "--open")
    assert code == 3
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{each}.html" for each in BOTH)
    assert [line.partition(": ")[0] for line in out.splitlines()] == [str(folder / f"{each}.html") for each in BOTH]
    assert err.count("\n") == 1
    assert opened == [(folder / f"{BOTH[0]}.html").as_uri()]
    assert heard("report", BOTH[0], "-o", f"{tmp_path}/one/")[0] == 0
    assert (tmp_path / "one" / f"{BOTH[0]}.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", *BOTH, "-o", "r.html"], "several reports need a folder, and 'r.html' is the name of one file"),
        (["report", *BOTH, "-o", "-"], "standard output takes one report"),
        (["report", *BOTH, "-o", "r", "--start", "1"], "--start is for one run, and here are 2"),
        (["report", *BOTH, "-o", "r", "--title", "t"], "--title is for one run, and here are 2"),
        (["report", BOTH[0], "-o", "-", "--open"], "--open goes with a file"),
        (["status"], "Missing argument 'RUN_ID...'"),
        (["status", "a", "../b"], "run_id '../b' holds a slash"),
    ],
)
def test_what_several_runs_cannot_have_is_wrong_usage(heard: Heard, arguments: list[str], said: str) -> None:
    """What is about one run is refused for several, before anything is sent or written."""
    code, out, err = heard(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_ids_that_differ_in_case_share_no_place() -> None:
    """Where a system takes `r` and `R` for one name, two such runs have a folder, or a report, of their own."""
    for places in (export_places(["r", "R"], "out", several=True), report_places(["r", "R"], "out/")):
        assert list(places) == ["r", "R"]
        assert len({place.lower() for place in places.values()}) == 2

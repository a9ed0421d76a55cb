"""`run-results runs`, and exports of the runs that it lists."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from run_results import RunStatus, RunSummary
from run_results.cli.run_table import RunTable
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryRun, MemoryStore
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

from .moving import SECOND, START

TOKEN = "t0k3n-of-the-tests"
HOUR = ("--since", "2025-08-27T00:00:00Z", "--until", "2025-08-27T01:00:00Z")  # from START on
Here = Callable[..., tuple[int, str, str]]


def listed(name: str, second: int, status: str = "COMPLETE", finish: int | None = None, **more: Any) -> MemoryRun:
    """A run that started so many seconds after `START`."""
    end = None if finish is None else (START + finish) * SECOND
    message = more.pop("message", None)
    header = {"id": name, "status": status, "message": message, "start_timestamp": (START + second) * SECOND}
    return MemoryRun(header | {"finish_timestamp": end}, [], listing=more)


RUNS = [
    listed("run-a", 0, finish=60, app_id="app-1", batch_id=7, tags=["tax"]),
    listed("run-b", 60, "FAILED", finish=90, message="no \x1b[31mpages"),
    listed("run-c", 120, "RUNNING"),
]


@pytest.fixture
def url() -> Iterator[str]:
    """The address of a server with three runs that have no files, and two that have."""
    more = [SyntheticRun(seed=seed, files=2, run_id=f"whole-{seed}") for seed in (1, 2)]
    with serve(ReferenceServer(MemoryStore([*RUNS, *more]), TOKEN, page_size=2)) as served:
        yield served.url


@pytest.fixture
def here(url: str, run_command: Here) -> Here:
    """Run the command inside this process; gives code, stdout, stderr."""
    return partial(run_command, url)


def test_a_pipe_gets_json_lines(here: Here) -> None:
    """Each run is a line with the same keys; what the server left out is named in `unset`."""
    code, out, err = here("runs", *HOUR)
    assert (code, err) == (0, "")
    first, second, third = map(json.loads, out.splitlines())
    assert first == {
        "run_id": "run-a",
        "status": "COMPLETE",
        "message": None,
        "started_at": "2025-08-27T00:00:00+00:00",
        "finished_at": "2025-08-27T00:01:00+00:00",
        "start_timestamp": START * SECOND,
        "finish_timestamp": (START + 60) * SECOND,
        "batch_id": 7,
        "input_dir": None,
        "app_id": "app-1",
        "deployment_id": None,
        "tags": ["tax"],
        "unset": ["input_dir", "deployment_id"],
    }
    assert list(second) == list(third) == list(first)
    assert second["message"] == "no \x1b[31mpages"
    assert (third["finished_at"], third["finish_timestamp"]) == (None, None)
    assert here("runs", *HOUR, "--json") == here("runs", *HOUR, "--format", "jsonl") == (0, out, "")


def test_ids_are_a_line_each(here: Here) -> None:
    """`--format ids` prints ids alone, for other programs; filters may be in small letters and lists."""
    assert here("runs", *HOUR, "--format", "ids") == (0, "run-a\nrun-b\nrun-c\n", "")
    assert here("runs", *HOUR, "--format", "ids", "--status", "failed,RUNNING") == (0, "run-b\nrun-c\n", "")
    assert here("runs", *HOUR, "--format", "ids", "--app-id", "app-1") == (0, "run-a\n", "")
    late = ("--since", "2025-08-27T00:00:50Z", "--until", "2025-08-27T00:02:00Z")
    assert here("runs", *late, "--format", "ids") == (0, "run-b\n", "")
    assert here("runs", *late, "--format", "ids", "--overlap", "30m") == (0, "run-a\nrun-b\n", "")


def test_people_get_a_table(here: Here) -> None:
    """A line for each run, in UTC and harmless on a terminal, and how many there are of each status."""
    code, out, err = here("runs", *HOUR, "--format", "table")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["STATUS", "STARTED", "(UTC)", "FINISHED", "RUN"]
    assert lines[1].split() == ["COMPLETE", "2025-08-27", "00:00:00", "2025-08-27", "00:01:00", "run-a"]
    assert "run-b  no " in lines[2]
    assert "\x1b" not in out
    assert lines[3].split() == ["RUNNING", "2025-08-27", "00:02:00", "-", "run-c"]
    assert lines[4] == "3 runs: 1 COMPLETE, 1 FAILED, 1 RUNNING"
    hint = "0 runs started in the last 24 hours; --since 7d, or a date, looks further back\n"
    assert here("runs", "--format", "table") == (0, hint, "")
    hint = "0 runs started in this time; an earlier --since looks further back\n"
    assert here("runs", "--since", "1h", "--format", "table") == (0, hint, "")


def test_a_status_is_whole() -> None:
    """The table has room for each status of the contract, also in the count at the end."""
    drawn = StringIO()
    table = RunTable(Console(file=drawn, width=200))
    for status in RunStatus:
        table.add(RunSummary(id="run-1", status=status, start_timestamp=START * SECOND))
    table.summary()
    lines = drawn.getvalue().splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == list(RunStatus)
    assert all(f"1 {status}" in lines[-1] for status in RunStatus)


async def lists_a_run_without_id(scope: Any, receive: Any, send: Any) -> None:
    """A server whose list has one run, which breaks the contract."""
    is_first = b"&offset=0" in scope["query_string"] and b"from_timestamp=%d&" % (START - 1) in scope["query_string"]
    run = {"status": "FAILED", "start_timestamp": START * SECOND}
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps({"runs": [run] if is_first else []}).encode()})


def test_a_run_without_id_is_shown(run_command: Here) -> None:
    """What is known of a run without id is shown; a list of ids, which would lack it, is an error."""
    with serve(lists_a_run_without_id) as served:
        code, out, _ = run_command(served.url, "runs", *HOUR, "--json")
        line = json.loads(out)
        assert (code, line["run_id"], line["status"]) == (0, None, "FAILED")
        assert "run_id" in line["unset"]
        code, out, _ = run_command(served.url, "runs", *HOUR, "--format", "table")
        assert out.splitlines()[1].split() == ["FAILED", "2025-08-27", "00:00:00", "-", "-"]
        code, out, err = run_command(served.url, "runs", *HOUR, "--format", "ids")
        assert (code, out) == (5, "")
        assert "lists a run without an id" in err


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "a word": (("--since", "tomorrow"), "'tomorrow' is no moment; give today, yesterday"),
    "the wrong way round": (("--since", "1h", "--until", "2h"), "since must be before until"),
    "a status": (("--status", "done"), "status must be of CANCELLED, COMPLETE"),
    "two formats": (("--json", "--format", "table"), "--json prints JSON Lines: leave out --format"),
    "an overlap": (("--overlap", "6"), "'6' is no length of time, as 90s, 30m"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_usage_asks_nothing(here: Here, what: str) -> None:
    """What cannot be asked is wrong usage, with a line that says why."""
    arguments, text = WRONG[what]
    code, out, err = here("runs", *arguments)
    assert (code, out) == (2, "")
    assert text in err
    assert err.count("\n") == 1


def test_listed_runs_can_be_exported(url: str, tmp_path: Path) -> None:
    """Two commands in a pipe: every run that one lists, the other writes into a folder of its own."""
    command = f"{sys.executable} -m run_results"
    environment = {**os.environ, "RUN_RESULTS_TOKEN": TOKEN, "RUN_RESULTS_BASE_URL": url}

    line = f"{command} runs --since 2020-01-01 --status COMPLETE | {command} export --runs-from - -o out"
    done = subprocess.run(line, shell=True, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["run-a", "whole-1", "whole-2"]
    assert all((path / "_SUCCESS").exists() for path in (tmp_path / "out").iterdir())
    assert re.search(r"^3 of 3 runs, 4 files, ", done.stdout, re.MULTILINE)


def test_a_run_that_fails_does_not_stop_the_rest(here: Here, tmp_path: Path) -> None:
    """Each run that failed is named at the end, and the exit code is that of the first."""
    file = tmp_path / "runs.jsonl"
    lines = ['{"run_id": "whole-1"}', '{"status": "FAILED", "run_id": "gone-1"}', "# mine", "gone-2", "whole-2"]
    file.write_text("\n".join(lines), "utf-8-sig")
    for option in ("--runs-from", "--runs-file"):  # the second time, all that is whole is left as it is
        code, out, err = here("export", option, str(file), "-o", str(tmp_path / "out"), "--resume")
        assert code == 3
        assert ("whole-1: 2 files (2 of them before)" in out) == (option == "--runs-file")
        assert sorted(line.partition(":")[0] for line in out.splitlines()[:2]) == ["whole-1", "whole-2"]
        assert out.splitlines()[2].endswith("; 2 not exported")
        assert re.findall(r"error: status 404: 'Run not found' \(run '(gone-\d)'", err) == ["gone-1", "gone-2"]


def test_files_without_usable_run_ids(here: Here, tmp_path: Path) -> None:
    """A list without runs is a warning; a line of JSON without a run id is named."""
    file, place = tmp_path / "runs.jsonl", str(tmp_path / "out")
    file.write_text("")
    code, out, err = here("export", "--runs-from", str(file), "-o", place)
    assert (code, out) == (0, "")
    assert err == "run-results: warning: --runs-from has no run ids: nothing is exported\n"
    for line in ('{"id": "a"}', '{"run_id": 3}', '{"run_id": "a"', '{"run_id": null}'):
        file.write_text(f"run-a\n{line}\n")
        code, out, err = here("export", "--runs-from", str(file), "-o", place)
        assert (code, out) == (2, "")
        assert "line 2 of --runs-from is no JSON with a run_id" in err
        assert err.count("\n") == 1
    assert not Path(place).exists()


def test_a_server_without_the_list_has_a_line_of_its_own(url: str, run_command: Here) -> None:
    """The error names the option for the address, and the exit code is that of a refusal."""
    code, out, err = run_command(f"{url}/elsewhere", "runs")
    assert (code, out) == (3, "")
    assert "This server may not offer the list of runs. Check the base URL (--base-url), too" in err
    assert TOKEN not in err

"""The command `sync` and its page of documentation."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from run_results import Client
from run_results.cli.commands import run
from run_results.sync.ledger import SCHEMA
from run_results.sync.options import SYNC_FORMATS
from run_results_conformance import ReferenceServer
from run_results_conformance.server.runs import Run
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

from .kit import Runs, assert_in_step

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


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfrun-2\r\n\r\n  run-tax-2025\t\r\nrun-2\r\n",
        b"# of today\nrun-2\n#run-3\n\n\nrun-2\nrun-tax-2025",
        b'{"run_id": "run-2", "status": "COMPLETE"}\nrun-tax-2025\n\xef\xbb\xbfrun-2\n',
        b"#" + b"x" * 2**20 + b"\nrun-2\nrun-tax-2025\n",
    ],
    ids=["of Windows", "with comments", "from runs", "with a long comment"],
)
@pytest.mark.parametrize("place", ["-", "runs.txt"])
def test_ids_come_as_programs_write_them(
    lake: Path, capfdbinary: pytest.CaptureFixture[bytes], content: bytes, place: str
) -> None:
    """A mark of the encoding, ends of lines of Windows, blanks, comments and repetitions make no difference."""
    lake.with_name("runs.txt").write_bytes(content)
    arguments = ["sync", "--ids", place, "--to", "lake", "--format", "parquet"]
    if place == "-":
        done = subprocess.run([sys.executable, "-m", "run_results", *arguments], input=content, capture_output=True)
        code, out, err = done.returncode, done.stdout, done.stderr
    else:
        code = run(arguments)
        out, err = capfdbinary.readouterr()
    assert out.startswith(b"2 new, 0 changed"), err
    assert code == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no run ids are given"),
        (b"\r\n# none\n\n", "no run ids are given"),
        (b"run-2\nrun\x00-3\n", "cannot be printed"),
        (b"run-2\n\xff\n", "is not UTF-8"),
        (b'{"run_id": 5}\n', "line 1 of --ids is no JSON with a run_id"),
        (b"x/" * 2**19, "holds a slash"),
    ],
    ids=["none", "only comments", "a NUL", "no UTF-8", "no JSON", "a slash"],
)
def test_ids_that_are_none_are_one_line(
    lake: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    """What holds no ids, or is no list of ids, is wrong use: one short line, and nothing is made."""
    lake.with_name("runs.txt").write_bytes(content)
    assert run(["sync", "--ids", "runs.txt", "--to", "lake"]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert len(err) < 400
    assert not lake.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("form", SYNC_FORMATS)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_in_order(form: str, number: int, code: int, token: str, tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM leave what is being read, write what is whole, and say how to go on; the next sync does."""
    runs = Runs()
    for each in range(12):
        runs.put(f"r{each}", each, 2)
    reached, go_on = threading.Event(), threading.Event()
    find = runs.find

    def gated(run_id: str, context: str | None) -> Run | None:
        if len(runs.asked) >= 6 and not go_on.is_set():
            reached.set()
            go_on.wait(120)
        return find(run_id, context)

    (tmp_path / "ids.txt").write_text("\n".join(runs.runs))
    command = [sys.executable, "-m", "run_results", "sync", "--ids", str(tmp_path / "ids.txt"), "--format", form]
    command += ["--to", str(tmp_path / "lake"), "--jobs", "1"]
    with (
        patch.object(Runs, "find", lambda _, *arguments: gated(*arguments)),
        serve(ReferenceServer(runs, token)) as served,
    ):
        environment = {**os.environ, "RUN_RESULTS_TOKEN": token, "RUN_RESULTS_BASE_URL": served.url}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert reached.wait(120)
            process.send_signal(number)
            out, err = process.communicate(timeout=120)
        go_on.set()
        assert process.returncode == code
        assert err == b"run-results: error: interrupted. What is whole is written; the same command continues\n"
        assert out.startswith(b"6 new, 0 changed, 0 unchanged, 0 missing, 0 failed; 6 runs not read -> ")
        again = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert again.stdout.startswith(b"6 new, 0 changed, 6 unchanged")
        with Client(token=token, base_url=served.url) as client:
            assert_in_step(tmp_path / "lake", form, client, list(runs.runs))


def test_the_page_has_every_column_of_the_ledger() -> None:
    """The table in the page names each column of the ledger."""
    section = PAGE[PAGE.index("## The ledger") : PAGE.index("A batch is written")]
    assert set(re.findall(r"`(\w+)`", section)) == set(SCHEMA.names)

"""The command line in a process with pipes, as scripts use it, and on a pseudo-terminal, as people do."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import click
import pyarrow.parquet as pq
import pytest
from rich.cells import cell_len
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from run_results import __version__, errors
from run_results.cli.commands import group
from run_results.cli.jobs import Jobs
from run_results.cli.messages import describe
from run_results.cli.rows import ADDED
from run_results.tables import COLUMNS
from run_results_conformance.server.contract import load_contract
from run_results_conformance.server.reference import ReferenceServer, Refusal
from run_results_conformance.server.runs import MemoryRun, MemoryStore, UnfinishedRun, by_polls
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals and signals")

COMMAND = str(Path(sys.executable).with_name("run-results"))
NO_WAITS = [sys.executable, "-c", "import time; time.sleep = lambda _: None; from run_results.cli import main; main()"]
"""The command, which does not really wait between attempts."""
RUN = SyntheticRun(seed=1, files=10)
SECRET = "t0k3n-of-the-tests"

JSONL_KEYS = [
    *("run_id", "file_index", "file_name", "file_path", "document_index", "class_name", "page_numbers"),
    *("field_index", "name", "api_name", "value", "type", "failed", "error"),
]


# Means --------------------------------------------------------------------------------------------------------


def environment(url: str, **more: str) -> dict[str, str]:
    """The environment of the process, without the caller's own settings."""
    return {
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "RUN_RESULTS_TOKEN": SECRET,
        "RUN_RESULTS_BASE_URL": url,
        **more,
    }


def piped(url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command with pipes."""
    return subprocess.run(
        [COMMAND, *arguments],
        env=environment(url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )


def read_all(descriptor: int) -> str:
    """Everything that is written to a pseudo-terminal until its other end is closed."""
    chunks = []
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(descriptor)
    return b"".join(chunks).decode()


def on_terminal(
    url: str,
    *arguments: str,
    columns: int = 100,
    stdout: Any = None,
    more: dict[str, str] | None = None,
    command: Sequence[str] = (COMMAND,),
) -> tuple[int, str]:
    """Run the command on a pseudo-terminal, or with stdout elsewhere; gives the exit code and the text shown."""
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (50, columns))
    with subprocess.Popen(
        [*command, *arguments],
        env=environment(url, **more or {}),
        stdin=terminal,
        stdout=terminal if stdout is None else stdout,
        stderr=terminal,
    ) as started:
        os.close(terminal)
        seen = read_all(controller)
        return started.wait(600), seen


def plain(text: str) -> list[str]:
    """The lines that a terminal shows."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r\n", "\n").splitlines()


def records(text: str) -> list[dict[str, Any]]:
    """The records of JSON Lines, whose only line end is the line feed."""
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


@pytest.fixture
def here(run_command: Callable[..., tuple[int, str, str]]) -> Callable[..., tuple[int, str, str]]:
    """Run the command inside this process, where no process of its own is needed; gives code, stdout, stderr."""
    return run_command


class Odd(ReferenceServer):
    """A reference server that changes each page with a function before it is sent."""

    def __init__(self, run: SyntheticRun, change: Callable[[dict[str, Any]], None], **options: Any) -> None:
        super().__init__(MemoryStore([run]), SECRET, **options)
        self.change = change

    def render(self, page: Any) -> Response:
        page = json.loads(json.dumps(page))
        self.change(page)
        return Response(json.dumps(page), media_type="application/json")


class Refusing(ReferenceServer):
    """A reference server that answers with another status from some offset on, and echoes the token."""

    def __init__(self, status: int, offset: int = 0, **options: Any) -> None:
        super().__init__(MemoryStore([RUN]), SECRET, page_size=4, **options)
        self.status, self.offset = status, offset

    def read_offset(self, request: Request) -> int:
        offset = super().read_offset(request)
        if offset >= self.offset:
            raise Refusal(self.status, f"no, {request.headers['authorization']}\x1b[2J")
        return offset


class Gated(ReferenceServer):
    """A reference server that keeps every page but the first behind a gate."""

    def __init__(self) -> None:
        super().__init__(MemoryStore([RUN]), SECRET, page_size=4)
        self.gate, self.reached = threading.Event(), threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if b"file_offset=0" not in scope["query_string"]:
            self.reached.set()
            await anyio.to_thread.run_sync(self.gate.wait, 120)
        await super().__call__(scope, receive, send)


@contextmanager
def process(url: str, *arguments: str, **streams: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """The command as a process that the test talks to; stopped at the end at the latest."""
    with subprocess.Popen(
        [COMMAND, *arguments], env=environment(url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, **streams
    ) as started:
        try:
            yield started
        finally:
            started.kill()


Serve = Callable[..., str]
Here = Callable[..., tuple[int, str, str]]


# fetch --------------------------------------------------------------------------------------------------------


def test_a_pipe_gets_every_field_of_the_run_once_and_in_order(serve_runs: Serve) -> None:
    """In a pipe there is one JSON object for each field, and nothing else on any stream."""
    done = piped(serve_runs(RUN, page_size=4), "fetch", RUN.run_id)
    assert (done.returncode, done.stderr) == (0, "")
    lines = records(done.stdout)
    assert all(list(line) == [*JSONL_KEYS, "unset"] for line in lines)
    expected: list[tuple[Any, ...]] = [
        (None, None, index, field["value"]) for index, field in enumerate(RUN.header["case_info"]["fields"])
    ]
    for file_index, file in enumerate(RUN.files(0, 10)):
        for document_index, document in enumerate(file["documents"]):
            for field_index, field in enumerate(document["fields"]):
                expected.append((file_index, document_index, field_index, field["value"]))
            if not document["fields"]:
                expected.append((file_index, document_index, None, None))
        if not file["documents"]:
            expected.append((file_index, None, None, None))
    keys = ("file_index", "document_index", "field_index", "value")
    assert [tuple(line[key] for key in keys) for line in lines] == expected


def test_a_terminal_gets_a_table_with_a_summary(serve_runs: Serve) -> None:
    """On a terminal there is a heading for each document, a line for each field, and a summary of the run."""
    code, seen = on_terminal(serve_runs(RUN, page_size=4), "fetch", RUN.run_id, "--include", "all")
    lines = plain(seen)
    fields = [field for file in RUN.files(0, 10) for document in file["documents"] for field in document["fields"]]
    failures = sum(field["value"] == "ERROR" for field in fields)
    cases = sum(field["value"] == "ERROR" for field in RUN.header["case_info"]["fields"])
    assert code == 0
    assert lines[0].split() == ["FIELD", "VALUE", "TYPE", "MODEL", "OCR", "NOTE"]
    assert len([line for line in lines if re.match(r"  \S", line)]) == 1 + 5 + len(fields)
    assert sum("ERROR" in line and "failed" in line for line in lines) == failures + cases > 0
    documents = sum(len(file["documents"]) for file in RUN.files(0, 10))
    assert lines[-6] == f"10 files, {documents} documents, {len(fields)} fields, 5 cross-class fields"
    assert lines[-5].startswith(f"of {len(fields)} fields: {failures} failed, ")
    assert lines[-4].startswith(f"of 5 cross-class fields: {cases} failed, ")
    assert lines[-3].startswith(f"of {documents} documents: ")
    assert lines[-1] == "breaches: none"
    assert "\x1b[31m" in seen


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_of_the_table_is_wider_than_the_terminal(serve_runs: Serve, columns: int) -> None:
    """Columns are cut to the terminal, and long notes stand below in lines of their own: the terminal wraps nothing."""
    _, seen = on_terminal(serve_runs(RUN), "fetch", RUN.run_id, "--include", "all", columns=columns)
    widths = [cell_len(line) for line in plain(seen)]
    assert columns - 15 < max(widths) <= columns


@pytest.mark.parametrize(("arguments", "more"), [(["--no-color"], {}), ([], {"NO_COLOR": "1"})])
def test_colours_can_be_turned_off(serve_runs: Serve, arguments: list[str], more: dict[str, str]) -> None:
    """With --no-color and with NO_COLOR no colour is used, and words carry the same facts."""
    _, seen = on_terminal(serve_runs(RUN), "fetch", RUN.run_id, *arguments, more=more)
    assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|9[0-7]|38)[;m]", seen)
    assert "failed" in seen


def test_the_format_can_be_chosen(serve_runs: Serve, here: Here) -> None:
    """--format decides the output, on a terminal and in a pipe."""
    url = serve_runs(RUN)
    code, out, err = here(url, "fetch", RUN.run_id, "--format", "table")
    assert (code, err, out.split()[0]) == (0, "", "FIELD")
    assert "\x1b" not in out
    code, seen = on_terminal(url, "fetch", RUN.run_id, "--format", "jsonl")
    assert len(records(seen.replace("\r\n", "\n"))) > 50


def test_the_keys_follow_what_is_included(serve_runs: Serve, here: Here) -> None:
    """Each --include adds its keys to every line, in the order of the help text."""
    url = serve_runs(RUN)
    _, out, _ = here(url, "fetch", RUN.run_id, "--include", "all")
    more = ["class_confidence", "model_confidence", "ocr_confidence", "final_result_pass", "valid", "alerts"]
    more += ["review_completed", "class_edits", "edits", "source"]
    new = [key for added in ADDED.values() for key in added if key not in more]  # since this test was written
    lines = records(out)
    assert {tuple(key for key in line if key not in new) for line in lines} == {(*JSONL_KEYS, *more, "unset")}
    assert all(set(line) == {*JSONL_KEYS, *more, *new, "unset"} for line in lines)
    assert set(lines[0]) - {"unset"} <= {column.name for table in COLUMNS.values() for column in table}
    assert any(line["alerts"] for line in lines)
    assert any(line["edits"] for line in lines)
    assert any(line["source"] and line["source"][0]["top_x"] > 0 for line in lines)
    _, out, _ = here(url, "fetch", RUN.run_id, "--include", "review", "--include", "source")
    assert {tuple(key for key in line if key not in new) for line in records(out)} == {
        (*JSONL_KEYS, *more[6:], "unset")
    }
    _, help_text, _ = here(url, "fetch", "--help")
    listed = re.findall(r"\w+", help_text[help_text.index("run_id,") : help_text.index("A file without")])
    assert [word for word in listed if word in JSONL_KEYS][: len(JSONL_KEYS)] == JSONL_KEYS
    assert [word for word in dict.fromkeys(listed) if word in (*more, *new, "unset")] == [
        *(key for added in ADDED.values() for key in added),
        "unset",
    ]


def test_null_and_unset_are_told_apart(here: Here) -> None:
    """A null from the server is not the same as a value that it left out."""

    def change(page: dict[str, Any]) -> None:
        page["files"] = [
            {
                "documents": [
                    {"class_name": None, "fields": [{"field_name": "a", "confidence": {"model": None}}]},
                    {"fields": []},
                ]
            }
        ]
        del page["case_info"]

    with serve(Odd(SyntheticRun(files=1), change)) as served:
        _, out, _ = here(served.url, "fetch", "synthetic-0", "--include", "confidence")
    first, second = records(out)
    assert first["class_name"] is first["model_confidence"] is first["ocr_confidence"] is None
    assert first["unset"] == ["class_confidence", "ocr_confidence"]
    assert (first["file_name"], first["value"], first["failed"]) == (None, None, False)
    assert (second["class_name"], second["field_index"], second["failed"]) == (None, None, None)
    assert second["unset"][0] == "class_name"


def test_project_names_come_from_the_file(serve_runs: Serve, here: Here, tmp_path: Path) -> None:
    """With --names a field has the project's own name, looked up in its class; without, the likeliest one."""
    url = serve_runs(RUN)
    file = tmp_path / "names.json"
    file.write_text(json.dumps({**RUN.project_names(), "": RUN.case_names()}))
    _, out, err = here(url, "fetch", RUN.run_id, "--names", str(file))
    known = {name for names in RUN.project_names().values() for name in names}
    assert err == ""
    assert {line["name"] for line in records(out) if line["file_index"] is not None} - {None} <= known
    _, out, _ = here(url, "fetch", RUN.run_id)
    pairs = {(line["api_name"], line["name"]) for line in records(out)}
    assert ("driver_s_license", "driver s license") in pairs
    file.write_text(json.dumps(["due date", "due-date"]))
    code, _, err = here(url, "fetch", RUN.run_id, "--names", str(file))
    assert code == 0
    assert err.startswith("run-results: warning: 1 API name stands for several names")


def test_names_of_another_project_are_noticed(serve_runs: Serve, here: Here, tmp_path: Path) -> None:
    """Each command that takes --names says how many of the run's names are guessed, which, and what to do."""
    url = serve_runs(RUN)
    file = tmp_path / "names.txt"
    file.write_text("some other field\n")
    total = len({(line["api_name"], line["class_name"]) for line in records(here(url, "fetch", RUN.run_id)[1])})
    commands = (
        ["fetch", RUN.run_id],
        ["fetch", RUN.run_id, "--format", "table"],
        ["report", RUN.run_id, "-o", str(tmp_path / "r.html")],
        ["export", RUN.run_id, "-o", str(tmp_path / "out")],
    )
    for command in commands:
        code, _, err = here(url, *command, "--names", str(file))
        assert code == 0
        found = re.search(r"warning: (?:\S+: )?(\d+) of the run's (\d+) field names are not in the names given", err)
        assert found, command
        assert found[1] == found[2]
        assert int(found[1]) <= total
        assert re.search(r"were guessed: '\w+' as '[^']+', .*Add them to the names, or check that they are of", err)
    file.write_text("")
    assert "holds no names: every name is guessed" in here(url, "fetch", RUN.run_id, "--names", str(file))[2]


def test_a_wide_export_counts_what_the_names_do_not_have(serve_runs: Serve, here: Here, tmp_path: Path) -> None:
    """--wide with --names has the columns of the names, and says how many fields are in `further`; --titles chooses."""
    url = serve_runs(RUN)
    file = tmp_path / "names.txt"
    file.write_text("due date\nemployee's name\n")
    wide = ["--wide", "--names", str(file), "--titles", "api"]
    code, _, err = here(url, "export", RUN.run_id, "-o", str(tmp_path / "out"), *wide)
    assert code == 0
    assert "guessed" not in err
    tables = [pq.read_table(path) for path in (tmp_path / "out").glob("*.parquet")]
    assert {tuple(table.schema.names[5:]) for table in tables} == {("due_date", "employee_s_name", "further")}
    further = sum(len(cell or ()) for table in tables for cell in table.column("further").to_pylist())
    assert f"fields that the names do not have: {further:,} (such as " in err
    assert err.endswith("); they are in the column 'further'. To give them columns, add them to the file of --names\n")
    code, _, err = here(url, "export", RUN.run_id, "-o", str(tmp_path / "no"), "--titles", "api")
    assert (code, "go with --wide" in err) == (2, True)


def test_unsure_fields_are_marked_below_the_score_given(serve_runs: Serve, here: Here) -> None:
    """--unsure asks for confidences and marks what is below."""
    url = serve_runs(RUN)
    _, none, _ = here(url, "fetch", RUN.run_id, "--format", "table", "--unsure", "0")
    _, every, _ = here(url, "fetch", RUN.run_id, "--format", "table", "--unsure", "1")
    assert "0 unsure (below 0)" in none
    assert every.count(" unsure") > 50


HOSTILE = {
    "escape": "\x1b[2J\x1b]0;owned\x07\x1b[31mred",
    "c1": "\x9b2J\x90q\x9c",
    "lines": "one\ntwo\r\nthree\u2028four\x0bfive",
    "rtl": "abc\u202etxt.exe\u2066\u200f",
    "long": "x" * 10_000,
    "accents": "e" + "\u0301" * 10_000,
    "wide": "漢" * 500,
    "markup": "[red]not red[/] :smile: [link=http://x]y[/link]",
}


@pytest.mark.parametrize("mark", ["failed", "unsure", "invalid", "edited"])
def test_only_what_is_marked_is_printed(serve_runs: Serve, here: Here, mark: str) -> None:
    """--only prints the fields with that mark, in a pipe and on a terminal; the summary counts all fields."""
    url = serve_runs(RUN)
    everything = records(here(url, "fetch", RUN.run_id, "--include", "all", "--format", "jsonl")[1])

    def is_marked(line: dict[str, Any]) -> bool:
        scores = [line["model_confidence"], line["ocr_confidence"]]
        return {
            "failed": bool(line["failed"]),
            "unsure": any(score is not None and score < 0.8 for score in scores),
            "invalid": line["valid"] is False,
            "edited": bool(line["edits"]),
        }[mark]

    wanted = [line for line in everything if is_marked(line)]
    assert 0 < len(wanted) < len(everything)
    _, printed, _ = here(url, "fetch", RUN.run_id, "--include", "all", "--only", mark, "--format", "jsonl")
    assert records(printed) == wanted
    _, table, _ = here(url, "fetch", RUN.run_id, "--only", mark, "--format", "table")
    assert sum(bool(re.match(r"  \S", line)) for line in table.splitlines()) == len(wanted) + 1
    every = [line for line in everything if line["field_index"] is not None]
    assert f"shown: {len(wanted)} of {len(every)} fields, cross-class ones included (--only {mark})" in table
    fields = [line for line in everything if line["file_index"] is not None and line["field_index"] is not None]
    assert f"{len(fields)} fields" in table


def test_hostile_values_are_harmless(tmp_path: Path) -> None:
    """Whatever a server puts into a text, a terminal gets only our own colours, and one line for each field.

    Notes that do not fit stand below, in a few lines.
    """

    def change(page: dict[str, Any]) -> None:
        fields = [
            {
                "field_name": name,
                "value": text,
                "type": text,
                "error_msg": text if name != "markup" else "",
                "validations": {"valid": False, "alerts": [{"msg": text}]},
            }
            for name, text in HOSTILE.items()
        ]
        page["files"] = [
            {"original_file_name": text, "documents": [{"class_name": text, "fields": fields}]}
            for text in HOSTILE.values()
        ]
        page["message"] = HOSTILE["escape"] + HOSTILE["rtl"]
        page["case_info"] = {}

    with serve(Odd(SyntheticRun(files=8), change)) as served:
        _, table = on_terminal(served.url, "fetch", "synthetic-0", "--include", "all")
        _, lines = on_terminal(served.url, "fetch", "synthetic-0", "--format", "jsonl")
        _, status = on_terminal(served.url, "status", "synthetic-0")
        _, status_json = on_terminal(served.url, "status", "synthetic-0", "--json")
    for seen in (table, lines, status, status_json):
        bare = re.sub(r"\x1b\[[0-9;]*m|\r\n", "", seen)
        assert all(character.isprintable() for character in bare)
    shown = plain(table)
    notes = [line for line in shown if line.startswith(" " * 6)]
    assert len(shown) - len(notes) == 1 + 8 * 9 + 6
    assert len(notes) <= 8 * 8 * 12
    assert max(len(line) for line in shown) < 1000
    assert max(cell_len(line) for line in shown if not line.startswith("breaches: ")) <= 100
    assert any("[red]not red[/] :smile:" in line for line in shown)
    assert [line["value"] for line in records(lines.replace("\r\n", "\n"))] == [*HOSTILE.values()] * 8
    assert len(plain(status)) == 9


def test_a_failure_on_the_way_says_how_to_resume(serve_runs: Serve, here: Here) -> None:
    """The lines before a failure and those of the resumed fetch are together the whole run, each line once."""
    whole = here(serve_runs(RUN), "fetch", RUN.run_id)[1]
    with serve(Refusing(403, offset=8)) as served:
        code, before, err = here(served.url, "fetch", RUN.run_id)
    assert code == 3
    assert "resume with --start 8" in err
    assert "offset 8" in err
    assert before + here(serve_runs(RUN), "fetch", RUN.run_id, "--start", "8")[1] == whole


def test_a_failure_at_the_beginning_does_not_mention_resuming(here: Here) -> None:
    """Where nothing was written there is nothing to resume."""
    with serve(Refusing(403)) as served:
        assert "--start" not in here(served.url, "fetch", RUN.run_id)[2]


def test_an_interruption_says_how_to_resume() -> None:
    """Ctrl-C ends a fetch with exit code 130 and one line."""
    server = Gated()
    with serve(server) as served, process(served.url, "fetch", RUN.run_id) as started:
        assert server.reached.wait(120)
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=120)
    assert started.returncode == 130
    assert {line["file_index"] for line in records(out.decode())} == {None, 0, 1, 2, 3}
    assert err.decode() == "run-results: error: interrupted. Everything before is written; resume with --start 4\n"


def test_a_page_is_written_before_the_next_one_is_there() -> None:
    """A fetch streams: a reader sees a page while the server still works on the next."""
    server = Gated()
    with serve(server) as served, process(served.url, "fetch", RUN.run_id) as started:
        assert started.stdout is not None
        first = started.stdout.readline()
        assert json.loads(first)["run_id"] == RUN.run_id
        assert not server.gate.is_set()
        server.gate.set()
        rest = started.stdout.read()
    assert records(rest.decode())[-1]["file_index"] == 9


def test_a_reader_that_stops_gives_no_message(serve_runs: Serve) -> None:
    """When `head` closes the pipe there is no message and no traceback, in both formats."""
    url = serve_runs(SyntheticRun(seed=2, files=400), page_size=20)
    for form in ("jsonl", "table"):
        with process(url, "fetch", "synthetic-2", "--format", form) as started:
            assert started.stdout is not None
            assert started.stderr is not None
            started.stdout.readline()
            started.stdout.close()
            assert started.stderr.read() == b""
            assert started.wait(120) == 141


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
def test_memory_does_not_grow_with_the_run(serve_runs: Serve) -> None:
    """Eight times the run takes no more memory."""
    # Not what wait4 tells: that begins with the size of the process that forked.
    script = (
        "import sys; from run_results.cli.commands import run; assert run(sys.argv[1:]) == 0\n"
        "peak = next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(peak, file=sys.stderr)"
    )

    def peak(files: int) -> int:
        made = SyntheticRun(files=files, documents_per_file=1, fields_per_document=20)
        url = serve_runs(made, page_size=50)
        done = subprocess.run(
            [sys.executable, "-c", script, "fetch", made.run_id],
            env=environment(url),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return int(done.stderr)

    assert peak(1600) - peak(200) < 8 * 1024


def test_the_progress_is_for_people_who_write_to_a_file(serve_runs: Serve, tmp_path: Path) -> None:
    """Progress is shown on a terminal's stderr while stdout goes to a file, and never beside a pipe."""
    url = serve_runs(RUN)
    with (tmp_path / "out.jsonl").open("wb") as file:
        code, seen = on_terminal(url, "fetch", RUN.run_id, stdout=file)
    assert code == 0
    assert re.search(r"10 files in all, [\d,]+ files/s, \d+ rows", seen)
    assert len(records((tmp_path / "out.jsonl").read_text())) > 50
    assert on_terminal(url, "fetch", RUN.run_id, "--start", "5", stdout=subprocess.PIPE) == (0, "")


# status -------------------------------------------------------------------------------------------------------


def test_status_shows_the_state_of_a_run(serve_runs: Serve, here: Here) -> None:
    """Each fact about the run has a line, with times in UTC."""
    code, out, err = here(serve_runs(RUN), "status", RUN.run_id)
    assert (code, err) == (0, "")
    facts = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert facts["run"] == RUN.run_id
    assert facts["status"] == "COMPLETE"
    assert facts["started"].endswith("+00:00")
    assert facts["files"] == "at least 7"
    assert facts["drift"] == "none"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("RUNNING", "still working"),
        ("PAUSED", "paused"),
        ("STOPPED_AT_CHECKPOINT", "waiting for review"),
        ("COMPLETE", "finished"),
        ("CANCELLED", "finished"),
        ("SLEEPING", "still working"),
    ],
)
def test_status_says_whether_a_run_continues_by_itself(here: Here, status: str, state: str) -> None:
    """The line `state` has one plain word for each status; a status that the contract does not name may still work."""
    with serve(Odd(RUN, lambda page: page.update(status=status))) as served:
        _, out, _ = here(served.url, "status", RUN.run_id)
    facts = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert (facts["status"], facts["state"]) == (status, state)


def test_status_for_programs(serve_runs: Serve, here: Here) -> None:
    """--json gives one object with exact nanoseconds."""
    code, out, _ = here(serve_runs(SyntheticRun(files=3, status="RUNNING")), "status", "synthetic-0", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["start_timestamp"] == SyntheticRun(files=3, status="RUNNING").header["start_timestamp"]
    assert (facts["finished"], facts["settled"], facts["finish_timestamp"], facts["unset"]) == (False, False, None, [])
    assert (facts["files_on_first_page"], facts["has_more"], facts["drift"]) == (3, False, [])


def test_status_can_wait_until_the_run_has_settled(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """--wait polls until the run has settled; a run that has not settled in time gives exit code 1."""
    monkeypatch.setattr("run_results.http.sender.time.sleep", lambda seconds: None)
    with serve(ReferenceServer(MemoryStore([UnfinishedRun(SyntheticRun(files=2), by_polls(2))]), SECRET)) as served:
        code, out, _ = here(served.url, "status", "synthetic-0", "--wait")
        assert code == 0
        assert "COMPLETE" in out
    endless = SyntheticRun(files=2, status="RUNNING")
    with serve(ReferenceServer(MemoryStore([endless]), SECRET)) as served:
        code, out, err = here(served.url, "status", "--wait=0", "synthetic-0")
    assert (code, out) == (1, "")
    assert "still RUNNING after 0 s" in err
    assert "run-results fetch" in err


# names --------------------------------------------------------------------------------------------------------


def test_names_are_sanitized_and_guessed(here: Here) -> None:
    """Each name given makes one line."""
    assert here("", "names", "sanitize", "due date", "secret_id", "Straße") == (0, "due_date\nsecret__id\nStraße\n", "")
    assert here("", "names", "sanitize", "--ascii", "Straße") == (0, "Stra_e\n", "")
    assert here("", "names", "guess", "secret__id", "_3rd_category") == (0, "secret_id\n3rd category\n", "")
    code, out, err = here("", "names", "guess", "a", "not a name\x1b[2J", "b")
    assert (code, out) == (2, "a\n")
    assert err == "run-results: error: 'not a name\\x1b[2J' is not a name that the service can give\n"


def test_names_come_from_standard_input() -> None:
    """Without arguments each line of standard input is a name, with blanks at its ends."""

    def given(lines: bytes) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run([COMMAND, "names", "sanitize"], input=lines, capture_output=True, env=environment(""))

    done = given("\ufeffdue date \r\n\n# of items\nlast".encode())
    assert (done.returncode, done.stdout) == (0, b"due_date_\n_\n__of_items\nlast\n")
    done = given(b"fine\n\xff\n")
    assert (done.returncode, done.stdout) == (2, b"fine\n")
    assert done.stderr == b"run-results: error: line 2 of standard input is not UTF-8\n"


def test_nobody_waits_for_names_typed_by_hand(serve_runs: Serve) -> None:
    """On a terminal names are arguments: the command says so instead of waiting for input."""
    code, seen = on_terminal("", "names", "sanitize")
    assert code == 2
    assert "give names as arguments" in seen


def test_collisions_are_listed_before_a_run_is_started(here: Here, tmp_path: Path) -> None:
    """`names check` exits with 1 and a line for each collision, or with 0 when there is none."""
    file = tmp_path / "names.json"
    file.write_text(json.dumps({"W-2": ["due date", "due-date", "x"], "Receipt": ["due/date"]}))
    assert here("", "names", "check", str(file)) == (1, "class 'W-2': 'due date', 'due-date' become due_date\n", "")
    file.write_text(json.dumps({"W-2": ["due date"], "Receipt": ["due/date"]}))
    assert here("", "names", "check", str(file)) == (0, "no collisions among 2 names\n", "")
    file.write_text(
        json.dumps({"": ["Total", "due\u00a0date"], "A": ["TOTAL", "\ufb01rst", "first", " x", "a\u200bb\x1b"]})
    )
    assert here("", "names", "check", str(file)) == (
        1,
        "'due<U+00A0>date' has characters that nobody sees, or that look like a space\n"
        "class 'A': 'TOTAL', 'Total' differ only in case: many engines make one column of them\n"
        "class 'A': '\ufb01rst', 'first' differ only in Unicode form or case: many engines make one column of them\n"
        "class 'A': ' x' has a blank at its beginning or end, or two in a row\n"
        "class 'A': 'a<U+200B>b<U+001B>' has characters that nobody sees, or that look like a space\n",
        "",
    )
    for empty in ("[]", '{"A": []}'):
        file.write_text(empty)
        code, out, err = here("", "names", "check", str(file))
        assert (code, err) == (1, "")
        assert out.startswith("no names in ")
    code, out, err = here("", "names", "check", str(tmp_path / "none.txt"))
    assert (code, out) == (2, "")
    assert "No such file" in err


# export -------------------------------------------------------------------------------------------------------


def test_a_run_becomes_tables_on_disk(serve_runs: Serve, here: Here, tmp_path: Path) -> None:
    """A run is exported into a folder, or one table into a file; one line sums it up."""
    url = serve_runs(RUN, page_size=4)
    code, out, err = here(url, "export", RUN.run_id, "-o", str(tmp_path / "out"), "--rows-per-part", "1")
    fields = pq.read_table(tmp_path / "out" / "fields")
    failures = sum(fields.column("failed").to_pylist())
    documents = pq.read_table(tmp_path / "out" / "documents").num_rows
    invalid = sum(valid is False for valid in fields.column("valid").to_pylist())
    edited = sum(map(bool, fields.column("edited").to_pylist()))
    marks = f"{failures} failed, {invalid} invalid, {edited} edited"
    summary = f"10 files, {documents} documents, {fields.num_rows} fields ({marks}), 5 cross-class fields"
    assert (code, out, err) == (0, f"{RUN.run_id}: {summary} -> {tmp_path / 'out'}\n", "")
    assert len(list((tmp_path / "out" / "fields").iterdir())) == 3
    names = tmp_path / "names.json"
    names.write_text(json.dumps(RUN.project_names()))
    wide = ["--wide", "--class", "W-2", "--scores", "--names", str(names), "--decimal", "point"]
    assert here(url, "export", RUN.run_id, "-o", str(tmp_path / "w2.csv"), *wide)[0] == 0
    code, _, err = here(url, "export", RUN.run_id, "-o", str(tmp_path / "no.csv"), "--wide", "--class", "Nonesuch")
    assert code == 0
    assert "no document has the class 'Nonesuch': the table is empty; the documents have '" in err
    assert "'W-2'" in err
    titles = (tmp_path / "w2.csv").read_text("utf-8").splitlines()[0]
    for title in ("employee's SSN", "employee's SSN model_confidence", "1 wages, tips, other number"):
        assert f'"{title}"' in titles


def test_an_export_can_be_resumed(serve_runs: Serve, here: Here, tmp_path: Path) -> None:
    """--resume continues an export, also after a failure; without it an export that is there is an error."""
    place = str(tmp_path / "out")
    with serve(Refusing(403, offset=8)) as served:
        code, out, err = here(served.url, "export", RUN.run_id, "-o", place)
    assert (code, out) == (3, "")
    assert err.endswith("Everything before is written; continue with --resume\n")
    assert "--start" not in err
    url = serve_runs(RUN)
    code, out, err = here(url, "export", RUN.run_id, "-o", place)
    assert (code, out) == (2, "")
    assert "there is an export at" in err
    assert "Continue it with --resume" in err
    code, out, _ = here(url, "export", RUN.run_id, "-o", place, "--resume")
    assert code == 0
    assert out.startswith(f"{RUN.run_id}: 10 files (8 of them before), ")
    assert pq.read_table(tmp_path / "out" / "files").num_rows == 10
    code, _, err = here(url, "export", RUN.run_id, "-o", place, "--resume", "--include", "none")
    assert code == 1
    assert "other options: include was all and is none " in err
    assert "Replace it with --overwrite, or choose another place" in err
    code, out, _ = here(url, "export", RUN.run_id, "-o", place, "--overwrite", "--include", "none")
    assert code == 0
    assert out.startswith(f"{RUN.run_id}: 10 files, ")
    assert pq.read_table(tmp_path / "out" / "fields")["model_confidence"].null_count > 50
    again = here(url, "export", RUN.run_id, "-o", place, "--resume", "--include", "none")[1]
    assert again == out.replace("10 files,", "10 files (10 of them before),"), "the numbers are of the whole export"


def test_an_export_of_a_run_that_changes_says_how_to_continue(serve_runs: Serve, here: Here, tmp_path: Path) -> None:
    """The advice names only options that work; a run that is not finished gives a warning."""
    place = str(tmp_path / "out.csv")

    def change(page: dict[str, Any]) -> None:
        page["status"] = next(states)

    states = iter(["RUNNING", "COMPLETE", *["COMPLETE"] * 20])
    with serve(Odd(RUN, change, page_size=4)) as served:
        code, _, err = here(served.url, "export", RUN.run_id, "-o", place)
        assert code == 5
        assert "continue with --resume --on-change warn, or export the run anew with --overwrite" in err
        code, _, err = here(served.url, "export", RUN.run_id, "-o", place, "--resume")
        assert code == 1
        assert err.endswith("Replace it with --overwrite, or choose another place\n")
        assert here(served.url, "export", RUN.run_id, "-o", place, "--resume", "--on-change", "warn")[0] == 0
    with serve(Odd(RUN, lambda page: page.update(status="RUNNING"))) as served:
        code, _, err = here(served.url, "export", RUN.run_id, "-o", str(tmp_path / "early"))
    assert code == 0
    assert "warning: " in err
    assert "the run is not finished (RUNNING): it may get more files than these" in err


def test_several_runs_are_exported_at_once(serve_runs: Serve, here: Here, tmp_path: Path) -> None:
    """Each run has a folder of its own with a name that is safe; one that fails does not stop the others."""
    runs = [
        SyntheticRun(seed=seed, files=5, run_id=name) for seed, name in enumerate(["a.csv", "b c", "..d", "x" * 300])
    ]
    file = tmp_path / "runs.txt"
    file.write_text("# mine\n  ..d \t\nno-such-run\n\n" + "x" * 300 + "\na.csv\n", "utf-8-sig")
    arguments = ["a.csv", "b c", "--runs-file", str(file), "--jobs", "3", "-o", str(tmp_path / "out")]
    url = serve_runs(*runs)
    code, out, err = here(url, "export", *arguments)
    assert code == 3
    lines = out.splitlines()
    assert [line.partition(":")[0] for line in lines[:4]] == ["a.csv", "b c", "..d", "x" * 300]
    assert lines[4].startswith("4 of 5 runs, 20 files, ")
    assert lines[4].endswith("; 1 not exported")
    assert err == (
        "run-results: error: status 404: 'Run not found' (run 'no-such-run', offset 0,"
        f" {url}/v2/apps/runs/no-such-run/results, no context)."
        " Check the run id, the context (RUN_RESULTS_CONTEXT or --context) and the base URL"
        " (RUN_RESULTS_BASE_URL or --base-url)\n"
    )
    folders = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(folders) == 4
    assert "a.csv" in folders
    for folder in folders:
        assert (tmp_path / "out" / folder / "_SUCCESS").exists()


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_an_export_can_go_to_standard_output(serve_runs: Serve, here: Here, tmp_path: Path, format: str) -> None:
    """`-o -` writes to standard output what a file of the format would hold, and nothing else."""
    url = serve_runs(RUN, page_size=4)
    names = tmp_path / "names.json"
    names.write_text(json.dumps(RUN.project_names()))
    wide = ["--wide", "--class", "W-2"]
    for number, more in enumerate((["--tables", "documents"], [*wide, "--names", str(names)])):
        path = tmp_path / f"{number}.{format}"
        assert here(url, "export", RUN.run_id, "-o", str(path), *more)[0] == 0
        code, out, err = here(url, "export", RUN.run_id, "-o", "-", "--format", format, *more)
        assert (code, err) == (0, "")
        assert out == path.read_text("utf-8")
    assert not Path("-").exists()
    code, _, err = here(url, "export", RUN.run_id, "-o", "-", "--format", format, *wide)
    assert (code, "--names and --class" in err) == (2, True)


def test_an_export_to_standard_output_warns_as_one_to_a_file(here: Here) -> None:
    """What a file's export warns of goes to stderr, and a failure on the way gives its exit code."""

    def change(page: dict[str, Any]) -> None:
        drifting(page)
        page["status"] = "RUNNING"
        page["files"][0] = {"documents": [{"fields": [{"field_name": "a", "value": "=1+1"}]}]}

    with serve(Odd(SyntheticRun(seed=1, files=3), change)) as served:
        code, out, err = here(served.url, "export", "synthetic-1", "-o", "-", "--format", "csv")
    assert code == 0
    assert '"\'=1+1"' in out
    for warning in ("is not finished (RUNNING)", "got an apostrophe: 1;", "the server broke the contract in"):
        assert warning in err
    with serve(Refusing(403, offset=8)) as served:
        code, out, err = here(served.url, "export", RUN.run_id, "-o", "-", "--format", "jsonl")
    assert code == 3
    assert "status 403" in err
    assert "--resume" not in err


def test_a_report_can_go_to_standard_output(serve_runs: Serve, here: Here, tmp_path: Path) -> None:
    """`report -o -` writes the whole report to standard output, or nothing, and the summary to stderr."""
    url = serve_runs(RUN, page_size=4)
    code, out, err = here(url, "report", RUN.run_id, "-o", "-")
    assert code == 0
    assert out.startswith("<!doctype html>")
    assert out.rstrip().endswith("</html>")
    assert err.startswith("-: 10 files, ")
    with serve(Refusing(403, offset=8)) as served:
        code, out, _ = here(served.url, "report", RUN.run_id, "-o", "-")
    assert (code, out) == (3, "")
    place = tmp_path / "new" / "folder" / "report.html"
    assert here(url, "report", RUN.run_id, "-o", str(place))[0] == 0
    assert place.exists()
    with serve(Refusing(403, offset=8)) as served:
        assert here(served.url, "report", RUN.run_id, "-o", str(tmp_path / "other" / "report.html"))[0] == 3
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("command", ["status", "fetch", "export"])
def test_a_terminal_shows_that_there_will_be_another_attempt(
    here: Here, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is refused is not retried in silence: each wait is a line with the address and the reason."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        where = ["-o", str(tmp_path / "out")] if command == "export" else []
        code, seen = on_terminal(url, command, "r", *where, columns=300, command=NO_WAITS)
        monkeypatch.setattr("time.sleep", lambda _: None)
        _, _, silent = here(url, command, "r", *where)
    assert code == 4
    notices = [line for line in plain(seen) if "trying again in" in line]
    assert len(notices) == 4
    assert all(f"{url}/v2/apps/runs/r/results" in line and "refused" in line for line in notices)
    assert "trying again" not in silent, "a log file gets the error alone"
    assert silent.count(url) == 1


def test_an_export_shows_how_it_goes(serve_runs: Serve, tmp_path: Path) -> None:
    """A terminal shows files, fields, rate and failures during an export, and the summary at the end."""
    url = serve_runs(SyntheticRun(seed=1, files=400), SyntheticRun(seed=2, files=4), page_size=10)
    code, seen = on_terminal(url, "export", "synthetic-1", "-o", str(tmp_path / "out"), "--rows-per-part", "1")
    assert code == 0
    assert re.search(r"\d+ files so far \(total unknown\), [\d,]+ fields/s, [\d,]+ fields \(\d+ failed\)", seen)
    result, written, following = plain(seen)[-3:]
    assert result.split("synthetic-1: ")[1].startswith("400 files, ")
    assert written.startswith(f"run-results: written: {tmp_path}/out/fields/, {tmp_path}/out/documents/, ")
    assert following == "run-results: next: run-results fetch synthetic-1 --only failed  # the fields that failed"
    code, seen = on_terminal(url, "export", "synthetic-2", "-o", str(tmp_path / "quiet"), "-q")
    assert (code, len(plain(seen))) == (0, 1)


def test_an_interrupted_export_can_be_resumed(tmp_path: Path, serve_runs: Serve, here: Here) -> None:
    """Ctrl-C keeps the files so far and says how to continue."""
    server = Gated()
    with serve(server) as served:
        with process(served.url, "export", RUN.run_id, "-o", str(tmp_path / "out")) as started:
            assert server.reached.wait(120)
            started.send_signal(signal.SIGINT)
            _, err = started.communicate(timeout=120)
        server.gate.set()
        assert started.returncode == 130
        assert err.decode() == "run-results: error: interrupted. What is written stays; continue with --resume\n"
        # The pages that had come are a part, although they are few.
        assert [path.name for path in (tmp_path / "out" / "fields").glob("part-*")] != []
        code, out, _ = here(served.url, "export", RUN.run_id, "-o", str(tmp_path / "out"), "--resume")
    assert code == 0
    assert re.search(r"10 files \([1-9] of them before\)", out)


def test_an_export_that_is_interrupted_again_and_again_ends_cleanly(tmp_path: Path, here: Here) -> None:
    """However often Ctrl-C comes, the pages that came are kept, there is one line, and the exit code is 130."""
    server = Gated()
    with serve(server) as served:
        with process(served.url, "export", RUN.run_id, "-o", str(tmp_path / "out")) as started:
            assert server.reached.wait(120)
            while started.poll() is None:
                started.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    started.wait(0.005)
            _, err = started.communicate(timeout=120)
        server.gate.set()
        assert started.returncode == 130
        assert err.decode() == "run-results: error: interrupted. What is written stays; continue with --resume\n"
        code, out, _ = here(served.url, "export", RUN.run_id, "-o", str(tmp_path / "out"), "--resume")
    assert code == 0
    assert re.search(r"10 files \([1-9] of them before\)", out)


def test_a_run_that_fails_keeps_little_memory(here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is kept of each of many runs that fail is a message, and no page or traceback."""
    seen: list[Jobs] = []
    real = Jobs.report
    monkeypatch.setattr(Jobs, "report", lambda self, **options: seen.append(self) or real(self, **options))
    with serve(Refusing(403, offset=8)) as served:
        code, _, err = here(served.url, "export", "no-such", RUN.run_id, "-o", str(tmp_path / "out"))
    assert code == 3
    assert err.count("\n") == 2
    for error in seen[0].failures.values():
        assert error.__traceback__ is error.__cause__ is error.__context__ is None


FAILING = """
import gc, sys, tracemalloc
from pathlib import Path
from run_results.cli.commands import run
from run_results.cli.commands import group
from run_results.cli.jobs import Jobs

seen, report = [], Jobs.report

def measured(jobs, **options):
    gc.collect()
    seen.append(tracemalloc.get_traced_memory()[0])
    return report(jobs, **options)

Jobs.report = measured
tracemalloc.start()
for number in (10, 10, 30):  # once for what is kept in any case
    Path("runs.txt").write_text("".join(f"no-such-{i}\\n" for i in range(number)))
    assert run(["export", "--runs-file", "runs.txt", "-o", "out"]) == 3
print((seen[2] - seen[1]) / 20)
"""


def test_many_runs_that_fail_keep_little_memory(tmp_path: Path) -> None:
    """Each takes less than 4 KB until the end; with its traceback it took 13, and more after some pages."""
    with serve(Refusing(403)) as served:
        done = subprocess.run(
            [sys.executable, "-c", FAILING],
            env=environment(served.url),
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=True,
        )
    assert done.stderr.count("\n") == 50
    assert float(done.stdout.splitlines()[-1]) < 4096


def test_formulas_and_drift_give_warnings(here: Here, tmp_path: Path) -> None:
    """After the export there is a warning for cells changed for spreadsheets, and one for drift."""

    def change(page: dict[str, Any]) -> None:
        drifting(page)
        page["files"][0] = {"documents": [{"fields": [{"field_name": "a", "value": "=1+1"}]}]}

    with serve(Odd(SyntheticRun(seed=1, files=3), change)) as served:
        code, _, err = here(served.url, "export", "synthetic-1", "-o", str(tmp_path / "out.csv"))
        assert code == 0
        assert "could be formulas got an apostrophe: 1; the column 'guarded' names them. With --no-guard they" in err
        schemas = load_contract().document["components"]["schemas"]
        parts = [part for name in ("Document", "Field") for part in schemas[name]["properties"].values()]
        missing = sum("x-include" in part and part.get("x-include-guaranteed", True) for part in parts)
        assert missing >= 10
        assert f"the server broke the contract in {missing + 1} places, first $.batch_id" in err
        assert (
            here(served.url, "export", "synthetic-1", "-o", str(tmp_path / "raw.csv"), "--no-guard")[2].count("\n") == 1
        )
        assert here(served.url, "--strict", "export", "synthetic-1", "-o", str(tmp_path / "strict"))[0] == 5


def test_a_bug_in_an_export_does_not_look_like_a_no(
    serve_runs: Serve, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error on another thread gives exit code 70."""

    def stumble(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("run_results.export.parts.open_writer", stumble)
    assert here(serve_runs(RUN), "export", RUN.run_id, "-o", str(tmp_path / "out"))[0] == 70


# Exit codes, errors, secrets ----------------------------------------------------------------------------------

MISTAKES = {
    "no command": ([], "Usage: "),
    "no such command": (["fetsch"], "No such command 'fetsch'. Did you mean 'fetch'? Try 'run-results --help'"),
    "no run": (["fetch"], "Missing argument 'RUN_ID...'"),
    "nearly an option": (["report", "r", "--pages"], "'--open'?) Try"),
    "a token as argument": (["fetch", "r", f"--token={SECRET}"], "No such option '--token'"),
    "an unknown flag": (["fetch", "r", "--include", "everything"], "no include flag is called 'everything'"),
    "a run id that is a path": (["status", "a/b"], "holds a slash"),
    "plain http": (["status", "r", "--base-url", "http://example.com"], "Use https, or --allow-insecure"),
    "a base URL with a password": (
        ["status", "r", "--base-url", f"https://me:{SECRET}@x.org"],
        "(RUN_RESULTS_BASE_URL or --base-url)",
    ),
    "no time": (["status", "r", "--timeout", "0"], "Invalid value for '--timeout': 0.0 is not in the range 0<x"),
    "a time that is no number": (["status", "r", "--timeout", "nan"], "Invalid value for '--timeout'"),
    "a context with a line break": (["--context", "a\nb", "status", "r"], "(RUN_RESULTS_CONTEXT or --context)"),
    "no token file": (["--token-file", "/none", "status", "r"], "cannot read the token file '/none': No such file"),
    "no names file": (["fetch", "r", "--names", "/none"], "No such file or directory. Write the project's field names"),
    "wait with a word behind it": (["status", "--wait", "r"], "put --wait behind RUN_ID"),
    "no output": (["export", "r"], "Missing option '-o'"),
    "no runs": (["export", "-o", "x"], "give run ids as arguments"),
    "a run id with a slash": (["export", "../r", "-o", "x"], "holds a slash"),
    "no runs file": (["export", "-o", "x", "--runs-file", "/none"], "No such file"),
    "a table that there is not": (["export", "r", "-o", "x", "--tables", "pages"], "no table called 'pages'"),
    "resume and overwrite": (["export", "r", "-o", "x", "--resume", "--overwrite"], "(--overwrite)"),
    "tables and wide": (["export", "r", "-o", "x", "--tables", "files", "--wide"], "(--wide)"),
    "a mark that there is not": (["fetch", "r", "--only", "failed,bad"], "'bad' is not one of failed, unsure"),
    "JSON and a table": (["fetch", "r", "--json", "--format", "table"], "--json prints JSON Lines"),
    "JSON and a stream": (["export", "r", "-o", "-", "--format", "csv", "--json"], "--json goes with files"),
    "a class and no wide view": (["export", "r", "-o", "x", "--class", "A"], "go with --wide"),
    "no format for standard output": (["export", "r", "-o", "-"], "--format csv or jsonl"),
    "a file for standard output": (["export", "r", "-o", "-", "--format", "parquet"], "--format csv or jsonl"),
    "two tables for standard output": (
        ["export", "r", "-o", "-", "--format", "csv", "--tables", "files,fields"],
        "does not take several tables",
    ),
    "two runs for standard output": (["export", "r", "s", "-o", "-", "--format", "csv"], "takes one run"),
    "an address for an export": (["export", "r", "-o", "s3://bucket/out"], "is an address"),
    "an address for a report": (["report", "r", "-o", "s3://bucket/out.html"], "is an address"),
    "a folder for a report": (["report", "r", "-o", "."], "cannot write the report '.': it is a folder"),
    "a suffix of no format": (["export", "r", "-o", "out.xlsx"], "there are .parquet, .csv"),
    "several runs and one file": (["export", "r", "s", "-o", "x.csv"], "several runs need a folder"),
    "a folder that cannot be": (["export", "r", "-o", "/dev/null/x"], "cannot make the folder '/dev/null/x'"),
    "a negative start": (["fetch", "r", "--start", "-1"], "-1 is not in the range"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(here: Here, mistake: str) -> None:
    """A user's mistake gives one line, with the names of the command line's options, and no traceback."""
    arguments, expected = MISTAKES[mistake]
    code, out, err = here("http://127.0.0.1:1", *arguments)
    assert (code, out) == (2, "")
    assert expected in err
    assert SECRET not in err
    if arguments:
        assert err.startswith("run-results: error: ")
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("status", "code"), [(400, 3), (401, 3), (403, 3), (404, 3), (302, 3), (418, 3), (501, 4), (505, 4)]
)
def test_a_refusal_and_a_failure_have_their_own_codes(here: Here, status: int, code: int) -> None:
    """3 where asking again does not help, 4 where it may; no output shows the token, even if the server echoes it."""
    with serve(Refusing(status)) as served:
        for command in (["fetch", RUN.run_id], ["status", RUN.run_id], ["-v", "fetch", RUN.run_id]):
            found, out, err = here(served.url, *command)
            assert (found, out) == (code, "")
            assert f"status {status}" in err
            assert ("`run-results config show` says where the token is read" in err) == (status == 401)
            assert SECRET not in err
            assert "\x1b" not in err


def test_no_answer_is_code_4(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is not there, or stays too busy, is tried again and then given up."""
    waits: list[float] = []
    monkeypatch.setattr("run_results.http.sender.Sender.sleep", lambda _, seconds: waits.append(seconds))
    code, out, err = here("http://127.0.0.1:1", "-v", "status", "r")
    assert (code, out, len(waits)) == (4, "", 4)
    assert err.count("run-results: info: offset 0: attempt") == 4
    assert "Check the base URL" in err
    waits.clear()
    with serve(Refusing(429)) as served:
        assert here(served.url, "--patience", "0", "status", RUN.run_id)[0] == 4
        assert waits == []
        code, _, err = here(served.url, "status", RUN.run_id, "--patience", "9")
        assert (code, 0 < sum(waits) <= 9) == (4, True)
        assert "give --patience more seconds" in err


def drifting(page: dict[str, Any]) -> None:
    """Break the contract in a place that paging does not depend on."""
    page["batch_id"] = 7


def test_drift_is_a_warning_and_with_strict_an_error(here: Here) -> None:
    """Drift gives a warning after the data; --strict makes it an error with exit code 5."""
    with serve(Odd(RUN, drifting, page_size=5)) as served:
        code, out, err = here(served.url, "fetch", RUN.run_id)
        assert (code, len(records(out)) > 50) == (0, True)
        warning = "the server broke the contract in 2 places, first $.batch_id: "
        assert err.startswith(f"run-results: warning: {RUN.run_id}: {warning}")
        _, out, err = here(served.url, "fetch", RUN.run_id, "--format", "table")
        assert out.splitlines()[-1].startswith("breaches: 2 places where the server broke the contract, first $.batch")
        assert err == ""
        _, _, err = here(served.url, "fetch", RUN.run_id, "-v")
        assert err.count("run-results: warning: run synthetic-1, offset") == 1, "each kind of place once"
        assert "$.batch_id" in here(served.url, "status", RUN.run_id)[1]
        code, out, err = here(served.url, "--strict", "fetch", RUN.run_id)
        assert (code, out) == (5, "")
        assert "$.batch_id" in err


def test_a_broken_contract_is_code_5(here: Here) -> None:
    """A server that says has_more and gives no files is an error, not an endless loop."""
    with serve(Odd(RUN, lambda page: page.update(files=[], has_more=True))) as served:
        code, _, err = here(served.url, "fetch", RUN.run_id)
    assert code == 5
    assert "has_more and has no files" in err


def test_a_run_that_changes_can_be_fetched(here: Here) -> None:
    """A change between two pages is an error unless --on-change warn says otherwise."""
    states = iter(["RUNNING", "COMPLETE", "COMPLETE"] * 2)
    with serve(Odd(RUN, lambda page: page.update(status=next(states)), page_size=4)) as served:
        code, _, err = here(served.url, "fetch", RUN.run_id)
        assert code == 5
        assert "--on-change warn" in err
        next(states)
        code, out, _ = here(served.url, "fetch", RUN.run_id, "--on-change", "warn")
    assert code == 0
    assert records(out)[-1]["file_index"] == 9


def test_a_run_that_has_a_file_twice_can_be_fetched(here: Here, tmp_path: Path) -> None:
    """A file that comes again is an error that names --on-repeat keep, with which it is fetched and exported."""
    twice = Odd(RUN, lambda page: page["files"][0].update(input_file_path="the/same.pdf"), page_size=4)
    with serve(twice) as served:
        code, _, err = here(served.url, "fetch", RUN.run_id)
        assert code == 5
        assert "--on-repeat keep" in err
        code, out, _ = here(served.url, "fetch", RUN.run_id, "--on-repeat", "keep")
        assert code == 0
        assert records(out)[-1]["file_index"] == 9
        for command, place in (("export", tmp_path / "files.csv"), ("report", tmp_path / "report.html")):
            assert here(served.url, command, RUN.run_id, "-o", str(place), "--on-repeat", "keep")[0] == 0
            assert place.exists()


def test_options_stand_before_or_after_the_command(serve_runs: Serve, here: Here, tmp_path: Path) -> None:
    """Where both are given, the one after the command counts."""
    url = serve_runs(RUN)
    code, _, _ = here("http://127.0.0.1:1", "--base-url", "http://127.0.0.1:2", "status", RUN.run_id, "--base-url", url)
    assert code == 0


def test_the_token_can_come_from_a_file(serve_runs: Serve, here: Here, tmp_path: Path) -> None:
    """The file takes precedence over the environment; a token that cannot be sent is not shown."""
    url = serve_runs(RUN)
    file = tmp_path / "token"
    file.write_text(SECRET + "\n")
    assert here(url, "--token-file", str(file), "status", RUN.run_id)[0] == 0
    file.write_text("wrong")
    assert here(url, "--token-file", str(file), "status", RUN.run_id)[0] == 3
    for bad in (f"Bearer {SECRET}", f"{SECRET} ", f"{SECRET}\nmore", "", f"{SECRET}\xff"):
        file.write_text(bad, encoding="latin-1")
        code, out, err = here(url, "--token-file", str(file), "status", RUN.run_id)
        assert (code, out) == (2, "")
        assert "(RUN_RESULTS_TOKEN or --token-file)" in err
        assert SECRET not in err


@pytest.mark.parametrize("source", ["<(echo {})", "/dev/stdin <<< {}", "/dev/stdin < file"])
def test_the_token_can_come_from_a_pipe(serve_runs: Serve, tmp_path: Path, source: str) -> None:
    """What cannot be read again is read once, and is the token of every request."""
    (tmp_path / "file").write_text(SECRET)
    command = f"{COMMAND} fetch {RUN.run_id} --token-file {source.format(SECRET)}"
    variables = environment(serve_runs(RUN, page_size=4)) | {"RUN_RESULTS_TOKEN": "wrong-token"}
    done = subprocess.run(["bash", "-c", command], env=variables, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert records(done.stdout)[-1]["file_index"] == 9


def test_a_pipe_that_nobody_writes_to_is_not_waited_for_without_end(here: Here, tmp_path: Path) -> None:
    """A named pipe as token file is an error after the time of --timeout."""
    os.mkfifo(tmp_path / "token")
    code, _, err = here("", "status", "r", "--token-file", str(tmp_path / "token"), "--timeout", "0.2")
    assert code == 2
    assert (
        f"nothing came out of the token file '{tmp_path / 'token'}' within 0.2 s. Check what is to write to it" in err
    )
    assert "--timeout" in err


@pytest.mark.parametrize("words", ["context=prod", "pass token=", "base_url=", "on_change='warn'", "{pages()}", "{0}"])
def test_what_a_message_quotes_is_not_rewritten(here: Here, tmp_path: Path, words: str) -> None:
    """Paths, run ids and texts from a server stand in messages unchanged, whatever they contain."""
    place = tmp_path / words
    assert str(place) in here("http://127.0.0.1:1", "fetch", "r", "--names", str(place))[2].replace("\\'", "'")
    assert words in here("http://127.0.0.1:1", "--token-file", str(place), "status", "r")[2].replace("\\'", "'")

    class Echo(ReferenceServer):
        def read_offset(self, request: Request) -> int:
            raise Refusal(403, words)

    with serve(Echo(MemoryStore([RUN]), SECRET)) as served:
        err = here(served.url, "status", f"run {words}")[2].replace("\\'", "'")
    assert f": 'run {words}'" in err or f"(run 'run {words}'" in err or f'(run "run {words}"' in err
    place.mkdir()
    (place / "out.csv").write_text("")
    err = here("http://127.0.0.1:1", "export", "r", "-o", str(place / "out.csv"))[2].replace("\\'", "'")
    assert f"{place / 'out.csv'}" in err


def test_every_setting_in_a_hint_has_a_name_on_the_command_line() -> None:
    """No hint names a Python keyword or method where the command line has an option for it."""
    for name in errors.__all__:
        error = getattr(errors, name)("text")
        assert not re.search(r"[a-z_]+=|\w\(\)", describe(error)), name


def test_a_missing_token_names_the_option_for_it() -> None:
    """Without a token nothing is sent, and the error names the variable and the option."""
    done = subprocess.run(
        [COMMAND, "status", "r"], capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "run-results: error: no token is given (RUN_RESULTS_TOKEN or --token-file)\n"


def test_a_bug_does_not_look_like_a_no(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error gives exit code 70 and one line; -v shows where."""

    def stumble(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("\x1b[2J")

    monkeypatch.setattr("run_results.cli.names.sanitize_name", stumble)
    code, _, err = here("", "names", "sanitize", "x")
    assert (code, err) == (70, "run-results: error: ZeroDivisionError: this is a bug in run-results; -v shows where\n")
    code, _, err = here("", "-v", "names", "sanitize", "x")
    assert code == 70
    assert "stumble" in err
    assert "\x1b" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error(serve_runs: Serve) -> None:
    """Output that cannot be written is an error, never a short file that looks whole."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [COMMAND, "fetch", RUN.run_id], env=environment(serve_runs(RUN)), stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 2
    assert done.stderr == b"run-results: error: input or output failed: No space left on device\n"


STREAMS = {
    "no stderr": ("{} names sanitize x 2>&-", 0, "x\n", ""),
    "no stderr and an error": ("{} names guess 'a b' 2>&-", 2, "", ""),
    "no stdout": ("{} names sanitize x >&-", 2, "", "standard output is closed"),
    "no stdin": ("{} names sanitize x <&-", 0, "x\n", ""),
    "no stdin to read": ("{} names sanitize <&-", 2, "", "standard input is closed"),
    "no stdin for run ids": ("{} export -o x --runs-file - <&-", 2, "", "standard input is closed"),
    "no streams": ("{} names sanitize x <&- >&- 2>&-", 2, "", ""),
    "a full stderr": ("{} names sanitize x 2>/dev/full", 0, "x\n", ""),
    "a full stderr and an error": ("{} -v names guess 'a b' 2>/dev/full", 2, "", ""),
    "a full stderr and a bug": ("{} export r -o x 2>/dev/full", 3, "", ""),
    "a full stdout": ("{} names sanitize x >/dev/full", 2, "", "No space left on device"),
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("state", STREAMS)
def test_streams_that_are_closed_or_full_change_no_result(tmp_path: Path, state: str) -> None:
    """Where a stream is missing, only what needs it fails, with a message where one can be seen, and never a bug."""
    command, code, out, message = STREAMS[state]
    with serve(Refusing(403)) as served:
        done = subprocess.run(
            ["bash", "-c", command.format(COMMAND)],
            env=environment(served.url),
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
    assert (done.returncode, done.stdout) == (code, out)
    assert message in done.stderr
    assert done.stderr.count("\n") == (1 if message else 0)


def test_no_file_gets_the_number_of_a_closed_stream(serve_runs: Serve, tmp_path: Path) -> None:
    """With all of stdin and stderr closed, an export is the same, and nothing that is printed gets into its files."""
    command = f"{COMMAND} -v export {RUN.run_id} -o out.csv <&- 2>&-"
    done = subprocess.run(
        ["bash", "-c", command], env=environment(serve_runs(RUN)), stdout=subprocess.PIPE, cwd=tmp_path, check=True
    )
    assert done.stdout.startswith(f"{RUN.run_id}: 10 files".encode())
    assert (tmp_path / "out.csv").read_bytes().startswith(b'"run_id"')


# JSON, lists, locales -----------------------------------------------------------------------------------------


def test_every_command_answers_in_json(serve_runs: Serve, here: Here, tmp_path: Path) -> None:
    """With --json each command prints objects, one a line, with the facts of its answer for people."""
    url = serve_runs(RUN)
    names = tmp_path / "names.txt"
    names.write_text("due date\ndue-date\n")
    commands: dict[str, list[str]] = {
        "fetch": ["fetch", RUN.run_id],
        "status": ["status", RUN.run_id],
        "export": ["export", RUN.run_id, "no-such-run", "-o", str(tmp_path / "out")],
        "report": ["report", RUN.run_id, "-o", str(tmp_path / "report.html")],
        "sanitize": ["names", "sanitize", "due date", "Größe"],
        "guess": ["names", "guess", "due_date"],
        "check": ["names", "check", str(names)],
    }
    out = {name: records(here(url, *arguments, "--json")[1]) for name, arguments in commands.items()}
    assert out["fetch"] == records(here(url, *commands["fetch"], "--format", "jsonl")[1])
    assert out["status"][0]["status"] == "COMPLETE"
    done, failed = out["export"]
    assert (done["run_id"], done["files"], done["error"]) == (RUN.run_id, 10, None)
    assert done["fields"] == out["report"][0]["fields"] > 50
    assert (failed["run_id"], failed["error"][:10]) == ("no-such-run", "status 404")
    assert out["sanitize"][1] == {"name": "Größe", "api_name": "Größe"}
    assert out["guess"] == [{"name": "due date", "api_name": "due_date"}]
    assert out["check"][0]["findings"][0]["api_name"] == "due_date"


@pytest.mark.parametrize("given", [["--only", "failed,edited"], ["--only", "failed", "--only", "edited"]])
def test_several_values_have_commas_or_options(serve_runs: Serve, here: Here, tmp_path: Path, given: list[str]) -> None:
    """Every option with several values takes them with commas between, and one by one."""
    url = serve_runs(RUN)
    lines = records(here(url, "fetch", RUN.run_id, "--include", "review", *given)[1])
    assert {bool(line["failed"]) for line in lines} == {True, False}
    assert all(line["failed"] or line["edits"] for line in lines)
    for number, more in enumerate((["--tables", "files,fields"], ["--tables", "files", "--tables", "fields"])):
        place = tmp_path / str(number)
        flags = ["--include", "review,source"] if number else ["--include", "review", "--include", "source"]
        assert here(url, "export", RUN.run_id, "-o", str(place), *more, *flags)[0] == 0
        assert {path.name for path in place.iterdir() if path.is_dir()} == {"files", "fields"}
        fields = pq.read_table(place / "fields")
        assert fields["model_confidence"].null_count == len(fields) > fields["source"].null_count


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_texts_are_read_right_in_every_locale(serve_runs: Serve, tmp_path: Path) -> None:
    """Where the locale knows only ASCII, texts are read as UTF-8, paths are their bytes, and the rest is refused."""
    field = {"field_name": "a", "value": "1"}
    run = MemoryRun({"id": "Größe", "status": "COMPLETE"}, [{"documents": [{"class_name": "Élan", "fields": [field]}]}])
    variables = environment(serve_runs(run)) | ASCII

    def run_there(*arguments: "str | bytes") -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run([COMMAND, *arguments], env=variables, capture_output=True, cwd=tmp_path)

    done = run_there("names", "sanitize", "Größe x")
    assert (done.returncode, done.stdout) == (0, "Größe_x\n".encode())
    done = run_there("names", "sanitize", b"Gr\xf6\xdfe")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"is not UTF-8" in done.stderr
    for arguments in (["-o", "wide"], ["-o", "Größe.csv", "--class", "Élan"], ["-o", "one", "--class", "Élan"]):
        done = run_there("export", "Größe", "--wide", "--include", "none", *arguments)
        assert (done.returncode, done.stderr) == (0, b""), arguments
    assert (tmp_path / "Größe.csv").read_text().splitlines()[1].endswith('"1",')
    assert [path.name[:8] for path in (tmp_path / "wide").glob("*.parquet")] == ["class-la"]


def test_the_package_is_the_command() -> None:
    """`python -m run_results` is the command, and `--version` says which one it is."""
    done = subprocess.run([sys.executable, "-m", "run_results", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"run-results {__version__}\n", "")


def commands(command: click.Command = group, *path: str) -> Iterator[list[str]]:
    """The words of each command: of the group itself, and of those in it."""
    yield list(path)
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from commands(each, *path, name)


def test_help_is_whole_at_80_columns(monkeypatch: pytest.MonkeyPatch, here: Here) -> None:
    """No line of any command's help is longer than the terminal, and none is cut."""
    monkeypatch.setenv("COLUMNS", "80")
    found = list(commands())
    assert all(words in found for words in ([], ["runs"], ["sync"], ["config", "show"], ["names", "check"]))
    for words in found:
        code, out, err = here("", *words, "--help")
        assert (code, err) == (0, "")
        assert max(map(len, out.splitlines())) <= 80, words
        assert not [line for line in out.splitlines() if line.endswith("...") and "..." not in line[:-3]][1:], words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("program", ["run-results", "run-results-conformance"])
def test_shells_can_complete_what_is_typed(shell: str, program: str) -> None:
    """Each shell gets its script, with exit code 0, and what is typed is completed."""
    variable = f"_{program.replace('-', '_').upper()}_COMPLETE"
    path = str(Path(COMMAND).with_name(program))

    def complete(instruction: str, **typed: str) -> str:
        done = subprocess.run(
            [path], env=environment("", **{variable: f"{shell}_{instruction}"}, **typed), capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    script = complete("source")
    assert f"{variable}={shell}_complete" in script
    if program == "run-results":
        assert "fetch" in complete("complete", COMP_WORDS="run-results fe", COMP_CWORD="fe" if shell == "fish" else "1")


def test_a_shell_that_is_not_known_is_an_error() -> None:
    """Where a shell is not among those that can complete, the message says which are."""
    variables = environment("", _RUN_RESULTS_COMPLETE="csh_source")
    done = subprocess.run([COMMAND], env=variables, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "_RUN_RESULTS_COMPLETE can be bash_source, zsh_source or fish_source" in done.stderr


# Help and start -----------------------------------------------------------------------------------------------


def test_the_help_lists_exit_codes_and_says_why_there_is_no_token_option(here: Here) -> None:
    """--help has every exit code, and where the token comes from."""
    code, out, _ = here("", "--help")
    assert code == 0
    for word in ("0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "70 ", "130 ", "141 "):
        assert re.search(rf"^ +{word}", out, re.MULTILINE)
    assert "command lines are visible to others" in " ".join(out.split())
    assert "RUN_RESULTS_TOKEN" in out
    assert "--token " not in out
    assert here("", "--version")[1].startswith("run-results 0.")
    for command in (["fetch"], ["status"], ["names"], ["names", "check"]):
        assert here("", *command, "-h")[0] == 0


def test_help_imports_no_http_and_no_drawing() -> None:
    """Help imports neither the HTTP library nor the drawing library, so that it is quick."""
    script = (
        "import sys; from run_results.cli.commands import run; run(['fetch', '--help']);"
        "sys.exit(' '.join({'httpx', 'rich', 'ssl', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr == "\n"

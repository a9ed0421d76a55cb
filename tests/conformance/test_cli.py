"""The command line, run as its users run it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import frozen
from click.testing import CliRunner

from run_results import NameMap
from run_results_conformance import (
    Contract,
    MemoryStore,
    SyntheticRun,
    example_store,
    load_contract,
    write_sqlite,
)
from run_results_conformance.cli import main
from run_results_conformance.faults import describe
from run_results_conformance.server.schemas import manifest_schema, run_file_schema

COMMAND = [sys.executable, "-c", "from run_results_conformance.cli import main; main()"]


@frozen
class Running:
    url: str
    help: str
    process: "subprocess.Popen[str]"

    def ask(self, run_id: str, token: str, **headers: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", **headers}
        return httpx.get(f"{self.url}/v2/apps/runs/{run_id}/results", headers=headers, verify=False)


@contextmanager
def running(*arguments: str, token: str | None = None, stop: int = signal.SIGINT) -> Iterator[Running]:
    """Runs `serve` until it is told to stop, and holds that it stops cleanly and printed one line on stdout."""
    environment = {name: value for name, value in os.environ.items() if name != "RUN_RESULTS_TOKEN"}
    if token is not None:
        environment["RUN_RESULTS_TOKEN"] = token
    process = subprocess.Popen(
        [*COMMAND, "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        url = process.stdout.readline().strip()
        told = ""
        while url and "Ctrl-C" not in told:
            told += process.stderr.readline()
        yield Running(url, told or process.stderr.read(), process)
    finally:
        process.send_signal(stop)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (0, "", "stopped\n")


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner(env={"RUN_RESULTS_TOKEN": None}).invoke(main, list(arguments))
    return result.exit_code, result.output


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_example_runs(stop: int) -> None:
    """Without a store the contract's own runs are served, and the token that was made is told."""
    with running(stop=stop) as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+", server.url)
        made = re.search(r"RUN_RESULTS_TOKEN=(\S+)", server.help)
        assert made is not None
        assert f"RUN_RESULTS_BASE_URL={server.url}" in server.help
        assert "run-tax-2025" in server.help
        assert server.ask("run-tax-2025", made[1]).json()["status"] == "COMPLETE"


def test_synthetic_runs() -> None:
    """Computed runs have the sizes, ids, seed and context that were asked for, and finish while they are
    polled.
    """
    arguments = ("--synthetic", "3", "--synthetic", "big one=1000000", "--seed", "5", "--page-size", "2")
    with running(*arguments, "--context", "acme", "--finish-after", "1", token="given-token") as server:
        assert "given-token" not in server.help
        assert server.ask("synthetic-5", "given-token").json()["status"] == "RUNNING"
        page = server.ask("synthetic-5", "given-token", **{"IB-Context": "acme"}).json()
        expected = [file["original_file_name"] for file in SyntheticRun(5, 3).files(0, 2)]
        assert [file["original_file_name"] for file in page["files"]] == expected
        assert (page["status"], page["has_more"]) == ("COMPLETE", True)
        assert server.ask("big%20one", "given-token").status_code == 200
        assert server.ask("synthetic-5", "given-token", **{"IB-Context": "other"}).status_code == 403


@pytest.mark.parametrize("arguments", [(), ("--synthetic", "3", "--synthetic", "r=1", "--finish-after", "1")])
def test_the_list_of_runs_can_be_tried_at_once(
    run_command: Callable[..., tuple[int, str, str]], token: str, arguments: tuple[str, ...]
) -> None:
    """The message at the start has a command that lists every run that is served, though none is of today."""
    with running(*arguments, "--token", token) as server:
        if arguments:
            status = server.ask("r", token).json()["status"]
            assert status == "RUNNING", "the message was made without a request, with which the run would have finished"
        (command,) = re.findall(r"^  (run-results runs .*)$", server.help, re.MULTILINE)
        code, out, _ = run_command(server.url, *command.split()[1:], "--format", "ids")
    store = example_store() if not arguments else [(None, "r"), (None, "synthetic-0")]
    assert code == 0
    assert sorted(out.split()) == sorted(run_id for context, run_id in store if context is None)


def test_folder_and_database(tmp_path: Path) -> None:
    """A folder can be packed into a database, and both are served alike."""
    folder = tmp_path / "runs"
    folder.mkdir()
    run = SyntheticRun(1, 3, run_id="r")
    (folder / "r.json").write_text(json.dumps({**run.header, "files": run.files(0, 3)}))
    database = tmp_path / "runs.sqlite"
    assert invoke("pack", str(folder), str(database)) == (0, "1 run\n")
    answers: list[Any] = []
    for path in (folder, database):
        with running("--runs", str(path), "--token", "t", "--gzip") as server:
            answers.append(server.ask("r", "t").json())
    assert answers[0] == answers[1]
    assert len(answers[0]["files"]) == 3


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_remote_host(host: str) -> None:
    """A host that other computers reach is refused unless that is said to be meant."""
    code, output = invoke("serve", "--host", host)
    assert code == 2
    assert "--allow-remote" in output


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--synthetic", "many"], "give a number of files"),
        (["--synthetic", "-1"], "give a number of files"),
        (["--synthetic", "1", "--runs", "."], "not both"),
        (["--synthetic", "r=1", "--synthetic", "r=2"], "there is a run 'r'"),
        (["--runs", "no-such-folder"], "does not exist"),
        (["--page-size", "0"], "range"),
        (["--token", "a b"], "a token consists of"),
    ],
)
def test_bad_arguments(arguments: Sequence[str], why: str) -> None:
    """What cannot be served is refused in one readable message, without a traceback."""
    code, output = invoke("serve", *arguments)
    assert code != 0
    assert why in output
    assert "Traceback" not in output


def test_bad_runs(tmp_path: Path) -> None:
    """A folder with a bad run and a file that is no database are refused with the file's name."""
    (tmp_path / "bad.json").write_text("{}")
    for command in (["serve", "--runs", str(tmp_path)], ["pack", str(tmp_path), str(tmp_path / "x.sqlite")]):
        code, output = invoke(*command)
        assert code == 1
        assert "bad.json: at $: " in output
    code, output = invoke("serve", "--runs", str(tmp_path / "bad.json"))
    assert code == 1
    assert "bad.json is not a database of runs" in output


def test_port_in_use() -> None:
    """A port that somebody has is refused with its number, and with what to do."""
    with running("--token", "t") as server:
        port = server.url.rpartition(":")[2]
        code, output = invoke("serve", "--token", "t", "--port", port)
    assert code == 1
    assert f"port {port} of 127.0.0.1 is in use by another program. Choose another --port, or leave it out" in output


def test_an_address_that_is_not_of_this_computer() -> None:
    """A host on which nothing can listen is named."""
    code, output = invoke("serve", "--token", "t", "--allow-remote", "--host", "192.0.2.1", "--port", "0")
    assert code == 1
    assert "cannot listen on --host 192.0.2.1, --port 0: " in output


def test_no_runs(tmp_path: Path) -> None:
    """A folder or a database without runs is not served: the message says what a run is."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "run.json").write_text("{}")
    write_sqlite(MemoryStore(), tmp_path / "empty.sqlite")
    for path in (tmp_path, tmp_path / "empty.sqlite"):
        code, output = invoke("serve", "--token", "t", "--runs", str(path))
        assert code == 1
        assert f"there are no runs in {path}. A run is a file NAME.json directly in the folder" in output
        assert "run id such as" not in output
    code, output = invoke("pack", str(tmp_path), str(tmp_path / "x.sqlite"))
    assert code == 1
    assert "there are no runs in" in output
    assert not (tmp_path / "x.sqlite").exists()


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_names_of_the_runs(tmp_path: Path, suffix: str) -> None:
    """`serve --write-names` writes names that undo every name of the run, and shows the command that takes them."""
    names = tmp_path / f"field names{suffix}"
    with running("--synthetic", "r=3", "--token", "t", "--write-names", str(names)) as server:
        assert f"run-results fetch r --names '{names}'" in server.help
        known = NameMap.read(names)
        fields = [
            field
            for file in server.ask("r", "t").json()["files"]
            for document in file["documents"]
            for field in document["fields"]
        ]
        assert fields
        assert all(known.api_name(known.project_name(field["field_name"])) == field["field_name"] for field in fields)


def test_names_that_are_no_lines(tmp_path: Path) -> None:
    """A name that a text file cannot hold is refused there, and kept in JSON."""
    folder = tmp_path / "runs"
    folder.mkdir()
    field = {"name": "two\nlines", "value": "", "edit_history": [], "validations": {"valid": True}}
    run = {"id": "r", "status": "COMPLETE", "files": [], "case_info": {"fields": [field]}, "review_completed": False}
    (folder / "r.json").write_text(json.dumps(run))
    code, output = invoke("serve", "--token", "t", "--runs", str(folder), "--write-names", str(tmp_path / "names.txt"))
    assert code == 1
    assert "a file that ends with .csv or .json" in output, output
    with running("--token", "t", "--runs", str(folder), "--write-names", str(tmp_path / "names.csv")):
        assert list(NameMap.read(tmp_path / "names.csv")) == ["two\nlines"]
    field["name"] = "one line"
    (folder / "r.json").write_text(json.dumps(run))
    with running("--token", "t", "--runs", str(folder), "--write-names", str(tmp_path / "names.txt")):
        assert (tmp_path / "names.txt").read_text("utf-8") == "one line\n"


def test_help_is_light() -> None:
    """Asking for help loads neither a web framework nor a server."""
    code = (
        "import sys\n"
        "from run_results_conformance.cli import main\n"
        "try: main(['serve', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'starlette', 'uvicorn', 'jsonschema_rs', 'sqlite3'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "--allow-remote" in done.stdout


def test_a_fault_is_served_and_found() -> None:
    """`serve --fault` breaks the contract in the way that it is told to, and `check` says where."""
    with running("--fault", "has-more-late", "--synthetic", "r=5", "--page-size", "2", token="a-token") as server:
        environment = {"RUN_RESULTS_TOKEN": "a-token"}
        done = CliRunner().invoke(main, ["check", server.url, "--run", "r"], env=environment)
    assert done.exit_code == 1
    assert "paging.has-more" in done.output


def test_faults_are_listed() -> None:
    """Every fault and every correct variant is a line; a family that there is not is an error that names those."""
    runner = CliRunner()
    listed = [json.loads(line) for line in runner.invoke(main, ["faults", "--json"]).stdout.splitlines()]
    assert listed == list(describe())
    paging = runner.invoke(main, ["faults", "--family", "paging"]).stdout.splitlines()
    assert any(line.startswith("has-more-late ") for line in paging)
    assert len(paging) == sum(each["family"] == "paging" for each in listed)
    wrong = runner.invoke(main, ["faults", "--family", "pages"])
    assert wrong.exit_code == 2
    assert "paging" in wrong.output


def test_a_fault_that_there_is_not() -> None:
    """A name that no fault has is an error that knows near ones."""
    done = CliRunner().invoke(main, ["serve", "--fault", "has-more-lat"])
    assert done.exit_code == 2
    assert "has-more-late" in done.output


@pytest.mark.parametrize(("kind", "make"), [("manifest", manifest_schema), ("run", run_file_schema)])
def test_schemas_are_printed(kind: str, make: Callable[[Contract], dict[str, Any]]) -> None:
    """`schema` prints the schema that files are checked with."""
    code, output = invoke("schema", kind)
    assert code == 0
    assert json.loads(output) == make(load_contract())

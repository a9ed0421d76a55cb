"""The command as a program: its streams, its exit codes, its help, and the look of its errors."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from run_results import __version__
from run_results_conformance import MemoryStore, ReferenceServer, SyntheticRun, serve
from run_results_conformance.cli import main
from run_results_conformance.faults import describe
from run_results_conformance.verifier.rules import RULES

TOKEN = "t0ken-of-the-program"
COMMAND = [sys.executable, "-m", "run_results_conformance"]
SURROUNDINGS = {**os.environ, "RUN_RESULTS_TOKEN": TOKEN, "RUN_RESULTS_CONTEXT": ""}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(ReferenceServer(MemoryStore([SyntheticRun(1, 2, run_id="r-1")]), TOKEN)) as served:
        yield served.url


def start(*arguments: str, **streams: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([*COMMAND, *arguments], env=SURROUNDINGS, **streams)


def invoke(*arguments: str, **surroundings: str | None) -> tuple[int, str]:
    environment = {"RUN_RESULTS_TOKEN": TOKEN, "RUN_RESULTS_CONTEXT": None, "RUN_RESULTS_BASE_URL": None}
    result = CliRunner(env={**environment, **surroundings}).invoke(main, list(arguments))
    assert TOKEN not in result.output
    return result.exit_code, result.output


# --- Streams --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["faults", "schema run", "check URL --run r-1 --only wire.bom"])
def test_nobody_reads_the_output(url: str, command: str) -> None:
    """Where the reader of the output has gone, as with `| head`, the exit code is 141, and 1 still means breaches."""
    reader, writer = os.pipe()
    os.close(reader)
    process = start(*command.replace("URL", url).split(), stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    _, complaint = process.communicate()
    assert (process.returncode, complaint) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("full", ["stdout", "stderr"])
def test_full_streams(url: str, full: str) -> None:
    """A full standard output is an error with code 2; a full standard error changes no exit code."""
    other = {"stdout": "stderr", "stderr": "stdout"}[full]
    arguments = ["check", url, "--run", "r-1", "--only", "wire.bom"]
    with Path("/dev/full").open("wb") as device:
        process = start(*arguments, **{full: device, other: subprocess.PIPE})
        output = b"".join(text or b"" for text in process.communicate())
        wrong = start("check", "--nonsense", **{full: device, other: subprocess.PIPE})
        wrong.communicate()
    assert wrong.returncode == 2
    if full == "stdout":
        assert process.returncode == 2
        expected = b"run-results-conformance: error: input or output failed: No space left on device\n"
        assert output == expected
    else:
        assert process.returncode == 0


def test_closed_streams(url: str) -> None:
    """A closed standard output is an error that says so; a closed standard error changes no exit code."""
    line = f"{sys.executable} -m run_results_conformance check {url} --run r-1 --only wire.bom"
    for shut, code, said in ((">&-", 2, "standard output is closed"), ("2>&-", 0, "conforms"), ("<&-", 0, "conforms")):
        done = subprocess.run(["sh", "-c", f"{line} {shut}"], env=SURROUNDINGS, capture_output=True, text=True)
        assert done.returncode == code, done
        assert said in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_no_report_gets_the_number_of_a_closed_stream(url: str, tmp_path: Path) -> None:
    """With stdin and stderr closed, nothing that is printed gets into a report or a connection."""
    file = tmp_path / "report.json"
    line = f"{sys.executable} -m run_results_conformance check {url} --run r-1 --only wire.bom --json {file}"
    done = subprocess.run(["sh", "-c", f"{line} <&- 2>&-"], env=SURROUNDINGS, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(file.read_text())["exit_code"] == 0


def test_a_report_on_standard_output(url: str) -> None:
    """`-` in place of a file is standard output; then people read on standard error, and only one report fits."""
    arguments = ["check", url, "--run", "r-1", "--only", "wire.bom", "--json", "-"]
    done = subprocess.run([*COMMAND, *arguments], env=SURROUNDINGS, capture_output=True, text=True)
    assert (done.returncode, json.loads(done.stdout)["exit_code"]) == (0, 0)
    assert "The server conforms" in done.stderr
    assert not Path("-").exists()
    code, output = invoke(*arguments, "--junit", "-")
    assert code == 2
    assert "only one report can go to standard output" in output


# --- Exit codes -----------------------------------------------------------------------------------------------


def test_interrupted() -> None:
    """Ctrl-C ends a check with 130, and says that it was interrupted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = start("check", url, "--timeout", "600", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(1)
            process.send_signal(signal.SIGINT)
            _, complaint = process.communicate()
    assert (process.returncode, complaint.strip()) == (130, b"run-results-conformance: error: interrupted")


def test_a_bug_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A failure of the suite itself is 70, not the 1 of breaches, and its text is not shown: it may hold anything."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError(TOKEN)

    monkeypatch.setattr("run_results_conformance.verifier.verification.verify", fail)
    code, output = invoke("check", "http://127.0.0.1:1", "--junit", str(tmp_path / "junit.xml"))
    assert code == 70
    assert output == (
        "run-results-conformance: error: RuntimeError: this is a bug in run-results-conformance; -v shows where\n"
    )
    assert ET.parse(tmp_path / "junit.xml").getroot().get("errors") == "1"


# --- Reports of what never began --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["check", "ftp://x"], "the URL must start with"),
        (["check"], "no URL"),
        (["check", "http://[::1]", "--nonsense"], "No such option"),
        (["check", "--nonsense=3", "http://[::1]", "--seed"], "No such option"),
        (["check", "http://[::1]", "--max-requests", "0"], "range"),
        (["check", "http://[::1]", "--only", "pages"], "no family called"),
        (["check", "http://[::1]", "--manifest", __file__], "not JSON"),
        (["check", "http://[::1]", "--token-file", "/no/such/file"], "does not exist"),
        (["fuzz", "ftp://x"], "the URL must start with"),
        (["fuzz", "http://[::1]", "--nonsense"], "No such option"),
    ],
)
def test_usage_errors_are_reported(tmp_path: Path, arguments: list[str], why: str) -> None:
    """A wrong call writes each report that it names, as an error: no build passes by it, or reads an older report."""
    files = {kind: tmp_path / f"report.{kind}" for kind in ("junit", "json", "html")}
    for path in files.values():
        path.write_text("an older report")
    command, *rest = arguments
    options = [part for kind, path in files.items() for part in (f"--{kind}", str(path))]
    code, output = invoke(command, *options, *rest)
    assert code == 2
    assert why in output
    suites = ET.parse(files["junit"]).getroot()
    assert (suites.get("errors"), suites.get("failures")) == ("1", "0")
    assert why in "".join(error.get("message", "") for error in suites.iter("error"))
    written = json.loads(files["json"].read_text("utf-8"))
    assert written["exit_code"] == 2
    assert why.split()[0] in files["html"].read_text("utf-8")


# --- Help and errors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", *main.commands])
def test_help_is_whole(command: str) -> None:
    """No help text is cut, and no option's name is broken at the end of a line."""
    code, output = invoke(*command.split(), "--help")
    assert code == 0
    assert not re.search(r"\.\.\.$|…$|-\w+-$", output.replace("[ARGS]...", ""), re.MULTILINE), output


def test_version_and_exit_codes() -> None:
    """`--version` is that of the distribution, as a module too; `--help` lists every exit code."""
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"run-results-conformance {__version__}\n"
    codes = re.findall(r"^ +(\d+) +\w", invoke("--help")[1], re.MULTILINE)
    assert codes == ["0", "1", "2", "3", "70", "130", "141"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command 'nonsense'. Try 'run-results-conformance --help'"),
        (["serve", "--prot", "1"], "No such option '--prot'. (Did you mean one of: '--host', '--port'?) Try"),
        (["serve", "--host", "192.0.2.1"], "192.0.2.1 can be reached by other computers; to allow that, add"),
        (["serve", "--runs", __file__], "test_program.py is not a database of runs"),
        (["faults", "--family", "pagin"], "there is no family 'pagin'; did you mean 'paging'?"),
        (["rules", "--json", "--markdown"], "not both"),
        (["schema", "runs"], "'runs' is not one of"),
    ],
)
def test_errors_look_alike(arguments: list[str], said: str) -> None:
    """An error is a line that begins with the program, as those of `run-results`."""
    code, output = invoke(*arguments)
    assert code in (1, 2)
    assert output.startswith("run-results-conformance: error: ")
    assert said in output
    assert output.count("\n") == 1


# --- Options ----------------------------------------------------------------------------------------------------


def test_lists_with_commas(url: str) -> None:
    """Rules and families may be separated by commas or repeated; both say the same."""
    judged: list[Any] = []
    for options in (["--only", "wire.bom, paging"], ["--only", "wire.bom", "--only", "paging"]):
        code, output = invoke("check", url, "--run", "r-1", *options, "-v")
        assert code == 0
        judged.append(re.findall(r"^  kept +(\S+)", output, re.MULTILINE))
    assert judged[0] == judged[1]
    assert "wire.bom" in judged[0]
    one = invoke("faults", "--family", "paging,names")[1]
    assert one == invoke("faults", "--family", "paging", "--family", "names")[1]
    families = {
        fault["family"] for fault in describe() if fault["name"] in {line.split()[0] for line in one.splitlines()}
    }
    assert families == {"paging", "names"}


def test_rules_for_programs() -> None:
    """`rules --json` has a line of JSON for each rule, as `faults --json` has for each fault."""
    listed = [json.loads(line) for line in invoke("rules", "--json")[1].splitlines()]
    assert [each["id"] for each in listed] == [rule.id for rule in RULES]
    assert all(each["sentence"] and each["level"] in ("MUST", "POLICY") for each in listed)


def test_url_from_the_environment(url: str) -> None:
    """`check` reads RUN_RESULTS_BASE_URL where no URL is given, as the client does."""
    code, output = invoke("check", "--run", "r-1", "--only", "wire.bom", RUN_RESULTS_BASE_URL=url)
    assert code == 0
    assert url in output


@pytest.mark.parametrize("command", ["check", "fuzz"])
def test_plain_http(command: str) -> None:
    """The token goes unencrypted to no other computer, unless that is allowed."""
    arguments = [command, "http://results.invalid", "--run", "r-1", "--max-requests", "1"]
    code, output = invoke(*arguments)
    assert code == 2
    assert "would send the token unencrypted to results.invalid. Use https, or --allow-insecure" in output
    if command == "check":
        assert "unencrypted" not in invoke(*arguments, "--allow-insecure")[1]

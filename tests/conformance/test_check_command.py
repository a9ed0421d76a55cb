"""The commands `check` and `rules`, run as their users run them."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from run_results_conformance import MemoryStore, ReferenceServer, SyntheticRun, serve
from run_results_conformance.cli import main
from run_results_conformance.faults import faulty
from run_results_conformance.verifier.manifest import Manifest
from run_results_conformance.verifier.rules import RULES

TOKEN = "t0ken-of-the-command-line"
STORE = MemoryStore([SyntheticRun(1, 5, run_id="r-1")])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(ReferenceServer(STORE, TOKEN, page_size=2)) as served:
        yield served.url


def check(*arguments: str, token: str | None = TOKEN) -> tuple[int, str]:
    result = CliRunner(env={"RUN_RESULTS_TOKEN": token, "RUN_RESULTS_CONTEXT": None}).invoke(
        main, ["check", *arguments]
    )
    assert TOKEN not in result.output
    return result.exit_code, result.output


def test_conforming_server_with_all_reports(url: str, tmp_path: Path) -> None:
    """A manifest, and every kind of report; the token is in none of them."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(Manifest.of(STORE).document()), "utf-8")
    files = {kind: tmp_path / f"report.{kind}" for kind in ("junit", "json", "html")}
    options = [part for kind, path in files.items() for part in (f"--{kind}", str(path))]
    code, output = check(url, "--manifest", str(manifest), *options, "--verbose")
    assert code == 0, output
    assert "The server conforms" in output
    assert "names.exact" in output
    assert "\x1b" not in output
    texts = {kind: path.read_text("utf-8") for kind, path in files.items()}
    assert all(TOKEN not in text for text in texts.values())
    assert json.loads(texts["json"])["exit_code"] == 0
    assert ET.fromstring(texts["junit"]).get("failures") == "0"
    assert texts["html"].startswith("<!doctype html>")


def test_exit_codes(url: str) -> None:
    """1 for breaches, 2 where nothing could be judged: no server, no token, no run."""
    with serve(ReferenceServer(STORE, TOKEN, page_size=2, base_path="/api")) as served:
        assert check(f"{served.url}/api", "--run", "r-1", "--only", "paging")[0] == 0
        assert check(served.url, "--run", "r-1", "--only", "paging")[0] == 2

    class Broken(ReferenceServer):
        def has_more(self, run: object, offset: int, files: object) -> bool:
            return True

    with serve(Broken(STORE, TOKEN, page_size=2)) as served:
        code, output = check(served.url, "--run", "r-1", "--only", "paging")
        assert code == 1
        assert "WrongHasMore" in output
        assert "-H 'Authorization: Bearer '\"$RUN_RESULTS_TOKEN\"" in output
    assert check(url, "--run", "r-1", token="another-token")[0] == 2
    assert check("http://127.0.0.1:1", "--run", "r-1")[0] == 2
    assert check(url, "--run", "r-2")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["ftp://x"], "must start with"),
        (["http://[::1]", "--only", "pages"], "no family called 'pages'; `run-results-conformance rules` lists them"),
        (["http://[::1]", "--token", TOKEN], "No such option"),
        (["http://[::1]", "--manifest", __file__], "is not JSON"),
        (["http://[::1]", "--context", ""], "IB-Context"),
        (["http://[::1]", "--max-requests", "0"], "range"),
        (["http://x"], "would send the token unencrypted to x. Use https, or --allow-insecure"),
        (["https://[::1]", "--only", "a,pages"], "no family called 'a'"),
        ([], "no URL: give the base URL, or set RUN_RESULTS_BASE_URL"),
    ],
)
def test_bad_arguments(arguments: list[str], why: str) -> None:
    """What cannot be done is refused with 2, in one readable message."""
    code, output = check(*arguments)
    assert code == 2
    assert why in output
    assert "Traceback" not in output


def test_token_file(url: str, tmp_path: Path) -> None:
    """The token can come from a file; without any there is a message that says how."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert check(url, "--run", "r-1", "--only", "wire.bom", "--token-file", str(file), token=None)[0] == 0
    code, output = check(url, "--run", "r-1", token=None)
    assert code == 2
    assert "--token-file" in output


def test_report_that_cannot_be_written(url: str, tmp_path: Path) -> None:
    """Then the verdict is shown all the same, and the exit code is not 0."""
    (tmp_path / "none").touch()
    code, output = check(url, "--run", "r-1", "--only", "state", "--json", str(tmp_path / "none" / "x.json"))
    assert code == 2
    assert "The server conforms" in output
    assert "run-results-conformance: error: cannot write '" in output


def test_ascii_terminal(url: str) -> None:
    """A terminal that knows ASCII only gets everything spelled out."""
    environment = {"RUN_RESULTS_TOKEN": TOKEN, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = "from run_results_conformance.cli import main; main()"
    arguments = ["check", url, "--run", "r-☃", "--only", "paging"]
    done = subprocess.run([sys.executable, "-c", command, *arguments], env=environment, capture_output=True)
    assert done.returncode == 2
    assert done.stderr == b""
    assert done.stdout.isascii()


def test_rules() -> None:
    """The rules can be listed, and written as the page of the documentation."""
    listed = CliRunner().invoke(main, ["rules"]).output
    assert len(listed.splitlines()) == len(RULES)
    page = CliRunner().invoke(main, ["rules", "--markdown"]).output
    assert page == (Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")


@pytest.mark.skipif(os.name == "nt", reason="file modes are those of POSIX")
def test_write_manifest(tmp_path: Path) -> None:
    """A manifest from a trusted server is written whole, for its owner alone, always alike, and the server keeps it."""
    store = MemoryStore([SyntheticRun(seed, 3, run_id=f"r-{seed}", documents_per_file=1) for seed in (1, 2)])
    store.add(SyntheticRun(3, 2, run_id="r-3", status="RUNNING"))
    runs = ["--run", "r-1", "--run", "r-2", "--run", "r-3", "--only", "state", "--max-requests", "40"]
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    with serve(ReferenceServer(store, TOKEN, page_size=2)) as served:
        for path in paths:
            code, output = check(served.url, *runs, "--write-manifest", str(path))
            assert code == 0, output
            assert "keep it as confidential" in output
        code, output = check(served.url, "--manifest", str(paths[0]), "--only", "state,names", "-v")
        assert code == 0, output
        assert re.search(r"kept +state.content [1-9]", output)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].stat().st_mode & 0o777 == 0o600
    one, two, three = Manifest.read(paths[0]).runs
    assert (one.files, two.files) == (3, 3)
    assert one.content is not None
    assert len(one.content) == 3
    assert (three.status, three.content) == ("RUNNING", None)


def test_no_manifest_of_a_server_that_is_not_to_be_trusted(url: str, tmp_path: Path) -> None:
    """Nothing is written where the contract is broken, a run is not read to its end, or no run is named."""
    path = tmp_path / "m.json"
    for arguments, said in (
        (
            ["--run", "r-1", "--max-requests", "2"],
            "run r-1 was not read to its end: all 2 requests, see --max-requests",
        ),
        (["--run", "r-2"], "run r-2 cannot be read (status 404)"),
        ([], "--write-manifest needs --run"),
        (["--run", "r-1", "--manifest", __file__], "--write-manifest needs --run"),
    ):
        code, output = check(url, *arguments, "--write-manifest", str(path))
        assert code == 2
        assert said in output
    with serve(faulty("include-review-results-ignored", STORE, TOKEN, page_size=2)) as served:
        code, output = check(served.url, "--run", "r-1", "--write-manifest", str(path))
    assert code == 1
    assert "m.json' was not written" in output
    assert not path.exists()

"""The pytest plugin, in test runs of their own."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "pytest-project"
# Where the package is installed with its entry point, pytest finds the plugin by itself.
FOUND = any(point.name == "run_results" for point in entry_points(group="pytest11"))
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
LOAD = ["-p", "run_results_conformance.plugin"]

STRICT = ("-p", "no:cacheprovider", "--strict-markers", "--strict-config", "-W", "error")

Run = Callable[..., tuple[int, str]]


def pytest_in(folder: Path, *options: str, **surroundings: str) -> tuple[int, str]:
    """Runs pytest in a folder; gives its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *STRICT, *options, "-q"],
        cwd=folder,
        env={**os.environ, **surroundings},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def run_tests(tmp_path: Path) -> Run:
    """Runs pytest on a text in a process; gives its exit code and what it printed."""

    def run(text: str, **surroundings: str) -> tuple[int, str]:
        (tmp_path / "test_it.py").write_text(text, "utf-8")
        (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
        # No other plugin than ours.
        return pytest_in(tmp_path, *LOAD, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", **surroundings)

    return run


@pytest.fixture
def run_here(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs pytest on a text in this process, with a text for the ini file; gives its exit code and what it printed."""

    def run(text: str, ini: str = "") -> tuple[int, str]:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        pytester.makepyfile(test_it=text)
        pytester.makefile(".ini", pytest=f"[pytest]\n{ini}")
        done = pytester.runpytest_inprocess(*LOAD, *STRICT, "-q")
        return int(done.ret), f"{done.stdout}{done.stderr}"

    return run


def test_example_project(tmp_path: Path) -> None:
    """The documented example project passes as it stands."""
    shutil.copytree(EXAMPLE, tmp_path / "project")
    # To find the plugin, pytest loads those of all packages, and rewrites their assertions: this takes seconds.
    if THOROUGH and FOUND:
        code, printed = pytest_in(tmp_path / "project")
    else:
        code, printed = pytest_in(tmp_path / "project", *LOAD, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert code == 0, printed
    assert re.search(r"^13 passed", printed, re.MULTILINE), printed


def test_loads_nothing() -> None:
    """Loading the plugin imports pytest and itself, and nothing else."""
    program = """
import sys, pytest, contextlib, functools
before = set(sys.modules)
import run_results_conformance.plugin
print(*sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["run_results_conformance", "run_results_conformance.plugin"]


def test_costs_nothing_unasked(run_tests: Run) -> None:
    """A test run that does not ask for a fixture never loads a web framework, a client or a validator."""
    code, printed = run_tests(
        """
import sys

def test_unrelated(pytestconfig):
    assert pytestconfig.pluginmanager.has_plugin("run_results_conformance.plugin")
    heavy = {"attr", "attrs", "click", "httpx", "hypothesis", "jsonschema_rs", "msgspec", "run_results", "starlette"}
    assert not heavy & set(sys.modules)
"""
    )
    assert code == 0, printed


def test_synthetic_runs(run_here: Run) -> None:
    """Without a word about runs there are invented ones of every status, with their names; page size three."""
    code, printed = run_here(
        """
from run_results import NameMap, RunStatus

def test_it(results_server, results_client):
    statuses = {results_client.page(run_id).status for run_id in results_server.run_ids}
    assert statuses == set(RunStatus)
    first = results_server.run_ids[0]
    assert [len(page.files) for page in results_client.pages(first)] == [3, 3, 3, 1]
    names = NameMap(results_server.names)
    for file in results_client.files(first):
        for document in file.documents:
            for field in document.fields:
                assert names.project_name(field.field_name) in results_server.names
    assert results_server.token not in repr(results_server)
"""
    )
    assert code == 0, printed


RUN = """
import json, pathlib
def write(folder, **run):
    folder.mkdir(exist_ok=True)
    (folder / f"{run['id']}.json").write_text(json.dumps({"status": "COMPLETE", "files": [], **run}))
here = pathlib.Path(__file__).parent
"""


def test_own_runs(run_here: Run) -> None:
    """Runs come from the folder of the ini file, else of the nearest marker; so does the page size."""
    code, printed = run_here(
        RUN
        + """
write(here / "runs", id="b", files=[{"input_file_path": str(n)} for n in range(3)])
write(here / "runs", id="a")
write(here / "others", id="c", **{"x-context": "acme"})
import pytest

def test_ini(results_server, results_client):
    assert results_server.run_ids == ("a", "b")
    assert results_server.names == ()
    assert [len(page.files) for page in results_client.pages("b")] == [1, 1, 1]

@pytest.mark.run_results(runs="others", page_size=5)
class TestMarked:
    def test_class(self, results_server, results_client):
        assert results_server.run_ids == ("c",)
        assert results_client.page("c").files == [], "found in its context, which nobody named"

    @pytest.mark.run_results(runs="runs")
    def test_nearest(self, results_client):
        assert len(results_client.page("b").files) == 3, "the size is the class's"

@pytest.mark.run_results(base_path="/api")
def test_base_path(results_server, results_client):
    assert results_server.url.endswith("/api")
    assert results_client.page("a").files == []

def test_environ(results_server, monkeypatch):
    from run_results import Client
    for name, value in results_server.environ.items():
        monkeypatch.setenv(name, value)
    with Client() as client:
        assert client.page("a").has_more is False
""",
        "run_results_runs = runs\nrun_results_page_size = 1\n",
    )
    assert code == 0, printed


def test_surroundings_do_not_matter(run_tests: Run) -> None:
    """Neither the caller's settings nor a proxy lead the client away from the server."""
    code, printed = run_tests(
        """
def test_it(results_client, results_server):
    assert results_client.page(results_server.run_ids[0]).files
""",
        RUN_RESULTS_TOKEN="another",
        RUN_RESULTS_CONTEXT="globex",
        RUN_RESULTS_BASE_URL="https://results.example",
        HTTP_PROXY="http://127.0.0.1:9",
        ALL_PROXY="http://127.0.0.1:9",
    )
    assert code == 0, printed


def test_faulty_servers(run_here: Run) -> None:
    """Several wrong servers run at once, with every fault's runs or one's own; an unknown name says what is near."""
    pytest.importorskip("run_results_conformance.faults", reason="the catalogue of faults is not there yet")
    code, printed = run_here(
        RUN
        + """
write(here / "runs", id="own", files=[{"input_file_path": str(n)} for n in range(3)])
import httpx, pytest

def get(server, run_id):
    headers = {"Authorization": f"Bearer {server.token}"}
    with httpx.Client(trust_env=False) as client:
        return client.get(f"{server.url}/v2/apps/runs/{run_id}/results", headers=headers).json()

def test_standard(faulty_server):
    always, never = faulty_server("has-more-always"), faulty_server("has-more-never", page_size=1)
    assert always.url != never.url
    assert get(always, "run-empty")["has_more"] is True
    page = get(never, "run-standard")
    assert (len(page["files"]), page["has_more"]) == (1, False)
    assert "due date" in never.names

@pytest.mark.run_results(runs="runs")
def test_own(faulty_server):
    server = faulty_server("has-more-always")
    assert server.run_ids == ("own",)
    assert len(get(server, "own")["files"]) == 3

def test_unknown(faulty_server):
    with pytest.raises(LookupError, match="has-more-always"):
        faulty_server("has-more-allways")
"""
    )
    assert code == 0, printed


@pytest.mark.parametrize(
    ("ini", "marker", "said"),
    [
        ("run_results_page_size = 0\n", "", "run_results_page_size is a whole number from 1 on, not '0'"),
        ("run_results_runs = nowhere\n", "", "nowhere is not a folder"),
        ("run_results_runs = .\n", "", "odd.json: at $: "),
        ("", "@pytest.mark.run_results('runs')", "the marker run_results takes keyword arguments only"),
        (
            "",
            "@pytest.mark.run_results(page_sise=3)",
            "the marker run_results has no option 'page_sise'; did you mean 'page_size'? There can be: page_size, "
            "base_path, clock, compress, contract, latency, runs",
        ),
        ("run_results_runs = sub\n", "", "sub. A run is a file NAME.json directly in the folder"),
    ],
)
def test_slips_are_named(run_here: Run, pytester: pytest.Pytester, ini: str, marker: str, said: str) -> None:
    """What cannot be meant is an error of the test that says so."""
    (pytester.path / "odd.json").write_text("{}", "utf-8")
    (pytester.path / "sub").mkdir()
    code, printed = run_here(f"import pytest\n{marker}\ndef test_it(results_server): ...\n", ini)
    assert code == 1
    assert said in printed


@pytest.mark.parametrize("fixture", ["results_server", "results_client", "faulty_server"])
def test_without_the_extra(run_tests: Run, fixture: str) -> None:
    """Without the packages of the extra, each fixture says which they are and how to install them."""
    code, printed = run_tests(
        f"import sys\nsys.modules['starlette'] = sys.modules['uvicorn'] = None\ndef test_it({fixture}): ..."
    )
    assert code == 1
    asked = "faulty_server" if fixture == "faulty_server" else "results_server"
    assert f"the fixture {asked} needs starlette, uvicorn: pip install 'run-results[conformance]'" in printed, printed


def test_a_misspelt_option_of_a_faulty_server(run_here: Run) -> None:
    """An option that `faulty_server` does not have is an error that lists those it has."""
    code, printed = run_here(
        "def test_it(faulty_server):\n    faulty_server('has-more-always', pagesize=1)\n",
    )
    assert code == 1
    assert "faulty_server has no option 'pagesize'; did you mean 'page_size'?" in printed

"""The wheel: what is in it, and that it works where nothing is installed but what it requires."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path, PurePosixPath

import pytest
from attrs import frozen
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from run_results_conformance.server.synthetic import SyntheticRun

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
ROOT = Path(__file__).parents[1]
PACKAGES = {
    "run_results_api": ROOT / "generated",
    "run_results": ROOT / "wrapper",
    "pyspark_run_results": ROOT / "wrapper",
    "run_results_conformance": ROOT / "conformance",
}
REQUIRED = {"attrs", "httpcore", "httpx", "msgspec"}


def required_by(*names: str, given: Iterable[Distribution] = ()) -> dict[str, Distribution]:
    """These distributions, perhaps with extras (`name[extra]`), and all that they require here, by name."""
    known = {canonicalize_name(each.name): each for each in given}
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    under_way = [Requirement(name) for name in names]
    while under_way:
        wanted = under_way.pop()
        name = canonicalize_name(wanted.name)
        for extra in {"", *wanted.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                found[name] = known.get(name) or distribution(name)
                requirements = map(Requirement, found[name].requires or ())
                under_way += [
                    each for each in requirements if each.marker is None or each.marker.evaluate({"extra": extra})
                ]
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the tree as it stands."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    (built,) = folder.glob("*.whl")
    return built


@frozen
class Place:
    """An environment with the wheel and what it requires, and nothing else."""

    python: Path
    distributions: frozenset[str]

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment, with no variables but those given, away from the tree."""
        return subprocess.run(
            [str(self.python.parent / command[0]), *command[1:]],
            cwd=self.python.parent,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


def empty_environment(root: Path) -> Path:
    """A new environment without pip; returns its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root)], check=True)
    return root / "bin" / "python"


def install(python: Path, *what: str) -> subprocess.CompletedProcess[str]:
    """Install into an environment, without a network: what is required must be there, in a version that is allowed."""
    offline = ["--no-index", "--offline", "--no-cache", "--no-config", "--quiet"]
    command = [sys.executable, "-m", "uv", "pip", "install", *offline, "--python", str(python), *what]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def place(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A new environment without pip, the wheel installed into it, and copies of what the wheel requires."""
    root = tmp_path_factory.mktemp("place") / "venv"
    python = empty_environment(root)
    installed = install(python, "--no-deps", str(wheel))
    assert installed.returncode == 0, installed.stderr
    (site,) = root.glob("lib/python*/site-packages")
    found = required_by(*REQUIRED)
    for each in found.values():
        for file in each.files or ():
            # Scripts, which lie outside, and compiled files are left behind.
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(each.locate_file(file), site / file)
    yield Place(python, frozenset({"run-results", *found}))
    shutil.rmtree(root)


# --- What is in it --------------------------------------------------------------------------------------------


def test_the_wheel_holds_the_packages(wheel: Path) -> None:
    """The wheel has every file of our packages and no other: what git or a pattern ignores would be missed."""
    on_disk = {
        path.relative_to(root).as_posix()
        for package, root in PACKAGES.items()
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if not PurePosixPath(name).parts[0].endswith(".dist-info")}
    assert inside == on_disk
    assert {f"{package}/py.typed" for package in PACKAGES} <= inside
    assert {"run_results_api/openapi.json", "run_results_api/stamp.json"} <= inside
    assert not [name for name in inside if re.search(r"(^|/)(conftest|tests?|test_[^/]*)(\.py|/)", name)]


def test_the_wheel_holds_the_contract(wheel: Path) -> None:
    """The contract inside the wheel is the generated copy, byte for byte, and can be read without YAML."""
    with zipfile.ZipFile(wheel) as archive:
        inside = archive.read("run_results_api/openapi.json")
    assert inside == (PACKAGES["run_results_api"] / "run_results_api" / "openapi.json").read_bytes()
    assert json.loads(inside)["openapi"].startswith("3.1.")


def test_the_wheel_requires_little(wheel: Path) -> None:
    """Without an extra the wheel requires four packages, and everything else waits for its extra."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).decode().partition("\n\n")[0].splitlines()
    requirements = [Requirement(line.partition(": ")[2]) for line in lines if line.startswith("Requires-Dist: ")]
    extras = {line.partition(": ")[2] for line in lines if line.startswith("Provides-Extra: ")}
    assert {each.name for each in requirements if each.marker is None} == REQUIRED
    assert {"cli", "conformance"} <= extras
    for each in requirements:
        if each.marker is not None:
            assert not each.marker.evaluate({"extra": ""})
            assert any(each.marker.evaluate({"extra": extra}) for extra in extras)


@pytest.mark.skipif(not THOROUGH, reason="building again takes long: see `make thorough`")
def test_a_wheel_is_the_same_every_time(wheel: Path, tmp_path: Path) -> None:
    """Building again from the same tree gives the same bytes."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


# --- That it works --------------------------------------------------------------------------------------------

WALK = """
import sys
import run_results
from run_results import Client, Include

token, base_url, run_id = sys.argv[1:]
with Client(token=token, base_url=base_url) as client:
    files = list(client.files(run_id, include=Include.ALL))
print(len(files), len({file.input_file_path for file in files}), files[-1].original_file_name)
print(run_results.__file__)
"""


def test_the_wheel_works_alone(place: Place, serve_runs: Callable[..., str], token: str) -> None:
    """With nothing installed but what the wheel requires, it walks a run over a real socket to its last file."""
    run = SyntheticRun(seed=8, files=23)
    finished = place.run("python", "-I", "-B", "-c", WALK, token, serve_runs(run, page_size=5), run.run_id)
    assert finished.stderr == ""
    said, home = finished.stdout.splitlines()
    assert said == f"23 23 {run.file(22)['original_file_name']}"
    assert Path(home).is_relative_to(place.python.parents[1]), "not the tree, but the wheel was used"


def test_nothing_else_is_there(place: Place) -> None:
    """The environment in which the wheel worked has what it requires, and nothing of an extra or of a tool."""
    program = (
        "import importlib.metadata as m, importlib.util as u, json, sys\n"
        "print(json.dumps([sorted(d.name for d in m.distributions()), [n for n in sys.argv[1:] if u.find_spec(n)]]))"
    )
    absent = ["click", "rich", "starlette", "uvicorn", "jsonschema_rs", "pyarrow", "pytest", "pip", "yaml"]
    there = ["httpx", "run_results_conformance"]
    finished = place.run("python", "-I", "-B", "-c", program, *absent, *there)
    distributions, importable = json.loads(finished.stdout)
    assert {canonicalize_name(name) for name in distributions} == place.distributions
    assert place.distributions > REQUIRED
    assert importable == there


def test_the_installed_package_is_typed(place: Place) -> None:
    """All packages are marked as typed where they are installed."""
    (site,) = place.python.parents[1].glob("lib/python*/site-packages")
    assert [package for package in PACKAGES if not (site / package / "py.typed").is_file()] == []


@pytest.mark.parametrize("command", [(), ("--help",), ("export", "run-1")])
def test_the_command_says_what_it_misses(place: Place, command: tuple[str, ...]) -> None:
    """Without its extra, `run-results` ends with code 2 and one line that says what to install, not a traceback."""
    finished = place.run("run-results", *command, PYTHONDONTWRITEBYTECODE="1", RUN_RESULTS_TOKEN="t0k3n")
    assert finished.returncode == 2, finished.stderr
    assert finished.stdout == ""
    assert "run-results[cli]" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert len(finished.stderr.splitlines()) <= 2


def test_the_suite_says_what_it_misses(place: Place) -> None:
    """Without its extra, `run-results-conformance` ends with code 2 and says what to install, not with a traceback."""
    finished = place.run("run-results-conformance", "--help", PYTHONDONTWRITEBYTECODE="1")
    assert finished.returncode == 2, finished.stderr
    assert "run-results[conformance]" in finished.stderr
    assert "Traceback" not in finished.stderr


# --- The install lines of the documentation -------------------------------------------------------------------

LINE = re.compile(r"pip install (?:pytest )?'(?:\.|run-results)\[([a-z0-9,]+)\]'")
IN_README = sorted(set(LINE.findall((ROOT / "README.md").read_text("utf-8"))))
IN_DOCS = sorted({line for page in (ROOT / "docs").rglob("*.md") for line in LINE.findall(page.read_text("utf-8"))})
USES = {
    "arrow": ("python", "-c", "import run_results; run_results.schema('fields')"),
    "cli": ("run-results", "fetch", "--help"),
    "conformance": ("run-results-conformance", "check", "--help"),
    "delta": ("python", "-c", "import deltalake"),
    "fuzz": ("python", "-c", "import run_results_conformance.fuzz, schemathesis"),
    "report": ("python", "-c", "import run_results.report.template"),
}
"""What works with an extra, and not without it."""


@pytest.mark.parametrize("extras", sorted({*IN_README, *(IN_DOCS if THOROUGH else ())}))
def test_an_install_line_of_the_documentation_works(extras: str, wheel: Path, tmp_path: Path) -> None:
    """In an empty environment an install line brings what its extras need, in versions that are allowed."""
    if "spark" in extras:
        pytest.skip("pyspark has its own environment: make test-spark")
    place = Place(empty_environment(tmp_path / "venv"), frozenset())
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    needed = required_by(f"run-results[{extras}]", given=distributions(path=[str(wheel)]))
    del needed["run-results"]
    for each in needed.values():  # links, because pyarrow is large
        for top in {file.parts[0] for file in each.files or ()} - {"..", "__pycache__"}:
            if top.endswith(".dist-info"):  # uv takes no links for these
                shutil.copytree(str(each.locate_file(top)), site / top)
            else:
                (site / top).symlink_to(str(each.locate_file(top)))
    installed = install(place.python, f"run-results[{extras}] @ {wheel.as_uri()}")
    assert installed.returncode == 0, installed.stderr
    for extra in extras.split(","):
        used = place.run(*USES[extra], PYTHONDONTWRITEBYTECODE="1")
        assert used.returncode == 0, used.stderr

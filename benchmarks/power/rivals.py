"""The tools that others wrote, as far as they can judge a server from outside, for comparison.

Each is run as its manual says, on our spec, with what the spec of a deployment would have too: its own run ids as
examples, and no base path. Where a tool accuses every correct server because it misreads the spec, the spec
that it is given goes around that, and `about` says so: a tool that always fails would find everything.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import frozen

from run_results_conformance.faults import STANDARD_RUN, STANDARD_TOKEN
from run_results_conformance.server.contract import Contract, JsonObject, load_contract

_RUNS = (STANDARD_RUN, "run-names")
_SECONDS = 280
_SPECMATIC = Path(__file__).parents[2] / "requirements/node-interop/node_modules/specmatic"


@frozen
class Said:
    """What a tool said of a server: what fails it, what is no more than a remark, why something is open.

    `requests` is the tool's own count of them, 0 where it keeps none.
    """

    complaints: frozenset[str]
    remarks: frozenset[str] = frozenset()
    open: str = ""
    requests: int = 0


@frozen
class Rival:
    """A tool. `ask(url, server, seed)` lets it judge; `wanted` says what it needs where it is not available.

    A `slow` one needs many seconds for a server. `command` is how it is called, in words for a shell.
    """

    name: str
    about: str
    command: str
    wanted: str
    slow: bool
    available: Callable[[], bool]
    version: Callable[[], str]
    ask: Callable[[str, str, int], Said]


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package}, not installed"


def _surroundings(**more: str) -> dict[str, str]:
    """The environment without what could lead a request elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "NO_PROXY": "*", "NETRC": os.devnull, **more}


def _deployed(change: Callable[[JsonObject, Contract], object]) -> JsonObject:
    document: JsonObject = json.loads(json.dumps(load_contract().document))
    document["servers"] = [{"url": "/"}]
    change(document, Contract(document))
    return document


def _parameter(document: JsonObject, place: str) -> Any:
    return next(node for node in document["components"]["parameters"].values() if node["in"] == place)


# --- schemathesis, inside the suite -------------------------------------------------------------------------


def _ask_inside(url: str, _server: str, seed: int) -> Said:
    from run_results_conformance.fuzz import fuzz
    from run_results_conformance.verifier.rules import Level

    report = fuzz(url, STANDARD_TOKEN.value, runs=_RUNS, seed=seed, policy=True)
    must = frozenset(verdict.rule.id for verdict in report.broken if verdict.rule.level is Level.MUST)
    every = frozenset(verdict.rule.id for verdict in report.broken)
    return Said(must, every - must, "; ".join(report.obstacles), report.requests)


# --- schemathesis, by itself --------------------------------------------------------------------------------

_FAILED = re.compile(r"^- (.+)$", re.MULTILINE)


def _ask_schemathesis(url: str, _server: str, seed: int) -> Said:
    def change(document: JsonObject, _contract: Contract) -> None:
        _parameter(document, "path")["examples"] = {run: {"value": run} for run in _RUNS}

    with TemporaryDirectory() as folder:
        spec = Path(folder) / "openapi.json"
        spec.write_text(json.dumps(_deployed(change)), encoding="utf-8")
        words = [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(spec), "--url", url, "--no-color"),
            *("--header", f"Authorization: Bearer {STANDARD_TOKEN.value}", "--seed", str(seed)),
        ]
        done = _run(words, folder)
    if done is None:
        return Said(frozenset(), open="it took too long")
    code, text = done
    failed = frozenset(" ".join(title.split()) for title in _FAILED.findall(text))
    if code == 0:
        return Said(frozenset())
    return Said(failed or frozenset({"failed"})) if code == 1 else Said(frozenset(), open=f"it ended with {code}")


# --- Specmatic ----------------------------------------------------------------------------------------------

_TESTS = re.compile(r"Tests run: (\d+), Successes: (\d+), Failures: (\d+)")


def _ask_specmatic(url: str, _server: str, _seed: int) -> Said:
    def change(document: JsonObject, contract: Contract) -> None:
        # An example of a request is used when an answer has an example of the same name.
        _parameter(document, "path")["examples"] = {"standard": {"value": STANDARD_RUN}}
        operation: Any = contract.operation
        media: Any = operation["responses"]["200"]["content"]["application/json"]
        media["examples"] = {"standard": {"value": document["components"]["examples"]["Lean"]["value"]}}
        # It makes up contexts, and takes the refusal of one for a breach.
        operation["parameters"] = [each for each in operation["parameters"] if contract.resolve(each)["in"] != "header"]
        # It takes free-form objects for maps of strings.
        document["components"]["schemas"]["RunResults"]["properties"]["keys"] = {}

    with TemporaryDirectory() as folder:
        spec = Path(folder) / "openapi.json"
        spec.write_text(json.dumps(_deployed(change)), encoding="utf-8")
        words = ["java", "-jar", str(_SPECMATIC / "specmatic.jar"), "test", str(spec), f"--testBaseURL={url}"]
        more = {"SPECMATIC_GENERATIVE_TESTS": "true", "SPECMATIC_DISABLE_TELEMETRY": "true"}
        done = _run(words, folder, bearerAuth=STANDARD_TOKEN.value, **more)
    found = _TESTS.search(done[1]) if done is not None else None
    if found is None:
        return Said(frozenset(), open="it took too long" if done is None else "it ran no tests")
    return Said(frozenset({f"{found[3]} of {found[1]} tests"}) if int(found[3]) else frozenset())


def _run(words: list[str], folder: str, **more: str) -> tuple[int, str] | None:
    """Runs a command in a folder; gives its exit code and all it printed, None when it took too long."""
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env=_surroundings(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.returncode, done.stdout.decode(errors="replace")


def _specmatic_version() -> str:
    package = json.loads((_SPECMATIC / "package.json").read_bytes())
    return f"npm specmatic {package['version']}"


RIVALS: tuple[Rival, ...] = (
    Rival(
        "schemathesis inside",
        "the suite's second opinion: schemathesis with our rules as its checks and without its false alarms.",
        f"run-results-conformance fuzz URL {' '.join(f'--run {run}' for run in _RUNS)} --policy",
        "install schemathesis",
        True,
        lambda: find_spec("schemathesis") is not None,
        lambda: _version("schemathesis"),
        _ask_inside,
    ),
    Rival(
        "schemathesis",
        "its own command line and defaults, the spec with the ids of two runs as examples.",
        "schemathesis run openapi.json --url URL --seed 0 --no-color \\\n"
        '  --header "Authorization: Bearer $RUN_RESULTS_TOKEN"',
        "install schemathesis",
        True,
        lambda: find_spec("schemathesis") is not None,
        lambda: _version("schemathesis"),
        _ask_schemathesis,
    ),
    Rival(
        "Specmatic",
        "generative tests, the spec with a run id as example, without IB-Context (it makes contexts up, and takes the "
        "refusal for a breach) and with `keys` as any value (it reads a free-form object as a map of strings): with "
        "those two it fails every server.",
        'bearerAuth="$RUN_RESULTS_TOKEN" SPECMATIC_GENERATIVE_TESTS=true \\\n'
        "  java -jar node_modules/specmatic/specmatic.jar test openapi.json --testBaseURL=URL",
        "Java, and npm ci in requirements/node-interop",
        True,
        lambda: shutil.which("java") is not None and (_SPECMATIC / "specmatic.jar").is_file(),
        _specmatic_version,
        _ask_specmatic,
    ),
)
"""The tools that others wrote."""

"""Other tools that judge a server from outside, for comparison, and our `fuzz` command, which uses one of them.

Each is run as its manual says, on our spec. As the spec of a deployment would, it has the deployment's run ids as
examples, and no base path. If a tool accuses every correct server because it misreads the spec, it gets a spec that
avoids this, and `about` says so: a tool that fails every server would find every fault.
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

from run_results_conformance.faults import STANDARD_RUN, STANDARD_TOKEN
from run_results_conformance.server.contract import Contract, load_contract
from run_results_conformance.server.terms import JsonObject

from .tools import Findings, Tool, findings

_RUNS = (STANDARD_RUN, "run-names")
_SECONDS = 280
_SPECMATIC = Path(__file__).parents[2] / "requirements/node-interop/node_modules/specmatic"


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package}, not installed"


def _surroundings(**more: str) -> dict[str, str]:
    """The environment without proxies and stored credentials."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "NO_PROXY": "*", "NETRC": os.devnull, **more}


def _deployed(change: Callable[[JsonObject, Contract], object]) -> JsonObject:
    document: JsonObject = json.loads(json.dumps(load_contract().document))
    document["servers"] = [{"url": "/"}]
    change(document, Contract(document))
    return document


def _parameter(document: JsonObject, place: str) -> Any:
    return next(node for node in document["components"]["parameters"].values() if node["in"] == place)


# --- Our fuzz command ---------------------------------------------------------------------------------------


def _ask_fuzz(url: str, _server: str, seed: int) -> Findings:
    from run_results_conformance.fuzz import fuzz

    return findings(fuzz(url, STANDARD_TOKEN.value, runs=_RUNS, seed=seed, policy=True))


# --- schemathesis ------------------------------------------------------------------------------------------

_FAILED = re.compile(r"^- (.+)$", re.MULTILINE)


def _ask_schemathesis(url: str, _server: str, seed: int) -> Findings:
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
        return Findings(frozenset(), undecided="it took too long")
    code, text = done
    failed = frozenset(" ".join(title.split()) for title in _FAILED.findall(text))
    if code == 0:
        return Findings(frozenset())
    return (
        Findings(failed or frozenset({"failed"}))
        if code == 1
        else Findings(frozenset(), undecided=f"it ended with {code}")
    )


# --- Specmatic ----------------------------------------------------------------------------------------------

_TESTS = re.compile(r"Tests run: (\d+), Successes: (\d+), Failures: (\d+)")


def _ask_specmatic(url: str, _server: str, _seed: int) -> Findings:
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
        return Findings(frozenset(), undecided="it took too long" if done is None else "it ran no tests")
    return Findings(frozenset({f"{found[3]} of {found[1]} tests"}) if int(found[3]) else frozenset())


def _run(words: list[str], folder: str, **more: str) -> tuple[int, str] | None:
    """Runs a command in a folder. Gives its exit code and all it printed, or None if it took too long."""
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


OTHER_TOOLS: tuple[Tool, ...] = (
    Tool(
        "fuzz",
        "our command: schemathesis asks, our rules judge too, and its false alarms are switched off",
        f"run-results-conformance fuzz URL {' '.join(f'--run {run}' for run in _RUNS)} --policy",
        _ask_fuzz,
        requires="pip install schemathesis",
        slow=True,
        available=lambda: find_spec("schemathesis") is not None,
        version=lambda: _version("schemathesis"),
    ),
    Tool(
        "schemathesis",
        "its own command line and defaults; the spec has the ids of two runs as examples",
        "schemathesis run openapi.json --url URL --seed 0 --header 'Authorization: Bearer …'",
        _ask_schemathesis,
        requires="pip install schemathesis",
        slow=True,
        available=lambda: find_spec("schemathesis") is not None,
        version=lambda: _version("schemathesis"),
    ),
    Tool(
        "Specmatic",
        "generative tests; the spec has a run id as example. It has no IB-Context (Specmatic makes contexts up and "
        "takes the refusal for a breach) and `keys` may be any value (Specmatic reads a free-form object as a map of "
        "strings). With those two it fails every server",
        "SPECMATIC_GENERATIVE_TESTS=true java -jar specmatic.jar test openapi.json --testBaseURL=URL",
        _ask_specmatic,
        requires="Java, and npm ci in requirements/node-interop",
        slow=True,
        available=lambda: shutil.which("java") is not None and (_SPECMATIC / "specmatic.jar").is_file(),
        version=_specmatic_version,
    ),
)

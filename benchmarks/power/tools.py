"""The tools that are compared, and the verifier as three of them: with much, little and no knowledge of the runs."""

from collections.abc import Callable, Sequence

from attrs import frozen

from run_results_conformance.faults import STANDARD_RUN, STANDARD_TOKEN, standard_store
from run_results_conformance.verifier.manifest import HERE, KnownRun, Manifest
from run_results_conformance.verifier.report import Report
from run_results_conformance.verifier.rules import Level
from run_results_conformance.verifier.verification import verify

from .servers import manifest_for

SUITE, BY_NAMES, BY_ID = "verifier", "with names", "with ids"


@frozen
class Findings:
    """What a tool reported about a server.

    `complaints` fail the server, `remarks` do not. Both are the tool's words for what is broken; for the verifier they
    are ids of rules. `undecided` says why there is no verdict, if there is none. `requests` is the tool's own count,
    0 if it keeps none.
    """

    complaints: frozenset[str] = frozenset()
    remarks: frozenset[str] = frozenset()
    undecided: str = ""
    requests: int = 0


@frozen
class Tool:
    """A tool that judges servers. `ask(url, server, seed)` runs it on the server of that name at that URL.

    `requires` says what to install if `available` is false. `command` is how a user calls it in a shell. A `slow` tool
    takes several seconds for one server.
    """

    name: str
    about: str
    command: str
    ask: Callable[[str, str, int], Findings]
    requires: str = ""
    slow: bool = False
    available: Callable[[], bool] = lambda: True
    version: Callable[[], str] = lambda: "run-results"


def findings(report: Report) -> Findings:
    """The findings of one of our own reports, as ids of rules."""
    must = frozenset(verdict.rule.id for verdict in report.broken if verdict.rule.level is Level.MUST)
    every = frozenset(verdict.rule.id for verdict in report.broken)
    return Findings(must, every - must, "; ".join(report.obstacles), report.requests)


def _verified(url: str, seed: int, *, manifest: Manifest | None = None, runs: Sequence[str] = ()) -> Findings:
    token = STANDARD_TOKEN.value
    return findings(verify(url, token, runs=runs, manifest=manifest, seed=seed, policy=True, unsafe_methods=True))


def _with_manifest(url: str, server: str, seed: int) -> Findings:
    return _verified(url, seed, manifest=manifest_for(server, url))


def _with_names(url: str, server: str, seed: int) -> Findings:
    known = (run for run in manifest_for(server, url).runs if run.context in (HERE, None))
    runs = tuple(KnownRun(run.id, run.context, names=run.names) for run in known)
    return _verified(url, seed, manifest=Manifest(runs))


def _with_ids(url: str, _server: str, seed: int) -> Findings:
    runs = [run_id for context, run_id in standard_store() if context is None]
    return _verified(url, seed, runs=runs)


_OPTIONS = "--policy --unsafe-methods"
OWN_TOOLS: tuple[Tool, ...] = (
    Tool(
        SUITE,
        "with a manifest of everything that is known of the runs",
        f"run-results-conformance check URL --manifest manifest.json {_OPTIONS}",
        _with_manifest,
    ),
    Tool(
        BY_NAMES,
        "with a manifest of the runs' ids and the project's field names; only for faults of names",
        f"run-results-conformance check URL --manifest names.json {_OPTIONS}",
        _with_names,
    ),
    Tool(
        BY_ID,
        "with the ids of the runs, and no manifest",
        f"run-results-conformance check URL --run {STANDARD_RUN} --run … {_OPTIONS}",
        _with_ids,
    ),
)
"""The verifier, with all that is known of the runs, with their field names, and with their ids alone."""

"""What the measurement of the faults amounts to, as data: `results/faults.json`."""

import json
import platform
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from attrs import frozen

from run_results_conformance.faults import FAMILIES, FAULTS, Fault
from run_results_conformance.verifier.rules import RULES

from .servers import HONEST
from .tools import OWN_TOOLS, SUITE, Tool

RESULTS = Path(__file__).with_name("results")
FAULTS_FILE = RESULTS / "faults.json"

_FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in FAULTS}
_OWN = {tool.name for tool in OWN_TOOLS}


@frozen
class Job:
    """One server that one tool judges, with a seed. `again` numbers the repetitions of the same job."""

    tool: str
    server: str
    seed: int = 0
    again: int = 0


@frozen
class Outcome:
    """What a tool reported about a server, with how many requests and in how many seconds.

    `complaints` fail the server, `remarks` do not. `undecided` says why there is no verdict, if there is none.
    """

    complaints: frozenset[str] = frozenset()
    remarks: frozenset[str] = frozenset()
    requests: int = 0
    seconds: float = 0.0
    undecided: str = ""

    def finds(self, fault: Fault) -> bool:
        """Whether the fault is found: a MUST fault by a complaint, a POLICY fault by a remark too."""
        return bool(self.complaints if fault.level == "MUST" else self.complaints | self.remarks)


Outcomes = Mapping[Job, Outcome]


def missed(outcomes: Outcomes, tool: str, faults: Iterable[Fault] = FAULTS) -> list[Fault]:
    """The faults that the tool judged and did not find."""
    return [fault for fault in faults if (outcome := outcomes.get(Job(tool, fault.name))) and not outcome.finds(fault)]


def accused(outcomes: Outcomes, tool: str) -> dict[str, list[str]]:
    """The correct servers that the tool failed with any seed, and its complaints."""
    found: dict[str, set[str]] = defaultdict(set)
    for job, outcome in outcomes.items():
        if job.tool == tool and job.server not in _FAULTS and outcome.complaints:
            found[job.server] |= outcome.complaints
    return {server: sorted(complaints) for server, complaints in found.items()}


def found_by_one_rule(outcomes: Outcomes) -> dict[str, set[str]]:
    """For each rule the faults that no other rule finds, with any of the verifier's three states of knowledge."""
    faults: dict[str, set[str]] = {rule.id: set() for rule in RULES}
    for job, outcome in outcomes.items():
        if job.server in _FAULTS and job.tool in _OWN:
            rules = outcome.complaints or outcome.remarks
            if len(rules) == 1:
                faults[next(iter(rules))].add(job.server)
    return faults


def summarize(
    outcomes: Outcomes, tools: Sequence[Tool], again: Mapping[str, Sequence[Outcome]], *, minutes: int
) -> dict[str, Any]:
    """The summary of a measurement, as JSON data. `again` has the repeated verdicts by server."""
    alone = found_by_one_rule(outcomes)
    broken = Counter(
        rule
        for job, outcome in outcomes.items()
        if job.tool == SUITE and job.server in _FAULTS
        for rule in outcome.complaints | outcome.remarks
    )
    verdicts = {server: {(each.complaints, each.remarks) for each in found} for server, found in again.items()}
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "python": platform.python_version(),
        "minutes": minutes,
        "faults": {level: _by(FAULTS, lambda fault: fault.family, level) for level in ("MUST", "POLICY")},
        "needs": _by(FAULTS, lambda fault: fault.needs, "MUST"),
        "tools": {tool.name: _tool_summary(outcomes, tool) for tool in tools},
        "repeated": {
            "servers": len(again),
            "times": max(map(len, again.values()), default=0),
            "changing": sorted(server for server, different in verdicts.items() if len(different) > 1),
        },
        "rules": {
            rule.id: {
                "breaks_for": broken[rule.id],
                "finds_alone": len(alone[rule.id]),
                "such_as": sorted(alone[rule.id], key=lambda name: (len(name), name))[:2],
            }
            for rule in RULES
        },
    }


def _by(faults: Iterable[Fault], key: Any, level: str) -> dict[str, int]:
    counted = Counter(key(fault) for fault in faults if fault.level == level)
    order = [*FAMILIES, *dict.fromkeys(fault.needs for fault in FAULTS)]
    return {name: counted[name] for name in order if counted[name]}


def _tool_summary(outcomes: Outcomes, tool: Tool) -> dict[str, Any]:
    own = {job: outcome for job, outcome in outcomes.items() if job.tool == tool.name}
    correct = [job.server for job in own if job.server not in _FAULTS]
    honest = [outcome for job, outcome in own.items() if job.server == HONEST]

    def counts(key: Any, level: str) -> dict[str, list[int]]:
        """For each group of faults how many were found and how many judged."""
        found: dict[str, list[int]] = {}
        for fault in FAULTS:
            outcome = own.get(Job(tool.name, fault.name))
            if outcome is not None and fault.level == level:
                cell = found.setdefault(key(fault), [0, 0])
                cell[0] += outcome.finds(fault)
                cell[1] += 1
        return found

    return {
        "version": tool.version(),
        "about": tool.about,
        "command": tool.command,
        "found": {level: counts(lambda fault: fault.family, level) for level in ("MUST", "POLICY")},
        "found_by_needs": counts(lambda fault: fault.needs, "MUST"),
        "missed": [fault.name for fault in missed(outcomes, tool.name)],
        "undecided": sorted({job.server for job, outcome in own.items() if outcome.undecided}),
        "correct_servers": len(set(correct)),
        "correct_verdicts": len(correct),
        "accused": accused(outcomes, tool.name),
        "requests": _spread([outcome.requests for outcome in honest]),
        "most_requests": max((outcome.requests for outcome in own.values()), default=0),
        "seconds": _spread([round(outcome.seconds, 2) for outcome in honest]),
    }


def _spread(values: Collection[float]) -> list[float]:
    return [min(values), median(values), max(values)] if values else []


def merge(summary: dict[str, Any]) -> None:
    """Writes the summary to `results/faults.json`, and keeps the figures of tools that were not measured this time."""
    before = json.loads(FAULTS_FILE.read_text("utf-8"))["tools"] if FAULTS_FILE.exists() else {}
    kept = {name: figures for name, figures in before.items() if name not in summary["tools"]}
    save(FAULTS_FILE, {**summary, "tools": {**summary["tools"], **kept}})


def save(path: Path, data: object) -> None:
    """Writes data as JSON, indented, so that a change shows in a diff."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")

"""Measures which faults the verifier and other tools find, and which correct servers they accuse.

    python -m benchmarks.power.faults        # what `make power` runs

Every fault of the catalogue is served on a loopback port and judged by each tool that is installed. Then the correct
variants are judged, with many seeds, and some servers again and again. The result is `results/faults.json`, and
docs/power.md is written anew from it.

A fault of level MUST is *found* when the tool fails the server, a fault of level POLICY when it reports anything.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest

from attrs import frozen

from run_results_conformance.faults import FAMILIES, FAULTS, Fault

from .jobs import Ended, run_each
from .other_tools import OTHER_TOOLS
from .page import write_page
from .servers import HONEST, VARIANTS, serving
from .summary import Job, Outcome, accused, merge, missed, summarize
from .tools import BY_ID, BY_NAMES, OWN_TOOLS, SUITE, Tool

REPEATS = 20
"""How many seeds the correct servers are judged with, and how often a verdict is taken again."""

_PROCESSES = 2
_LONGEST = 300.0  # seconds that one tool may take for one server
_SAMPLE = 5  # faults of a family that the slow tools judge, unless all are asked for
_SAMPLE_OF_CORRECT = 20
_SEED = 20250827
_TOOLS: Mapping[str, Tool] = {tool.name: tool for tool in (*OWN_TOOLS, *OTHER_TOOLS)}


def judge(job: Job) -> Outcome:
    """Runs the job's tool on the job's server. Both run in this process, except what a tool starts itself."""
    with serving(job.server) as (url, asked):
        started = time.monotonic()
        found = _TOOLS[job.tool].ask(url, job.server, job.seed)
        seconds = time.monotonic() - started
    return Outcome(found.complaints, found.remarks, found.requests or len(asked), seconds, found.undecided)


def judge_all(jobs: Iterable[Job], progress: Callable[[int], object] = lambda _done: None) -> dict[Job, Outcome]:
    """Does many jobs, each in its own process, two at a time."""
    outcomes: dict[Job, Outcome] = {}
    for job, outcome in run_each(judge, jobs, processes=_PROCESSES, seconds=_LONGEST):
        outcomes[job] = Outcome(undecided=outcome.why, seconds=_LONGEST) if isinstance(outcome, Ended) else outcome
        progress(len(outcomes))
    return outcomes


def sample(count: int, seed: int = _SEED) -> list[Fault]:
    """`count` faults, from every family in turn, MUST before POLICY. The same seed gives the same faults."""
    drawn = random.Random(seed)
    families: list[list[Fault]] = []
    for family in FAMILIES:
        members = [fault for fault in FAULTS if fault.family == family]
        drawn.shuffle(members)
        families.append(sorted(members, key=lambda fault: fault.level != "MUST"))
    return [fault for turn in zip_longest(*families) for fault in turn if fault is not None][:count]


@frozen
class Plan:
    """What is to be judged: each job once, and `again` the same servers repeatedly with the same seed."""

    jobs: tuple[Job, ...]
    again: tuple[Job, ...]


def plan(tools: Sequence[Tool], *, repeats: int, full: bool, only: str = "") -> Plan:
    """The jobs for these tools; with `only` for the servers whose name holds that text."""
    names = [tool.name for tool in tools]
    correct = [HONEST, *VARIANTS]
    steady = [HONEST, *(fault.name for fault in sample(2 * len(FAMILIES)))]
    jobs = [
        *(Job(tool, fault.name) for tool in (SUITE, BY_ID) for fault in FAULTS),
        *(Job(BY_NAMES, fault.name) for fault in FAULTS if fault.needs == "project names"),
        *(Job(SUITE, server, seed) for seed in range(repeats) for server in correct),
        *(Job(tool, server) for tool in (BY_NAMES, BY_ID) for server in correct),
        *(Job(tool.name, server) for tool in tools if tool.slow for server in _servers_for_slow(full=full)),
    ]
    again = [Job(SUITE, server, again=number) for server in steady for number in range(1, repeats + 1)]

    def wanted(jobs: Iterable[Job]) -> Iterator[Job]:
        return (job for job in jobs if job.tool in names and only in job.server)

    return Plan(tuple(wanted(jobs)), tuple(wanted(again)))


def _servers_for_slow(*, full: bool) -> list[str]:
    """The servers that a slow tool judges: all, or a sample of every family and of the correct variants."""
    if full:
        return [HONEST, *VARIANTS, *(fault.name for fault in FAULTS)]
    drawn = sample(len(FAULTS))
    few = [fault.name for family in FAMILIES for fault in [each for each in drawn if each.family == family][:_SAMPLE]]
    return [HONEST, *list(VARIANTS)[:: max(1, len(VARIANTS) // _SAMPLE_OF_CORRECT)], *few]


def main(arguments: Sequence[str] | None = None) -> int:
    """Takes the measurement and writes it down. Gives 1 if the verifier misses a fault or accuses a correct server."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.power.faults", description="Measure the verifier.")
    parser.add_argument("--full", action="store_true", help="let the slow tools judge every fault")
    parser.add_argument("--alone", action="store_true", help="only the verifier; keep the other tools' figures")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="seeds, and how often verdicts are taken again")
    parser.add_argument("--only", default="", metavar="TEXT", help="only servers named like this; write nothing")
    options = parser.parse_args(arguments)

    tools = [*OWN_TOOLS]
    for tool in () if options.alone else OTHER_TOOLS:
        if tool.available():
            tools.append(tool)
        else:
            print(f"SKIPPED: {tool.name} (needs {tool.requires})", flush=True)
    planned = plan(tools, repeats=options.repeats, full=options.full, only=options.only)
    started = time.monotonic()
    total = len(planned.jobs) + len(planned.again)

    def progress(done: int) -> None:
        if done % 100 == 0 or done == total:
            print(f"{done} of {total} verdicts, {time.monotonic() - started:.0f} s", flush=True)

    outcomes = judge_all([*planned.jobs, *planned.again], progress)
    again: dict[str, list[Outcome]] = {}
    for job in planned.again:
        again.setdefault(job.server, []).append(outcomes.pop(job))
    wrong = {**accused(outcomes, SUITE), **accused(outcomes, BY_ID)}
    print("missed:", *(fault.name for fault in missed(outcomes, SUITE)))
    print("accused:", *wrong)
    if not options.only:
        merge(summarize(outcomes, tools, again, minutes=round((time.monotonic() - started) / 60)))
        write_page()
    return 1 if missed(outcomes, SUITE) or wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())

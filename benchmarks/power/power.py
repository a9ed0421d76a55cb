"""Measures how much a verifier sees: which faults it finds, and whom it accuses wrongly.

    python -m benchmarks.power.power        # what `make power` runs; writes docs/power.md

Every fault of the catalogue is served on a loopback port and judged by each tool that is here (`rivals` has
those that others wrote); then the correct variants are judged, over many seeds, and some servers again and again.

A fault of level MUST is *found* when the tool fails the server, a fault of level POLICY when it says anything.
A *unique kill* of a rule is a fault that the suite finds by that rule alone: without the rule it would be missed.
"""

import argparse
import json
import platform
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import zip_longest
from pathlib import Path
from statistics import median
from urllib.parse import quote

from attrs import evolve, field, frozen
from starlette.types import ASGIApp, Receive, Scope, Send

from run_results_conformance.faults import (
    CORRECT,
    FAMILIES,
    FAULTS,
    STANDARD_PAGE_SIZE,
    STANDARD_RUN,
    STANDARD_TOKEN,
    Fault,
    Variant,
    faulty,
    standard_store,
)
from run_results_conformance.server.contract import load_contract
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.serving import serve
from run_results_conformance.verifier.connection import TOKEN, Address, Request, Wire
from run_results_conformance.verifier.manifest import HERE, KnownRun, Manifest
from run_results_conformance.verifier.report import Report
from run_results_conformance.verifier.rules import RULES, Level
from run_results_conformance.verifier.verification import verify

from .processes import Ended, run_each
from .rivals import RIVALS, Rival, Said

HONEST = "reference"
"""The name, among servers, of the reference server itself."""
SUITE, BY_NAMES, BY_ID = "suite", "suite by names", "suite by ids"
REPEATS = 20
"""How often a verdict is taken again, and over how many seeds nobody innocent may be accused."""

_PROCESSES = 2
_LONGEST = 300.0  # seconds that one tool may take for one server
_SAMPLE = 5  # faults of a family that the slow tools judge, unless all are asked for
_SAMPLE_OF_CORRECT = 20
_SEED = 20250827
_VARIANTS: Mapping[str, Variant] = {variant.name: variant for variant in CORRECT}
_FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in FAULTS}


@frozen
class Job:
    """One server to be judged by one tool, for the `again`-th time with the same seed."""

    tool: str
    server: str
    seed: int = 0
    again: int = 0


@frozen
class Outcome:
    """What a tool made of a server.

    `complaints` fail it, `remarks` do not; both are the tool's words for what was broken, for the suite the ids
    of rules. `requests` are those that reached the server. `open` says why there is no verdict, if there is none.
    """

    complaints: frozenset[str] = frozenset()
    remarks: frozenset[str] = frozenset()
    requests: int = 0
    seconds: float = 0.0
    open: str = ""

    def finds(self, fault: Fault) -> bool:
        """Whether the fault is found: a POLICY fault may be found by a remark."""
        return bool(self.found_by(fault))

    def found_by(self, fault: Fault) -> frozenset[str]:
        """The complaints, and for a POLICY fault the remarks, that find it."""
        return self.complaints if fault.level == "MUST" else self.complaints | self.remarks


Outcomes = Mapping[Job, Outcome]


# --- Servers ------------------------------------------------------------------------------------------------


@frozen
class _Counter:
    """An application, and how many requests it was asked."""

    app: ASGIApp
    asked: list[None] = field(factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(None)
        await self.app(scope, receive, send)


@contextmanager
def _serving(name: str) -> Iterator[tuple[str, list[None]]]:
    """Serves a fault, a correct variant or the honest server by name; gives its URL, and a list that grows."""
    make: Callable[..., ASGIApp] = ReferenceServer if name == HONEST else lambda *a, **k: faulty(name, *a, **k)
    counter = _Counter(make(standard_store(), STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE))
    with serve(counter) as served:
        yield served.url, counter.asked


@cache
def _all_known() -> Manifest:
    return Manifest.of(standard_store(), may_act_in=STANDARD_TOKEN.may_act_in)


def manifest_for(server: str, url: str) -> Manifest:
    """All that is known of the standard runs, less what a correct variant answers otherwise than they are.

    A correct variant stands for a server whose runs are as it says: what it names in `unlike` is not known of it,
    and neither are values where its answers hold others. That something optional is absent is no other value.
    """
    variant = _VARIANTS.get(server)
    if variant is None:
        return _all_known()
    forgotten = {"status": "status", "file count": "files", "project names": "names"}
    unlike: set[str] = {forgotten[what] for what in variant.unlike if what in forgotten}
    if not _answers_as_stored(url):
        unlike |= {"content", "properties"}

    def forget(run: KnownRun) -> KnownRun:
        properties = {} if "properties" in unlike else {k: v for k, v in run.properties.items() if k not in unlike}
        content = None if unlike & {"files", "names", "content"} else run.content
        return evolve(
            run,
            status=None if "status" in unlike else run.status,
            files=None if "files" in unlike else run.files,
            names=None if "names" in unlike else run.names,
            properties=properties,
            content=content,
        )

    return Manifest(tuple(forget(run) for run in _all_known().runs))


def _answers_as_stored(url: str) -> bool:
    """Whether the first pages of all runs hold no value that the store holds otherwise."""
    contract, store = load_contract(), standard_store()
    flags = "&".join(f"{flag}=true" for flag in contract.flags)
    with Wire(Address.of(url), STANDARD_TOKEN.value) as wire:
        for context, run_id in store:
            run = store.find(run_id, context)
            if context is not None or run is None:
                continue
            target = f"{contract.path.replace('{run_id}', quote(run_id, safe=''))}?{flags}"
            answer = wire.send(Request(target, (("Authorization", f"Bearer {TOKEN}"), ("Accept-Encoding", "identity"))))
            if answer.status != 200:
                continue
            page = json.loads(answer.body)
            files = run.files(0, min(len(page[contract.pagination.items]), run.file_count))
            stored = contract.project({**run.header, contract.pagination.items: files}, frozenset(contract.flags))
            if not _agree(stored, page):
                return False
    return True


def _agree(stored: object, answered: object) -> bool:
    """Whether what is in both is the same."""
    if isinstance(stored, Mapping) and isinstance(answered, Mapping):
        return all(_agree(part, answered[name]) for name, part in stored.items() if name in answered)
    if isinstance(stored, list) and isinstance(answered, list):
        return len(stored) == len(answered) and all(map(_agree, stored, answered))
    return stored == answered


# --- Tools --------------------------------------------------------------------------------------------------


def said(report: Report) -> Said:
    """What a report says, in the ids of rules."""
    must = frozenset(verdict.rule.id for verdict in report.broken if verdict.rule.level is Level.MUST)
    every = frozenset(verdict.rule.id for verdict in report.broken)
    return Said(must, every - must, "; ".join(report.obstacles), report.requests)


def _verified(url: str, seed: int, *, manifest: Manifest | None = None, runs: Sequence[str] = ()) -> Said:
    token = STANDARD_TOKEN.value
    return said(verify(url, token, runs=runs, manifest=manifest, seed=seed, policy=True, unsafe_methods=True))


def _suite(url: str, server: str, seed: int) -> Said:
    return _verified(url, seed, manifest=manifest_for(server, url))


def _suite_by_names(url: str, server: str, seed: int) -> Said:
    known = (run for run in manifest_for(server, url).runs if run.context in (HERE, None))
    runs = tuple(KnownRun(run.id, run.context, names=run.names) for run in known)
    return _verified(url, seed, manifest=Manifest(runs))


def _suite_by_id(url: str, _server: str, seed: int) -> Said:
    runs = [run_id for context, run_id in standard_store() if context is None]
    return _verified(url, seed, runs=runs)


_OURS: Mapping[str, tuple[str, Callable[[str, str, int], Said]]] = {
    SUITE: ("run-results-conformance check URL --manifest manifest.json --policy --unsafe-methods", _suite),
    BY_NAMES: ("run-results-conformance check URL --manifest names.json --policy --unsafe-methods", _suite_by_names),
    BY_ID: (f"run-results-conformance check URL --run {STANDARD_RUN} --run … --policy --unsafe-methods", _suite_by_id),
}
_RIVALS = {rival.name: rival for rival in RIVALS}


def judge(job: Job) -> Outcome:
    """Lets the job's tool judge the job's server, both in this process (what a tool starts itself aside)."""
    ask = _OURS[job.tool][1] if job.tool in _OURS else _RIVALS[job.tool].ask
    with _serving(job.server) as (url, asked):
        started = time.monotonic()
        heard = ask(url, job.server, job.seed)
        seconds = time.monotonic() - started
    return Outcome(heard.complaints, heard.remarks, heard.requests or len(asked), seconds, heard.open)


def judge_all(jobs: Iterable[Job], progress: Callable[[int], object] = lambda _done: None) -> dict[Job, Outcome]:
    """Does many jobs, each in a process of its own, two at a time."""
    outcomes: dict[Job, Outcome] = {}
    for job, outcome in run_each(judge, jobs, processes=_PROCESSES, seconds=_LONGEST):
        outcomes[job] = Outcome(open=outcome.why, seconds=_LONGEST) if isinstance(outcome, Ended) else outcome
        progress(len(outcomes))
    return outcomes


def sample(count: int, seed: int = _SEED) -> list[Fault]:
    """So many faults, the same for the same seed, taken from every family in turn, MUST before POLICY."""
    drawn = random.Random(seed)
    families: list[list[Fault]] = []
    for family in FAMILIES:
        members = [fault for fault in FAULTS if fault.family == family]
        drawn.shuffle(members)
        families.append(sorted(members, key=lambda fault: fault.level != "MUST"))
    return [fault for turn in zip_longest(*families) for fault in turn if fault is not None][:count]


# --- What it comes to ---------------------------------------------------------------------------------------


def survivors(outcomes: Outcomes, tool: str, faults: Iterable[Fault] = FAULTS) -> list[Fault]:
    """The faults that the tool judged and did not find."""
    return [fault for fault in faults if (outcome := outcomes.get(Job(tool, fault.name))) and not outcome.finds(fault)]


def accused(outcomes: Outcomes, tool: str) -> dict[str, frozenset[str]]:
    """The correct servers that the tool failed over any seed, with its complaints."""
    found: dict[str, frozenset[str]] = defaultdict(frozenset)
    for job, outcome in outcomes.items():
        if job.tool == tool and job.server not in _FAULTS and outcome.complaints:
            found[job.server] |= outcome.complaints
    return dict(found)


def unique_kills(outcomes: Outcomes) -> dict[str, set[str]]:
    """For each rule the faults that it alone finds, under any of the three states of knowledge."""
    kills: dict[str, set[str]] = {rule.id: set() for rule in RULES}
    for job, outcome in outcomes.items():
        fault = _FAULTS.get(job.server)
        if fault is None or job.tool not in _OURS:
            continue
        # Where rules of level POLICY alone say something, they are what finds it.
        found = outcome.complaints or outcome.remarks
        if len(found) == 1:
            kills[next(iter(found))].add(fault.name)
    return kills


# --- The page -----------------------------------------------------------------------------------------------


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> list[str]:
    """A table in the lines of a Markdown page."""
    lines = [head, ["---"] * len(head), *rows]
    return ["", *("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines), ""]


def _kill_table(outcomes: Outcomes, tools: Sequence[str], level: str) -> list[str]:
    rows: list[list[object]] = []
    totals: dict[str, Counter[bool]] = {tool: Counter() for tool in tools}
    for family in FAMILIES:
        faults = [fault for fault in FAULTS if fault.family == family and fault.level == level]
        if not faults:
            continue
        cells: list[object] = []
        for tool in tools:
            verdicts = Counter(
                outcome.finds(fault) for fault in faults if (outcome := outcomes.get(Job(tool, fault.name)))
            )
            totals[tool] += verdicts
            cells.append(f"{verdicts[True]} of {verdicts.total()}" if verdicts else "–")
        rows.append([family, len(faults), *cells])
    summed = [f"**{totals[tool][True]} of {totals[tool].total()}**" for tool in tools]
    return table(["family", "faults", *tools], [*rows, ["**all**", sum(f.level == level for f in FAULTS), *summed]])


def _needs_table(outcomes: Outcomes) -> list[str]:
    """What our own tool finds of the MUST faults, by what one has to know to see them."""
    rows: list[list[object]] = []
    for needs in dict.fromkeys(fault.needs for fault in FAULTS):
        faults = [fault for fault in FAULTS if fault.needs == needs and fault.level == "MUST"]
        cells: list[object] = []
        for tool in _OURS:
            judged = sum(Job(tool, fault.name) in outcomes for fault in faults)
            cells.append(f"{judged - len(survivors(outcomes, tool, faults))} of {judged}" if judged else "–")
        rows.append([needs, len(faults), *cells])
    return table(["what has to be known", "faults", *_OURS], rows)


def _spread(values: Collection[float], digits: int = 0) -> str:
    if not values:
        return "–"
    return " / ".join(f"{value:.{digits}f}" for value in (min(values), median(values), max(values)))


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def page(outcomes: Outcomes, tools: Sequence[str], repeats: Mapping[str, Sequence[Outcome]], seconds: float) -> str:
    """The measurement as Markdown."""
    lines = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with Python {platform.python_version()}, {_PROCESSES} processes, in "
        f"{seconds / 60:.0f} minutes; seed {_SEED}.",
        "",
        "### Faults found",
        "",
        f"{len(FAULTS)} servers with one breach each. *suite* is told all that is known of the runs (a manifest), "
        "*suite by ids* the ids of the runs and no more, *suite by names* the project's field names besides. A cell "
        "says how many faults of the family the tool found, of those that it judged; slow tools judge a sample unless "
        "the measurement is taken with `--full`.",
        "",
        "Faults of level MUST, found when the tool fails the server:",
        *_kill_table(outcomes, tools, "MUST"),
        "Faults of level POLICY (the contract is silent), found when the tool reports anything:",
        *_kill_table(outcomes, tools, "POLICY"),
        "What must be known beforehand, besides a run's id and a token, to see a MUST fault at all:",
        *_needs_table(outcomes),
        "### Correct servers accused",
        *table(
            ["tool", "servers", "verdicts", "accused", "by"],
            [
                [
                    tool,
                    len({job.server for job in outcomes if job.tool == tool and job.server not in _FAULTS}),
                    sum(job.tool == tool and job.server not in _FAULTS for job in outcomes),
                    len(accused(outcomes, tool)),
                    "; ".join(f"`{name}`: {', '.join(sorted(by))}" for name, by in accused(outcomes, tool).items())
                    or "–",
                ]
                for tool in tools
            ],
        ),
        *_cost(outcomes, tools),
        *_stability(repeats),
        "### What was missed",
        "",
    ]
    for tool in tools:
        missed = survivors(outcomes, tool)
        unseen = [job.server for job, outcome in outcomes.items() if job.tool == tool and outcome.open]
        lines += [f"*{tool}* missed {len(missed)}: {_code(fault.name for fault in missed)}.", ""]
        if unseen and tool in _OURS:
            lines += [f"It could not judge everything of {len(unseen)}: {_code(dict.fromkeys(unseen))}.", ""]
    return "\n".join([*lines, *_rules(outcomes), *_commands(tools)])


def _cost(outcomes: Outcomes, tools: Sequence[str]) -> list[str]:
    rows: list[list[object]] = []
    for tool in tools:
        honest = [outcome for job, outcome in outcomes.items() if job.tool == tool and job.server == HONEST]
        every = [outcome for job, outcome in outcomes.items() if job.tool == tool]
        rows.append(
            [
                tool,
                _spread([outcome.requests for outcome in honest]),
                _spread([outcome.seconds for outcome in honest], 2),
                _spread([outcome.requests for outcome in every]),
                _spread([outcome.seconds for outcome in every], 2),
            ]
        )
    head = [
        "tool",
        "requests, honest server",
        "seconds, honest server",
        "requests, every server",
        "seconds, every server",
    ]
    return ["### Requests and seconds for a server", "", "Least / median / most.", *table(head, rows)]


def _stability(repeats: Mapping[str, Sequence[Outcome]]) -> list[str]:
    words = {name: len({(each.complaints, each.remarks) for each in runs}) for name, runs in repeats.items()}
    changing = [name for name, verdicts in words.items() if verdicts > 1]
    times = {len(runs) for runs in repeats.values()}
    return [
        "### The same verdict again",
        "",
        f"{len(words)} servers were judged {max(times, default=0)} times each by the suite, with the same seed. The "
        f"same rules were broken every time for {len(words) - len(changing)} of them; not so: {_code(changing)}.",
        "",
    ]


def _rules(outcomes: Outcomes) -> list[str]:
    kills = unique_kills(outcomes)
    counted: Counter[str] = Counter()
    for job, outcome in outcomes.items():
        if job.tool in _OURS and job.server in _FAULTS:
            counted.update((outcome.complaints | outcome.remarks) if job.tool == SUITE else ())
    idle = [rule for rule in kills if not kills[rule]]
    return [
        "### What each rule finds alone",
        "",
        f"Of {len(kills)} rules, {len(idle)} have no unique kill: {_code(idle)}.",
        *table(
            ["rule", "level", "breaks for", "alone", "such as"],
            [
                [
                    f"`{rule.id}`",
                    rule.level,
                    counted[rule.id],
                    len(kills[rule.id]),
                    _code(sorted(kills[rule.id], key=lambda name: (len(name), name))[:2]) if kills[rule.id] else "–",
                ]
                for rule in RULES
            ],
        ),
    ]


def _commands(tools: Sequence[str]) -> list[str]:
    lines = ["### Commands", ""]
    for tool in tools:
        if tool in _OURS:
            lines += [f"*{tool}*:", "", "```sh", _OURS[tool][0], "```", ""]
        else:
            rival = _RIVALS[tool]
            lines += [f"*{tool}* ({rival.version()}): {rival.about}", "", "```sh", rival.command, "```", ""]
    return lines


def write_section(path: Path, name: str, text: str) -> None:
    """Puts text into a page between the two comments that mark the section, which must be there."""
    start, end = f"<!-- {name}: written by the run -->", f"<!-- {name}: end -->"
    old = path.read_text(encoding="utf-8")
    if old.count(start) != 1 or old.count(end) != 1 or old.index(start) > old.index(end):
        raise ValueError(f"{path} has no section {name!r}")
    before, _, rest = old.partition(start)
    _, _, after = rest.partition(end)
    path.write_text(f"{before}{start}\n\n{text.strip()}\n\n{end}{after}", encoding="utf-8")


# --- The run ------------------------------------------------------------------------------------------------


def _servers_for(rival: Rival, *, full: bool) -> list[str]:
    """The servers that a tool is asked about: all, or for a slow one a sample."""
    if full or not rival.slow:
        return [HONEST, *_VARIANTS, *_FAULTS]
    drawn = sample(len(FAULTS))
    few = [fault.name for family in FAMILIES for fault in [each for each in drawn if each.family == family][:_SAMPLE]]
    return [HONEST, *list(_VARIANTS)[:: max(1, len(_VARIANTS) // _SAMPLE_OF_CORRECT)], *few]


def main(arguments: Sequence[str] | None = None) -> int:
    """Takes the measurement and writes the page. Gives 1 when the suite misses a fault or accuses anyone, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.power.power", description="Measure the suite.")
    parser.add_argument("--page", type=Path, help="the page whose section is written; without one, print it")
    parser.add_argument("--full", action="store_true", help="let the slow tools judge every fault")
    parser.add_argument("--alone", action="store_true", help="leave out the tools that others wrote")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="seeds, and verdicts taken again")
    options = parser.parse_args(arguments)

    rivals = [] if options.alone else [rival for rival in RIVALS if rival.available()]
    for rival in [] if options.alone else RIVALS:
        if rival not in rivals:
            print(f"SKIPPED: {rival.name} is not here ({rival.wanted})", flush=True)
    tools = [*_OURS, *(rival.name for rival in rivals)]
    everyone = [HONEST, *_VARIANTS]
    jobs = [
        *(Job(tool, fault.name) for tool in (SUITE, BY_ID) for fault in FAULTS),
        *(Job(BY_NAMES, fault.name) for fault in FAULTS if fault.needs == "project names"),
        *(Job(SUITE, server, seed) for seed in range(options.repeats) for server in everyone),
        *(Job(tool, server) for tool in (BY_NAMES, BY_ID) for server in everyone),
        *(Job(rival.name, server) for rival in rivals for server in _servers_for(rival, full=options.full)),
    ]
    steady = [HONEST, *(fault.name for fault in sample(2 * len(FAMILIES)))]
    again = [Job(SUITE, server, again=number) for server in steady for number in range(1, options.repeats + 1)]
    started = time.monotonic()
    total = len(jobs) + len(again)

    def progress(done: int) -> None:
        if done % 100 == 0 or done == total:
            print(f"{done} of {total} verdicts, {time.monotonic() - started:.0f} s", flush=True)

    outcomes = judge_all([*jobs, *again], progress)
    repeats = {server: [outcomes.pop(job) for job in again if job.server == server] for server in steady}
    text = page(outcomes, tools, repeats, time.monotonic() - started)
    if options.page is None:
        print(text)
    else:
        write_section(options.page, "power", text)
    missed, wronged = survivors(outcomes, SUITE), accused(outcomes, SUITE) | accused(outcomes, BY_ID)
    print(f"missed: {_code(fault.name for fault in missed)}\naccused: {_code(wronged)}")
    return 1 if missed or wronged else 0


if __name__ == "__main__":
    raise SystemExit(main())

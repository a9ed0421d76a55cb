"""Writes docs/power.md from the results: what was measured, how, and what is not found."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
PAGE = Path(__file__).parents[2] / "docs" / "power.md"

_SUITE, _BY_NAMES, _BY_ID = "verifier", "with names", "with ids"


def write_page() -> None:
    """Writes docs/power.md from `results/faults.json` and `results/mutants.json`."""
    PAGE.write_text(power_page(), "utf-8")


def power_page() -> str:
    """The page, in Markdown."""
    faults, mutants = (json.loads((RESULTS / f"{name}.json").read_text("utf-8")) for name in ("faults", "mutants"))
    return "\n".join([*_introduction(faults), *_faults(faults), *_correct(faults), *_mutants(mutants)]) + "\n"


def _introduction(faults: Mapping[str, Any]) -> Iterator[str]:
    total = sum(sum(families.values()) for families in faults["faults"].values())
    tool = faults["tools"][_SUITE]
    yield f"""# How much the verifier finds

<!-- Written by `make power` and `make mutants`, from the files in benchmarks/power/results; a test holds that it is fresh. -->

`run-results-conformance check` says that a server conforms. How much is that worth? Two measurements answer it:

- **Faults** (`make power`): {total} servers with one deliberate breach each, and {tool["correct_servers"]} servers that are correct
  but differ from each other. How many faults are found, and is a correct server ever accused?
- **Mutants** (`make mutants`): the reference server with one small change in its source, made by a program.

What each tool missed, and what each rule found, is in [faults.json](../benchmarks/power/results/faults.json); every mutant that
survived, and why, is in [mutants.json](../benchmarks/power/results/mutants.json).
[benchmarks/power](../benchmarks/power/README.md) says how to measure again.

## How it was measured

On {faults["measured"]} with Python {faults["python"]}, in {faults["minutes"]} minutes. All servers answer on a loopback port and serve the same small store.
Slow tools judge a sample of every family. The tools:
"""
    for name, figures in faults["tools"].items():
        version = "" if figures["version"] == "run-results" else f" ({figures['version']})"
        yield f"- **{name}**{version}: {figures['about']}."


def _faults(faults: Mapping[str, Any]) -> Iterator[str]:
    tools = faults["tools"]
    yield "\n## Faults found\n"
    yield "Each cell says how many of the faults a tool found. If it judged only some of them, it says of how many."
    yield "\nFaults that break what the contract requires (level MUST). A fault counts as found if the tool fails the server."
    yield from _by_family(faults, "MUST")
    yield "Faults where the contract is silent (level POLICY). A fault counts as found if the tool reports anything."
    yield from _by_family(faults, "POLICY")
    yield "## What is not found, and why\n"
    missed = tools[_SUITE]["missed"]
    yield (
        f"With a manifest the verifier misses {len(missed)}: {_code(missed)}. "
        if missed
        else ("With a manifest the verifier finds every fault.")
    )
    yield "Some faults show only to those who know the runs. MUST faults by what one has to know besides a run's id and a token:"
    own = [name for name in (_SUITE, _BY_NAMES, _BY_ID) if name in tools]
    rows = [
        [needs, count, *(_cell(tools[name]["found_by_needs"].get(needs), count) for name in own)]
        for needs, count in faults["needs"].items()
    ]
    yield from _table(["what has to be known", "faults", *own], rows)
    if _BY_ID in tools:
        undecided = tools[_BY_ID]["undecided"]
        yield f"So with ids alone {len(tools[_BY_ID]['missed'])} faults are missed. The report lists the rules that could not be judged, and what they need: [the rules](rules.md) that need a manifest."
        yield f"\nMissed with ids alone: {_code(tools[_BY_ID]['missed'])}.\n"
        yield f"{len(undecided)} servers cannot be judged completely, because their answers cannot be read; they exit with 1 or 2, never with 0."
    idle = [rule for rule, figures in faults["rules"].items() if not figures["finds_alone"]]
    yield (
        f"\nOf the {len(faults['rules'])} rules, {len(faults['rules']) - len(idle)} find at least one fault that no other rule finds"
        + (f"; not so: {_code(idle)}." if idle else ".")
    )


def _by_family(faults: Mapping[str, Any], level: str) -> Iterator[str]:
    tools = {name: each["found"][level] for name, each in faults["tools"].items() if each["found"][level]}
    rows: list[list[object]] = [
        [family, count, *(_cell(found.get(family), count) for found in tools.values())]
        for family, count in faults["faults"][level].items()
    ]
    total = sum(faults["faults"][level].values())
    sums = [[sum(cell[part] for cell in found.values()) for part in (0, 1)] for found in tools.values()]
    yield from _table(["family", "faults", *tools], [*rows, ["**all**", total, *(_cell(each, total) for each in sums)]])


def _cell(cell: Sequence[int] | None, count: int) -> str:
    if not cell:
        return "–"
    return str(cell[0]) if cell[1] == count else f"{cell[0]} of {cell[1]}"


def _correct(faults: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Correct servers accused, and what a verdict costs\n"
    yield "Requests and seconds are those for the reference server (median). Seconds are of the machine that measured."
    rows: list[list[object]] = []
    for name, figures in faults["tools"].items():
        accused = "; ".join(f"`{server}`: {', '.join(why)}" for server, why in figures["accused"].items())
        requests, seconds = (f"{figures[what][1]:g}" if figures[what] else "–" for what in ("requests", "seconds"))
        rows.append(
            [name, figures["correct_servers"], figures["correct_verdicts"], accused or "none", requests, seconds]
        )
    yield from _table(["tool", "correct servers", "verdicts", "accused", "requests", "seconds"], rows)
    repeated = faults["repeated"]
    changing = f"all but {_code(repeated['changing'])}" if repeated["changing"] else "all"
    yield (
        f"{repeated['servers']} servers were judged {repeated['times']} times with the same seed: the same rules were broken every "
        f"time for {changing} of them. No server was sent more than {faults['tools'][_SUITE]['most_requests']} requests."
    )


_KINDS = {
    "equivalent": "no request tells it from the reference server",
    "allowed": "answers differently, as a correct server may",
    "unseen": "its breach shows in no request that the verifier sends",
    "unexplained": "nobody has looked into it yet",
}


def _mutants(mutants: Mapping[str, Any]) -> Iterator[str]:
    survivors = mutants["survivors"]
    modules = " and ".join(f"`{name}.py`" for name in mutants["modules"])
    yield "\n## Mutants of the reference server\n"
    yield f"{mutants['made']} mutants of {modules} were served and verified with a manifest, in {mutants['minutes']} minutes."
    counts = {kind: sum(map(len, reasons.values())) for kind, reasons in survivors.items()}
    yield from _table(
        ["mutants", ""],
        [
            ("made", mutants["made"]),
            ("detected", mutants["detected"]),
            ("of these because the server could not be judged (exit code 2)", mutants["only_undecided"]),
            *((f"survived, {kind}: {_KINDS[kind]}", count) for kind, count in counts.items()),
            ("**detected, of those that are neither equivalent nor allowed**", f"**{mutants['percent']} %**"),
        ],
    )
    rules = ", ".join(f"`{rule}` ({count})" for rule, count in mutants["rules"].items())
    yield f"Most were found by {rules}."
    for kind in ("unseen", "unexplained"):
        if kind in survivors:
            yield f"\nSurvivors that are *{kind}*, by reason:\n"
            for reason, names in survivors[kind].items():
                yield f"- {reason} ({len(names)})"


def _table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["", *("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines), ""]


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    write_page()

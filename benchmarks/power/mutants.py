"""Measures which mutants of the reference server the verifier finds: its source with one small change each.

    python -m benchmarks.power.mutants        # what `make mutants` runs

The catalogue of faults has what somebody thought of; mutants are found by a program. A mutant is *detected* if the
verifier does not pass it (exit code 1 or 2), if it does not start, or if it hangs. A mutant that survives answers like
the reference server, or like another correct server, or its breach shows in no request that the verifier sends.
`survivors.txt` says for each which of the three it is, and why; that file is written by hand. The result is
`results/mutants.json`, and docs/power.md is written anew from it.

The mutator is our own, because the common ones run a test command on a changed file for each mutant. Here a mutant is
built, served and judged inside one process; otherwise a measurement takes hours.
"""

import argparse
import ast
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from run_results_conformance.faults import STANDARD_PAGE_SIZE, STANDARD_TOKEN, standard_store
from run_results_conformance.server.serving import serve
from run_results_conformance.verifier.manifest import Manifest
from run_results_conformance.verifier.verification import verify

from .jobs import Ended, run_each
from .mutations import MODULES, PACKAGE, Mutant, changes, find_mutants, source
from .page import write_page
from .summary import RESULTS, Outcome, save
from .tools import findings

LEAST = 95.0
"""The share of the mutants, without the equivalent and the allowed ones, that must be detected, in percent."""
SURVIVORS = Path(__file__).with_name("survivors.txt")
MUTANTS_FILE = RESULTS / "mutants.json"

_BASE = "/api"
_SECONDS = 90.0
_UNDECIDED = "cannot be judged"


@cache
def explained() -> Mapping[str, tuple[str, str]]:
    """The survivors that are explained: by name the kind (`equivalent`, `allowed`, `unseen`) and the reason."""
    found: dict[str, tuple[str, str]] = {}
    kind = reason = ""
    for line in SURVIVORS.read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            found[line.strip()] = (kind, reason)
        elif line and not line.startswith("#"):
            kind, _, reason = line.partition(": ")
    return found


# --- Building and judging one -------------------------------------------------------------------------------


class _Replacer(ast.NodeTransformer):
    def __init__(self, target: ast.AST, change: ast.AST) -> None:
        self._target = target
        self._change = change

    def visit(self, node: ast.AST) -> Any:
        return ast.copy_location(self._change, node) if node is self._target else self.generic_visit(node)


def _load(mutant: Mutant | None) -> ModuleType:
    """The reference module with the mutant in it, or in the contract module below it."""
    loaded: dict[str, ModuleType] = {}
    for module in MODULES:
        path, tree = source(module)
        if mutant is not None and mutant.module == module:
            node = next(each for place, each in enumerate(ast.walk(tree)) if place == mutant.place)
            change = list(changes(node))[mutant.choice]
            tree = ast.fix_missing_locations(_Replacer(node, change).visit(tree))
        name = f"{PACKAGE}.{module}"
        loaded[name] = made = ModuleType(name)
        made.__package__ = PACKAGE
        made.__file__ = str(path)
        honest = {each: import_module(each) for each in loaded}
        sys.modules.update(loaded)
        try:
            exec(compile(tree, str(path), "exec"), made.__dict__)
        finally:
            sys.modules.update(honest)
    return loaded[f"{PACKAGE}.{MODULES[-1]}"]


def judge(mutant: Mutant | None) -> Outcome:
    """What the verifier reports about a mutant; None is the reference server without a change."""
    started = time.monotonic()
    try:
        module = _load(mutant)
        token = module.Token(STANDARD_TOKEN.value, STANDARD_TOKEN.contexts, STANDARD_TOKEN.default_context)
        server = module.ReferenceServer(
            standard_store(), token, page_size=STANDARD_PAGE_SIZE, compress=True, base_path=_BASE
        )
    except Exception as error:  # noqa: BLE001 - a server that does not start is never used
        return Outcome(frozenset({f"does not start: {type(error).__name__}"}))
    with serve(server) as served:
        report = verify(
            served.url + _BASE,
            STANDARD_TOKEN.value,
            manifest=Manifest.of(standard_store(), may_act_in=STANDARD_TOKEN.may_act_in),
            policy=True,
            unsafe_methods=True,
            timeout=5.0,
        )
    found = findings(report)
    seconds = time.monotonic() - started
    return Outcome(found.complaints, found.remarks, found.requests, seconds, found.undecided)


def reached_lines() -> dict[str, set[int]]:
    """The lines of each module that run while the reference server starts and is verified."""
    paths = {str(source(module)[0]): module for module in MODULES}
    reached: dict[str, set[int]] = {module: set() for module in MODULES}

    def trace(frame: FrameType, event: str, _argument: object) -> Callable[..., Any] | None:
        module = paths.get(frame.f_code.co_filename)
        if module is None:
            return None
        if event in ("line", "call"):
            reached[module].add(frame.f_lineno)
        return trace

    threading.settrace(trace)
    sys.settrace(trace)
    try:
        judge(None)
    finally:
        sys.settrace(None)
        threading.settrace(None)
    return reached


# --- The run ------------------------------------------------------------------------------------------------


def summarize(outcomes: Mapping[Mutant, Outcome | Ended], *, minutes: int) -> dict[str, Any]:
    """The measurement as JSON data: the counts, and each survivor with the reason."""
    detected = [mutant for mutant, outcome in outcomes.items() if _broken(outcome)]
    kinds = Counter(kind_of(mutant) for mutant in outcomes.keys() - set(detected))
    rules = Counter(rule for mutant in detected for rule in _broken(outcomes[mutant]) - {_UNDECIDED})
    reasons: dict[str, dict[str, list[str]]] = {}
    for mutant in outcomes:
        if mutant not in detected:
            kind, reason = explained().get(mutant.id, ("unexplained", "nobody has looked into it yet"))
            reasons.setdefault(kind, {}).setdefault(reason, []).append(mutant.id)
    counted = len(outcomes) - kinds["equivalent"] - kinds["allowed"]
    return {
        "modules": list(MODULES),
        "minutes": minutes,
        "made": len(outcomes),
        "detected": len(detected),
        "only_undecided": sum(_broken(outcomes[mutant]) == {_UNDECIDED} for mutant in detected),
        "percent": round(100.0 * len(detected) / counted, 1) if counted else 100.0,
        "rules": dict(rules.most_common(8)),
        "survivors": {kind: dict(sorted(reasons[kind].items())) for kind in sorted(reasons)},
    }


def kind_of(mutant: Mutant) -> str:
    """Why the mutant survives, in a word; `unexplained` if nobody has looked into it."""
    return explained().get(mutant.id, ("unexplained", ""))[0]


def _broken(outcome: Outcome | Ended) -> frozenset[str]:
    """How the mutant differs from the reference server, which breaks no rule and can be judged completely."""
    if isinstance(outcome, Ended):
        return frozenset({outcome.why})
    return outcome.complaints | outcome.remarks | (frozenset({_UNDECIDED}) if outcome.undecided else frozenset())


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes and judges every mutant, and writes the result. Gives 1 if too few are detected, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.power.mutants", description="Measure by mutants.")
    parser.add_argument("--only", default="", metavar="TEXT", help="only mutants named like this; write nothing")
    options = parser.parse_args(arguments)
    honest = judge(None)
    if _broken(honest):
        print(f"the reference server is accused: {sorted(_broken(honest))} {honest.undecided}")
        return 1
    mutants = [mutant for mutant in find_mutants(reached_lines()) if options.only in mutant.id]
    outcomes: dict[Mutant, Outcome | Ended] = {}
    started = time.monotonic()
    for mutant, outcome in run_each(judge, mutants, seconds=_SECONDS):
        outcomes[mutant] = outcome
        if len(outcomes) % 50 == 0:
            print(f"{len(outcomes)} of {len(mutants)} mutants, {time.monotonic() - started:.0f} s", flush=True)
    ordered = {mutant: outcomes[mutant] for mutant in mutants}
    summary = summarize(ordered, minutes=round((time.monotonic() - started) / 60))
    stale: list[str] = []
    if not options.only:
        save(MUTANTS_FILE, summary)
        write_page()
        stale = sorted(explained().keys() - {mutant.id for mutant in mutants})
    for name in stale:
        print(f"in survivors.txt, but not made any more: {name}")
    for mutant in mutants:
        if mutant.id in explained() and _broken(outcomes[mutant]):
            print(f"in survivors.txt, but detected: {mutant.id}")
        if _broken(outcomes[mutant]) == frozenset() and kind_of(mutant) == "unexplained":
            print(f"survives, and is not in survivors.txt: {mutant.id}")
    print(f"{summary['percent']} % detected")
    return 1 if summary["percent"] < LEAST or stale else 0


if __name__ == "__main__":
    raise SystemExit(main())

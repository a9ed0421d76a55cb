"""Mutants of the reference server: its source with one small change each, served, and judged by the verifier.

    python -m benchmarks.power.mutants        # what `make mutants` runs; writes docs/power.md

The catalogue of faults is what somebody thought of; mutants are what nobody did. A mutant *dies* when the verifier
does not pass it (exit 1 or 2), when it does not start, or when it hangs. One that lives answers as the honest server
does, or as another correct one may, or its breach shows in no request that the verifier sends; which of these, and
why, is written down by hand in `explained.txt`.

Our own mutator, of some hundred lines, and not one of the tools there are: those run a test command on a changed
file, and here each mutant has to be built, served and judged inside one process, or a measurement takes hours.

What is not mutated: annotations, documentation, imports, the words of messages (the contract leaves them open),
checks of what a programmer passes (no request reaches them), and lines that run for no request.
"""

import argparse
import ast
import copy
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from attrs import evolve, frozen

from run_results_conformance.faults import STANDARD_PAGE_SIZE, STANDARD_TOKEN, standard_store
from run_results_conformance.server.serving import serve
from run_results_conformance.verifier.manifest import Manifest
from run_results_conformance.verifier.verification import verify

from .power import Outcome, said, table, write_section
from .processes import Ended, run_each

MODULES = ("contract", "reference")
"""The modules that are mutated, in the order in which they need one another."""
LEAST = 95.0
"""The share of the mutants, but for the equivalent ones, that has to die, in percent."""

_PACKAGE = "run_results_conformance.server"
_BASE = "/api"
_SECONDS = 90.0
_UNJUDGED = "cannot be judged"
_WORDS = {"Refusal", "BadParameter", "ContractError", "ValueError", "RuntimeError", "exception"}
"""Calls whose texts are words for people."""


@frozen
class Mutant:
    """One change: the place in `ast.walk`'s order, and which of the changes that are possible there."""

    module: str
    where: str
    before: str
    after: str
    line: int
    place: int
    choice: int
    twin: int = 0

    @property
    def id(self) -> str:
        """What it is called, whatever line it stands on: `reference ReferenceServer.slice: a < b -> a <= b`."""
        twin = f" #{self.twin}" if self.twin else ""
        return f"{self.module} {self.where}: {self.before} -> {self.after}{twin}"


@cache
def explained() -> Mapping[str, tuple[str, str]]:
    """The mutants that were looked into: by name the kind (`equivalent`, `allowed`, `unseen`) and the reason."""
    found: dict[str, tuple[str, str]] = {}
    kind = reason = ""
    for line in Path(__file__).with_name("explained.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            found[line.strip()] = (kind, reason)
        elif line and not line.startswith("#"):
            kind, _, reason = line.partition(": ")
    return found


# --- Changes ------------------------------------------------------------------------------------------------

_COMPARE: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_ARITHMETIC: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_SWAPPED = {
    "min": "max",
    "max": "min",
    "all": "any",
    "any": "all",
    "lower": "upper",
    "fullmatch": "match",
    "partition": "rpartition",
    "lstrip": "rstrip",
    "strip": "lstrip",
}


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    """What a node could be instead, one small change each."""
    match node:
        case ast.Compare(ops=[operator]):
            for other in _COMPARE.get(type(operator), ()):
                yield ast.Compare(node.left, [other()], node.comparators)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
            for number in range(len(node.values)):
                rest = [value for index, value in enumerate(node.values) if index != number]
                yield ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0]
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            yield ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as number):
            yield ast.Constant(number + 1)
            if number > 0:
                yield ast.Constant(number - 1)
        case ast.Constant(value=str() as text) if text:
            yield ast.Constant(f"{text}XX")
        case ast.Constant(value=bytes() as data):
            yield ast.Constant(data + b"XX")
        case ast.IfExp():
            yield node.body
            yield node.orelse
        case ast.If() | ast.While():
            yield type(node)(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        case ast.comprehension(ifs=[_, *_]):
            for number in range(len(node.ifs)):
                rest = [test for index, test in enumerate(node.ifs) if index != number]
                yield ast.comprehension(node.target, node.iter, rest, node.is_async)
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Raise() | ast.Expr(value=ast.Call() | ast.Await()) | ast.AugAssign():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield ast.Pass()
        case ast.Call():
            yield from _call_changes(node)
        case ast.Attribute(attr=name) if name in _SWAPPED and isinstance(node.ctx, ast.Load):
            yield ast.Attribute(node.value, _SWAPPED[name], node.ctx)
        case ast.Name(id=name) if name in _SWAPPED and isinstance(node.ctx, ast.Load):
            yield ast.Name(_SWAPPED[name], node.ctx)
        case _:
            return


def _call_changes(node: ast.Call) -> Iterator[ast.AST]:
    for number, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            yield ast.Call(node.func, node.args, [each for index, each in enumerate(node.keywords) if index != number])
    if len(node.args) > 1 and not any(isinstance(each, ast.Starred) for each in node.args):
        yield ast.Call(node.func, node.args[:-1], node.keywords)


# --- Places -------------------------------------------------------------------------------------------------


def _source(module: str) -> tuple[Path, ast.Module]:
    spec = find_spec(f"{_PACKAGE}.{module}")
    if spec is None or spec.origin is None:
        raise LookupError(f"the source of {module} is not here")
    path = Path(spec.origin)
    return path, ast.parse(path.read_bytes())


def _untouched(tree: ast.Module) -> set[int]:
    """The nodes, by identity, that are not mutated."""
    found: set[int] = set()

    def leave(*nodes: ast.AST | None) -> None:
        for node in nodes:
            if node is not None:
                found.update(id(each) for each in ast.walk(node))

    for node in ast.walk(tree):
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant(value=str())):
                leave(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                leave(node.returns, *node.decorator_list, *(argument.annotation for argument in arguments))
            case ast.ClassDef():
                leave(*node.decorator_list, *node.bases)
            case ast.AnnAssign():
                leave(node.annotation)
                # What `attrs` is told of an attribute shows in a repr alone.
                if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "field":
                    leave(node)
            case ast.If(
                body=[ast.Raise(exc=ast.Call(func=ast.Name(id="ValueError" | "ContractError" | "RuntimeError")))]
            ):
                leave(node)
            case ast.Raise(exc=ast.Call(func=ast.Name(id="ValueError" | "ContractError" | "RuntimeError"))):
                leave(node)
            case ast.Call() if ast.unparse(node.func).rpartition(".")[2] in _WORDS:
                texts = [each for each in node.args if isinstance(each, ast.Constant | ast.JoinedStr)]
                leave(*(each for each in texts if not (isinstance(each, ast.Constant) and isinstance(each.value, int))))
            case ast.Call(func=ast.Name(id="cast" | "TypeVar" | "getLogger")):
                leave(node)
            case ast.Assign(targets=[ast.Name(id="JsonObject" | "Transform" | "_LOG")]):
                leave(node)
            case _:
                pass
    return found


def _owners(tree: ast.Module) -> dict[int, str]:
    """The class and function that each node stands in, by its identity."""
    owners: dict[int, str] = {}

    def visit(node: ast.AST, owner: str) -> None:
        owners[id(node)] = owner
        inner = owner
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{owner}.{node.name}" if owner else node.name
        for child in ast.iter_child_nodes(node):
            visit(child, inner)

    visit(tree, "")
    return owners


def find_mutants(reached: Mapping[str, set[int]] | None = None) -> list[Mutant]:
    """Every mutant, in the order of the source; with `reached` only those on lines that some request runs."""
    mutants: list[Mutant] = []
    twins: Counter[str] = Counter()
    for module in MODULES:
        _, tree = _source(module)
        untouched, owners = _untouched(tree), _owners(tree)
        for place, node in enumerate(ast.walk(tree)):
            if id(node) in untouched:
                continue
            line = getattr(node, "lineno", getattr(getattr(node, "target", None), "lineno", 0))
            # What stands outside of functions runs when the module is loaded.
            inside = "." in owners[id(node)] or owners[id(node)][:1].islower() or owners[id(node)].startswith("_")
            if reached is not None and inside and line not in reached[module]:
                continue
            for choice, change in enumerate(_changes(copy.deepcopy(node))):
                before, after = _shown(node), _shown(change)
                mutant = Mutant(module, owners[id(node)] or "module", before, after, line, place, choice)
                twins[mutant.id] += 1
                twin = twins[mutant.id]
                mutants.append(mutant if twin == 1 else evolve(mutant, twin=twin))
    return mutants


def _shown(node: ast.AST) -> str:
    """A node as one line, the head of it where it is a block."""
    if isinstance(node, ast.comprehension):
        return " ".join(["for", ast.unparse(node.target), *(f"if {ast.unparse(test)}" for test in node.ifs)])
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).splitlines()[0]


# --- Serving ------------------------------------------------------------------------------------------------


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
        path, tree = _source(module)
        if mutant is not None and mutant.module == module:
            node = next(each for place, each in enumerate(ast.walk(tree)) if place == mutant.place)
            change = list(_changes(node))[mutant.choice]
            tree = ast.fix_missing_locations(_Replacer(node, change).visit(tree))
        name = f"{_PACKAGE}.{module}"
        loaded[name] = made = ModuleType(name)
        made.__package__ = _PACKAGE
        made.__file__ = str(path)
        honest = {each: import_module(each) for each in loaded}
        sys.modules.update(loaded)
        try:
            exec(compile(tree, str(path), "exec"), made.__dict__)
        finally:
            sys.modules.update(honest)
    return loaded[f"{_PACKAGE}.{MODULES[-1]}"]


def judge(mutant: Mutant | None) -> Outcome:
    """What the verifier makes of a mutant; None is the honest server."""
    started = time.monotonic()
    try:
        module = _load(mutant)
        token = module.Token(STANDARD_TOKEN.value, STANDARD_TOKEN.contexts, STANDARD_TOKEN.default_context)
        server = module.ReferenceServer(
            standard_store(), token, page_size=STANDARD_PAGE_SIZE, compress=True, base_path=_BASE
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, such a server is not put into service
        return Outcome(frozenset({f"does not start: {type(error).__name__}"}))
    with serve(server) as served:
        report = verify(
            served.url + _BASE,
            STANDARD_TOKEN.value,
            manifest=Manifest.of(standard_store(), may_act_in=STANDARD_TOKEN.may_act_in),
            policy=True,
            unsafe_methods=True,
            timeout=5.0,
            max_seconds=60.0,
        )
    heard = said(report)
    return Outcome(heard.complaints, heard.remarks, heard.requests, time.monotonic() - started, heard.open)


def reached_lines() -> dict[str, set[int]]:
    """The lines of each module that run while the honest server starts and is verified."""
    paths = {str(_source(module)[0]): module for module in MODULES}
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


def page(outcomes: Mapping[Mutant, Outcome | Ended], seconds: float) -> tuple[str, float]:
    """The measurement as Markdown, and the share of those that break something that died, in percent."""
    dead = [mutant for mutant, outcome in outcomes.items() if _broken(outcome)]
    alive = [mutant for mutant, outcome in outcomes.items() if not _broken(outcome)]
    kinds = Counter(kind_of(mutant) for mutant in alive)
    counted = len(outcomes) - kinds["equivalent"] - kinds["allowed"]
    share = 100.0 * len(dead) / counted if counted else 100.0
    killers = Counter(rule for mutant in dead for rule in _broken(outcomes[mutant]) - {_UNJUDGED})
    passed = sum(_broken(outcomes[mutant]) == {_UNJUDGED} for mutant in dead)
    rows = [
        ("made", len(outcomes)),
        ("dead", len(dead)),
        ("of these only because they cannot be judged (exit 2)", passed),
        ("alive, equivalent: no request tells them from the honest server", kinds["equivalent"]),
        ("alive, allowed: they answer otherwise, as a correct server may", kinds["allowed"]),
        ("alive, unseen: a breach that shows in no request that is sent", kinds["unseen"]),
        ("alive, not looked into", kinds["open"]),
        ("**dead, of those that are neither equivalent nor allowed**", f"**{share:.1f} %**"),
    ]
    lines = [
        f"{len(outcomes)} mutants of {' and '.join(f'`{module}.py`' for module in MODULES)}, each served and verified "
        f"with all that is known of the runs, in {seconds / 60:.0f} minutes.",
        *table(["mutants", ""], rows),
        f"Most were found by {', '.join(f'`{rule}` ({count})' for rule, count in killers.most_common(8))}.",
        "",
        "Alive, and why (the names of the equivalent ones are in `explained.txt`):",
        "",
    ]
    groups: dict[tuple[str, str], list[Mutant]] = {}
    for mutant in alive:
        groups.setdefault((kind_of(mutant), explained().get(mutant.id, ("", "not looked into"))[1]), []).append(mutant)
    for (kind, reason), members in sorted(groups.items(), key=lambda group: group[0]):
        lines.append(f"- *{kind}* ({len(members)}): {reason}.")
        if kind != "equivalent":
            lines += [f"  - `{mutant.id.replace('`', chr(39))}`" for mutant in members]
    return "\n".join(lines), share


def kind_of(mutant: Mutant) -> str:
    """Why the mutant lives, in a word; `open` where nobody has looked into it."""
    return explained().get(mutant.id, ("open", ""))[0]


def _broken(outcome: Outcome | Ended) -> frozenset[str]:
    """What tells the mutant from the honest server, of which nothing is broken and nothing open."""
    if isinstance(outcome, Ended):
        return frozenset({outcome.why})
    return outcome.complaints | outcome.remarks | (frozenset({_UNJUDGED}) if outcome.open else frozenset())


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes, serves and judges every mutant, and writes the page; gives 1 when too few of them die, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.power.mutants", description="Measure by mutants.")
    parser.add_argument("--page", type=Path, help="the page whose section is written; without one, print it")
    parser.add_argument("--only", default="", help="judge only mutants whose name holds this text")
    options = parser.parse_args(arguments)
    honest = judge(None)
    if _broken(honest) or honest.open:
        print(f"the honest server is accused: {sorted(_broken(honest))} {honest.open}")
        return 1
    mutants = [mutant for mutant in find_mutants(reached_lines()) if options.only in mutant.id]
    outcomes: dict[Mutant, Outcome | Ended] = {}
    started = time.monotonic()
    for mutant, outcome in run_each(judge, mutants, seconds=_SECONDS):
        outcomes[mutant] = outcome
        if len(outcomes) % 50 == 0:
            print(f"{len(outcomes)} of {len(mutants)} mutants, {time.monotonic() - started:.0f} s", flush=True)
    ordered = {mutant: outcomes[mutant] for mutant in mutants}
    text, share = page(ordered, time.monotonic() - started)
    if options.page is None:
        print(text)
    else:
        write_section(options.page, "mutants", text)
    stale = [] if options.only else sorted(explained().keys() - {mutant.id for mutant in mutants})
    for name in stale:
        print(f"explained, but not made any more: {name}")
    for mutant in mutants:
        if mutant.id in explained() and _broken(outcomes[mutant]):
            print(f"explained, but dead: {mutant.id}")
    print(f"{share:.1f} % died")
    return 1 if share < LEAST or stale else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Finds every small change that could be made to the source of the reference server.

Not changed are: annotations, documentation, imports, the texts of messages (the contract leaves them open), checks of
what a programmer passes (no request reaches them), and lines that run for no request.
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from attrs import evolve, frozen

MODULES = ("name_rule", "parameters", "projection", "contract", "run_list", "reference")
"""The modules that are changed, each after those that it imports."""
PACKAGE = "run_results_conformance.server"

_MESSAGES = {"Refusal", "BadParameter", "SpecError", "ValueError", "RuntimeError", "exception"}
"""Calls whose texts are for people."""


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


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that could replace this one, each with one small change."""
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


def source(module: str) -> tuple[Path, ast.Module]:
    spec = find_spec(f"{PACKAGE}.{module}")
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
                # Options of an attrs field change only the repr.
                if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "field":
                    leave(node)
            case ast.If(body=[ast.Raise(exc=ast.Call(func=ast.Name(id="ValueError" | "SpecError" | "RuntimeError")))]):
                leave(node)
            case ast.Raise(exc=ast.Call(func=ast.Name(id="ValueError" | "SpecError" | "RuntimeError"))):
                leave(node)
            case ast.Call() if ast.unparse(node.func).rpartition(".")[2] in _MESSAGES:
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
        _, tree = source(module)
        untouched, owners = _untouched(tree), _owners(tree)
        for place, node in enumerate(ast.walk(tree)):
            if id(node) in untouched:
                continue
            line = getattr(node, "lineno", getattr(getattr(node, "target", None), "lineno", 0))
            # What stands outside of functions runs when the module is loaded.
            inside = "." in owners[id(node)] or owners[id(node)][:1].islower() or owners[id(node)].startswith("_")
            if reached is not None and inside and line not in reached[module]:
                continue
            for choice, change in enumerate(changes(copy.deepcopy(node))):
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

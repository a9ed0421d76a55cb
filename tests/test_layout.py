"""The layout of the project: which way imports point, what importing costs, what is documented, what no file holds."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import run_results

ROOT = Path(__file__).parents[1]
ROOTS = {
    "run_results_api": ROOT / "generated",
    "run_results": ROOT / "wrapper",
    "run_results_conformance": ROOT / "conformance",
}

# --- Reading the source ---------------------------------------------------------------------------------------

Module = tuple[str, str]
"""A module's dotted name (of a package: with `.__init__`) and its source."""


def is_in(imported: str, package: str) -> bool:
    """Whether a dotted name is a package or stands in it."""
    return imported == package or imported.startswith(f"{package}.")


def read(package: str) -> list[Module]:
    """Every module of a package, subpackages included."""
    root = ROOTS[package]
    return [
        (".".join(path.relative_to(root).with_suffix("").parts), path.read_text("utf-8"))
        for path in sorted((root / package).rglob("*.py"))
    ]


SOURCES = {package: read(package) for package in ROOTS}
# What stands on the core: it needs extras, and is imported when it is used.
UPPER_ROOMS = {f"run_results.{name}" for name in ("cli", "export", "report", "scale", "spark", "sync", "tables")}
CORE = [
    module
    for module in SOURCES["run_results"]
    if not any(is_in(module[0], room) for room in UPPER_ROOMS) and not module[0].endswith("__main__")
]


@cache
def imports(module: Module, *, types: bool = True) -> frozenset[str]:
    """Every module that a module imports anywhere in its text, by dotted name; relative ones made absolute.

    `from a import b` gives `a` and `a.b`, because either may be a module. With `types=False`, what stands under
    `if TYPE_CHECKING:` is left out.
    """
    return frozenset(_imports(module, types=types))


def _imports(module: Module, *, types: bool) -> Iterator[str]:
    name, source = module
    under_way: list[ast.AST] = [ast.parse(source)]
    while under_way:
        node = under_way.pop()
        if (
            isinstance(node, ast.If)
            and not types
            and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        ):
            under_way += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = name.split(".")[: -node.level] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in (
            "import_module",
            "__import__",
        ):
            # A name that is written out counts; one that is computed has to be relative, as in a lazy package.
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value
        under_way += ast.iter_child_nodes(node)


def importers(modules: Iterable[Module], packages: Iterable[str], *, types: bool = True) -> set[str]:
    """The modules that import one of these packages or something in them, each as `module -> what`."""
    wanted = list(packages)
    return {
        f"{module[0]} -> {package}"
        for module in modules
        for imported in imports(module, types=types)
        for package in wanted
        if is_in(imported, package)
    }


def loaded_by(*programs: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after these statements."""
    program = "\n".join([*programs, "import sys", "print(*sys.modules, sep='\\n')"])
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(finished.stdout.split())


# --- Dependencies point one way -------------------------------------------------------------------------------


def test_the_generated_package_stands_alone() -> None:
    """The generated package imports neither the wrapper nor the conformance suite."""
    assert importers(SOURCES["run_results_api"], ["run_results", "run_results_conformance"]) == set()


def test_the_wrapper_knows_nothing_of_the_suite() -> None:
    """The wrapper never imports the conformance suite, not even for types."""
    assert importers(SOURCES["run_results"], ["run_results_conformance"]) == set()


def test_the_core_runs_without_what_stands_on_it() -> None:
    """Importing every module of the core loads no room that stands on it."""
    core = sorted(name.removesuffix(".__init__") for name, _ in CORE)
    loaded = loaded_by(f"import {', '.join(core)}")
    assert "run_results.client" in loaded
    assert {name for name in loaded if any(is_in(name, room) for room in UPPER_ROOMS)} == set()


def test_the_server_shares_nothing_with_the_client() -> None:
    """Serving a computed run loads neither client, so that client and server cannot share a bug."""
    loaded = loaded_by(
        "from run_results_conformance.server import reference, serving, synthetic",
        "reference.load_contract().field_name_rule",
    )
    server = {name for name in loaded if is_in(name, "run_results_conformance")}
    assert len(server) > 4
    assert {name for name in loaded if is_in(name, "run_results") or is_in(name, "run_results_api")} == set()
    # Nor does any of these modules do so later, inside a function.
    modules = [(name, source) for name, source in SOURCES["run_results_conformance"] if name in server]
    assert len(modules) > 3
    assert importers(modules, ["run_results", "run_results_api"]) == set()


def test_http_lives_in_one_room() -> None:
    """Only the generated client and the wrapper's room that sends import httpx; others name it in annotations alone."""
    everything = [module for modules in SOURCES.values() for module in modules]
    assert {who for who in importers(everything, ["httpx"], types=False) if not who.startswith("run_results_api.")} == {
        "run_results.http.hosts -> httpx",
        "run_results.http.library -> httpx",
        "run_results.http.sender -> httpx",
        "run_results.http.transport -> httpx",
    }
    assert importers(SOURCES["run_results_conformance"], ["httpx"]) == set()


Graph = dict[str, set[str]]


def graph(modules: Iterable[Module], *, types: bool) -> Graph:
    """Which of these modules each of them imports; `from package import module` counts as the module."""
    sources = {name.removesuffix(".__init__"): (name, source) for name, source in modules}
    found: Graph = {}
    for name, module in sources.items():
        named = {imported for imported in imports(module, types=types) if imported in sources and imported != name}
        found[name] = {each for each in named if not any(other.rpartition(".")[0] == each for other in named)}
    return found


def mutual(edges: Graph) -> set[tuple[str, str]]:
    """The pairs of modules that import each other."""
    return {(one, other) for one in edges for other in edges[one] if one < other and one in edges[other]}


def circle(edges: Graph) -> list[str]:
    """The modules of one circle of imports, however long; none where there is none."""
    left = {name: set(targets) for name, targets in edges.items()}
    while ready := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in ready:
            del left[name]
    return sorted(left)


@pytest.mark.parametrize("package", SOURCES)
def test_no_two_modules_import_each_other(package: str) -> None:
    """No two modules of a package import each other, not even for types; nor do longer circles run."""
    edges = graph(SOURCES[package], types=True)
    assert sum(map(len, edges.values())) > len(edges) / 2, "the imports were read"
    assert mutual(edges) == set()
    assert circle(graph(SOURCES[package], types=False)) == []


def test_the_files_of_the_architecture_are_there() -> None:
    """Every file and room that ARCHITECTURE.md names is there."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    named = set(re.findall(r"`([\w./-]+(?:\.py|\.yaml|/))`", text))
    bases = [ROOT, *(root / package for package, root in ROOTS.items())]
    assert len(named) > 20
    assert {name for name in named if not any((base / name).exists() for base in bases)} == set()


def test_the_drawings_of_the_architecture_are_true() -> None:
    """Each module and function in the two drawings of ARCHITECTURE.md is there, and so is each folder."""
    drawn = "".join(re.findall(r"^    .*\n", (ROOT / "ARCHITECTURE.md").read_text("utf-8"), re.MULTILINE))
    named = re.findall(r"[▶◀─] +([a-z]+)\.([a-z]+)\b|[▶─] ([a-z]+)\.([a-z]+)\b", drawn)
    pairs = [tuple(filter(None, each)) for each in named]
    assert len(pairs) == 6
    for room, name in pairs:
        module = importlib.import_module(f"run_results.{room}")
        assert hasattr(module, name) or importlib.import_module(f"run_results.{room}.{name}")
    folders = re.findall(r"\((\w+/)\)", drawn)
    assert len(folders) == 3
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


# --- What importing costs -------------------------------------------------------------------------------------

HEAVY = {
    *("httpx", "httpcore", "h11", "anyio", "ssl", "_hashlib", "socket", "asyncio", "email.utils"),
    *("rich", "click", "jinja2", "pyarrow", "starlette", "uvicorn"),
}


def test_importing_is_light() -> None:
    """Importing the package loads no HTTP library, no event loop, nothing of an extra, and no module that needs one."""
    loaded = loaded_by("import run_results, run_results_api.models")
    assert "run_results.client" in loaded
    assert {name for name in loaded if is_in(name, "run_results_conformance")} == set()
    assert {name for name in loaded if any(is_in(name, room) for room in UPPER_ROOMS)} == set()
    assert loaded & HEAVY == set()


def test_spark_may_look_for_our_data_source_anywhere() -> None:
    """Spark imports `pyspark_run_results` wherever it looks for data sources: it loads nothing, and never fails."""
    bare = loaded_by("import typing")
    assert loaded_by("import pyspark_run_results") - bare == {"pyspark_run_results"}
    for missing in ("pyspark", "pyarrow", "run_results"):
        programs = f"import sys; sys.modules[{missing!r}] = None", "import pyspark_run_results as package"
        assert missing in loaded_by(*programs, "assert not hasattr(package, 'DefaultSource')")


# What httpx brings along, and is of no use before there is a client.
LEFT_TO_HTTPX = {"http", "json", "logging", "random", "urllib.parse"}


def test_what_comes_with_httpx_comes_with_httpx() -> None:
    """Beyond what attrs and msgspec load, `import run_results` loads nothing that httpx will load anyway."""
    bare = loaded_by("import attrs, msgspec")
    assert (loaded_by("import run_results") - bare) & LEFT_TO_HTTPX == set()
    assert loaded_by("import httpx") >= LEFT_TO_HTTPX


# --- The public names -----------------------------------------------------------------------------------------


def order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, each by the alphabet: the order that the linter keeps, too."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_the_public_names_are_sorted() -> None:
    """`__all__` lists each name once, in order."""
    assert run_results.__all__ == sorted(set(run_results.__all__), key=order)


def test_the_public_names_are_those_that_are_there() -> None:
    """Every name of `__all__` resolves, and the package has no public name beside them but its modules."""
    there = {
        name
        for name, value in vars(run_results).items()
        if not name.startswith("_") and (not isinstance(value, ModuleType) or name in run_results.__all__)
    }
    assert there == {name for name in run_results.__all__ if name != "__version__"}
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", run_results.__version__)


@pytest.mark.parametrize("name", run_results.__all__)
def test_public_names_are_documented(name: str) -> None:
    """Every public class, function and module has a docstring of its own."""
    value = getattr(run_results, name)
    if inspect.isclass(value) or inspect.isfunction(value) or inspect.ismodule(value):
        assert (vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__ or "").strip()
    else:
        assert name in ("UNSET", "__version__"), "what is no class, function or module is a known constant"


def undocumented(module: Module) -> set[str]:
    """The public functions, classes and methods of a module, and the module itself, that have no docstring."""
    name, source = module
    tree = ast.parse(source)
    under_way: list[tuple[str, ast.Module | ast.ClassDef]] = [(name, tree)]
    found = set() if ast.get_docstring(tree) else {name}
    while under_way:
        place, scope = under_way.pop()
        for node in scope.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith(
                "_"
            ):
                inner = f"{place}.{node.name}"
                if not (ast.get_docstring(node) or "").strip():
                    found.add(inner)
                if isinstance(node, ast.ClassDef):
                    under_way.append((inner, node))
    return found


def test_the_core_is_documented() -> None:
    """Every module of the core, and every public function, class and method in it, says what it is."""
    assert {name for module in CORE for name in undocumented(module)} == set()


# --- What no file holds ---------------------------------------------------------------------------------------

# Assembled, so that this file does not hold what it forbids.
SECRETS = {
    "a private key": "-----BEGIN [A-Z ]*PRIVATE " + "KEY-----",
    "a signed token": r"\beyJ[\w-]{10,}\." + r"eyJ[\w-]{10,}",
    "a GitHub token": r"\bgh[pousr]_" + r"\w{30,}",
    "an AWS key": r"\b(?:AKIA|ASIA)" + r"[0-9A-Z]{16}\b",
    "an API key": r"\bsk-" + r"[\w-]{20,}",
    "a Slack token": r"\bxox[abposr]-" + r"[\w-]{10,}",
    "a package token": r"\bpypi-" + r"[\w-]{40,}",
    "a bearer token": r"[Bb]earer " + r"(?=[^\s\"'`]*\d)[A-Za-z0-9._~+/-]{24,}",
    "an address with a password": r"https?://[^\s/@:\"'`{}]+:" + r"[^\s/@\"'`{}]{6,}@",
}
KINDS = {".py", ".pyi", ".yaml", ".yml", ".json", ".toml", ".txt", ".md", ".cfg", ".sh", ".jinja", ""}
BUILT = {"node_modules", "__pycache__", "dist", "build"}


def texts() -> Iterator[tuple[str, str]]:
    """Every text file of the project by its path: nothing that was built, installed or cached."""
    under_way = [ROOT]
    while under_way:
        for path in sorted(under_way.pop().iterdir()):
            if path.is_dir():
                if path.name not in BUILT and (not path.name.startswith(".") or path.name in (".ci", ".github")):
                    under_way.append(path)
            elif path.suffix in KINDS:
                yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


def secrets_in(text: str) -> set[str]:
    """The kinds of secret that a text holds something like."""
    return {what for what, pattern in SECRETS.items() if re.search(pattern, text)}


def test_no_file_holds_a_secret() -> None:
    """No file of the project holds anything that looks like a token, a key or a password."""
    found = dict(texts())
    assert {"openapi.yaml", "pyproject.toml", "requirements/dev.txt", "tests/test_layout.py"} <= found.keys()
    assert {path: what for path, text in found.items() if (what := secrets_in(text))} == {}


def hosts_in_requirements(text: str) -> list[str]:
    """The lines of a requirements file that say where to fetch from, or that name an unhashed or unpinned package."""
    lines = re.sub(r"\s*\\\n\s*", " ", re.sub(r"(?m)^\s*#.*\n?", "", text)).splitlines()
    return [
        line
        for line in lines
        if re.search(r"://|--(?:extra-)?index|--find-links|--trusted-host|^-[if]\b| @ ", line)
        or (
            line.strip()
            and not re.match(r"[\w.\[\]-]+==[^\s;]+(?: ;[^\\]*?)?(?: --hash=sha256:[0-9a-f]{64})+\s*$", line)
        )
    ]


def hosts_in_package_lock(text: str) -> list[str]:
    """The lines of a package-lock.json that say where a package is fetched from."""
    return [
        line.strip() for line in text.splitlines() if re.search(r'"resolved"\s*:|"(?:https?|git\S*)://[^"]*\.tgz', line)
    ]


def held(pattern: str, rule: Callable[[str], list[str]]) -> dict[str, list[str]]:
    """What a rule finds in each lock file of that name; there is at least one."""
    files = sorted((ROOT / "requirements").glob(pattern))
    assert files
    return {path.name: found for path in files if (found := rule(path.read_text("utf-8")))}


def test_lock_files_name_no_host() -> None:
    """The lock files pin every package by version and hash, and say nowhere where to fetch it from."""
    assert held("*.txt", hosts_in_requirements) == {}
    assert held("*/package-lock.json", hosts_in_package_lock) == {}

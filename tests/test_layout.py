"""The shape of the house: which way dependencies point, what importing costs, what is said.

Each rule is a function that gives the list of its breaches, and is shown to find one in source that breaks it.
"""

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
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
UPPER_ROOMS = {f"run_results.{name}" for name in ("cli", "export", "report", "tables")}
CORE = [
    module
    for module in SOURCES["run_results"]
    if not any(is_in(module[0], room) for room in UPPER_ROOMS) and not module[0].endswith("__main__")
]


def imports(module: Module, *, types: bool = True) -> Iterator[str]:
    """Every module that a module imports anywhere in its text, by dotted name; relative ones made absolute.

    `from a import b` gives `a` and `a.b`, because either may be a module. With `types=False`, what stands under
    `if TYPE_CHECKING:` is left out.
    """
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


def test_every_package_was_read() -> None:
    """The rules below are held against every module that there is, and not against an empty list."""
    names = {name for modules in SOURCES.values() for name, _ in modules}
    assert {
        "run_results_api.api.runs.get_run_results",
        "run_results_api.__init__",
        "run_results.http.transport",
        "run_results_conformance.server.reference",
    } <= names
    assert {"run_results.client", "run_results.walk", "run_results.http.body"} <= {name for name, _ in CORE}


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
    assert mutual(graph(SOURCES[package], types=True)) == set()
    assert circle(graph(SOURCES[package], types=False)) == []


def test_a_circle_is_noticed() -> None:
    """Two modules that import each other are found, and so is a circle of three, in a function or at the top."""
    pair = [("p.a", "from p import b"), ("p.b", "if TYPE_CHECKING:\n    import p.a"), ("p.__init__", "from p import a")]
    assert mutual(graph(pair, types=True)) == {("p.a", "p.b")}
    assert circle(graph(pair, types=False)) == []
    three = [
        ("p.a", "import p.b"),
        ("p.b", "def f():\n    from p.c import x"),
        ("p.c", "import p.a"),
        ("p.d", "import p.a"),
    ]
    assert mutual(graph(three, types=True)) == set()
    assert {"p.a", "p.b", "p.c"} <= set(circle(graph(three, types=False)))


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("import other", {"a.b.c -> other"}),
        ("import other.part as o", {"a.b.c -> other"}),
        ("from other import x", {"a.b.c -> other"}),
        ("def f():\n    from other.part import x", {"a.b.c -> other"}),
        ("from ..other import x", {"a.b.c -> a.other"}),
        ("from .. import other", {"a.b.c -> a.other"}),
        ("from importlib import import_module\nimport_module('other.x')", {"a.b.c -> other"}),
        ("import others, another", set()),
        ("from .other import x", set()),
        ("'import other'", set()),
    ],
)
def test_an_import_is_found(source: str, wanted: set[str]) -> None:
    """An import against the direction is found in every spelling, and nothing else is taken for one."""
    assert importers([("a.b.c", source)], ["other", "a.other"]) == wanted


def test_an_import_for_types_is_told_apart() -> None:
    """What is imported for type checkers alone is told apart from what is imported when the program runs."""
    module = ("a.b", "if TYPE_CHECKING:\n    import httpx\nelse:\n    import httpx.fast\n    import json")
    assert set(imports(module, types=False)) == {"httpx.fast", "json"}
    assert set(imports(module)) == {"httpx", "httpx.fast", "json"}


# --- What importing costs -------------------------------------------------------------------------------------

HEAVY = {"httpx", "httpcore", "h11", "anyio", "ssl", "asyncio", "rich", "click", "pyarrow", "starlette", "uvicorn"}


def test_importing_is_light() -> None:
    """`import run_results` loads no HTTP library, no event loop, nothing of an extra, and no module that needs one."""
    loaded = loaded_by("import run_results")
    assert "run_results.client" in loaded
    assert {name for name in loaded if is_in(name, "run_results_conformance")} == set()
    assert {name for name in loaded if any(is_in(name, room) for room in UPPER_ROOMS)} == set()
    assert loaded & HEAVY == set()


# What httpx brings along, and is of no use before there is a client.
LEFT_TO_HTTPX = {"http", "json", "logging", "random", "urllib.parse"}


def test_what_comes_with_httpx_comes_with_httpx() -> None:
    """Beyond what attrs and msgspec load, `import run_results` loads nothing that httpx will load anyway."""
    bare = loaded_by("import attrs, msgspec")
    assert (loaded_by("import run_results") - bare) & LEFT_TO_HTTPX == set()
    assert loaded_by("import httpx") >= LEFT_TO_HTTPX


def test_weight_is_noticed() -> None:
    """Making a client does load the HTTP library: what the test above looks for is there to be found."""
    assert {"httpx", "ssl", "asyncio"} <= loaded_by(
        "import run_results", "run_results.Client(token='t').close()"
    ) & HEAVY


# --- The public names -----------------------------------------------------------------------------------------


def order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, each by the alphabet: the order that the linter keeps, too."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_the_public_names_are_sorted() -> None:
    """`__all__` lists each name once, in order."""
    assert run_results.__all__ == sorted(set(run_results.__all__), key=order)
    assert sorted(["b", "Ab", "CD", "_x"], key=order) == ["CD", "Ab", "_x", "b"]


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


def test_silence_is_noticed() -> None:
    """A public method or module without a docstring is found; a private one, or one inside a function, is let be."""
    source = (
        "class A:\n    'doc'\n    def b(self): ...\n    async def c(self):\n        ''\n    def _d(self): ...\n"
        "def e():\n    'x'\n    def f(): ..."
    )
    assert undocumented(("m", source)) == {"m", "m.A.b", "m.A.c"}


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
SAMPLES = {
    "a private key": "-----BEGIN RSA PRIVATE " + "KEY-----",
    "a signed token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0.c2ln",
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "an AWS key": "AKIA" + "ABCDEFGH01234567",
    "an API key": "sk-" + "proj-abcdefghijklmnop0123",
    "a Slack token": "xoxb-" + "123456789012-abc",
    "a package token": "pypi-" + "AgEIcHlwaS5vcmc" * 4,
    "a bearer token": "Authorization: Bearer " + "Zm9v1234567890abcdefghijk",
    "an address with a password": "https://me:" + "hunter22@example.org/simple",
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


@pytest.mark.parametrize("what", SECRETS)
def test_a_secret_is_noticed(what: str) -> None:
    """Something that looks like each kind of secret is found, and the words that only speak of it are not."""
    assert secrets_in(f"x = '{SAMPLES[what]}'") == {what}
    assert secrets_in(f"{what}: `Bearer ...`, `Authorization: Bearer t0k3n`, https://example.org:8080/a@b") == set()


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


HASH = "--hash=sha256:" + "0" * 64


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://index.example/simple",
        "--extra-index-url=x",
        "-i x",
        "--find-links wheels",
        f"attrs @ https://files.example/attrs.whl {HASH}",
        "attrs==26.1.0",
        f"attrs>=26 {HASH}",
    ],
)
def test_a_host_in_requirements_is_noticed(line: str) -> None:
    """A requirements file with an index, a link, a package without hash or one without version breaks the rule."""
    good = (
        f'attrs==26.1.0 ; python_version < "3.15" \\\n    {HASH} \\\n    {HASH}\n    # via httpx, https://x.example\n'
    )
    assert hosts_in_requirements(good) == []
    assert hosts_in_requirements(f"{good}{line}\n") == [line]


def test_a_host_in_a_package_lock_is_noticed() -> None:
    """An address to fetch from breaks the rule; the address of somebody to thank does not."""
    assert hosts_in_package_lock('"funding": {\n"url": "https://thanks.example/me"\n}') == []
    assert hosts_in_package_lock('"resolved": "https://npm.example/a/-/a-1.0.0.tgz",')

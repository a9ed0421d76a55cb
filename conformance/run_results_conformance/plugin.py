"""A pytest plugin: the reference server, and wrong ones, as fixtures for the tests of programs that fetch run results.

    def test_my_pipeline(results_server):
        rows = my_pipeline(results_server.url, results_server.token, results_server.run_ids[0])
        ...

    results_server      the reference server, with runs of the user's own (JSON) or invented ones
    faulty_server       makes a server with one deliberate breach of the contract, by the breach's name
    results_client      a `run_results.Client` that is told about `results_server`

Which runs are served, and in pages of what size, is said in the ini file (`run_results_runs`, `run_results_page_size`)
or at a test, by the marker `run_results`. docs/testing.md shows it all.

Nothing but pytest is imported when the plugin is loaded: a test run that asks for none of the fixtures pays nothing.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from run_results import Client

    from .server.runs import Store

_MARKER = "run_results"
_TOKEN = "a-token-for-tests"  # noqa: S105 - it opens a server on loopback, for the length of a test
_PAGE_SIZE = 3  # small, so that a handful of files makes several pages


class ResultsServer:
    """A server that is answering, on a free port of this computer."""

    def __init__(self, url: str, store: "Store", home: str | None) -> None:
        self.url = url
        """The base URL, without a slash at its end."""
        self.token = _TOKEN
        """The API token that is valid."""
        self.run_ids = tuple(run_id for context, run_id in store if context == home)
        """The runs that a request finds that names no context; those of a folder in the order of its files' names."""
        self._store = store
        self._home = home

    def __repr__(self) -> str:
        return f"<ResultsServer {self.url}>"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The project's own field names in these runs, each once: what `run_results.NameMap` wants."""
        found: dict[str, None] = {}
        for run_id in self.run_ids:
            run = self._store.find(run_id, self._home)
            if run is not None:
                parts = run.header.get("case_info", {}).get("fields", ())
                found.update((part["name"], None) for part in parts)
                for file in run.files(0, run.file_count):
                    for document in file.get("documents", ()):
                        parts = document.get("fields", ())
                        found.update((part["field_name"], None) for part in parts if "field_name" in part)
        return tuple(found)

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment variables that tell a client without arguments, or a command line, about the server."""
        return {"RUN_RESULTS_BASE_URL": self.url, "RUN_RESULTS_TOKEN": self.token}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's words in the ini file."""
    parser.addini("run_results_runs", "a folder of runs in JSON that results_server serves", type="string")
    parser.addini(
        "run_results_page_size", f"how many files results_server puts on a page ({_PAGE_SIZE})", type="string"
    )


def pytest_configure(config: pytest.Config) -> None:
    """The plugin's marker."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(runs=FOLDER, page_size={_PAGE_SIZE}, **options): what results_server serves; options are those of "
        "the reference server, such as latency=0.5.",
    )


@pytest.fixture
def results_server(request: pytest.FixtureRequest) -> Iterator[ResultsServer]:
    """The reference server, for one test.

    It serves the folder of runs that the marker `run_results` or the ini option `run_results_runs` names (a relative
    path counts from the folder of the ini file), or else a few invented runs, one of every status at least. Raises
    RunFileError where a file of the folder is no run.
    """
    from .server.reference import ReferenceServer, Token
    from .server.synthetic import example_store

    store, options = _told(request)
    store = store or example_store(files=10)
    home = _home(store)
    app = ReferenceServer(store, Token(_TOKEN, default_context=home), **options)
    with _serve(app, store, home, options.get("base_path", "")) as server:
        yield server


@pytest.fixture
def faulty_server(request: pytest.FixtureRequest) -> Iterator[Callable[..., ResultsServer]]:
    """Makes servers that break the contract in one way, by the way's name, as many as are wanted.

    What is served is said as for `results_server`; where nothing is said, runs in which every fault shows. Keyword
    arguments are further options of the reference server. Raises UnknownFault, with the names that are near. The
    servers stop at the end of the test.
    """
    from .faults import STANDARD_TOKEN, faulty, standard_store
    from .server.reference import Token

    with ExitStack() as stack:

        def start(name: str, **options: Any) -> ResultsServer:
            own, told = _told(request)
            store = own or standard_store()
            home = _home(store)
            token = Token(_TOKEN, None if own else STANDARD_TOKEN.contexts, home)
            told |= options
            app = faulty(name, store, token, **told)
            return stack.enter_context(_serve(app, store, home, told.get("base_path", "")))

        yield start


@pytest.fixture
def results_client(results_server: ResultsServer) -> "Iterator[Client]":
    """A `run_results.Client` for `results_server`; neither RUN_RESULTS_CONTEXT nor a proxy leads it elsewhere."""
    from run_results import Client

    with pytest.MonkeyPatch.context() as surroundings:
        for name in list(os.environ):
            if name == "RUN_RESULTS_CONTEXT" or name.lower().endswith("_proxy"):
                surroundings.delenv(name)
        client = Client(token=results_server.token, base_url=results_server.url)
    with client:
        yield client


def _told(request: pytest.FixtureRequest) -> "tuple[Store | None, dict[str, Any]]":
    """The runs and the server's options, from the markers (the nearest wins), else from the ini file."""
    config = request.config
    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(_MARKER))):
        if marker.args:
            raise pytest.UsageError(f"the marker {_MARKER} takes keyword arguments only")
        options |= marker.kwargs
    if "page_size" not in options:
        size = config.getini("run_results_page_size") or str(_PAGE_SIZE)
        if not size.isdecimal() or int(size) == 0:
            raise pytest.UsageError(f"run_results_page_size is a whole number from 1 on, not {size!r}")
        options["page_size"] = int(size)
    folder = options.pop("runs", None) or config.getini("run_results_runs")
    if not folder:
        return None, options
    from .server.folder import read_folder

    return read_folder((config.inipath.parent if config.inipath else config.rootpath) / folder), options


def _home(store: "Store") -> str | None:
    """The context that requests act in when they name none: the nameless one, or the first where that has no run."""
    contexts = [context for context, _ in store]
    return None if None in contexts or not contexts else contexts[0]


@contextmanager
def _serve(app: "ASGIApp", store: "Store", home: str | None, base_path: str = "") -> Iterator[ResultsServer]:
    from .server.serving import serve

    with serve(app) as served:
        yield ResultsServer(served.url + base_path, store, home)

"""A pytest plugin for tests of programs that fetch run results: the reference server and faulty servers as fixtures.

    def test_my_pipeline(results_server):
        rows = my_pipeline(results_server.url, results_server.token, results_server.run_ids[0])
        ...

    results_server      the reference server, with your own runs (JSON files) or synthetic ones
    faulty_server       makes a server that breaks the contract in one way, by the fault's name
    results_client      a `run_results.Client` for `results_server`

The ini file sets the runs and the page size (`run_results_runs`, `run_results_page_size`); the marker `run_results`
sets them for one test. docs/testing.md has examples.

Loading the plugin imports pytest and nothing else, so a test run that uses no fixture costs nothing.
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
    """A running server on a free port of this computer."""

    def __init__(self, url: str, store: "Store", home: str | None) -> None:
        self.url = url
        """The base URL, without a slash at its end."""
        self.token = _TOKEN
        """A valid API token."""
        self.run_ids = tuple(run_id for context, run_id in store if context == home)
        """The runs that requests without a context find. Runs from a folder are in the order of the file names."""
        self._store = store
        self._home = home

    def __repr__(self) -> str:
        return f"<ResultsServer {self.url}>"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The project's own field names in these runs, each once, for `run_results.NameMap`."""
        from .server.field_names import names_in

        return names_in(self._store, self._home)

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment variables with which a client without arguments, or a command, finds the server."""
        return {"RUN_RESULTS_BASE_URL": self.url, "RUN_RESULTS_TOKEN": self.token}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the plugin's options for the ini file."""
    parser.addini("run_results_runs", "a folder of runs in JSON that results_server serves", type="string")
    parser.addini(
        "run_results_page_size", f"how many files results_server puts on a page ({_PAGE_SIZE})", type="string"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Adds the plugin's marker."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(runs=FOLDER, page_size={_PAGE_SIZE}, **options): what results_server serves; options are those of "
        "the reference server, such as latency=0.5.",
    )


@pytest.fixture
def results_server(request: pytest.FixtureRequest) -> Iterator[ResultsServer]:
    """The reference server, for one test.

    It serves the runs of a folder: the one that the marker `run_results` names, or else the ini option
    `run_results_runs`. A relative path starts at the folder of the ini file. Without a folder it serves a few
    synthetic runs, with every status. Raises RunFileError if a file of the folder is not a run.
    """
    _check_extra("results_server")
    from .server.reference import ReferenceServer, Token
    from .server.synthetic import example_store

    store, options = _settings(request)
    store = store or example_store(files=10)
    home = _home(store)
    app = ReferenceServer(store, Token(_TOKEN, default_context=home), **options)
    with _serve(app, store, home, options.get("base_path", "")) as server:
        yield server


@pytest.fixture
def faulty_server(request: pytest.FixtureRequest) -> Iterator[Callable[..., ResultsServer]]:
    """A function that starts a server with one fault, by the fault's name. Call it as often as you need.

    The runs are chosen as for `results_server`; without a folder they are runs in which every fault shows. Keyword
    arguments are options of the reference server. Raises UnknownFault, with similar names. The servers stop at the
    end of the test.
    """
    _check_extra("faulty_server")
    from .faults import STANDARD_TOKEN, faulty, standard_store
    from .server.reference import Token

    with ExitStack() as stack:

        def start(name: str, **options: Any) -> ResultsServer:
            own, settings = _settings(request)
            store = own or standard_store()
            home = _home(store)
            token = Token(_TOKEN, None if own else STANDARD_TOKEN.contexts, home)
            _check_options("faulty_server", options, "name")
            settings |= options
            app = faulty(name, store, token, **settings)
            return stack.enter_context(_serve(app, store, home, settings.get("base_path", "")))

        yield start


@pytest.fixture
def results_client(results_server: ResultsServer) -> "Iterator[Client]":
    """A `run_results.Client` for `results_server`. It ignores RUN_RESULTS_CONTEXT and proxies in the environment."""
    from run_results import Client

    with pytest.MonkeyPatch.context() as surroundings:
        for name in list(os.environ):
            if name == "RUN_RESULTS_CONTEXT" or name.lower().endswith("_proxy"):
                surroundings.delenv(name)
        client = Client(token=results_server.token, base_url=results_server.url)
    with client:
        yield client


def _settings(request: pytest.FixtureRequest) -> "tuple[Store | None, dict[str, Any]]":
    """The runs and the server's options, from the markers (the nearest one wins) or the ini file."""
    config = request.config
    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(_MARKER))):
        if marker.args:
            raise pytest.UsageError(f"the marker {_MARKER} takes keyword arguments only")
        _check_options(f"the marker {_MARKER}", marker.kwargs, "runs")
        options |= marker.kwargs
    if "page_size" not in options:
        size = config.getini("run_results_page_size") or str(_PAGE_SIZE)
        if not size.isdecimal() or int(size) == 0:
            raise pytest.UsageError(f"run_results_page_size is a whole number from 1 on, not {size!r}")
        options["page_size"] = int(size)
    folder = options.pop("runs", None) or config.getini("run_results_runs")
    if not folder:
        return None, options
    from .server.folder import explain_no_runs, read_folder

    path = (config.inipath.parent if config.inipath else config.rootpath) / folder
    store = read_folder(path)
    if not list(store):
        raise pytest.UsageError(explain_no_runs(path))
    return store, options


def _check_extra(fixture: str) -> None:
    from .extra import HOW_TO_INSTALL, missing_packages

    if missing := missing_packages():
        raise pytest.UsageError(f"the fixture {fixture} needs {', '.join(missing)}: {HOW_TO_INSTALL}")


def _check_options(who: str, options: Mapping[str, Any], *more: str) -> None:
    """Raises UsageError for an option that there is not. The options are those of the reference server, and more."""
    from inspect import Parameter, signature

    from .server.reference import ReferenceServer
    from .suggestions import suggest

    parameters = signature(ReferenceServer).parameters.values()
    known = [*more, *(each.name for each in parameters if each.kind is Parameter.KEYWORD_ONLY)]
    for name in options:
        if name not in known:
            raise pytest.UsageError(f"{who} has no option {name!r}; {suggest(name, known)}")


def _home(store: "Store") -> str | None:
    """The context for requests that name none: the nameless one if it has a run, or else the first one."""
    contexts = [context for context, _ in store]
    return None if None in contexts or not contexts else contexts[0]


@contextmanager
def _serve(app: "ASGIApp", store: "Store", home: str | None, base_path: str = "") -> Iterator[ResultsServer]:
    from .server.serving import serve

    with serve(app) as served:
        yield ResultsServer(served.url + base_path, store, home)

"""A server of runs that change, for the tests of `sync`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from run_results import Client, Include
from run_results.page import Page
from run_results_conformance import ReferenceServer
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

from .kit import Runs, Serving


@pytest.fixture
def client_of(token: str) -> Iterator[Serving]:
    """A client of a server with these runs."""
    with ExitStack() as stack:

        def start(runs: Runs) -> Client:
            served = stack.enter_context(serve(ReferenceServer(runs, token, page_size=3)))
            runs.url = served.url
            return stack.enter_context(Client(token=token, base_url=served.url))

        yield start


@pytest.fixture
def one_page(serve_runs: Callable[..., str], token: str) -> Page:
    """The page of a run of one file, for clients that send nothing."""
    with Client(token=token, base_url=serve_runs(SyntheticRun(1, 1, run_id="r"))) as client:
        return client.page("r", include=Include.ALL)

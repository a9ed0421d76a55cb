"""A server of runs that change, for the tests of `sync`."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from run_results import Client
from run_results_conformance import ReferenceServer
from run_results_conformance.server.serving import serve

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

"""What all tests share: Hypothesis profiles, and the reference server on a free loopback port."""

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryStore, Run
from run_results_conformance.server.serving import serve

TOKEN = "t0k3n-of-the-tests"

# A shared machine can be slow at any moment: no example is judged by its time. Chance decides how many examples are too
# large or do not pass a filter.
_COMMON = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    "print_blob": True,
}
# Whoever changes something else is not the one to meet a new example: those of `make thorough` are new each time.
settings.register_profile("fast", max_examples=25, derandomize=True, **_COMMON)
settings.register_profile("thorough", max_examples=3000, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


# Ctrl-C is what some tests are about; whoever starts us in the background may have switched it off.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests start hundreds of Python processes. Where the caller has switched bytecode off, each would compile what it
# imports, and each process of the tests would rewrite the assertions of them all.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# httpcore tries to import this at each step of an asynchronous request; where it is not installed, Python would search
# every folder for it each time, which takes longer than the request.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]

# Long tests that share nothing. Handed out one by one after the others, they let all processes end at the same time.
_ONE_BY_ONE = (
    "tests/conformance/test_breaches.py",
    "tests/conformance/test_client_lists_faults.py",
    "tests/conformance/test_client_meets_faults.py",
    "tests/conformance/test_correct_servers.py",
    "tests/conformance/test_moving_runs.py",
    "tests/conformance/test_run_list_check.py",
    "tests/conformance/test_verifier.py",
    "tests/export/test_export.py",
)


class _Scheduling(LoadFileScheduling):
    """Hands out tests by file, which may share what takes long to make, such as a browser; long ones one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(_ONE_BY_ONE) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """How tests are handed out where they run in several processes."""
    return _Scheduling(config, log)


def pytest_collection_finish() -> None:
    """Keep what is loaded now out of garbage collections: each would take half a second, and some tests make many."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller's own token, context and proxies stay out of the tests."""
    for name in list(os.environ):
        if name.startswith("RUN_RESULTS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", os.devnull)  # and the caller's profiles


@pytest.fixture
def token() -> str:
    """The token that the servers of the tests accept."""
    return TOKEN


@pytest.fixture
def run_command(
    token: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command `run-results` inside this process against a URL; gives code, stdout, stderr."""
    from run_results.cli.commands import run  # here: most tests need no command line

    def run_here(url: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
        monkeypatch.setenv("RUN_RESULTS_BASE_URL", url)
        capfdbinary.readouterr()
        code = run(arguments)
        out, err = capfdbinary.readouterr()
        return int(code), out.decode(), err.decode()

    return run_here


@pytest.fixture
def serve_runs(token: str) -> Iterator[Callable[..., str]]:
    """Start a reference server with these runs; gives its base URL. Servers stop at the end of the test."""
    with ExitStack() as stack:

        def start(*runs: Run, page_size: int = 7, **options: object) -> str:
            server = ReferenceServer(MemoryStore(runs), token, page_size=page_size, **options)  # type: ignore[arg-type]
            return stack.enter_context(serve(server)).url

        yield start

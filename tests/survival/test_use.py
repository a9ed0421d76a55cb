"""However a client is used: threads, tasks, forks, interrupts, after its end. Nothing is shared, nothing leaks."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing, closing
from typing import Any

import httpx
import pytest

from run_results import AsyncClient, Client, RetryPolicy, errors
from run_results_conformance.faults.network import FaultServer

from .kit import (
    GENEROUS,
    NAMES,
    POLICY,
    RUN_ID,
    check_left_clean,
    honest_server,
    run_program,
    serving,
    settings_for,
    tell,
)

Note = Callable[..., None]
NO_WAIT = RetryPolicy(attempts=10, base=0.0, budget=5)


def names(files: Any) -> list[str]:
    return [str(file.input_file_path) for file in files]


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something has happened; fails where it does not."""
    end = time.monotonic() + GENEROUS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


# --- Many at once -------------------------------------------------------------------------------------------


def test_sixteen_threads_share_a_client(note: Note) -> None:
    """Sixteen threads walk with one client, through faults, and each gets every file once and in order."""
    policy = RetryPolicy(attempts=9, base=0.0, budget=100)
    with serving("reset-in-body", first=5, times=12) as server:
        with Client(**settings_for(server.url, retry=policy)) as client, ThreadPoolExecutor(16) as pool:
            got = list(pool.map(lambda _: names(client.files(RUN_ID)), range(48)))
        check_left_clean(server)
    assert got == [NAMES] * 48
    note(
        "use",
        "sixteen threads walk 48 times with one client, while twelve answers are cut off",
        "every file, each time",
    )


def test_sixteen_tasks_share_a_client(note: Note) -> None:
    """Sixteen tasks do the same."""
    policy = RetryPolicy(attempts=9, base=0.0, budget=100)

    async def walk_all(url: str) -> list[list[str]]:
        async with AsyncClient(**settings_for(url, retry=policy)) as client:

            async def walk_once() -> list[str]:
                return [str(file.input_file_path) async for file in client.files(RUN_ID)]

            return await asyncio.gather(*(walk_once() for _ in range(16)))

    with serving("reset-in-body", first=5, times=12) as server:
        got = asyncio.run(walk_all(server.url))
        check_left_clean(server)
    assert got == [NAMES] * 16
    note("use", "sixteen tasks walk with one client, while twelve answers are cut off", "every file, each time")


def test_threads_share_one_budget_of_retries(asynchronous: bool, note: Note) -> None:
    """Sixteen threads, or tasks, against a server that is down: as many retries as the budget has, and no more."""

    async def with_tasks(url: str) -> list[Any]:
        async with AsyncClient(**settings_for(url, retry=NO_WAIT)) as client:
            return await asyncio.gather(*(client.page(RUN_ID) for _ in range(16)), return_exceptions=True)

    def with_threads(url: str) -> list[Any]:
        with Client(**settings_for(url, retry=NO_WAIT)) as client, ThreadPoolExecutor(16) as pool:
            return [future.exception() for future in [pool.submit(client.page, RUN_ID) for _ in range(16)]]

    with serving("status-503-json") as server:
        got = asyncio.run(with_tasks(server.url)) if asynchronous else with_threads(server.url)
        number = len(server.requests)
        check_left_clean(server)
    assert {type(error) for error in got} == {errors.ServerError}
    assert number == 16 + 5
    note("budget", "sixteen at once, five retries in the budget, ten attempts in the policy", f"{number} requests")


def test_two_clients_share_nothing(note: Note) -> None:
    """Token, context, budget and connections are each client's own: what one uses up or closes the other keeps."""
    with serving("status-503-json", first=0, times=5) as server:
        policy = RetryPolicy(attempts=4, base=0.0, budget=3)
        spent = Client(**settings_for(server.url, retry=policy, context="one"))
        fresh = Client(**settings_for(server.url, retry=policy))
        with pytest.raises(errors.NotFoundError), spent:
            spent.page(RUN_ID)  # there is no such run in this context
        with fresh, pytest.raises(errors.ServerError):
            fresh.page(RUN_ID)
        with pytest.raises(errors.ClientClosedError), closing(fresh.pages(RUN_ID)) as pages:
            next(pages)
        with Client(**settings_for(server.url, retry=policy)) as third:
            assert names(third.files(RUN_ID)) == NAMES
        assert [request.headers.get("ib-context") for request in server.requests] == ["one"] + [None] * (
            len(server.requests) - 1
        )
        check_left_clean(server)
    note("use", "three clients, one of them closed, one with its budget used up", "the third brings every file")


# --- After the end ------------------------------------------------------------------------------------------


def test_a_closed_client_says_so_and_where_to_resume(asynchronous: bool, note: Note) -> None:
    """Closed in the middle of a walk, the next page is a ClientClosedError that carries `resume_offset`."""

    async def with_tasks(url: str) -> None:
        client = AsyncClient(**settings_for(url))
        async with aclosing(client.pages(RUN_ID)) as pages:
            await anext(pages)
            await client.close()
            await anext(pages)

    def with_threads(url: str) -> None:
        client = Client(**settings_for(url))
        with closing(client.pages(RUN_ID)) as pages:
            next(pages)
            client.close()
            next(pages)

    with honest_server() as server:
        with pytest.raises(errors.ClientClosedError) as caught:
            asyncio.run(with_tasks(server.url)) if asynchronous else with_threads(server.url)
        check_left_clean(server)
    note("use", "a client is closed in the middle of a walk", tell(caught.value))
    assert caught.value.resume_offset == 3


@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
def test_a_client_that_was_closed_sends_nothing(used: bool, asynchronous: bool, note: Note) -> None:
    """After `close`, once or twice, every method is one clear error, and nothing is sent."""

    async def with_tasks(url: str) -> None:
        client = AsyncClient(**settings_for(url))
        if used:
            await client.page(RUN_ID)
        await client.close()
        await client.close()
        await client.page(RUN_ID)

    def with_threads(url: str) -> None:
        client = Client(**settings_for(url))
        if used:
            client.page(RUN_ID)
        client.close()
        client.close()
        client.page(RUN_ID)

    with honest_server() as server:
        with pytest.raises(errors.ClientClosedError, match="closed") as caught:
            asyncio.run(with_tasks(server.url)) if asynchronous else with_threads(server.url)
        assert len(server.requests) == used
        check_left_clean(server)
    note("use", "a client is used after it was closed", tell(caught.value))


TWO_LOOPS = """
import asyncio, gc, json, warnings
from run_results import AsyncClient, RetryPolicy, RunResultsError
client = AsyncClient(token=TOKEN, base_url=URL, retry=RetryPolicy(attempts=3, base=0.0))
warnings.simplefilter("ignore", ResourceWarning)  # a loop that has ended cannot close what was opened in it
async def walk():
    return len([file async for file in client.files(RUN_ID)])
def attempt(work):
    try:
        return str(asyncio.run(work))
    except RunResultsError as error:
        return type(error).__name__
    except Exception as error:
        return "foreign: " + repr(error)
print(json.dumps([attempt(walk()), attempt(walk()), attempt(client.close())]))
gc.collect()
"""


@pytest.mark.parametrize("closes", [False, True], ids=["walk", "close"])
def test_an_asynchronous_client_in_a_second_event_loop_raises_nothing_foreign(closes: bool, note: Note) -> None:
    """Walked with, or closed, in another event loop than the first, it works or says so with an error of the family."""
    with honest_server() as server:
        first, second, closing_ = run_program(TWO_LOOPS, server.url)
    observed = closing_ if closes else second
    note("use", f"an asynchronous client, {'closed' if closes else 'used'} in a second event loop", observed)
    assert first == "7"
    assert "foreign" not in observed


# --- Forks --------------------------------------------------------------------------------------------------

FORK = """
import json, os
from run_results import Client, Include
client = Client(token=TOKEN, base_url=URL)
before = len(list(client.files(RUN_ID)))
reading, writing = os.pipe()
child = os.fork()
if not child:
    try:
        count = len(list(client.files(RUN_ID, include=Include.REVIEW)))
        client.close()
        os.write(writing, b"%d" % count)
    finally:
        os._exit(0)
os.waitpid(child, 0)
after = len(list(client.files(RUN_ID)))
client.close()
print(json.dumps([before, int(os.read(reading, 9) or -1), after]))
"""

ASYNC_FORK = """
import asyncio, json, os
from run_results import AsyncClient, Include, RetryPolicy, RunResultsError
client = AsyncClient(token=TOKEN, base_url=URL, retry=RetryPolicy(attempts=3, base=0.0))
async def walk(include=Include.NONE):
    return len([file async for file in client.files(RUN_ID, include=include)])
runner = asyncio.Runner()
before = runner.run(walk())
reading, writing = os.pipe()
child = os.fork()
if not child:
    try:
        try:
            text = asyncio.new_event_loop().run_until_complete(walk(Include.REVIEW))
        except RunResultsError as error:
            text = type(error).__name__
        except BaseException as error:
            text = "foreign: " + repr(error)
        os.write(writing, str(text).encode())
    finally:
        os._exit(0)
os.waitpid(child, 0)
after = runner.run(walk())
runner.run(client.close())
runner.close()
print(json.dumps([before, os.read(reading, 999).decode(), after]))
"""


def check_no_connection_was_shared(server: FaultServer) -> None:
    """The child, which asks for what reviewers did, and the parent, which does not, have their own connections."""
    by_child = {each.connection for each in server.requests if "include_review_results=true" in each.target}
    by_parent = {each.connection for each in server.requests if "include_review_results=false" in each.target}
    assert by_parent
    assert not by_child & by_parent, "two processes on one connection read each other's answers"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
def test_a_forked_process_has_connections_of_its_own(note: Note) -> None:
    """Parent and child use one client: each gets every file, and no connection is used by both."""
    with honest_server() as server:
        assert run_program(FORK, server.url) == [7, 7, 7]
        check_left_clean(server)
    note("use", "a process forks in the middle, and both processes continue with the client", "every file in both")
    check_no_connection_was_shared(server)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
def test_a_forked_process_does_not_disturb_an_asynchronous_client(note: Note) -> None:
    """The child gets every file or an error of the family; the parent's connections are left alone."""
    with honest_server() as server:
        before, child, after = run_program(ASYNC_FORK, server.url)
        check_left_clean(server)
    shared = len({(each.connection, "review_results=true" in each.target) for each in server.requests}) > len(
        {each.connection for each in server.requests}
    )
    observed = f"child: {child}, parent: {after}" + (
        "; **the child sent on a connection of the parent's**" if shared else ""
    )
    note("use", "a process forks in the middle, and the child uses the asynchronous client", observed)
    assert (before, after) == (7, 7)
    assert child in ("7", "ClientClosedError")
    check_no_connection_was_shared(server)


# --- Interrupts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["silent", "silent-in-body"])
def test_an_interrupt_in_the_middle_of_a_page_leaves_a_client_that_works(
    name: str, asynchronous: bool, note: Note
) -> None:
    """Ctrl-C while an answer is being waited for goes through at once; its connection is freed."""
    limits = httpx.Limits(max_connections=1)

    def interrupt() -> None:
        wait_for(lambda: bool(server.requests))
        time.sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    async def with_tasks() -> None:
        async with httpx.AsyncClient(limits=limits) as own, AsyncClient(http_client=own, **settings) as client:
            await client.page(RUN_ID)

    with serving(name, times=1) as server:
        settings = settings_for(server.url)
        thread = threading.Thread(target=interrupt)
        thread.start()
        started = time.monotonic()
        if asynchronous:
            with pytest.raises(KeyboardInterrupt):
                asyncio.run(with_tasks())
        else:
            with httpx.Client(limits=limits) as own, Client(http_client=own, **settings) as client:
                with pytest.raises(KeyboardInterrupt):
                    client.page(RUN_ID)
                assert names(client.files(RUN_ID)) == NAMES
        assert time.monotonic() - started < GENEROUS
        thread.join()
        check_left_clean(server)
    note("use", "KeyboardInterrupt in the middle of a page", "passes through; the connection is freed")


def test_an_observer_that_raises_leaves_a_client_that_works(asynchronous: bool, note: Note) -> None:
    """What an observer raises, even KeyboardInterrupt, reaches the caller, and no connection stays behind."""
    raising = [True]

    def observe(event: object) -> None:
        if type(event).__name__ == "ResponseReceived" and raising:
            raising.clear()
            raise KeyboardInterrupt

    limits = httpx.Limits(max_connections=1)

    async def with_tasks(url: str) -> list[str]:
        async with httpx.AsyncClient(limits=limits) as own:
            client = AsyncClient(http_client=own, **settings_for(url, observe=observe))
            try:
                await client.page(RUN_ID)
            except KeyboardInterrupt:
                return [str(file.input_file_path) async for file in client.files(RUN_ID)]
        return []

    def with_threads(url: str) -> list[str]:
        with httpx.Client(limits=limits) as own:
            client = Client(http_client=own, **settings_for(url, observe=observe))
            with pytest.raises(KeyboardInterrupt):
                client.page(RUN_ID)
            return names(client.files(RUN_ID))

    with honest_server() as server:
        assert (asyncio.run(with_tasks(server.url)) if asynchronous else with_threads(server.url)) == NAMES
        check_left_clean(server)
    note("use", "an observer raises KeyboardInterrupt", "reaches the caller; the client still works")


@pytest.mark.parametrize("name", ["silent", "silent-in-body", "status-503-json"])
def test_a_cancelled_task_leaves_a_client_that_works(name: str, note: Note) -> None:
    """Cancelled while it waits for an answer, or for the next attempt, a task ends at once; its place is free."""

    async def cancel(server: FaultServer) -> list[str]:
        slow = RetryPolicy(base=60.0, cap=60.0, draw=POLICY.draw)
        async with (
            asyncio.timeout(GENEROUS),  # less than the situation and the wait before the next attempt last
            AsyncClient(max_connections=1, **settings_for(server.url, retry=slow)) as client,
        ):
            task = asyncio.create_task(client.page(RUN_ID))
            await asyncio.to_thread(wait_for, lambda: bool(server.requests))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return [str(file.input_file_path) async for file in client.files(RUN_ID)]

    with serving(name, times=1) as server:
        assert asyncio.run(cancel(server)) == NAMES
        check_left_clean(server)
    note("use", f"a task is cancelled in the middle of a page (`{name}`)", "ends at once; the client still works")


def test_a_walk_that_is_left_early_leaves_no_connection_busy(asynchronous: bool, note: Note) -> None:
    """Ten walks that are broken off after a page, through a pool of one connection."""
    limits = httpx.Limits(max_connections=1)

    async def with_tasks(url: str) -> None:
        async with httpx.AsyncClient(limits=limits) as own, AsyncClient(http_client=own, **settings_for(url)) as client:
            for _ in range(10):
                async with aclosing(client.files(RUN_ID)) as files:
                    async for _file in files:
                        break

    def with_threads(url: str) -> None:
        with httpx.Client(limits=limits) as own, Client(http_client=own, **settings_for(url)) as client:
            for _ in range(10):
                for _file in client.files(RUN_ID):
                    break

    with honest_server() as server:
        asyncio.run(with_tasks(server.url)) if asynchronous else with_threads(server.url)
        assert server.connections == 1
        check_left_clean(server)
    note("use", "ten walks are left early, with a pool of one connection", "one connection serves them all")


def test_errors_leave_no_connection_behind(asynchronous: bool, note: Note) -> None:
    """Thirty failures through one client: not more than one connection is open, and none after `close`."""

    async def with_tasks(url: str) -> None:
        async with AsyncClient(**settings_for(url, retry=RetryPolicy(attempts=1), max_body_bytes=9)) as client:
            for _ in range(30):
                with pytest.raises(errors.RunResultsError):
                    await client.page(RUN_ID)
            await asyncio.to_thread(wait_for, lambda: server.open_connections <= 1)

    def with_threads(url: str) -> None:
        with Client(**settings_for(url, retry=RetryPolicy(attempts=1), max_body_bytes=9)) as client:
            for _ in range(30):
                with pytest.raises(errors.RunResultsError):
                    client.page(RUN_ID)
            wait_for(lambda: server.open_connections <= 1)

    with serving("status-404-html", first=10, times=10) as server:
        asyncio.run(with_tasks(server.url)) if asynchronous else with_threads(server.url)
        check_left_clean(server)
    note("use", "thirty failed requests with one client", "at most one connection open, none after close")


# --- Memory -------------------------------------------------------------------------------------------------

MEMORY = """
import asyncio, json, resource, sys
from run_results import AsyncClient, Client, RetryPolicy, RunResultsError
settings = dict(token=TOKEN, max_body_bytes=CAP, retry=RetryPolicy(attempts=1))
async def fetch(url):
    async with AsyncClient(base_url=url, **settings) as client:
        return await client.page(RUN_ID)
def measure(url):
    try:
        if ASYNCHRONOUS:
            asyncio.run(fetch(url))
        else:
            with Client(base_url=url, **settings) as client:
                client.page(RUN_ID)
        return "page"
    except RunResultsError as error:
        return type(error).__name__
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
measure(HONEST)  # what is loaded at the first request
before = peak()
print(json.dumps({name: [measure(url), peak() - before] for name, url in URL.items()}))
"""
HUGE = {
    "endless-error-body": "ServerError",
    "gzip-bomb-500": "ServerError",
    "endless-body": "ResponseTooLargeError",
    "gzip-bomb": "ResponseTooLargeError",
    "deflate-bomb": "ResponseTooLargeError",
    "huge-string": "ResponseTooLargeError",
}


def test_memory_stays_near_the_limit(asynchronous: bool, note: Note) -> None:
    """Of a body without end, a bomb or a string of 100 MB no more is held than a few times the limit (here 8 MB)."""
    cap = 8 * 1024 * 1024
    with ExitStack() as stack:
        urls = {name: stack.enter_context(serving(name)).url for name in HUGE}
        honest = stack.enter_context(honest_server()).url
        program = f"HONEST, CAP, ASYNCHRONOUS = {honest!r}, {cap}, {asynchronous}\n{MEMORY}"
        measured = run_program(program, urls)
    for name, (outcome, growth) in measured.items():
        text = f"`{outcome}`; the process grew by less than three times the limit"
        note(
            "memory", f"`{name}`, with a limit of 8 MB", text if growth < 3 * cap else f"`{outcome}`; grew by {growth}"
        )
        # Peaks only grow: those of the first ones, whose bodies are cut far below the limit, are the tightest.
        assert (outcome, growth < 3 * cap) == (HUGE[name], True), (name, growth)


def test_a_huge_string_within_the_limit_is_delivered(note: Note) -> None:
    """A page with a string of 100 MB keeps the contract: below the limit it comes."""
    with serving("huge-string") as server, Client(**settings_for(server.url)) as client:
        assert len(client.page(RUN_ID).run.message or "") == 100_000_000
    note("memory", "`huge-string`, with the default limit", "the page, with a message of 100 MB")

"""Nothing that happens to a task, a thread or an event loop costs a client a connection, a retry or a descriptor.

Each test treats a client badly, and then asks what it was before: `check_whole` has as many requests under way at once
as the client has connections, which a server sees that answers none of them before the last has come.
"""

import asyncio
import gc
import os
import random
import threading
import time
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from typing import Any

import pytest

from run_results import AsyncClient, Client, RetryPolicy, errors
from run_results.events import RetryPlanned
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryRun, MemoryStore
from run_results_conformance.server.serving import serve

from .kit import GENEROUS, LIBRARIES, RUN_ID, THOROUGH, TOKEN

every_library = pytest.mark.parametrize("library", LIBRARIES)
FILES = [{"input_file_path": f"in/{index}.pdf", "documents": []} for index in range(12)]


class Slow:
    """A reference server whose answers can be held; counts the requests that are under way."""

    def __init__(self) -> None:
        run = MemoryRun({"id": RUN_ID, "status": "COMPLETE"}, FILES)
        self.server = ReferenceServer(MemoryStore([run]), TOKEN, page_size=2)
        self.url = ""
        self.under_way = 0
        self.offsets: list[int] = []
        self.before: Callable[[int], Any] | None = None
        """Awaited with the offset before an answer; may hold it."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI interface."""
        query = dict(part.split("=") for part in scope["query_string"].decode().split("&"))
        self.offsets.append(int(query["file_offset"]))
        self.under_way += 1
        try:
            if self.before is not None:
                await self.before(self.offsets[-1])
            await self.server(scope, receive, send)
        finally:
            self.under_way -= 1

    async def hang(self, offset: int) -> None:
        """Answer nothing until `before` is another."""
        while self.before == self.hang:  # noqa: ASYNC110 - it is changed from another thread
            await asyncio.sleep(0.01)

    def assemble(self, number: int) -> None:
        """Answer nobody until so many requests have come, and then everybody."""
        waiting = [0]
        everybody = asyncio.Event()

        async def wait(offset: int) -> None:
            waiting[0] += 1
            if waiting[0] >= number:
                everybody.set()
            await everybody.wait()

        self.before = wait

    def delay(self, most: float) -> None:
        """Answer after a while, which is another each time."""
        draw = random.Random(7)

        async def wait(offset: int) -> None:
            await asyncio.sleep(draw.uniform(0, most))

        self.before = wait


@pytest.fixture
def slow() -> Iterator[Slow]:
    """A server, and the check that everything in this process is as before when the test has ended."""
    server = Slow()
    with serve(server) as served:
        server.url = served.url
        with nothing_left():
            yield server
            server.before = None


@contextmanager
def nothing_left() -> Iterator[None]:
    """No descriptor, thread or warning of an open resource is left."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        gc.collect()  # what earlier tests left
        gc.freeze()  # the collection at the end shall look at what the test has left, and at nothing else
        descriptors, threads = census()
        yield
        end = time.monotonic() + GENEROUS
        while (left := census()) and (left[0] > descriptors or left[1] - threads) and time.monotonic() < end:
            time.sleep(0.01)
        assert left[0] <= descriptors
        assert left[1] - threads == Counter()
        gc.collect()
    assert [str(warning.message) for warning in caught if warning.category is ResourceWarning] == []


def census() -> tuple[int, Counter[str]]:
    """How many descriptors are open, and the names of the threads of ours."""
    threads = [thread.name for thread in threading.enumerate() if not thread.name.startswith(("asyncio", "AnyIO"))]
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0, Counter(threads)  # noqa: PTH208, PTH112


def settings(slow: Slow, retries: list[RetryPlanned], **more: Any) -> dict[str, Any]:
    """What every client here is given."""

    def observe(event: object) -> None:
        if isinstance(event, RetryPlanned):
            retries.append(event)

    policy = RetryPolicy(attempts=2, base=0.0)
    return {"token": TOKEN, "base_url": slow.url, "timeout": GENEROUS, "retry": policy, "observe": observe, **more}


@asynccontextmanager
async def async_client(
    library: str, slow: Slow, retries: list[RetryPlanned], size: int, **more: Any
) -> AsyncIterator[AsyncClient]:
    """A client with so many connections; when it is closed, no task is left."""
    before = asyncio.all_tasks()
    module = LIBRARIES[library]
    limits = {} if module is None else {"limits": module.Limits(max_connections=size)}
    own = None if module is None else module.AsyncClient(**limits)
    async with AsyncClient(http_client=own, max_connections=size, **settings(slow, retries, **more)) as client:
        yield client
    if own is not None:
        await own.aclose()
    assert asyncio.all_tasks() == before


@contextmanager
def thread_client(library: str, slow: Slow, retries: list[RetryPlanned], size: int, **more: Any) -> Iterator[Client]:
    """The same for threads."""
    module = LIBRARIES[library]
    own = None if module is None else module.Client(limits=module.Limits(max_connections=size))
    with Client(http_client=own, max_connections=size, **settings(slow, retries, **more)) as client:
        yield client
    if own is not None:
        own.close()


async def check_whole(client: AsyncClient, slow: Slow, size: int) -> None:
    """All of the client's connections can be used at once, twice over."""
    client = client.with_options(timeout=GENEROUS)
    for _ in range(2):
        await asyncio.to_thread(settle, slow)
        slow.assemble(size)
        pages = await asyncio.gather(*(client.page(RUN_ID) for _ in range(size)))
        assert [page.run_id for page in pages] == [RUN_ID] * size
    slow.before = None
    for _ in range(5):
        assert (await client.page(RUN_ID)).run_id == RUN_ID


def check_whole_with_threads(client: Client, slow: Slow, size: int) -> None:
    """The same for threads."""
    client = client.with_options(timeout=GENEROUS)
    with ThreadPoolExecutor(size) as pool:
        for _ in range(2):
            settle(slow)
            slow.assemble(size)
            pages = list(pool.map(lambda _: client.page(RUN_ID), range(size)))
            assert [page.run_id for page in pages] == [RUN_ID] * size
    slow.before = None
    for _ in range(5):
        assert client.page(RUN_ID).run_id == RUN_ID


def settle(slow: Slow) -> None:
    """Wait until the server has nothing to do."""
    slow.before = None
    end = time.monotonic() + GENEROUS
    while slow.under_way and time.monotonic() < end:
        time.sleep(0.01)
    assert slow.under_way == 0


def many(few: int, all_of_them: int) -> int:
    """How often something is done: in `make test`, and in `make thorough`."""
    return all_of_them if THOROUGH else few


# --- Tasks --------------------------------------------------------------------------------------------------


@every_library
def test_cancelled_tasks_cost_nothing(library: str, slow: Slow) -> None:
    """Tasks that are cancelled at random moments, while others go on, leave a client that is whole."""
    number, size, draw = many(80, 2000), 4, random.Random(11)
    retries: list[RetryPlanned] = []

    async def cancel_some(client: AsyncClient, number: int) -> None:
        for _ in range(number):
            task = asyncio.create_task(client.page(RUN_ID))
            await asyncio.sleep(draw.uniform(0, 0.006))
            task.cancel()
            with suppress(asyncio.CancelledError):
                assert (await task).run_id == RUN_ID

    async def use() -> None:
        async with async_client(library, slow, retries, size) as client:
            slow.delay(0.005)
            await asyncio.gather(*(cancel_some(client, number // 8) for _ in range(8)))
            await check_whole(client, slow, size)

    asyncio.run(use())
    assert retries == []


@every_library
def test_waits_that_time_out_cost_nothing(library: str, slow: Slow) -> None:
    """`asyncio.wait_for` with a time that sometimes is enough and sometimes not leaves a client that is whole."""
    number, size, draw = many(30, 600), 1, random.Random(12)
    retries: list[RetryPlanned] = []

    async def use() -> None:
        async with async_client(library, slow, retries, size) as client:
            slow.delay(0.005)
            for _ in range(number):
                with suppress(TimeoutError):
                    await asyncio.wait_for(client.page(RUN_ID), draw.uniform(0, 0.01))
            await check_whole(client, slow, size)

    asyncio.run(use())
    assert retries == []


@every_library
def test_walks_with_pages_ahead_cost_nothing(library: str, slow: Slow) -> None:
    """Walks that ask ahead, of which every third is left in the middle, leave a client that is whole."""
    number, size = many(12, 500), 8
    retries: list[RetryPlanned] = []

    async def walk(client: AsyncClient, number: int) -> None:
        count = 0
        async with aclosing(client.files(RUN_ID)) as files:
            async for _file in files:
                count += 1
                if number % 3 == 0 and count == 1 + number % 5:
                    return
        assert count == len(FILES)

    async def use() -> None:
        async with async_client(library, slow, retries, size, prefetch=4) as client:
            slow.delay(0.002)
            for begin in range(0, number, 4):
                await asyncio.gather(*(walk(client, begin + index) for index in range(4)))
            await check_whole(client, slow, size)

    asyncio.run(use())
    assert retries == []


@every_library
def test_many_tasks_and_a_server_that_hangs_cost_nothing(library: str, slow: Slow) -> None:
    """Far more tasks than connections, while the server answers nobody: errors of the family, and then all is well."""
    number, size = many(30, 250), many(6, 100)
    retries: list[RetryPlanned] = []

    async def use() -> None:
        async with async_client(library, slow, retries, size, timeout=0.3) as client:
            once = client.with_options(retry=RetryPolicy(attempts=1))
            slow.before = slow.hang
            got = await asyncio.gather(*(once.page(RUN_ID) for _ in range(number)), return_exceptions=True)
            assert {type(each) for each in got} <= {errors.DeadlineExceededError, errors.ConnectionsBusyError}
            await check_whole(client, slow, size)

    asyncio.run(use())
    assert retries == []


# --- Event loops --------------------------------------------------------------------------------------------


def test_one_event_loop_after_the_other_costs_nothing(slow: Slow) -> None:
    """A client of a module, used in one `asyncio.run` for each job, spends no retry and leaves no descriptor open."""
    retries: list[RetryPlanned] = []
    client = AsyncClient(**settings(slow, retries))

    async def job() -> int:
        return len([file async for file in client.files(RUN_ID)])

    with nothing_left():
        for _ in range(many(5, 60)):
            assert asyncio.run(job()) == len(FILES)
    asyncio.run(client.close())
    assert retries == []


def test_event_loops_at_the_same_time_do_not_disturb_each_other(slow: Slow) -> None:
    """Eight event loops in eight threads use one client at once."""
    retries: list[RetryPlanned] = []
    client = AsyncClient(**settings(slow, retries))

    async def job() -> int:
        await client.page(RUN_ID)
        return len([file async for file in client.files(RUN_ID)])

    slow.assemble(8)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(many(1, 8)):
            assert list(pool.map(lambda _: asyncio.run(job()), range(8))) == [len(FILES)] * 8
    asyncio.run(client.close())
    assert retries == []


# --- Threads ------------------------------------------------------------------------------------------------


@every_library
def test_threads_and_a_server_that_hangs_cost_nothing(library: str, slow: Slow) -> None:
    """Twenty threads with a pool of four, while the server answers nobody: errors of the family, then all is well."""
    size, calls = 4, many(1, 3)
    retries: list[RetryPlanned] = []
    with thread_client(library, slow, retries, size, timeout=0.3) as client:
        once = client.with_options(retry=RetryPolicy(attempts=1))

        def call(_: int) -> type:
            try:
                return type(once.page(RUN_ID))
            except errors.RunResultsError as error:
                return type(error)

        slow.before = slow.hang
        with ThreadPoolExecutor(20) as pool:
            got = set(pool.map(call, range(20 * calls)))
        assert got <= {errors.DeadlineExceededError, errors.ConnectionsBusyError}
        check_whole_with_threads(client, slow, size)
    assert retries == []


@every_library
def test_walks_of_threads_with_pages_ahead_cost_nothing(library: str, slow: Slow) -> None:
    """Walks that ask ahead on threads, of which every third is left in the middle, leave a client that is whole."""
    number, size = many(12, 200), 8
    retries: list[RetryPlanned] = []
    with thread_client(library, slow, retries, size, prefetch=4) as client:
        slow.delay(0.002)

        def walk(number: int) -> None:
            count = 0
            files = client.files(RUN_ID)
            for _file in files:
                count += 1
                if number % 3 == 0 and count == 1 + number % 5:
                    files.close()
                    return
            assert count == len(FILES)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(walk, range(number)))
        check_whole_with_threads(client, slow, size)
    assert retries == []


def test_what_is_due_goes_before_what_is_guessed(slow: Slow) -> None:
    """Where pages asked for ahead are never answered, they hold half of the connections, and no more."""

    size = 4
    retries: list[RetryPlanned] = []
    held = threading.Event()

    async def hold(offset: int) -> None:
        while offset >= 4 and not held.is_set():  # noqa: ASYNC110 - by another thread
            await asyncio.sleep(0.01)

    slow.before = hold
    with thread_client("own", slow, retries, size, prefetch=16) as client:
        walks = [client.pages(RUN_ID) for _ in range(6)]
        for pages in walks:
            assert [next(pages).offset, next(pages).offset] == [0, 2]
        assert slow.offsets.count(4) + slow.offsets.count(6) + slow.offsets.count(8) <= size // 2
        for _ in range(5):
            assert client.page(RUN_ID).offset == 0
        held.set()
        for pages in walks:
            assert [page.offset for page in pages] == [4, 6, 8, 10]
    assert retries == []


def test_waiting_for_a_connection_is_an_error_of_its_own(slow: Slow) -> None:
    """Where all connections are used, a further request waits, and says so; it is neither late nor asked again."""
    retries: list[RetryPlanned] = []
    with thread_client("own", slow, retries, 2) as client, ThreadPoolExecutor(2) as pool:
        slow.before = slow.hang
        under_way = [pool.submit(client.page, RUN_ID) for _ in range(2)]
        try:
            while slow.under_way < 2:
                time.sleep(0.001)
            with pytest.raises(errors.ConnectionsBusyError, match="2 requests of this client were under way") as caught:
                client.with_options(timeout=0.2).page(RUN_ID)
        finally:
            slow.before = None
        assert (caught.value.attempts, caught.value.may_pass) == (1, False)
        assert isinstance(caught.value, TimeoutError)
        assert "max_connections" in str(caught.value)
        assert [each.result().run_id for each in under_way] == [RUN_ID] * 2
    assert retries == []

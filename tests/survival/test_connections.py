"""Connections of our own: handshakes, tunnels and HTTP/2 streams end at the deadline, and no connection is lost."""

import asyncio
import dis
import itertools
import socket
import ssl
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from attrs import evolve

from run_results import AsyncClient, Client, RetryPolicy, errors
from run_results.events import RetryPlanned
from run_results.http.gate import AsyncGate, Gate

from .kit import GENEROUS, NAMES, RUN_ID, THOROUGH, TOKEN, honest_server, serving, settings_for
from .listening import listening
from .proxies import proxy_to
from .test_transport import speaking_http_2

ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def trusted(authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own connections trust our own authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))


def fetch(asynchronous: bool, url: str, **settings: Any) -> errors.RunResultsError | None:
    """The error that a page comes to; None for a page."""

    async def with_tasks() -> None:
        async with AsyncClient(**settings_for(url, **settings)) as client:
            await client.page(RUN_ID)

    try:
        if asynchronous:
            asyncio.run(with_tasks())
        else:
            with Client(**settings_for(url, **settings)) as client:
                client.page(RUN_ID)
    except errors.RunResultsError as error:
        return error
    return None


# --- TLS ----------------------------------------------------------------------------------------------------

# A TLS 1.2 record with a HelloRequest, which a client in the middle of a handshake must ignore (RFC 5246, 7.4.1.1).
HELLO_REQUEST = b"\x16\x03\x03\x00\x04" + b"\x00\x00\x00\x00"


def flood(connection: socket.socket) -> None:
    """Send HelloRequests without end, as fast as it can be done."""
    connection.recv(65_536)
    while True:
        connection.sendall(HELLO_REQUEST * 1000)


def test_a_handshake_ends_at_the_deadline_whatever_is_sent(asynchronous: bool) -> None:
    """A peer that keeps OpenSSL busy with records without content holds nobody past the deadline."""
    done: list[errors.RunResultsError | None] = []
    with listening(flood) as place:
        work = threading.Thread(
            target=lambda: done.append(fetch(asynchronous, f"https://{place}", timeout=0.5, retry=ONCE)), daemon=True
        )
        work.start()
        work.join(GENEROUS)
    assert [type(error) for error in done] == [errors.DeadlineExceededError]


# --- Proxies ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("trusted")
def test_handshakes_that_fail_behind_a_proxy_cost_no_connection(
    asynchronous: bool, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three handshakes that nobody answered, the one connection of the client still is there."""
    with (
        serving("silent-at-once", tls=server_tls) as silent,
        serving("silent", times=0, tls=server_tls) as honest,
        proxy_to(silent.url) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        settings = settings_for("https://results.example", retry=ONCE, max_connections=1)

        async def with_tasks() -> list[str]:
            async with AsyncClient(**settings) as client:
                while len(proxy.asked) < 3:
                    with pytest.raises(errors.DeadlineExceededError):
                        await client.with_options(timeout=1.0).page(RUN_ID)
                proxy.lead_to(honest.url)
                return [str(file.input_file_path) async for file in client.files(RUN_ID)]

        def with_threads() -> list[str]:
            with Client(**settings) as client:
                while len(proxy.asked) < 3:
                    with pytest.raises(errors.DeadlineExceededError):
                        client.with_options(timeout=1.0).page(RUN_ID)
                proxy.lead_to(honest.url)
                return [str(file.input_file_path) for file in client.files(RUN_ID)]

        assert (asyncio.run(with_tasks()) if asynchronous else with_threads()) == NAMES
        assert len(proxy.asked) == 4, "one connection brings every page"


PASSWORD = "hunter2"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", f"http://u:{PASSWORD}#x@p:8080"),
        ("https_proxy", f"http://u:{PASSWORD}@p:99999"),
        ("ALL_PROXY", f"http://u:{PASSWORD}@p:{PASSWORD}"),
        ("all_proxy", "hunter2://p"),
        ("NO_PROXY", "hunter2/8"),
    ],
)
def test_a_proxy_that_cannot_be_read_is_named_by_its_variable(
    variable: str, value: str, asynchronous: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the variable and shows nothing of its value."""
    if variable == "NO_PROXY":
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv(variable, value)
    with pytest.raises(errors.ConfigurationError) as caught:
        (AsyncClient if asynchronous else Client)(token=TOKEN)
    text = str(caught.value)
    assert variable in text
    assert "hunter" not in text
    assert caught.value.__cause__ is None


# --- HTTP/2 -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("way", ["cancelled", "late"])
def test_who_leaves_an_http_2_connection_leaves_it_to_the_others(way: str, authority: Path) -> None:
    """One of two requests on a connection is given up: the other one is answered, on the same one, without a retry."""
    release = threading.Event()
    retries: list[Any] = []

    def strike(number: int) -> str:
        return {1: "silent", 3: "held"}.get(number, "honest")

    async def use(url: str) -> list[str]:
        settings = settings_for(url, retry=RetryPolicy(attempts=2, base=0.0), observe=retries.append)
        async with AsyncClient(**settings) as client:
            await client.page(RUN_ID)
            given_up = client.with_options(timeout=3.0, retry=ONCE) if way == "late" else client
            first = asyncio.create_task(given_up.page(RUN_ID))
            await arrived(2)
            await client.page(RUN_ID)
            second = asyncio.create_task(client.page(RUN_ID))
            await arrived(4)
            if way == "cancelled":
                first.cancel()
            await asyncio.wait([first])
            release.set()
            assert (await second).run_id == RUN_ID
            with pytest.raises(asyncio.CancelledError if way == "cancelled" else errors.DeadlineExceededError):
                await first
            return [str(file.input_file_path) async for file in client.files(RUN_ID)]

    async def arrived(number: int) -> None:
        async with asyncio.timeout(GENEROUS):
            while len(server.requests) < number:  # noqa: ASYNC110 - the server is another thread
                await asyncio.sleep(0.005)

    with speaking_http_2(authority, strike) as server:
        server.release = release
        assert asyncio.run(use(server.url)) == NAMES
        assert len(server.connections) == 1
    assert [event for event in retries if isinstance(event, RetryPlanned)] == []


# --- Clients that were passed in ----------------------------------------------------------------------------


def parts(own: Any) -> list[object]:
    """What a client is made of."""
    pool = own._transport._pool
    return [own._transport, *own._mounts.values(), pool, pool._network_backend, own.timeout, own.event_hooks, own.auth]


@pytest.mark.parametrize("module", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_a_client_that_is_passed_in_is_not_changed(module: Any, asynchronous: bool) -> None:
    """Its transport, pool, network, time-outs, hooks and headers are those of before, and it stays open."""

    async def with_tasks(url: str) -> None:
        async with module.AsyncClient() as own:
            before, headers = parts(own), dict(own.headers)
            async with AsyncClient(http_client=own, prefetch=2, **settings_for(url)) as client:
                assert [str(file.input_file_path) async for file in client.files(RUN_ID)] == NAMES
            assert not own.is_closed
            assert (parts(own), dict(own.headers)) == (before, headers)

    def with_threads(url: str) -> None:
        with module.Client() as own:
            before, headers = parts(own), dict(own.headers)
            with Client(http_client=own, prefetch=2, **settings_for(url)) as client:
                assert [str(file.input_file_path) for file in client.files(RUN_ID)] == NAMES
            assert not own.is_closed
            assert (parts(own), dict(own.headers)) == (before, headers)

    with honest_server() as server:
        asyncio.run(with_tasks(server.url)) if asynchronous else with_threads(server.url)


class LikeUvloop(httpx.AsyncBaseTransport):
    """Connections whose socket cannot be shut down, as uvloop gives them; answers begin and never end."""

    def __init__(self, connection: socket.socket) -> None:
        self.dup = connection.dup
        self.connection = connection
        self.has_begun = asyncio.Event()

    def shutdown(self, _how: int) -> None:
        """Refuse, as uvloop does."""
        raise TypeError("transport sockets do not support shutdown() method")

    def get_extra_info(self, _name: str) -> "LikeUvloop":
        """The socket."""
        return self

    async def body(self) -> AsyncIterator[bytes]:
        """End when the connection ends."""
        yield b"{"
        self.has_begun.set()
        await asyncio.get_running_loop().sock_recv(self.connection, 1)

    async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
        """Begin an answer."""
        return httpx.Response(200, content=self.body(), extensions={"network_stream": self})


def test_a_task_on_a_passed_in_client_is_cancelled_on_any_event_loop() -> None:
    """Where the event loop's sockets cannot be shut down, a cancelled task is cancelled, and its connection ends."""

    async def use(connection: socket.socket) -> None:
        connection.setblocking(False)
        transport = LikeUvloop(connection)
        async with (
            httpx.AsyncClient(transport=transport) as own,
            AsyncClient(http_client=own, **settings_for("http://127.0.0.1")) as client,
        ):
            task = asyncio.create_task(client.page(RUN_ID))
            await transport.has_begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    here, there = socket.socketpair()
    with here, there:
        there.settimeout(GENEROUS)
        asyncio.run(use(here))
        assert there.recv(1) == b""


@pytest.mark.parametrize("wrong", [object(), httpx.AsyncClient(), httpx2.AsyncClient(), "httpx"])
def test_what_is_no_http_client_is_refused(wrong: Any) -> None:
    """The error names both libraries."""
    with pytest.raises(errors.ConfigurationError, match=r"an httpx\.Client or an httpx2\.Client"):
        Client(token=TOKEN, http_client=wrong)


# --- The gate -----------------------------------------------------------------------------------------------


def test_the_gate_lets_in_who_waits_in_turn() -> None:
    """First come, first served; guesses take half of the slots at the most, and none while somebody waits."""

    async def use() -> None:
        gate = AsyncGate(4)
        turns = [gate.turn() for _ in range(12)]
        assert [gate.try_enter(turn) for turn in turns[:3]] == [True, True, False]
        assert [await gate.enter(turn, GENEROUS) for turn in turns[3:5]] == [True, True]
        order: list[int] = []

        async def wait(number: int) -> None:
            assert await gate.enter(turns[5 + number], GENEROUS)
            order.append(number)

        tasks = [asyncio.create_task(wait(number)) for number in range(4)]
        await asyncio.sleep(0)
        assert not await gate.enter(turns[9], 0.0)
        tasks[1].cancel()
        await asyncio.wait([tasks[1]])
        gate.leave(turns[0])
        assert not gate.try_enter(turns[10]), "others wait for what is due"
        gate.leave(turns[3])
        gate.leave(turns[4])
        await asyncio.wait(tasks)
        assert order == [0, 2, 3]
        for number in (0, 2, 3):
            gate.leave(turns[5 + number])
        assert [gate.try_enter(turn) for turn in turns[10:]] == [True, False]

    asyncio.run(use())


def test_a_slot_that_comes_to_a_cancelled_task_goes_to_the_next() -> None:
    """Cancelled in the very moment in which its slot comes, a task hands it on."""

    async def use() -> None:
        gate = AsyncGate(1)
        holding = gate.turn()
        assert await gate.enter(holding, 0.0)
        first, second = (asyncio.create_task(gate.enter(gate.turn(), GENEROUS)) for _ in range(2))
        await asyncio.sleep(0)
        gate.leave(holding)
        first.cancel()
        await asyncio.wait([first, second])
        assert first.cancelled()
        assert second.result()

    asyncio.run(use())


def test_threads_pass_the_gate_in_turn() -> None:
    """The same for threads."""
    gate, order = Gate(1), []
    holding = gate.turn()
    assert gate.enter(holding, 0.0)
    assert not gate.enter(gate.turn(), 0.0)
    assert not gate.try_enter(gate.turn())
    threads = []
    for number in range(3):

        def wait(number: int = number) -> None:
            turn = gate.turn()
            assert gate.enter(turn, GENEROUS)
            order.append(number)
            gate.leave(turn)

        threads.append(threading.Thread(target=wait))
        threads[-1].start()
        while len(gate._slots.waiting) <= number:
            threading.Event().wait(0.001)
    gate.leave(holding)
    for thread in threads:
        thread.join(GENEROUS)
    assert order == [0, 1, 2]


class CtrlC:
    """Raises KeyboardInterrupt at the n-th place in some files where Python looks for signals.

    Python 3.11 looks when a function begins, when a loop goes back, and after each call.
    """

    def __init__(self, place: int, files: tuple[str, ...]) -> None:
        self.left, self._files = place, files
        self._places: dict[Any, set[int]] = {}

    def __call__(self, frame: Any, event: str, _: object) -> Any:
        code = frame.f_code
        if not code.co_filename.endswith(self._files):
            return None
        frame.f_trace_opcodes = True
        if code not in self._places:
            steps = itertools.pairwise(dis.get_instructions(code))
            self._places[code] = {
                step.offset
                for before, step in steps
                if before.opname.startswith("CALL") or step.opname == "JUMP_BACKWARD"
            }
        if event == "call" or (event == "opcode" and frame.f_lasti in self._places[code]):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self


@pytest.mark.parametrize("prefetch", [0, 2] if THOROUGH else [0])
def test_ctrl_c_at_any_moment_loses_no_slot(prefetch: int) -> None:
    """Wherever Ctrl-C comes in the gate and the sender, every slot is free again when the walk is left."""
    with honest_server() as server, Client(**settings_for(server.url, max_connections=4, prefetch=prefetch)) as client:
        client.page(RUN_ID)  # what is imported once is imported
        gate = client._sender._gate
        for place in range(1, 10_000):
            interrupt = CtrlC(place, ("http/gate.py", "http/sender.py"))
            sys.settrace(interrupt)
            try:
                _ = list(client.pages(RUN_ID)) if prefetch else client.page(RUN_ID)
            except KeyboardInterrupt:
                pass
            finally:
                sys.settrace(None)
            end = time.monotonic() + GENEROUS
            while gate._slots.holders and time.monotonic() < end:  # guesses end on their threads
                time.sleep(0.001)
            assert not gate._slots.holders, f"a slot is lost at place {place}"
            assert not gate._slots.waiting
            if interrupt.left > 0:
                break
        assert place > 20
        assert sum(len(page.files) for page in client.pages(RUN_ID)) == len(NAMES)


def test_a_walk_waits_for_a_connection_no_longer_than_its_deadline(asynchronous: bool) -> None:
    """A walk with a deadline waits at the gate for so long at the most, and says what it waited for."""

    def stop_the_clock(client: Any) -> None:
        """Only the gate takes time."""
        client._options = evolve(client._options, clock=lambda: 0.0)

    async def with_tasks(url: str) -> None:
        async with AsyncClient(**settings_for(url, max_connections=1)) as client:
            await client.page(RUN_ID)
            stop_the_clock(client)
            (connections,) = client._sender._loops.values()
            assert await connections.gate.enter(connections.gate.turn(), 0.0)
            async for _ in client.pages(RUN_ID, deadline=1.0):
                raise AssertionError

    def with_threads(url: str) -> None:
        with Client(**settings_for(url, max_connections=1)) as client:
            stop_the_clock(client)
            assert client._sender._gate.enter(client._sender._gate.turn(), 0.0)
            for _ in client.pages(RUN_ID, deadline=1.0):
                raise AssertionError

    with honest_server() as server, pytest.raises(errors.ConnectionsBusyError) as caught:
        asyncio.run(with_tasks(server.url)) if asynchronous else with_threads(server.url)
    assert caught.value.resume_offset == 0


# --- The end ------------------------------------------------------------------------------------------------


def test_a_client_that_is_forgotten_closes_its_connections(note: Callable[..., None]) -> None:
    """An asynchronous client that nobody closes leaves no open connection behind when its event loop has ended."""

    async def use(url: str) -> None:
        client = AsyncClient(**settings_for(url))
        assert (await client.page(RUN_ID)).run_id == RUN_ID

    with honest_server() as server:
        asyncio.run(use(server.url))
        left = server.settle()
    note("use", "an asynchronous client that nobody closes, and its event loop ends", f"{left} connections left open")
    assert left == 0

"""Answers that never end, a few bytes at a time, in every place of an answer; and waits that a closed client ends."""

import asyncio
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat

import pytest

from run_results import AsyncClient, Client, RetryPolicy, errors
from run_results.events import Event, RetryPlanned
from run_results_conformance.server.serving import serve

from .kit import GENEROUS

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = HEAD + b"Content-Encoding: gzip\r\n\r\n"
_PACKER = zlib.compressobj(wbits=31)
PACKED = _PACKER.compress(b'{"files": [') + _PACKER.flush(zlib.Z_SYNC_FLUSH)
DRIPS = {
    "a status line": (b"HTTP/1.1 200 ", b"O"),
    "a header": (HEAD + b"a: ", b"b"),
    "headers": (HEAD, b"a: b\r\n"),
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "a body with a length": (HEAD + b"Content-Length: 100000000\r\n\r\n", b" "),
    "a body without a length": (HEAD + b"\r\n", b" "),
    "the size of a chunk": (CHUNKED, b"0"),
    "an extension of a chunk": (CHUNKED + b"1;", b"a"),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"a: b\r\n"),
    "packed blocks of nothing": (GZIP + PACKED, b"\x00\x00\x00\xff\xff"),
}


@contextmanager
def dripping(first: bytes, more: bytes) -> Iterator[str]:
    """A server that answers with `first`, and then with `more` again and again, as long as anybody listens."""

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            for part in chain([first], repeat(more)):
                connection.sendall(part)
                time.sleep(0.02)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def ask(url: str, *, asynchronous: bool) -> None:
    """Ask once, for 0.3 seconds at the most."""

    async def in_a_task() -> None:
        async with AsyncClient(token="t0k3n-of-the-drips", base_url=url, timeout=0.3, retry=once) as client:
            await client.page("r")

    once = RetryPolicy(attempts=1)
    if asynchronous:
        asyncio.run(in_a_task())
        return
    with Client(token="t0k3n-of-the-drips", base_url=url, timeout=0.3, retry=once) as client:
        client.page("r")


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("what", DRIPS)
def test_the_time_out_ends_a_request_whatever_drips(what: str, asynchronous: bool) -> None:
    """The time-out is for the whole answer: it ends one that goes on for ever, in whatever place that is."""
    with dripping(*DRIPS[what]) as url:
        started = time.monotonic()
        with pytest.raises(errors.DeadlineExceededError, match=r"after 0\.3 s"):
            ask(url, asynchronous=asynchronous)
        assert time.monotonic() - started < GENEROUS


async def busy(scope: object, receive: object, send: Callable[..., object]) -> None:
    """A server that asks everybody to come back in ten minutes."""
    await send({"type": "http.response.start", "status": 429, "headers": [(b"retry-after", b"600")]})  # type: ignore[misc]
    await send({"type": "http.response.body", "body": b'{"message": "later"}'})  # type: ignore[misc]


PATIENT = {"token": "t0k3n-of-the-waits", "patience": 6000, "retry": RetryPolicy(max_retry_after=6000)}


def sets(planned: threading.Event | asyncio.Event) -> Callable[[Event], None]:
    """An observer that sets an event when a wait begins."""
    return lambda event: planned.set() if isinstance(event, RetryPlanned) else None


def test_a_client_that_is_closed_ends_the_waits_of_threads() -> None:
    """A thread that waits for ten minutes, because a server asks for it, is free when its client is closed."""
    ends, planned = [], threading.Event()
    with serve(busy) as served:  # type: ignore[arg-type]
        client = Client(base_url=served.url, observe=sets(planned), **PATIENT)  # type: ignore[arg-type]

        def wait() -> None:
            try:
                client.page("r")
            except errors.ClientClosedError as error:
                ends.append(error)

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        assert planned.wait(GENEROUS)
        client.close()
        thread.join(GENEROUS)
    assert len(ends) == 1


def test_a_client_that_is_closed_ends_the_waits_of_tasks() -> None:
    """The same for a task of asyncio."""

    async def use(url: str) -> None:
        planned = asyncio.Event()
        client = AsyncClient(base_url=url, observe=sets(planned), **PATIENT)  # type: ignore[arg-type]
        task = asyncio.create_task(client.page("r"))
        await asyncio.wait_for(planned.wait(), GENEROUS)
        await client.close()
        with pytest.raises(errors.RunResultsError):
            await asyncio.wait_for(task, GENEROUS)

    with serve(busy) as served:  # type: ignore[arg-type]
        asyncio.run(use(served.url))

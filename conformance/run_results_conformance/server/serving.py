"""Serves an ASGI application on a port of this computer, in a thread of this process."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import uvicorn
from attrs import define, field
from starlette.types import ASGIApp

_START = 60.0  # seconds that the start may take, on a busy machine, too


@define
class Served:
    """A running server, with its host and port."""

    host: str
    port: int
    _thread: threading.Thread = field(repr=False)

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end: `http://127.0.0.1:49152`."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def wait(self) -> None:
        """Blocks until the server ends, or until a signal raises an exception in this thread."""
        while self._thread.is_alive():
            # Short joins, because on some platforms a signal does not interrupt a join.
            self._thread.join(0.5)


@contextmanager
def serve(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> Iterator[Served]:
    """Serves an ASGI application until the `with` ends. Port 0 takes a free port.

        with serve(ReferenceServer(store, "a-token")) as served:
            httpx.get(served.url + "/v2/apps/runs/synthetic-0/results", ...)

    The server has its own thread and event loop, so asynchronous code can use it too. It already answers when the
    `with` block begins. When the block ends, the port is closed and requests under way are dropped. Requests are not
    logged. Raises OSError if the port cannot be bound, and RuntimeError if the server does not start.
    """
    with closing(_bind(host, port)) as listener:
        config = uvicorn.Config(
            app,
            # Set explicitly, because the defaults depend on which packages are installed.
            http="h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            # Dropped requests and deliberate failures of an application are not worth a log line.
            log_level="critical",
            access_log=False,
            server_header=False,
        )
        server = uvicorn.Server(config)
        loop = asyncio.new_event_loop()
        stop = asyncio.Event()
        failures: list[BaseException] = []

        def run() -> None:
            try:
                with asyncio.Runner(loop_factory=lambda: loop) as runner:
                    runner.run(_serve_until(stop, server, listener))
            except BaseException as error:  # noqa: BLE001 - the caller gets it
                failures.append(error)

        thread = threading.Thread(target=run, name="run-results-serve", daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + _START
            while not server.started:
                if not thread.is_alive() or time.monotonic() > deadline:
                    raise RuntimeError("the server did not start") from (failures[0] if failures else None)
                time.sleep(0.001)
            address = listener.getsockname()
            yield Served(address[0], address[1], thread)
        finally:
            # RuntimeError: the loop has already ended and is closed.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(stop.set)
            thread.join()


async def _serve_until(stop: asyncio.Event, server: uvicorn.Server, listener: socket.socket) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    # uvicorn's own shutdown sleeps for tenths of a second, which is too slow for tests that each start a server.
    if server.started:
        for each in server.servers:
            each.close()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
    for task in (serving, stopping):
        task.cancel()
    (outcome, _) = await asyncio.gather(serving, stopping, return_exceptions=True)
    if isinstance(outcome, Exception):
        raise outcome


def _bind(host: str, port: int) -> socket.socket:
    """A bound socket. Bound here, so that the port is known and nobody else can take it."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except BaseException:
        listener.close()
        raise
    return listener

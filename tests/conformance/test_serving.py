"""An application on a loopback port: known at once, gone at once."""

import asyncio
import gc
import http.client
import socket
import threading
import warnings
from typing import Any

import httpx
import pytest

from run_results_conformance import MemoryStore, ReferenceServer, SyntheticRun, serve

AUTH = {"Authorization": "Bearer t"}
PATH = "/v2/apps/runs/synthetic-0/results"


@pytest.fixture(scope="module")
def app() -> ReferenceServer:
    return ReferenceServer(MemoryStore([SyntheticRun()]), "t")


def test_known_and_ready(app: ReferenceServer) -> None:
    """Inside the with the URL is known and answers; outside nobody listens."""
    with serve(app) as served:
        assert served.url == f"http://127.0.0.1:{served.port}"
        assert httpx.get(served.url + PATH, headers=AUTH, verify=False).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(served.url + PATH, verify=False)


def test_port_again(app: ReferenceServer) -> None:
    """A port that was left can be taken again at once."""
    with serve(app) as first:
        httpx.get(first.url + PATH, verify=False)
    with serve(app, port=first.port) as second:
        assert second.port == first.port


def test_port_in_use(app: ReferenceServer) -> None:
    """A port that somebody has is an error, not a wait."""
    with serve(app) as served, pytest.raises(OSError, match="in use"), serve(app, port=served.port):
        pass


def test_ipv6(app: ReferenceServer) -> None:
    """The loopback address of IPv6 serves as well."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this computer has no IPv6")
    with serve(app, "::1") as served:
        assert served.url.startswith("http://[::1]:")
        assert httpx.get(served.url + PATH, headers=AUTH, verify=False).status_code == 200


def test_many_at_once(app: ReferenceServer) -> None:
    """Servers do not get in each other's way, and stopping one leaves the others."""
    with serve(app) as one:
        with serve(app) as other:
            assert one.port != other.port
        assert httpx.get(one.url + PATH, headers=AUTH, verify=False).status_code == 200


def test_from_async(app: ReferenceServer) -> None:
    """A server can be used from asynchronous code in the same process."""

    async def ask() -> list[int]:
        with serve(app) as served:
            async with httpx.AsyncClient(base_url=served.url, headers=AUTH) as client:
                return [answer.status_code for answer in await asyncio.gather(*(client.get(PATH) for _ in range(3)))]

    assert asyncio.run(ask()) == [200] * 3


def test_stops_at_once() -> None:
    """Leaving the with waits neither for idle connections nor for slow requests, and leaves nothing open."""
    slow = ReferenceServer(MemoryStore([SyntheticRun()]), "t", latency=3600)
    outcome: list[type[BaseException]] = []
    arrived = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        arrived.set()
        await slow(scope, receive, send)

    def ask(port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request("GET", PATH, headers=AUTH)
            connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            outcome.append(type(error))
        finally:
            connection.close()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with serve(app) as served, socket.create_connection(("127.0.0.1", served.port)):
            thread = threading.Thread(target=ask, args=(served.port,))
            thread.start()
            assert arrived.wait(60)
        thread.join()
        gc.collect()
    assert len(outcome) == 1, "the answer, which takes an hour, never came"


def test_start_fails(app: ReferenceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not start is an error with its cause, and leaves no thread."""
    import uvicorn

    async def fail(self: Any, sockets: Any = None) -> None:
        raise SystemExit(3)

    monkeypatch.setattr(uvicorn.Server, "startup", fail)
    with pytest.raises(RuntimeError, match="did not start"), serve(app):
        pass
    assert not any(thread.name == "run-results-serve" for thread in threading.enumerate())


def test_error_passes_through(app: ReferenceServer) -> None:
    """An error inside the with leaves it as it is, and the server stops."""
    with pytest.raises(ZeroDivisionError), serve(app) as served:
        raise ZeroDivisionError
    with pytest.raises(httpx.ConnectError):
        httpx.get(served.url, verify=False)


@pytest.mark.parametrize("request_line", [b"GET /\xff HTTP/1.1", b"GET", b"\x00\x01", b"GET /a b HTTP/1.1"])
def test_not_http(app: ReferenceServer, request_line: bytes) -> None:
    """What is no HTTP is refused or dropped, and the server goes on."""
    with serve(app) as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
            connection.sendall(request_line + b"\r\nHost: x\r\n\r\n")
            assert connection.recv(65_536)[:12] in (b"", b"HTTP/1.1 400")
        assert httpx.get(served.url + PATH, headers=AUTH, verify=False).status_code == 200

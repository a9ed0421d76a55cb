"""The caller's own httpx client, proxies, certificates and HTTP/2: retries, limits and deadlines work with each."""

import importlib.util
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from run_results import Client, RetryPolicy, errors

from . import kit
from .kit import (
    LIBRARIES,
    NAMES,
    RUN_ID,
    TOKEN,
    check_left_clean,
    check_resume,
    honest_server,
    run_program,
    serving,
    tell,
    walk,
)
from .proxies import proxy_to

Note = Callable[..., None]
pytestmark = pytest.mark.usefixtures("library")
SETTINGS: dict[str, dict[str, Any]] = {
    "reset-in-body": {},
    "status-503-html": {},
    "gzip-bomb": {"max_body_bytes": 1_000_000},
    "drip-body": {"timeout": 0.6, "retry": RetryPolicy(attempts=1)},
}
COMES_TO = {
    "reset-in-body": errors.ConnectionFailedError,
    "status-503-html": errors.ServerError,
    "gzip-bomb": errors.ResponseTooLargeError,
    "drip-body": errors.DeadlineExceededError,
}


def counting(asynchronous: bool) -> Any:
    """A transport of the caller's own, which counts its requests."""
    module = LIBRARIES[kit.library_in_use] or httpx

    class Counting(module.HTTPTransport):  # type: ignore[misc, name-defined]
        seen = 0

        def handle_request(self, request: Any) -> Any:
            self.seen += 1
            return super().handle_request(request)

    class AsyncCounting(module.AsyncHTTPTransport):  # type: ignore[misc, name-defined]
        seen = 0

        async def handle_async_request(self, request: Any) -> Any:
            self.seen += 1
            return await super().handle_async_request(request)

    return AsyncCounting() if asynchronous else Counting()


def own(asynchronous: bool) -> dict[str, Any]:
    """Options of an HTTP client that nobody would make: its own transport, no time-out, redirects followed."""
    transport = counting(asynchronous)
    return {"transport": transport, "timeout": None, "follow_redirects": True, "headers": {"X-Own": "yes"}}


@pytest.mark.parametrize("name", COMES_TO)
def test_an_httpx_client_of_the_callers_keeps_every_limit(name: str, asynchronous: bool, note: Note) -> None:
    """Through a caller's own client and transport, which has no time-out of its own, nothing is lost or endless."""
    settings, options = SETTINGS[name], own(asynchronous)
    with serving(name, first=0 if "timeout" in settings else 1) as server:
        outcome = walk(server.url, asynchronous, http=options, **settings)
        assert options["transport"].seen == len(server.requests) > 0
        assert all(request.headers["x-own"] == "yes" for request in server.requests)
        check_left_clean(server)
    note("transport", f"`{name}`, through the caller's own httpx client and transport", outcome.told())
    assert type(outcome.error) is COMES_TO[name]
    check_resume(outcome, asynchronous)


def test_retries_work_through_an_httpx_client_of_the_callers(asynchronous: bool, note: Note) -> None:
    """Two answers cut off in the middle, and then every file."""
    with serving("reset-in-body", first=1, times=2) as server:
        outcome = walk(server.url, asynchronous, http=own(asynchronous))
        check_left_clean(server)
    note("transport", "two answers cut off, through the caller's own httpx client", outcome.told())
    assert (outcome.names, outcome.waits) == (NAMES, [0.5, 1.0])


def test_no_redirect_is_followed_through_a_client_that_would(asynchronous: bool, note: Note) -> None:
    """Even where the caller's client follows redirects, the token stays where it belongs."""
    with serving("redirect-elsewhere", first=1) as server:
        outcome = walk(server.url, asynchronous, http=own(asynchronous), context=None)
        check_left_clean(server)
    note("transport", "`redirect-elsewhere`, through an httpx client that follows redirects", outcome.told())
    assert type(outcome.error) is errors.RedirectRefusedError


def test_a_transport_without_a_network_can_be_injected(asynchronous: bool, note: Note) -> None:
    """httpx.MockTransport: retries are the client's, not the transport's."""
    module = LIBRARIES[kit.library_in_use] or httpx
    answers = [
        module.Response(503),
        module.ReadError("cut"),
        module.Response(200, json={"id": RUN_ID, "status": "COMPLETE", "files": [], "has_more": False}),
    ]

    def answer(request: Any) -> Any:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    outcome = walk("https://results.example", asynchronous, http={"transport": module.MockTransport(answer)})
    note(
        "transport",
        "503, a read error and a page, through httpx.MockTransport",
        "the page" if not outcome.error else tell(outcome.error),
    )
    assert (outcome.error, outcome.offsets, outcome.waits) == (None, [0], [0.5, 1.0])


PROGRAM = """
import asyncio, json, sys
from run_results import AsyncClient, Client
settings = dict(token=TOKEN, base_url=URL)
def walk():
    with Client(**settings) as client:
        return len(list(client.files(RUN_ID)))
async def walk_async():
    async with AsyncClient(**settings) as client:
        return len([file async for file in client.files(RUN_ID)])
print(json.dumps([walk(), asyncio.run(walk_async())]))
"""


# --- Certificates -------------------------------------------------------------------------------------------


def test_a_certificate_authority_of_ones_own_works_with_retries(
    asynchronous: bool, note: Note, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """https with a certificate of our own authority, and two answers cut off: every file comes."""
    with serving("reset-in-body", first=1, times=2, tls=server_tls) as server:
        outcome = walk(server.url, asynchronous, http={"verify": client_tls})
        check_left_clean(server)
    note("transport", "a CA of one's own, and two answers cut off", outcome.told())
    assert (outcome.names, outcome.waits) == (NAMES, [0.5, 1.0])


def test_a_certificate_that_nobody_vouches_for_is_one_clear_error(
    asynchronous: bool, note: Note, server_tls: ssl.SSLContext
) -> None:
    """Without our own authority the same server is refused, at once, before the token is sent."""
    with serving("silent", times=0, tls=server_tls) as server:
        outcome = walk(server.url, asynchronous)
        assert server.requests == []
        check_left_clean(server)
    note("transport", "a certificate that is not trusted", outcome.told())
    assert type(outcome.error) is errors.ConnectionFailedError
    assert "certificate could not be verified" in str(outcome.error)
    assert "SSL_CERT_FILE" in outcome.error.hint
    assert "http_client=" in outcome.error.hint
    assert outcome.waits == []


def test_a_certificate_of_another_host_is_told_apart(
    asynchronous: bool, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """A trusted certificate of another host is no matter of SSL_CERT_FILE: the base URL is what to look at."""
    with socket.create_server(("127.0.0.2", 0)) as listening:  # the certificate is for 127.0.0.1

        def shake_hands() -> None:
            with suppress(OSError), listening.accept()[0] as connection:
                server_tls.wrap_socket(connection, server_side=True)

        server = threading.Thread(target=shake_hands)
        server.start()
        url = f"https://127.0.0.2:{listening.getsockname()[1]}"
        outcome = walk(url, asynchronous, http={"verify": client_tls})
        server.join()
    assert type(outcome.error) is errors.ConnectionFailedError
    assert outcome.error.hint == "It is the certificate of another host: check the base URL"


def test_a_certificate_that_has_expired_is_told_apart(
    asynchronous: bool, expired_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """Neither SSL_CERT_FILE nor the base URL mends it: the hint names who can, and the clock."""
    with serving("silent", times=0, tls=expired_tls) as server:
        outcome = walk(server.url, asynchronous, http={"verify": client_tls})
        assert server.requests == []
        check_left_clean(server)
    assert type(outcome.error) is errors.ConnectionFailedError
    assert "certificate has expired" in str(outcome.error)
    assert outcome.error.hint == "The server's operators have to renew it, unless this computer's clock is wrong"
    assert outcome.waits == []


def test_deadlines_hold_under_tls(
    asynchronous: bool, note: Note, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """A body that drips through TLS ends at the deadline."""
    with serving("drip-body", tls=server_tls) as server:
        outcome = walk(server.url, asynchronous, http={"verify": client_tls}, **SETTINGS["drip-body"])
        check_left_clean(server)
    note("transport", "`drip-body`, under TLS", outcome.told())
    assert type(outcome.error) is errors.DeadlineExceededError


HANDSHAKE = """
import asyncio, gc, json, os, stat, time, warnings
from run_results import AsyncClient, Client, RetryPolicy, RunResultsError
warnings.simplefilter("ignore", ResourceWarning)
gc.disable()  # nobody tidies up but the client
settings = dict(token=TOKEN, base_url=URL, timeout=0.8, retry=RetryPolicy(attempts=2, base=0.0))
def sockets():
    found = 0
    for number in range(256):
        try:
            found += stat.S_ISSOCK(os.fstat(number).st_mode)
        except OSError:
            pass
    return found
async def with_tasks():
    before = sockets()
    async with AsyncClient(**settings) as client:
        try:
            await client.page(RUN_ID)
        except RunResultsError as error:
            name = type(error).__name__
    end = time.monotonic() + 45
    while sockets() > before and time.monotonic() < end:
        await asyncio.sleep(0.01)
    return [name, sockets() - before]
def with_threads():
    before = sockets()
    with Client(**settings) as client:
        try:
            client.page(RUN_ID)
        except RunResultsError as error:
            name = type(error).__name__
    return [name, sockets() - before]
print(json.dumps(asyncio.run(with_tasks()) if ASYNCHRONOUS else with_threads()))
"""


def test_a_handshake_that_is_given_up_leaves_no_socket_open(
    asynchronous: bool, note: Note, server_tls: ssl.SSLContext
) -> None:
    """Two handshakes that nobody answers, each ended by its deadline: the closed client holds no socket."""
    with serving("silent-at-once", tls=server_tls) as server:
        name, left = run_program(f"ASYNCHRONOUS = {asynchronous}\n{HANDSHAKE}", server.url)
    note("transport", "two TLS handshakes that nobody answers", f"`{name}`, {left} sockets left open")
    assert name == "DeadlineExceededError"
    assert left == 0


CANCELLED = (
    HANDSHAKE.replace("timeout=0.8", "timeout=60")
    .replace("await client.page(RUN_ID)", "name = await cancel_three(client)")
    .replace(
        "async def with_tasks",
        """async def cancel_three(client):
    for _ in range(3):
        task = asyncio.create_task(client.page(RUN_ID))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
    return "cancelled"
async def with_tasks""",
    )
)


def test_a_handshake_whose_task_is_cancelled_leaves_no_socket_open(note: Note, server_tls: ssl.SSLContext) -> None:
    """Three tasks that are cancelled in the middle of a handshake: the closed client holds no socket."""
    with serving("silent-at-once", tls=server_tls) as server:
        name, left = run_program(f"ASYNCHRONOUS = True\n{CANCELLED}", server.url)
    note("transport", "three tasks cancelled in TLS handshakes", f"{name}, {left} sockets left open")
    assert name == "cancelled"
    assert left == 0


def test_the_environment_can_name_a_certificate_authority(
    note: Note, server_tls: ssl.SSLContext, authority: Path
) -> None:
    """SSL_CERT_FILE is enough."""
    with serving("reset-in-body", first=1, times=1, tls=server_tls) as server:
        assert run_program(PROGRAM, server.url, SSL_CERT_FILE=str(authority / "ca.pem")) == [7, 7]
        check_left_clean(server)
    note("transport", "a CA named by SSL_CERT_FILE, and an answer cut off", "every file")


def test_the_environment_can_name_it_after_the_first_client(
    server_tls: ssl.SSLContext, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a notebook, SSL_CERT_FILE counts for the next client, without another process."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with serving("silent", times=0, tls=server_tls) as server:
        with Client(token=TOKEN, base_url=server.url) as client, pytest.raises(errors.ConnectionFailedError):
            client.page(RUN_ID)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
        with Client(token=TOKEN, base_url=server.url) as client:
            assert client.page(RUN_ID).files


# --- Proxies ------------------------------------------------------------------------------------------------


def test_a_proxy_from_the_environment_is_used_with_retries(
    note: Note, server_tls: ssl.SSLContext, authority: Path
) -> None:
    """HTTPS_PROXY leads to the server; answers that are cut off behind it are asked for again."""
    with serving("reset-in-body", first=1, times=2, tls=server_tls) as server, proxy_to(server.url) as proxy:
        counted = run_program(
            PROGRAM,
            "https://results.example",
            HTTPS_PROXY=proxy.url,
            SSL_CERT_FILE=str(authority / "ca.pem"),
            NO_PROXY="",
        )
        assert len(server.requests) == 3 + 2 + 3
    note("transport", "HTTPS_PROXY, and two answers cut off behind it", "every file")
    assert counted == [7, 7]
    assert proxy.asked
    assert all(head.startswith("CONNECT results.example:443 ") for head in proxy.asked)
    assert not any(TOKEN in head for head in proxy.asked), "the token goes through the tunnel only"


@pytest.mark.parametrize("name", ["drip-body", "silent"])
def test_deadlines_and_limits_hold_through_a_proxy(
    name: str, asynchronous: bool, note: Note, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """What dawdles behind a proxy ends at the deadline."""
    with serving(name, tls=server_tls) as server, proxy_to(server.url) as proxy:
        http = {"verify": client_tls, "proxy": proxy.url}
        outcome = walk("https://results.example", asynchronous, http=http, **SETTINGS["drip-body"])
    note("transport", f"`{name}`, through a proxy", outcome.told())
    assert type(outcome.error) is errors.DeadlineExceededError


def test_a_proxy_that_is_down_is_one_clear_error(
    asynchronous: bool, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like any connection that fails: tried again, then one error."""
    with serving("refused") as nobody:
        monkeypatch.setenv("HTTPS_PROXY", nobody.url)
        outcome = walk("https://results.example", asynchronous)
    note("transport", "a proxy that is down", outcome.told())
    assert type(outcome.error) is errors.ConnectionFailedError
    assert outcome.error.attempts == 3


def test_plain_http_goes_to_this_machine_and_through_no_proxy(
    asynchronous: bool, library: str, note: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP_PROXY would see the token in the open: loopback is asked directly."""
    if library != "own":
        pytest.skip("a client that is passed in reads the environment itself")
    with honest_server() as server, proxy_to(server.url) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        outcome = walk(server.url, asynchronous)
        assert outcome.names == NAMES
        assert proxy.asked == []
        check_left_clean(server)
    note("transport", "HTTP_PROXY, and a base URL on loopback", "every file, past the proxy")


def test_a_plain_proxy_of_the_callers_works_with_retries(asynchronous: bool, note: Note) -> None:
    """A caller who gives a client with a proxy gets the proxy."""
    with serving("status-503-json", first=1, times=2) as server, proxy_to(server.url) as proxy:
        outcome = walk(
            "http://results.example", asynchronous, http={"proxy": proxy.url, "trust_env": False}, allow_insecure=True
        )
        assert proxy.asked[0].startswith("GET http://results.example/v2/apps/runs/")
    note("transport", "a forward proxy of the caller's, and two 503", outcome.told())
    assert (outcome.names, outcome.waits) == (NAMES, [0.5, 1.0])


# --- HTTP/2 -------------------------------------------------------------------------------------------------


HTTP2 = importlib.util.find_spec("h2") is not None
STRUCK: dict[str, tuple[dict[str, Any], type[errors.RunResultsError]]] = {
    "reset": ({}, errors.ConnectionFailedError),
    "go away": ({}, errors.ConnectionFailedError),
    "503": ({}, errors.ServerError),
    "large": ({"max_body_bytes": 20_000}, errors.ResponseTooLargeError),
    "drip": (SETTINGS["drip-body"], errors.DeadlineExceededError),
}


def speaking_http_2(authority: Path, strike: Callable[[int], str]) -> Any:
    """A server that speaks HTTP/2, with a certificate of our own authority; says so where it cannot be had."""
    if not HTTP2:
        pytest.skip("HTTP/2 was not tried: the extra run-results[http2] is not installed")
    from .http2 import http2_server

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority / "server.pem")
    return http2_server(tls, strike)


@pytest.mark.parametrize("kind", ["reset", "go away", "503"])
def test_retries_work_over_http_2(
    kind: str, asynchronous: bool, note: Note, authority: Path, client_tls: ssl.SSLContext
) -> None:
    """Over HTTP/2 a stream that is reset, a connection that is given up and a 503 are asked again: every file comes."""
    with speaking_http_2(authority, lambda number: kind if number in (1, 2) else "honest") as server:
        outcome = walk(server.url, asynchronous, http={"http2": True, "verify": client_tls})
    note("transport", f"HTTP/2, the fault comes twice: {kind}", outcome.told())
    assert (outcome.names, outcome.waits) == (NAMES, [0.5, 1.0])
    assert len(server.requests) == 5


@pytest.mark.parametrize("kind", STRUCK)
def test_limits_hold_over_http_2(
    kind: str, asynchronous: bool, note: Note, authority: Path, client_tls: ssl.SSLContext
) -> None:
    """Over HTTP/2 what lasts is one typed error with where to resume: limits of size and time hold as ever."""
    told, wanted = STRUCK[kind]
    with speaking_http_2(authority, lambda number: kind if number or kind == "drip" else "honest") as server:
        outcome = walk(server.url, asynchronous, http={"http2": True, "verify": client_tls}, **told)
    note("transport", f"HTTP/2, the fault stays: {kind}", outcome.told())
    assert type(outcome.error) is wanted
    check_resume(outcome, asynchronous)


def test_without_its_extra_http_2_is_refused_by_httpx(asynchronous: bool) -> None:
    """HTTP/2 is the caller's choice: without the extra httpx says so, with it it falls back where the server cannot."""
    kind = httpx.AsyncClient if asynchronous else httpx.Client
    if not HTTP2:
        with pytest.raises(ImportError, match="httpx\\[http2\\]"):
            kind(http2=True)
        return
    with serving("reset-in-body", first=1, times=2) as server:
        outcome = walk(server.url, asynchronous, http={"http2": True})
        check_left_clean(server)
    assert (outcome.names, outcome.waits) == (NAMES, [0.5, 1.0])

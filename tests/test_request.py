"""What an error says of the request that failed: the address, the wait that a server asks for, and what to do next."""

import asyncio
import http.server
import json
import ssl
import threading
import traceback
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results import AsyncClient, Client, RetryPolicy, errors
from run_results.retry import parse_retry_after

TOKEN = "t0k3n-of-the-requests"
CONTEXT = "context-of-the-requests"
TRUST = ssl.create_default_context()  # once: to read the certificates takes longer than all else here
NOW = datetime(2025, 10, 21, 7, 28, tzinfo=UTC)


def date(seconds: float) -> str:
    """A date as HTTP writes it, so many seconds after the server's own."""
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


def refusal(status: int, body: object, context: str | None = None, **headers: str) -> errors.RunResultsError:
    """The error that an answer with this status becomes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    own = httpx.Client(
        transport=httpx.MockTransport(lambda _: httpx.Response(status, headers=headers, content=content)), verify=TRUST
    )
    settings: dict[str, Any] = {"base_url": "http://127.0.0.1/api", "retry": RetryPolicy(attempts=1), "patience": 0}
    with pytest.raises(errors.RunResultsError) as caught:
        Client(token=TOKEN, context=context, http_client=own, **settings).page("r")
    return caught.value


# --- Retry-After ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        ("0", 0),
        ("30.5", 31),
        ("0.2", 1),
        ("30.", 30),
        ("30.000000001", 31),
        (" 30 ", 30),
        ("+30", 30),
        ("30;", 30),
        ("30; comment", 30),
        ("30, 60", 60),
        ("60, 30.5", 60),
        ("garbage, 30", 30),
        (f"{date(50)}, 30", 50),
        (f"30, {date(20)}", 30),
        ("9" * 400, 1e12),
        (date(45), 45),
        (date(-45), 0),
        ("Tuesday, 21-Oct-25 07:28:45 GMT", 45),
        ("Tue Oct 21 07:28:45 2025", 45),
        ("-5", None),
        ("", None),
        (",", None),
        ("soon", None),
        ("1e5", None),
        ("0x10", None),
        ("inf", None),
        ("nan", None),
        ("٣٠", None),
        (None, None),
    ],
)
def test_what_a_server_asks_to_wait_is_read(text: str | None, seconds: float | None) -> None:
    """Fractions are rounded up, the longest of several waits counts, and what is neither number nor date is none."""
    assert parse_retry_after(text, date(0)) == seconds


@given(st.floats(0, 1e9))
def test_no_wait_is_shorter_than_what_was_asked_for(seconds: float) -> None:
    """A fraction is never rounded down: the server would refuse again."""
    wait = parse_retry_after(f"{seconds:.12f}")
    assert wait is not None
    assert seconds - 1e-6 <= wait <= seconds + 1


@given(st.text(max_size=40), st.one_of(st.none(), st.text(max_size=40)))
def test_garbage_in_headers_of_time_does_no_harm(text: str, other: str | None) -> None:
    """Whatever stands in Retry-After and Date, the result is a number of seconds or none."""
    wait = parse_retry_after(text, other)
    assert wait is None or 0 <= wait <= 1e12


def test_a_date_counts_from_the_date_of_the_answer() -> None:
    """Where the clocks differ by a year, a server that asks for a minute still gets one."""
    error = refusal(503, b"", **{"Retry-After": date(60), "Date": date(0)})
    assert error.retry_after == 60  # type: ignore[attr-defined]
    assert parse_retry_after(date(60), "no date") == 0, "without one our clock counts, for which that is long past"


# --- Redirects ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://[2001:db8::1]:8443/x?secret=1#y", "https://[2001:db8::1]:8443/x"),
        ("https://user:pass@[::1]/x", "https://[::1]/x"),
        ("//other.example/x", "//other.example/x"),
        ("/elsewhere?x=1", "/elsewhere"),
        ("https://host:99999/", "https://host:99999/"),
    ],
)
def test_an_address_that_a_server_points_to_is_shown_whole(location: str, shown: str) -> None:
    """Brackets of an IPv6 address stay; query, fragment and user info go."""
    from run_results.request import Reply, _status_error
    from run_results.secret import Secret

    error = _status_error(Reply(302, {"location": location}, b""), Secret(TOKEN))
    assert (error.status, error.location) == (302, shown)  # type: ignore[attr-defined]


@pytest.fixture
def redirecting() -> Iterator[Callable[[str], str]]:
    """A server that answers each request with 302 and the Location that is set; gives its base URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server.asked += 1  # type: ignore[attr-defined]
            self.send_response(302)
            self.send_header("Location", self.server.location)  # type: ignore[attr-defined]
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

        def point_to(location: str) -> str:
            server.location, server.asked = location, 0  # type: ignore[attr-defined]
            return f"http://127.0.0.1:{server.server_port}"

        yield point_to
        server.shutdown()


@pytest.mark.parametrize("kind", ["own", "httpx", "httpx2"])
@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("mailto:you@example.com", "mailto:you@example.com"),
        ("tel:1234", "tel:1234"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("https://[::1", "an address that cannot be read"),
        ("https://host:99999999/x", "https://host:99999999/x"),
        ("//", ""),
        ("https://", "https:///"),
        ("https://ex ample/", "https://ex ample/"),
        ("http://\xff/", "http://\xff/"),
        ("https://user:pass@[::1]/x?y", "https://[::1]/x"),
    ],
)
def test_a_redirect_to_what_is_no_address_keeps_its_status(
    redirecting: Callable[[str], str], kind: str, location: str, shown: str
) -> None:
    """It is refused at once as any redirect, over our own connections and over a client that is passed in."""
    settings: dict[str, Any] = {"token": TOKEN, "base_url": redirecting(location), "retry": RetryPolicy(base=0)}
    library = {"own": None, "httpx": httpx, "httpx2": httpx2}[kind]

    async def ask() -> None:
        async with AsyncClient(http_client=library and library.AsyncClient(verify=TRUST), **settings) as client:
            await client.page("r")

    def check(work: Callable[[], object]) -> None:
        with pytest.raises(errors.RedirectRefusedError) as caught:
            work()
        assert (caught.value.status, caught.value.attempts) == (302, 1)
        assert (caught.value.location or "").rstrip("/") == shown.rstrip("/")

    with Client(http_client=library and library.Client(verify=TRUST), **settings) as client:
        check(lambda: client.page("r"))
    check(lambda: asyncio.run(ask()))


# --- HTTP clients that are passed in --------------------------------------------------------------------------


class Foreign(Exception):
    """An error of somebody else's library."""


@pytest.mark.parametrize("error", [Foreign(f"no {TOKEN}"), KeyError("x"), ExceptionGroup("all", [Foreign("no")])])
@pytest.mark.parametrize("where", ["transport", "request hook", "response hook"])
def test_what_a_client_that_is_passed_in_raises_is_of_the_family(where: str, error: Exception) -> None:
    """Transports and hooks of the caller's may raise anything: it comes as one error, once, without the token."""
    asked = 0

    def fail(*_: Any) -> Any:
        raise error

    async def fail_in_task(*_: Any) -> Any:
        raise error

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return fail() if where == "transport" else httpx.Response(200, content=b"{}")

    transport = httpx.MockTransport(answer)
    settings: dict[str, Any] = {"token": TOKEN, "base_url": "http://127.0.0.1", "retry": RetryPolicy(base=0)}
    event = where.partition(" ")[0]
    hooks = {} if where == "transport" else {"event_hooks": {event: [fail]}}
    tasks = {} if where == "transport" else {"event_hooks": {event: [fail_in_task]}}

    async def ask() -> None:
        async with AsyncClient(
            http_client=httpx.AsyncClient(transport=transport, verify=TRUST, **tasks), **settings
        ) as client:
            await client.page("r")

    own = httpx.Client(transport=transport, verify=TRUST, **hooks)
    for work in (lambda: Client(http_client=own, **settings).page("r"), lambda: asyncio.run(ask())):
        with pytest.raises(errors.ConnectionFailedError, match=f"passed in raised {type(error).__name__}") as caught:
            work()
        assert caught.value.attempts == 1
        assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert asked == (0 if where == "request hook" else 2)


# --- What an error names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("context", [None, CONTEXT])
@pytest.mark.parametrize("status", [404, 403, 500])
def test_a_refusal_names_the_address_and_whether_a_context_was_sent(status: int, context: str | None) -> None:
    """The address is what a slip in the base URL shows in; the context itself is not shown."""
    error = refusal(status, {"message": "no"}, context)
    assert error.url == "http://127.0.0.1/api/v2/apps/runs/r/results"
    assert f"{error.url}, {'with a' if context else 'no'} context" in str(error)
    assert CONTEXT not in str(error) + repr(vars(error))


def test_a_connection_that_fails_names_the_address() -> None:
    """So does an error of a connection that was refused, with each of its attempts."""

    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno 111] Connection refused")

    own = httpx.Client(transport=httpx.MockTransport(refuse), verify=TRUST)
    settings: dict[str, Any] = {"base_url": "http://127.0.0.1/api", "retry": RetryPolicy(attempts=2, base=0)}
    with pytest.raises(
        errors.ConnectionFailedError, match=r"run 'r', offset 0, http://127\.0\.0\.1/api/v2/.* with a context"
    ):
        Client(token=TOKEN, context=CONTEXT, http_client=own, **settings).page("r")


@pytest.mark.parametrize("body", [b"<html>Not Found</html>", b"", {"detail": "Not Found"}])
def test_a_404_that_is_not_from_the_api_names_the_address_first(body: object) -> None:
    """A 404 without the API's own message is most often a wrong path; one with it a wrong id or context."""
    hint = refusal(404, body).hint
    assert hint.startswith("This is no answer of the API: check first whether the address is right")
    assert refusal(404, {"message": "Run not found"}).hint.startswith("Check the run id, the context")


# --- Another event loop ---------------------------------------------------------------------------------------


def run_without_asyncio(work: Coroutine[Any, Any, None]) -> None:
    """Drive a coroutine as trio would: no event loop of asyncio is running."""
    with pytest.raises(StopIteration):
        while True:
            work.send(None)


@pytest.mark.parametrize("method", ["page", "wait", "pages", "files", "table", "export"])
def test_without_asyncio_an_error_says_what_to_use(method: str, tmp_path: Any) -> None:
    """Under trio each method of AsyncClient raises an error of the family, and the client can be closed."""
    calls: dict[str, Callable[[AsyncClient], Any]] = {
        "pages": lambda client: anext(client.pages("r")),
        "files": lambda client: anext(client.files("r")),
        "export": lambda client: client.export("r", tmp_path / "out"),
    }

    async def work() -> None:
        async with AsyncClient(token=TOKEN, base_url="http://127.0.0.1:1") as client:
            with pytest.raises(errors.ConfigurationError, match=r"needs asyncio.*trio\.to_thread"):
                await calls.get(method, lambda client: getattr(client, method)("r"))(client)

    run_without_asyncio(work())


def test_a_client_that_was_used_with_asyncio_can_be_closed_without_it() -> None:
    """Its connections were closed with their event loop."""
    client = AsyncClient(token=TOKEN, base_url="http://127.0.0.1:1", retry=RetryPolicy(attempts=1))

    async def use() -> None:
        with pytest.raises(errors.ConnectionFailedError):
            await client.page("r")

    asyncio.run(use())
    run_without_asyncio(client.close())

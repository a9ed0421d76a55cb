"""The two clients against the reference server and, where it is too honest, a server that answers from a script."""

import asyncio
import gzip
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from run_results import UNSET, AsyncClient, Client, Include, RetryPolicy, errors
from run_results_conformance.server.synthetic import SyntheticRun

TOKEN = "t0k3n-of-the-client"
QUICK = RetryPolicy(attempts=3, base=0.001)
PAGE = {"id": "r", "status": "COMPLETE", "files": [{"input_file_path": "a"}], "has_more": False}

Answer = tuple[int, dict[str, str], bytes] | None


class Script:
    """A server that gives answers one after the other, the last one for ever; None closes the connection at once."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.connections: set[Any] = set()
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                script.requests.append({name.lower(): value for name, value in self.headers.items()})
                script.paths.append(self.path)
                script.connections.add(self.client_address)
                answer = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, body = answer
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()
    yield script
    script.close()


def ok(page: object = PAGE, **headers: str) -> Answer:
    return 200, headers, json.dumps(page).encode()


def ask(script: Script, *answers: Answer, asynchronous: bool = False, **settings: Any) -> Any:
    """Fetch a page from a script."""
    script.answers = list(answers)
    settings = {"token": TOKEN, "base_url": script.url, "retry": QUICK, **settings}
    if not asynchronous:
        with Client(**settings) as client:
            return client.page("r")

    async def fetch() -> Any:
        async with AsyncClient(**settings) as client:
            return await client.page("r")

    return asyncio.run(fetch())


both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])

STATUSES = {
    400: errors.BadRequestError,
    401: errors.UnauthorizedError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    418: errors.StatusError,
    422: errors.BadRequestError,
    204: errors.StatusError,
    301: errors.RedirectRefusedError,
    505: errors.ServerError,
    520: errors.ServerError,
}


@both
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_that_asking_again_does_not_change_is_one_error(
    script: Script, status: int, asynchronous: bool
) -> None:
    """The error has the status, the server's message and its request id, after one request."""
    body = b"" if status == 204 else b'{"message": "what the server says"}'
    with pytest.raises(errors.StatusError) as caught:
        ask(script, (status, {"X-Request-Id": "id-7"}, body), asynchronous=asynchronous)
    error = caught.value
    assert type(error) is STATUSES[status]
    assert (error.status, error.request_id, error.attempts) == (status, "id-7", 1)
    assert error.server_message == ("what the server says" if body else None)
    assert len(script.requests) == 1


@both
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_status_is_asked_again_within_the_policy(script: Script, status: int, asynchronous: bool) -> None:
    """Two failures and then an answer: the page. Failures without end: one error that says how often it was tried."""
    bad: Answer = (status, {"Content-Type": "text/html"}, b"<html>oops</html>")
    assert ask(script, bad, bad, ok(), asynchronous=asynchronous).files[0].input_file_path == "a"
    with pytest.raises(errors.StatusError) as caught:
        ask(script, bad, asynchronous=asynchronous)
    assert (caught.value.attempts, caught.value.excerpt) == (3, "<html>oops</html>")


@both
def test_a_broken_connection_is_asked_again(script: Script, asynchronous: bool) -> None:
    """Closed without an answer, cut in the middle, and cut without a length to tell by: then a page."""
    half = json.dumps(PAGE).encode()[:30]
    cut: Answer = (200, {"Content-Length": "400", "Connection": "close"}, half)
    unmarked: Answer = (200, {}, half)
    policy = RetryPolicy(attempts=4, base=0.001)
    assert ask(script, None, cut, unmarked, ok(), asynchronous=asynchronous, retry=policy).status == "COMPLETE"
    with pytest.raises(errors.ConnectionFailedError) as caught:
        ask(script, None, asynchronous=asynchronous)
    assert caught.value.attempts == 3
    with pytest.raises(errors.MalformedResponseError) as malformed:
        ask(script, unmarked, asynchronous=asynchronous)
    assert malformed.value.attempts == 3


@both
def test_the_server_can_ask_for_patience_up_to_a_cap(script: Script, asynchronous: bool) -> None:
    """Retry-After is honoured; over the cap it is an error at once that carries the value; garbage is passed over."""
    assert ask(script, (429, {"Retry-After": "0"}, b"{}"), ok(), asynchronous=asynchronous).run_id == "r"
    assert ask(script, (503, {"Retry-After": "soon"}, b"{}"), ok(), asynchronous=asynchronous).run_id == "r"
    with pytest.raises(errors.TooManyRequestsError) as caught:
        ask(script, (429, {"Retry-After": "3600"}, b"{}"), ok(), asynchronous=asynchronous)
    assert (caught.value.retry_after, caught.value.attempts) == (3600.0, 1)
    assert "3600 s" in str(caught.value)


def test_retries_share_one_budget(script: Script) -> None:
    """A client that has used up its retries fails at once until successes refill them."""
    script.answers = [(503, {}, b"{}")]
    policy = RetryPolicy(attempts=3, base=0.0, budget=3)
    with Client(token=TOKEN, base_url=script.url, retry=policy) as client:
        tried = []
        for _ in range(4):
            with pytest.raises(errors.ServerError) as caught:
                client.with_options(timeout=5).page("r")
            tried.append(caught.value.attempts)
    assert tried == [3, 2, 1, 1]


@both
def test_redirects_are_not_followed_and_take_no_token_along(script: Script, asynchronous: bool) -> None:
    """A redirect is an error that says where it pointed, without query and user info; nobody is asked there."""
    elsewhere = Script()
    elsewhere.answers = [ok()]
    try:
        where = elsewhere.url.replace("http://", "http://user:pass@") + "/login?next=secret"
        with pytest.raises(errors.RedirectRefusedError) as caught:
            ask(script, (302, {"Location": where}, b""), asynchronous=asynchronous, context="acme")
        assert caught.value.location == f"{elsewhere.url}/login"
        assert not elsewhere.requests
    finally:
        elsewhere.close()


@both
def test_a_rotated_token_is_asked_for_once_more_after_a_401(script: Script, asynchronous: bool) -> None:
    """A function gives the token for each request; one 401 makes a fresh one, a second one is an error."""
    tokens = iter([f"token-{number}" for number in range(9)])
    denied: Answer = (401, {}, b'{"message": "expired"}')
    ask(script, denied, ok(), asynchronous=asynchronous, token=lambda: next(tokens))
    assert [request["authorization"] for request in script.requests] == ["Bearer token-0", "Bearer token-1"]
    with pytest.raises(errors.UnauthorizedError):
        ask(script, denied, asynchronous=asynchronous, token=lambda: next(tokens))
    with pytest.raises(errors.UnauthorizedError):
        ask(script, denied, ok(), asynchronous=asynchronous)


@both
def test_bodies_have_a_limit_before_and_after_decompression(script: Script, asynchronous: bool) -> None:
    """A body over the limit, plain or as a small archive of a huge one, is an error; one at the limit is taken."""
    body = json.dumps(PAGE).encode()
    assert ask(script, (200, {}, body), asynchronous=asynchronous, max_body_bytes=len(body)).run_id == "r"
    zipped: Answer = (200, {"Content-Encoding": "gzip"}, gzip.compress(body))
    assert ask(script, zipped, asynchronous=asynchronous).run_id == "r"
    bomb: Answer = (200, {"Content-Encoding": "gzip"}, gzip.compress(b" " * 10_000_000))
    for answer in ((200, {}, b" " * 2000), bomb):
        with pytest.raises(errors.ResponseTooLargeError, match="1000 bytes"):
            ask(script, answer, asynchronous=asynchronous, max_body_bytes=1000)
    with pytest.raises(errors.NotFoundError):
        ask(script, (404, *bomb[1:]), asynchronous=asynchronous, max_body_bytes=1000)  # type: ignore[arg-type]


@both
def test_right_json_is_taken_under_any_content_type(script: Script, asynchronous: bool) -> None:
    """What counts is the body."""
    for kind in ("text/html", "application/json; charset=utf-8", "nonsense"):
        answer = ok(**{"Content-Type": kind})
        assert ask(script, answer, asynchronous=asynchronous).run_id == "r"


@both
def test_a_slow_server_meets_a_deadline(asynchronous: bool) -> None:
    """A server that accepts and says nothing is an error after the time-out, and the error is a TimeoutError too."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        script = type("Silent", (), {"url": url})()
        with pytest.raises(errors.DeadlineExceededError, match=r"0\.1 s") as caught:
            ask(script, asynchronous=asynchronous, timeout=0.1, retry=RetryPolicy(attempts=1))
    assert isinstance(caught.value, TimeoutError)


def test_drift_is_delivered_logged_and_strict_raises(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    """The page comes with its drift and a log line; with strict=True the same list comes as an error."""
    odd = {**PAGE, "batch_id": 5, "status": "ARCHIVED"}
    with caplog.at_level(logging.WARNING, logger="run_results"):
        page = ask(script, ok(odd))
    assert [place.path for place in page.drift] == ["$.status", "$.batch_id"]
    assert page.raw == odd
    assert page.status == "ARCHIVED"
    assert "$.batch_id: expected string, got 5" in caplog.text
    with pytest.raises(errors.ContractError) as caught:
        ask(script, ok(odd), strict=True)
    assert caught.value.drift == page.drift


def test_one_connection_serves_a_walk(serve_runs: Callable[..., str], token: str) -> None:
    """Keep-alive: twenty pages travel over one connection."""
    connections: list[object] = []

    class Counting(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = super().handle_request(request)
            connections.append(response.extensions["network_stream"].get_extra_info("client_addr"))
            return response

    url = serve_runs(SyntheticRun(seed=1, files=20), page_size=1)
    with httpx.Client(transport=Counting()) as own, Client(token=token, base_url=url, http_client=own) as client:
        assert len(list(client.files("synthetic-1"))) == 20
    assert len(connections) == 20
    assert len(set(connections)) == 1


def test_with_options_changes_a_copy(serve_runs: Callable[..., str], token: str) -> None:
    """The copy has the change, the parent does not; both use the same connections."""
    url = serve_runs(SyntheticRun(seed=1, files=3))
    with Client(token=token, base_url=url) as client:
        wrong = client.with_options(token="not-the-token")
        with pytest.raises(errors.UnauthorizedError):
            wrong.page("synthetic-1")
        assert client.page("synthetic-1").run_id == "synthetic-1"
        with pytest.raises(errors.ConfigurationError):
            client.with_options(timeout=-1)
        elsewhere = client.with_options(base_url="http://127.0.0.1:9/")
        assert repr(elsewhere) == "<Client http://127.0.0.1:9>"


@both
def test_a_closed_client_says_so(serve_runs: Callable[..., str], token: str, asynchronous: bool) -> None:
    """Using a client after `close` is one clear error."""
    url = serve_runs(SyntheticRun(seed=1, files=1))
    if not asynchronous:
        client = Client(token=token, base_url=url)
        client.close()
        with pytest.raises(errors.ClientClosedError, match="closed"):
            client.page("synthetic-1")
        return

    async def use() -> None:
        late = AsyncClient(token=token, base_url=url)
        await late.close()
        with pytest.raises(errors.ClientClosedError, match="closed"):
            await late.page("synthetic-1")

    asyncio.run(use())


def test_a_callers_own_httpx_client_stays_open(serve_runs: Callable[..., str], token: str) -> None:
    """What the caller brought the caller closes."""
    url = serve_runs(SyntheticRun(seed=1, files=1))
    with httpx.Client() as own:
        with Client(token=token, base_url=url, http_client=own) as client:
            client.page("synthetic-1")
        assert not own.is_closed
    with pytest.raises(errors.ConfigurationError, match=r"httpx\.Client"):
        Client(token=token, base_url=url, http_client=httpx.AsyncClient())  # type: ignore[arg-type]


def test_contexts_are_kept_apart(token: str) -> None:
    """A run of one context is not there in another."""
    from run_results_conformance.server.reference import ReferenceServer
    from run_results_conformance.server.runs import MemoryStore
    from run_results_conformance.server.serving import serve

    store = MemoryStore([SyntheticRun(seed=1, files=1)], context="acme lending")
    with serve(ReferenceServer(store, token)) as served, Client(token=token, base_url=served.url) as client:
        assert client.with_options(context="acme lending").page("synthetic-1").run_id == "synthetic-1"
        for other in (client, client.with_options(context="other")):
            with pytest.raises(errors.NotFoundError):
                other.page("synthetic-1")


def test_sixteen_threads_share_a_client(serve_runs: Callable[..., str], token: str) -> None:
    """Walks on many threads do not disturb each other."""
    url = serve_runs(*(SyntheticRun(seed=seed, files=10 + seed) for seed in range(4)), page_size=3)
    with Client(token=token, base_url=url) as client, ThreadPoolExecutor(16) as pool:
        counts = list(pool.map(lambda n: sum(1 for _ in client.files(f"synthetic-{n % 4}")), range(48)))
    assert counts == [10 + n % 4 for n in range(48)]


def test_leaving_a_walk_early_frees_its_connection(serve_runs: Callable[..., str], token: str) -> None:
    """A walk that is broken off leaves a client that works on."""
    url = serve_runs(SyntheticRun(seed=1, files=9), page_size=2)
    with (
        httpx.Client(limits=httpx.Limits(max_connections=1)) as own,
        Client(token=token, base_url=url, http_client=own) as client,
    ):
        for _ in range(3):
            walk = client.pages("synthetic-1", include=Include.ALL)
            next(walk)
        assert client.page("synthetic-1").files


def test_nothing_shows_the_token(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    """Reprs, logs of every library, errors and what they carry are free of it, even where the server echoes it."""
    with caplog.at_level(logging.DEBUG), pytest.raises(errors.ServerError) as caught:
        ask(script, (500, {}, json.dumps({"message": f"no such token {TOKEN}"}).encode()))
    assert script.requests[0]["authorization"] == f"Bearer {TOKEN}"
    with Client(token=TOKEN) as client:
        shown = [repr(client), repr(client._options), str(client.__dict__)]
    shown += [str(caught.value), repr(caught.value), repr(caught.value.__dict__)]
    assert TOKEN not in "\n".join([*shown, caplog.text])
    assert "no such token [token]" in str(caught.value)


@pytest.mark.parametrize("status", [302, 404, 503])
def test_a_server_that_echoes_the_token_in_headers_does_not_get_it_into_our_texts(
    script: Script, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """Request id, location and message come without it, and so does our log."""
    headers = {"X-Request-Id": TOKEN, "Location": f"http://127.0.0.1/{TOKEN}"}
    with caplog.at_level(logging.DEBUG, logger="run_results"), pytest.raises(errors.StatusError) as caught:
        ask(script, (status, headers, TOKEN.encode()))
    ours = "".join(record.getMessage() for record in caplog.records if record.name.startswith("run_results"))
    assert TOKEN not in str(caught.value) + repr(caught.value) + repr(caught.value.__dict__) + ours


def test_an_own_client_keeps_its_parameters_and_ours(serve_runs: Callable[..., str], token: str) -> None:
    """Parameters that a caller's httpx client always sends stand beside the operation's own, and take none away."""
    run = SyntheticRun(seed=5, files=9, run_id="r")
    url = serve_runs(run)
    with httpx.Client(params={"tenant": "7"}) as own, Client(http_client=own, base_url=url, token=token) as client:
        page = client.page("r", 4, include=Include.ALL)
    assert [file.input_file_path for file in page.files] == [file["input_file_path"] for file in run.files(4, 9)]
    assert page.run.files[0].documents
    assert page.run.files[0].documents[0].page_layouts is not UNSET


def test_closing_ends_what_other_threads_ask() -> None:
    """A request that another thread waits for ends when the client is closed, though the server keeps its answer."""
    errors_seen: list[errors.RunResultsError] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = Client(token="t0k3n-of-the-tests", base_url=f"http://127.0.0.1:{listener.getsockname()[1]}")

        def ask() -> None:
            try:
                client.page("r")
            except errors.RunResultsError as error:
                errors_seen.append(error)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(65536)
            client.close()
            thread.join(30)
            assert not thread.is_alive()
    assert [type(error) for error in errors_seen] == [errors.ClientClosedError]

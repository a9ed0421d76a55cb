"""The two clients: what they do with an HTTP client that is passed in, with copies, contexts, retries and the token."""

import gzip
import json
import logging
import socket
import threading
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from run_results import UNSET, Client, Include, RetryPolicy, errors
from run_results.http import sender
from run_results.http.deadline import ThreadDeadline
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryStore
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

from .survival.kit import NAMES, RUN_ID, honest_server, settings_for

TOKEN = "t0k3n-of-the-client"
PAGE = {"id": "r", "status": "COMPLETE", "files": [{"input_file_path": "a"}], "has_more": False}
ONCE = RetryPolicy(attempts=1)


def answer(status: int = 200, body: object = PAGE, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    """A transport's handler that always answers this."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda request: httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))


def client(handler: Callable[[httpx.Request], httpx.Response], **settings: Any) -> Client:
    """A client in front of a handler, without a socket."""
    own = httpx.Client(verify=False, transport=httpx.MockTransport(handler))
    return Client(**{"token": TOKEN, "base_url": "http://127.0.0.1", "retry": ONCE, "http_client": own, **settings})


def everything(error: BaseException) -> str:
    """All that an error shows: text, repr, attributes, causes."""
    texts = []
    cause: BaseException | None = error
    while cause is not None:
        texts += [str(cause), repr(cause), repr(cause.__dict__)]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(texts)


# The token ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, f"<html>{TOKEN}</html>".encode()),
        (200, {**PAGE, "id": TOKEN}),
        (200, {**PAGE, "batch_id": [TOKEN]}),
        (500, b"x" * (500 - len(TOKEN) // 2) + TOKEN.encode()),
        (404, {"message": "x" * (500 - len(TOKEN) // 2) + TOKEN}),
    ],
)
def test_a_server_that_echoes_the_token_gets_it_nowhere(
    status: int, body: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Not whole and not in part: not in an error, its attributes, or our log, whatever the body is."""
    with caplog.at_level(logging.DEBUG), pytest.raises(errors.RunResultsError) as caught:
        client(answer(status, body), strict=True).page("r")
    assert TOKEN[: len(TOKEN) // 2] not in everything(caught.value) + caplog.text


def test_an_echoed_token_does_not_get_into_the_results() -> None:
    """It would be written to files: it is replaced where it stands."""
    page = client(answer(body={**PAGE, "message": f"asked with {TOKEN}"})).page("r")
    assert page.run.message == "asked with [token]"
    assert TOKEN.encode() not in page.body


def test_locals_of_a_traceback_do_not_show_the_token() -> None:
    """Tools that print local variables find it in no frame of ours or httpx's."""
    with pytest.raises(errors.ServerError) as caught:
        client(answer(500, b"oops")).page("r")
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    frames = [part for part in shown.split("\n  File ") if "test_client.py" not in part.partition(",")[0]]
    assert len(frames) > 3
    assert TOKEN not in "".join(frames)


def test_a_cookie_of_one_token_is_not_sent_with_another() -> None:
    """Cookies are not kept at all."""
    with Client(token=TOKEN) as one:
        kept = one._sender._client.cookies
        request = httpx.Request("GET", "https://aihub.instabase.com/")
        response = httpx.Response(200, headers={"Set-Cookie": "session=of-one; Path=/"}, request=request)
        kept.extract_cookies(response)
        assert not list(kept.jar)


# HTTP clients that are passed in ------------------------------------------------------------------------------


def test_a_callers_hooks_may_read_the_answer_and_raise_for_its_status() -> None:
    """A body that a hook has read is taken from there; a status error of a hook's is the status' own error."""
    zipped = answer(body=gzip.compress(json.dumps(PAGE).encode()), **{"Content-Encoding": "gzip"})
    own = httpx.Client(
        verify=False, transport=httpx.MockTransport(zipped), event_hooks={"response": [lambda r: r.read()]}
    )
    assert Client(token=TOKEN, base_url="http://127.0.0.1", http_client=own).page("r").run_id == "r"
    raising = httpx.Client(
        transport=httpx.MockTransport(answer(401, {"message": "no"})),
        event_hooks={"response": [lambda r: r.raise_for_status()]},
    )
    with pytest.raises(errors.UnauthorizedError):
        Client(token=TOKEN, base_url="http://127.0.0.1", http_client=raising).page("r")


def test_a_callers_own_authentication_does_not_replace_the_token() -> None:
    """An injected client's `auth` stays out of our requests."""
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return answer()(request)

    own = httpx.Client(verify=False, transport=httpx.MockTransport(handler), auth=("user", "pass"))
    Client(token=TOKEN, base_url="http://127.0.0.1", http_client=own).page("r")
    assert seen == [f"Bearer {TOKEN}"]


def test_a_client_that_was_closed_is_closed_with_a_callers_own_connections_too() -> None:
    """The caller's httpx client stays open, ours does not go on with it."""
    with httpx.Client(verify=False, transport=httpx.MockTransport(answer())) as own:
        ours = Client(token=TOKEN, base_url="http://127.0.0.1", http_client=own)
        ours.close()
        with pytest.raises(errors.ClientClosedError):
            ours.page("r")
        assert not own.is_closed


def test_an_own_client_keeps_its_parameters_and_ours(serve_runs: Callable[..., str], token: str) -> None:
    """Parameters that a caller's httpx client always sends stand beside the operation's own, and take none away."""
    run = SyntheticRun(seed=5, files=9, run_id="r")
    url = serve_runs(run)
    with httpx.Client(params={"tenant": "7"}) as own, Client(http_client=own, base_url=url, token=token) as client:
        page = client.page("r", 4, include=Include.ALL)
    assert [file.input_file_path for file in page.files] == [file["input_file_path"] for file in run.files(4, 9)]
    assert page.run.files[0].documents
    assert page.run.files[0].documents[0].page_layouts is not UNSET


# Requests -----------------------------------------------------------------------------------------------------


def test_walks_use_one_connection_and_ask_for_compression() -> None:
    """Two walks and a look at one page go over one connection, each request ready to take gzip."""
    with honest_server() as server, Client(**settings_for(server.url)) as client:
        for include in (Include.NONE, Include.ALL):
            assert [file.input_file_path for file in client.files(RUN_ID, include=include)] == NAMES
        client.page(RUN_ID, 5)
        assert len(server.requests) == 7
        assert server.connections == 1
        assert all("gzip" in request.headers["accept-encoding"] for request in server.requests)


@pytest.mark.parametrize("coding", ["br", "gzip", "zstd, gzip"])
def test_a_status_is_not_lost_over_its_body(coding: str) -> None:
    """A 401 whose body cannot be unpacked is a 401."""
    with pytest.raises(errors.UnauthorizedError):
        client(answer(401, b"\x00garbage", **{"Content-Encoding": coding})).page("r")


def test_a_policy_of_one_attempt_sends_once_even_with_a_rotating_token() -> None:
    """1 never retries."""
    sent: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(1)
        return httpx.Response(401)

    with pytest.raises(errors.UnauthorizedError):
        client(handler, token=lambda: TOKEN).page("r")
    assert len(sent) == 1


def test_a_larger_budget_counts() -> None:
    """A policy changed by with_options has the budget that it names."""
    sent: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(1)
        return httpx.Response(503)

    with pytest.raises(errors.ServerError):
        client(handler).with_options(retry=RetryPolicy(attempts=30, base=0, budget=100)).page("r")
    assert len(sent) == 30


def test_with_options_changes_a_copy(serve_runs: Callable[..., str], token: str) -> None:
    """The copy has the change, the parent does not; both use the same connections."""
    url = serve_runs(SyntheticRun(seed=1, files=3))
    with Client(token=token, base_url=url) as client:
        wrong = client.with_options(token="not-the-token")
        with pytest.raises(errors.UnauthorizedError):
            wrong.page("synthetic-1")
        assert client.page("synthetic-1").run_id == "synthetic-1"
        elsewhere = client.with_options(base_url="http://127.0.0.1:9/")
        assert repr(elsewhere) == "<Client http://127.0.0.1:9>"


def test_a_copy_has_the_context_of_its_client(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client without a context has copies without one, whatever the environment says by then."""
    store = MemoryStore([SyntheticRun(seed=1, files=1)], context="acme lending")
    with serve(ReferenceServer(store, token)) as server, Client(token=token, base_url=server.url) as client:
        monkeypatch.setenv("RUN_RESULTS_CONTEXT", "acme lending")
        with pytest.raises(errors.NotFoundError):
            client.with_options(timeout=50).page("synthetic-1")
        assert client.with_options(context="acme lending").page("synthetic-1").run_id == "synthetic-1"


def test_contexts_are_kept_apart(token: str) -> None:
    """A run of one context is not there in another."""
    store = MemoryStore([SyntheticRun(seed=1, files=1)], context="acme lending")
    with serve(ReferenceServer(store, token)) as served, Client(token=token, base_url=served.url) as client:
        assert client.with_options(context="acme lending").page("synthetic-1").run_id == "synthetic-1"
        for other in (client, client.with_options(context="other")):
            with pytest.raises(errors.NotFoundError):
                other.page("synthetic-1")


def test_closing_a_client_in_the_middle_of_a_walk_says_where_to_go_on(
    serve_runs: Callable[..., str], token: str
) -> None:
    """The error carries run and resume_offset like any other."""
    url = serve_runs(SyntheticRun(seed=1, files=9), page_size=4)
    walking = Client(token=token, base_url=url)
    pages = walking.pages("synthetic-1")
    next(pages)
    walking.close()
    with pytest.raises(errors.ClientClosedError) as caught:
        next(pages)
    assert (caught.value.run_id, caught.value.resume_offset) == ("synthetic-1", 4)


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


def test_a_request_that_begins_while_the_client_is_closed_is_not_sent(
    serve_runs: Callable[..., str], token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When another thread closes the client at the very moment, no connection is opened that nobody closes."""
    client = Client(token=token, base_url=serve_runs())

    class ClosedMeanwhile(ThreadDeadline):
        """`close` has just looked at what is under way, and not found this request."""

        def __init__(self, seconds: float) -> None:
            super().__init__(seconds)
            client._sender._is_closed = True

    monkeypatch.setattr(sender, "ThreadDeadline", ClosedMeanwhile)
    with pytest.raises(errors.ClientClosedError):  # the server has no such run, and would say so
        client.page("r")
    client.close()

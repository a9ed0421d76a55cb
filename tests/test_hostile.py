"""What was found by trying to break it: each test is a defect that there was, or could have been."""

import asyncio
import gc
import gzip
import json
import logging
import os
import subprocess
import sys
import textwrap
import time
import warnings
import zlib
from collections.abc import Callable
from itertools import islice
from typing import Any

import httpx
import pytest

from run_results import AsyncClient, Client, Include, RetryPolicy, errors
from run_results.answer import decode
from run_results.http.body import Body
from run_results.request import Request
from run_results_conformance.server.synthetic import SyntheticRun

TOKEN = "t0k3n-of-the-hostile-tests"
PAGE = {"id": "r", "status": "COMPLETE", "files": [{"input_file_path": "a"}], "has_more": False}
ONCE = RetryPolicy(attempts=1)


def answer(status: int = 200, body: object = PAGE, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    """A transport's handler that always answers this."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda request: httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))


def client(handler: Callable[[httpx.Request], httpx.Response], **settings: Any) -> Client:
    """A client in front of a handler, without a socket."""
    own = httpx.Client(transport=httpx.MockTransport(handler))
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


def test_a_content_coding_does_not_carry_the_token_into_an_error() -> None:
    """Headers are a server's to choose, too."""
    with pytest.raises(errors.ConnectionFailedError) as caught:
        client(answer(**{"Content-Encoding": TOKEN})).page("r")
    assert TOKEN not in everything(caught.value)


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
    import traceback

    with pytest.raises(errors.ServerError) as caught:
        client(answer(500, b"oops")).page("r")
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    frames = [part for part in shown.split("\n  File ") if "test_hostile.py" not in part.partition(",")[0]]
    assert len(frames) > 3
    assert TOKEN not in "".join(frames)


def test_plain_http_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is meant for the world outside does not get the token for a server on this machine."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, address)
        lonely = Client(token=TOKEN, base_url="http://127.0.0.1:9", retry=ONCE)
        with lonely, pytest.raises(errors.ConnectionFailedError):
            lonely.page("r")
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_a_cookie_of_one_token_is_not_sent_with_another(serve_runs: Callable[..., str]) -> None:
    """Cookies are not kept at all."""
    with Client(token=TOKEN) as one:
        kept = one._sender._client.cookies
        request = httpx.Request("GET", "https://aihub.instabase.com/")
        response = httpx.Response(200, headers={"Set-Cookie": "session=of-one; Path=/"}, request=request)
        kept.extract_cookies(response)
        assert not list(kept.jar)


# The environment, and what the caller brings ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [("ALL_PROXY", "socks5://127.0.0.1:1080"), ("HTTPS_PROXY", "foo://x"), ("SSL_CERT_FILE", "/no/such/file")],
)
def test_an_environment_that_cannot_be_used_is_a_configuration_error(name: str, value: str) -> None:
    """The error names the variables to look at, and nothing foreign comes out."""
    script = "from run_results import Client\ntry: Client(token='t')\nexcept Exception as e: print(type(e).__name__, e)"
    finished = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, name: value}, capture_output=True, text=True, check=True
    )
    assert finished.stdout.startswith("ConfigurationError ")
    assert name in finished.stdout


def test_a_callers_hooks_may_read_the_answer_and_raise_for_its_status() -> None:
    """A body that a hook has read is taken from there; a status error of a hook's is the status' own error."""
    zipped = answer(body=gzip.compress(json.dumps(PAGE).encode()), **{"Content-Encoding": "gzip"})
    own = httpx.Client(transport=httpx.MockTransport(zipped), event_hooks={"response": [lambda r: r.read()]})
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

    own = httpx.Client(transport=httpx.MockTransport(handler), auth=("user", "pass"))
    Client(token=TOKEN, base_url="http://127.0.0.1", http_client=own).page("r")
    assert seen == [f"Bearer {TOKEN}"]


def test_an_async_client_in_a_second_event_loop_ends_in_the_family(serve_runs: Callable[..., str], token: str) -> None:
    """A connection of a loop that is gone is asked for again on a new one."""
    url = serve_runs(SyntheticRun(seed=1, files=1))
    kept = AsyncClient(token=token, base_url=url, retry=RetryPolicy(attempts=3, base=0.001))

    async def ask(*, last: bool = False) -> str:
        page = await kept.page("synthetic-1")
        if last:
            await kept.close()
        return page.run_id

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the first loop's connection went with its loop
        assert [asyncio.run(ask()), asyncio.run(ask(last=True))] == ["synthetic-1", "synthetic-1"]
        gc.collect()


@pytest.mark.parametrize(
    "settings",
    [
        {"max_body_bytes": sys.maxsize + 1}, {"max_body_bytes": 1e9}, {"max_body_bytes": None}, {"timeout": 1e10},
        {"timeout": None}, {"timeout": "60"}, {"retry": 3}, {"context": 7}, {"observe": 5}, {"base_url": "https://h/api?"},
        {"base_url": "https://h/api#"},
    ],
)  # fmt: skip
def test_settings_of_a_wrong_type_are_configuration_errors(settings: dict[str, Any]) -> None:
    """At the making and in with_options, before anything is sent."""
    with pytest.raises(errors.ConfigurationError):
        Client(token=TOKEN, **settings)
    with Client(token=TOKEN) as made, pytest.raises(errors.ConfigurationError):
        made.with_options(**settings)


def test_a_misspelt_option_and_a_wrong_include_are_configuration_errors() -> None:
    """with_options names what it does not know; include takes Include flags only."""
    with Client(token=TOKEN) as made:
        with pytest.raises(errors.ConfigurationError, match="timeot"):
            made.with_options(timeot=3)  # type: ignore[call-arg]
        for call in (made.page, made.wait, lambda *a, **k: next(made.pages(*a, **k))):
            with pytest.raises(errors.ConfigurationError, match="include"):
                call("r", include=15)  # type: ignore[operator]


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is how CI systems clear one."""
    monkeypatch.setenv("RUN_RESULTS_CONTEXT", "")
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", "")
    with Client(token=TOKEN) as made:
        assert repr(made) == "<Client https://aihub.instabase.com/api>"


# Bodies -------------------------------------------------------------------------------------------------------


def unpack(coding: str, *chunks: bytes, limit: int = 10**6, status: int = 200) -> bytes:
    body = Body(Request("", {}, {}, max_body_bytes=limit), status, coding, time.monotonic())
    for chunk in chunks:
        if not body.add(chunk):
            break
    return body.finish()


def test_compression_is_undone_in_every_spelling() -> None:
    """Members that follow each other, in any cut; lists of codings; deflate with and without its wrapping."""
    two = gzip.compress(b"one ") + gzip.compress(b"two")
    assert unpack("gzip", two) == b"one two"
    assert unpack("gzip", *(two[i : i + 1] for i in range(len(two)))) == b"one two"
    assert unpack("gzip, identity", two) == unpack("Identity,GZIP", two) == unpack("x-gzip", two) == b"one two"
    assert unpack("gzip", two + b"\0" * 512) == b"one two"
    assert unpack("deflate", zlib.compress(b"one")) == b"one"
    bare = zlib.compressobj(wbits=-15)
    assert unpack("deflate", bare.compress(b"one") + bare.flush()) == b"one"
    for broken in (two + b"garbage", two[:-3], b"no gzip"):
        with pytest.raises(errors.ConnectionFailedError):
            unpack("gzip", broken)
    with pytest.raises(errors.ConnectionFailedError, match="'br'") as caught:
        unpack("br", b"")
    assert not caught.value.may_pass


def test_many_small_members_take_no_longer_than_their_size() -> None:
    """What stands behind a member is not copied for each of them again, and the limit holds over all."""
    members = gzip.compress(b"x") * 20_000
    assert len(unpack("gzip", *(members[i : i + 65536] for i in range(0, len(members), 65536)))) == 20_000
    with pytest.raises(errors.ResponseTooLargeError):
        unpack("gzip", gzip.compress(b"x" * 600) * 2, limit=1000)


@pytest.mark.parametrize("coding", ["br", "gzip", "zstd, gzip"])
def test_a_status_is_not_lost_over_its_body(coding: str) -> None:
    """A 401 whose body cannot be unpacked is a 401."""
    with pytest.raises(errors.UnauthorizedError):
        client(answer(401, b"\x00garbage", **{"Content-Encoding": coding})).page("r")


ODD = [
    b'{"zz": ' + b"9" * 5000 + b"}",
    b'{"zz": 1e10000000000000000000000000}',
    b'{"zz": "\xff"}',
    b'{"zz": {"a": 1, "a": 2}}',
    b'{"\\ud800\\n\\u001b[31m": 1}',
    b'{"zz": ' + b"[" * 400 + b"]" * 400 + b"}",
]


@pytest.mark.parametrize("odd", ODD)
def test_what_decoding_passes_over_never_costs_a_page(odd: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Under keys that the contract does not name anything may stand: the walk goes on, drift and raw can be read."""
    body = json.dumps(PAGE).encode()[:-1] + b"," + odd[1:]
    handler = answer(body=body)
    with caplog.at_level(logging.INFO, logger="run_results"):
        (page,) = client(handler).pages("r")
    assert page.files[0].input_file_path == "a"
    assert page.drift
    assert all(str(place).isprintable() for place in page.drift)
    assert not [place for place in page.breaches if place.expected != "text that can be encoded"]
    assert page.raw["id"] == "r"
    assert "\x1b" not in caplog.text


def test_a_number_of_any_size_in_a_typed_place_is_drift() -> None:
    """Its text stays readable and no foreign error comes out."""
    body = json.dumps({**PAGE, "start_timestamp": 7}).replace("7", "1e10000000000000000000000000").encode()
    _, found = decode(body)
    assert found is not None
    assert [(place.path, str(place.got)) for place in found] == [("$.start_timestamp", "1e10000000000000000000000000")]


@pytest.mark.parametrize(
    "body",
    [
        '{"id": "r", "status": "COMPLETE", "files": [{}], "has_more": true, "has_more": false}',
        '{"id": "r", "status": "COMPLETE", "has_more": true, "files": [{}], "has\\u005fmore": false}',
        '{"id": "r", "status": "COMPLETE", "files": [{}], "files": [], "has_more": false}',
        '{"id": "r", "status": "COMPLETE", "\\u0066iles": [{}], "has_more": false, "files": []}',
    ],
)
def test_a_paging_member_that_comes_twice_makes_the_page_unusable(body: str) -> None:
    """Which of two values counts nobody knows: a walk that believed the last would end short, silently."""
    with pytest.raises(errors.UnusablePageError, match="expected one value"):
        list(client(lambda request: httpx.Response(200, content=body)).files("r"))


def test_a_nested_key_of_such_a_name_is_no_second_one() -> None:
    """A custom key of the run may be called files."""
    body = '{"id": "r", "status": "COMPLETE", "files": [], "has_more": false, "keys": {"custom": {"files": 1}}}'
    (page,) = client(lambda request: httpx.Response(200, content=body)).pages("r")
    assert page.drift == ()


def test_an_answer_that_breaks_the_contract_everywhere_is_refused_soon() -> None:
    """A small body can hold millions of broken places: they are not listed without end."""
    body = b'{"id": "r", "status": "COMPLETE", "has_more": false, "files": [' + b"0," * 300_000 + b"0]}"
    with pytest.raises(errors.ContractError, match="more than 200,000 places") as caught:
        list(client(lambda request: httpx.Response(200, content=body)).files("r"))
    assert len(caught.value.drift) == 100


def test_an_inspection_takes_place_only_where_somebody_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listening, the first page of a walk costs what any page costs."""
    monkeypatch.setattr("run_results.page.inspect", lambda body: pytest.fail("looked"))
    assert len(list(client(answer()).pages("r"))) == 1


# Walks --------------------------------------------------------------------------------------------------------


def serve_files(files: Callable[[int], list[Any]], more: Callable[[int], bool]) -> Client:
    def handler(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params["file_offset"])
        return answer(body={**PAGE, "files": files(offset), "has_more": more(offset)})(request)

    return client(handler)


def test_files_that_cannot_be_told_apart_are_no_repetition() -> None:
    """Two empty scans of one name, or two files that are no objects, on one page or on two: the run comes home."""
    scan = {"original_file_name": "scan.pdf", "documents": []}
    assert len(list(serve_files(lambda _: [scan, scan], lambda _: False).files("r"))) == 2
    assert len(list(serve_files(lambda _: [scan], lambda offset: offset < 1).files("r"))) == 2
    assert len(list(serve_files(lambda _: [None, 3], lambda _: False).files("r"))) == 2


def test_going_round_in_circles_with_changing_page_sizes_ends() -> None:
    """A cycle longer than what is remembered, cut into pages anew each time, is recognized by a file."""
    from run_results.page_checks import PageChecks

    original, PageChecks._WINDOW = PageChecks._WINDOW, 50
    try:
        cycle = [{"input_file_path": f"f{index}"} for index in range(307)]

        def files(offset: int) -> list[Any]:
            return [cycle[(offset + i) % 307] for i in range(1 + offset % 7)]

        with pytest.raises((errors.PageRepeated, errors.FilesRepeated)):
            for _ in islice(serve_files(files, lambda _: True).files("r"), 5000):
                pass
    finally:
        PageChecks._WINDOW = original


def test_a_doubled_file_on_a_huge_page_is_found_in_one_pass() -> None:
    """Twenty thousand files take well under the time that comparing each with each would."""
    files = [{"input_file_path": f"f{index}"} for index in range(20_000)]
    started = time.process_time()
    with pytest.raises(errors.FilesRepeated, match="file 20000"):
        list(serve_files(lambda _: [*files, files[0]], lambda _: False).files("r"))
    assert time.process_time() - started < 10, "each with each would take minutes"


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


def test_a_client_that_was_closed_is_closed_with_a_callers_own_connections_too() -> None:
    """The caller's httpx client stays open, ours does not go on with it."""
    with httpx.Client(transport=httpx.MockTransport(answer())) as own:
        ours = Client(token=TOKEN, base_url="http://127.0.0.1", http_client=own)
        ours.close()
        with pytest.raises(errors.ClientClosedError):
            ours.page("r")
        assert not own.is_closed


def test_waiting_ends_at_its_timeout_whatever_the_server_does() -> None:
    """A silent server, and one that asks for patience, do not hold it up; polling never gets more frequent."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(token=TOKEN, base_url=url, timeout=30) as patient:
            started = time.monotonic()
            with pytest.raises(errors.RunNotSettledError, match=r"no answer within 0\.2 s"):
                patient.wait("r", timeout=0.2)
    busy = client(answer(503, {"message": "busy"}, **{"Retry-After": "30"}), retry=RetryPolicy())
    with pytest.raises(errors.RunNotSettledError):
        busy.wait("r", timeout=0.2)
    assert time.monotonic() - started < 15


def test_polling_gets_less_frequent_and_never_more() -> None:
    """Waits grow from poll to half a minute, and stay at poll where that is longer."""
    from run_results.options import settle
    from run_results.request import Reply, Sleep
    from run_results.retry import RetryBudget
    from run_results.walk import wait

    for poll, wanted in ((4.0, [4, 6, 9, 13.5, 20.25, 30, 30]), (60.0, [60] * 7)):
        steps = wait(settle(token=TOKEN), RetryBudget(9), "r", Include.NONE, 10_000, poll)
        running = Reply(200, {}, json.dumps({**PAGE, "status": "RUNNING"}).encode())
        slept = []
        outcome: Reply | None = None
        while len(slept) < 7:
            step = steps.send(outcome)
            if isinstance(step, Sleep):
                slept.append(step.seconds)
            outcome = None if isinstance(step, Sleep) else running
        assert slept == wanted


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


def test_texts_of_a_hostile_server_are_short_and_printable() -> None:
    """A status of any length, with anything in it, does not fill a message."""
    statuses = iter(["A" * 100_000 + "\n\x1b[31m", "B\n" * 50_000])

    def handler(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params["file_offset"])
        page = {**PAGE, "status": next(statuses), "files": [{"input_file_path": str(offset)}], "has_more": True}
        return answer(body=page)(request)

    with pytest.raises(errors.RunChanged) as caught:
        list(client(handler).pages("r"))
    assert len(str(caught.value)) < 600
    assert str(caught.value).isprintable()


def test_a_package_called_opentelemetry_without_the_api_is_no_error(tmp_path: Any) -> None:
    """The namespace is shared by many packages."""
    (tmp_path / "opentelemetry" / "proto").mkdir(parents=True)
    script = """
        import sys, importlib.util
        sys.modules["opentelemetry.trace"] = None
        from run_results.events import _tracing
        print(_tracing())
    """
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.strip() == "None"

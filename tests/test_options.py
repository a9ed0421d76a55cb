"""Settings and arguments: what is wrong is an error before anything is sent, and never shows the token."""

import asyncio
import copy
import inspect
import os
import pickle
import pydoc
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

import run_results
from run_results import AsyncClient, Client, Include, RetryPolicy, errors
from run_results.arguments import as_include, as_start
from run_results.errors import ConfigurationError
from run_results.export.options import ExportOptions
from run_results.options import Settings, settle
from run_results_conformance.server.synthetic import SyntheticRun

SECRET = "s3cr3t-t0k3n"


class Ear:
    """A listening socket that notices whether anybody ever connects."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def heard(self) -> bool:
        try:
            self.socket.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@pytest.fixture(scope="module")
def ear() -> Iterator[Ear]:
    ear = Ear()
    yield ear
    ear.socket.close()


BAD_RUN_IDS = [
    "",
    " ",
    None,
    7,
    b"run",
    ".",
    "..",
    "a/b",
    "/",
    "../../admin",
    "a\\b",
    "a\nb",
    "a\r\nX: y",
    "a\0b",
    "\ud800",
    "\u2028",
]


@pytest.mark.parametrize("run_id", BAD_RUN_IDS)
def test_a_run_id_that_names_no_run_is_refused_before_anything_is_sent(ear: Ear, run_id: object) -> None:
    """Every method, sync and async, refuses it with a ConfigurationError, and nobody hears of it."""
    with Client(token=SECRET, base_url=ear.url) as client:
        for call in (client.page, client.wait, lambda r: next(client.pages(r)), lambda r: next(client.files(r))):
            with pytest.raises(ConfigurationError) as caught:
                call(run_id)  # type: ignore[arg-type, operator]
            assert "run_id" in str(caught.value)

    async def ask() -> None:
        async with AsyncClient(token=SECRET, base_url=ear.url) as client:
            for call in (client.page, client.wait, lambda r: anext(client.pages(r)), lambda r: anext(client.files(r))):
                with pytest.raises(ConfigurationError):
                    await call(run_id)  # type: ignore[arg-type, operator]

    asyncio.run(ask())
    assert not ear.heard()


@pytest.mark.parametrize("start", [-1, -(2**63), 2**63, 1.0, "1", None, True])
def test_an_offset_where_no_file_can_stand_is_refused_before_anything_is_sent(ear: Ear, start: object) -> None:
    """Negative, fractional, huge and non-integer offsets are ConfigurationErrors."""
    with Client(token=SECRET, base_url=ear.url) as client:
        with pytest.raises(ConfigurationError, match="offset"):
            client.page("r", start)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="offset"):
            next(client.pages("r", start=start))  # type: ignore[arg-type]
    assert not ear.heard()


BAD_TOKENS = {
    "line break at the end": f"{SECRET}\n",
    "line break within": f"{SECRET}\r\nX-Evil: 1",
    "blank at the start": f" {SECRET}",
    "a blank within": f"{SECRET} x",
    "the scheme too": f"Bearer {SECRET}",
    "a control character": f"{SECRET}\0",
    "not ASCII": f"{SECRET}é",
    "a lone surrogate": f"{SECRET}\ud800",
    "empty": "",
    "bytes": SECRET.encode(),
    "a number": 5,
}


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_a_token_that_cannot_be_sent_is_refused_and_never_echoed(ear: Ear, name: str) -> None:
    """Given as argument, variable or by a function: an error before anything is sent, without the token."""
    token = BAD_TOKENS[name]

    def refused(make: object) -> None:
        with pytest.raises(ConfigurationError) as caught:
            make()  # type: ignore[operator]
        text = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(caught.value.__dict__)
        assert SECRET not in text.replace(repr(BAD_TOKENS), ""), "a traceback shows source lines, not values"
        assert "token" in str(caught.value)

    refused(lambda: Client(token=token, base_url=ear.url))  # type: ignore[arg-type]
    with Client(token=lambda: token, base_url=ear.url) as client:  # type: ignore[arg-type, return-value]
        refused(lambda: client.page("r"))
    assert not ear.heard()


def test_no_token_at_all_says_where_to_put_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without argument and variable the error names both."""
    with pytest.raises(ConfigurationError, match=r"RUN_RESULTS_TOKEN.*token="):
        Client()
    monkeypatch.setenv("RUN_RESULTS_TOKEN", SECRET + "\n")
    with pytest.raises(ConfigurationError, match="line break") as caught:
        Client()
    assert SECRET not in str(caught.value)


BAD_URLS = [
    "aihub.example.com/api", "//host/api", "ftp://host", "https://", "https://:443", "http://", "", "https://host:port",
    "https://host:99999", "https://user:pass@host", "https://host/api?x=1", "https://host/api#x", "https://ho st",
    "https://h/api?", "https://h/api#",
    "https://host/\n", "https://host/../x", "https://[::1", "http://example.com", "http://10.0.0.1/api",
    "http://127.0.0.1.example.com", "http://localhost.example.com", 5, "https://host/ü",
    "https://ho\u200bst", "https://a..ü.de", "https://é@host",
    "https://host／x",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_base_url_that_cannot_be_used_is_refused(url: object) -> None:
    """Without scheme or host, with user info or query, and unencrypted to another machine: a ConfigurationError."""
    with pytest.raises(ConfigurationError, match=r"base_url|base URL") as caught:
        Client(token=SECRET, base_url=url)  # type: ignore[arg-type]
    assert SECRET not in str(caught.value)
    assert "pass" not in str(caught.value).replace("password", "").replace("or pass allow", "")
    with Client(token=SECRET) as client, pytest.raises(ConfigurationError):
        client.with_options(base_url=url)  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    "url",
    [
        "https://aihub.instabase.com/api",
        "https://host/",
        "http://localhost:8080",
        "http://[::1]:1/api",
        "http://127.9.9.9",
    ],
)
def test_usable_base_urls_are_taken(url: str) -> None:
    """https anywhere, and http on this machine."""
    with Client(token=SECRET, base_url=url) as client:
        assert url.rstrip("/") in repr(client)


def test_plain_http_needs_to_be_allowed() -> None:
    """The token goes unencrypted to another machine only where the caller says so."""
    with Client(token=SECRET, base_url="http://example.com", allow_insecure=True) as client:
        assert "http://example.com" in repr(client)


@pytest.mark.parametrize("context", ["", " ", "a ", " a", "a\nb", "é", "a\0", "a\r\nX: y"])
def test_a_context_that_cannot_be_sent_is_refused(monkeypatch: pytest.MonkeyPatch, context: str) -> None:
    """The contract's pattern for IB-Context holds before anything is sent."""
    with pytest.raises(ConfigurationError, match="context"):
        Client(token=SECRET, context=context)
    if context and "\0" not in context:
        monkeypatch.setenv("RUN_RESULTS_CONTEXT", context)
        with pytest.raises(ConfigurationError, match="context"):
            Client(token=SECRET)


@pytest.mark.parametrize(
    "settings",
    [
        *({"timeout": seconds} for seconds in (0, -1, float("inf"), float("nan"), 1e10, None, "60")),
        *({"max_body_bytes": size} for size in (0, sys.maxsize + 1, 1e9, None)),
        *({"prefetch": depth} for depth in (-1, 17, True, 1.0, "4", None)),
        {"on_change": "ignore"}, {"retry": 3}, {"context": 7}, {"observe": 5}, {"timeot": 3},
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_refused(settings: dict[str, Any]) -> None:
    """Every wait has a deadline, every body a limit; the error names the setting, also for a misspelt one."""
    (name,) = settings
    with pytest.raises(ConfigurationError, match=name):
        Client(token=SECRET, **settings)
    with Client(token=SECRET) as made, pytest.raises(ConfigurationError, match=name):
        made.with_options(**settings)


@pytest.mark.parametrize("include", [15, None, b"review", {"review": True}, ["review", 4], ["review", None], "scores"])
def test_include_takes_flags_only(ear: Ear, include: object) -> None:
    """What is neither an Include flag nor the name of one is a ConfigurationError, in every method."""
    with Client(token=SECRET, base_url=ear.url) as made:
        for call in (made.page, made.wait, lambda *a, **k: next(made.pages(*a, **k)), made.table, made.batches):
            with pytest.raises(ConfigurationError, match="include"):
                call("r", include=include).read_all()  # type: ignore[operator]
    assert not ear.heard()


@pytest.mark.parametrize(
    ("include", "flags"),
    [
        ("confidence", Include.CONFIDENCE),
        ("review,source", Include.REVIEW | Include.SOURCE),
        ("ALL", Include.ALL),
        (["review", "source"], Include.REVIEW | Include.SOURCE),
        (("Review",), Include.REVIEW),
        ({"review", Include.SOURCE}, Include.REVIEW | Include.SOURCE),
        ([Include.REVIEW | Include.SOURCE, "validation"], Include.REVIEW | Include.SOURCE | Include.VALIDATION),
        ((name for name in ("confidence", "none")), Include.CONFIDENCE),
        ([], Include.NONE),
        (Include.ALL, Include.ALL),
    ],
)
def test_include_flags_may_be_named(serve_runs: Callable[..., str], token: str, include: Any, flags: Include) -> None:
    """A name, names in a text, and any collection of names and flags ask for the same as the flags themselves."""
    url = serve_runs(SyntheticRun(run_id="r", files=2))
    include = list(include) if not isinstance(include, str | Include | tuple | set) else include
    with Client(token=token, base_url=url) as made:
        assert made.page("r", include=include).include == flags
        assert [page.include for page in made.pages("r", include=include)] == [flags]
        assert made.wait("r", include=include).include == flags
    assert ExportOptions(include=include).include == flags


def test_every_unknown_include_flag_is_named() -> None:
    """All that are unknown are in the one message, with all that there are."""
    with pytest.raises(ConfigurationError, match=r"'scores' or 'boxes'; there are review, .*, all, none"):
        as_include(["scores", "review", "boxes"])


@pytest.mark.parametrize("number", [numpy.int64(3), numpy.uint8(3), numpy.int16(3)])
def test_integers_of_other_libraries_are_integers(
    serve_runs: Callable[..., str], token: str, number: numpy.integer[Any]
) -> None:
    """An offset, a limit or a count may be one of numpy's: it counts as the integer that it is."""
    url = serve_runs(SyntheticRun(run_id="r", files=5))
    limits: dict[str, Any] = {"prefetch": number, "max_connections": number, "retry": RetryPolicy(attempts=number)}  # type: ignore[arg-type]
    with Client(token=token, base_url=url, timeout=numpy.float32(30), **limits) as made:  # type: ignore[arg-type]
        page = made.page("r", number)  # type: ignore[arg-type]
        assert (page.offset, type(page.offset), len(page.files)) == (3, int, 2)
        assert len(list(made.files("r", start=number, deadline=numpy.int64(60)))) == 2  # type: ignore[arg-type]
        assert made.wait("r", timeout=numpy.float64(60), poll=number).offset == 0  # type: ignore[arg-type]
    options = settle(token=token, max_body_bytes=number, **limits)  # type: ignore[arg-type]
    assert type(options.prefetch) is type(options.max_body_bytes) is type(options.retry.attempts) is int
    assert type(ExportOptions(rows_per_part=number).rows_per_part) is int  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "number", [True, numpy.bool_(True), 3.0, numpy.float64(3), "3", None, pytest.param(10**5000, id="huge")]
)
def test_what_is_no_integer_is_refused(number: object) -> None:
    """True, fractions, texts and what no limit allows raise ConfigurationError, whatever library they are of."""
    for refused in (as_start, lambda each: settle(token=SECRET, max_body_bytes=each)):
        with pytest.raises(ConfigurationError, match="integer"):
            refused(number)  # type: ignore[operator]


def test_every_error_can_be_imported_from_the_package() -> None:
    """`from run_results import NotFoundError` works, and so does every other name of the family."""
    assert {name: getattr(run_results, name) for name in errors.__all__} == {
        name: getattr(errors, name) for name in errors.__all__
    }
    assert set(errors.__all__) <= set(run_results.__all__)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_client_says_why_it_cannot_be_pickled_and_what_can(kind: type[Client]) -> None:
    """Pickling and copying raise an error of the family that says what to send instead."""
    made = kind(token=SECRET)
    for refused in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(errors.ClientPicklingError, match=r"connections.*make a client in each process") as caught:
            refused(made)
        assert SECRET not in str(caught.value)


def test_what_a_client_gives_can_be_pickled(serve_runs: Callable[..., str], token: str) -> None:
    """The message about pickling promises pages and models."""
    with Client(token=token, base_url=serve_runs(SyntheticRun(run_id="r", files=2))) as made:
        page = made.page("r", include="all")
    again = pickle.loads(pickle.dumps(page))
    assert (again.files, again.body, again.drift) == (page.files, page.body, page.drift)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_the_signature_of_a_client_lists_its_settings(kind: type[Client]) -> None:
    """`help(Client)` and editors show each setting with its default, and never a token from the environment."""
    parameters = inspect.signature(kind).parameters
    assert list(parameters) == ["http_client", *Settings.__annotations__]
    assert {each.kind for each in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert (parameters["timeout"].default, parameters["token"].default) == (60.0, None)
    assert "on_change: Literal['raise', 'warn'] = 'raise'" in pydoc.render_doc(kind)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://bücher.example:8443/api/", "https://xn--bcher-kva.example:8443/api"),
        ("https://straße.de", "https://xn--strae-oqa.de"),
        ("https://例え.テスト/api", "https://xn--r8jz45g.xn--zckzah/api"),
    ],
)
def test_a_host_may_have_letters_beyond_ascii(url: str, shown: str) -> None:
    """It is taken as the domain name system writes it (IDNA 2008), which the client then shows."""
    with Client(token=SECRET, base_url=url) as made:
        assert repr(made) == f"<Client {shown}>"


@pytest.mark.parametrize("name", ["attempts", "base", "cap", "max_retry_after", "budget"])
def test_a_retry_policy_without_an_end_is_refused(name: str) -> None:
    """Negative and infinite numbers are no policy."""
    for value in (-1, float("nan")):
        with pytest.raises(ConfigurationError, match=name):
            RetryPolicy(**{name: value})


def test_arguments_go_before_the_environment(monkeypatch: pytest.MonkeyPatch, ear: Ear) -> None:
    """What is passed wins over what is set, and what is set over the default."""
    monkeypatch.setenv("RUN_RESULTS_TOKEN", SECRET)
    with Client() as client:
        assert "https://aihub.instabase.com/api" in repr(client)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", "https://from.environment/api/")
    with Client() as client:
        assert repr(client) == "<Client https://from.environment/api>"
    with Client(base_url=ear.url) as client:
        assert ear.url in repr(client)
    monkeypatch.delenv("RUN_RESULTS_BASE_URL")
    monkeypatch.setenv("RUN_RESULTS_CONTEXT", "")  # that is how CI systems clear one
    with Client() as client:
        assert repr(client) == "<Client https://aihub.instabase.com/api>"


def test_an_empty_base_url_sends_no_token_anywhere(monkeypatch: pytest.MonkeyPatch, ear: Ear) -> None:
    """RUN_RESULTS_BASE_URL that is empty, as by a mistake in CI, is an error and does not mean the public address."""
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", "")
    with pytest.raises(ConfigurationError, match=r"base URL is empty \(RUN_RESULTS_BASE_URL or base_url=\)\. Give the"):
        Client(token=SECRET)
    with Client(token=SECRET, base_url=ear.url) as client:
        assert ear.url in repr(client)


@pytest.mark.parametrize(
    ("name", "value"), [("ALL_PROXY", "socks5://127.0.0.1:1080"), ("SSL_CERT_FILE", "/no/such/file")]
)
def test_an_environment_that_cannot_be_used_is_a_configuration_error(name: str, value: str) -> None:
    """The error names the variables to look at, and nothing foreign comes out."""
    script = "from run_results import Client\ntry: Client(token='t')\nexcept Exception as e: print(type(e).__name__, e)"
    finished = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, name: value}, capture_output=True, text=True, check=True
    )
    assert finished.stdout.startswith("ConfigurationError ")
    assert name in finished.stdout


@given(st.text(max_size=30))
def test_any_run_id_is_refused_or_stays_one_path_segment(run_id: str) -> None:
    """No text can reach another path of the server: it is refused, or it arrives whole."""
    from urllib.parse import unquote, urlsplit

    import httpx

    from run_results.options import settle
    from run_results.request import request

    options = settle(token=SECRET, base_url="https://host/api")
    with Client(token=SECRET, base_url="https://host/api") as client:
        steps = client._walk(run_id, 0, Include.NONE, None)
        try:
            next(steps)
        except ConfigurationError:
            return
    url = httpx.URL(request(options, run_id, 0, Include.NONE).url)
    prefix, _, rest = url.raw_path.decode().partition("/v2/apps/runs/")
    segment, _, tail = rest.partition("/")
    assert (prefix, tail.partition("?")[0], unquote(segment)) == ("/api", "results", run_id)
    assert urlsplit(str(url)).hostname == "host"


@pytest.mark.parametrize(
    ("text", "flags"),
    [("", Include.NONE), ("all", Include.ALL), ("Review, SOURCE", Include.REVIEW | Include.SOURCE)],
)
def test_include_flags_are_read_from_a_list_of_words(text: str, flags: Include) -> None:
    """Words in any case, with commas or blanks between them."""
    assert Include.parse(text) == flags


def test_an_unknown_include_flag_names_those_that_there_are() -> None:
    """A misspelt flag is a ConfigurationError that lists the right ones."""
    with pytest.raises(ConfigurationError, match=r"'scores'.*confidence"):
        Include.parse("review,scores")

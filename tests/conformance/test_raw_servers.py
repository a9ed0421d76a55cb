"""The verifier and servers that answer bytes: cut off, late, endless, busy, or no HTTP at all."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

import pytest

from run_results_conformance.verifier.verification import verify

from .verifier_kit import LIGHT, MANIFEST, TOKEN, broken, explain, honest, kept, raw_server

pytestmark = pytest.mark.usefixtures("quick_turns")


def test_raw_honest() -> None:
    """The honest server is not accused below the level of an application either."""
    with raw_server(lambda head, _: honest(head)) as url:
        report = verify(url, TOKEN, manifest=MANIFEST, latency=60)
    assert report.exit_code == 0, explain(report)
    assert broken(report) == []


def _late_byte(head: bytes, connection: socket.socket) -> bytes | None:
    connection.sendall(honest(head))
    time.sleep(0.002)
    return b"?" if b"file_offset=1 " in head else b""


def _cut_off(head: bytes, connection: socket.socket) -> bytes | None:
    if b"%00" not in head:
        return honest(head)
    connection.sendall(honest(head)[:40])
    return None


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ("wire.answered", lambda head, _: None if b"caf\xe9" in head else honest(head)),
        ("wire.answered", _cut_off),
        ("wire.answered", lambda head, _: b"HTTP/1.1 OK\r\n\r\n" if b"=-1" in head else honest(head)),
        ("wire.length", lambda head, _: honest(head) + b"\n"),
        ("wire.length", lambda head, _: honest(head) + b"{}" if head.startswith(b"HEAD") else honest(head)),
    ],
    ids=["dropped", "cut off", "no status", "a byte too many", "HEAD with a body"],
)
def test_raw_breach(rule: str, answer: Any) -> None:
    """Requests that are dropped, cut off or answered by no HTTP, and lengths that are wrong, are found and named."""
    with raw_server(answer) as url:
        report = verify(url, TOKEN, manifest=MANIFEST, only=["wire"])
    assert rule in broken(report), explain(report)
    assert report.exit_code == 1


def test_late_byte() -> None:
    """A byte that follows an answer is found, before the next request or as its answer."""
    with raw_server(_late_byte) as url:
        report = verify(url, TOKEN, manifest=MANIFEST, only=["paging", "wire"], max_requests=LIGHT)
    assert {"wire.length", "wire.answered"} & set(broken(report)), explain(report)


def test_cut_body() -> None:
    """A body that ends before its Content-Length is named, and what the server answers otherwise is still judged."""

    def answer(head: bytes, connection: socket.socket) -> bytes | None:
        whole = honest(head)
        if b"file_offset=7" not in head:
            return whole
        connection.sendall(whole[:-5])
        return None

    with raw_server(answer) as url:
        report = verify(url, TOKEN, manifest=MANIFEST, latency=60)
    assert "wire.length" in broken(report)
    assert "authentication.exact" in kept(report)


def _endless(head: bytes, piece: bytes, pause: float = 0) -> Callable[[bytes, socket.socket], None]:
    """An answer that begins so, and goes on with a piece again and again."""

    def answer(_: bytes, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + head)
        with suppress(OSError):
            while True:
                connection.sendall(piece)
                time.sleep(pause)

    return answer


HOSTILE: dict[str, Callable[[bytes, socket.socket], bytes | None]] = {
    "garbage": lambda head, _: bytes(range(256)) * 20 + b"\n",
    "silence": lambda head, _: time.sleep(3) or b"",  # type: ignore[func-returns-value]
    "closing": lambda head, _: None,
    "endless body": _endless(b"Content-Type: application/json\r\n\r\n[", b'"spam",' * 10_000),
    "endless head": _endless(b"", b"X-Spam: spam\r\n" * 1000),
    "slow drip": _endless(b"Content-Length: 100000\r\n\r\n", b" ", pause=0.02),
    "interim": lambda head, _: b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
    "huge length": lambda head, _: b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n{",
    "bad length": lambda head, _: b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{",
    "bad chunk": lambda head, _: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "deep": lambda head, _: b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"[" * 200_000,
    "long number": lambda head, _: b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"9" * 9000,
    "bomb": lambda head, _: b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
    "many values": lambda head, _: (
        b"HTTP/1.1 200 OK\r\nContent-Length: 24000002\r\n\r\n[" + b"[],\n" * 6_000_000 + b"]"
    ),
    "busy": lambda head, _: b"HTTP/1.1 429 X\r\nRetry-After: 0\r\nContent-Length: 16\r\n\r\n" + b'{"message":"no"}',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_server(kind: str) -> None:
    """A server that sends garbage, no end, or hardly anything is reported, after few requests of bounded time."""
    for timeout in (0.3, 2, 10):  # a busy machine can need longer for what is answered at once
        with raw_server(HOSTILE[kind]) as url:
            report = verify(url, TOKEN, runs=["a", "b", "c"], timeout=timeout)
        if broken(report) or kind in ("silence", "busy", "bomb", "many values"):
            break
    assert report.exit_code in (1, 2)
    if kind == "silence":  # whatever is there, it is no server that could be accused
        assert (report.exit_code, broken(report)) == (2, [])
    elif kind not in ("busy", "bomb", "many values"):
        assert {"wire.answered", "wire.json"} & set(broken(report))
    assert report.requests <= 20


def test_odd_json() -> None:
    """Answers of every JSON shape, where pages are due, are reported and crash nothing."""
    odd = [
        "null",
        "[]",
        '"x"',
        "7",
        '{"files":{}}',
        '{"files":[1,null,[]],"has_more":true,"id":7,"status":[]}',
        '{"files":[{"documents":[[]]}],"has_more":false,"id":"run-1a","status":"COMPLETE","keys":[],"case_info":{"fields":[[]]}}',
        '{"has_more":1e400,"files":[]}',
        '{"files":[{}],"has_more":false,"id":{"a":[]},"status":{"name":"COMPLETE"},"start_timestamp":[],"case_info":7}',
    ]
    for text in odd:
        body = text.encode()
        top = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with raw_server(lambda head, _, answer=top + body: answer) as url:
            report = verify(url, TOKEN, manifest=MANIFEST, latency=60)
        assert report.exit_code == 1, text
        assert "shape.results" in broken(report), text


# --- Busy servers -------------------------------------------------------------------------------------------


def busy(
    every: int,
    *,
    begin: int = 0,
    retry_after: int = 0,
    kind: str = "application/json",
    body: bytes = b'{"message":"Slow down"}',
) -> Callable[[bytes, socket.socket], bytes]:
    """An honest server that answers some of its requests with 429."""
    numbers = count(begin + 1)

    def answer(head: bytes, _: socket.socket) -> bytes:
        if next(numbers) % every:
            return honest(head)
        top = f"HTTP/1.1 429 X\r\nRetry-After: {retry_after}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}"
        return top.encode() + b"\r\n\r\n" + (b"" if head.startswith(b"HEAD") else body)

    return answer


def test_what_a_busy_server_says_is_judged() -> None:
    """429 has the shape of an error, although the same question is answered a moment later."""
    with raw_server(busy(7, kind="text/html", body=b"busy")) as url:
        report = verify(url, TOKEN, manifest=MANIFEST, latency=60)
    assert {"errors.shape", "wire.content-type"} <= set(broken(report)), explain(report)


def test_a_server_without_time_is_not_judged() -> None:
    """A 429 with a Retry-After that is too long to wait for breaks no rule that the request was for."""
    for seed in range(5):
        with raw_server(busy(5, begin=seed, retry_after=3600)) as url:
            report = verify(url, TOKEN, manifest=MANIFEST, max_requests=300, seed=seed, latency=60)
        assert broken(report) == [], explain(report)


def test_busy_server_is_asked_again() -> None:
    """After a 429 with a short Retry-After the request is sent again, and no rule is broken."""
    with raw_server(busy(7)) as url:
        report = verify(url, TOKEN, manifest=MANIFEST, max_requests=300, latency=60)
    assert report.exit_code == 0, explain(report)
    assert broken(report) == []

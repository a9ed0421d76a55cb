"""The connection sends requests byte for byte, none that could write, and shows the token in no text."""

import subprocess
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results_conformance.verifier.connection import (
    TOKEN,
    Address,
    Answer,
    Connection,
    MethodGuard,
    Request,
    UnsafeRequestError,
)
from run_results_conformance.verifier.connection.token import (
    BASIC_TOKEN,
    LOWER_TOKEN,
    SHORTER_TOKEN,
    TAIL_OF_TOKEN,
    UPPER_TOKEN,
)
from run_results_conformance.verifier.sanitizer import Sanitizer

SECRET = "aB3-xY.z_Q9"


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (TOKEN, SECRET),
        (SHORTER_TOKEN, SECRET[:-1]),
        (TAIL_OF_TOKEN, SECRET[1:]),
        (UPPER_TOKEN, "aB3-xY.Z_Q9"),
        (LOWER_TOKEN, "aB3-xY.z_q9"),
        (BASIC_TOKEN, b64encode(f"{SECRET}:".encode()).decode()),
    ],
)
def test_forms_mean_the_same_to_a_shell(form: str, value: str) -> None:
    """What a shell makes of a token's expression is what is sent in its place."""
    command = f'printf %s "{form}"'
    environment = {"RUN_RESULTS_TOKEN": SECRET, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == value
    sent = _sent(Request("/x", (("Authorization", f"Bearer {form}"),)))
    assert f"Authorization: Bearer {value}\r\n" in sent


def _sent(request: Request, token: str = SECRET) -> str:
    import socket
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listener:
        received = bytearray()

        def serve() -> None:
            accepted, _ = listener.accept()
            with accepted:
                while b"\r\n\r\n" not in received:
                    received.extend(accepted.recv(65536))
                accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        with Connection(Address.of(f"http://127.0.0.1:{listener.getsockname()[1]}"), token, timeout=60) as connection:
            assert connection.send(request).status == 200
        thread.join()
    return received.decode("latin-1")


def test_curl_line_sends_the_same_headers() -> None:
    """A shell splits the curl line into the words that were meant, whatever stands in them."""
    headers = (
        ("Authorization", f"Bearer {TOKEN}"),
        ("X-Quote", "it's $HOME `x` \\"),
        ("X-Latin", "caf\xe9"),
        ("X", ""),
    )
    line = Request("/a?b='c'&d=$e", headers, method="DELETE").curl("http://h")
    environment = {"RUN_RESULTS_TOKEN": SECRET, "PATH": "/usr/bin:/bin"}
    script = f"curl() {{ for word; do printf '%s\\0' \"$word\"; done; }}; {line}"
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, check=True)
    words = done.stdout.decode("latin-1").split("\0")
    assert words[-2] == "http://h/a?b='c'&d=$e"
    assert words[words.index("-X") + 1] == "DELETE"
    assert [words[i + 1] for i, word in enumerate(words) if word == "-H"] == [
        f"Authorization: Bearer {SECRET}",
        "X-Quote: it's $HOME `x` \\",
        "X-Latin: caf\xe9",
        "X;",
    ]
    assert SECRET not in line


def test_doubled_and_odd_headers_go_out_as_they_are() -> None:
    """Nothing is merged, sorted or refused."""
    sent = _sent(Request("/..//%zz?", (("A", "1"), ("a", "2"), ("A", "\xff")), method="OPTIONS"))
    assert sent.startswith("OPTIONS /..//%zz? HTTP/1.1\r\nHost: 127.0.0.1:")
    assert "\r\nA: 1\r\na: 2\r\nA: \xff\r\n\r\n" in sent


@given(st.text("abcXYZ019._~+/-", min_size=6, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_the_token_is_taken_out_of_texts(token: str, before: str, after: str) -> None:
    """The token is found in any case, escaped or not, whole or without its first or its last character."""
    scrub = Sanitizer(token).without_token
    escaped = "".join(f"\\u{ord(c):04X}" for c in token)
    for shown in (
        token,
        token.upper(),
        token[:-1],
        token[1:],
        escaped,
        token.replace("/", "\\/"),
        token.replace("/", "%2F"),
    ):
        text = scrub(f"{before}{shown}{after}")
        assert (
            token[:-1].lower() not in text.lower().replace(TOKEN.lower(), "")
            or token[:-1].lower() in (before + after).lower()
        )
        assert TOKEN in text
    assert b64encode(f"{token}:".encode()).decode() not in scrub(b64encode(f"{token}:".encode()).decode())


def test_a_token_of_three_characters_is_no_secret() -> None:
    """It would be found in every word."""
    assert Sanitizer("the").without_token("the answer") == "the answer"


@pytest.mark.parametrize(
    ("url", "origin", "base", "local"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "", True),
        ("http://localhost/", "http://localhost", "", True),
        ("http://[::1]:81/a/", "http://[::1]:81", "/a", True),
        ("https://aihub.instabase.com/api", "https://aihub.instabase.com", "/api", False),
        ("https://h:443", "https://h", "", False),
        ("http://127.0.0.1.example.org", "http://127.0.0.1.example.org", "", False),
    ],
)
def test_addresses(url: str, origin: str, base: str, local: bool) -> None:
    """A base URL is read into origin and base path; a host is local only by its whole name."""
    address = Address.of(url)
    assert (address.origin, address.base, address.local) == (origin, base, local)


def test_no_repr_has_the_token() -> None:
    """Neither a connection nor a request shows it."""
    connection = Connection(Address.of("http://h"), SECRET)
    assert SECRET not in repr(connection)
    assert SECRET not in repr(Request("/", (("Authorization", f"Bearer {TOKEN}"),)))


# --- What is not sent ---------------------------------------------------------------------------------------

RIGHT = (("Authorization", f"Bearer {TOKEN}"), ("IB-Context", "here"))
ELSEWHERE = (("Authorization", f"Bearer {TOKEN}"), ("IB-Context", "elsewhere"))
NOT_FOUND = Answer(404)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "get", "CONNECT", ""])
def test_other_methods_are_not_sent(method: str) -> None:
    """Unless they are allowed, nothing but GET, HEAD and OPTIONS is sent, whatever was answered before."""
    guard = MethodGuard(unsafe_methods=False)
    guard.note(Request("/x", RIGHT), NOT_FOUND)
    with pytest.raises(UnsafeRequestError):
        guard.check(Request("/x", RIGHT, method))
    with pytest.raises(UnsafeRequestError):
        Connection(Address.of("http://127.0.0.1:1"), SECRET).send(Request("/x", RIGHT, method))


def test_other_methods_need_a_404() -> None:
    """If allowed, another method goes where the token's GET found nothing, in the same context, and nowhere else."""
    guard = MethodGuard(unsafe_methods=True)
    delete = Request("/x", (*RIGHT, ("Content-Length", "0")), "DELETE")
    guard.note(Request("/x", RIGHT[1:]), NOT_FOUND)  # a 404 to a request without a token says nothing
    guard.note(Request("/x", RIGHT, "HEAD"), NOT_FOUND)
    assert not guard.allows(delete)
    guard.note(Request("/x", RIGHT), NOT_FOUND)
    assert guard.allows(delete)
    assert guard.allows(Request("/x", RIGHT[1:], "TRACE"))
    for other in (Request("/y", RIGHT, "DELETE"), Request("/x", ELSEWHERE, "DELETE")):
        with pytest.raises(UnsafeRequestError):
            guard.check(other)
    guard.note(delete, Answer(405))
    assert guard.allows(delete)
    guard.note(Request("/y", RIGHT), NOT_FOUND)
    guard.note(delete, Answer(204))
    assert not guard.allows(delete)
    guard.note(Request("/x", RIGHT), NOT_FOUND)
    assert not guard.allows(delete)
    assert not guard.allows(Request("/y", RIGHT, "DELETE"))


@pytest.mark.parametrize("status", [0, 200, 301, 401, 403, 410, 500])
def test_a_target_that_may_exist_again_gets_no_other_method(status: int) -> None:
    """A GET that is answered otherwise than with 404 ends the permission."""
    guard = MethodGuard(unsafe_methods=True)
    guard.note(Request("/x", RIGHT), NOT_FOUND)
    guard.note(Request("/x", RIGHT), Answer(status))
    assert not guard.allows(Request("/x", RIGHT, "POST"))


@pytest.mark.parametrize(
    "request_",
    [
        Request("/x HTTP/1.1\r\n\r\nDELETE /y", RIGHT),
        Request("/x", (*RIGHT, ("X", "1\nY: 2"))),
        Request("/x", (*RIGHT, ("X\r\n\r\nDELETE /y HTTP/1.1\r\nHost", "x"))),
    ],
)
def test_a_request_is_one_request(request_: Request) -> None:
    """A request with a line break in it could be two, and is not sent."""
    with pytest.raises(UnsafeRequestError):
        MethodGuard(unsafe_methods=True).check(request_)

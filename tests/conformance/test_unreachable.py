"""Where nothing that speaks this API answers, the server is not accused: it could not be judged."""

import socket
import ssl
import subprocess
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from run_results_conformance import MemoryStore, ReferenceServer, SyntheticRun, serve
from run_results_conformance.fuzz import fuzz
from run_results_conformance.verifier.report import Report, to_junit
from run_results_conformance.verifier.verification import verify

from .verifier_kit import TOKEN, honest, raw_server

GO = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
NGINX = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 50\r\n\r\n<b>The plain HTTP request was sent to HTTPS port.</b>"[
    :-3
]
ALERT = b"\x15\x03\x01\x00\x02\x02\x46"


def not_judged(report: Report, why: str) -> None:
    """Holds that nothing is accused, and that the reason is given."""
    assert report.exit_code == 2
    assert report.broken == ()
    assert len(report.obstacles) == 1
    assert why in report.obstacles[0]


def test_a_server_that_never_answers() -> None:
    """A port that takes connections and stays silent is no breach; the message names --timeout."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        report = verify(url, TOKEN, runs=["r"], timeout=0.2)
    not_judged(
        report, "the answer was not complete in time. Is something else listening there, or is --timeout too short?"
    )


@pytest.mark.parametrize("answer", [ALERT, GO, NGINX], ids=["alert", "Go", "nginx"])
def test_plain_http_to_a_port_for_tls(answer: bytes) -> None:
    """A port for TLS is no breach; the message says to begin the URL with https://."""

    def close(_head: bytes, connection: socket.socket) -> None:
        connection.sendall(answer)

    with raw_server(close) as url:
        not_judged(verify(url, TOKEN, runs=["r"]), "begin the URL with https://")


def test_tls_to_a_port_for_plain_http() -> None:
    """A port for plain HTTP is no breach; the message says to begin the URL with http://."""
    with serve(ReferenceServer(MemoryStore([SyntheticRun(1, 2, run_id="r")]), TOKEN)) as served:
        report = verify(served.url.replace("http:", "https:"), TOKEN, runs=["r"])
    not_judged(report, "begin the URL with http://")


@pytest.fixture(scope="module")
def own_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for loopback that signs itself, with its key."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    kind = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    names = ("-subj", "/CN=loopback", "-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", str(file), "-out", f"{file}.crt")
    subprocess.run(["openssl", "req", *kind, *names, *files], check=True, capture_output=True)
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


@pytest.fixture
def secure_url(own_authority: Path) -> Iterator[str]:
    """An honest server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own_authority)

    def answer(plain: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
            head = b""
            while data := connection.recv(65_536):
                head += data
                while b"\r\n\r\n" in head:
                    first, _, head = head.partition(b"\r\n\r\n")
                    connection.sendall(honest(first))

    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=[listener.accept()[0]], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def test_an_authority_of_ones_own(secure_url: str, own_authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for is no breach; SSL_CERT_FILE, which the message names, makes it trusted."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    not_judged(verify(secure_url, TOKEN, runs=["run-standard"]), "in SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_FILE", f"{own_authority}.crt")
    assert verify(secure_url, TOKEN, only=["wire.bom"]).requests > 1


def test_fuzz(secure_url: str, own_authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`fuzz` judges nothing either where it reached no server, and trusts what SSL_CERT_FILE names."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    not_judged(fuzz(secure_url, TOKEN, runs=["r"], max_requests=3), "in SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_FILE", f"{own_authority}.crt")
    report = fuzz(secure_url, TOKEN, runs=["r"], max_requests=3)
    assert any(verdict.judged for verdict in report.verdicts)


def test_what_was_spent() -> None:
    """The report names the limit that ended a check: --max-requests or --max-seconds."""
    with raw_server(lambda head, _: honest(head)) as url:
        for limit, option in (({"max_requests": 8}, "--max-requests"), ({"max_seconds": 1e-9}, "--max-seconds")):
            report = verify(url, TOKEN, **limit)  # type: ignore[arg-type]
            said = " ".join((*report.obstacles, *report.notes))
            assert option in said
            assert said.count("--max-") == said.count(option)


def test_time_of_each_case() -> None:
    """In JUnit each rule has the time of the requests that it was judged by; together they are no more than all."""
    with raw_server(lambda head, _: honest(head)) as url:
        report = verify(url, TOKEN)
    root = ET.fromstring(to_junit(report))
    cases = [float(case.attrib["time"]) for case in root.iter("testcase")]
    suites = [float(suite.attrib["time"]) for suite in root.iter("testsuite")]
    taken = sum(verdict.seconds for verdict in report.verdicts)
    assert len(cases) >= len(report.verdicts)
    assert all(verdict.seconds > 0 for verdict in report.verdicts if verdict.judged)
    assert 0 < taken <= report.seconds
    assert sum(suites) == pytest.approx(taken, abs=0.02)

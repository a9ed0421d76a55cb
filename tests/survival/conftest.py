"""Sync and async, what is observed, and the page that is made of it (docs/reliability.md)."""

import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from . import kit
from .kit import THOROUGH
from .reliability import BOOK, Book, cell_of, without_times

COMMAND = "python -m pytest tests/survival --reliability docs/reliability.md"
COMMITTED = Path(__file__).parents[2] / "docs" / "reliability.md"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`python -m pytest tests/survival --reliability docs/reliability.md` writes the page."""
    parser.addoption("--reliability", metavar="FILE", help="write what the tests of survival observed to this file")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What reads the book comes after what writes it."""
    items.sort(key=lambda item: item.path.name == "test_reliability.py" and item.path.parent.name == "survival")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the page, if that was asked for."""
    path = session.config.getoption("--reliability", default=None)
    if path:
        Path(path).write_text(BOOK.page(), "utf-8")


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def asynchronous(request: pytest.FixtureRequest) -> bool:
    """Both clients keep the same promises."""
    return bool(request.param)


@pytest.fixture(params=["own", "httpx", "httpx2"] if THOROUGH else ["own"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whose HTTP client `kit.walk` uses: all of them only in `make thorough`."""
    monkeypatch.setattr(kit, "library_in_use", request.param)
    return str(request.param)


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Note down what was observed: `note(row, what, observed)`. The committed page says the same, but for times."""
    mode = "async" if "asynchronous" in request.fixturenames and request.getfixturevalue("asynchronous") else "sync"
    if "library" in request.fixturenames and request.getfixturevalue("library") != "own":
        return lambda *_observed, **_more: None
    page = "" if request.config.getoption("--reliability", default=None) else COMMITTED.read_text("utf-8")

    def write(row: str, what: str, observed: str, column: str = "observed") -> None:
        BOOK.note(row, what, column, mode, observed)
        if page:
            said, seen = cell_of(page, row, what, column, mode), observed.replace("|", "\\|")
            assert without_times(said) == without_times(seen), f"make docs/reliability.md anew: {COMMAND}"

    return write


@pytest.fixture(scope="session")
def book() -> Book:
    """Everything that was noted down in this session."""
    return BOOK


@pytest.fixture(scope="session")
def _exporter() -> InMemorySpanExporter:
    # A provider can be set once in a process.
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
def spans(_exporter: InMemorySpanExporter) -> Iterator[InMemorySpanExporter]:
    """The OpenTelemetry spans of this test."""
    _exporter.clear()
    yield _exporter
    _exporter.clear()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority of our own (`ca.pem`), and with `server.pem` and `expired.pem`, for loopback."""
    folder = tmp_path_factory.mktemp("authority")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=600)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl(
        *("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=our own authority"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=loopback")
    (folder / "extensions").write_text(
        "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:results.example\nbasicConstraints=CA:false\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    openssl(
        *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"),
        *("-extfile", "extensions", "-out", "server.crt"),
    )
    openssl(
        *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "-1"),
        *("-extfile", "extensions", "-out", "expired.crt"),
    )
    for name in ("server", "expired"):
        (folder / f"{name}.pem").write_text((folder / f"{name}.crt").read_text() + (folder / "server.key").read_text())
    return folder


@pytest.fixture(scope="session")
def server_tls(authority: Path) -> ssl.SSLContext:
    """What an https server on loopback shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem")
    return context


@pytest.fixture(scope="session")
def expired_tls(authority: Path) -> ssl.SSLContext:
    """What an https server shows whose certificate ended yesterday."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "expired.pem")
    return context


@pytest.fixture(scope="session")
def client_tls(authority: Path) -> ssl.SSLContext:
    """Trusts our own authority and no other."""
    return ssl.create_default_context(cafile=authority / "ca.pem")

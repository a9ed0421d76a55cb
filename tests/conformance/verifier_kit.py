"""What the tests of the verifier share: runs, a verification of an application, and servers that answer bytes."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from starlette.requests import Request

from run_results_conformance import MemoryStore, ReferenceServer, SyntheticRun, serve
from run_results_conformance.server.reference import Refusal
from run_results_conformance.verifier.manifest import Manifest
from run_results_conformance.verifier.report import Report, to_text
from run_results_conformance.verifier.verification import verify

TOKEN = "s3cret-Token.of~the+tests=="
RUN = "run-1a"


def small_store() -> MemoryStore:
    """One run of four pages, and one of every other kind; documents are small, because there are many tests."""

    def run(seed: int, files: int, run_id: str, status: str = "COMPLETE") -> SyntheticRun:
        return SyntheticRun(seed, files, run_id=run_id, status=status, documents_per_file=1, fields_per_document=6)

    store = MemoryStore([run(1, 10, RUN), run(2, 4, "run-running", "RUNNING"), run(3, 2, "run-paused", "PAUSED")])
    store.add(run(4, 0, "run-empty", "FAILED"))
    store.add(run(5, 3, "run-elsewhere"), context="other-org")
    return store


STORE = small_store()
MANIFEST = Manifest.of(STORE)

LIGHT = 120
"""So many requests are enough to read the pages of a run from every offset and under every combination of flags."""


def broken(report: Report) -> list[str]:
    return [verdict.rule.id for verdict in report.broken]


def kept(report: Report) -> set[str]:
    return {verdict.rule.id for verdict in report.verdicts if verdict.outcome == "kept"}


def of_results(report: Report) -> int:
    """How many requests were not for lists of runs."""
    return sum(not re.search(r"/v2/apps/runs(\?|'|$)", line) for line in report.asked)


def explain(report: Report) -> str:
    return to_text(report, verbose=True)


def verified(app: Any, **options: Any) -> Report:
    """What the verifier finds of an application. No verdict depends on how fast this machine is: times are long."""
    usual = {"manifest": MANIFEST, "unsafe_methods": True, "timeout": 60, "latency": 60}
    with serve(app) as served:
        return verify(served.url, TOKEN, **{**usual, **options})


# --- Servers below the level of an application --------------------------------------------------------------


class RawServer:
    """Answers bytes with bytes: what `answer` gives for the bytes of a request, or whatever it does itself."""

    def __init__(self, answer: Callable[[bytes, socket.socket], bytes | None]) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        pending = b""
        try:
            while True:
                while b"\r\n\r\n" not in pending:
                    data = connection.recv(65536)
                    if not data:
                        return
                    pending += data
                head, _, pending = pending.partition(b"\r\n\r\n")
                answer = self._answer(head, connection)
                if answer is None:
                    return
                connection.sendall(answer)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()


@contextmanager
def raw_server(answer: Callable[[bytes, socket.socket], bytes | None]) -> Iterator[str]:
    with closing(RawServer(answer)) as server:
        yield server.url


REFERENCE = ReferenceServer(STORE, TOKEN, page_size=3)


def honest(head: bytes) -> bytes:
    """The reference server's answer to the head of a request, as bytes."""
    line, *fields = head.decode("latin-1").split("\r\n")
    method, target, _ = line.split(" ", 2)
    path, _, query = target.partition("?")
    headers = [
        (name.lower().encode(), value.strip().encode("latin-1"))
        for name, _, value in (f.partition(":") for f in fields)
    ]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
    }
    response = REFERENCE.encode(Request(scope), REFERENCE.respond(Request(scope)))
    top = [f"HTTP/1.1 {response.status_code} X", *(f"{k.decode()}: {v.decode()}" for k, v in response.raw_headers)]
    return "\r\n".join([*top, "", ""]).encode() + (b"" if method == "HEAD" else bytes(response.body))


# --- Servers with one fault -------------------------------------------------------------------------------------


class RoundsOffsets(ReferenceServer):
    """Answers with the page in which an offset lies."""

    def slice(self, run: Any, offset: int, size: int) -> Any:
        begin = offset // size * size
        return list(run.files(begin, min(begin + size, run.file_count))) if begin < run.file_count else []


class CorrectsValues(ReferenceServer):
    """Changes values under two flags together."""

    def project(self, page: Any, flags: frozenset[str]) -> Any:
        found = json.loads(json.dumps(super().project(page, flags)))
        if flags == {"include_review_results", "include_confidence_scores"}:
            for field in (each for file in found["files"] for part in file["documents"] for each in part["fields"]):
                field["value"] = field["value"].strip() + "*"
        return found


class TakesLeadingZeros(ReferenceServer):
    """Reads an offset with zeros in front."""

    def read_offset(self, request: Request) -> int:
        values = self.read_query(request).get("file_offset", [])
        if len(values) == 1 and values[0].startswith("0") and values[0].isdecimal():
            return int(values[0])
        return super().read_offset(request)


class BadRequestForUnknown(ReferenceServer):
    """Answers a run that is not there with 400."""

    def find_run(self, run_id: str, context: str | None) -> Any:
        try:
            return super().find_run(run_id, context)
        except Refusal:
            raise Refusal(400, "No such run") from None

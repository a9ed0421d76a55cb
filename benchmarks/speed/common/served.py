"""A server that answers from memory, in its own process, so that the time of a walk is the client's.

It knows only as much HTTP as these clients need. It keeps connections open, and with `compress` it sends gzip to
clients that accept it. `small` makes all pages at the start; `large` makes each page when it is requested.
"""

import asyncio
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

TOKEN = "t0k3n"
RUN = "run-1"

Bodies = Callable[[int], bytes]
"""The JSON text of the page that begins at an offset."""


def small(pages: int, size: int, everything: bool) -> Bodies:
    """A run of `pages` pages of `size` files. A file has 1 document with about 9 fields: 3.5 kB with everything."""
    from pages import without_null_edits

    from run_results_conformance.server.contract import load_contract
    from run_results_conformance.server.synthetic import SyntheticRun

    def page(offset: int) -> bytes:
        stop = offset + size
        whole = {**run.header, "files": run.files(offset, stop), "has_more": stop < run.file_count}
        whole = without_null_edits(contract.project(whole, frozenset(contract.flags if everything else ())))
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()

    contract = load_contract()
    run = SyntheticRun(seed=2, files=pages * size, documents_per_file=1, run_id=RUN)
    bodies = {offset: page(offset) for offset in range(0, run.file_count, size)}
    return bodies.__getitem__


def large(files: int, size: int) -> Bodies:
    """A run of `files` files in pages of `size` files. A file is about 600 bytes, and all are different."""
    fields = [{"field_name": f"field_{n}", "value": f"value {n}", "type": "TEXT"} for n in range(6)]
    document = json.dumps({"class_name": "W-2", "page_numbers": [0], "fields": fields})
    head = {"id": RUN, "status": "COMPLETE", "start_timestamp": 1, "finish_timestamp": 2}

    def body(offset: int) -> bytes:
        stop = min(offset + size, files)
        texts = [
            f'{{"original_file_name":"scan {n}.pdf","input_file_path":"inbox/{n:09}.pdf","documents":[{document}]}}'
            for n in range(offset, stop)
        ]
        text = json.dumps({**head, "has_more": stop < files})
        return f'{text[:-1]},"files":[{",".join(texts)}]}}'.encode()

    return body


def one(path: str) -> Bodies:
    """A run of one page, which is read from a file."""
    text = Path(path).read_bytes().replace(b'"has_more":true', b'"has_more":false')
    return {0: text}.__getitem__


_OFFSET = re.compile(rb"[?&]file_offset=(\d+)")


class _Answers(asyncio.Protocol):
    def __init__(self, bodies: Bodies, latency: float, compress: bool) -> None:
        self._bodies = bodies
        self._latency = latency
        self._compress = compress
        self._kept: dict[int, bytes] = {}
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head, self._buffer = self._buffer[: end + 2], self._buffer[end + 4 :]
            found = _OFFSET.search(head.partition(b"\r\n")[0])
            answer = self._answer(int(found[1]) if found else 0, b"gzip" in head.lower())
            assert self._transport is not None
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._transport.write, answer)
            else:
                self._transport.write(answer)

    def _answer(self, offset: int, takes_gzip: bool) -> bytes:
        try:
            body = self._bodies(offset)
        except KeyError:  # past the end
            return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
        coding = b""
        if self._compress and takes_gzip:
            body = self._kept.setdefault(offset, gzip.compress(body, 6) if offset not in self._kept else b"")
            coding = b"Content-Encoding: gzip\r\n"
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s" % (
            coding,
            len(body),
            body,
        )


async def _serve(bodies: Bodies, latency: float, compress: bool) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Answers(bodies, latency, compress), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serve(kind: str, *arguments: object, latency: float = 0.0, compress: bool = False) -> Iterator[str]:
    """Serve a run until the block ends; yields the base URL. `kind` is `small`, `large` or `one`."""
    options = json.dumps({"kind": kind, "arguments": arguments, "latency": latency, "compress": compress})
    process = subprocess.Popen([sys.executable, __file__, options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


if __name__ == "__main__":
    _asked = json.loads(sys.argv[1])
    _bodies = {"small": small, "large": large, "one": one}[_asked["kind"]](*_asked["arguments"])
    asyncio.run(_serve(_bodies, _asked["latency"], _asked["compress"]))

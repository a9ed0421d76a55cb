"""A server that answers from memory, in its own process, so that the time measured is the client's.

    python -m benchmarks.scale.server '{"runs": 200, "length": 10, "page_size": 10, "latency": 0.05}'

It prints its port. `/requests` answers how many pages were asked for since it was last asked. `/edit` edits a value of
every hundredth run; those are the runs that finished lately.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from attrs import frozen

_ASKED = re.compile(rb"GET /v2/apps/runs/([^/]+)/results(?:\S*?[?&]file_offset=(\d+))?")
_PAST: Final = -1
_RARE: Final = 100
"""One run of so many finished lately, and can be edited."""
Bodies = dict[tuple[str, int], bytes]
"""The page of a run at an offset; the one at `_PAST` has no files, as behind the end of the run."""


def bodies_of(runs: int, length: int, page_size: int) -> Bodies:
    """Each page of each run, with everything that can be asked for. Every tenth run is three times as long."""
    from run_results_conformance.server.contract import load_contract
    from run_results_conformance.server.synthetic import SyntheticRun

    contract, bodies = load_contract(), {}
    long_ago, lately = 1_600_000_000 * 10**9, time.time_ns()
    for number in range(runs):
        count = length * 3 if number % 10 == 9 else length
        run = SyntheticRun(seed=number, files=count, documents_per_file=1, run_id=f"run-{number}")
        for offset in (*range(0, count, page_size), _PAST):
            stop = min(offset + page_size, count)
            files = [] if offset == _PAST else run.files(offset, stop)
            whole = {**run.header, "files": files, "has_more": offset != _PAST and stop < count}
            whole |= {"start_timestamp": long_ago, "finish_timestamp": long_ago if number % _RARE else lately}
            page = contract.project(whole, frozenset(contract.flags))
            bodies[f"run-{number}", offset] = json.dumps(page, ensure_ascii=False, separators=(",", ":")).encode()
    return bodies


def _edit(bodies: Bodies) -> int:
    """Change a value of each run that can be edited; returns the number of those runs."""
    edited = [place for place in bodies if place[1] == 0 and int(place[0].removeprefix("run-")) % _RARE == 0]
    for place in edited:
        bodies[place] = bodies[place].replace(b'"value":"', b'"value":"edited: ', 1)
    return len(edited)


class _Answers(asyncio.Protocol):
    requests = 0

    def __init__(self, bodies: Bodies, latency: float) -> None:
        self._bodies = bodies
        self._latency = latency
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
            asked = _ASKED.match(head)
            if head.startswith(b"GET /edit "):
                body = str(_edit(self._bodies)).encode()
            elif asked is None:
                body, _Answers.requests = str(_Answers.requests).encode(), 0
            else:
                _Answers.requests += 1
                run_id = asked[1].decode()
                body = self._bodies.get((run_id, int(asked[2] or 0)), self._bodies[run_id, _PAST])
            kind = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            asyncio.get_running_loop().call_later(self._latency, self._transport.write, kind + body)


async def _serve(bodies: Bodies, latency: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Answers(bodies, latency), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@frozen
class Served:
    """A server that runs in another process."""

    url: str

    def requests(self) -> int:
        """How many pages were asked for since the last time."""
        return self._ask("requests")

    def edit(self) -> int:
        """Edit a value of every hundredth run; returns how many runs those are."""
        return self._ask("edit")

    def _ask(self, what: str) -> int:
        with urllib.request.urlopen(f"{self.url}/{what}") as answer:
            return int(answer.read())


@contextmanager
def serve(runs: int, length: int, page_size: int, latency: float = 0.0) -> Iterator[Served]:
    """Serve runs until the block ends."""
    options = json.dumps({"runs": runs, "length": length, "page_size": page_size, "latency": latency})
    command = [sys.executable, "-m", "benchmarks.scale.server", options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Served(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.kill()


if __name__ == "__main__":
    _options = json.loads(sys.argv[1])
    _latency = _options.pop("latency")
    asyncio.run(_serve(bodies_of(**_options), _latency))

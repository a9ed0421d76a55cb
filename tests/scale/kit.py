"""What the tests of many runs share: a server with many small runs and some large ones, and what it was asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field

from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryRun, MemoryStore
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

TOKEN = "t0k3n-of-many-runs"
VARIABLE = "TOKEN_OF_MANY_RUNS"
REFERENCE = f"env:{VARIABLE}"


@define
class Asked:
    """A server, and the paths and statuses of its answers."""

    url: str = ""
    paths: list[str] = field(factory=list)
    statuses: list[int] = field(factory=list)


@contextmanager
def serving(runs: list[Any], page_size: int = 4) -> Iterator[Asked]:
    """Serve runs, and note down what is asked."""
    server, asked = ReferenceServer(MemoryStore(runs), TOKEN, page_size=page_size), Asked()

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        async def note(message: Any) -> None:
            if message["type"] == "http.response.start":
                asked.paths.append(scope["path"])
                asked.statuses.append(message["status"])
            await send(message)

        await server(scope, receive, note)

    with serve(noting) as served:
        asked.url = served.url
        yield asked


def runs_of(number: int) -> list[MemoryRun]:
    """Runs of one to three files, and every tenth of eleven; in memory, so that serving them is cheap."""
    made = [SyntheticRun(seed=seed, files=11 if seed % 10 == 9 else 1 + seed % 3) for seed in range(number)]
    return [MemoryRun(run.header, list(run.files(0, run.file_count))) for run in made]


def ids_of(runs: list[MemoryRun]) -> list[str]:
    """The ids of runs."""
    return [str(run.header["id"]) for run in runs]

"""Programs of Spark that tests start and disturb, and the server that they read from."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from tests.conftest import TOKEN

from run_results import Client
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryStore
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

from .conftest import VARIABLE

THOROUGH = [
    pytest.mark.filterwarnings("default"),  # pyspark's own are not ours to mend
    pytest.mark.skipif(os.environ.get("HYPOTHESIS_PROFILE") != "thorough", reason="takes minutes: see `make thorough`"),
]
"""The marks of tests that start a Spark of their own."""
ROOT = Path(__file__).parents[2]
IDS = [f"run-{number}" for number in range(4)]
RUNS = [SyntheticRun(seed=number, files=20, run_id=run_id) for number, run_id in enumerate(IDS)]
LATE = "file_offset=12"  # of the last run, after three of its pages came


@define
class Trap:
    """A server that does something before it answers a late page of the last run."""

    app: Any
    actions: list[Callable[[], object]] = field(factory=list)
    """What it does the first time that the page is asked for, the second time, and so on."""
    requests: int = field(default=0, init=False)
    """How often that page was asked for."""
    errors: list[BaseException] = field(factory=list, init=False)
    """What actions raised: the one who asked gets an answer nevertheless, and would ask again without one."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as the server does, after the action."""
        if scope["type"] == "http" and IDS[-1] in scope["path"] and LATE in scope["query_string"].decode():
            number, self.requests = self.requests, self.requests + 1
            if number < len(self.actions):
                try:
                    await asyncio.to_thread(self.actions[number])
                except Exception as error:  # noqa: BLE001 - `trap` raises it
                    self.errors.append(error)
        await self.app(scope, receive, send)


def descendants(pid: int) -> dict[int, str]:
    """The processes that a process has started, and those that they have, each with its command line."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
    found: dict[int, str] = {}
    under_way = [pid]
    while under_way:
        parent = under_way.pop()
        for child in (each for each, its in parents.items() if its == parent):
            with suppress(OSError):
                found[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
                under_way.append(child)
    return found


def kill(pids: list[int]) -> None:
    """End these processes at once; there is at least one."""
    assert pids
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def job(url: str, out: Path, master: str, ids: list[str] | str, **conf: str) -> Iterator[subprocess.Popen[bytes]]:
    """The program, running; what is left of it is killed at the end."""
    (out.parent / "events").mkdir(exist_ok=True)
    always = {
        "spark.driver.memory": "1g",
        "spark.executor.memory": "1g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": (out.parent / "events").as_uri(),
    }
    source = {"token": f"env:{VARIABLE}", "base_url": url, "timeout": 900, "concurrency": 1}
    given = json.dumps({"master": master, "conf": always | conf, "source": source, "ids": ids, "out": str(out)})
    environ = {**os.environ, VARIABLE: TOKEN, "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [sys.executable, "-m", "tests.spark.job", given]
    with (out.parent / "job.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        yield process
    finally:
        left = [*descendants(process.pid), process.pid]
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


@contextmanager
def trap() -> Iterator[tuple[Trap, str]]:
    """The trap, and its base URL. At the end it raises what an action raised."""
    made = Trap(ReferenceServer(MemoryStore(RUNS), TOKEN, page_size=4))
    with serve(made) as served:
        yield made, served.url
    for error in made.errors:
        raise error


def check(spark: Any, out: Path, url: str) -> None:
    """What is written has every row once."""
    found = spark.read.parquet(str(out)).toArrow().to_pylist()
    with Client(token=TOKEN, base_url=url) as client:
        wanted = [row for run_id in IDS for row in client.table(run_id, "documents").to_pylist()]
    key = ("run_id", "file_index", "document_index")
    assert sorted(found, key=lambda row: [row[name] for name in key]) == wanted


def visible(out: Path) -> list[Path]:
    """The files of a folder that Spark takes for data."""
    hidden = ("_", ".")
    return [
        path
        for path in out.rglob("*.parquet")
        if not any(part.startswith(hidden) for part in path.relative_to(out).parts)
    ]

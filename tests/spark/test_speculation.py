"""Spark starts a second copy of a slow task: whichever of the two is first, every row comes once.

Spark starts no second copy on the host that has the first. So there is a cluster of two hosts, which are two addresses
of this machine. It takes minutes: only in thorough runs.
"""

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import TOKEN

from .conftest import VARIABLE
from .programs import IDS, ROOT, THOROUGH, check, descendants, job, kill, trap, visible

pytestmark = THOROUGH
HOSTS = ("127.0.0.1", "127.0.0.2")
LONG = 900
"""Seconds that a task waits for its copy. Where there is none, it goes on, and the test fails."""
SPECULATION = {
    "spark.cores.max": "2",
    "spark.speculation": "true",
    "spark.speculation.interval": "100ms",
    "spark.speculation.multiplier": "1.1",
    "spark.speculation.quantile": "0.5",
    # Else a copy is started only where the first has read few rows for its time, which no Python task reports.
    "spark.speculation.efficiency.enabled": "false",
    # Each task must be free to go to either host.
    "spark.locality.wait": "0",
}


@contextmanager
def daemon(log: Path, name: str, *arguments: str) -> Iterator[None]:
    """A process of a cluster, until the block ends."""
    pyspark = pytest.importorskip("pyspark", reason="pyspark has its own environment: make test-spark")
    command = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-class"),
        f"org.apache.spark.deploy.{name}",
        *arguments,
    ]
    environ = {**os.environ, VARIABLE: TOKEN, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_NO_DAEMONIZE": "1"}
    with log.open("ab") as file, subprocess.Popen(command, cwd=ROOT, env=environ, stdout=file, stderr=file) as process:
        try:
            yield
        finally:
            kill([*descendants(process.pid), process.pid])


def address_in(log: Path) -> str:
    """The address of a master, as soon as its log has it."""
    while True:
        if found := re.search(r"spark://127\.0\.0\.1:\d+", log.read_text()):
            return found[0]
        time.sleep(0.1)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a cluster of two hosts, each with one core."""
    folder = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        common = ("--port", "0", "--webui-port", "0")
        log = folder / "master.log"
        stack.enter_context(daemon(log, "master.Master", "--host", HOSTS[0], *common))
        address = address_in(log)
        for host in HOSTS:
            options = ("--host", host, *common, "--cores", "1", "--memory", "1g", "--work-dir", str(folder / host))
            stack.enter_context(daemon(folder / f"{host}.log", "worker.Worker", *options, address))
        yield address


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The events of a kind that Spark has logged."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]  # not checksums
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]
    return [event for line in lines if (event := json.loads(line))["Event"] == f"SparkListener{kind}"]


@pytest.mark.parametrize("first", ["the copy", "the original", "both at once"])
def test_a_second_copy_of_a_task(first: str, spark: Any, master: str, tmp_path: Path) -> None:
    """Whether the copy of a slow task or the task itself is first, or both end together, every row comes once."""
    out = tmp_path / "out"
    has_copy, is_over = threading.Event(), threading.Event()

    def original() -> None:
        has_copy.wait(LONG)
        if has_copy.is_set() and first == "the copy":
            is_over.wait()

    def copy() -> None:
        assert visible(out) == []
        has_copy.set()
        if first == "the original":
            is_over.wait()

    with trap() as (made, url), job(url, out, master, IDS, **SPECULATION) as process:
        made.actions = [original, copy]
        try:
            assert process.wait() == 0, (tmp_path / "job.log").read_text()[-3000:]
        finally:
            is_over.set()
        assert has_copy.is_set()
        check(spark, out, url)
    assert any(event["Task Info"]["Speculative"] for event in events(tmp_path / "events", "TaskStart"))

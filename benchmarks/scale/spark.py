"""Measures what reading many runs with Spark costs, as ratios within one run, into benchmarks/scale/SPARK.md.

    PYTHONPATH=generated:wrapper:conformance .venv-spark/bin/python -m benchmarks.scale.spark [--quick]

Processor time, not time: of this process, of the JVM, and of the Python workers of Spark, each by what Linux counts.

A job is all of its runs, with its planning. A Python worker that starts is measured beside it, because Spark ends one
that had no work for a minute. What more runs cost more says what one more row costs, whatever the job.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from benchmarks.scale.server import serve
from run_results import Client
from run_results.scale import Slice, Source
from run_results.spark import fetch
from run_results.spark.rows import batches

VARIABLE = "TOKEN_OF_THE_BENCHMARK"
QUICK = "--quick" in sys.argv
SMALL = 40 if QUICK else 400
FEW, LARGE, FILES = (2, 6, 100) if QUICK else (8, 24, 400)
WARM, ROUNDS = (1, 1) if QUICK else (3, 2)
TICKS = os.sysconf("SC_CLK_TCK")
Line = tuple[str, str, str]
"""What was measured, what came out, and what it should be."""


def processor_time() -> tuple[float, float]:
    """Seconds of Python, this process and Spark's workers; and seconds of the JVM. What has ended is counted, too."""
    parents: dict[int, int] = {}
    times: dict[int, tuple[float, float]] = {}
    names: dict[int, str] = {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            head, _, rest = (path / "stat").read_text().rpartition(")")
            parts, pid = rest.split(), int(path.name)
            parents[pid], names[pid] = int(parts[1]), head.partition("(")[2]
            user, system, children_user, children_system = map(int, parts[11:15])
            times[pid] = (user + system) / TICKS, (children_user + children_system) / TICKS
    ours = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    java = {pid for pid in ours if names[pid] == "java"}
    jvm = sum(times[pid][0] for pid in java)
    return sum(sum(times[pid]) for pid in ours) - jvm, jvm


Cost = tuple[float, float]
"""Seconds of Python, and of the JVM."""


def costs(*works: Callable[[], object], before: Callable[[], object], warm: int, rounds: int) -> list[Cost]:
    """What each of several things costs, by turns, after rounds to warm up. What is done before each is not counted."""
    spent = [(0.0, 0.0)] * len(works)
    for number in range(warm + rounds):
        for place, work in enumerate(works):
            before()
            began = processor_time()
            work()
            ended = processor_time()
            if number >= warm:
                python, jvm = spent[place]
                spent[place] = python + ended[0] - began[0], jvm + ended[1] - began[1]
    return [(python / rounds, jvm / rounds) for python, jvm in spent]


def run(frame: DataFrame) -> None:
    """Read all rows of a DataFrame, and keep none."""
    frame.write.format("noop").mode("overwrite").save()


def starting(modules: str) -> float:
    """Seconds of Python for a process that imports modules."""
    before = processor_time()[0]
    subprocess.run([sys.executable, "-c", f"import {modules}"], check=True)
    return processor_time()[0] - before


def session() -> Any:
    """Spark on this machine, with two tasks at a time."""
    builder = SparkSession.builder.master("local[2]").config("spark.driver.memory", "1g")
    for name, value in {"driver.host": "127.0.0.1", "driver.bindAddress": "127.0.0.1", "ui.enabled": "false"}.items():
        builder = builder.config(f"spark.{name}", value)
    return builder.getOrCreate()


def rows(spark: Any, url: str) -> list[Line]:
    """What a job costs, by each way, what of it each row costs, and what it costs whatever its rows."""
    source = Source(token=f"env:{VARIABLE}", base_url=url)
    ids = [f"run-{number}" for number in range(LARGE)]

    def by_client(some: list[str]) -> None:
        with Client(token="t0k3n", base_url=url) as client:
            for run_id in some:
                client.table(run_id)

    def by_reading(some: list[str]) -> None:
        """What a task does, in this process: the batches, and the stream that pyspark makes of them."""
        writer = None
        with Path(os.devnull).open("wb") as stream:
            for batch in batches(source, [Slice(run_id) for run_id in some], "fields"):
                writer = writer or pa.RecordBatchStreamWriter(stream, batch.schema)
                writer.write_batch(batch)

    def by_fetch(some: list[str]) -> None:
        run(fetch(some, source, tasks=4))

    def by_format(some: list[str]) -> None:
        options = {"token": source.token, "base_url": url, "run_ids": ",".join(some), "num_partitions": 4}
        run(spark.read.format("run_results").options(**options).load())

    ways = (by_client, by_reading, by_fetch, by_format)
    works = [partial(way, some) for way in ways for some in (ids[:FEW], ids)]
    # Workers that had no work for a minute are gone: start them, so that no reading has to.
    found = costs(*works, before=lambda: run(fetch(ids[:2], source, tasks=2)), warm=WARM, rounds=ROUNDS)
    few, many = found[::2], found[1::2]
    row = [tuple(more - less for less, more in zip(*pair, strict=True)) for pair in zip(few, many, strict=True)]
    client = row[0][0]
    files = FILES * sum(3 if number % 10 == 9 else 1 for number in range(LARGE))
    share = FILES * FEW / files
    fixed = [max((less[0] - share * more[0]) / (1 - share), 0.0) for less, more in zip(few, many, strict=True)]
    arrow, ours = starting("pyspark.worker, pyarrow"), starting("pyspark.worker, run_results.spark.rows")
    whole = many[0][0]
    return [
        ("`fetch`: CPU of Python for a job, against `client.table`", f"{many[2][0] / whole:.2f}×", "≤ 1.25×"),
        ("`fetch`: with the JVM", f"{sum(many[2]) / whole:.2f}×", "≤ 2.2×"),
        ("the format: CPU of Python for a job", f"{many[3][0] / whole:.2f}×", "≤ 1.25×"),
        ("the format: with the JVM", f"{sum(many[3]) / whole:.2f}×", "≤ 2.2×"),
        ("the same batches and their Arrow stream, without Spark", f"{many[1][0] / whole:.2f}×", "for comparison"),
        ("CPU of Python for one more row: `fetch`", f"{row[2][0] / client:.2f}×", "for comparison"),
        ("the same, with the JVM", f"{sum(row[2]) / client:.2f}×", "for comparison"),
        ("CPU of Python for one more row: the format", f"{row[3][0] / client:.2f}×", "for comparison"),
        ("the same, with the JVM", f"{sum(row[3]) / client:.2f}×", "for comparison"),
        ("CPU of Python for a job whatever its rows: `fetch`", f"{1000 * fixed[2]:.0f} ms", "for comparison"),
        ("CPU of Python for a job whatever its rows: the format", f"{1000 * fixed[3]:.0f} ms", "for comparison"),
        ("CPU of a worker that starts: Python, pyspark and pyarrow", f"{1000 * arrow:.0f} ms", "for comparison"),
        ("CPU of a worker that starts: what is ours", f"{1000 * (ours - arrow):.0f} ms", "for comparison"),
    ]


def tasks(url: str) -> list[Line]:
    """What a task costs."""
    source = Source(token=f"env:{VARIABLE}", base_url=url)
    ids = [f"run-{number}" for number in range(SMALL)]
    works = [partial(lambda tasks: run(fetch(ids, source, tasks=tasks)), tasks) for tasks in (8, SMALL)]
    grouped, each = map(sum, costs(*works, before=lambda: None, warm=1, rounds=1))
    return [
        (f"{SMALL} small runs: one a task, against 8 tasks", f"{each / grouped:.1f}×", "≥ 4×"),
        ("CPU of a task that reads one small run", f"{1000 * each / SMALL:.0f} ms", "for comparison"),
    ]


def main() -> None:
    """Measure everything."""
    os.environ[VARIABLE] = "t0k3n"
    spark = session()
    with serve(LARGE, FILES, 100) as served:
        lines = rows(spark, served.url)
    with serve(SMALL, 1, 10) as served:
        lines += tasks(served.url)
    table = ["| measured | result | should be |", "|---|---|---|", *(f"| {' | '.join(line)} |" for line in lines)]
    print(*table, sep="\n")
    if not QUICK:
        head = f"""# Many runs with Spark, measured

`python -m benchmarks.scale.spark` wrote this page, with Spark {spark.version}. {LARGE} runs of {FILES} files, every
tenth three times as long, in pages of 100; and {SMALL} runs of one file. Processor time. The ways to read the
large runs were measured by turns, {ROUNDS} rounds after {WARM} to warm up the JVM. A job reads {LARGE} of them; one
more row costs what it costs more than a job of {FEW}, divided by the number of rows.

"""
        Path(__file__).with_name("SPARK.md").write_text(head + "\n".join(table) + "\n", "utf-8")
    spark.stop()


if __name__ == "__main__":
    began = time.monotonic()
    main()
    print(f"{time.monotonic() - began:.0f} s")

"""Measures what reading many runs with Spark costs, as ratios within one run, into benchmarks/scale/SPARK.md.

    PYTHONPATH=generated:wrapper:conformance .venv-spark/bin/python -m benchmarks.scale.spark [--quick]

Processor time, not time: of this process, of the JVM, and of the Python workers of Spark, each by what Linux counts.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from benchmarks.scale.server import serve
from run_results import Client
from run_results.scale import Source
from run_results.spark import fetch

VARIABLE = "TOKEN_OF_THE_BENCHMARK"
QUICK = "--quick" in sys.argv
SMALL = 40 if QUICK else 400
LARGE, FILES = (4, 100) if QUICK else (24, 400)
WARM, ROUNDS = (1, 1) if QUICK else (3, 2)
TICKS = os.sysconf("SC_CLK_TCK")


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


def costs(*works: Callable[[], object], warm: int = 1, rounds: int = 1) -> list[tuple[float, float]]:
    """Seconds of Python and of the JVM for each of several things, by turns, after rounds to warm up."""
    spent = [(0.0, 0.0)] * len(works)
    for number in range(warm + rounds):
        for place, work in enumerate(works):
            before = processor_time()
            work()
            after = processor_time()
            if number >= warm:
                python, jvm = spent[place]
                spent[place] = python + after[0] - before[0], jvm + after[1] - before[1]
    return [(python / rounds, jvm / rounds) for python, jvm in spent]


def run(frame: Callable[[], DataFrame]) -> Callable[[], object]:
    """Read all rows of a DataFrame, and keep none."""
    return lambda: frame().write.format("noop").mode("overwrite").save()


def main() -> None:
    """Measure everything."""
    os.environ[VARIABLE] = "t0k3n"
    builder = SparkSession.builder.master("local[2]").config("spark.driver.memory", "1g")
    for name, value in {"driver.host": "127.0.0.1", "driver.bindAddress": "127.0.0.1", "ui.enabled": "false"}.items():
        builder = builder.config(f"spark.{name}", value)
    spark: Any = builder.getOrCreate()
    with serve(LARGE, FILES, 100) as served:
        ids = [f"run-{number}" for number in range(LARGE)]
        source = Source(token=f"env:{VARIABLE}", base_url=served.url)

        def by_client() -> None:
            with Client(token="t0k3n", base_url=served.url) as client:
                for run_id in ids:
                    client.table(run_id)

        options = {"token": source.token, "base_url": served.url, "run_ids": ",".join(ids), "num_partitions": 4}
        reading = spark.read.format("run_results").options(**options)
        by_fetch, by_format = run(lambda: fetch(ids, source, tasks=4)), run(reading.load)
        measured = costs(by_client, by_fetch, by_format, warm=WARM, rounds=ROUNDS)
        (alone, _), (python, jvm), (python_format, jvm_format) = measured
    with serve(SMALL, 1, 10) as served:
        ids = [f"run-{number}" for number in range(SMALL)]
        source = Source(token=f"env:{VARIABLE}", base_url=served.url)
        some, many = costs(run(lambda: fetch(ids, source, tasks=8)), run(lambda: fetch(ids, source, tasks=SMALL)))
        grouped, each = sum(some), sum(many)
    lines = [
        ("`fetch`: CPU of Python for a row, against `client.table`", f"{python / alone:.2f}×", "≤ 1.25×"),
        ("`fetch`: with the JVM", f"{(python + jvm) / alone:.2f}×", "≤ 2.2×"),
        ("the format: CPU of Python", f"{python_format / alone:.2f}×", "≤ 1.25×"),
        ("the format: with the JVM", f"{(python_format + jvm_format) / alone:.2f}×", "≤ 2.2×"),
        (f"{SMALL} small runs: one a task, against 8 tasks", f"{each / grouped:.1f}×", "≥ 4×"),
        ("CPU of a task that reads one small run", f"{1000 * each / SMALL:.0f} ms", "for comparison"),
    ]
    table = ["| measured | result | should be |", "|---|---|---|", *(f"| {' | '.join(line)} |" for line in lines)]
    print(*table, sep="\n")
    if not QUICK:
        head = f"""# Many runs with Spark, measured

`python -m benchmarks.scale.spark` wrote this page, with Spark {spark.version}. {LARGE} runs of {FILES} files, every
tenth three times as long, in pages of 100; and {SMALL} runs of one file. Processor time. The three ways to read the
large runs were measured by turns, {ROUNDS} rounds after {WARM} to warm up the JVM.

"""
        Path(__file__).with_name("SPARK.md").write_text(head + "\n".join(table) + "\n", "utf-8")
    spark.stop()


if __name__ == "__main__":
    began = time.monotonic()
    main()
    print(f"{time.monotonic() - began:.0f} s")

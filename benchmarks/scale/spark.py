"""Measures what reading many runs with Spark costs, as ratios within one run, into benchmarks/scale/SPARK.md.

    PYTHONPATH=generated:wrapper:conformance .venv-spark/bin/python -m benchmarks.scale.spark [--quick]

Processor time, not time: of this process, of the JVM, and of the Python workers of Spark, each by what Linux counts.

A job is all of its runs, with its planning. Beside it stands a job of pyspark that does nothing, with as many tasks:
that part is the same whatever a job reads. A Python worker that starts is measured, too, because Spark ends one that
had no work for a minute.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from benchmarks.scale.results import Line, show
from benchmarks.scale.server import serve
from run_results import Client
from run_results.scale import Slice, Source
from run_results.spark import fetch
from run_results.spark.rows import batches

VARIABLE = "TOKEN_OF_THE_BENCHMARK"
QUICK = "--quick" in sys.argv
SMALL = 40 if QUICK else 400
JOBS = ((2, 1, 1), (6, 0, 1)) if QUICK else ((24, 2, 5), (100, 0, 5))
"""How many runs a job reads; rounds that warm up the JVM; rounds that count."""
FILES = 100 if QUICK else 400
TASKS = 4
TICKS = os.sysconf("SC_CLK_TCK")
Process = tuple[int, str]
"""Its number and when it started: numbers are given again."""
Cost = tuple[float, float]
"""Seconds of Python, this process and Spark's workers; and seconds of the JVM."""


def processor_times() -> dict[Process, Cost]:
    """What this process and each of its descendants has used so far, without the server that is read from."""
    parents: dict[int, int] = {}
    times: dict[int, tuple[Process, Cost]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            head, _, rest = (path / "stat").read_text().rpartition(")")
            if b"benchmarks.scale.server" in (path / "cmdline").read_bytes():
                continue
            parts, pid = rest.split(), int(path.name)
            user, system, children_user, children_system = (int(part) / TICKS for part in parts[11:15])
            own, children, is_java = user + system, children_user + children_system, head.endswith("(java")
            parents[pid] = int(parts[1])
            times[pid] = (pid, parts[19]), ((children, own) if is_java else (own + children, 0.0))
    ours = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return dict(times[pid] for pid in ours)


def since(before: dict[Process, Cost]) -> Cost:
    """What was used since then.

    A worker that Spark ended meanwhile, because it had no work, takes nothing away: pyspark's daemon does not wait for
    its workers, so their time is in nobody's sum, and here each process counts by itself.
    """
    used, used_by_jvm = 0.0, 0.0
    for process, (python, jvm) in processor_times().items():
        python_before, jvm_before = before.get(process, (0.0, 0.0))
        used += python - python_before
        used_by_jvm += jvm - jvm_before
    return used, used_by_jvm


def costs(*works: Callable[[], object], before: Callable[[], object], warm: int, rounds: int) -> list[list[Cost]]:
    """What several things cost in each round, by turns, after rounds to warm up. What comes before is not counted."""
    spent: list[list[Cost]] = [[] for _ in works]
    for number in range(warm + rounds):
        for place, work in enumerate(works):
            before()
            began = processor_times()
            work()
            if number >= warm:
                spent[place].append(since(began))
    return spent


def python(costs: list[Cost]) -> list[float]:
    """Seconds of Python in each round."""
    return [cost[0] for cost in costs]


def both(costs: list[Cost]) -> list[float]:
    """Seconds of Python and the JVM in each round."""
    return [sum(cost) for cost in costs]


def ratio(some: list[float], others: list[float]) -> str:
    """The median of the ratios of the rounds: what slows the machine down for a while slows both."""
    return f"{median(one / other for one, other in zip(some, others, strict=True)):.2f}×"


def run(frame: DataFrame) -> None:
    """Read all rows of a DataFrame, and keep none."""
    frame.write.format("noop").mode("overwrite").save()


def starting(modules: str) -> float:
    """Seconds of Python for a process that imports modules."""
    before = processor_times()
    subprocess.run([sys.executable, "-c", f"import {modules}"], check=True)
    return since(before)[0]


def session() -> Any:
    """Spark on this machine, with two tasks at a time."""
    builder = SparkSession.builder.master("local[2]").config("spark.driver.memory", "1g")
    for name, value in {"driver.host": "127.0.0.1", "driver.bindAddress": "127.0.0.1", "ui.enabled": "false"}.items():
        builder = builder.config(f"spark.{name}", value)
    return builder.getOrCreate()


def nothing(spark: Any) -> None:
    """A job of pyspark that hands each of its tasks a row, and takes it back."""
    given = spark.createDataFrame([(task, "") for task in range(TASKS)], "task int, slices string")
    work = given.repartitionByRange(TASKS, "task").select("slices")
    run(work.mapInArrow(lambda batches: batches, "slices string"))


def rows(spark: Any, url: str, number: int, warm: int, rounds: int) -> list[Line]:
    """What a job of so many runs costs, by each way, and what it costs where nothing is read."""
    source = Source(token=f"env:{VARIABLE}", base_url=url)
    ids = [f"run-{each}" for each in range(number)]

    def by_client() -> None:
        with Client(token="t0k3n", base_url=url) as client:
            for run_id in ids:
                client.table(run_id)

    def by_reading() -> None:
        """What a task does, in this process: the batches, and the stream that pyspark makes of them."""
        writer = None
        with Path(os.devnull).open("wb") as stream:
            for batch in batches(source, [Slice(run_id) for run_id in ids], "fields"):
                writer = writer or pa.RecordBatchStreamWriter(stream, batch.schema)
                writer.write_batch(batch)

    def by_fetch() -> None:
        run(fetch(ids, source, tasks=TASKS))

    def by_format(some: Sequence[str] = ids) -> None:
        options = {"token": source.token, "base_url": url, "run_ids": ",".join(some), "num_partitions": TASKS}
        run(spark.read.format("run_results").options(**options).load())

    def wake() -> None:
        """Start workers, so that no reading has to: those are gone that had no work for a minute. Each way has some."""
        nothing(spark)
        by_format(ids[:TASKS])

    before = processor_times()
    wake()
    waking = since(before)[0]
    client, reading, fetched, formatted, idle = costs(
        by_client, by_reading, by_fetch, by_format, partial(nothing, spark), before=wake, warm=warm, rounds=rounds
    )
    job = f"a job of {number} runs"
    return [
        (f"before {job}: CPU of Python that starts workers which do not run yet", f"{waking:.1f} s", "for comparison"),
        (f"{job}: CPU of Python, `fetch` against `client.table`", ratio(python(fetched), python(client)), "≤ 1.25×"),
        ("the same, with the JVM", ratio(both(fetched), python(client)), "≤ 2.2×"),
        (f"{job}: CPU of Python, the format", ratio(python(formatted), python(client)), "≤ 1.25×"),
        ("the same, with the JVM", ratio(both(formatted), python(client)), "≤ 2.2×"),
        ("the same batches and Arrow stream, without Spark", ratio(python(reading), python(client)), "for comparison"),
        ("`client.table` for all runs", f"{median(python(client)):.2f} s", "for comparison"),
        (f"pyspark alone: {TASKS} tasks that do nothing", f"{median(python(idle)):.2f} s", "for comparison"),
    ]


def workers() -> list[Line]:
    """What a worker costs that starts."""
    arrow, ours = starting("pyspark.worker, pyarrow"), starting("pyspark.worker, run_results.spark.rows")
    return [
        ("CPU of a worker that starts: Python, pyspark and pyarrow", f"{1000 * arrow:.0f} ms", "for comparison"),
        ("CPU of a worker that starts: what is ours", f"{1000 * (ours - arrow):.0f} ms", "for comparison"),
    ]


def tasks(url: str) -> list[Line]:
    """What a task costs."""
    source = Source(token=f"env:{VARIABLE}", base_url=url)
    ids = [f"run-{number}" for number in range(SMALL)]
    works = [partial(lambda tasks: run(fetch(ids, source, tasks=tasks)), tasks) for tasks in (8, SMALL)]
    grouped, each = map(both, costs(*works, before=lambda: None, warm=1, rounds=1))
    return [
        (f"{SMALL} small runs: one a task, against 8 tasks", ratio(each, grouped), "≥ 4×"),
        ("CPU of a task that reads one small run", f"{1000 * each[0] / SMALL:.0f} ms", "for comparison"),
    ]


def main() -> None:
    """Measure everything."""
    os.environ[VARIABLE] = "t0k3n"
    spark = session()
    lines = []
    with serve(JOBS[-1][0], FILES, 100) as served:
        for job in JOBS:
            lines += rows(spark, served.url, *job)
    lines += workers()
    with serve(SMALL, 1, 10) as served:
        lines += tasks(served.url)
    head = f"""# Many runs with Spark, measured

`python -m benchmarks.scale.spark` wrote this page, with Spark {spark.version}. Jobs of {JOBS[0][0]} and {JOBS[1][0]}
runs in {TASKS} tasks; a run has {FILES} files, every tenth three times as many, in pages of 100. And {SMALL} runs of
one file. Processor time. The ways to read were measured by turns, {JOBS[0][2]} and {JOBS[1][2]} rounds after
{JOBS[0][1]} to warm up the JVM; each figure is the median of the rounds. pyspark spends processor time on tasks that do
nothing, too: in a small job that is a large part, and in a large job next to nothing.

"""
    show(lines, None if QUICK else Path(__file__).with_name("SPARK.md"), head)
    spark.stop()


if __name__ == "__main__":
    began = time.monotonic()
    main()
    print(f"{time.monotonic() - began:.0f} s")

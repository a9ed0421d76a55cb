"""Measures what a sync of many runs costs for each run, against one of a tenth as many. `measure.py` writes it down.

    python -m benchmarks.scale.growth URL FOLDER FORMAT RUNS RECHECK

does one sync in its own process, so that its memory and its processor time are its own, and prints what it took.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import asdict, frozen

from benchmarks.scale.results import Line
from benchmarks.scale.server import Served
from run_results import Client
from run_results.sync import sync
from run_results.sync.delta import DeltaStore
from run_results.sync.parquet import ParquetStore
from run_results.text import count


@frozen
class Cost:
    """What one sync took."""

    done: str
    cpu: float
    """Seconds of the processor."""
    writing: float
    """Those of them in which a batch was written."""
    memory: int
    """The most that the process had, in kilobytes."""
    commits: int
    """Of all tables, since the dataset was begun."""
    files: int
    """With rows, old versions included."""
    bytes: int
    """Of the folder."""
    requests: int = 0


def _once(url: str, folder: str, form: Any, runs: int, days: int) -> Cost:
    """One sync, in this process."""
    spent = [0.0]

    def timed(method: Any) -> Any:
        def call(*arguments: Any) -> Any:
            began = time.process_time()
            try:
                return method(*arguments)
            finally:
                spent[0] += time.process_time() - began

        return call

    for store in (DeltaStore, ParquetStore):
        for name in ("__init__", "write", "note", "close"):
            setattr(store, name, timed(getattr(store, name)))
    ids = [f"run-{number}" for number in range(runs)]
    with Client(token="t0k3n", base_url=url) as client:
        began = time.process_time()
        recheck = timedelta(days=days) if days else None
        # One run at a time: what threads cost that take turns depends on what else the machine does.
        made = sync(client, ids, folder, format=form, recheck=recheck, jobs=1)
        cpu = time.process_time() - began
    # Not `resource.getrusage`: what that says includes the process that started this one.
    status = Path("/proc/self/status").read_text("utf-8")
    memory = int(re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[0])
    there = [path for path in Path(folder).rglob("*") if path.is_file()]
    commits = sum(path.parent.name == "_delta_log" and path.suffix == ".json" for path in there)
    files = sum(path.suffix == ".parquet" and path.parent.name != "_delta_log" for path in there)
    size = sum(path.stat().st_size for path in there)
    return Cost(made.describe(), cpu, spent[0], memory, commits, files, size)


def _cost(served: Served, folder: Path, form: str, runs: int, days: int = 0) -> Cost:
    """One sync, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale.growth", served.url, str(folder), form, str(runs), str(days)]
    served.requests()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    cost = Cost(**json.loads(done.stdout) | {"requests": served.requests()})
    print(form, f"{runs:,}", cost, file=sys.stderr)
    return cost


def growth(served: Served, few: int, many: int) -> Iterator[Line]:
    """First syncs of few and of many runs; then one where nothing changed, and two of a hundredth of the runs."""
    for form in ("delta", "parquet"):
        with TemporaryDirectory() as place:
            first: list[Cost] = []
            again: list[Cost] = []
            checked: list[Cost] = []
            for runs in (few, many):
                folder = Path(place, str(runs))
                first.append(_cost(served, folder, form, runs))
                again.append(_cost(served, folder, form, runs))
                checked.append(_cost(served, folder, form, runs, 30))
            served.edit()
            edited = [_cost(served, Path(place, str(runs)), form, runs, 30) for runs in (few, many)]
        yield from _first(f"sync, {form}, {many:,} runs against {few:,}", first[0], first[1], many / few)
        for costs, what in (
            (again, "again, nothing can have changed"),
            (checked, "again, 1 % read again and unchanged"),
            (edited, "again, 1 % read again and edited"),
        ):
            yield from _later(f"sync, {form}, {many:,} runs, {what}", costs[1], first[1])


def _first(name: str, few: Cost, many: Cost, times: float) -> Iterator[Line]:
    yield f"{name}: CPU for a run", f"{many.cpu / few.cpu / times:.2f}×", "≤ 1.25×"
    yield f"{name}: most memory of the process", f"{many.memory / few.memory:.2f}×", "≤ 1.5×"
    yield f"{name}: requests for a run", f"{many.requests / few.requests / times:.2f}×", "1.00×"
    if few.commits:
        yield f"{name}: commits", f"{many.commits} against {few.commits}", f"≤ {1.25 * times:g}×"
    yield f"{name}: files with rows", f"{many.files} against {few.files}", f"≤ {1.25 * times:g}×"
    yield f"{name}: bytes for a run", f"{many.bytes / few.bytes / times:.2f}×", "≤ 1.25×"
    yield f"{name}: share of the CPU that writes", f"{many.writing / many.cpu:.0%}", "for comparison"


def _later(name: str, cost: Cost, first: Cost) -> Iterator[Line]:
    parts = [f"{cost.requests:,} of {first.requests:,} requests", f"{cost.cpu / first.cpu:.1%} of the CPU"]
    parts += [f"{cost.memory / first.memory:.2f}× the memory", count(cost.files - first.files, "more file")]
    yield f"{name}; against the first sync", ", ".join(parts), "for comparison"


if __name__ == "__main__":
    url, folder, form, runs, days = sys.argv[1:]
    print(json.dumps(asdict(_once(url, folder, form, int(runs), int(days)))))

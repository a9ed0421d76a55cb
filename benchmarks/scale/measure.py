"""Measures the reading of many runs, as ratios within one run, into benchmarks/scale/RESULTS.md.

python -m benchmarks.scale.measure [--quick]
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa

from benchmarks.scale.growth import growth
from benchmarks.scale.results import Line, show
from benchmarks.scale.server import Served, serve
from run_results import Client, Include
from run_results.scale import Slice, Source, measure, plan, read, read_all
from run_results.tables import TABLES

VARIABLE = "TOKEN_OF_THE_BENCHMARK"
QUICK = "--quick" in sys.argv
RUNS, FILES = (20, 10) if QUICK else (200, 10)
FEW, MANY = (50, 200) if QUICK else (1_000, 10_000)
"""Runs of a sync, of one file each, and of three each tenth."""
ROUNDS = 1 if QUICK else 3
KEYS = ("run_id", "file_index", "document_index", "field_index")
LONG = [f"run-{number}" for number in range(8)]
LONG_PAGE = 100
LATENCY = 0.05
IDS = [f"run-{number}" for number in range(RUNS)]


def source_of(served: Served, **more: Any) -> Source:
    """The source of the runs."""
    return Source(token=f"env:{VARIABLE}", base_url=served.url, **more)


def in_order(table: pa.Table) -> list[Any]:
    """The rows of a table by its keys."""
    return table.sort_by([(key, "ascending") for key in KEYS if key in table.column_names]).to_pylist()


def equality(served: Served) -> Iterator[Line]:
    """Rows of every table, against those of the client."""
    with Client(token="t0k3n", base_url=served.url) as client:
        tables = {table: [client.table(run_id, table) for run_id in IDS] for table in TABLES}
    expected = {table: in_order(pa.concat_tables(found)) for table, found in tables.items()}
    for window in (None, FILES):
        for concurrency in (1, 8):
            source = source_of(served, concurrency=concurrency)
            found: dict[str, list[pa.RecordBatch]] = {table: [] for table in TABLES}
            for task in plan(source, IDS, tasks=4, window=window):
                for table, batch in read_all(source, task):
                    found[table].append(batch)
            same = all(in_order(pa.Table.from_batches(found[table])) == expected[table] for table in TABLES)
            how = f"{'plain' if window is None else 'in windows'}, {concurrency} at once"
            rows = sum(map(len, expected.values()))
            yield f"{rows:,} rows of {RUNS} runs, {how}", "equal" if same else "DIFFERENT", "equal"


def rounds(*contenders: Callable[[], Any], clock: Callable[[], float]) -> list[float]:
    """How long each takes, in relation to the first of the same round: the median of the rounds."""
    for contender in contenders:
        contender()
    ratios: list[list[float]] = [[] for _ in contenders]
    for _ in range(ROUNDS):
        times = []
        for contender in contenders:
            began = clock()
            contender()
            times.append(clock() - began)
        for found, seconds in zip(ratios, times, strict=True):
            found.append(seconds / times[0])
    return [median(found) for found in ratios]


def cost(served: Served) -> Iterator[Line]:
    """Processor time of Python for the rows of all runs, against `client.table`."""
    some = IDS[:60]
    slices = [Slice(run_id) for run_id in some]

    def by_client() -> None:
        with Client(token="t0k3n", base_url=served.url) as client:
            for run_id in some:
                client.table(run_id)

    def by_reading(concurrency: int) -> Callable[[], None]:
        source = source_of(served, concurrency=concurrency)
        return lambda: exhaust(read(source, slices))

    _, one, eight = rounds(by_client, by_reading(1), by_reading(8), clock=time.process_time)
    yield "CPU for a row, one at once, against `client.table`", f"{one:.2f}×", "≤ 1.25×"
    yield "CPU for a row, eight at once, against `client.table`", f"{eight:.2f}×", "≤ 1.25×"


def speed(served: Served) -> Iterator[Line]:
    """How much a core reads of large pages."""
    with Client(token="t0k3n", base_url=served.url) as client:
        size = sum(len(page.body) for run_id in LONG for page in client.pages(run_id, include=Include.ALL))
    times = []
    for _ in range(ROUNDS + 1):
        began = time.process_time()
        exhaust(read_all(source_of(served), [Slice(run_id) for run_id in LONG]))
        times.append(time.process_time() - began)
    what = f"answers for a second of CPU, all tables, {LONG_PAGE} files on a page, on this machine"
    yield what, f"{size / median(times[1:]) / 1e6:.0f} MB", "for comparison"


def exhaust(batches: Iterable[object]) -> None:
    """Read to the end."""
    for _ in batches:
        pass


def at_once(served: Served) -> Iterator[Line]:
    """Time at a latency of 50 ms, one against eight at once, and with pages asked ahead."""
    slices = [Slice(run_id) for run_id in IDS[:24]]

    def reading(**settings: Any) -> Callable[[], None]:
        source = source_of(served, **settings)
        return lambda: exhaust(read(source, slices))

    _, ahead, eight = rounds(
        reading(concurrency=1), reading(concurrency=1, prefetch=8), reading(concurrency=8), clock=time.perf_counter
    )
    yield f"eight at once, {LATENCY * 1000:g} ms", f"{1 / eight:.1f}× as fast", "≥ 2.5×"
    yield f"one at once, eight pages ahead, {LATENCY * 1000:g} ms", f"{1 / ahead:.1f}× as fast", "for comparison"


def requests(served: Served) -> Iterator[Line]:
    """Requests for all tables, and for lengths."""
    source = source_of(served)
    slices = [Slice(run_id) for run_id in IDS]
    served.requests()
    exhaust(read(source, slices, "files"))
    walk = served.requests()
    exhaust(read_all(source, slices))
    yield f"requests for all four tables; one walk has {walk}", f"{served.requests()}", f"{walk}"
    with source.client() as client:
        for run_id in IDS:
            measure(client, run_id)
    yield f"requests that measure {RUNS} runs of one or three pages", f"{served.requests()}", "for comparison"


def main() -> None:
    """Measure everything."""
    os.environ[VARIABLE] = "t0k3n"
    lines: list[Line] = []
    with serve(RUNS, FILES, FILES) as served:
        for part in (equality, cost, requests):
            lines += part(served)
    with serve(len(LONG), 5 * LONG_PAGE, LONG_PAGE) as served:
        lines += speed(served)
    with serve(RUNS, FILES, FILES, LATENCY) as served:
        lines += at_once(served)
    with serve(MANY, 1, 1) as served:
        lines += growth(served, FEW, MANY)
    head = f"""# Many runs, measured

`python -m benchmarks.scale.measure` wrote this page. {RUNS} runs of {FILES} files, every tenth of {3 * FILES}, in pages
of {FILES}; the server has its own process. Ratios are within one run, medians of {ROUNDS} rounds. `docs/scale.md` says
what follows from them. Runs of a sync have one file, every tenth three, in pages of one; each sync is done once, in its
own process, with one run at a time.

"""
    show(lines, None if QUICK else Path(__file__).with_name("RESULTS.md"), head)


if __name__ == "__main__":
    main()

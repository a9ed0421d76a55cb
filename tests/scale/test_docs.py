"""docs/scale.md: its sums are right, and its table of sync is measured."""

import math
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scale.md").read_text("utf-8")
MEASURED = (ROOT / "benchmarks" / "scale" / "RESULTS.md").read_text("utf-8")


def test_the_sums_are_right() -> None:
    """Every time in the table of sums follows from the numbers above it and from what was measured of one core."""
    (speed,) = {int(found) for found in re.findall(r"(\d+) MB of answers a second", PAGE)}
    assert f"| {speed} MB |" in next(row for row in MEASURED.splitlines() if "answers for a second of CPU" in row)
    requests, size, cores = 100_000 * 10, 350e9, 16
    computed = {
        "a rate of 10 requests": f"{requests / 10 / 3600:.0f} hours",
        "a rate of 100 requests": f"{requests / 100 / 3600:.1f} hours",
        "latency of 50 ms": f"{requests * 0.05 / 3600:.0f} hours",
        "the same, 8 at once": f"{requests * 0.05 / 128 / 60:.0f} minutes",
        "processor": f"{size / (speed * 1e6) / 3600:.1f} hours",
        "the same on 16 cores": f"{size / (speed * 1e6) / cores / 60:.0f} minutes",
        "tasks of one run each": f"{100_000 * 0.1 / 3600:.1f} CPU hours",
        "tasks of 50 runs": f"{2_000 * 0.1 / 60:.0f} CPU minutes",
        "a network of 1 Gbit/s": f"{size * 8 / 1e9 / 60:.0f} minutes",
    }
    rows = dict(re.findall(r"^\| ([^|]+?) \| [^|]+ \| ([^|]+?) \|$", PAGE, re.MULTILINE))
    assert {name: rows[next(row for row in rows if row.startswith(name))] for name in computed} == computed
    products = re.findall(r"^    (.+) = +([\d,]+)( GB)?", PAGE, re.MULTILINE)
    assert len(products) == 3
    for factors, product, gigabytes in products:
        numbers = [float(each.replace(",", "")) for each in re.findall(r"[\d,.]+", factors)]
        assert math.prod(numbers) == float(product.replace(",", "")) * (1e3 if gigabytes else 1), factors


def test_the_table_of_sync_is_measured() -> None:
    """Each number in the table about sync, and the share of writing below it, is one that the benchmark measured."""
    section = PAGE[PAGE.index("## A dataset of many runs") :]
    shown = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    names = {
        "CPU for each run": " against 1,000: CPU for a run",
        "most memory of the process": " against 1,000: most memory of the process",
        "requests for each run": " against 1,000: requests for a run",
        "commits, of all tables": " against 1,000: commits",
        "files with rows": " against 1,000: files with rows",
        "size on disk for each run": " against 1,000: bytes for a run",
        "the same sync again": ", again, nothing can have changed; against the first sync",
        "again, 1 % read again, all unchanged": ", again, 1 % read again and unchanged; against the first sync",
        "again, 1 % read again, all edited": ", again, 1 % read again and edited; against the first sync",
    }
    measured = dict(re.findall(r"^\| sync, ([^|]+) \| ([^|]+) \|", MEASURED, re.MULTILINE))

    def cell(form: str, name: str) -> str:
        found = measured.get(f"{form}, 10,000 runs{name}", "none")
        again = re.match(r"(\d+) of 12,000 requests, ([\d.]+)% of the CPU", found)
        return f"{again[1]} requests, {again[2]} % of the CPU" if again else found

    wanted = [(text, cell("delta", name), cell("parquet", name)) for text, name in names.items()]
    assert [row for row in shown if row[0].strip()] == wanted
    shares = [cell(form, " against 1,000: share of the CPU that writes") for form in ("delta", "parquet")]
    assert re.findall(r"(\d+) % to (\d+) % of the CPU", section) == [
        tuple(sorted((each.rstrip("%") for each in shares), key=int))
    ]

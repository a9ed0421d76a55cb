"""docs/scale.md: its sums are right."""

import math
import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "scale.md").read_text("utf-8")


def test_the_sums_are_right() -> None:
    """Every time in the table of sums follows from the numbers above it, and each product above is right."""
    (speed,) = {int(found) for found in re.findall(r"(\d+) MB of answers a second", PAGE)}
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

"""The numbers of docs/figures.md, read from the full results when the site is built, so that none is copied by hand."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from run_results_conformance.faults import FAULTS

ROOT = Path(__file__).resolve().parents[1]

_SPEED = {  # what the page says, and the row of benchmarks/speed/RESULTS.md: its work, and its ratio
    ("read a page of 4.1 MB", "the generator's own models"): ("decode-heavy", "stock generated models / run-results"),
    ("read a page of 4.1 MB", "the vendor's SDK"): ("decode-heavy", "vendor's SDK / run-results"),
    ("read a page of 4.1 MB", "`orjson` to dicts, without models"): ("decode-heavy", "run-results / orjson to dicts"),
    ("write that page as Parquet", "`pandas.json_normalize`"): (
        "parquet-heavy",
        "json, pandas.json_normalize, to_parquet / run-results",
    ),
    ("fetch 200 pages of 38 kB", "`httpx` and `json` alone"): ("walk-small", "run-results / httpx and json alone"),
    ("fetch 200 pages of 6 kB", "`httpx` and `json` alone"): ("walk-tiny", "run-results / httpx and json alone"),
    ("fetch pages that take 50 ms each, with `prefetch=4`", "one page at a time"): (
        "walk-latency",
        "one page at a time / prefetch=4",
    ),
}


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    head = list(head)
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * (len(head) - 1)}---:|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def speed() -> Iterator[str]:
    """How fast the library is, compared with others. Raises `KeyError` when a row of the results is gone."""
    page = (ROOT / "benchmarks" / "speed" / "RESULTS.md").read_text("utf-8")
    found = re.findall(r"^\| ([\w-]+) \| (.+?) \| ([\d.]+) \|", page, re.MULTILINE)
    medians = {(work, ratio): float(median) for work, ratio, median in found}

    def times(work: str, ratio: str) -> str:
        ours_first = ratio.startswith("run-results /")  # our time by theirs: the other way round is how fast we are
        return f"{1 / medians[work, ratio] if ours_first else medians[work, ratio]:.1f}"

    yield from _table(
        ("work", "compared with", "times as fast"), ((*words, times(*row)) for words, row in _SPEED.items())
    )
    memory = medians["memory", "1,000,000 files / 1,000 files"]
    yield from ("", f"Reading a run of 1,000,000 files takes {memory:.2f} times the memory of a run of 1,000 files.")


def power() -> Iterator[str]:
    """How many deliberate breaches `check` finds, and whether it accuses correct servers."""
    results = ROOT / "benchmarks" / "power" / "results"
    faults, mutants = (json.loads((results / f"{name}.json").read_text("utf-8")) for name in ("faults", "mutants"))
    total = sum(sum(families.values()) for families in faults["faults"].values())
    manifest, ids, peer = (faults["tools"][name] for name in ("verifier", "with ids", "schemathesis"))
    peer_found, peer_judged = (sum(part) for part in zip(*peer["found"]["MUST"].values(), strict=True))
    correct = sum(len(names) for kind in ("allowed", "equivalent") for names in mutants["survivors"][kind].values())
    breaking = mutants["made"] - correct
    rows = [
        ("faulty servers found, with a [manifest](manifest.md)", f"{total - len(manifest['missed'])} of {total}"),
        ("faulty servers found, with run ids only", f"{total - len(ids['missed'])} of {total}"),
        ("faulty servers found by schemathesis with its defaults, in a sample", f"{peer_found} of {peer_judged}"),
        ("correct servers accused", f"{len(manifest['accused'])} of {manifest['correct_servers']}"),
        ("small changes of a server's source that break the contract, found", f"{mutants['detected']} of {breaking}"),
        ("requests that a verdict takes (median)", f"{manifest['requests'][1]:g}"),
    ]
    yield from _table(("measured", "result"), rows)
    since = f" Since then the catalogue has grown to {len(FAULTS)} faults." if len(FAULTS) > total else ""
    yield from ("", f"Measured on {faults['measured']}.{since}")


def reliability() -> Iterator[str]:
    """How reading a run ends when something fails, counted from the tables of docs/reliability.md."""
    page = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    twice: list[str] = []
    stays: list[str] = []
    for table in re.findall(
        r"^\| situation \|(?:.*\|)? the fault stays \|\n\| ---.*\n((?:\|.*\n)+)", page, re.MULTILINE
    ):
        for row in table.splitlines():
            _, *cells = (cell.strip() for cell in row[1:-1].split(" | "))
            stays.append(cells[-1])
            twice += [cell for cell in cells[:-1] if cell]

    def count(outcomes: list[str], start: str) -> str:
        return f"{sum(re.match(start, each) is not None for each in outcomes)} of {len(outcomes)}"

    whole, error = "every file, once and in order", r"`\w+`"
    rows = [
        ("the fault comes twice: every file, once and in order", count(twice, whole)),
        ("the fault stays: every file, once and in order", count(stays, whole)),
        ("the fault stays: an error of the family, which says where to continue", count(stays, error)),
        ("anything else, such as a missing file or a loop", count(twice + stays, f"(?!{whole}|{error})")),
    ]
    yield from _table(("situation, and how it ends", "situations"), rows)

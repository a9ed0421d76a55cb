"""A sync of ten thousand runs that is killed at random, and given again, has every row once."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from run_results import Client
from run_results.sync.options import SYNC_FORMATS
from run_results.tables.schema import TABLES
from run_results_conformance.server.synthetic import SyntheticRun

from .kit import THOROUGH, in_order, read

RUNS = 10_000
KILLS = 3
ROOT = Path(__file__).parents[2]


def whole_runs(folder: Path, form: str) -> set[str]:
    """The runs that are whole, as the ledger says. All of them have their rows."""
    if not any((folder / "runs").glob("*.parquet")):
        return set()
    ledger = {row["run_id"]: row for row in read(folder, "runs", form).to_pylist() if row["whole"]}
    for what in TABLES:
        counts = Counter(read(folder, what, form)["run_id"].to_pylist())
        assert {run_id: counts[run_id] for run_id in ledger} == {run_id: row[what] for run_id, row in ledger.items()}
    return set(ledger)


@pytest.mark.skipif(not THOROUGH, reason="it takes minutes: see `make thorough`")
@pytest.mark.parametrize("form", SYNC_FORMATS)
def test_a_long_sync_survives_being_killed(
    form: Any, serve_runs: Callable[..., str], token: str, tmp_path: Path
) -> None:
    """After each kill the ledger is true; what it has is not read again; at the end every row is there once."""
    draw = random.Random()
    url, folder, asked = serve_runs(SyntheticRun(1, 1, run_id="r")), tmp_path / "lake", tmp_path / "asked"
    command = [sys.executable, "-m", "tests.sync.long_sync", url, token, form, str(folder), str(RUNS), str(asked)]

    def attempt(least: int | None = None) -> tuple[str, int]:
        """One sync, which is killed when it has asked for so many runs; what it said, and how many runs it had."""
        settled = whole_runs(folder, form)
        asked.write_text("", "utf-8")
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            while least is not None and process.poll() is None and asked.read_bytes().count(b"\n") < least:
                time.sleep(0.05)
            if least is not None:
                process.kill()
            said = process.communicate()[0]
        again = set(asked.read_text("utf-8").split()) & settled
        assert not again, (least, sorted(again)[:5])
        return said, len(settled)

    for _ in range(KILLS):
        attempt(draw.randrange(RUNS // (KILLS + 1)))
    said, settled = attempt()
    assert said.startswith(f"{RUNS - settled:,} new, 0 changed, {settled:,} unchanged"), said
    assert whole_runs(folder, form) == {f"run-{number}" for number in range(RUNS)}
    with Client(token=token, base_url=url) as client:
        for what in TABLES:
            rows = [row | {"run_id": "r"} for row in in_order(read(folder, what, form))]
            assert rows == in_order(client.table("r", what)) * RUNS

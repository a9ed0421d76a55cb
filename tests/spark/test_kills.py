"""Processes of Spark are killed while they read: what is written in the end has every row once, and nothing before it.

Each starts a Spark of its own, which takes a minute or more: only in thorough runs.
"""

from pathlib import Path
from typing import Any

from .programs import IDS, THOROUGH, check, descendants, job, kill, trap, visible

pytestmark = THOROUGH
CLUSTER = "local-cluster[2,1,1024]"


def test_a_reader_is_killed(spark: Any, tmp_path: Path) -> None:
    """A Python worker is killed after pages came: Spark does its task again, and no row is lost or doubled."""
    with trap() as (made, url), job(url, tmp_path / "out", "local[2,4]", IDS) as process:

        def action() -> None:
            assert visible(tmp_path / "out") == []
            # The daemon stays: its children are the workers.
            daemons = {pid for pid, line in descendants(process.pid).items() if "pyspark.daemon" in line}
            kill([pid for daemon in daemons for pid in descendants(daemon)])

        made.actions = [action]
        assert process.wait() == 0, (tmp_path / "job.log").read_text()[-3000:]
        assert made.requests > 1
        check(spark, tmp_path / "out", url)


def test_an_executor_is_killed(spark: Any, tmp_path: Path) -> None:
    """An executor is killed after pages came: another does its tasks, and no row is lost or doubled."""
    with trap() as (made, url), job(url, tmp_path / "out", CLUSTER, IDS) as process:

        def action() -> None:
            lines = descendants(process.pid)
            kill([pid for pid, line in lines.items() if "CoarseGrainedExecutorBackend" in line and "java" in line])

        made.actions = [action]
        assert process.wait() == 0, (tmp_path / "job.log").read_text()[-3000:]
        assert made.requests > 1
        check(spark, tmp_path / "out", url)


def test_the_driver_is_killed(spark: Any, tmp_path: Path) -> None:
    """All of Spark is killed in the middle of a stream: what is there is whole, and a new start brings the rest."""
    given = tmp_path / "ids"
    given.mkdir()
    (given / "a.txt").write_text("\n".join(IDS[:2]))
    out = tmp_path / "out"
    with trap() as (made, url):
        with job(url, out, "local[2,4]", str(given)) as process:
            assert process.wait() == 0, (tmp_path / "job.log").read_text()[-3000:]
        before = spark.read.parquet(str(out)).toArrow()
        (given / "b.txt").write_text("\n".join(IDS[2:]))
        with job(url, out, "local[2,4]", str(given)) as process:
            made.actions = [lambda: kill([*descendants(process.pid), process.pid])]
            assert process.wait() != 0
        assert spark.read.parquet(str(out)).toArrow().sort_by("run_id") == before.sort_by("run_id")
        with job(url, out, "local[2,4]", str(given)) as process:
            assert process.wait() == 0, (tmp_path / "job.log").read_text()[-3000:]
        check(spark, out, url)

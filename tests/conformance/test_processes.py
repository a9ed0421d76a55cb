"""Jobs in processes of their own: each gives its result, and none can hold up the others."""

import os
import time

import pytest
from benchmarks.power.processes import Ended, run_each

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def work(job: int) -> int:
    """What the jobs of these tests do, by number."""
    if job == 1:
        raise ValueError("no")
    if job == 2:
        os._exit(3)
    if job == 3:
        time.sleep(60)
    return job * 10


def test_every_job_has_an_outcome() -> None:
    """A job that raises, dies or takes too long is said to, and the others give their results."""
    started = time.monotonic()
    outcomes = dict(run_each(work, range(6), seconds=2.0))
    assert {job: outcomes[job] for job in (0, 4, 5)} == {0: 0, 4: 40, 5: 50}
    assert outcomes[1] == Ended("ValueError: no")
    assert outcomes[2] == Ended("its process died")
    assert outcomes[3] == Ended("it took too long")
    assert time.monotonic() - started < 30


def test_each_job_has_its_own_process() -> None:
    """No two jobs share a process, and none runs in this one."""
    found = dict(run_each(process_of, range(4)))
    assert len({*found.values(), os.getpid()}) == 5


def test_leaving_early_ends_what_runs() -> None:
    """Who stops asking for outcomes waits for nothing."""
    started = time.monotonic()
    for job, _ in run_each(work, [0, 3, 3], seconds=50.0):
        assert job == 0
        break
    assert time.monotonic() - started < 20


def process_of(_job: int) -> int:
    """The process that the job runs in."""
    return os.getpid()

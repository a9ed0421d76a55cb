"""Runs many jobs, each in a process of its own, a few at a time.

A server under test may loop for ever in a thread, and a thread cannot be ended from outside; a process can. So
each job gets one, and what is left of it ends with it.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from attrs import define, frozen

J = TypeVar("J")
R = TypeVar("R")


@frozen
class Ended:
    """What came of a job that gave no result: it raised, died or was stopped. `why` says which, in words."""

    why: str


@define
class _Running(Generic[J]):
    job: J
    process: BaseProcess
    ends: float


def run_each(
    function: Callable[[J], R], jobs: Iterable[J], *, processes: int = 2, seconds: float = 60.0
) -> Iterator[tuple[J, R | Ended]]:
    """Calls `function` with each job, in at most so many processes at once; gives the results as they come.

    A call may take `seconds`; then its process is stopped. `function`, the jobs and the results must be things
    that can be pickled.
    """
    # A copy of this process is ready at once. It is safe where nothing but this thread runs; elsewhere than on
    # Linux system libraries have threads of their own.
    context = get_context("fork") if sys.platform == "linux" else get_context("spawn")
    waiting = iter(jobs)
    running: dict[Connection, _Running[J]] = {}
    try:
        while True:
            for job in waiting:
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=_call, args=(function, job, sender), daemon=True)
                process.start()
                sender.close()
                running[receiver] = _Running(job, process, time.monotonic() + seconds)
                if len(running) >= processes:
                    break
            if not running:
                return
            soonest = min(each.ends for each in running.values())
            ready = wait(list(running), timeout=max(0.0, soonest - time.monotonic()))
            for receiver in [
                *(each for each in running if each in ready),
                *(each for each in running if each not in ready and running[each].ends <= time.monotonic()),
            ]:
                each = running.pop(receiver)
                outcome: R | Ended = _receive(receiver) if receiver in ready else Ended("it took too long")
                _stop(receiver, each.process)
                yield each.job, outcome
    finally:
        for receiver, each in running.items():
            _stop(receiver, each.process)


def _call(function: Callable[[J], R], job: J, sender: Connection) -> None:
    # What a server that is wrong on purpose logs of its failures is no news.
    logging.disable(logging.CRITICAL)
    try:
        outcome: R | Ended = function(job)
    except Exception as error:  # noqa: BLE001 - whatever a job does, the others go on
        outcome = Ended(f"{type(error).__name__}: {error}"[:300])
    sender.send(outcome)


def _receive(receiver: Connection) -> Any:
    try:
        return receiver.recv()
    except EOFError:
        return Ended("its process died")


def _stop(receiver: Connection, process: BaseProcess) -> None:
    receiver.close()
    # What it had to say it has said, and a server's thread may still be busy.
    process.kill()
    process.join()

"""Runs many jobs, each in its own process, a few at a time.

A faulty server may loop for ever in a thread. A thread cannot be stopped from outside, but a process can. So each job
gets a process, and everything that it started ends with it.
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
    """The outcome of a job without a result. `why` says whether it raised, died or was stopped."""

    why: str


@define
class _Running(Generic[J]):
    job: J
    process: BaseProcess
    ends: float


def run_each(
    function: Callable[[J], R], jobs: Iterable[J], *, processes: int = 2, seconds: float = 60.0
) -> Iterator[tuple[J, R | Ended]]:
    """Calls `function` with each job, in at most so many processes at once. Gives the results as they come.

    If a call takes more than `seconds`, its process is stopped. `function`, the jobs and the results must be picklable.
    """
    # A fork is ready at once. It is safe if no other thread runs, which is so on Linux; elsewhere system libraries
    # start threads.
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
    # Servers that are wrong on purpose log their failures.
    logging.disable(logging.CRITICAL)
    try:
        outcome: R | Ended = function(job)
    except Exception as error:  # noqa: BLE001 - the other jobs go on
        outcome = Ended(f"{type(error).__name__}: {error}"[:300])
    sender.send(outcome)


def _receive(receiver: Connection) -> Any:
    try:
        return receiver.recv()
    except EOFError:
        return Ended("its process died")


def _stop(receiver: Connection, process: BaseProcess) -> None:
    receiver.close()
    # It has sent its result, or has none. A thread of a server may still be busy.
    process.kill()
    process.join()

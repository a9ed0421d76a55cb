"""Ctrl-C where work goes on in threads: it is noted, however often it comes, and raises nothing. SIGTERM, too."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define


@define
class Interrupts:
    """How often Ctrl-C came. No lock: a signal may come while the main thread holds it."""

    count: int = 0
    is_terminated: bool = False
    """Whether one of them was SIGTERM."""

    def __bool__(self) -> bool:
        return self.count > 0

    def note(self, number: int, *_: object) -> None:
        """Note one; the handler of a signal."""
        self.count += 1
        self.is_terminated = self.is_terminated or number == signal.SIGTERM


@contextmanager
def noted_interrupts(*others: signal.Signals) -> Iterator[Interrupts]:
    """Note every Ctrl-C, and these signals, until the block ends. Elsewhere than on the main thread, none comes."""
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = {number: signal.signal(number, interrupts.note) for number in (signal.SIGINT, *others)}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

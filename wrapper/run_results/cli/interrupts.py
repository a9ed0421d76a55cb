"""Ctrl-C where work goes on in threads: it is noted, however often it comes, and raises nothing."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define


@define
class Interrupts:
    """How often Ctrl-C came. No lock: a signal may come while the main thread holds it."""

    count: int = 0

    def __bool__(self) -> bool:
        return self.count > 0

    def note(self, *_: object) -> None:
        """Note one; the handler of a signal."""
        self.count += 1


@contextmanager
def noted_interrupts() -> Iterator[Interrupts]:
    """Note every Ctrl-C until the block ends. Elsewhere than on the main thread, none comes."""
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = signal.signal(signal.SIGINT, interrupts.note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)

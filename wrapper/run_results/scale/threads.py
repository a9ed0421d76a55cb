"""Several pieces of work at once, in threads, for one reader who takes what they bring."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextvars import copy_context
from itertools import chain, islice
from queue import Full, Queue, SimpleQueue
from typing import Any, Final, Generic, TypeVar

W = TypeVar("W")
T = TypeVar("T")
_LOOK: Final = 0.5
"""Seconds after which a thread that waits for the reader looks whether there is one still."""


def in_threads(
    worker: Callable[[], Callable[[W], Iterator[T]]], work: Iterable[W], number: int, give_up: Callable[[], None]
) -> Generator[T, None, None]:
    """What pieces of work bring, as it comes; up to `number` of them are under way at once.

    Each thread makes a worker of its own. Work is taken in the reader's thread. An error of one piece is raised here,
    and ends the others: `give_up` is called so that they end soon.
    """
    pieces = iter(work)
    first = list(islice(pieces, 2)) if number > 1 else []
    if len(first) < 2:  # no thread for what is not at the same time as anything else
        work_on = worker()
        for piece in first or pieces:
            yield from work_on(piece)
        return
    crew: _Crew[W, T] = _Crew(worker, number)
    try:
        yield from crew.results(chain(first, pieces))
    except BaseException:
        crew.is_left.set()
        give_up()
        raise
    finally:
        crew.dismiss()


class _End:
    """A piece of work has come to its end, with an error or without one."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Crew(Generic[W, T]):
    """Threads that do pieces of work."""

    def __init__(self, worker: Callable[[], Callable[[W], Iterator[T]]], number: int) -> None:
        self._worker = worker
        self._number = number
        self._threads: list[threading.Thread] = []
        self._to_do: SimpleQueue[list[W]] = SimpleQueue()  # a list with one piece of work; an empty one ends a thread
        self._found: Queue[Any] = Queue(2 * number)
        self.is_left = threading.Event()
        """Whether nobody reads any more."""

    def results(self, pieces: Iterator[W]) -> Iterator[T]:
        """What the pieces bring. No piece is taken before there is a thread for it."""
        under_way, is_at_end = 0, False
        while True:
            while under_way < self._number and not is_at_end:
                taken = next(pieces, _NOTHING)
                if taken is _NOTHING:
                    is_at_end = True
                    break
                self._to_do.put([taken])  # type: ignore[list-item]
                under_way += 1
                if under_way > len(self._threads):
                    self._start()
            if not under_way:
                return
            found = self._found.get()
            if not isinstance(found, _End):
                yield found
            elif found.error is not None:
                raise found.error
            else:
                under_way -= 1

    def _start(self) -> None:
        # They keep no process alive: one may wait for a server that has asked for patience.
        run = copy_context().run
        thread = threading.Thread(target=run, args=(self._work,), name="run-results-scale", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        try:
            work_on = self._worker()
            while piece := self._to_do.get():
                for found in work_on(piece[0]):
                    self._hand_over(found)
                    if self.is_left.is_set():
                        return
                self._hand_over(_End())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the results are read
            self._hand_over(_End(error))

    def _hand_over(self, found: object) -> None:
        while not self.is_left.is_set():
            try:
                self._found.put(found, timeout=_LOOK)
            except Full:
                continue
            return

    def dismiss(self) -> None:
        """End the threads: those without work at once, the others when they see that nobody reads."""
        self.is_left.set()
        for _ in self._threads:
            self._to_do.put([])


_NOTHING: Final = object()

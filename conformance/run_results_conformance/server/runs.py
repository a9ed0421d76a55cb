"""Runs in project terms, and the stores that find them.

A run is kept as the project knows it: fields under the project's own names, every optional part there, no
has-more. What a caller sees of it (which names, which parts, which page) is decided elsewhere, once.

A run lives in exactly one context. None is the nameless context: the one that a request acts in when neither
it nor its token names another. The same id may name different runs in different contexts.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from attrs import define, field, frozen

from .contract import JsonObject


class Run(Protocol):
    """What a run holds at one moment: it does not change while it is looked at."""

    @property
    def header(self) -> JsonObject:
        """Everything of the run but its files, by the contract's property names (`id`, `status`, ...)."""
        ...

    @property
    def file_count(self) -> int:
        """How many files the run holds now."""
        ...

    def files(self, start: int, stop: int) -> Sequence[JsonObject]:
        """The files with index start <= i < stop (0 <= start <= stop <= file_count), and no others made."""
        ...


class Store(Protocol):
    """Where runs are found. A store may be asked from any thread."""

    def find(self, run_id: str, context: str | None) -> Run | None:
        """The run of that id as it is now, or None when this context has none."""
        ...

    def __iter__(self) -> Iterator[tuple[str | None, str]]:
        """The context and the id of every run."""
        ...


@frozen
class MemoryRun:
    """A run held in memory.

    MemoryRun({"id": "r-1", "status": "COMPLETE"}, [{"original_file_name": "a.pdf", "documents": []}])
    """

    header: JsonObject
    _files: Sequence[JsonObject] = field(repr=False)

    @property
    def file_count(self) -> int:
        """How many files the run holds."""
        return len(self._files)

    def files(self, start: int, stop: int) -> Sequence[JsonObject]:
        """The files with index start <= i < stop."""
        return self._files[start:stop]


@frozen
class _PartOfRun:
    """The first files of a run, under another header."""

    header: JsonObject
    file_count: int
    _whole: Run

    def files(self, start: int, stop: int) -> Sequence[JsonObject]:
        return self._whole.files(start, min(stop, self.file_count))


@define
class UnfinishedRun:
    """A run that finishes while it is asked for: files appear, then the status and `finish_timestamp` change.

    `whole` is the run as it will be. `progress` tells how far it has come, from 0 (no files yet) to 1
    (finished); `by_polls` and `by_clock` make one. Until 1 the run is RUNNING, with a null `finish_timestamp`
    and without what only a finished run has (`case_info`). Files that have been seen keep their place: a
    progress that goes back is held at the highest value it had.

        UnfinishedRun(SyntheticRun(files=10), by_polls(5))
    """

    whole: Run
    _progress: Callable[[], float]
    _highest: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False, repr=False)

    def look(self) -> Run:
        """The run as it is now. Every look asks `progress` once."""
        with self._lock:
            self._highest = reached = max(self._highest, min(self._progress(), 1.0))
        if reached >= 1:
            return self.whole
        header = {name: part for name, part in self.whole.header.items() if name != "case_info"}
        now = {"status": "RUNNING", "message": None, "finish_timestamp": None, "review_completed": False}
        header |= {name: part for name, part in now.items() if name in header}
        return _PartOfRun(header, int(reached * self.whole.file_count), self.whole)


def by_polls(polls: int) -> Callable[[], float]:
    """A progress that counts looks: the first `polls` looks see 0/polls, 1/polls, ..., and all later ones 1.

    Raises ValueError for a negative number.
    """
    if polls < 0:
        raise ValueError("polls must not be negative")
    seen = iter(range(polls))
    return lambda: next(seen, polls) / polls if polls else 1.0


def by_clock(seconds: float, clock: Callable[[], float] = time.monotonic) -> Callable[[], float]:
    """A progress that grows evenly over `seconds` of `clock`, from now on. `clock` gives seconds.

    Raises ValueError unless `seconds` is positive.
    """
    if not seconds > 0:
        raise ValueError("seconds must be positive")
    started = clock()
    return lambda: max(0.0, (clock() - started) / seconds)


class MemoryStore:
    """Runs that are held, or computed, in this process.

        store = MemoryStore([SyntheticRun(seed=1)])
        store.add(UnfinishedRun(SyntheticRun(seed=2), by_polls(3)), context="acme-lending")

    Raises ValueError when a context gets a second run of one id.
    """

    def __init__(self, runs: Iterable[Run | UnfinishedRun] = (), *, context: str | None = None) -> None:
        self._runs: dict[tuple[str | None, str], Run | UnfinishedRun] = {}
        for run in runs:
            self.add(run, context=context)

    def add(self, run: Run | UnfinishedRun, *, context: str | None = None) -> None:
        """Puts a run into a context."""
        header = run.whole.header if isinstance(run, UnfinishedRun) else run.header
        key = (context, str(header["id"]))
        if key in self._runs:
            raise ValueError(f"there is a run {key[1]!r} in {describe_context(context)} already")
        self._runs[key] = run

    def find(self, run_id: str, context: str | None) -> Run | None:
        """The run of that id as it is now, or None when this context has none."""
        run = self._runs.get((context, run_id))
        return run.look() if isinstance(run, UnfinishedRun) else run

    def __iter__(self) -> Iterator[tuple[str | None, str]]:
        """The context and the id of every run, in the order of adding. Unfinished ones are not looked at."""
        return iter(list(self._runs))


def describe_context(context: str | None) -> str:
    """A context in words, for messages: `context 'acme-lending'` or `the nameless context`."""
    return "the nameless context" if context is None else f"context {context!r}"

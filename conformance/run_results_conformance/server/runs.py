"""Runs, and the stores that find them.

A run is kept in project terms: with the project's own field names, every optional part, and no has-more. The contract
and the reference server decide what a client gets: which names, which parts, which page.

A run is in exactly one context. None is the nameless context: a request acts in it if neither the request nor its token
names another one. Different contexts can have different runs with the same id.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from attrs import define, field, frozen

from .terms import JsonObject


class Run(Protocol):
    """A run at one moment. It does not change any more."""

    @property
    def header(self) -> JsonObject:
        """The run without its files, by the contract's property names (`id`, `status`, ...)."""
        ...

    @property
    def listing(self) -> JsonObject:
        """What only the list of runs knows of it: `batch_id` (a number), `input_dir`, `app_id`, `app_name`,
        `deployment_id`, `username`, `output_workspace` and `tags`, as far as they are known."""
        ...

    @property
    def file_count(self) -> int:
        """How many files the run has."""
        ...

    def files(self, start: int, stop: int) -> Sequence[JsonObject]:
        """The files with start <= index < stop (0 <= start <= stop <= file_count). No other files are made."""
        ...


class Store(Protocol):
    """Finds runs. Its methods can be called from any thread."""

    def find(self, run_id: str, context: str | None) -> Run | None:
        """The run with this id as it is now, or None if the context has none."""
        ...

    def __iter__(self) -> Iterator[tuple[str | None, str]]:
        """The context and the id of every run."""
        ...


@frozen
class MemoryRun:
    """A run in memory.

    MemoryRun({"id": "r-1", "status": "COMPLETE"}, [{"original_file_name": "a.pdf", "documents": []}])

    `listing` is what only the list of runs knows of it; see `Run.listing`.
    """

    header: JsonObject
    _files: Sequence[JsonObject] = field(repr=False)
    listing: JsonObject = field(factory=dict, kw_only=True)

    @property
    def file_count(self) -> int:
        """How many files the run has."""
        return len(self._files)

    def files(self, start: int, stop: int) -> Sequence[JsonObject]:
        """The files with start <= index < stop."""
        return self._files[start:stop]


@frozen
class _PartOfRun:
    """The first files of a run, with another header."""

    header: JsonObject
    file_count: int
    _whole: Run

    @property
    def listing(self) -> JsonObject:
        return self._whole.listing

    def files(self, start: int, stop: int) -> Sequence[JsonObject]:
        return self._whole.files(start, min(stop, self.file_count))


@define
class UnfinishedRun:
    """A run that finishes while clients read it: files appear, then the status and `finish_timestamp` change.

    `whole` is the finished run. `progress` gives how much is done, from 0 (no files yet) to 1 (finished); `by_polls`
    and `by_clock` make one. Below 1 the run is RUNNING, its `finish_timestamp` is null, and it has no `case_info`.
    Progress never goes back: the highest value so far counts, so files keep their place.

        UnfinishedRun(SyntheticRun(files=10), by_polls(5))
    """

    whole: Run
    _progress: Callable[[], float]
    _highest: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False, repr=False)

    def look(self) -> Run:
        """The run as it is now. Calls `progress` once."""
        with self._lock:
            self._highest = reached = max(self._highest, min(self._progress(), 1.0))
        if reached >= 1:
            return self.whole
        header = {name: part for name, part in self.whole.header.items() if name != "case_info"}
        now = {"status": "RUNNING", "message": None, "finish_timestamp": None, "review_completed": False}
        header |= {name: part for name, part in now.items() if name in header}
        return _PartOfRun(header, int(reached * self.whole.file_count), self.whole)


def by_polls(polls: int) -> Callable[[], float]:
    """A progress that counts requests: the first `polls` get 0/polls, 1/polls, ..., and all later ones 1.

    Raises ValueError for a negative number.
    """
    if polls < 0:
        raise ValueError("polls must not be negative")
    seen = iter(range(polls))
    return lambda: next(seen, polls) / polls if polls else 1.0


def by_clock(seconds: float, clock: Callable[[], float] = time.monotonic) -> Callable[[], float]:
    """A progress that grows evenly for so many seconds, starting now. `clock` gives the time in seconds.

    Raises ValueError unless `seconds` is positive.
    """
    if not seconds > 0:
        raise ValueError("seconds must be positive")
    started = clock()
    return lambda: max(0.0, (clock() - started) / seconds)


class MemoryStore:
    """A store of runs in this process, kept in memory or computed.

        store = MemoryStore([SyntheticRun(seed=1)])
        store.add(UnfinishedRun(SyntheticRun(seed=2), by_polls(3)), context="acme-lending")

    Raises ValueError if a context already has a run with the same id.
    """

    def __init__(self, runs: Iterable[Run | UnfinishedRun] = (), *, context: str | None = None) -> None:
        self._runs: dict[tuple[str | None, str], Run | UnfinishedRun] = {}
        for run in runs:
            self.add(run, context=context)

    def add(self, run: Run | UnfinishedRun, *, context: str | None = None) -> None:
        """Adds a run to a context. Raises ValueError if the context already has a run with its id."""
        header = run.whole.header if isinstance(run, UnfinishedRun) else run.header
        key = (context, str(header["id"]))
        if key in self._runs:
            raise ValueError(f"there is a run {key[1]!r} in {describe_context(context)} already")
        self._runs[key] = run

    def remove(self, run_id: str, *, context: str | None = None) -> None:
        """Removes a run from a context. Raises KeyError if the context has none with this id."""
        del self._runs[context, run_id]

    def replace(self, run: Run | UnfinishedRun, *, context: str | None = None) -> None:
        """Puts another run in the place of the one with its id, as when its status changes; or adds it."""
        header = run.whole.header if isinstance(run, UnfinishedRun) else run.header
        self._runs[context, str(header["id"])] = run

    def find(self, run_id: str, context: str | None) -> Run | None:
        """The run with this id as it is now, or None if the context has none."""
        run = self._runs.get((context, run_id))
        return run.look() if isinstance(run, UnfinishedRun) else run

    def __iter__(self) -> Iterator[tuple[str | None, str]]:
        """The context and the id of every run, in the order in which they were added."""
        return iter(list(self._runs))


def describe_context(context: str | None) -> str:
    """A context as text, for messages: `context 'acme-lending'` or `the nameless context`."""
    return "the nameless context" if context is None else f"context {context!r}"

"""Which task reads what: runs, or windows of large ones, divided among tasks.

A partition is not a run: a task costs an engine about as much as fetching ten small runs. So small runs are grouped,
and a large run is divided only where a window is asked for, because its length has to be found first.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from math import ceil
from typing import Any, Final, TypeVar

from attrs import frozen

from run_results.arguments import MAX_OFFSET, as_integer, check_run_id
from run_results.client import Client
from run_results.errors import ConfigurationError, NotFoundError
from run_results.page import Page
from run_results.scale.pace import Pace
from run_results.scale.source import Source
from run_results.scale.threads import in_threads

T = TypeVar("T")
RUNS_PER_TASK: Final = 50
"""How many small runs a task gets where nobody says how many tasks there are to be."""
# By how much each leap is longer than the one before: long leaps cost a little more to halve, and are fewer.
_LEAP: Final = 32


@frozen
class Slice:
    """A run, or a window of one. All members are plain values, so that it can be kept as JSON: `attrs.asdict`."""

    run_id: str
    start: int = 0
    """The first file, counted from 0."""
    stop: int | None = None
    """The file before which it ends; None for the end of the run."""
    state: Mapping[str, Any] | None = None
    """The state that the run was in when it was measured (`Page.state`); None where it was not."""
    files: int | None = None
    """How many files all of the run had then; None where it was not divided."""

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the run."""
        return self.start == 0 and self.stop is None


@frozen
class Length:
    """How long a run is."""

    files: int
    page_size: int
    """How many files the server puts on a page."""
    state: Mapping[str, Any]
    """The state that the run was in (`Page.state`)."""
    is_settled: bool | None = None
    """Whether the run could not change by itself any more (`Page.is_settled`)."""


def measure(client: Client, run_id: str, pace: Pace | None = None) -> Length:
    """Find how many files a run has, on pages without anything that can be left out.

    Leaps ahead until it is past the end, and then halves what is left: 20 requests for a million files in pages of a
    hundred, and two for two pages. Raises what `client.page` raises, and `RunChanged` where the run changes meanwhile.

    >>> measure(client, "run-1").files  # doctest: +SKIP
    19820
    """
    first = page = _look(client, run_id, 0, None, pace)
    size = end = len(first.files)
    past: int | None = None  # no file is here, nor behind it
    leap = 1  # in pages
    while page.has_more and (past is None or end < past):
        offset = leap * size if past is None else end + (past - end) // 2 // size * size
        offset = min(offset, MAX_OFFSET)
        found = _look(client, run_id, offset, first, pace)
        if found.files:
            page, end, leap = found, offset + len(found.files), leap * _LEAP
        else:
            past = offset
    return Length(end, size, first.state, first.is_settled)


def _look(client: Client, run_id: str, offset: int, first: Page | None, pace: Pace | None) -> Page:
    """A lean page of the run, in the state of the first one."""
    if pace is not None:
        pace.wait()
    with closing(client.pages(run_id, start=offset, expect=first.state if first else None)) as pages:
        return next(pages)


def plan(
    source: Source, ids: Iterable[str], *, tasks: int | None = None, window: int | None = None
) -> list[list[Slice]]:
    """Divide runs among tasks: a list of slices for each task, none empty.

    Args:
        source: Where the runs are.
        ids: Their ids. One that comes again is left out.
        tasks: How many tasks there are to be, at the most. Without it, one for 50 small runs.
        window: How many files of a run one slice has at the most. The length of each run is then found first, which
            takes a request for each small run and up to 20 for a large one, and its slices expect it in the state that
            it was in, with as many files. A run that is still at work is not divided, because it will not stay as it
            is. Without a window every slice is a whole run, whatever its length.

    One request, or the measuring, finds a token or an address that cannot be used before a task starts. A run that is
    missing (404) does not end the planning: `Source.on_missing` says what becomes of it.

    Raises `ConfigurationError` where there are no ids or one is none, and what `client.page` raises.

    >>> plan(source, ["run-1", "run-2", "run-3"], tasks=2)  # doctest: +SKIP
    [[Slice('run-1'), Slice('run-3')], [Slice('run-2')]]
    """
    runs = list(dict.fromkeys(check_run_id(run_id) for run_id in _each(ids)))
    if not runs:
        raise ConfigurationError("there are no run ids to read: an empty table would look like success")
    if window is not None:
        window = as_integer(window, "window", 1, MAX_OFFSET)
    with source.client() as client:
        if window is None:
            _unless_missing(client.page, runs[0])
            weighed = [(1, Slice(run_id)) for run_id in runs]
        else:
            weighed = _windows(client, source, runs, window)
    total = sum(weight for weight, _ in weighed)
    number = ceil(total / RUNS_PER_TASK) if tasks is None else as_integer(tasks, "tasks", 1, 10**6)
    return _divided(weighed, min(number, len(weighed)))


def _each(ids: Iterable[str]) -> Iterable[str]:
    """The ids. One text is no list of ids, though Python would take it for a list of letters."""
    if isinstance(ids, str):
        raise ConfigurationError("ids must be a list of run ids, not one text")
    return ids


def _unless_missing(look: Callable[[str], T], run_id: str) -> T | None:
    """What a look at a run gives; None where the API says that there is no such run."""
    try:
        return look(run_id)
    except NotFoundError as error:
        if is_missing(error):
            return None
        raise


def is_missing(error: NotFoundError) -> bool:
    """Whether the API says that it has no such run. Any other 404 comes from an address where there is no API."""
    return error.server_message is not None


def give_up(client: Client, pace: Pace) -> None:
    """Let no thread that asks with this client wait any longer."""
    pace.end()
    client.close()


def _windows(client: Client, source: Source, runs: list[str], window: int) -> list[tuple[int, Slice]]:
    """The windows of each run, with the number of their pages."""
    pace = source.pace()

    def look(run_id: str) -> Iterator[tuple[str, Length | None]]:
        yield run_id, _unless_missing(partial(measure, client, pace=pace), run_id)

    lengths = dict(in_threads(lambda: look, runs, source.concurrency, partial(give_up, client, pace)))
    return [each for run_id in runs for each in _windows_of(run_id, lengths[run_id], window)]


def _windows_of(run_id: str, length: Length | None, window: int) -> Iterator[tuple[int, Slice]]:
    if length is None:
        yield 1, Slice(run_id)
        return
    size = max(length.page_size, 1)
    if length.is_settled is False:
        yield ceil(length.files / size) or 1, Slice(run_id)
        return
    step = max(window // size, 1) * size  # whole pages, so that none is fetched for two slices
    whole = length.files if length.files > step else None
    for start in range(0, max(length.files, 1), step):
        is_last = start + step >= length.files  # it has no end, so that a run that grew is noticed
        pages = max(ceil((min(start + step, length.files) - start) / size), 1)
        yield pages, Slice(run_id, start, None if is_last else start + step, length.state, whole)


def _divided(weighed: list[tuple[int, Slice]], number: int) -> list[list[Slice]]:
    """The slices in so many lists of about the same weight: each of them, heaviest first, to the lightest list."""
    lists: list[list[Slice]] = [[] for _ in range(number)]
    heap = [(0, index) for index in range(number)]
    for weight, found in sorted(weighed, key=lambda each: -each[0]):
        load, index = heapq.heappop(heap)
        lists[index].append(found)
        heapq.heappush(heap, (load + weight, index))
    return lists

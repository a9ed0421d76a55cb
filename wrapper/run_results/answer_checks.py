"""What one answer must keep that no schema can say: what was asked for is there, and times are possible."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from msgspec import Struct

from run_results.drift import Drift
from run_results.include import Include
from run_results_api.flags import GUARANTEED, PARAMETERS, lacks
from run_results_api.models import RunResults, RunStatus, RunSummary
from run_results_api.types import UNSET

# What a walk checks with members that a server may leave out.
_CHECKED_WITH: Final = {
    "id": "the run's id, without which a page of another run is not noticed",
    "status": "the run's status, without which nobody can say whether the run has finished",
}
_ENDED = (RunStatus.CANCELLED, RunStatus.COMPLETE, RunStatus.FAILED)  # such a run is no longer in progress
# A moment between the years 2000 and 2100; what is outside is in seconds, milliseconds or microseconds.
_PLAUSIBLE = (946_684_800 * 10**9, 4_102_444_800 * 10**9)


def check_answer(run: RunResults, include: Include, broken: Iterable[Drift]) -> tuple[Drift, ...]:
    """What an answer shows by itself, beyond its shape; of what is missing, each kind's first place.

    `broken` is where the shape leaves the contract: a member that is unset for that reason did come. What a server may
    leave out, and what is not checked without it, is no breach.
    """
    return (*_unchecked(run, broken), *_missing(run, include, broken), *impossible_times(run))


def _unchecked(run: RunResults, broken: Iterable[Drift]) -> Iterator[Drift]:
    for name, expected in _CHECKED_WITH.items():
        if getattr(run, name) is UNSET and f"$.{name}" not in {place.path for place in broken}:
            yield Drift(f"$.{name}", expected, UNSET, is_breach=False)


def _missing(run: RunResults, include: Include, broken: Iterable[Drift]) -> Iterator[Drift]:
    if not include or not lacks(run, **{name.lower(): Include[name] in include for name in PARAMETERS}):
        return
    paths = {place.path for place in broken}
    for flag, place, member in GUARANTEED:
        if Include[flag] in include:
            unset = (
                f"{path}.{member}"
                for path, item in _places(run, place)
                if getattr(item, _attribute(item, member)) is UNSET
            )
            for path in islice((path for path in unset if paths.isdisjoint(_above(path))), 1):
                yield Drift(path, f"something, even if empty, as Include.{flag} asks for it", UNSET)


def _above(path: str) -> Iterator[str]:
    """A path, and those of all that it lies in."""
    yield path
    yield from (path[:index] for index, character in enumerate(path) if character in ".[")


def _places(value: object, place: str, path: str = "$") -> Iterator[tuple[str, Struct]]:
    """Everything at a place such as `files[].documents[]`, each with its JSON path."""
    if not isinstance(value, Struct):
        return
    if not place:
        yield path, value
        return
    step, _, rest = place.partition(".")
    key = step.removesuffix("[]")
    inner = getattr(value, _attribute(value, key))
    if not step.endswith("[]"):
        yield from _places(inner, rest, f"{path}.{key}")
    elif isinstance(inner, list):
        for index, item in enumerate(inner):
            yield from _places(item, rest, f"{path}.{key}[{index}]")


def _attribute(model: Struct, key: str) -> str:
    """The attribute of a JSON key."""
    return model.__struct_fields__[model.__struct_encode_fields__.index(key)]


def impossible_times(run: RunResults | RunSummary, path: str = "$") -> Iterator[Drift]:
    """Times that no run has; `path` is where the run stands in the answer."""
    start, finish = run.start_timestamp, run.finish_timestamp
    for name, moment in (("start_timestamp", start), ("finish_timestamp", finish)):
        is_none = moment == 0 and name == "finish_timestamp" and isinstance(run, RunSummary)
        if isinstance(moment, int) and not is_none and not _PLAUSIBLE[0] <= moment <= _PLAUSIBLE[1]:
            yield Drift(f"{path}.{name}", "nanoseconds since 1970, in a year from 2000 to 2100", moment)
    if isinstance(run, RunSummary):
        has_ended_without, finish = False, finish or None  # a list may say 0 for a run that has not finished
    else:
        # A run whose review is not complete may count as not finished (docs/contract.md, A run that has not finished).
        reviewing = run.status == RunStatus.COMPLETE and run.review_completed is False
        has_ended_without = run.status in _ENDED and finish is None and not reviewing
    if run.status == RunStatus.RUNNING and isinstance(finish, int):
        yield Drift(f"{path}.finish_timestamp", "null while the run is RUNNING", finish)
    if has_ended_without:
        yield Drift(f"{path}.finish_timestamp", f"a moment, as the run is {run.status}", finish)
    if isinstance(start, int) and isinstance(finish, int) and finish < start:
        yield Drift(f"{path}.finish_timestamp", f"a moment after the start, {start}", finish)

"""The arguments of calls, checked before anything is sent. Each check raises `ConfigurationError`."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from operator import index
from typing import Final, TypeGuard

from run_results.errors import ConfigurationError
from run_results.include import Flags, Include

MAX_OFFSET: Final = 2**63 - 1
"""The largest `file_offset` that the contract allows."""
MOST_SECONDS: Final = 10_000_000.0
"""The longest time that may be waited."""


def check_run_id(run_id: object) -> str:
    """The run id, if it names a run and nothing else on the server. Raises `ConfigurationError`."""
    if not isinstance(run_id, str):
        raise ConfigurationError(f"run_id must be a text, not {type(run_id).__name__}")
    if not run_id.strip():
        raise ConfigurationError("run_id is empty")
    if run_id in (".", ".."):
        raise ConfigurationError(f"run_id {run_id!r} has a special meaning in a path and names no run")
    if "/" in run_id or "\\" in run_id:
        raise ConfigurationError(f"run_id {run_id[:80]!r} holds a slash; give the id alone, not a path or an address")
    if not run_id.isprintable():
        raise ConfigurationError(
            f"run_id {run_id[:80]!r} holds a character that cannot be printed, such as a line break"
        )
    return run_id


def as_integer(value: object, name: str, least: int, most: int) -> int:
    """An integer in these limits: Python's own, or one of another library, such as `numpy.int64(3)`, made into one.

    True and False are no integers here. Raises `ConfigurationError`.

    >>> as_integer(3, "prefetch", 0, 16)
    3
    """
    try:
        number = None if isinstance(value, bool) else index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None:
        raise ConfigurationError(f"{name} must be an integer, not {_shown(value)}")
    if not least <= number <= most:
        raise ConfigurationError(f"{name} must be an integer from {least} to {most}, not {_shown(number)}")
    return number


def as_start(start: object) -> int:
    """The offset, if a file can stand there. Raises `ConfigurationError`."""
    return as_integer(start, "the offset", 0, MAX_OFFSET)


def as_stop(stop: object, start: int) -> int | None:
    """The offset where a window of a run ends, None for the run's end. Raises `ConfigurationError`."""
    return None if stop is None else as_integer(stop, "stop", start, MAX_OFFSET)


def as_state(state: object, names: Sequence[str]) -> Mapping[str, object] | None:
    """The state that a run is expected in, if its members have these names. Raises `ConfigurationError`."""
    if state is not None and not (isinstance(state, Mapping) and all(name in names for name in state)):
        raise ConfigurationError(f"expect must be the `state` of a page: a mapping with the keys {', '.join(names)}")
    return state


def as_include(include: Flags) -> Include:
    """The include flags, however they are given. Raises `ConfigurationError` for what is none.

    >>> as_include(["review", Include.SOURCE]) == as_include("review,source") == Include.REVIEW | Include.SOURCE
    True
    """
    if isinstance(include, Include):
        return include
    if isinstance(include, str):
        return Include.parse(include)
    given = list(include) if isinstance(include, Iterable) and not isinstance(include, bytes | Mapping) else [include]
    flags, words = Include.NONE, []
    for each in given:
        if isinstance(each, Include):
            flags |= each
        elif isinstance(each, str):
            words.append(each)
        else:
            raise ConfigurationError(
                f"include must be made of Include flags, or of their names, not of {type(each).__name__}"
            )
    return flags | Include.parse(",".join(words))


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number, of Python or another library; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def as_seconds(seconds: object, name: str, *, above_zero: bool = False) -> float:
    """The time, if it ends; a number of any library. Raises `ConfigurationError`."""
    if not is_number(seconds) or not 0 <= seconds <= MOST_SECONDS:
        raise ConfigurationError(
            f"{name} must be a number of seconds from 0 to {MOST_SECONDS:.0f}, not {_shown(seconds)}"
        )
    if above_zero and not seconds:
        raise ConfigurationError(f"{name} must be above 0 seconds")
    return seconds if isinstance(seconds, int) else float(seconds)


def _shown(value: object) -> str:
    """A value as a message shows it, however large."""
    try:
        return repr(value)[:80]
    except ValueError:  # an integer with more digits than Python writes
        return f"a {type(value).__name__} with very many digits"

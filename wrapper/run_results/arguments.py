"""The arguments of calls, checked before anything is sent. Each check raises `ConfigurationError`."""

from typing import Final

from run_results.errors import ConfigurationError
from run_results.include import Include

MAX_OFFSET: Final = 2**63 - 1
"""The largest `file_offset` that the contract allows."""
_MOST_SECONDS = 10_000_000.0


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


def check_start(start: object) -> int:
    """The offset, if a file can stand there. Raises `ConfigurationError`."""
    if not isinstance(start, int) or isinstance(start, bool):
        raise ConfigurationError(f"the offset must be an integer, not {type(start).__name__}")
    if not 0 <= start <= MAX_OFFSET:
        raise ConfigurationError(f"the offset must be from 0 to {MAX_OFFSET}, not {start}")
    return start


def check_include(include: object) -> Include:
    """The include flags. Raises `ConfigurationError` for what is none."""
    if not isinstance(include, Include):
        raise ConfigurationError(f"include must be made of Include flags, not {type(include).__name__}")
    return include


def check_seconds(seconds: object, name: str) -> float:
    """The time, if it ends. Raises `ConfigurationError`."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _MOST_SECONDS:
        raise ConfigurationError(f"{name} must be a number of seconds from 0 to {_MOST_SECONDS:.0f}, not {seconds!r}")
    return seconds

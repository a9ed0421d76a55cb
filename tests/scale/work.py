"""What the tests do in other processes: functions that a process started anew can import."""

import os
import pickle
from collections.abc import Callable
from typing import Any

from run_results.scale import Slice, Source, read


def values(source: Source, slices: list[Slice]) -> list[str]:
    """The values of all fields, sorted."""
    return sorted(value for batch in read(source, slices) for value in batch["value"].to_pylist() if value)


def shared_values(source: Source, slices: list[Slice]) -> list[str]:
    """The same, where the rate is divided in the task, as Spark's data source does."""
    return values(source.shared(2), slices)


def set_variable(name: str, value: str | None) -> None:
    """Set a variable of this process, or take it away."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def call(dumped: bytes) -> Any:
    """Call a pickled function with the arguments that were pickled with it."""
    function: Callable[..., Any]
    function, *arguments = pickle.loads(dumped)
    return function(*arguments)

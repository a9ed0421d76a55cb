"""Work on another thread, beside an event loop."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def run_in_thread(function: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Run a function on another thread, and return what it returns.

    It always runs to its end before this returns or raises, however often the task is cancelled meanwhile: what it
    writes is whole, and nothing else uses its objects. A cancelled task then raises `CancelledError`; an error of the
    function is its cause.
    """
    import asyncio  # here: programs without an event loop do not need it

    # A future and not a task, because the end of `asyncio.run` cancels every task.
    running = asyncio.get_running_loop().run_in_executor(None, function, *arguments)
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from running.exception()
    return running.result()

"""Work on another thread ends before whoever waits for it goes on."""

import asyncio
import threading
from typing import NoReturn

import pytest

from run_results.threads import run_in_thread


def test_the_result_comes_back() -> None:
    """The function's result is returned, and its error raised."""
    assert asyncio.run(run_in_thread(int, "12")) == 12
    with pytest.raises(ValueError, match="invalid literal"):
        asyncio.run(run_in_thread(int, "x"))


def cancelled(may_end: threading.Event, error: Exception | None, *, times: int) -> BaseException:
    """What a task raises that was cancelled so often before its work may end."""

    async def use() -> BaseException:
        loop, started = asyncio.get_running_loop(), asyncio.Event()

        def work() -> None:
            loop.call_soon_threadsafe(started.set)
            assert may_end.wait(60)
            if error is not None:
                raise error

        task = asyncio.ensure_future(run_in_thread(work))
        await started.wait()
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not task.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return caught.value

    return asyncio.run(use())


@pytest.mark.parametrize("times", [1, 2, 10])
def test_cancels_wait_for_the_end(times: int) -> None:
    """A task that is cancelled, once or often, ends when its work has ended, and not before."""
    assert cancelled(threading.Event(), None, times=times).__cause__ is None


def test_an_error_of_cancelled_work_is_the_cause() -> None:
    """When the work of a cancelled task fails, the error is not lost: it is the cause of the `CancelledError`."""
    error = OSError("no space")
    assert cancelled(threading.Event(), error, times=2).__cause__ is error


def test_the_end_of_the_loop_waits_too() -> None:
    """`asyncio.run`, which cancels what is left, does not end before the work has."""
    release, ended = threading.Event(), threading.Event()

    def work() -> None:
        assert release.wait(60)
        ended.set()

    async def leave() -> NoReturn:
        task = asyncio.ensure_future(run_in_thread(work))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.01, release.set)
        raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(leave())
    assert ended.is_set()

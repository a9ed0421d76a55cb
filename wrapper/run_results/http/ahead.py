"""Pages that a walk asks for ahead: which ones, and what becomes of their answers.

Where the next page begins is certain only when this one has been read. The size of the pages so far is a good guess, so
a walk can have the next few requests on their way already. An answer that was asked for ahead counts only where it
turns out to be the page that is due, is complete, and has status 200. Any other is ignored.
"""

import time
from collections.abc import Iterable, Iterator
from math import ceil
from typing import Any, Final, Self

from attrs import evolve

from run_results.arguments import MAX_OFFSET
from run_results.events import Observer, RequestSent
from run_results.http.body import deadline_exceeded
from run_results.page import Page
from run_results.request import Outcome, Reply, Request

MOST_BYTES: Final = 64 * 1024 * 1024
"""How many bytes the answers that a walk has asked for ahead may have together."""
# Every answer may have this many bytes; a larger one may be twice as large as the page before.
_LEAST_BYTES: Final = 2**20


class Forecast:
    """Where the next pages probably begin, by the size of the pages so far.

    Nowhere, while pages have different sizes or the run itself can change: an answer could then be older than the page
    before it.
    """

    def __init__(self, depth: int, stop: int | None = None) -> None:
        self._depth = depth
        self._last = MAX_OFFSET if stop is None else stop - 1
        self._size = self._stride = self._bytes = 0

    def read(self, page: Page) -> None:
        """Learn from a page."""
        size, before = len(page.files), self._size
        self._stride = size if page.is_settled and before in (0, size) else 0
        self._size, self._bytes = size, len(page.body)

    def after(self, offset: int, max_body_bytes: int) -> Iterator[tuple[int, int]]:
        """The offsets of the pages behind this one, each with the number of bytes that its answer may have."""
        most = min(max_body_bytes, max(_LEAST_BYTES, 2 * self._bytes))
        for _ in range(self._depth if self._stride else 0):
            offset += self._stride
            if offset > self._last:
                return
            yield offset, most


class _Pending:
    """What `Lookahead` and `AsyncLookahead` share: the requests of one walk that are on their way, by offset.

    Nothing more is asked ahead once the server has asked for fewer requests (429, or 503 with Retry-After), nor with a
    token that has just changed. Each answer that cannot be used takes one off the number of requests ahead, and each
    page gives a tenth of that back.
    """

    # In pages: so many make good for one answer that could not be used.
    _PENALTY = 10

    def __init__(self, sender: Any, observe: Observer) -> None:
        self._sender = sender
        self._observe = observe
        self._pending: dict[int, Any] = {}
        self._token: str | None = None
        self._losses = 0
        self._is_refused = False

    def _begin(self, request: Request) -> Any:
        """Start what may be asked ahead, drop what is not wanted any more; returns what is on its way for `request`."""
        token, before = request.token.reveal(), self._token
        self._token = token
        self._is_refused |= any(_asks_for_fewer(pending.outcome) for pending in self._pending.values())
        if token != before:
            self._drop(self._pending.keys())
        wanted = request.ahead if before in (None, token) and not self._is_refused else ()
        wanted = wanted[: max(0, len(wanted) - ceil(self._losses / self._PENALTY))]
        self._drop(self._pending.keys() - {request.offset, *(each.offset for each in wanted)})
        left = MOST_BYTES - sum(pending.request.max_body_bytes for pending in self._pending.values())
        for each in wanted:
            if each.offset in self._pending:
                continue
            left -= each.max_body_bytes
            if left < 0 or (pending := self._sender.start(each)) is None:
                break
            self._pending[each.offset] = pending  # first: the observer may raise
            self._observe(RequestSent(each.url, each.offset, 0))
        return self._pending.get(request.offset)

    def _drop(self, offsets: Iterable[int]) -> None:
        for offset in list(offsets):
            self._pending.pop(offset).drop()

    def _use(self, request: Request, outcome: Outcome) -> bool:
        """Whether the answer that was asked for ahead is the answer to the request."""
        del self._pending[request.offset]
        if isinstance(outcome, Reply) and outcome.status == 200:
            return True
        self._losses = min(self._losses, self._PENALTY * max(0, len(request.ahead) - 1)) + self._PENALTY
        self._is_refused |= _asks_for_fewer(outcome)
        return False

    def _again(self, request: Request, began: float) -> Request | None:
        """The request once more, with the time that its walk still has; None where there is none left."""
        left = request.walk_left - (time.monotonic() - began)
        return evolve(request, timeout=min(request.timeout, left), walk_left=left) if left > 0 else None

    def _announce(self, request: Request) -> None:
        self._observe(RequestSent(request.url, request.offset, request.attempt))

    def _learn(self, outcome: Outcome) -> Outcome:
        self._losses = max(0, self._losses - 1)
        self._is_refused |= _asks_for_fewer(outcome)
        return outcome

    def close(self) -> None:
        """Give up all that is on its way."""
        self._drop(self._pending.keys())


class Lookahead(_Pending):
    """Sends the requests of one walk, and asks ahead for those that they name."""

    def send(self, request: Request) -> Outcome:
        """What a request comes to; the answer may have been asked for ahead."""
        pending, began = self._begin(request), time.monotonic()
        if pending is not None:
            outcome: Outcome = pending.wait()
            if self._use(request, outcome):
                return self._learn(outcome)
            again = self._again(request, began)
            if again is None:
                return deadline_exceeded(request.timeout)
            request = again
        self._announce(request)
        return self._learn(self._sender.send(request))


class AsyncLookahead(_Pending):
    """`Lookahead` for asyncio."""

    async def send(self, request: Request) -> Outcome:
        """See `Lookahead.send`."""
        pending, began = self._begin(request), time.monotonic()
        if pending is not None:
            outcome: Outcome = await pending.wait()
            if self._use(request, outcome):
                return self._learn(outcome)
            again = self._again(request, began)
            if again is None:
                return deadline_exceeded(request.timeout)
            request = again
        self._announce(request)
        return self._learn(await self._sender.send(request))

    async def aclose(self) -> None:
        """Give up all that is on its way, and wait until it has ended."""
        pending = list(self._pending.values())
        self.close()
        for each in pending:
            await each.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()


def _asks_for_fewer(outcome: Outcome) -> bool:
    return isinstance(outcome, Reply) and outcome.asks_for_fewer

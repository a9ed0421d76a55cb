"""Which pages a walk asks for ahead: a guess, without sending anything.

Where the next page begins is certain only when this one has been read. The size of the pages so far is a good guess for
those behind it, so a walk can have several of them on their way. An answer to a guess counts only where it turns out to
be the one that is due, is complete, and has status 200; whatever else comes of a guess is as if it had not been made.
"""

from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve
from msgspec import Struct

from run_results.events import Observer, RequestSent
from run_results.options import MAX_OFFSET, Secret

if TYPE_CHECKING:
    from run_results.page import Page
    from run_results.request import Outcome, Request

MOST_BYTES: Final = 64 * 1024 * 1024
"""How many bytes the answers that a walk has asked for ahead may have together."""
# What an answer may have at the least; else it may be twice as large as the page before.
_ROOM: Final = 2**20


class Turn(Struct, frozen=True):
    """What is to be on its way now: nothing but what is named. The outcome of `due` is wanted, if there is one."""

    due: "Request | None" = None
    behind: "tuple[Request, ...]" = ()


class Guess:
    """What one walk asks for ahead.

    Nothing while pages have different sizes, while the token changes, while the run itself can change (an answer could
    be older than the page before it), and once the server has asked for fewer requests (429, or 503 with Retry-After).
    Each answer that cannot be used takes one off the depth, and each page gives a tenth of that back.
    """

    # In pages: a lost answer is made good by so many.
    _PENALTY = 10

    def __init__(self, depth: int, request: "Callable[[int], Request]") -> None:
        self._depth = depth
        self._request = request
        self._losses = 0
        self._token: Secret | None = None
        self._size = self._stride = self._bytes = 0
        self._named: dict[int, Request] = {}

    def turn(self, due: "Request") -> Turn:
        """What is to be on its way while this request, the walk's next one, is due."""
        before = self._named
        if self._token is not None and self._token.reveal() != due.token.reveal():
            before, self._stride = {}, 0
        self._named, self._token = {}, due.token
        count = self._depth - ceil(self._losses / self._PENALTY) if self._stride else 0
        most, left = min(due.max_body_bytes, max(_ROOM, 2 * self._bytes)), MOST_BYTES
        for offset in (due.offset + number * self._stride for number in range(1, count + 1)):
            if offset > MAX_OFFSET:
                break
            named = before.get(offset) or evolve(
                self._request(offset), token=due.token, timeout=due.timeout, max_body_bytes=most
            )
            left -= named.max_body_bytes
            if left < 0:
                break
            self._named[offset] = named
        return Turn(before.get(due.offset), tuple(self._named.values()))

    def read(self, page: "Page") -> None:
        """Learn from a page that has been read."""
        size, before = len(page.files), self._size
        self._stride = size if page.is_settled and before in (0, size) else 0
        self._size, self._bytes = size, len(page.body)
        self._losses = max(0, self._losses - 1)

    def fail(self, outcome: "Outcome", attempt: int) -> None:
        """Learn from what could not be used; `attempt` is 0 where it was asked for ahead."""
        if refuses(outcome):
            self._depth = 0
        elif not attempt:
            self._losses = min(self._losses + self._PENALTY, self._depth * self._PENALTY)


def refuses(outcome: "Outcome") -> bool:
    """Whether a server asks for fewer requests."""
    return getattr(outcome, "asks_for_fewer", False)


class UnderWay:
    """What a client has on its way for one walk: flights, by the offset that they ask for."""

    def __init__(self, sender: Any, observe: Observer) -> None:
        self._sender = sender
        self._observe = observe
        self._flights: dict[int | None, Any] = {}

    def turn(self, turn: Turn) -> Any:
        """Give up what is not named, start what is named and not under way; gives the flight that is due, or None."""
        # What is due is kept until the next turn: whoever waits for it may be interrupted.
        due = turn.due.offset if turn.due is not None else None
        for offset in self._flights.keys() - {due, *(request.offset for request in turn.behind)}:
            self._flights.pop(offset).drop()
        if not any(refuses(flight.outcome) for flight in self._flights.values()):
            for request in turn.behind:
                if request.offset not in self._flights:
                    self._observe(RequestSent(request.url, request.offset, 0))
                    self._flights[request.offset] = self._sender.start(request)
        return self._flights.get(due)

    def close(self) -> None:
        """Give up everything."""
        self.turn(Turn())

    async def aclose(self) -> None:
        """Give up everything, and wait until it has ended."""
        flights = list(self._flights.values())
        self.close()
        for flight in flights:
            await flight.wait()

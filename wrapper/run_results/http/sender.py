"""Sends requests. It turns a `Request` into a `Reply`, or into the `TransportError` that stood in its way.

Our own clients send with httpx over `transport`. A client of httpx, or of its continuation httpx2, that the caller made
is used as it is: its time-outs are what is left of the request's time, and the deadline is checked between chunks.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from contextvars import copy_context
from http.cookiejar import CookieJar
from typing import Any, Final

import httpx
from attrs import evolve

from run_results.errors import (
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    ConnectionsBusyError,
)
from run_results.http.deadline import THREAD_DEADLINE, ThreadDeadline
from run_results.http.gate import Gate
from run_results.http.library import Library, Trace, begin_body, headers_of
from run_results.http.proxies import Proxies
from run_results.http.transport import AsyncTransport, Transport
from run_results.request import Outcome, Reply, Request

GRACE: Final = 1.0
"""Seconds that the clean-up after a request is waited for, where somebody waits."""
_LOOK: Final = 0.5
"""Seconds after which somebody who waits looks whether the client was closed."""


# --- What both senders share --------------------------------------------------------------------------------


class _NoCookies(CookieJar):
    """Keeps nothing, and so has nothing to send: a cookie of one token is not another's."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Ignore the answer's cookies, without parsing its headers."""


def given_up() -> ConnectionFailedError:
    """The error of a request that was given up while its answer came."""
    return ConnectionFailedError("the request was given up")


class BaseSender:
    """What both senders know: whose client they send with, whether it was closed, and in which process."""

    _kind: str

    def __init__(self, client: Any, max_connections: int) -> None:
        self._is_own = client is None
        self._max_connections = max_connections
        self._is_closed = False
        self._process = os.getpid()
        if client is None:
            self._proxies = Proxies.read(os.environ)
            client = self._open()  # at once, so that what is wrong in the environment is said at once
        self._client: Any = client
        self._library = Library(client, self._kind, is_own=self._is_own)

    def _open(self) -> Any:
        """Make an httpx client. What stands in its way comes from the environment."""
        # The environment is read by us: see `proxies` and `transport`.
        settings: dict[str, Any] = {"trust_env": False, "cookies": _NoCookies()}
        try:
            if self._kind == "Client":
                return httpx.Client(transport=Transport(self._proxies, self._max_connections), **settings)
            return httpx.AsyncClient(transport=AsyncTransport(self._proxies, self._max_connections), **settings)
        except (ImportError, OSError, ValueError) as error:
            raise ConfigurationError(
                f"no HTTP client can be made in this environment ({error}); check the variables SSL_CERT_FILE and"
                " SSL_CERT_DIR"
            ) from None

    def _check(self) -> None:
        """Raise `ClientClosedError` where nothing can be sent."""
        if self._is_closed or (not self._is_own and self._client.is_closed):
            raise ClientClosedError("the client was closed")
        if self._process != os.getpid() and not self._is_own:
            raise ClientClosedError("the HTTP client that was passed in was made in another process")

    def _steps(self, seconds: float) -> Iterator[float]:
        """A wait in short steps. A client that is closed ends its waits: some are of many minutes."""
        while seconds > 0 and not self._is_closed:
            step = min(seconds, _LOOK)
            yield step
            seconds -= step

    def _busy(self, seconds: float) -> ConnectionsBusyError:
        number = self._max_connections
        text = f"no connection was free within {seconds:g} s: {number} requests of this client were under way"
        return ConnectionsBusyError(text)


class PendingRequest:
    """A request that was sent ahead, on a thread of its own, which keeps no process alive."""

    def __init__(self, request: Request, deadline: ThreadDeadline) -> None:
        self.request = request
        self.outcome: Outcome = None
        """What it came to; None while it is under way, and where it came to nothing."""
        self._deadline = deadline
        self._has_ended = threading.Event()

    def end(self, outcome: Outcome) -> None:
        """Set the outcome, on the request's thread."""
        self.outcome = outcome
        self._has_ended.set()

    def wait(self, seconds: float | None = None) -> Outcome:
        """What it has come to, in the end or after so many seconds."""
        if self._deadline.is_here:
            self._has_ended.wait(seconds)
        return self.outcome

    def drop(self) -> None:
        """Give it up."""
        self._deadline.give_up()


class Sender(BaseSender):
    """Sends on the caller's thread, with one connection pool. Thread-safe."""

    _kind = "Client"

    def __init__(self, client: Any = None, max_connections: int = 100) -> None:
        super().__init__(client, max_connections)
        self._gate = Gate(max_connections)
        self._under_way: set[ThreadDeadline] = set()
        self._of_parent: list[Any] = []

    def send(self, request: Request) -> Outcome:
        """Send once. What goes wrong is returned; raises `ClientClosedError` for a client that cannot be used."""
        gate, began = self._ready(), time.monotonic()
        turn = gate.turn()
        try:
            if not gate.enter(turn, request.timeout):
                return self._busy(request.timeout)
            waited = time.monotonic() - began
            seconds = min(request.timeout, request.walk_left - waited)
            if seconds <= 0:
                return self._busy(waited)
            if seconds < request.timeout:
                request = evolve(request, timeout=seconds)
            outcome = self._exchange(request, ThreadDeadline(seconds))
            if not isinstance(outcome, Reply):
                self._check()  # closed meanwhile: there is no other attempt
            return outcome
        finally:
            gate.free(turn)  # first, and in one step: Ctrl-C can come before any other
            gate.leave(turn)

    def start(self, request: Request) -> PendingRequest | None:
        """Send once, ahead; None where there is no room for it now."""
        gate = self._ready()
        turn, deadline = gate.turn(), ThreadDeadline(request.timeout)
        pending = PendingRequest(request, deadline)

        def run() -> None:
            outcome: Outcome = None
            with suppress(BaseException):  # it is raised again where the request is sent in the ordinary way
                outcome = self._exchange(request, deadline)
            gate.leave(turn)
            pending.end(outcome)

        thread = threading.Thread(target=copy_context().run, args=(run,), name="run-results-ahead", daemon=True)
        try:
            if not gate.try_enter(turn):
                return None
            self._under_way.add(deadline)
            thread.start()
        except BaseException as error:
            deadline.give_up()
            if thread.ident is None:  # it does not run, and so gives nothing back
                gate.free(turn)
                self._under_way.discard(deadline)
                gate.leave(turn)
            if isinstance(error, RuntimeError):  # there are no more threads to be had
                return None
            raise
        return pending

    def _ready(self) -> Gate:
        """The gate to the connections. Raises `ClientClosedError`."""
        self._check()
        if self._process != os.getpid():
            # The parent's connections must not be used, nor closed, by two processes: so they are kept.
            self._of_parent.append(self._client)
            self._client, self._gate = self._open(), Gate(self._max_connections)
            self._process = os.getpid()
        return self._gate

    def _exchange(self, request: Request, deadline: ThreadDeadline) -> Outcome:
        client, library, trace = self._client, self._library, Trace()
        response = body = None
        self._under_way.add(deadline)
        reset = THREAD_DEADLINE.set(deadline)
        try:
            self._check()  # only now: `close` gives up what is under way, and what comes later sees that it is closed
            with client.stream(**library.arguments(client, request, trace)) as response:
                body = begin_body(request, response, deadline.started)
                for chunk in [response.content] if response.is_stream_consumed else response.iter_raw():
                    if not body.add(chunk):
                        break
                    if deadline.is_given_up:
                        raise given_up()
                return Reply(response.status_code, headers_of(response), body.finish())
        except library.errors as error:
            return library.failure(error, request, response, body, trace)
        finally:
            THREAD_DEADLINE.reset(reset)
            self._under_way.discard(deadline)

    def sleep(self, seconds: float) -> None:
        """Wait, until the client is closed at the latest."""
        for step in self._steps(seconds):
            time.sleep(step)

    def close(self) -> None:
        """Give up what is under way, and close the connections, unless they are the caller's."""
        self._is_closed = True
        under_way, end = [each for each in list(self._under_way) if each.is_here], time.monotonic() + GRACE
        for deadline in under_way:
            deadline.give_up()
        # Whoever still reads from a socket that is closed reads from another one that gets its number.
        while any(deadline in self._under_way for deadline in under_way) and time.monotonic() < end:
            time.sleep(0.001)
        if self._is_own:
            self._client.close()

"""Bytes of a socket, read with a deadline."""

import socket
import ssl
import time

from attrs import define, field

_CHUNK = 64 * 1024


class FaultError(Exception):
    """The answer cannot be read to its end; the text says why.

    `closed` when the server ended it, `late` when the time was over, `missing` the bytes that were promised and not
    sent.
    """

    def __init__(self, words: str, *, closed: bool = False, late: bool = False, missing: int = 0) -> None:
        super().__init__(words)
        self.words = words
        self.closed = closed
        self.late = late
        self.missing = missing


@define
class Stream:
    """The bytes that come over a socket. `deadline` is a `time.monotonic`; reading past it raises FaultError."""

    socket: socket.socket
    deadline: float = 0.0
    buffer: bytearray = field(factory=bytearray)
    received: int = 0

    def more(self) -> bool:
        """Reads what is there, waiting for at least one byte; False at the end of the stream."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise FaultError("the answer was not complete in time", late=True)
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(_CHUNK)
        except TimeoutError:
            raise FaultError("the answer was not complete in time", late=True) from None
        except OSError as error:
            raise FaultError(f"the connection broke ({type(error).__name__})", closed=True) from None
        self.buffer += data
        self.received += len(data)
        return bool(data)

    def take(self, count: int) -> bytes:
        """The first bytes of the buffer, which has so many."""
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def line(self, limit: int) -> bytes:
        """A line without its end, of at most `limit` bytes."""
        while (end := self.buffer.find(b"\n", 0, limit + 1)) < 0:
            if len(self.buffer) > limit:
                raise FaultError(f"a line of the head has more than {limit} bytes")
            if not self.more():
                what = "within the head of the answer" if self.received else "without an answer"
                raise FaultError(f"the connection was closed {what}", closed=True)
        return self.take(end + 1)[:-1].removesuffix(b"\r")

    def exactly(self, count: int) -> bytes:
        """The next so many bytes."""
        while len(self.buffer) < count:
            if not self.more():
                missing = count - len(self.buffer)
                raise FaultError(f"the body ended {missing} bytes early", closed=True, missing=missing)
        return self.take(count)

    def rest(self, limit: int) -> bytes:
        """All bytes up to the end of the stream, at most `limit` of them."""
        while len(self.buffer) <= limit and self.more():
            pass
        if len(self.buffer) > limit:
            raise FaultError(f"the body has more than {limit} bytes")
        return self.take(len(self.buffer))

    def pending(self) -> int | None:
        """The number of bytes that are there and were not read, without waiting; None when the stream has ended."""
        self.socket.setblocking(False)
        try:
            data = self.socket.recv(_CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError):
            return len(self.buffer)
        except OSError:
            return None
        self.buffer += data
        return len(self.buffer) if data else None

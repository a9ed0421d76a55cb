"""Reading a body to its end, within the limits of size and time.

Compression is undone here rather than by httpx, so that the limit holds while a body is still coming: a small body that
unpacks to a huge one is stopped at the limit.
"""

import time
import zlib
from typing import Any, cast

from run_results.errors import ConnectionFailedError, DeadlineExceededError, ResponseTooLargeError
from run_results.request import Request

# An error page is read for its message only.
_ERROR_BODY_BYTES = 64 * 1024


class Body:
    """Collects a body, undoing its compression, within the limits of size and time.

    What is not a page is cut and taken as far as it can be read, rather than refused: its status is what counts.
    """

    def __init__(self, request: Request, status: int, coding: str, started: float) -> None:
        self._is_page = status == 200
        self._limit = request.max_body_bytes if self._is_page else min(request.max_body_bytes, _ERROR_BODY_BYTES)
        self._end = started + request.timeout
        self._timeout = request.timeout
        # Not a list: a million chunks of one byte would take forty times as much memory.
        self._content = bytearray()
        self._size = self._wire = 0
        codings = [name.strip() for name in coding.lower().split(",") if name.strip() not in ("", "identity")]
        self._wbits: int | None = None
        self._unpack: Any = None
        self._head = b""
        if codings in (["gzip"], ["x-gzip"]):
            self._begin(wbits=31)
        elif codings == ["deflate"]:
            self._begin(wbits=15)
        elif codings and self._is_page:
            text = f"the server used the content coding {coding[:40]!r}, which was not asked for"
            raise ConnectionFailedError(text, may_pass=False)

    def _begin(self, wbits: int) -> None:
        self._wbits = wbits
        self._unpack = zlib.decompressobj(wbits=wbits)

    def add(self, chunk: bytes) -> bool:
        """Take a chunk as it came; False where the rest is not needed."""
        if time.monotonic() > self._end:
            raise deadline_exceeded(self._timeout)
        self._wire += len(chunk)
        if self._wire > self._limit and self._is_page:
            raise self._too_large("on the wire")
        if self._unpack is None:
            self._keep(chunk)
        else:
            self._unpack_all(chunk)
        if self._size > self._limit and self._is_page:
            raise self._too_large("when unpacked")
        return self._size <= self._limit and self._wire <= self._limit

    def _unpack_all(self, chunk: bytes) -> None:
        if self._wbits == 15:  # the wrapping of deflate shows in its first two bytes
            chunk = self._head + chunk
            self._head = chunk if self._wire < 2 else b""
            if self._head:
                return
        while chunk and self._size <= self._limit:
            if self._unpack.eof:  # RFC 1952, 2.2: members simply follow each other; some are padded with zeros
                chunk = chunk.lstrip(b"\0")
                if not chunk:
                    break
                self._begin(cast("int", self._wbits))
            try:
                # One byte more than allowed shows that there is more.
                self._keep(self._unpack.decompress(chunk, self._limit - self._size + 1))
            except zlib.error as error:
                if self._wbits == 15 and not self._size:  # many send deflate without the wrapping of RFC 1950
                    self._begin(wbits=-15)
                    continue
                raise ConnectionFailedError(f"the body's compression is broken: {error}") from None
            chunk = self._unpack.unused_data if self._unpack.eof else self._unpack.unconsumed_tail

    def _keep(self, part: bytes) -> None:
        self._content += part
        self._size += len(part)

    def finish(self) -> bytes:
        """The whole body."""
        if self._unpack is not None and self._wire and not self._unpack.eof and self._is_page:
            raise ConnectionFailedError("the connection ended in the middle of a compressed body")
        return self.so_far()

    def so_far(self) -> bytes:
        """What has come."""
        return bytes(memoryview(self._content)[: self._limit])

    def _too_large(self, where: str) -> ResponseTooLargeError:
        return ResponseTooLargeError(f"the body is larger than {self._limit} bytes {where}")


def deadline_exceeded(timeout: float) -> DeadlineExceededError:
    """The error for an answer that was not complete in time."""
    return DeadlineExceededError(f"the answer was not complete after {timeout:g} s")

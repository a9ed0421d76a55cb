"""Bodies are unpacked in every spelling, within their limit of size."""

import gzip
import time
import zlib

import pytest

from run_results import errors
from run_results.http.body import Body
from run_results.request import Request


def unpack(coding: str, *chunks: bytes, limit: int = 10**6, status: int = 200) -> bytes:
    body = Body(Request("", {}, {}, max_body_bytes=limit), status, coding, time.monotonic())
    for chunk in chunks:
        if not body.add(chunk):
            break
    return body.finish()


def test_compression_is_undone_in_every_spelling() -> None:
    """Members that follow each other, in any cut; lists of codings; deflate with and without its wrapping."""
    two = gzip.compress(b"one ") + gzip.compress(b"two")
    assert unpack("gzip", two) == b"one two"
    assert unpack("gzip", *(two[i : i + 1] for i in range(len(two)))) == b"one two"
    assert unpack("gzip, identity", two) == unpack("Identity,GZIP", two) == unpack("x-gzip", two) == b"one two"
    assert unpack("gzip", two + b"\0" * 512) == b"one two"
    bare = zlib.compressobj(wbits=-15)
    without_header = bare.compress(b"one") + bare.flush()
    for body in (zlib.compress(b"one"), without_header):
        assert unpack("deflate", body) == unpack("deflate", *(body[i : i + 1] for i in range(len(body)))) == b"one"
    for broken in (two + b"garbage", two[:-3], b"no gzip"):
        with pytest.raises(errors.ConnectionFailedError):
            unpack("gzip", broken)
    with pytest.raises(errors.ConnectionFailedError, match="'br'") as caught:
        unpack("br", b"")
    assert not caught.value.may_pass


def test_many_small_members_take_no_longer_than_their_size() -> None:
    """What stands behind a member is not copied for each of them again, and the limit holds over all."""
    members = gzip.compress(b"x") * 20_000
    assert len(unpack("gzip", *(members[i : i + 65536] for i in range(0, len(members), 65536)))) == 20_000
    with pytest.raises(errors.ResponseTooLargeError):
        unpack("gzip", gzip.compress(b"x" * 600) * 2, limit=1000)


def test_a_bomb_is_cut_at_the_limit() -> None:
    """A body at the limit is taken; one above it, plain or a small archive of a huge one, is an error at the limit."""
    assert unpack("", b"x" * 1000, limit=1000) == b"x" * 1000
    for coding, body in (("", b"x" * 1001), ("gzip", gzip.compress(b" " * 10_000_000))):
        with pytest.raises(errors.ResponseTooLargeError, match="1000 bytes"):
            unpack(coding, body, limit=1000)
        assert unpack(coding, body, limit=1000, status=404), "of an error's body the beginning is enough"

"""Sends any request over HTTP/1.1, however odd, and reads whatever comes back, within bounds.

An HTTP library repairs requests, and hides what it repaired in answers; a verifier needs neither. A `Connection` writes
the bytes of a `Request` to the server at an `Address`, and reads one `Answer`. It never raises for what a server does:
an answer that is cut off, late, endless or no HTTP at all is an `Answer` with a `fault`.

    with Connection(Address.of("http://127.0.0.1:8000"), token) as connection:
        answer = connection.send(Request("/v2/apps/runs/r/results", (("Authorization", f"Bearer {TOKEN}"),)))

It sends GET, HEAD and OPTIONS, and nothing else, unless other methods are allowed; then they go only to a target that
does not exist (`MethodGuard`). The token never stands in a request: see `token`.
"""

from .address import Address, AddressError
from .connection import Connection
from .guard import MethodGuard, UnsafeRequestError
from .message import Answer, Headers, Request
from .token import TOKEN

__all__ = (
    "TOKEN",
    "Address",
    "AddressError",
    "Answer",
    "Connection",
    "Headers",
    "MethodGuard",
    "Request",
    "UnsafeRequestError",
)

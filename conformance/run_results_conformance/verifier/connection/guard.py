"""Which requests may be sent: those that read, and others only where there is nothing to change."""

from .message import Answer, Headers, Request
from .token import TOKEN

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""The methods that are always sent: they read (RFC 9110, 9.2.1)."""

_BEARER = f"Bearer {TOKEN}"


class UnsafeRequestError(ValueError):
    """The request is not sent: it could change something, or a line break in it would make two requests of it."""


class MethodGuard:
    """Lets GET, HEAD and OPTIONS through, and other methods only if they are allowed and the target does not exist.

    A target does not exist when the last GET with the token, to the same target and with the same headers, was answered
    with 404. Once one of the other methods was not refused, none is sent any more, to whichever target: a server that
    makes something of one id would do so of the next. `note` is called with each answer.
    """

    def __init__(self, *, unsafe_methods: bool) -> None:
        self.unsafe_methods = unsafe_methods
        self._all_refused = True
        self._absent: set[tuple[str, Headers]] = set()

    def allows(self, request: Request) -> bool:
        """Whether this request may be sent now."""
        if request.method in SAFE_METHODS:
            return True
        right = _authorization(request) in ([], [_BEARER])
        return self.unsafe_methods and self._all_refused and right and _resource(request) in self._absent

    def check(self, request: Request) -> None:
        """Raises UnsafeRequestError for a request that may not be sent."""
        if not self.allows(request):
            raise UnsafeRequestError(f"{request.method} is not sent here")
        if _has_line_break(request):
            raise UnsafeRequestError("a request must not hold line breaks")

    def note(self, request: Request, answer: Answer) -> None:
        """Remembers that a target does not exist, and whether every method that could write was refused."""
        resource = _resource(request)
        if request.method == "GET" and _authorization(request) == [_BEARER]:
            (self._absent.add if answer.status == 404 else self._absent.discard)(resource)
        elif request.method not in SAFE_METHODS and not (400 <= answer.status < 500 or answer.status in (501, 503)):
            self._all_refused = False


def _authorization(request: Request) -> list[str]:
    return [value for name, value in request.headers if name.lower() == "authorization"]


def _resource(request: Request) -> tuple[str, Headers]:
    """What a request is about: its target, and the headers that may choose another resource there."""
    about_itself = ("authorization", "content-length")
    return request.target, tuple(each for each in request.headers if each[0].lower() not in about_itself)


def _has_line_break(request: Request) -> bool:
    texts = (request.method, request.target, *(text for each in request.headers for text in each))
    return any(character in text for text in texts for character in "\r\n\0")

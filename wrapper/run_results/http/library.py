"""How httpx and httpx2 are asked, and what comes of it: the arguments of a request, and our errors for theirs."""

import ssl
import sys
from collections.abc import Mapping
from typing import Any

import httpx

from run_results.errors import (
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    ConnectionsBusyError,
    TransportError,
)
from run_results.http.async_streams import RequestAbandoned
from run_results.http.body import Body, deadline_exceeded
from run_results.http.transport import LOCATION
from run_results.request import Outcome, Reply, Request
from run_results.secret import Secret
from run_results.version import __version__

_HEADERS = {"Accept-Encoding": "gzip, deflate", "User-Agent": f"run-results/{__version__}"}

_UNTRUSTED = (
    "If it is issued by an authority of your own, put that authority's certificate (PEM) into a file and name the file"
    " in SSL_CERT_FILE, or give {http_client=} an HTTP client that trusts it"
)
_OTHER_HOST = "It is the certificate of another host: check the base URL"
_OUT_OF_DATE = "The server's operators have to renew it, unless this computer's clock is wrong"
# By OpenSSL's numbers (X509_V_ERR_*); what is not here was issued by an authority that is not trusted.
_CERTIFICATE_ADVICE = {9: _OUT_OF_DATE, 10: _OUT_OF_DATE, 62: _OTHER_HOST, 64: _OTHER_HOST}


class _Bearer:
    """Puts the token into the request's headers, whose repr hides it, and into nothing else."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return request


class Trace:
    """What httpcore says of the answer to a request that is sent with a client of the caller's.

    httpx reads the Location of a redirect, followed or not, and raises where it is no address of http. Then the status
    and the headers are lost but for this.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}

    def hear(self, event: str, info: Mapping[str, Any]) -> None:
        """Take the status and the headers from httpcore's extension `trace`."""
        if event.endswith(".receive_response_headers.complete"):
            for part in info["return_value"]:  # their places differ between HTTP/1.1 and HTTP/2
                if isinstance(part, int):
                    self.status = part
                elif isinstance(part, list):
                    self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in part}

    async def hear_in_task(self, event: str, info: Mapping[str, Any]) -> None:
        """`hear` for asyncio."""
        self.hear(event, info)


class Library:
    """httpx or httpx2: the library that a client is of."""

    def __init__(self, client: object, kind: str, *, is_own: bool) -> None:
        self._kind, self._is_own = kind, is_own
        # httpx2 is not imported for this: whoever has a client of it has done so.
        modules = (sys.modules.get(name) for name in ("httpx", "httpx2"))
        found = [module for module in modules if module is not None and isinstance(client, getattr(module, kind))]
        if not found:
            raise ConfigurationError(
                f"http_client must be an httpx.{kind} or an httpx2.{kind}, not {type(client).__name__}"
            )
        self._module: Any = found[0]
        # RuntimeError is what is raised for a client that is closed, and by an event loop that is.
        self._expected: tuple[type[BaseException], ...] = (
            *(self._module.HTTPError, self._module.InvalidURL, self._module.CookieConflict),
            *(TransportError, RequestAbandoned, OSError, ValueError, RuntimeError),
        )
        # Hooks and transports of the caller's may raise anything.
        self.errors = self._expected if is_own else (Exception,)

    def arguments(self, client: Any, request: Request, trace: Trace) -> dict[str, Any]:
        """How `client.stream` is called for a request."""
        # As one text: the address would be parsed once more to put the parameters in. That is done, and those in the
        # text are lost, where the caller's client has parameters of its own.
        where: dict[str, Any] = {"url": f"{request.url}?{httpx.QueryParams(request.params)}"}
        # Our own connections keep the deadline themselves.
        timeout = httpx.Timeout(None, pool=request.timeout) if self._is_own else self._module.Timeout(request.timeout)
        hear = trace.hear if self._kind == "Client" else trace.hear_in_task
        return {
            "method": "GET",
            **({} if self._is_own else {"extensions": {"trace": hear}}),
            **({"url": request.url, "params": request.params} if client.params else where),
            "headers": {**_HEADERS, **request.headers},
            "auth": _Bearer(request.token),
            "timeout": timeout,
            "follow_redirects": False,
        }

    def failure(self, error: Any, request: Request, response: Any, body: Body | None, trace: Trace) -> Outcome:
        """What a request that ended with an error came to. A status other than 200 says more than the error."""
        if isinstance(error, MemoryError | ClientClosedError):
            raise error
        if isinstance(error, self._module.HTTPStatusError):  # a hook of the caller's
            response = error.response
        if response is not None and response.status_code != 200:
            return Reply(response.status_code, headers_of(response), body.so_far() if body is not None else b"")
        if response is None and 300 <= trace.status <= 399:
            return Reply(trace.status, trace.headers, b"")
        if not isinstance(error, TransportError):
            return self._translate(error, request)
        error.args = (request.token.hide(error.message),)
        # The frames hold what the server sent.
        without_frames: TransportError = error.with_traceback(None)
        return without_frames

    def _translate(self, error: BaseException, request: Request) -> TransportError:
        """Our error for one of the library's; its text may hold neither the token nor a foreign exception."""
        if isinstance(error, self._module.PoolTimeout):
            text = f"no connection was free within {request.timeout:g} s"
            return ConnectionsBusyError(f"{text}: an HTTP client that is passed in must allow max_connections of them")
        if isinstance(error, self._module.TimeoutException | TimeoutError | RequestAbandoned):
            return deadline_exceeded(request.timeout)
        reason = request.token.hide(str(error))[:300] or type(error).__name__
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                text = f"the server's certificate could not be verified: {cause.verify_message}"
                advice = _CERTIFICATE_ADVICE.get(cause.verify_code, _UNTRUSTED)
                return ConnectionFailedError(text, may_pass=False, advice=advice)
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, self._module.InvalidURL):  # the address that was asked for is right: see `options`
            text = f"the server points to an address that cannot be read: {reason}"
            return ConnectionFailedError(text, may_pass=False)
        if not isinstance(error, self._expected):
            text = f"the HTTP client that was passed in raised {type(error).__name__}: {reason}"
            return ConnectionFailedError(text, may_pass=False, advice="Look at its transport and its hooks")
        return ConnectionFailedError(f"the connection failed: {reason}")


def headers_of(response: Any) -> Mapping[str, str]:
    """The headers of an answer, by their names in lower case."""
    headers: Mapping[str, str] = response.headers
    location = response.extensions.get(LOCATION)
    return headers if location is None else {**headers, "location": location}


def begin_body(request: Request, response: Any, started: float) -> Body:
    """Collect the body of an answer."""
    # What a hook of the caller's has read, httpx has unpacked.
    coding = "" if response.is_stream_consumed else response.headers.get("content-encoding", "")
    return Body(request, response.status_code, coding, started)

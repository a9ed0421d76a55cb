"""How httpx and httpx2 are asked, and what comes of it: the arguments of a request, and our errors for theirs."""

import ssl
import sys
from collections.abc import Mapping
from typing import Any

import httpx

from run_results.errors import ConfigurationError, ConnectionFailedError, ConnectionsBusyError, TransportError
from run_results.http.async_streams import RequestAbandoned
from run_results.http.body import Body, deadline_exceeded
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


class Library:
    """httpx or httpx2: the library that a client is of."""

    def __init__(self, client: object, kind: str) -> None:
        # httpx2 is not imported for this: whoever has a client of it has done so.
        modules = (sys.modules.get(name) for name in ("httpx", "httpx2"))
        found = [module for module in modules if module is not None and isinstance(client, getattr(module, kind))]
        if not found:
            raise ConfigurationError(
                f"http_client must be an httpx.{kind} or an httpx2.{kind}, not {type(client).__name__}"
            )
        self._module: Any = found[0]
        # RuntimeError is what is raised for a client that is closed, and by an event loop that is.
        self.errors: tuple[type[BaseException], ...] = (
            *(self._module.HTTPError, self._module.InvalidURL, self._module.CookieConflict),
            *(TransportError, RequestAbandoned, OSError, ValueError, RuntimeError),
        )

    def arguments(self, client: Any, request: Request, *, is_own: bool) -> dict[str, Any]:
        """How `client.stream` is called for a request."""
        # As one text: the address would be parsed once more to put the parameters in. That is done, and those in the
        # text are lost, where the caller's client has parameters of its own.
        where: dict[str, Any] = {"url": f"{request.url}?{httpx.QueryParams(request.params)}"}
        # Our own connections keep the deadline themselves.
        timeout = httpx.Timeout(None, pool=request.timeout) if is_own else self._module.Timeout(request.timeout)
        return {
            "method": "GET",
            **({"url": request.url, "params": request.params} if client.params else where),
            "headers": {**_HEADERS, **request.headers},
            "auth": _Bearer(request.token),
            "timeout": timeout,
            "follow_redirects": False,
        }

    def failure(self, error: Any, request: Request, response: Any, body: Body | None) -> Outcome:
        """What a request that ended with an error came to. A status other than 200 says more than the error."""
        if isinstance(error, self._module.HTTPStatusError):  # a hook of the caller's
            response = error.response
        if response is not None and response.status_code != 200:
            return Reply(response.status_code, headers_of(response), body.so_far() if body is not None else b"")
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
        return ConnectionFailedError(f"the connection failed: {reason}")


def headers_of(response: Any) -> Mapping[str, str]:
    """The headers of an answer, by their names in lower case."""
    headers: Mapping[str, str] = response.headers
    return headers


def begin_body(request: Request, response: Any, started: float) -> Body:
    """Collect the body of an answer."""
    # What a hook of the caller's has read, httpx has unpacked.
    coding = "" if response.is_stream_consumed else response.headers.get("content-encoding", "")
    return Body(request, response.status_code, coding, started)

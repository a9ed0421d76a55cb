"""The reference server: it answers the contract's two operations, exactly as the contract says.

It is not the platform. It runs no apps, stores nothing, and knows only the runs of its store. Clients and other servers
are measured by it.

Read `ReferenceServer.answer` first: it is a list of steps, and each step is a method; `answer_list` has those for the
list of runs. To make a server that is wrong in one place, override one method; for faults in the bytes that are sent,
override `deliver`. Where the contract is silent, the step says what was decided and why.
"""

import gzip
import hmac
import json
import logging
import re
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import anyio
from attrs import field, frozen
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .contract import Contract, load_contract
from .parameters import Parameter
from .run_list import LIST_RUNS, SECOND, RunQuery, runs_in, summary
from .runs import Run, Store
from .terms import BadParameter, JsonObject

_LOG = logging.getLogger("run_results_conformance.server.reference")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # token68, RFC 9110, 11.2
_GZIP_LEVEL = 4  # most of the gain for a fifth of the time of the highest level
_GZIP_MINIMUM = 500  # bytes; below that gzip gains nothing


def _check_token(_instance: object, _attribute: object, value: str) -> None:
    if _TOKEN.fullmatch(value) is None:
        raise ValueError("a token consists of letters, digits and -._~+/, with = at the end only")


@frozen
class Token:
    """An API token and the contexts in which it may act.

    `contexts` are the contexts that a request with it may name; None means any. If a request names no context, the
    token acts in `default_context` (None: the nameless context), where it may always act. The repr does not show the
    value. Raises ValueError if an `Authorization` header cannot hold the value.
    """

    value: str = field(repr=False, validator=_check_token)
    contexts: frozenset[str] | None = None
    default_context: str | None = None

    def may_act_in(self, context: str | None) -> bool:
        """Whether the token has access to the context."""
        return context == self.default_context or self.contexts is None or context in self.contexts


class Refusal(Exception):
    """The answer to the request is not 200. `message` is for people, and quotes nothing secret."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = headers or {}


class ReferenceServer:
    """An ASGI application that answers the contract's operations from a store.

        server = ReferenceServer(MemoryStore([SyntheticRun()]), "a-token", page_size=3)

    `tokens` are the valid tokens, at least one; a plain string may act in every context. `page_size` is the number of
    files on a page, and the most runs on a page of the list, or a function that gives it for an offset; it must be
    positive, and the contract leaves it to the server. `latency` is how long to wait before each answer, in seconds.
    With `compress`, clients that accept gzip get gzip. `base_path` is put before the contract's paths (the public API
    has `/api`). `clock` gives the time in seconds since 1970-01-01 UTC, from which the list goes back 24 hours.
    `contract` is the installed one by default; one without a list of runs has none here. Raises ValueError for
    arguments that cannot be.
    """

    def __init__(
        self,
        store: Store,
        *tokens: Token | str,
        contract: Contract | None = None,
        page_size: int | Callable[[int], int] = 50,
        latency: float = 0.0,
        compress: bool = False,
        base_path: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not tokens:
            raise ValueError("a server without a token could not be asked anything")
        if isinstance(page_size, int) and page_size < 1:
            raise ValueError("page_size must be positive")
        if base_path and (not base_path.startswith("/") or base_path.endswith("/")):
            raise ValueError("base_path starts with a slash and does not end with one")
        self.store = store
        self.tokens = tuple(Token(token) if isinstance(token, str) else token for token in tokens)
        self.contract = contract or load_contract()
        self.latency = latency
        self.compress = compress
        self.clock = clock
        self._page_size = page_size
        self._route = (base_path + self.contract.path).split("/")
        self._list = self.contract.operations.get(LIST_RUNS)
        self._list_route = (base_path + self._list.path).split("/") if self._list else []
        by_place = {parameter.place: parameter for parameter in self.contract.parameters.values()}
        self._run_id = by_place["path"]
        self._context = by_place["header"]
        self._offset = self.contract.parameters[self.contract.pagination.offset]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface, for HTTP only."""
        if scope["type"] != "http":
            raise RuntimeError(f"the reference server does not speak {scope['type']}")
        await self.deliver(Request(scope), receive, send)

    async def deliver(self, request: Request, receive: Receive, send: Send) -> None:
        """Waits for `latency` seconds, and sends the answer."""
        if self.latency:
            await anyio.sleep(self.latency)
        response = self.encode(request, self.respond(request))
        await response(request.scope, receive, send)

    def respond(self, request: Request) -> Response:
        """The answer, or the error of the first step that refuses the request."""
        try:
            return self.answer(request)
        except Refusal as refusal:
            return self.error(refusal)
        except Exception:  # noqa: BLE001 - the contract has an answer for every failure
            _LOG.exception("the reference server failed")
            return self.error(Refusal(500, "Internal error"))

    # --- The steps ------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Response:
        """The 200 answer to a request. Raises Refusal for every other status."""
        if self.asks_for_list(request):
            return self.answer_list(request)
        self.check_path(request)
        self.check_method(request)
        token = self.authenticate(request)
        run_id = self.read_run_id(request)
        context = self.read_context(request, token)
        flags = self.read_flags(request)
        offset = self.read_offset(request)
        self.authorize(token, context)
        run = self.find_run(run_id, context)
        files = self.slice(run, offset, self.page_size(run, offset))
        more = self.has_more(run, offset, files)
        page = self.assemble(run, files, more)
        return self.render(self.project(page, flags))

    def check_path(self, request: Request) -> None:
        """404 for every path except the operation's. The run id is one segment that is not empty."""
        if not _follows(request, self._route):
            raise Refusal(404, "Not found")

    def check_method(self, request: Request) -> None:
        """405 for every method except GET and HEAD (RFC 9110, 9.1: a server that has GET has HEAD)."""
        if request.method not in ("GET", "HEAD"):
            raise Refusal(405, "Method not allowed", {"Allow": "GET, HEAD"})

    def authenticate(self, request: Request) -> Token:
        """401 unless there is exactly one `Authorization` header, with a valid token. `Bearer` in any case."""
        headers = request.headers.getlist("authorization")
        scheme, _, value = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
        # There may be several spaces before the token (RFC 9110, 11.4).
        given = value.lstrip(" ").encode("latin-1")
        # All tokens are compared, each in constant time, so that the time of an answer reveals nothing about them.
        found = [token for token in self.tokens if hmac.compare_digest(token.value.encode(), given)]
        if scheme.lower() != "bearer" or not found:
            raise Refusal(401, "A valid bearer token is required", {"WWW-Authenticate": "Bearer"})
        return found[0]

    def read_run_id(self, request: Request) -> str:
        """The run id, percent-decoded once. 400 if the result is not UTF-8."""
        raw = raw_segments(request)[next(i for i, part in enumerate(self._route) if part.startswith("{"))]
        decoded = _decode(raw)
        if decoded is None:
            raise Refusal(400, f"{self._run_id.name} must be UTF-8")
        return str(self._read(self._run_id, [decoded]))

    def read_context(self, request: Request, token: Token) -> str | None:
        """The context of the header, or else the token's default. 400 for a malformed header, or for two of them."""
        given = self._read(self._context, request.headers.getlist(self._context.name))
        return token.default_context if given is None else str(given)

    def read_flags(self, request: Request) -> frozenset[str]:
        """The include flags that are set. 400 for a flag that is not `true` or `false`, or is given twice."""
        query = self.read_query(request)
        return frozenset(
            name for name in self.contract.flags if self._read(self.contract.parameters[name], query.get(name, ()))
        )

    def read_offset(self, request: Request) -> int:
        """The offset. 400 if it is given twice, is not a plain decimal number, or is outside the contract's bounds."""
        return int(self._read(self._offset, self.read_query(request).get(self._offset.name, ())))

    def authorize(self, token: Token, context: str | None) -> None:
        """403 if the token may not act in the context, whether or not the context has runs."""
        if not token.may_act_in(context):
            raise Refusal(403, "The token has no access to this context")

    def find_run(self, run_id: str, context: str | None) -> Run:
        """The run as it is now; the whole answer is made from it. 404 if the context has no run with this id."""
        run = self.store.find(run_id, context)
        if run is None:
            raise Refusal(404, "Run not found")
        return run

    def page_size(self, run: Run, offset: int) -> int:  # noqa: ARG002 - a fault may want the run
        """How many files a page from this offset may have."""
        return self._page_size if isinstance(self._page_size, int) else self._page_size(offset)

    def slice(self, run: Run, offset: int, size: int) -> Sequence[JsonObject]:
        """The files of the page; none if the offset is at the end or after it."""
        return run.files(offset, min(offset + size, run.file_count)) if offset < run.file_count else []

    def has_more(self, run: Run, offset: int, files: Sequence[JsonObject]) -> bool:
        """Whether the next page would have at least one file."""
        return offset + len(files) < run.file_count

    def assemble(self, run: Run, files: Sequence[JsonObject], more: bool) -> JsonObject:
        """The page in project terms, with every optional part."""
        words = self.contract.pagination
        return {**run.header, words.items: files, words.more: more}

    def project(self, page: JsonObject, flags: frozenset[str]) -> JsonObject:
        """The page in API terms: names by the rule, and only the parts that the flags ask for."""
        projected: JsonObject = self.contract.project(page, flags)
        return projected

    def render(self, page: JsonObject) -> Response:
        """The 200 answer."""
        return Response(self.dump(page), media_type="application/json")

    # --- The steps for the list of runs -----------------------------------------------------------------------

    def asks_for_list(self, request: Request) -> bool:
        """Whether the path is that of the list."""
        return self._list is not None and _follows(request, self._list_route)

    def answer_list(self, request: Request) -> Response:
        """The 200 answer to a request for the list. Raises Refusal for every other status."""
        self.check_method(request)
        token = self.authenticate(request)
        context = self.read_context(request, token)
        values = self.read_list_parameters(request)
        self.authorize(token, context)
        runs = self.find_runs(self.read_run_query(values), context)
        offset, size = values["offset"], self.list_page_size(values["limit"], values["offset"])
        return self.render({self.list_items: self.slice_list(runs, offset, size)})

    @property
    def list_items(self) -> str:
        """The property of the answer that has the runs."""
        return self._list.pagination.items if self._list else "runs"

    def read_list_parameters(self, request: Request) -> dict[str, Any]:
        """The values of the query parameters, None for those that are not given. 400 for one that does not fit."""
        query = self.read_query(request)
        parameters = self._list.parameters.values() if self._list else ()
        return {each.name: self._read(each, query.get(each.name, ())) for each in parameters if each.place == "query"}

    def read_run_query(self, values: dict[str, Any]) -> RunQuery:
        """What the values ask for. A window that ends before it begins has no runs, and is no error."""
        return RunQuery.of(values, int(self.clock() * SECOND))

    def find_runs(self, query: RunQuery, context: str | None) -> list[JsonObject]:
        """Every run of the context that is asked for, as it is now, in the order that is asked for."""
        return [summary(run) for run in query.sorted(filter(query.fits, runs_in(self.store, context)))]

    def list_page_size(self, limit: int | None, offset: int) -> int:
        """How many runs a page of the list may have: what is asked for, up to the server's own size of a page."""
        own = self._page_size if isinstance(self._page_size, int) else self._page_size(offset)
        return own if limit is None else min(limit, own)

    def slice_list(self, runs: Sequence[JsonObject], offset: int, size: int) -> Sequence[JsonObject]:
        """The runs of the page; none if the offset is at the end or after it."""
        return runs[offset : offset + size]

    # --- For every answer ------------------------------------------------------------------------------------

    def error(self, refusal: Refusal) -> Response:
        """The answer for a status other than 200: the contract's `Error`."""
        return Response(
            self.dump({"message": refusal.message}),
            refusal.status,
            refusal.headers,
            media_type="application/json",
        )

    def dump(self, body: JsonObject) -> bytes:
        """The body as JSON in UTF-8."""
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()

    def encode(self, request: Request, response: Response) -> Response:
        """The answer, compressed with gzip if that is allowed, accepted and useful."""
        if not self.compress or "content-encoding" in response.headers:
            return response
        response.headers["Vary"] = "Accept-Encoding"
        if len(response.body) >= _GZIP_MINIMUM and accepts_gzip(request):
            response.body = gzip.compress(response.body, _GZIP_LEVEL, mtime=0)
            response.headers["Content-Encoding"] = "gzip"
            response.headers["Content-Length"] = str(len(response.body))
        return response

    def read_query(self, request: Request) -> dict[str, list[str]]:
        """All values of each query parameter, decoded as form data. Later steps ignore unknown parameters."""
        query: dict[str, list[str]] = {}
        text = request.scope["query_string"].decode("latin-1")
        for name, value in parse_qsl(text, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        return query

    def _read(self, parameter: Parameter, values: Sequence[str]) -> Any:
        try:
            return parameter.read(values)
        except BadParameter as error:
            raise Refusal(400, str(error)) from None


def raw_segments(request: Request) -> list[bytes]:
    """The segments of the path, still encoded, so that an encoded slash stays inside its segment."""
    raw: bytes = request.scope["raw_path"]
    return raw.split(b"/")


def _follows(request: Request, route: Sequence[str]) -> bool:
    """Whether the path is that of an operation. A parameter is one segment that is not empty."""
    segments = raw_segments(request)
    return len(segments) == len(route) and all(
        segment != b"" if expected.startswith("{") else _decode(segment) == expected
        for segment, expected in zip(segments, route, strict=True)
    )


def _decode(segment: bytes) -> str | None:
    """The segment, percent-decoded once; None if the result is not UTF-8."""
    try:
        return unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        return None


def accepts_gzip(request: Request) -> bool:
    """Whether `Accept-Encoding` has gzip, or `*`, with a weight above zero (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for item in ",".join(request.headers.getlist("accept-encoding")).split(","):
        coding, _, parameter = item.partition(";")
        name, _, weight = parameter.strip().partition("=")
        try:
            weights[coding.strip().lower()] = float(weight) if name.lower() == "q" else 1.0
        except ValueError:
            weights[coding.strip().lower()] = 0.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0

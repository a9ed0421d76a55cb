"""Every rule has a small breach that the verifier finds, and names by that rule."""

import gzip
import json
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance import MemoryRun, ReferenceServer, Token
from run_results_conformance.server.contract import BadParameter
from run_results_conformance.server.reference import Refusal
from run_results_conformance.verifier.checks import RUN_RULES
from run_results_conformance.verifier.rules import BY_ID, RULES, Level

from .verifier_kit import LIGHT, RUN, STORE, TOKEN, broken, explain, verified

pytestmark = pytest.mark.usefixtures("quick_turns")

# --- One small breach for every rule ------------------------------------------------------------------------

Make = Callable[[], Any]
BREACHES: dict[str, Make] = {}


def breaks(*rules: str, page_size: int = 3) -> Callable[[type[ReferenceServer]], type[ReferenceServer]]:
    """Registers a server for the rules that must name it."""

    def register(server: type[ReferenceServer]) -> type[ReferenceServer]:
        for rule in rules:
            assert rule not in BREACHES
            BREACHES[rule] = lambda: server(STORE, TOKEN, page_size=page_size)
        return server

    return register


def bytes_breach(rule: str, change: Callable[[bytes], bytes]) -> None:
    class Changed(ReferenceServer):
        def dump(self, body: Any) -> bytes:
            data = super().dump(body)
            return change(data) if "files" in body else data

    breaks(rule)(Changed)


bytes_breach("wire.utf8", lambda body: body[:-1] + b',"note":"\xe9"}')
bytes_breach("wire.bom", lambda body: b"\xef\xbb\xbf" + body)
bytes_breach("wire.json", lambda body: body + b"\nOK")
bytes_breach("wire.duplicate-keys", lambda body: b'{"id":"x",' + body[1:])
bytes_breach("wire.numbers", lambda body: body[:-1] + b',"score":NaN}')
bytes_breach("wire.surrogates", lambda body: body[:-1] + b',"note":"\\ud800"}')
bytes_breach("shape.results", lambda body: body.replace(b'"batch_id":"', b'"batch_id":7,"was":"'))


def page_breach(rule: str, change: Callable[[Any], None], page_size: int = 3) -> None:
    """A page that is changed in project terms."""

    class Changed(ReferenceServer):
        def assemble(self, run: Any, files: Any, more: bool) -> Any:
            page = json.loads(json.dumps(super().assemble(run, files, more)))
            change(page)
            return page

    breaks(rule, page_size=page_size)(Changed)


page_breach("state.id", lambda page: page.update(id=page["id"].upper()))
page_breach("state.status", lambda page: page.update(status="DONE"))
page_breach("state.running", lambda page: page.update(finish_timestamp=page["start_timestamp"] + 1))
page_breach("state.complete", lambda page: page.update(finish_timestamp=None))
page_breach("state.order", lambda page: page.update(finish_timestamp=page["start_timestamp"] - 1))
page_breach("state.nanoseconds", lambda page: page.update(start_timestamp=page["start_timestamp"] // 1000))
page_breach("state.header", lambda page: page["files"] and page.update(message=page["files"][0]["original_file_name"]))
page_breach("state.known", lambda page: page.update(batch_id="another"))
BREACHES["state.waiting"] = BREACHES["state.running"]


def _trim(page: Any) -> None:
    for file in page["files"]:
        for document in file["documents"]:
            for field in document["fields"]:
                field["value"] = field["value"][:8]


page_breach("state.content", _trim)


@breaks("wire.status")
class PartialContent(ReferenceServer):
    def render(self, page: Any) -> Response:
        response = super().render(page)
        response.status_code = 206 if page["has_more"] else 200
        return response


@breaks("wire.content-type")
class TextJson(ReferenceServer):
    def render(self, page: Any) -> Response:
        return Response(self.dump(page), media_type="text/json")


@breaks("wire.coding")
class AlwaysCompressed(ReferenceServer):
    def encode(self, request: Request, response: Response) -> Response:
        if response.status_code == 200 and "cookie" in request.headers:
            response.body = gzip.compress(response.body)
            response.headers["Content-Encoding"] = "gzip"
            response.headers["Content-Length"] = str(len(response.body))
        return response


@breaks("wire.gzip")
class CompressedInName(ReferenceServer):
    def encode(self, request: Request, response: Response) -> Response:
        if request.headers.get("accept-encoding") == "gzip":
            response.headers["Content-Encoding"] = "gzip"
        return response


@breaks("wire.head")
class OtherHead(ReferenceServer):
    def respond(self, request: Request) -> Response:
        response = super().respond(request)
        if request.method == "HEAD":
            response.headers["Content-Length"] = "2"
        return response


@breaks("errors.shape")
class Detail(ReferenceServer):
    def error(self, refusal: Refusal) -> Response:
        response = super().error(refusal)
        if refusal.status == 405:
            response.body = self.dump({"detail": refusal.message})
            response.headers["Content-Length"] = str(len(response.body))
        return response


@breaks("errors.server-error")
class Unchecked(ReferenceServer):
    def read_offset(self, request: Request) -> int:
        values = self.read_query(request).get("file_offset", ["0"])
        return super().read_offset(request) if not values[0].startswith("0x") else 1 // 0


class WithoutHeaders(ReferenceServer):
    def error(self, refusal: Refusal) -> Response:
        return super().error(Refusal(refusal.status, refusal.message))


breaks("errors.authenticate", "errors.allow")(WithoutHeaders)


@breaks("errors.retry-after")
class Soon(ReferenceServer):
    def read_offset(self, request: Request) -> int:
        offset = super().read_offset(request)
        if offset == 2**32:
            raise Refusal(429, "Slow down", {"Retry-After": "soon"})
        return offset


@breaks("errors.discreet")
class Talkative(ReferenceServer):
    def error(self, refusal: Refusal) -> Response:
        return super().error(Refusal(refusal.status, 'File "server.py", line 7', refusal.headers))


@breaks("errors.token")
class Echoing(ReferenceServer):
    def respond(self, request: Request) -> Response:
        response = super().respond(request)
        if response.status_code == 404:
            response = self.error(Refusal(404, f"no run for {request.headers.get('authorization')}"))
        return response


def authentication_breach(rule: str, accept: Callable[[ReferenceServer, Request], bool]) -> None:
    class Lenient(ReferenceServer):
        def authenticate(self, request: Request) -> Token:
            return self.tokens[0] if accept(self, request) else super().authenticate(request)

    breaks(rule)(Lenient)


def _header(request: Request) -> str:
    return str(request.headers.get("authorization", ""))


authentication_breach("authentication.required", lambda server, request: "authorization" not in request.headers)
authentication_breach("authentication.empty", lambda server, request: _header(request) == "Bearer")
authentication_breach(
    "authentication.exact",
    lambda server, request: f"Bearer {TOKEN}".startswith(_header(request)) and len(_header(request)) > 9,
)
authentication_breach("authentication.scheme", lambda server, request: _header(request).endswith(f" {TOKEN}"))
authentication_breach(
    "authentication.header-only", lambda server, request: TOKEN in request.scope["query_string"].decode()
)
authentication_breach("authentication.doubled", lambda server, request: _header(request) == f"Bearer {TOKEN}")


@breaks("authentication.before-lookup")
class LookupFirst(ReferenceServer):
    def authenticate(self, request: Request) -> Token:
        if request.scope["path"].split("/")[-2] not in ("run-1a", "run-running", "run-paused", "run-empty"):
            raise Refusal(404, "Run not found")
        return super().authenticate(request)


@breaks("authentication.scheme-case")
class CapitalBearer(ReferenceServer):
    def authenticate(self, request: Request) -> Token:
        if not _header(request).startswith("Bearer"):
            raise Refusal(401, "Bearer is wanted", {"WWW-Authenticate": "Bearer"})
        return super().authenticate(request)


class BadRequestForUnknown(ReferenceServer):
    def find_run(self, run_id: str, context: str | None) -> Any:
        try:
            return super().find_run(run_id, context)
        except Refusal:
            raise Refusal(400, "No such run") from None


@breaks("inputs.run-id-exact")
class Trimming(ReferenceServer):
    def read_run_id(self, request: Request) -> str:
        return super().read_run_id(request).strip()


@breaks("inputs.run-id-odd")
class Globbing(ReferenceServer):
    def find_run(self, run_id: str, context: str | None) -> Any:
        return super().find_run(RUN if run_id == "%" else run_id, context)


@breaks("inputs.path-encoding")
class RawPath(ReferenceServer):
    def read_run_id(self, request: Request) -> str:
        return str(request.scope["raw_path"].split(b"/")[-2].decode("latin-1"))


@breaks("inputs.path")
class AnyTail(ReferenceServer):
    def check_path(self, request: Request) -> None:
        if not request.scope["path"].endswith("/results/"):
            super().check_path(request)

    def read_run_id(self, request: Request) -> str:
        return str(request.scope["path"].rstrip("/").split("/")[-2])


@breaks("inputs.method")
class AnyMethod(ReferenceServer):
    def respond(self, request: Request) -> Response:
        return Response(status_code=204) if request.method == "DELETE" else super().respond(request)


@breaks("inputs.method-405")
class ForbiddenMethod(ReferenceServer):
    def check_method(self, request: Request) -> None:
        if request.method == "PUT":
            raise Refusal(403, "No")
        super().check_method(request)


def offset_breach(rule: str, read: Callable[[str, int], int | None]) -> None:
    class Lenient(ReferenceServer):
        def read_offset(self, request: Request) -> int:
            values = self.read_query(request).get("file_offset", [])
            if len(values) == 1 and (found := read(values[0], 10)) is not None:
                return found
            return super().read_offset(request)

    breaks(rule)(Lenient)


offset_breach("inputs.offset-refused", lambda text, _: 0 if text.startswith("-") else None)
offset_breach("inputs.offset-read", lambda text, _: 0 if text.endswith(".0") else None)
offset_breach(
    "inputs.offset-canonical", lambda text, _: int(text) if text.startswith("0") and text.isdecimal() else None
)
offset_breach(
    "inputs.offset-int64", lambda text, _: int(text) % 2**32 if text.isdecimal() and int(text) < 2**63 else None
)
offset_breach("paging.default", lambda text, _: 1 if text == "0" else None)


def flag_breach(rule: str, read: Callable[[list[str]], bool | None], *, doubled: bool = False) -> None:
    class Lenient(ReferenceServer):
        def read_flags(self, request: Request) -> frozenset[str]:
            query = self.read_query(request)
            flags = {
                name
                for name in self.contract.flags
                if (read(query[name]) if name in query and read(query[name]) is not None else False)
            }
            rest = [name for name in self.contract.flags if name in query and read(query[name]) is None]
            try:
                flags |= {name for name in rest if self.contract.parameters[name].read(query[name])}
            except BadParameter as error:
                raise Refusal(400, str(error)) from None
            return frozenset(flags)

    breaks(rule)(Lenient)


flag_breach("inputs.boolean-refused", lambda values: False if values == ["maybe"] else None)
flag_breach("inputs.boolean-read", lambda values: True if values == ["0"] else None)
flag_breach("inputs.boolean-canonical", lambda values: True if values == ["TRUE"] else None)
flag_breach("inputs.doubled", lambda values: values[-1] == "true" if len(values) > 1 else None)
flag_breach("flags.explicit-false", lambda values: True if values == ["false"] else None)


@breaks("inputs.unknown-parameter")
class PageSizeParameter(ReferenceServer):
    def answer(self, request: Request) -> Response:
        limit = self.read_query(request).get("limit")
        return super().answer(request) if not limit else self._with_limit(request, int(limit[0]))

    def _with_limit(self, request: Request, limit: int) -> Response:
        return ReferenceServer(self.store, TOKEN, page_size=max(limit, 1)).answer(request)


@breaks("inputs.unknown-tolerated")
class Strict(ReferenceServer):
    def read_query(self, request: Request) -> dict[str, list[str]]:
        query = super().read_query(request)
        if query.keys() - self.contract.parameters.keys():
            raise Refusal(400, "Unknown parameter")
        return query


@breaks("inputs.query-encoding")
class RawQuery(ReferenceServer):
    def read_query(self, request: Request) -> dict[str, list[str]]:
        query: dict[str, list[str]] = {}
        for part in request.scope["query_string"].decode("latin-1").split("&"):
            name, _, value = part.partition("=")
            query.setdefault(name, []).append(value)
        return query


@breaks("inputs.headers")
class Ranges(ReferenceServer):
    def respond(self, request: Request) -> Response:
        response = super().respond(request)
        return Response(status_code=304) if "if-none-match" in request.headers else response


@breaks("inputs.context-refused")
class AnyContext(ReferenceServer):
    def read_context(self, request: Request, token: Token) -> str | None:
        return super().read_context(request, token) if request.headers.get("ib-context") else None


@breaks("context.made-up")
class NoContexts(ReferenceServer):
    def read_context(self, request: Request, token: Token) -> str | None:
        return None


@breaks("context.foreign")
class EveryContext(ReferenceServer):
    def find_run(self, run_id: str, context: str | None) -> Any:
        found = self.store.find(run_id, context) or (context is None and self.store.find(run_id, "other-org"))
        return found or super().find_run(run_id, context)


@breaks("context.own")
class OtherRun(ReferenceServer):
    def find_run(self, run_id: str, context: str | None) -> Any:
        found = super().find_run(run_id, context)
        return found if context is None else MemoryRun({**found.header, "batch_id": "batch-0"}, found.files(0, 3))


@breaks("context.case")
class AnyCase(ReferenceServer):
    def read_context(self, request: Request, token: Token) -> str | None:
        context = super().read_context(request, token)
        return context and context.lower()


def slice_breach(rule: str, cut: Callable[[Any, int, int], Any]) -> None:
    class Sliced(ReferenceServer):
        def slice(self, run: Any, offset: int, size: int) -> Any:
            return cut(run, offset, size)

    breaks(rule)(Sliced)


def _files(run: Any, start: int, size: int) -> list[Any]:
    return list(run.files(start, min(start + size, run.file_count))) if start < run.file_count else []


slice_breach("paging.suffix", lambda run, offset, size: _files(run, offset // size * size, size))
slice_breach("paging.progress", lambda run, offset, size: [] if offset == 4 else _files(run, offset, size))
slice_breach(
    "paging.end",
    lambda run, offset, size: (
        _files(run, min(offset, run.file_count), size) or _files(run, run.file_count - 1, 1)
        if offset > run.file_count > 0
        else _files(run, offset, size)
    ),
)
slice_breach(
    "paging.no-repeat",
    lambda run, offset, size: [
        run.files(2, 3)[0] if i == 3 else run.files(i, i + 1)[0]
        for i in range(offset, min(offset + size, run.file_count))
    ],
)


@breaks("paging.termination")
class Endless(ReferenceServer):
    def has_more(self, run: Any, offset: int, files: Any) -> bool:
        return True


@breaks("paging.has-more")
class FullPage(ReferenceServer):
    def has_more(self, run: Any, offset: int, files: Any) -> bool:
        return len(files) == 3


@breaks("state.file-count")
class LostFile(ReferenceServer):
    def find_run(self, run_id: str, context: str | None) -> Any:
        run = super().find_run(run_id, context)
        return MemoryRun(run.header, run.files(0, run.file_count - 1)) if run.file_count else run


@breaks("paging.flags")
class Reordered(ReferenceServer):
    def project(self, page: Any, flags: frozenset[str]) -> Any:
        if flags == {"include_source_info", "include_review_results"}:
            page = {**page, "files": page["files"][::-1]}
        return super().project(page, flags)


@breaks("paging.deterministic")
class Counting(ReferenceServer):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.asked: dict[bytes, int] = {}

    def respond(self, request: Request) -> Response:
        key = request.scope["raw_path"] + request.scope["query_string"]
        self.asked[key] = self.asked.get(key, 0) + 1
        response = super().respond(request)
        if self.asked[key] > 1 and response.status_code == 200:
            response.body = response.body.replace(b"batch-", b"BATCH-")
        return response


def projection_breach(rule: str, change: Callable[[Any, frozenset[str]], None]) -> None:
    class Projected(ReferenceServer):
        def project(self, page: Any, flags: frozenset[str]) -> Any:
            found = json.loads(json.dumps(super().project(page, flags)))
            change(found, flags)
            return found

    breaks(rule)(Projected)


def _documents(page: Any) -> Iterator[Any]:
    for file in page["files"]:
        yield from file["documents"]


def _fields(page: Any) -> Iterator[Any]:
    for document in _documents(page):
        yield from document["fields"]


def _drop_empty_histories(page: Any, flags: frozenset[str]) -> None:
    for document in _documents(page):
        if document.get("class_edit_history") == []:
            del document["class_edit_history"]


def _always_layouts(page: Any, flags: frozenset[str]) -> None:
    for document in _documents(page):
        document.setdefault("page_layouts", [])


def _correct(page: Any, flags: frozenset[str]) -> None:
    if flags == {"include_review_results", "include_confidence_scores"}:
        for field in _fields(page):
            field["value"] = field["value"].strip() + "*"


def _undouble(page: Any, flags: frozenset[str]) -> None:
    for field in _fields(page):
        field["field_name"] = field["field_name"].replace("__", "_")


def _hyphenate(page: Any, flags: frozenset[str]) -> None:
    for field in _fields(page):
        field["field_name"] = field["field_name"].replace("due_date", "due-date").replace("full_name", "full name")


projection_breach("flags.present", _drop_empty_histories)
projection_breach("flags.absent", _always_layouts)
projection_breach("flags.unchanged", _correct)
projection_breach("names.exact", _undouble)
projection_breach("names.valid", _hyphenate)


@breaks("latency.budget")
class Slow(ReferenceServer):
    async def deliver(self, request: Request, receive: Any, send: Any) -> None:
        if b"4294967296" in request.scope["query_string"]:
            await anyio.sleep(0.6)
        await super().deliver(request, receive, send)


# Two rules are broken below the level of an application; the servers for them are further down.
RAW = {"wire.answered", "wire.length"}


def test_every_rule_can_be_broken() -> None:
    """There is a breach for every rule of the catalogue: none stands there that nothing can break."""
    assert {*BREACHES} | RAW == {rule.id for rule in RULES}


@pytest.mark.parametrize("rule", BREACHES)
def test_breach(rule: str) -> None:
    """A server with one small breach is found out, and the rule that says so is among those that name it."""
    # Only the rule's family is judged, with the requests that it needs: the rest would cost time and show nothing.
    most = LIGHT if rule in RUN_RULES else 200
    report = verified(BREACHES[rule](), only=[BY_ID[rule].family], latency=0.5, max_requests=most)
    assert rule in broken(report), explain(report)
    must = any(BY_ID[each].level is Level.MUST for each in broken(report))
    assert report.exit_code == (1 if must else 0)
    assert TOKEN not in repr(report)


# --- Members of the families ---------------------------------------------------------------------------------


def _lets_in(accept: Callable[[Request], bool]) -> Callable[[], ReferenceServer]:
    class Lenient(ReferenceServer):
        def authenticate(self, request: Request) -> Token:
            return self.tokens[0] if accept(request) else super().authenticate(request)

    return lambda: Lenient(STORE, TOKEN, page_size=3)


def _finds(candidate: Callable[[str], str]) -> Callable[[], ReferenceServer]:
    class Lenient(ReferenceServer):
        def find_run(self, run_id: str, context: str | None) -> Any:
            return self.store.find(candidate(run_id), context) or super().find_run(run_id, context)

    return lambda: Lenient(STORE, TOKEN, page_size=3)


def _refuses(status: int, test: Callable[[Request], bool]) -> Callable[[], ReferenceServer]:
    class Picky(ReferenceServer):
        def check_method(self, request: Request) -> None:
            if test(request):
                raise Refusal(status, "No")
            super().check_method(request)

    return lambda: Picky(STORE, TOKEN, page_size=3)


def _reads(text: str, offset: int) -> Callable[[], ReferenceServer]:
    class Loose(ReferenceServer):
        def read_offset(self, request: Request) -> int:
            values = self.read_query(request).get("file_offset")
            return offset if values == [text] else super().read_offset(request)

    return lambda: Loose(STORE, TOKEN, page_size=3)


class Elsewhere(ReferenceServer):
    """Looks in the nameless context for what the named one does not have."""

    def find_run(self, run_id: str, context: str | None) -> Any:
        return self.store.find(run_id, context) or super().find_run(run_id, None)


class ShortContext(ReferenceServer):
    """Finds a context by its first characters."""

    def read_context(self, request: Request, token: Token) -> str | None:
        context = super().read_context(request, token)
        return "other-org" if context and "other-org".startswith(context) else context


class Tracing(ReferenceServer):
    """Gives back what TRACE sent."""

    def respond(self, request: Request) -> Response:
        return Response(b"sent", media_type="message/http") if request.method == "TRACE" else super().respond(request)


class Overridden(ReferenceServer):
    """Lets a header make a GET of a POST."""

    def check_method(self, request: Request) -> None:
        if request.headers.get("x-http-method-override") != "GET":
            super().check_method(request)


class FloatTime(ReferenceServer):
    """Writes a timestamp as a fraction."""

    def assemble(self, run: Any, files: Any, more: bool) -> Any:
        page = super().assemble(run, files, more)
        return {**page, "start_timestamp": float(page["start_timestamp"])}


class Conflict(ReferenceServer):
    """Answers a run that failed with 409."""

    def find_run(self, run_id: str, context: str | None) -> Any:
        run = super().find_run(run_id, context)
        if run.header["status"] == "FAILED":
            raise Refusal(409, "The run failed")
        return run


MEMBERS: dict[str, tuple[str, Callable[[], ReferenceServer]]] = {
    "end of the token": ("authentication.exact", _lets_in(lambda r: _header(r) == f"Bearer {TOKEN[1:]}")),
    "same length": ("authentication.exact", _lets_in(lambda r: len(_header(r)) == len(f"Bearer {TOKEN}"))),
    "two words": ("authentication.exact", _lets_in(lambda r: _header(r).split(" ")[:2] == ["Bearer", TOKEN])),
    "quoted": ("authentication.exact", _lets_in(lambda r: _header(r) == f'Bearer "{TOKEN}"')),
    "basic": ("authentication.scheme", _lets_in(lambda r: _header(r) == f"Basic {TOKEN}")),
    "longer scheme": (
        "authentication.scheme",
        _lets_in(lambda r: _header(r).startswith("Bearer") and _header(r).endswith(f" {TOKEN}")),
    ),
    "cookie": ("authentication.header-only", _lets_in(lambda r: TOKEN in r.headers.get("cookie", ""))),
    "own header": ("authentication.header-only", _lets_in(lambda r: r.headers.get("x-api-key") == TOKEN)),
    "from here": ("authentication.required", _lets_in(lambda r: r.headers.get("x-forwarded-for") == "127.0.0.1")),
    "400 for an unknown run": ("inputs.run-id-exact", lambda: BadRequestForUnknown(STORE, TOKEN, page_size=3)),
    "line break": ("inputs.run-id-exact", _finds(lambda run_id: run_id.removesuffix("\n"))),
    "extension": ("inputs.run-id-exact", _finds(lambda run_id: run_id.removesuffix(".json"))),
    "wide letters": ("inputs.run-id-exact", _finds(lambda run_id: unicodedata.normalize("NFKC", run_id))),
    "blank": ("inputs.run-id-odd", _finds(lambda run_id: run_id.strip() or RUN)),
    "null": ("inputs.offset-refused", _reads("null", 0)),
    "true": ("inputs.offset-refused", _reads("true", 1)),
    "list": ("inputs.offset-refused", _reads("1,2", 1)),
    "hexadecimal misread": ("inputs.offset-read", _reads("0x9", 0)),
    "long offset": ("errors.server-error", _refuses(500, lambda r: b"1" * 99 in r.scope["query_string"])),
    "long context": ("errors.server-error", _refuses(500, lambda r: len(r.headers.get("ib-context", "")) > 1000)),
    "anything accepted": ("inputs.headers", _refuses(406, lambda r: "json" not in r.headers.get("accept", "json"))),
    "no user agent": ("inputs.headers", _refuses(403, lambda r: "user-agent" not in r.headers)),
    "trace": ("inputs.method", lambda: Tracing(STORE, TOKEN, page_size=3)),
    "override": ("inputs.method-405", lambda: Overridden(STORE, TOKEN, page_size=3)),
    "falls back": ("context.foreign", lambda: Elsewhere(STORE, TOKEN, page_size=3)),
    "short context": ("context.foreign", lambda: ShortContext(STORE, TOKEN, page_size=3)),
    "integer as fraction": ("shape.results", lambda: FloatTime(STORE, TOKEN, page_size=3)),
    "409": ("wire.status", lambda: Conflict(STORE, TOKEN, page_size=3)),
}


@pytest.mark.parametrize("member", MEMBERS)
def test_member(member: str) -> None:
    """A rule that is judged by a family of questions finds a server that falls for one member of it, by any seed."""
    rule, make = MEMBERS[member]
    for seed in (0, 1):
        report = verified(make(), only=[rule], seed=seed)
        assert broken(report) == [rule], explain(report)

"""The verifier: honest servers are never accused, and every rule has a small breach that it names."""

import gzip
import json
import random
import socket
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance import (
    MemoryRun,
    MemoryStore,
    ReferenceServer,
    SyntheticRun,
    Token,
    UnfinishedRun,
    example_store,
    serve,
)
from run_results_conformance.server.contract import BadParameter
from run_results_conformance.server.reference import Refusal
from run_results_conformance.server.runs import by_polls
from run_results_conformance.verifier.connection import AddressError
from run_results_conformance.verifier.manifest import KnownRun, Manifest
from run_results_conformance.verifier.report import Report, to_html, to_json, to_junit, to_text
from run_results_conformance.verifier.rules import BY_ID, RULES, Level, UnknownRuleError
from run_results_conformance.verifier.verification import VerifyError, verify

TOKEN = "s3cret-Token.of~the+tests=="
RUN = "run-1a"


def small_store() -> MemoryStore:
    """One run of four pages, and one of every other kind; documents are small, because there are many tests."""

    def run(seed: int, files: int, run_id: str, status: str = "COMPLETE") -> SyntheticRun:
        return SyntheticRun(seed, files, run_id=run_id, status=status, documents_per_file=1, fields_per_document=6)

    store = MemoryStore([run(1, 10, RUN), run(2, 4, "run-running", "RUNNING"), run(3, 2, "run-paused", "PAUSED")])
    store.add(run(4, 0, "run-empty", "FAILED"))
    store.add(run(5, 3, "run-elsewhere"), context="other-org")
    return store


@pytest.fixture(autouse=True)
def _quick_turns() -> Iterator[None]:
    """Server and verifier are threads of one process here, and should not wait 5 ms for each other's turn."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0002)
    yield
    sys.setswitchinterval(before)


STORE = small_store()
MANIFEST = Manifest.of(STORE)


def broken(report: Report) -> list[str]:
    return [verdict.rule.id for verdict in report.broken]


def kept(report: Report) -> set[str]:
    return {verdict.rule.id for verdict in report.verdicts if verdict.outcome == "kept"}


def explain(report: Report) -> str:
    return to_text(report, verbose=True)


def verified(app: Any, **options: Any) -> Report:
    with serve(app) as served:
        return verify(served.url, TOKEN, **{"manifest": MANIFEST, "unsafe_methods": True, **options})


# --- Honest servers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page_size", "known"),
    [
        (1, True),
        (2, False),
        (3, True),
        (3, False),
        (7, True),
        (10, True),
        (50, False),
        (lambda offset: offset % 4 + 1, True),
    ],
)
def test_honest_page_sizes(page_size: Any, known: bool) -> None:
    """An honest server is not accused, whatever its pages hold, and whether or not its runs are known."""
    options: dict[str, Any] = {} if known else {"manifest": None, "runs": [RUN, "run-running", "run-paused"]}
    report = verified(ReferenceServer(STORE, TOKEN, page_size=page_size), **options)
    assert broken(report) == [], explain(report)
    assert report.exit_code == 0, explain(report)
    assert report.requests <= 200


@pytest.mark.parametrize("seed", range(6))
def test_honest_seeds(seed: int) -> None:
    """Neither the seed of the verifier nor that of the runs leads to an accusation; colliding names do not."""
    store = MemoryStore([SyntheticRun(seed, 5 + seed * 4, run_id=f"{seed}-run/ü", collisions=True)])
    options = {"page_size": seed + 1, "compress": seed % 2 == 0, "base_path": "/api" if seed % 3 else ""}
    with serve(ReferenceServer(store, TOKEN, **options)) as served:
        report = verify(served.url + options["base_path"], TOKEN, manifest=Manifest.of(store), seed=seed)
    assert broken(report) == [], explain(report)
    assert report.exit_code == 0, explain(report)


@pytest.mark.parametrize("files", [0, 1, 2])
@pytest.mark.parametrize("known", [True, False])
def test_honest_small_runs(files: int, known: bool) -> None:
    """A run of no file, of one and of two can be verified; what they cannot show is said."""
    store = MemoryStore([SyntheticRun(9, files, run_id="tiny")])
    options: dict[str, Any] = {"manifest": Manifest.of(store)} if known else {"manifest": None, "runs": ["tiny"]}
    report = verified(ReferenceServer(store, TOKEN, page_size=1), **options)
    assert report.exit_code == 0, explain(report)
    assert broken(report) == []
    open_rules = {verdict.rule.id: verdict.reason for verdict in report.verdicts if verdict.outcome == "not judged"}
    assert ("paging.no-repeat" in open_rules) == (files < 2)
    assert all(open_rules.values())


def test_honest_long_run() -> None:
    """The end of a run of a million files is found and judged, known or not, within the budget."""
    store = MemoryStore([SyntheticRun(3, 1_000_000, run_id="long", documents_per_file=1, fields_per_document=2)])
    for options in ({"manifest": Manifest((KnownRun("long", files=1_000_000),))}, {"manifest": None, "runs": ["long"]}):
        report = verified(ReferenceServer(store, TOKEN, page_size=20), **options)
        assert report.exit_code == 0, explain(report)
        assert report.requests <= 200
        assert {"paging.end", "paging.has-more", "paging.suffix", "flags.unchanged"} <= kept(report)
        assert ("state.file-count" in kept(report)) == (options["manifest"] is not None)


def test_honest_example_store() -> None:
    """Without a run the ids that the contract shows are tried; with a context it is sent."""
    report = verified(
        ReferenceServer(example_store(files=6), TOKEN, page_size=4), manifest=None, context="acme-lending"
    )
    assert report.exit_code == 0, explain(report)
    assert set(report.runs) == {"run-tax-2025", "run-in-progress"}


def test_honest_tokens_and_contexts() -> None:
    """A token that may act in some contexts only gets 403 elsewhere, which is no breach; the same id may name
    another run there.
    """
    store = MemoryStore([SyntheticRun(1, 5, run_id=RUN)], context="home")
    store.add(SyntheticRun(2, 3, run_id=RUN), context="away")
    store.add(SyntheticRun(3, 3, run_id="other"), context="closed")
    token = Token(TOKEN, frozenset({"home", "away"}), "away")
    report = verified(ReferenceServer(store, token, page_size=2), manifest=Manifest.of(store), context="home")
    assert report.exit_code == 0, explain(report)
    assert {"context.own", "context.foreign", "context.made-up"} <= kept(report)


@pytest.mark.parametrize("polls", [1, 3, 20, 60, 500])
def test_honest_unfinished_run(polls: int) -> None:
    """A run that grows and finishes while it is read is not accused of changing."""
    store = MemoryStore([UnfinishedRun(SyntheticRun(1, 12, run_id="grows"), by_polls(polls))])
    report = verified(ReferenceServer(store, TOKEN, page_size=3), manifest=None, runs=["grows"])
    assert broken(report) == [], explain(report)
    assert report.exit_code == 0, explain(report)
    assert ("paging.suffix" in kept(report)) == (polls == 1)


class Generous(ReferenceServer):
    """Correct in everything, and different wherever the contract leaves it open."""

    def dump(self, body: Any) -> bytes:
        return json.dumps(dict(reversed(body.items())), indent=2).encode() + b"\n"

    def assemble(self, run: Any, files: Any, more: bool) -> Any:
        page = super().assemble(run, files, more)
        page["files"] = [{**file, "served_at": time.time_ns()} for file in files]
        return {**page, "served_at": time.time_ns(), "next_offset": len(files), "total": 7 if more else 8}

    def respond(self, request: Request) -> Response:
        response = super().respond(request)
        response.headers["Content-Type"] = 'Application/JSON; charset="UTF-8"'
        if response.status_code == 400:
            response.status_code = 422
        if response.status_code == 401:
            response.headers["WWW-Authenticate"] = 'Basic realm="x", Bearer error="invalid_token"'
        return response


class AnySize(ReferenceServer):
    """Chooses the size of a page anew for every request."""

    def page_size(self, run: Any, offset: int) -> int:
        self.choices = getattr(self, "choices", random.Random(1))
        return self.choices.randint(1, 5)


class Bare(ReferenceServer):
    """Leaves out everything that may be left out."""

    def project(self, page: Any, flags: frozenset[str]) -> Any:
        found = super().project(page, flags)
        kept = {name: found[name] for name in ("id", "status", "has_more")}
        kept["files"] = [{"documents": file["documents"]} if file["documents"] else {} for file in found["files"]]
        return kept


class Closing(ReferenceServer):
    """Supports no HEAD, hides what may not be seen, closes every connection, streams its bodies."""

    def check_method(self, request: Request) -> None:
        if request.method != "GET":
            raise Refusal(405, "Only GET", {"Allow": "GET"})

    def find_run(self, run_id: str, context: str | None) -> Any:
        run = self.store.find(run_id, context)
        if run is None and context is not None:
            raise Refusal(403, "Not yours")
        return run or super().find_run(run_id, context)

    async def deliver(self, request: Request, receive: Any, send: Any) -> None:
        response = self.respond(request)
        headers = [(name, value) for name, value in response.raw_headers if name != b"content-length"]
        start = {"type": "http.response.start", "status": response.status_code}
        await send({**start, "headers": [*headers, (b"connection", b"close")]})
        for index in range(0, len(response.body), 1000):
            await send({"type": "http.response.body", "body": response.body[index : index + 1000], "more_body": True})
        await send({"type": "http.response.body"})


@pytest.mark.parametrize("server", [Generous, AnySize, Bare, Closing])
def test_honest_and_different(server: type[ReferenceServer]) -> None:
    """New keys that change all the time, key order, white space, charset, 422 for 400, pages of any size, no
    optional keys, streamed bodies, 403 for 404: none of it is a breach.
    """
    report = verified(server(STORE, TOKEN, page_size=3))
    assert report.exit_code == 0, explain(report)
    assert broken(report) == []


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
    # Only the rule's family is judged: it is enough by itself, and what is not asked for costs no time.
    report = verified(BREACHES[rule](), only=[BY_ID[rule].family], latency=0.5)
    assert rule in broken(report), explain(report)
    must = any(BY_ID[each].level is Level.MUST for each in broken(report))
    assert report.exit_code == (1 if must else 0)
    assert report.requests <= 200
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


def test_closed_context() -> None:
    """A run that the manifest says is not readable must not be read, wherever it is."""
    known = Manifest.of(STORE, may_act_in=lambda context: context is None)
    report = verified(ReferenceServer(STORE, TOKEN, page_size=3), manifest=known, only=["context"])
    assert broken(report) == ["context.foreign"], explain(report)
    token = Token(TOKEN, frozenset())
    assert broken(verified(ReferenceServer(STORE, token, page_size=3), manifest=known)) == []


class Unimplemented(ReferenceServer):
    """Refuses methods with 501."""

    def error(self, refusal: Refusal) -> Response:
        return super().error(Refusal(501, "Not implemented") if refusal.status == 405 else refusal)


def test_501_refuses_a_method() -> None:
    """501 for a method that a server does not have is a refusal."""
    report = verified(Unimplemented(STORE, TOKEN, page_size=3))
    assert report.exit_code == 0, explain(report)
    assert broken(report) == []


def test_what_a_busy_server_says_is_judged() -> None:
    """429 has the shape of an error, although the same question is answered a moment later."""
    asked = {"times": 0}

    def answer(head: bytes, _: socket.socket) -> bytes:
        asked["times"] += 1
        if asked["times"] % 7 == 0:
            return b"HTTP/1.1 429 X\r\nRetry-After: 0\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nbusy"
        return honest(head)

    with raw_server(answer) as url:
        report = verify(url, TOKEN, manifest=MANIFEST)
    assert {"errors.shape", "wire.content-type"} <= set(broken(report)), explain(report)


# --- Servers below the level of an application --------------------------------------------------------------


class RawServer:
    """Answers bytes with bytes: what `answer` gives for the bytes of a request, or whatever it does itself."""

    def __init__(self, answer: Callable[[bytes, socket.socket], bytes | None]) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        pending = b""
        try:
            while True:
                while b"\r\n\r\n" not in pending:
                    data = connection.recv(65536)
                    if not data:
                        return
                    pending += data
                head, _, pending = pending.partition(b"\r\n\r\n")
                answer = self._answer(head, connection)
                if answer is None:
                    return
                connection.sendall(answer)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()


@contextmanager
def raw_server(answer: Callable[[bytes, socket.socket], bytes | None]) -> Iterator[str]:
    with closing(RawServer(answer)) as server:
        yield server.url


REFERENCE = ReferenceServer(STORE, TOKEN, page_size=3)


def honest(head: bytes) -> bytes:
    """The reference server's answer to the head of a request, as bytes."""
    line, *fields = head.decode("latin-1").split("\r\n")
    method, target, _ = line.split(" ", 2)
    path, _, query = target.partition("?")
    headers = [
        (name.lower().encode(), value.strip().encode("latin-1"))
        for name, _, value in (f.partition(":") for f in fields)
    ]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
    }
    response = REFERENCE.encode(Request(scope), REFERENCE.respond(Request(scope)))
    top = [f"HTTP/1.1 {response.status_code} X", *(f"{k.decode()}: {v.decode()}" for k, v in response.raw_headers)]
    return "\r\n".join([*top, "", ""]).encode() + (b"" if method == "HEAD" else bytes(response.body))


def test_raw_honest() -> None:
    """The honest server is not accused below the level of an application either."""
    with raw_server(lambda head, _: honest(head)) as url:
        report = verify(url, TOKEN, manifest=MANIFEST)
    assert report.exit_code == 0, explain(report)
    assert broken(report) == []


def _late_byte(head: bytes, connection: socket.socket) -> bytes | None:
    connection.sendall(honest(head))
    time.sleep(0.002)
    return b"?" if b"file_offset=1 " in head else b""


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ("wire.answered", lambda head, _: None if b"caf\xe9" in head else honest(head)),
        ("wire.answered", lambda head, _: honest(head)[:40] if b"%00" in head else honest(head)),
        ("wire.answered", lambda head, _: b"HTTP/1.1 OK\r\n\r\n" if b"=-1" in head else honest(head)),
        ("wire.length", lambda head, _: honest(head) + b"\n"),
        ("wire.length", lambda head, _: honest(head) + b"{}" if head.startswith(b"HEAD") else honest(head)),
    ],
)
def test_raw_breach(rule: str, answer: Any) -> None:
    """Requests that are dropped, cut off or answered by no HTTP, and lengths that are wrong, are found and named."""
    with raw_server(answer) as url:
        report = verify(url, TOKEN, manifest=MANIFEST, timeout=1)
    assert rule in broken(report), explain(report)
    assert report.exit_code == 1


def test_late_byte() -> None:
    """A byte that follows an answer is found, before the next request or as its answer."""
    with raw_server(_late_byte) as url:
        report = verify(url, TOKEN, manifest=MANIFEST, timeout=2)
    assert {"wire.length", "wire.answered"} & set(broken(report)), explain(report)


def test_cut_body() -> None:
    """A body that ends before its Content-Length is named, and what the server answers otherwise is still judged."""

    def answer(head: bytes, connection: socket.socket) -> bytes | None:
        whole = honest(head)
        if b"file_offset=7" not in head:
            return whole
        connection.sendall(whole[:-5])
        return None

    with raw_server(answer) as url:
        report = verify(url, TOKEN, manifest=MANIFEST)
    assert "wire.length" in broken(report)
    assert "authentication.exact" in kept(report)


def _endless_body(_: bytes, connection: socket.socket) -> bytes | None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
    with suppress(OSError):
        while True:
            connection.sendall(b'"spam",' * 10_000)
    return None


def _endless_head(_: bytes, connection: socket.socket) -> bytes | None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    with suppress(OSError):
        while True:
            connection.sendall(b"X-Spam: spam\r\n" * 1000)
    return None


def _drip(_: bytes, connection: socket.socket) -> bytes | None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    with suppress(OSError):
        while True:
            connection.sendall(b" ")
            time.sleep(0.02)
    return None


HOSTILE: dict[str, Callable[[bytes, socket.socket], bytes | None]] = {
    "garbage": lambda head, _: bytes(range(256)) * 20 + b"\n",
    "silence": lambda head, _: time.sleep(3) or b"",  # type: ignore[func-returns-value]
    "closing": lambda head, _: None,
    "endless body": _endless_body,
    "endless head": _endless_head,
    "slow drip": _drip,
    "interim": lambda head, _: b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
    "huge length": lambda head, _: b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n{",
    "bad length": lambda head, _: b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{",
    "bad chunk": lambda head, _: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "deep": lambda head, _: b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"[" * 200_000,
    "long number": lambda head, _: b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"9" * 9000,
    "bomb": lambda head, _: b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
    "many values": lambda head, _: (
        b"HTTP/1.1 200 OK\r\nContent-Length: 24000002\r\n\r\n[" + b"[],\n" * 6_000_000 + b"]"
    ),
    "busy": lambda head, _: b"HTTP/1.1 429 X\r\nRetry-After: 0\r\nContent-Length: 16\r\n\r\n" + b'{"message":"no"}',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_server(kind: str) -> None:
    """A server that sends garbage, no end, or hardly anything is reported, and holds nobody up."""
    started = time.monotonic()
    with raw_server(HOSTILE[kind]) as url:
        report = verify(url, TOKEN, runs=["a", "b", "c"], timeout=0.3)
    assert time.monotonic() - started < 6
    assert report.exit_code in (1, 2)
    if kind not in ("busy", "bomb", "many values"):
        assert {"wire.answered", "wire.json"} & set(broken(report))
    assert report.requests <= 20


def test_odd_json() -> None:
    """Answers of every JSON shape, where pages are due, are reported and crash nothing."""
    odd = [
        "null",
        "[]",
        '"x"',
        "7",
        '{"files":{}}',
        '{"files":[1,null,[]],"has_more":true,"id":7,"status":[]}',
        '{"files":[{"documents":[[]]}],"has_more":false,"id":"run-1a","status":"COMPLETE","keys":[],"case_info":{"fields":[[]]}}',
        '{"has_more":1e400,"files":[]}',
        '{"files":[{}],"has_more":false,"id":{"a":[]},"status":{"name":"COMPLETE"},"start_timestamp":[],"case_info":7}',
    ]
    for text in odd:
        body = text.encode()
        top = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with raw_server(lambda head, _, answer=top + body: answer) as url:
            report = verify(url, TOKEN, manifest=MANIFEST)
        assert report.exit_code == 1, text
        assert "shape.results" in broken(report), text


# --- What is said, and what is not --------------------------------------------------------------------------


def test_unreachable() -> None:
    """A server that is not there, a token that is refused and a run that is not there cannot be judged: 2."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    report = verify(f"http://127.0.0.1:{port}", TOKEN, runs=[RUN])
    assert (report.exit_code, broken(report)) == (2, [])
    assert "cannot be reached" in report.obstacles[0]
    with serve(REFERENCE) as served:
        report = verify(served.url, "another-token", runs=[RUN])
        assert report.exit_code == 2
        assert report.obstacles == ("the token was refused (status 401)",)
        report = verify(served.url, TOKEN, runs=["nobody's"])
        assert report.exit_code == 2
        assert report.obstacles == ("run nobody's cannot be read (status 404)",)
        report = verify(served.url, TOKEN)
        assert report.exit_code == 2
        assert "name one with --run" in report.obstacles[0]
        report = verify(served.url, TOKEN, manifest=MANIFEST, context="no-org")
        assert report.exit_code == 2
        assert "no run of this context" in report.obstacles[0]
        report = verify(served.url, TOKEN, runs=[RUN, "nobody's"])
        assert (report.exit_code, broken(report)) == (2, [])
        report = verify(served.url, TOKEN, runs=[RUN], max_requests=30)
        assert (report.exit_code, report.requests) == (2, 30)
        assert "the budget was spent" in " ".join(report.obstacles)


def test_known_run_is_missing() -> None:
    """A run that is known to be there, and is not, is a breach."""
    report = verified(REFERENCE, manifest=Manifest((*MANIFEST.runs, KnownRun("gone", files=3, status="COMPLETE"))))
    assert report.exit_code == 1
    assert broken(report) == ["state.known"]


def test_same_seed_same_verdict() -> None:
    """The same seed asks the same questions and comes to the same verdict; another seed may ask others."""
    for app, times in ((REFERENCE, 5), (BREACHES["flags.unchanged"](), 2)):
        with serve(app) as served:
            reports = [verify(served.url, TOKEN, manifest=MANIFEST, seed=4) for _ in range(times)]
            other = verify(served.url, TOKEN, manifest=MANIFEST, seed=5)
        assert len({report.asked for report in reports}) == 1
        documents = [{**json.loads(to_json(report)), "seconds": 0} for report in reports]
        assert all(document == documents[0] for document in documents)
        assert broken(other) == broken(reports[0])
        assert other.asked != reports[0].asked


def test_requests_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    """At most 200 requests and about a second are needed for a server; the numbers are printed."""
    for known in (MANIFEST, None):
        report = verified(REFERENCE, manifest=known, **({} if known else {"runs": [RUN]}))
        with capsys.disabled():
            print(f"\n{len(report.runs)} runs: {report.requests} requests, {report.seconds:.2f} s")
        assert report.requests == len(report.asked) <= 200
        assert report.seconds < 5


def test_smallest_case_first() -> None:
    """Of all failures the one with the fewest flags and the smallest offset is shown first."""
    report = verified(BREACHES["paging.suffix"]())
    failure = next(verdict for verdict in report.broken if verdict.rule.id == "paging.suffix").failures[0]
    assert failure.case == f"run '{RUN}', offset 1, without flags"
    assert failure.path == "$.files[0]"
    assert failure.request.endswith(f"/v2/apps/runs/{RUN}/results?file_offset=1'")
    assert "$RUN_RESULTS_TOKEN" in failure.request
    report = verified(BREACHES["flags.unchanged"]())
    failure = next(verdict for verdict in report.broken if verdict.rule.id == "flags.unchanged").failures[0]
    assert "include_review_results and include_confidence_scores" in failure.case
    assert failure.path.endswith(".value")
    assert failure.got == failure.expected.strip() + "*"


def test_only_and_skip() -> None:
    """Rules that are left out are neither judged nor asked for."""
    report = verified(REFERENCE, only=["authentication"], skip=["authentication.doubled"])
    judged = {verdict.rule.id for verdict in report.verdicts if verdict.judged}
    assert judged == {rule.id for rule in RULES if rule.family == "authentication"} - {"authentication.doubled"}
    assert report.requests < 60
    assert not any(
        rule.startswith("paging.") for rule in broken(verified(BREACHES["paging.suffix"](), skip=["paging"]))
    )
    with pytest.raises(UnknownRuleError):
        verify("http://127.0.0.1:1", TOKEN, only=["pageing"])


def test_policy() -> None:
    """A rule of level POLICY is reported, and fails only when that is asked for."""
    assert verified(BREACHES["inputs.offset-canonical"](), only=["inputs"]).exit_code == 0
    report = verified(BREACHES["inputs.offset-canonical"](), policy=True, only=["inputs"])
    assert report.exit_code == 1
    assert [verdict.rule.id for verdict in report.breaches] == ["inputs.offset-canonical"]


def test_safe_sends_only_reads() -> None:
    """With `safe` nothing but GET and HEAD is sent, and the token stands in no query."""
    seen: list[bytes] = []

    def answer(head: bytes, _: socket.socket) -> bytes:
        seen.append(head)
        return honest(head)

    with raw_server(answer) as url:
        report = verify(url, TOKEN, manifest=MANIFEST, safe=True)
        assert report.exit_code == 0, explain(report)
        assert {head.split(b" ")[0] for head in seen} == {b"GET", b"HEAD"}
        assert not any(TOKEN.encode()[:-1] in head.split(b"\r\n")[0] for head in seen)


class Recording:
    """The reference server, with the method, the path and the status of every request that it was sent."""

    def __init__(self, store: MemoryStore, make: Callable[..., Any] = ReferenceServer) -> None:
        self.app = make(store, TOKEN, page_size=3)
        self.sent: list[tuple[str, bytes, int]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def record(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.sent.append((scope["method"], scope["raw_path"], message["status"]))
            await send(message)

        await self.app(scope, receive, record)

    def unsafe(self) -> list[tuple[str, bytes, list[int]]]:
        """Methods that could write: each with its path, and what the GETs to that path were answered before it."""
        found: list[tuple[str, bytes, list[int]]] = []
        for number, (method, path, _) in enumerate(self.sent):
            if method not in ("GET", "HEAD", "OPTIONS"):
                before = [status for how, where, status in self.sent[:number] if (how, where) == ("GET", path)]
                found.append((method, path, before))
        return found


class EveryMethod(ReferenceServer):
    """Answers other methods like GET, but for PUT and DELETE, which succeed whatever the id."""

    def respond(self, request: Request) -> Response:
        return Response("{}", 200) if request.method in ("PUT", "DELETE") else super().respond(request)

    def check_method(self, request: Request) -> None:
        """Lets every method in."""


NUMBERED = MemoryStore(
    [SyntheticRun(n, 4, run_id=str(n), documents_per_file=1, fields_per_document=3) for n in range(1000, 1013)]
)


@pytest.mark.parametrize("make", [ReferenceServer, EveryMethod])
@pytest.mark.parametrize("store", [STORE, NUMBERED], ids=["named", "numbered"])
def test_nothing_is_written(store: MemoryStore, make: Any) -> None:
    """No method but GET, HEAD and OPTIONS is sent, to whichever server; the rules about others say why."""
    server = Recording(store, make)
    known: list[dict[str, Any]] = [{"manifest": Manifest.of(store)}, {"runs": [RUN, "1009"]}]
    for options in known:
        report = verified(server, unsafe_methods=False, **{"manifest": None, **options})
        reasons = {verdict.rule.id: verdict.reason for verdict in report.verdicts if not verdict.judged}
        for rule in ("inputs.method", "inputs.method-405"):
            assert reasons[rule].endswith("only with --unsafe-methods")
    assert len(server.sent) > 100
    assert server.unsafe() == []


@pytest.mark.parametrize("make", [ReferenceServer, EveryMethod])
@pytest.mark.parametrize("run_id", [RUN, "1009"])
def test_unsafe_methods_go_to_ids_that_are_not_there(run_id: str, make: Any) -> None:
    """With the option other methods are sent, each only to an id that a GET has just found not to be there."""
    server = Recording(STORE if run_id == RUN else NUMBERED, make)
    verified(server, manifest=None, runs=[run_id])
    sent = server.unsafe()
    assert {method for method, _, _ in sent} >= {"POST", "PUT"}
    assert make is EveryMethod or {method for method, _, _ in sent} == {"POST", "PUT", "DELETE", "BREW", "TRACE"}
    assert all(before[-1] == 404 and 200 not in before for _, _, before in sent)
    assert not any(f"/{run_id}/".encode() in path for _, path, _ in sent)


def test_nothing_goes_to_an_id_that_a_method_has_made() -> None:
    """An id that a method has not been refused for may exist from then on: no further method goes there."""
    server = Recording(STORE, EveryMethod)
    report = verified(server, only=["inputs"])
    assert [method for method, _, _ in server.unsafe()] == ["POST", "PUT"]
    assert "inputs.method" in broken(report)


def test_no_unsafe_method_where_no_id_is_404() -> None:
    """A server that answers unknown ids with another status is sent no other method, and the report says why."""
    server = Recording(STORE, BadRequestForUnknown)
    report = verified(server)
    assert server.unsafe() == []
    reasons = {verdict.rule.id: verdict.reason for verdict in report.verdicts}
    assert "answered with 404" in reasons["inputs.method"]


class LooksFirst(ReferenceServer):
    """Looks for the run before it looks at the method."""

    def check_method(self, request: Request) -> None:
        """Later."""

    def respond(self, request: Request) -> Response:
        response = super().respond(request)
        if response.status_code == 404 or request.method in ("GET", "HEAD"):
            return response
        return self.error(Refusal(405, "Method not allowed", {"Allow": "GET, HEAD"}))


def test_a_server_may_look_for_the_run_first() -> None:
    """Then 404 is right for every method to an unknown id, and no remark is made."""
    report = verified(LooksFirst(STORE, TOKEN, page_size=3))
    assert broken(report) == [], explain(report)


def test_rate() -> None:
    """A rate is kept."""
    with serve(REFERENCE) as served:
        report = verify(served.url, TOKEN, runs=[RUN], max_requests=15, rate=30)
    assert report.requests == 15
    assert report.seconds >= 14 / 30


def test_a_server_without_time_is_not_judged() -> None:
    """429 with a Retry-After that nobody waits for is no breach of what was asked for."""
    asked = {"times": 0}

    def answer(head: bytes, _: socket.socket) -> bytes:
        asked["times"] += 1
        if asked["times"] % 5 == 0:
            body = b'{"message":"Slow down"}'
            top = (
                f"HTTP/1.1 429 X\r\nRetry-After: 3600\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            )
            return top.encode() + b"\r\n\r\n" + (b"" if head.startswith(b"HEAD") else body)
        return honest(head)

    for seed in range(5):
        asked["times"] = seed
        with raw_server(answer) as url:
            report = verify(url, TOKEN, manifest=MANIFEST, max_requests=300, seed=seed)
        assert broken(report) == [], explain(report)


def test_busy_server_is_asked_again() -> None:
    """429 with Retry-After is waited for and asked again, and is no breach."""
    asked = {"times": 0}

    def answer(head: bytes, _: socket.socket) -> bytes:
        asked["times"] += 1
        if asked["times"] % 7 == 0:
            body = b'{"message":"Slow down"}'
            top = f"HTTP/1.1 429 X\r\nRetry-After: 0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            return top.encode() + b"\r\n\r\n" + (b"" if head.startswith(b"HEAD") else body)
        return honest(head)

    with raw_server(answer) as url:
        report = verify(url, TOKEN, manifest=MANIFEST, max_requests=300)
    assert report.exit_code == 0, explain(report)
    assert broken(report) == []


class Leaking(ReferenceServer):
    """Puts the token wherever it can: into errors, pages, headers."""

    def dump(self, body: Any) -> bytes:
        leak = f"{TOKEN} {TOKEN[:-1]} {TOKEN.upper()} " + "".join(f"\\u{ord(c):04x}" for c in TOKEN)
        return json.dumps({**body, "status": f"x{TOKEN}", TOKEN: 1, "message": leak}).encode()

    def respond(self, request: Request) -> Response:
        response = super().respond(request)
        response.headers["X-Token"] = TOKEN
        response.headers["Content-Type"] = f"text/{TOKEN}"
        return response


@pytest.mark.parametrize("app", [Leaking(STORE, TOKEN, page_size=3), REFERENCE], ids=["leaking", "honest"])
def test_the_token_is_nowhere(app: Any) -> None:
    """Not in the terminal report, not in JUnit, JSON or HTML, not in the requests: even if the server shouts it."""
    report = verified(app)
    texts = [
        to_text(report, verbose=True),
        to_junit(report),
        to_html(report),
        to_json(report),
        repr(report),
    ]
    for text in (*texts, *report.asked):
        assert TOKEN[:-1].lower() not in text.lower()
        assert "s3cret" not in text.lower()
    assert report.exit_code == (0 if app is REFERENCE else 1)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("127.0.0.1:80", "must start with"),
        ("ftp://host", "must start with"),
        ("http://", "must start with"),
        ("http://user:pw@host", "no user"),
        ("http://host?x=1", "no user"),
        ("http://host:99999", "cannot be read"),
        ("http://ho st", "spaces"),
        ("http://host/\u2603", "cannot be read"),
    ],
)
def test_bad_urls(url: str, why: str) -> None:
    """A URL that cannot be the base of an API is refused without being quoted."""
    with pytest.raises(AddressError, match=why) as caught:
        verify(url, TOKEN)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"context": ""},
        {"context": "a\nb"},
        {"manifest": Manifest((KnownRun("r", "a\r\n\r\nDELETE / HTTP/1.1"),))},
        {"max_requests": 0},
        {"timeout": 0},
        {"rate": -1},
        {"safe": True, "unsafe_methods": True},
    ],
)
def test_bad_arguments(options: dict[str, Any]) -> None:
    """What cannot be asked for is refused before anything is sent; so is a token that no header can hold."""
    with pytest.raises(VerifyError):
        verify("http://127.0.0.1:1", TOKEN, **options)
    for token in ("", "a b", "a\r\nX: y", "ü"):
        with pytest.raises(VerifyError) as caught:
            verify("http://127.0.0.1:1", token)
        assert not token or token not in str(caught.value)

"""Every rule has a fault that breaks it: the verifier finds the fault, and names it by that rule."""

import os
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance import ReferenceServer, Token, serve
from run_results_conformance.faults import STANDARD_PAGE_SIZE, STANDARD_TOKEN, faulty, standard_store
from run_results_conformance.server.reference import Refusal
from run_results_conformance.verifier.manifest import Manifest
from run_results_conformance.verifier.rules import BY_ID, RULES, Level
from run_results_conformance.verifier.verification import verify

from .verifier_kit import RUN, STORE, TOKEN, BadRequestForUnknown, broken, explain, verified

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
pytestmark = pytest.mark.usefixtures("quick_turns")

# --- A fault for every rule -----------------------------------------------------------------------------------

FAULT_OF = {
    "wire.answered": "no-answer-beyond-int32",
    "wire.status": "409-failed-run",
    "wire.content-type": "content-type-text",
    "wire.utf8": "surrogates-as-utf-8",
    "wire.bom": "byte-order-mark",
    "wire.json": "jsonp",
    "wire.duplicate-keys": "duplicate-key",
    "wire.numbers": "nan-for-null",
    "wire.surrogates": "lone-surrogate",
    "wire.length": "length-beyond-body",
    "wire.coding": "gzip-unasked",
    "wire.gzip": "gzip-cut",
    "wire.head": "head-204",
    "shape.results": "keys-null",
    "errors.shape": "error-a-text",
    "errors.server-error": "400-as-500",
    "errors.authenticate": "401-basic-challenge",
    "errors.allow": "405-without-allow",
    "errors.retry-after": "429-retry-soon",
    "errors.discreet": "404-traceback",
    "errors.token": "401-quotes-token",
    "authentication.required": "token-after-run",
    "authentication.before-lookup": "error-before-token",
    "authentication.empty": "token-empty",
    "authentication.exact": "token-any",
    "authentication.scheme": "scheme-any",
    "authentication.scheme-case": "scheme-lower-case-refused",
    "authentication.header-only": "token-in-query",
    "authentication.doubled": "header-doubled-any-wins",
    "inputs.run-id-exact": "run-id-nfc",
    "inputs.run-id-odd": "run-id-pattern",
    "inputs.path-encoding": "run-id-not-decoded",
    "inputs.path": "run-id-latin-1",
    "inputs.method": "delete-accepted",
    "inputs.method-405": "method-overridden",
    "inputs.offset-refused": "offset-boolean",
    "inputs.offset-read": "offset-octal",
    "inputs.offset-canonical": "offset-spaces",
    "inputs.offset-int64": "offset-beyond-2-53-refused",
    "inputs.boolean-refused": "flag-bare",
    "inputs.boolean-read": "flag-capital-false",
    "inputs.boolean-canonical": "flag-one",
    "inputs.doubled": "flag-doubled",
    "inputs.unknown-parameter": "context-in-query",
    "inputs.unknown-tolerated": "query-unknown-refused",
    "inputs.query-encoding": "query-not-decoded",
    "inputs.headers": "accept-refused",
    "inputs.context-refused": "context-empty-as-default",
    "paging.suffix": "offset-rounded-up",
    "paging.progress": "page-size-zero-under-flag",
    "paging.termination": "run-without-end",
    "paging.has-more": "has-more-late",
    "paging.end": "has-more-past-end",
    "paging.no-repeat": "file-comes-twice",
    "paging.flags": "review-reorders-files",
    "paging.deterministic": "asked-again-at-once",
    "paging.default": "offset-zero-refused",
    "flags.present": "flags-one-at-a-time",
    "flags.absent": "pdf-path-leaked",
    "flags.unchanged": "no-flags-no-fields",
    "flags.explicit-false": "flag-false-refused",
    "names.valid": "names-raw",
    "names.exact": "nfc",
    "state.id": "id-upper-case",
    "state.status": "status-unknown",
    "state.running": "finish-while-unfinished",
    "state.waiting": "finish-while-waiting",
    "state.complete": "finish-null-when-complete",
    "state.ended": "finish-null-when-failed",
    "state.order": "finish-before-start",
    "state.nanoseconds": "start-zero",
    "state.header": "keys-of-page",
    "state.known": "404-running",
    "state.file-count": "files-capped",
    "state.content": "collisions-merged",
    "context.made-up": "context-ignored",
    "context.foreign": "context-prefix",
    "context.own": "context-header-of-other-run",
    "context.case": "context-case-folded",
    "runs.shape": "list-batch-id-text",
    "runs.times": "list-finish-while-running",
    "runs.no-repeat": "list-run-twice",
    "runs.window": "list-to-ignored",
    "runs.default-window": "list-default-everything",
    "runs.only-matching": "list-status-ignored",
    "runs.every-match": "list-status-first-only",
    "runs.empty": "list-unknown-run-404",
    "runs.order": "list-order-ignored",
    "runs.sorted-by-status": "list-sort-by-ignored",
    "runs.limit": "list-limit-and-one",
    "runs.suffix": "list-offset-rounded",
    "runs.end": "list-empty-page-between",
    "runs.deterministic": "list-flickers",
    "runs.same-run": "list-start-rounded",
    "runs.authentication": "list-without-token",
    "runs.context": "list-context-ignored",
    "runs.refused": "list-limit-zero-taken",
    "latency.budget": "slow-at-times",
}


def test_every_rule_can_be_broken() -> None:
    """There is a fault for every rule of the catalogue: none stands there that nothing can break."""
    assert FAULT_OF.keys() == {rule.id for rule in RULES}


STANDARD = standard_store()
STANDARD_MANIFEST = Manifest.of(STANDARD, may_act_in=STANDARD_TOKEN.may_act_in)


@pytest.mark.parametrize("rule", FAULT_OF)
def test_a_fault_is_named_by_its_rule(rule: str) -> None:
    """A server with one fault is found out, and its rule names it; for lists of runs, no other rule does."""
    family = BY_ID[rule].family
    # Only the rule or its family is judged, with the requests that it needs: the rest would cost time.
    first = [(family, 100)] if THOROUGH or family == "runs" else [(rule, 30), (rule, 250)]
    for only, requests in (*first, (family, 250)):
        with serve(faulty(FAULT_OF[rule], STANDARD, STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)) as served:
            report = verify(
                served.url,
                STANDARD_TOKEN.value,
                manifest=STANDARD_MANIFEST,
                only=[only],
                unsafe_methods=True,
                max_requests=requests,
                # Only the server that is slow on purpose may be found slow.
                **({} if rule == "latency.budget" else {"latency": 60}),
            )
        if rule in broken(report) and not report.obstacles:
            break
    assert rule in broken(report), explain(report)
    if family == "runs":  # without the rule nobody would find it
        assert broken(report) == [rule], explain(report)
    must = any(BY_ID[each].level is Level.MUST for each in broken(report))
    assert report.exit_code == (1 if must else 0)
    assert STANDARD_TOKEN.value not in repr(report)


# --- Members of the families ---------------------------------------------------------------------------------


def _header(request: Request) -> str:
    return str(request.headers.get("authorization", ""))


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
    for seed in (0, 1) if THOROUGH else (0,):
        report = verified(make(), only=[rule], seed=seed)
        assert broken(report) == [rule], explain(report)

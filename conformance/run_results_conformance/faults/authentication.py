"""Authentication: requests that are accepted with a missing or wrong token, or refused with a right one."""

from collections.abc import Callable, Sequence
from typing import cast
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance.server.reference import Refusal, Token

from .fault import Fault, Level, Make, Question
from .standard import BEARER, STANDARD_TOKEN, asking
from .steps import Call, Step, admitted, server_with

TOKEN = STANDARD_TOKEN.value


def authentication(name: str, breach: str, make: Make, *witness: Question, level: Level = "MUST") -> Fault:
    return Fault(name, "authentication", breach, "nothing", make, level, witness)


def _bearer(test: Callable[[str, str], bool]) -> Make:
    """Accepts a text after `Bearer ` for which `test(text, valid_token)` is true."""

    def passes(given: Sequence[str], token: str) -> bool:
        scheme, _, value = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        return scheme.lower() == "bearer" and test(value, token)

    return admitted(passes)


def _kept_out(test: Callable[[str], bool]) -> Make:
    """Refuses valid tokens if the header passes the test."""

    def authenticate(_call: Call, honest: Step, request: Request) -> Token:
        token: Token = honest(request)
        if test(request.headers["authorization"]):
            raise Refusal(401, "A valid bearer token is required", {"WWW-Authenticate": "Bearer"})
        return token

    return server_with(authenticate=authenticate)


def _admitted_by_request(test: Callable[[Request, str], bool]) -> Make:
    def authenticate(call: Call, honest: Step, request: Request) -> Token:
        try:
            return cast("Token", honest(request))
        except Refusal:
            for token in call.server.tokens:
                if test(request, token.value):
                    return token
            raise

    return server_with(authenticate=authenticate)


def _after_the_run(call: Call, honest: Step, request: Request) -> Token:
    """Looks for the run before it checks the token, so that anybody learns which runs exist."""
    if not call.is_list:
        run_id, token = call.server.read_run_id(request), call.server.tokens[0]
        call.server.find_run(run_id, call.server.read_context(request, token))
    return cast("Token", honest(request))


def _blind(call: Call, honest: Step, request: Request) -> Response:
    response: Response = honest(request)
    if response.status_code == 401 and call.header("authorization"):
        body = {"id": call.server.read_run_id(request), "status": "COMPLETE", "files": [], "has_more": False}
        return Response(call.server.dump(body), media_type="application/json")
    return response


def _as(text: str) -> Question:
    return asking(authorization=text)


AUTHENTICATION = (
    authentication(
        "token-absent",
        "A request without a token is accepted.",
        admitted(lambda given, _token: not given),
        asking(authorization=None),
    ),
    authentication(
        "token-empty", "An empty token is accepted.", _bearer(lambda value, _token: not value), _as("Bearer ")
    ),
    authentication(
        "header-empty",
        "An empty Authorization header is accepted.",
        admitted(lambda given, _token: given == [""]),
        _as(""),
    ),
    authentication(
        "scheme-alone",
        "The word Bearer alone is accepted.",
        admitted(lambda given, _token: given == ["Bearer"]),
        _as("Bearer"),
    ),
    authentication(
        "token-any", "Every token is accepted.", _bearer(lambda value, _token: bool(value)), _as("Bearer wrong")
    ),
    authentication(
        "token-well-formed",
        "Every token of the right length is accepted.",
        _bearer(lambda value, token: len(value) == len(token)),
        _as(f"Bearer {'x' * len(TOKEN)}"),
    ),
    authentication(
        "token-prefix",
        "The first characters of a token are accepted.",
        _bearer(lambda value, token: value != "" and token.startswith(value)),
        _as(f"Bearer {TOKEN[:-1]}"),
    ),
    authentication(
        "token-with-suffix",
        "A token with something after it is accepted.",
        _bearer(lambda value, token: value.startswith(token)),
        _as(f"Bearer {TOKEN}x"),
    ),
    authentication(
        "token-within",
        "A text that has a token in it is accepted.",
        _bearer(lambda value, token: token in value),
        _as(f"Bearer x{TOKEN}"),
    ),
    authentication(
        "token-eight-characters",
        "Only the first eight characters of a token are compared.",
        _bearer(lambda value, token: value[:8] == token[:8]),
        _as(f"Bearer {TOKEN[:8]}-and-others"),
    ),
    authentication(
        "token-suffix-alone",
        "The end of a token is accepted.",
        _bearer(lambda value, token: value != "" and token.endswith(value)),
        _as(f"Bearer {TOKEN[1:]}"),
    ),
    authentication(
        "token-case-folded",
        "A token in another case is accepted.",
        _bearer(lambda value, token: value.casefold() == token.casefold()),
        _as(f"Bearer {TOKEN.swapcase()}"),
    ),
    authentication(
        "token-padding-stripped",
        "A token without, or with other, padding is accepted.",
        _bearer(lambda value, token: value.rstrip("=") == token.rstrip("=")),
        _as(f"Bearer {TOKEN}="),
    ),
    authentication(
        "token-two-words",
        "What stands after the token and a space is ignored.",
        _bearer(lambda value, token: value.split(" ")[0] == token),
        _as(f"Bearer {TOKEN} wrong"),
    ),
    authentication(
        "token-quoted",
        "A token in quotes is accepted.",
        _bearer(lambda value, token: value == f'"{token}"'),
        _as(f'Bearer "{TOKEN}"'),
        level="POLICY",
    ),
    authentication(
        "scheme-basic",
        "The token is accepted under the scheme Basic.",
        admitted(lambda given, token: given == [f"Basic {token}"]),
        _as(f"Basic {TOKEN}"),
    ),
    authentication(
        "scheme-token",
        "The token is accepted under the scheme Token.",
        admitted(lambda given, token: given == [f"Token {token}"]),
        _as(f"Token {TOKEN}"),
    ),
    authentication(
        "scheme-any",
        "The token is accepted under every scheme.",
        admitted(lambda given, token: [text.partition(" ")[2] for text in given] == [token]),
        _as(f"Digest {TOKEN}"),
        _as(f"Bearer2 {TOKEN}"),
    ),
    authentication(
        "scheme-prefix",
        "A scheme that begins with Bearer is accepted.",
        admitted(
            lambda given, token: given[:1] != [] and given[0].startswith("Bearer") and given[0].endswith(f" {token}")
        ),
        _as(f"BearerX {TOKEN}"),
    ),
    authentication(
        "scheme-none",
        "The token without a scheme is accepted.",
        admitted(lambda given, token: given == [token]),
        _as(TOKEN),
    ),
    authentication(
        "scheme-lower-case-refused",
        "The scheme bearer in lower case is refused.",
        _kept_out(lambda header: header.startswith("bearer")),
        _as(f"bearer {TOKEN}"),
    ),
    authentication(
        "scheme-upper-case-refused",
        "The scheme BEARER in upper case is refused.",
        _kept_out(lambda header: header.startswith("BEARER")),
        _as(f"BEARER {TOKEN}"),
    ),
    authentication(
        "header-doubled-first-wins",
        "Of two Authorization headers the first is taken.",
        admitted(lambda given, token: given[:1] == [f"Bearer {token}"]),
        asking(headers=(("Authorization", "Bearer wrong"),)),
        level="POLICY",
    ),
    authentication(
        "header-doubled-any-wins",
        "Of several Authorization headers any may be valid.",
        admitted(lambda given, token: f"Bearer {token}" in given),
        asking(authorization="Bearer wrong", headers=(("Authorization", BEARER),)),
        level="POLICY",
    ),
    authentication(
        "token-in-query",
        "A token in the query is accepted.",
        _admitted_by_request(lambda request, token: token in dict(parse_qsl(request.url.query)).values()),
        asking(query=f"access_token={TOKEN.replace('=', '%3D')}", authorization=None),
    ),
    authentication(
        "token-in-cookie",
        "A token in a cookie is accepted.",
        _admitted_by_request(lambda request, token: token in request.headers.get("cookie", "")),
        asking(authorization=None, headers=(("Cookie", f"session={TOKEN}"),)),
    ),
    authentication(
        "token-in-other-header",
        "A token in X-Api-Key is accepted.",
        _admitted_by_request(lambda request, token: request.headers.get("x-api-key") == token),
        asking(authorization=None, headers=(("X-Api-Key", TOKEN),)),
    ),
    authentication(
        "head-without-token",
        "HEAD needs no token.",
        _admitted_by_request(lambda request, _token: request.method == "HEAD"),
        asking(method="HEAD", authorization=None),
    ),
    authentication(
        "later-pages-without-token",
        "An offset above zero needs no token.",
        _admitted_by_request(lambda request, _token: request.query_params.get("file_offset", "0") != "0"),
        asking(query="file_offset=3", authorization=None),
    ),
    authentication(
        "forwarded-without-token",
        "A request that says it comes from this computer needs no token.",
        _admitted_by_request(lambda request, _token: request.headers.get("x-forwarded-for") == "127.0.0.1"),
        asking(authorization=None, headers=(("X-Forwarded-For", "127.0.0.1"),)),
    ),
    authentication(
        "token-after-run",
        "Without a token it can be seen which runs there are.",
        server_with(authenticate=_after_the_run),
        asking("no-such-run", authorization=None),
        level="POLICY",
    ),
    authentication(
        "error-before-token",
        "Without a token a bad offset is answered with 400.",
        server_with(authenticate=lambda call, honest, request: (call.server.read_offset(request), honest(request))[1]),
        asking(query="file_offset=-1", authorization=None),
        level="POLICY",
    ),
    authentication(
        "wrong-token-empty-run",
        "A wrong token sees every run as one without files.",
        server_with(respond=_blind),
        _as("Bearer wrong"),
    ),
)

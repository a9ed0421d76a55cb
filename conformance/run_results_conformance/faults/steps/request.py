"""Steps that read the request differently: parameters, path, run id, token."""

from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn, cast

from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance.faults.fault import Make
from run_results_conformance.server.reference import Refusal, Token
from run_results_conformance.server.runs import Run

from .call import Call, Step, When, always, server_with


def spelled(change: Callable[[str], str], *names: str) -> Make:
    """A server that changes the text of query parameters before it reads them (default: of all flags)."""

    def read_query(call: Call, honest: Step, request: Request) -> dict[str, list[str]]:
        query = cast("dict[str, list[str]]", honest(request))
        for name in names or call.server.contract.flags:
            if name in query:
                query[name] = [change(text) for text in query[name]]
        return query

    return server_with(read_query=read_query)


def chosen(pick: Callable[[list[str]], str], *names: str) -> Make:
    """A server that picks one value if a query parameter is given more than once."""

    def read_query(_call: Call, honest: Step, request: Request) -> dict[str, list[str]]:
        return {name: [pick(texts)] if name in names else texts for name, texts in honest(request).items()}

    return server_with(read_query=read_query)


def retargeted(change: Callable[[bytes], bytes]) -> Make:
    """A server that changes the path before it reads it."""

    def respond(_call: Call, honest: Step, request: Request) -> Response:
        request.scope["raw_path"] = change(request.scope["raw_path"])
        return cast("Response", honest(request))

    return server_with(respond=respond)


def found(candidates: Callable[[Call, str], Iterable[str]]) -> Make:
    """A server that answers with the first run among the candidates, if no run has the id."""

    def find_run(call: Call, honest: Step, run_id: str, context: str | None) -> Run:
        try:
            return cast("Run", honest(run_id, context))
        except Refusal:
            for candidate in candidates(call, run_id):
                if (run := call.server.store.find(candidate, context)) is not None:
                    return run
            raise

    return server_with(find_run=find_run)


def known(test: Callable[[str, str], bool]) -> Callable[[Call, str], Iterable[str]]:
    """Candidates for `found`: the ids in the context for which `test(id, requested_id)` is true."""
    return lambda call, asked: [
        run_id for context, run_id in call.server.store if context == call.context and test(run_id, asked)
    ]


def admitted(test: Callable[[Sequence[str], str], bool], *, when: When = always) -> Make:
    """A server that also accepts requests for which `test(authorization_headers, token)` is true."""

    def authenticate(call: Call, honest: Step, request: Request) -> Token:
        try:
            return cast("Token", honest(request))
        except Refusal:
            given = request.headers.getlist("authorization")
            for token in call.server.tokens if when(call) else ():
                if test(given, token.value):
                    return token
            raise

    return server_with(authenticate=authenticate)


def refuse(status: int, message: str) -> NoReturn:
    """Refuses the request with an error of this status."""
    raise Refusal(status, message)

"""Memory: a request leaves something behind that changes the answer to the next one, or copies of a server differ.

What is left behind stands in `vars(call.server)`. The copies of a server take its connections in turn.
"""

from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance.server.reference import Refusal, Token
from run_results_conformance.server.runs import Run
from run_results_conformance.server.terms import JsonObject

from .fault import Fault, Make, Needs, Question
from .standard import (
    ACME_RUN,
    SINGLE_RUN,
    STANDARD_CONTEXT,
    STANDARD_RUN,
    asking,
    flags,
    from_offset,
)
from .steps import FIELD, Call, Step, at, cut_and_more, edited, flagged, gone, named, refuse, server_with

_CLOSE = (("Connection", "close"),)


def memory(name: str, breach: str, make: Make, *witness: Question, needs: Needs = "nothing") -> Fault:
    return Fault(name, "memory", breach, needs, make, witness=witness)


def _swapped(call: Call, name: str, value: Any) -> Any:
    """What stood under this name, in whose place the value stands now."""
    memories = vars(call.server)
    before = memories.get(name)
    memories[name] = value
    return before


# --- Copies -------------------------------------------------------------------------------------------------


def _copy(call: Call, copies: int = 2) -> int:
    """Which copy answers: that of the connection."""
    seen = vars(call.server).setdefault("connections", {})
    return cast("int", seen.setdefault(call.request.scope.get("client"), len(seen)) % copies)


def _second(call: Call) -> bool:
    return _copy(call) == 1


def _third(call: Call) -> bool:
    return _copy(call, 3) == 2


def _on_new_connections(*questions: Question) -> tuple[Question, ...]:
    """The questions, each on its own connection."""
    return tuple(Question(each.target, each.method, (*each.headers, *_CLOSE)) for each in questions)


def _twice(*questions: Question) -> tuple[Question, ...]:
    return _on_new_connections(*(each for each in questions for _ in range(2)))


def _lacks_last(call: Call) -> int:
    return call.total - _second(call)


# --- What is left behind ------------------------------------------------------------------------------------


def _cursor(call: Call, honest: Step, request: Request) -> int:
    """Goes on after the page before where the request has no offset."""
    given = "file_offset" in request.query_params
    offset = cast("int", honest(request)) if given else vars(call.server).get("next_offset", 0)
    run = call.returned.get("read_run_id")
    if given:
        vars(call.server)["next_offset"] = offset + 3 if run else 0
    else:
        vars(call.server)["next_offset"] = 0
    return int(offset)


def _sticky_context(call: Call, honest: Step, request: Request, token: Token) -> str | None:
    """Acts in the context of the last request that named one, if the token may."""
    context = cast("str | None", honest(request, token))
    if call.header("ib-context") is not None:
        vars(call.server)["last_context"] = context if token.may_act_in(context) else None
        return context
    return cast("str | None", vars(call.server).get("last_context", context))


def _sticky_run(call: Call, honest: Step, run_id: str, context: str | None) -> Run:
    """Pages after the first are those of the run whose first page was read last."""
    if call.offset == 0:
        vars(call.server)["open_run"] = run_id
    return cast("Run", honest(vars(call.server).get("open_run", run_id), context))


def _sticky_refusal(status: int) -> Step:
    """Repeats an error of this status once, for the next request."""

    def respond(call: Call, honest: Step, request: Request) -> Response:
        response = cast("Response", honest(request))
        if _swapped(call, "refused", response.status_code == status):
            return call.server.error(Refusal(status, "As before"))
        return response

    return respond


def _trusted_address(call: Call, honest: Step, request: Request) -> Token:
    """Lets in whatever comes from an address from which a valid token came."""
    known = vars(call.server).setdefault("trusted", {})
    try:
        token = cast("Token", honest(request))
    except Refusal:
        if (found := known.get((request.scope.get("client") or ("",))[0])) is None:
            raise
        return cast("Token", found)
    known[(request.scope.get("client") or ("",))[0]] = token
    return token


def _flags_of_last(call: Call, given: frozenset[str]) -> frozenset[str]:
    """The flags of the request before, where this one has none."""
    before = _swapped(call, "last_flags", given)
    return given or before or given


def _empty_after_head(call: Call, honest: Step, request: Request) -> Response:
    """Answers the GET after a HEAD for the same target with no files: the answer to HEAD was kept."""
    key = (request.scope["raw_path"], request.scope["query_string"])
    before = _swapped(call, "head", key if request.method == "HEAD" else None)
    vars(call.server)["emptied"] = request.method == "GET" and before == key
    return cast("Response", honest(request))


def _emptied(call: Call) -> bool:
    return bool(vars(call.server).get("emptied"))


def _values_of_last(call: Call, page: JsonObject) -> None:
    """The batch is that of the run that was read before."""
    if (before := _swapped(call, "last_batch", page.get("batch_id"))) is not None:
        page["batch_id"] = before


AFTER_ERROR = (asking(query="file_offset=-1"), asking())

MEMORY = (
    memory(
        "copy-lacks-last-file",
        "Every second connection leads to a copy that lacks the last file of each run.",
        cut_and_more(
            lambda call: (call.offset, min(call.offset + call.size, _lacks_last(call))),
            lambda call: call.end < _lacks_last(call),
        ),
        *_twice(*from_offset(12)),
    ),
    memory(
        "copy-lacks-run",
        "Every second connection leads to a copy that does not know the run of one file.",
        server_with(
            find_run=lambda call, honest, run_id, context: (
                refuse(404, "Run not found") if run_id == SINGLE_RUN and _second(call) else honest(run_id, context)
            )
        ),
        *_twice(asking(SINGLE_RUN)),
    ),
    memory(
        "copy-with-other-names",
        "Every second connection leads to a copy that does not double underscores.",
        named(lambda _project, api: api.replace("__", "_"), when=_second),
        *_twice(asking("run-names")),
    ),
    memory(
        "copy-with-other-order",
        "Every second connection leads to a copy that has the files of a page in another order.",
        server_with(slice=lambda call, honest, *arguments: list(honest(*arguments))[:: -1 if _second(call) else 1]),
        *_twice(asking()),
    ),
    memory(
        "copy-with-other-values",
        "Every second connection leads to a copy that has the values before their correction.",
        edited(at(f"{FIELD}/value", str.upper), when=_second),
        *_twice(asking()),
    ),
    memory(
        "copy-without-flags",
        "Every second connection leads to an older copy that knows no flags.",
        flagged(lambda call, given: () if _second(call) else given),
        *_twice(asking(query=flags())),
    ),
    memory(
        "copy-without-token-check",
        "Every third connection leads to a copy that accepts every token.",
        server_with(
            authenticate=lambda call, honest, request: call.server.tokens[0] if _third(call) else honest(request)
        ),
        *_on_new_connections(*(asking(authorization=None) for _ in range(3))),
    ),
    memory(
        "copy-with-error-fields-lost",
        "Every third connection leads to a copy that leaves out error messages.",
        edited(at(f"{FIELD}/error_msg", gone), when=_third),
        *_on_new_connections(*(each for each in from_offset(0, 3, 6, 9) for _ in range(3))),
    ),
    memory(
        "offset-remembered",
        "A request without an offset goes on where the page before ended.",
        server_with(read_offset=_cursor),
        asking(query="file_offset=3"),
        asking(),
    ),
    memory(
        "context-remembered",
        "A request without a context acts in the context that was named last.",
        server_with(read_context=_sticky_context),
        asking(ACME_RUN, context=STANDARD_CONTEXT),
        asking(STANDARD_RUN),
        needs="contexts",
    ),
    memory(
        "flags-of-the-request-before",
        "A request without flags has those of the request before.",
        flagged(_flags_of_last),
        asking(query=flags()),
        asking(),
    ),
    memory(
        "run-remembered",
        "A later page is that of the run whose first page was read last.",
        server_with(find_run=_sticky_run),
        asking(),
        asking("run-exact"),
        asking(query="file_offset=3"),
        needs="run ids",
    ),
    memory(
        "batch-of-the-run-before",
        "The batch is that of the run that was read before.",
        edited(_values_of_last),
        asking(),
        asking("run-exact"),
        needs="run ids",
    ),
    memory(
        "refused-again-after-400",
        "After a request that was refused with 400 the next one is refused too.",
        server_with(respond=_sticky_refusal(400)),
        *AFTER_ERROR,
    ),
    memory(
        "refused-again-after-401",
        "After a request that was refused with 401 the next one is refused too.",
        server_with(respond=_sticky_refusal(401)),
        asking(authorization=None),
        asking(),
    ),
    memory(
        "refused-again-after-404",
        "After a request that was refused with 404 the next one is refused too.",
        server_with(respond=_sticky_refusal(404)),
        asking("nobody-knows-it"),
        asking(),
    ),
    memory(
        "address-trusted",
        "From an address that has sent a valid token no more tokens are wanted.",
        server_with(authenticate=_trusted_address),
        asking(),
        asking(authorization=None),
    ),
    memory(
        "empty-after-head",
        "A GET after a HEAD for the same target has files without documents.",
        server_with(
            respond=_empty_after_head,
            project=lambda call, honest, page, flags_: honest(
                {**page, "files": [{**file, "documents": []} for file in page["files"]]} if _emptied(call) else page,
                flags_,
            ),
        ),
        asking(method="HEAD"),
        asking(),
    ),
)

"""Contexts: runs that are found in a context where they are not, or not found where they are."""

from collections.abc import Callable

from starlette.requests import Request

from run_results_conformance.server.reference import Refusal, Token
from run_results_conformance.server.runs import Run

from .fault import Fault, Level, Make, Question
from .standard import ACME_RUN, FOREIGN_CONTEXT, FOREIGN_RUN, STANDARD_CONTEXT, STANDARD_RUN, asking
from .steps import Call, Step, edited, server_with


def context(name: str, breach: str, make: Make, *witness: Question, level: Level = "MUST") -> Fault:
    return Fault(name, "context", breach, "contexts", make, level, witness)


def _else_in(contexts: Callable[[Call], list[str | None]]) -> Make:
    """Looks for a run in other contexts if the requested one does not have it."""

    def find_run(call: Call, honest: Step, run_id: str, own: str | None) -> Run:
        for other in (own, *contexts(call)):
            run = call.server.store.find(run_id, other)
            if run is not None:
                return run
        run_: Run = honest(run_id, own)
        return run_

    return server_with(find_run=find_run)


def _read(change: Callable[[Call, str | None], str | None]) -> Make:
    return server_with(read_context=lambda call, honest, *arguments: change(call, honest(*arguments)))


def _all(call: Call) -> list[str | None]:
    return [context_ for context_, _ in call.server.store]


def _named(call: Call, given: str | None, test: Callable[[str, str], bool]) -> str | None:
    """The context of the store for which `test(context, given)` is true."""
    return next((known for known in _all(call) if known and given and test(known, given)), given)


def _unless_there(call: Call, honest: Step, token: Token, given: str | None) -> None:
    """Allows a foreign context if it has the run."""
    try:
        honest(token, given)
    except Refusal:
        if call.server.store.find(call.run_id, given) is None:
            raise


def _silent_default(_call: Call, honest: Step, request: Request, token: Token) -> str | None:
    """Acts in the default context if the token may not act in the given one."""
    given: str | None = honest(request, token)
    return given if token.may_act_in(given) else token.default_context


CONTEXT = (
    context(
        "context-ignored",
        "IB-Context is ignored.",
        _read(lambda call, _given: call.server.tokens[0].default_context),
        asking(context=STANDARD_CONTEXT),
    ),
    context(
        "context-ignored-late",
        "IB-Context is ignored above the offset zero.",
        _read(
            lambda call, given: (
                given
                if call.request.query_params.get("file_offset", "0") == "0"
                else call.server.tokens[0].default_context
            )
        ),
        asking(query="file_offset=3", context=STANDARD_CONTEXT),
    ),
    context(
        "context-not-checked",
        "Every token may act in every context.",
        server_with(authorize=lambda _call, _honest, *_arguments: None),
        asking(FOREIGN_RUN, context=FOREIGN_CONTEXT),
    ),
    context(
        "context-not-checked-when-there",
        "A token may see, in every context, the runs that are there.",
        server_with(authorize=_unless_there),
        asking(FOREIGN_RUN, context=FOREIGN_CONTEXT),
    ),
    context(
        "context-foreign-as-default",
        "A foreign context is taken for the default one.",
        server_with(read_context=_silent_default),
        asking(STANDARD_RUN, context=FOREIGN_CONTEXT),
    ),
    context(
        "context-unknown-as-default",
        "An unknown context is taken for the default one.",
        _read(lambda call, given: given if given in _all(call) else None),
        asking(context="nobody-knows-it"),
    ),
    context(
        "context-falls-back",
        "A run that is not in the context is looked for in the default one.",
        _else_in(lambda _call: [None]),
        asking("run-exact", context=STANDARD_CONTEXT),
    ),
    context(
        "context-runs-everywhere",
        "Without IB-Context the runs of all contexts are seen.",
        _else_in(lambda call: [] if call.context else _all(call)),
        asking(ACME_RUN),
        asking(FOREIGN_RUN),
    ),
    context(
        "context-case-folded",
        "A context is found in another case.",
        _read(lambda call, given: _named(call, given, lambda known, text: known.casefold() == text.casefold())),
        asking(ACME_RUN, context=STANDARD_CONTEXT.upper()),
        level="POLICY",
    ),
    context(
        "context-prefix",
        "A context is found by its first characters.",
        _read(lambda call, given: _named(call, given, str.startswith)),
        asking(ACME_RUN, context=STANDARD_CONTEXT[:4]),
    ),
    context(
        "context-header-under-another-name",
        "Only X-IB-Context is read, not IB-Context.",
        _read(lambda call, _given: call.header("x-ib-context")),
        asking(ACME_RUN, context=STANDARD_CONTEXT),
    ),
    context(
        "context-in-query",
        "A context in the query takes the place of the header's.",
        _read(lambda call, given: call.request.query_params.get("context") or given),
        asking(ACME_RUN, "context=acme-lending"),
        level="POLICY",
    ),
    context(
        "context-header-of-other-run",
        "The header's part is that of the run of the same id in the default context.",
        edited(
            lambda call, page: page.update(
                {name: part for name, part in run.header.items() if name.endswith("_timestamp")}
                if call.context and (run := call.server.store.find(call.run_id, None))
                else {}
            )
        ),
        asking(STANDARD_RUN, context=STANDARD_CONTEXT),
    ),
)

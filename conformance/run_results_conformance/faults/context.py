"""Contexts: runs that are seen from where they are not, or not seen from where they are."""

from collections.abc import Callable

from starlette.requests import Request

from run_results_conformance.server.reference import Refusal, Token
from run_results_conformance.server.runs import Run

from .fault import Fault, Level, Make, Question
from .standard import ACME_RUN, FOREIGN_CONTEXT, FOREIGN_RUN, STANDARD_CONTEXT, STANDARD_RUN, asking
from .steps import Ask, Step, edited, served


def context(name: str, breach: str, make: Make, *witness: Question, level: Level = "MUST") -> Fault:
    return Fault(name, "context", breach, "contexts", make, level, witness)


def _else_in(contexts: Callable[[Ask], list[str | None]]) -> Make:
    """Looks for a run in other contexts when it is not in its own."""

    def find_run(ask: Ask, honest: Step, run_id: str, own: str | None) -> Run:
        for other in (own, *contexts(ask)):
            run = ask.server.store.find(run_id, other)
            if run is not None:
                return run
        run_: Run = honest(run_id, own)
        return run_

    return served(find_run=find_run)


def _read(change: Callable[[Ask, str | None], str | None]) -> Make:
    return served(read_context=lambda ask, honest, *arguments: change(ask, honest(*arguments)))


def _all(ask: Ask) -> list[str | None]:
    return [context_ for context_, _ in ask.server.store]


def _named(ask: Ask, given: str | None, test: Callable[[str, str], bool]) -> str | None:
    """The context of the store that passes the test beside the one that was given."""
    return next((known for known in _all(ask) if known and given and test(known, given)), given)


def _unless_there(ask: Ask, honest: Step, token: Token, given: str | None) -> None:
    """Allows a foreign context as long as the run is there."""
    try:
        honest(token, given)
    except Refusal:
        if ask.server.store.find(ask.run_id, given) is None:
            raise


def _silent_default(_ask: Ask, honest: Step, request: Request, token: Token) -> str | None:
    """Acts in the default context where the token may not act in the given one."""
    given: str | None = honest(request, token)
    return given if token.may_act_in(given) else token.default_context


CONTEXT = (
    context(
        "context-ignored",
        "IB-Context is ignored.",
        _read(lambda ask, _given: ask.server.tokens[0].default_context),
        asking(context=STANDARD_CONTEXT),
    ),
    context(
        "context-ignored-late",
        "IB-Context is ignored above the offset zero.",
        _read(
            lambda ask, given: (
                given
                if ask.request.query_params.get("file_offset", "0") == "0"
                else ask.server.tokens[0].default_context
            )
        ),
        asking(query="file_offset=3", context=STANDARD_CONTEXT),
    ),
    context(
        "context-not-checked",
        "Every token may act in every context.",
        served(authorize=lambda _ask, _honest, *_arguments: None),
        asking(FOREIGN_RUN, context=FOREIGN_CONTEXT),
    ),
    context(
        "context-not-checked-when-there",
        "A token may see, in every context, the runs that are there.",
        served(authorize=_unless_there),
        asking(FOREIGN_RUN, context=FOREIGN_CONTEXT),
    ),
    context(
        "context-foreign-as-default",
        "A foreign context is taken for the default one.",
        served(read_context=_silent_default),
        asking(STANDARD_RUN, context=FOREIGN_CONTEXT),
    ),
    context(
        "context-unknown-as-default",
        "A context that nobody knows is taken for the default one.",
        _read(lambda ask, given: given if given in _all(ask) else None),
        asking(context="nobody-knows-it"),
    ),
    context(
        "context-falls-back",
        "A run that is not in the context is looked for in the nameless one.",
        _else_in(lambda _ask: [None]),
        asking("run-exact", context=STANDARD_CONTEXT),
    ),
    context(
        "context-runs-everywhere",
        "Without IB-Context the runs of all contexts are seen.",
        _else_in(lambda ask: [] if ask.context else _all(ask)),
        asking(ACME_RUN),
        asking(FOREIGN_RUN),
    ),
    context(
        "context-case-folded",
        "A context is found in other case.",
        _read(lambda ask, given: _named(ask, given, lambda known, text: known.casefold() == text.casefold())),
        asking(ACME_RUN, context=STANDARD_CONTEXT.upper()),
        level="POLICY",
    ),
    context(
        "context-prefix",
        "A context is found by its first characters.",
        _read(lambda ask, given: _named(ask, given, str.startswith)),
        asking(ACME_RUN, context=STANDARD_CONTEXT[:4]),
    ),
    context(
        "context-header-under-another-name",
        "Only X-IB-Context is read, not IB-Context.",
        _read(lambda ask, _given: ask.header("x-ib-context")),
        asking(ACME_RUN, context=STANDARD_CONTEXT),
    ),
    context(
        "context-in-query",
        "A context in the query takes the place of the header's.",
        _read(lambda ask, given: ask.request.query_params.get("context") or given),
        asking(ACME_RUN, "context=acme-lending"),
        level="POLICY",
    ),
    context(
        "context-header-of-other-run",
        "The header's part is that of the run of the same id in the nameless context.",
        edited(
            lambda ask, page: page.update(
                {name: part for name, part in run.header.items() if name.endswith("_timestamp")}
                if ask.context and (run := ask.server.store.find(ask.run_id, None))
                else {}
            )
        ),
        asking(STANDARD_RUN, context=STANDARD_CONTEXT),
    ),
)

"""Inputs: request headers that are read or required differently than the contract says."""

from collections.abc import Callable, Sequence

from starlette.requests import Request

from run_results_conformance.faults.fault import Make
from run_results_conformance.faults.standard import asking
from run_results_conformance.faults.steps import Call, Step, refuse, server_with

from .family import inputs


def _context(change: Callable[[list[str]], Sequence[str]]) -> Make:
    """Changes the values of the context header before they are read."""

    def read_context(_call: Call, honest: Step, request: Request, token: object) -> str | None:
        # The scope is the request's own; the header is read once.
        name = b"ib-context"
        given = [value.decode("latin-1") for key, value in request.scope["headers"] if key == name]
        request.scope["headers"] = [
            *((key, value) for key, value in request.scope["headers"] if key != name),
            *((name, value.encode("latin-1")) for value in change(given)),
        ]
        context: str | None = honest(Request(request.scope), token)
        return context

    return server_with(read_context=read_context)


HEADERS = (
    inputs(
        "context-empty-as-default",
        "An empty IB-Context is read as none.",
        _context(lambda given: [text for text in given if text]),
        asking(context=""),
    ),
    inputs(
        "context-malformed-as-default",
        "An IB-Context beyond ASCII is read as none.",
        _context(lambda given: [text for text in given if text.isascii()]),
        asking(headers=(("IB-Context", "Zürich".encode()),)),
    ),
    inputs(
        "context-latin-1-crashes",
        "An IB-Context beyond ASCII is answered with 500.",
        server_with(
            read_context=lambda call, honest, *arguments: (
                honest(*arguments) if (call.header("ib-context") or "").isascii() else refuse(500, "Internal error")
            )
        ),
        asking(headers=(("IB-Context", b"Z\xfcrich"),)),
    ),
    inputs(
        "context-long-crashes",
        "An IB-Context of more than a thousand characters is answered with 500.",
        server_with(
            read_context=lambda call, honest, *arguments: (
                honest(*arguments) if len(call.header("ib-context") or "") < 1000 else refuse(500, "Internal error")
            )
        ),
        asking(context="x" * 2000),
    ),
    inputs(
        "context-doubled-first-wins",
        "Of two IB-Context headers the first is taken.",
        _context(lambda given: given[:1]),
        asking(context="acme-lending", headers=(("IB-Context", "globex"),)),
        level="POLICY",
    ),
    inputs(
        "accept-refused",
        "A request that accepts anything is answered with 406 unless it names JSON.",
        server_with(
            check_method=lambda call, honest, request: (
                honest(request) if "json" in (call.header("accept") or "json") else refuse(406, "Not acceptable")
            )
        ),
        asking(headers=(("Accept", "*/*"),)),
    ),
    inputs(
        "user-agent-required",
        "A request without a User-Agent is answered with 403.",
        server_with(
            check_method=lambda call, honest, request: (
                honest(request) if call.header("user-agent") else refuse(403, "Forbidden")
            )
        ),
        asking(),
        asking(headers=(("User-Agent", ""),)),
    ),
)

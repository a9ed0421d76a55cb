"""Inputs: request headers that are read or required differently than the contract says."""

import re
from collections.abc import Callable, Sequence

from starlette.requests import Request

from run_results_conformance.faults.fault import Make
from run_results_conformance.faults.standard import asking
from run_results_conformance.faults.steps import (
    DOCUMENT,
    FIELD,
    Call,
    Step,
    When,
    at,
    edited,
    refuse,
    server_with,
    to,
    written,
)

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


def _with_header(name: str, text: str) -> When:
    """Whether the header's value begins with this text."""
    return lambda call: (call.header(name) or "").lower().startswith(text)


def _decimal_commas(value: str) -> str:
    return re.sub(r"(?<=\d)\.(?=\d\d\b)", ",", value)


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
    inputs(
        "language-of-values",
        "With Accept-Language: de a decimal point is a comma.",
        edited(at(f"{FIELD}/value", _decimal_commas), when=_with_header("accept-language", "de")),
        asking(headers=(("Accept-Language", "de-DE, en;q=0.5"),)),
    ),
    inputs(
        "language-of-classes",
        "With an Accept-Language that is not English the class of a document is translated.",
        edited(
            at(f"{DOCUMENT}/class_name", lambda name: name and f"{name} (übersetzt)"),
            when=lambda call: not (call.header("accept-language") or "en").startswith(("en", "*")),
        ),
        asking(headers=(("Accept-Language", "de-DE, en;q=0.5"),)),
    ),
    inputs(
        "charset-as-accepted",
        "A request that accepts ISO-8859-1 first is answered in it.",
        written(
            lambda body: body.decode().encode("latin-1", "replace"), when=_with_header("accept-charset", "iso-8859-1")
        ),
        asking(headers=(("Accept-Charset", "iso-8859-1, utf-8;q=0.5"),)),
    ),
    inputs(
        "header-with-underscore",
        "IB_Context is read as IB-Context.",
        server_with(
            read_context=lambda call, honest, *arguments: call.header("ib_context") or honest(*arguments),
        ),
        asking(headers=(("IB_Context", "nobody-knows-it"),)),
    ),
    inputs(
        "prefer-minimal",
        "With Prefer: return=minimal files come without their documents.",
        edited(at("files/documents", to([])), when=_with_header("prefer", "return=minimal")),
        asking(headers=(("Prefer", "return=minimal"),)),
    ),
    inputs(
        "not-modified-since-long-ago",
        "A request with If-Modified-Since is answered with 304, whatever the date.",
        server_with(
            check_method=lambda call, honest, request: (
                refuse(304, "Not modified") if call.header("if-modified-since") else honest(request)
            )
        ),
        asking(headers=(("If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"),)),
    ),
    inputs(
        "original-url-obeyed",
        "A header X-Original-URL takes the place of the path.",
        server_with(
            check_path=lambda call, honest, request: (
                refuse(404, "Not found") if call.header("x-original-url") else honest(request)
            )
        ),
        asking(headers=(("X-Original-URL", "/"),)),
    ),
)

"""Inputs: run ids, offsets, flags, headers and methods that are read otherwise than the contract says."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance.server.reference import Refusal

from .fault import Fault, Level, Make, Needs, Question
from .standard import (
    AWKWARD_RUN,
    CONFIDENCE,
    REVIEW,
    SOURCE,
    VALIDATION,
    asking,
    from_offset,
)
from .steps import Ask, Step, chosen, found, known, refuse, retargeted, served, spelled

LAST = 2**63 - 1


def inputs(
    name: str,
    breach: str,
    make: Make,
    *witness: Question,
    level: Level = "MUST",
    needs: Needs = "nothing",
) -> Fault:
    return Fault(name, "inputs", breach, needs, make, level, witness)


# --- Run ids ------------------------------------------------------------------------------------------------


def _at(run_id: str, *, method: str = "GET") -> Question:
    """The run id as it is written in a target."""
    return asking(target=f"/v2/apps/runs/{run_id}/results", method=method)


def _also(*candidates: Callable[[str], str]) -> Make:
    """Finds a run by other forms of the id that was asked for, too."""
    return found(lambda _ask, asked: [candidate(asked) for candidate in candidates])


def _lookup(test: Callable[[str], bool], status: int, message: str) -> Make:
    """Refuses run ids of which the test is true."""
    return served(
        find_run=lambda _ask, honest, run_id, context: (
            refuse(status, message) if test(run_id) else honest(run_id, context)
        )
    )


def _invalid_bytes_dropped(path: bytes) -> bytes:
    *before, run_id, last = path.split(b"/")
    text = _percent_decoded(run_id).decode(errors="ignore")
    return b"/".join([*before, quote(text, safe="").encode(), last])


def _percent_decoded(segment: bytes) -> bytes:
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda found_: bytes([int(found_[1], 16)]), segment)


def _resolved(path: bytes) -> bytes:
    """The path without its dot segments (encoded ones too), as a proxy resolves them."""
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        plain = _percent_decoded(segment)
        if plain == b"..":
            kept[1:] = kept[1:-1]
        elif plain != b".":
            kept.append(segment)
    return b"/".join(kept)


RUN_IDS = (
    inputs(
        "run-id-decoded-twice",
        "A run id is percent-decoded twice.",
        _also(unquote),
        _at(quote(quote(AWKWARD_RUN, safe=""), safe="")),
        _at("run%252Dstandard"),
    ),
    inputs(
        "run-id-not-decoded",
        "A run id is not percent-decoded.",
        served(read_run_id=lambda _ask, _honest, request: request.scope["raw_path"].split(b"/")[-2].decode("latin-1")),
        _at("run%2Dstandard"),
    ),
    inputs(
        "run-id-plus-as-space",
        "A plus sign in a run id is read as a space.",
        served(read_run_id=lambda _ask, honest, request: honest(request).replace("+", " ")),
        asking(AWKWARD_RUN),
        _at("run+standard"),
        needs="run ids",
    ),
    inputs(
        "run-id-slash-splits",
        "An encoded slash in a run id splits it.",
        retargeted(lambda path: path.replace(b"%2F", b"/").replace(b"%2f", b"/")),
        asking(AWKWARD_RUN),
        _at("x%2Fy"),
        needs="run ids",
    ),
    inputs("run-id-trimmed", "Spaces around a run id are dropped.", _also(str.strip), _at("%20run-standard%20")),
    inputs(
        "run-id-newline-trimmed",
        "A line break after a run id is dropped.",
        _also(lambda run_id: run_id.removesuffix("\n")),
        _at("run-standard%0A"),
    ),
    inputs(
        "run-id-case-folded",
        "A run id is found in other case.",
        found(known(lambda run_id, asked: run_id.casefold() == asked.casefold())),
        _at("RUN-Standard"),
    ),
    inputs(
        "run-id-prefix",
        "A run is found by the first characters of its id.",
        found(known(lambda run_id, asked: run_id.startswith(asked))),
        _at("run-stan"),
    ),
    inputs(
        "run-id-with-suffix",
        "A run is found by its id with something after it.",
        found(known(lambda run_id, asked: asked.startswith(run_id))),
        _at("run-standard-2"),
    ),
    inputs(
        "run-id-pattern",
        "An id may hold a wildcard.",
        found(
            known(
                lambda run_id, asked: (
                    "%" in asked and re.fullmatch(".*".join(map(re.escape, asked.split("%"))), run_id) is not None
                )
            )
        ),
        _at("run-st%25"),
    ),
    inputs(
        "run-id-nfc",
        "A run id is found in another Unicode form.",
        _also(
            lambda run_id: unicodedata.normalize("NFC", run_id), lambda run_id: unicodedata.normalize("NFKC", run_id)
        ),
        asking(unicodedata.normalize("NFD", AWKWARD_RUN)),
        _at(quote("run-ｓtandard")),
        needs="run ids",
    ),
    inputs(
        "run-id-latin-1",
        "A run id in Latin-1 is read as if it were UTF-8.",
        retargeted(lambda path: re.sub(rb"%FC", b"%C3%BC", path)),
        _at(quote(AWKWARD_RUN.encode("latin-1"), safe="")),
        needs="run ids",
        level="POLICY",
    ),
    inputs(
        "run-id-invalid-bytes-dropped",
        "Bytes of a run id that are no UTF-8 are dropped.",
        retargeted(_invalid_bytes_dropped),
        _at("run-standard%FF"),
    ),
    inputs(
        "run-id-nul-ends",
        "A run id ends at a NUL.",
        _also(lambda run_id: run_id.split("\0")[0]),
        _at("run-standard%00x"),
    ),
    inputs(
        "run-id-path-parameters",
        "What follows a semicolon in a run id is dropped.",
        _also(lambda run_id: run_id.split(";")[0]),
        _at("run-standard;v=1"),
    ),
    inputs(
        "run-id-extension",
        "An extension after a run id is dropped.",
        _also(lambda run_id: run_id.removesuffix(".json")),
        _at("run-standard.json"),
    ),
    inputs(
        "run-id-dots-resolved",
        "Dot segments in the place of a run id are resolved, encoded ones too.",
        retargeted(_resolved),
        asking(target="/v2/apps/runs/x/%2E%2E/run-standard/results"),
        level="POLICY",
    ),
    inputs(
        "run-id-blank-is-first",
        "A blank run id is answered with the first run there is.",
        found(known(lambda _run_id, asked: not asked.strip())),
        _at("%20"),
    ),
    inputs(
        "run-id-long-crashes",
        "A run id of more than 255 characters is answered with 500.",
        _lookup(lambda run_id: len(run_id) > 255, 500, "Internal error"),
        _at("x" * 300),
    ),
    inputs(
        "run-id-not-ascii-crashes",
        "A run id beyond ASCII is answered with 500.",
        _lookup(lambda run_id: not run_id.isascii(), 500, "Internal error"),
        _at("%C3%BC"),
    ),
    inputs(
        "run-id-quote-crashes",
        "A run id with an apostrophe is answered with 500.",
        _lookup(lambda run_id: "'" in run_id, 500, "syntax error"),
        _at("run'standard"),
    ),
    inputs(
        "run-id-not-utf-8-crashes",
        "A run id that is not UTF-8 is answered with 500.",
        served(
            error=lambda _ask, honest, refusal: honest(
                Refusal(500, "Internal error") if refusal.message.endswith("UTF-8") else refusal
            )
        ),
        _at("%FF"),
    ),
    inputs(
        "path-case-folded",
        "The words of the path may have any case.",
        retargeted(lambda path: re.sub(rb"(?i)/v2/apps/runs/(.*)/results", rb"/v2/apps/runs/\1/results", path)),
        asking(target="/V2/Apps/Runs/run-standard/Results"),
        level="POLICY",
    ),
    inputs(
        "path-with-slash",
        "A slash after the path is ignored.",
        retargeted(lambda path: path.rstrip(b"/")),
        asking(target="/v2/apps/runs/run-standard/results/"),
        level="POLICY",
    ),
    inputs(
        "path-slashes-merged",
        "Several slashes in the path count as one.",
        retargeted(lambda path: re.sub(rb"/+", b"/", path)),
        asking(target="/v2//apps/runs/run-standard/results"),
        level="POLICY",
    ),
)

# --- Offsets ------------------------------------------------------------------------------------------------

_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)


def _offset(change: Callable[[str], str]) -> Make:
    """Reads other texts as offsets; what the change leaves alone is judged as before."""
    return spelled(change, "file_offset")


def _number(change: Callable[[int], int]) -> Make:
    """Reads an integer, of any size, as another one."""
    return _offset(lambda text: str(change(int(text))) if _INTEGER.fullmatch(text) else text)


def _python_number(text: str) -> str:
    try:
        return str(int(text))
    except ValueError:
        return text


def _float_if(pattern: str) -> Make:
    return _offset(lambda text: str(int(float(text))) if re.fullmatch(pattern, text) else text)


def _leading_digits(text: str) -> str:
    digits = re.match("[0-9]+", text)
    return digits[0] if digits else text


def _from_the_end(ask: Ask, honest: Step, request: Request) -> int:
    text = request.query_params.get("file_offset", "")
    if re.fullmatch("-[1-9][0-9]{0,9}", text):
        run = ask.server.find_run(ask.run_id, ask.context)
        return max(0, run.file_count + int(text))
    return int(honest(request))


def _limit(bits: int, status: int) -> Make:
    """Refuses offsets that the contract allows."""

    def read_offset(_ask: Ask, honest: Step, request: Request) -> int:
        offset = int(honest(request))
        if offset >= 2**bits:
            refuse(status, "file_offset is too large")
        return offset

    return served(read_offset=read_offset)


def _signed(value: int, bits: int) -> int:
    wrapped = value % (1 << bits)
    return wrapped if wrapped < 1 << (bits - 1) else wrapped - (1 << bits)


OFFSETS = (
    inputs(
        "offset-negative-as-zero",
        "A negative offset is read as 0.",
        _number(lambda offset: max(0, offset)),
        *from_offset(-1),
    ),
    inputs("offset-negative-absolute", "The sign of an offset is dropped.", _number(abs), *from_offset(-2)),
    inputs(
        "offset-from-the-end",
        "A negative offset counts from the end.",
        served(read_offset=_from_the_end),
        *from_offset(-2),
    ),
    inputs(
        "offset-minus-one-as-all",
        "The offset -1 is read as 0.",
        _offset(lambda text: "0" if text == "-1" else text),
        *from_offset(-1),
    ),
    inputs(
        "offset-fraction-floored", "A fraction is rounded down.", _float_if(r"[0-9]+\.[0-9]*[1-9]"), *from_offset("1.5")
    ),
    inputs(
        "offset-fraction-zero",
        "The offset 2.0 is read as 2.",
        _float_if(r"[0-9]+\.0"),
        *from_offset("2.0"),
        level="POLICY",
    ),
    inputs(
        "offset-exponent",
        "The offset 1e0 is read as 1.",
        _float_if(r"[0-9]+e[0-9]"),
        *from_offset("1e0"),
        level="POLICY",
    ),
    inputs(
        "offset-empty-as-zero", "An empty offset is read as 0.", _offset(lambda text: text or "0"), *from_offset("")
    ),
    inputs(
        "offset-text-as-zero",
        "An offset that is no number is read as 0.",
        _offset(lambda text: text if _INTEGER.fullmatch(text) else "0"),
        *from_offset("abc"),
    ),
    inputs(
        "offset-null-as-zero",
        "The word null is read as 0.",
        _offset(lambda text: "0" if text == "null" else text),
        *from_offset("null"),
    ),
    inputs(
        "offset-leading-digits",
        "What follows the digits of an offset is dropped.",
        _offset(_leading_digits),
        *from_offset("2abc"),
    ),
    inputs(
        "offset-boolean",
        "The word true is read as 1.",
        _offset(lambda text: "1" if text == "true" else text),
        *from_offset("true"),
    ),
    inputs(
        "offset-hexadecimal",
        "The offset 0x2 is read as 2.",
        _offset(lambda text: str(int(text, 16)) if re.fullmatch("0x[0-9a-f]+", text) else text),
        *from_offset("0x2"),
        level="POLICY",
    ),
    inputs(
        "offset-plus-sign",
        "The offset +2 is read as 2.",
        _offset(lambda text: text.removeprefix("+")),
        *from_offset("%2B2"),
        level="POLICY",
    ),
    inputs(
        "offset-spaces",
        "Spaces around an offset are dropped.",
        _offset(str.strip),
        *from_offset("%202"),
        level="POLICY",
    ),
    inputs(
        "offset-leading-zeros",
        "Leading zeros of an offset are dropped.",
        _offset(lambda text: text.lstrip("0") or "0" if text.isdigit() else text),
        *from_offset("02"),
        level="POLICY",
    ),
    inputs(
        "offset-octal",
        "An offset with a leading zero is read in base 8.",
        _offset(lambda text: str(int(text, 8)) if re.fullmatch("0[0-7]+", text) else text),
        *from_offset("011"),
    ),
    inputs(
        "offset-grouped",
        "The offset 1_0 is read as 10.",
        _offset(lambda text: text.replace("_", "")),
        *from_offset("1_0"),
        level="POLICY",
    ),
    inputs(
        "offset-other-digits",
        "Digits of other scripts are read as digits.",
        _offset(_python_number),
        *from_offset(quote("٣")),
        level="POLICY",
    ),
    inputs(
        "offset-wraps-32",
        "Offsets are kept in 32 bits: 2^32 + 1 is 1.",
        _number(lambda offset: offset % 2**32 if offset >= 0 else offset),
        *from_offset(2**32 + 1),
    ),
    inputs(
        "offset-wraps-negative-32",
        "Offsets are kept in 32 bits with a sign: 2^31 is below zero, and refused.",
        _number(lambda offset: _signed(offset, 32) if offset >= 0 else offset),
        *from_offset(2**31),
    ),
    inputs(
        "offset-wraps-64",
        "Offsets beyond 64 bits wrap: 2^64 is 0.",
        _number(lambda offset: offset % 2**64 if offset > LAST else offset),
        *from_offset(2**64),
    ),
    inputs(
        "offset-beyond-int64",
        "Offsets beyond 2^63-1 are answered like any past the end.",
        _number(lambda offset: min(offset, LAST)),
        *from_offset(2**63),
    ),
    inputs(
        "offset-very-long-crashes",
        "An offset of a hundred digits is answered with 500.",
        served(
            read_offset=lambda _ask, honest, request: (
                refuse(500, "Internal error")
                if len(request.query_params.get("file_offset", "")) > 64
                else honest(request)
            )
        ),
        *from_offset("1" * 100),
    ),
    inputs("offset-beyond-int32-refused", "Offsets from 2^31 on are refused.", _limit(31, 400), *from_offset(2**31)),
    inputs("offset-beyond-2-53-refused", "Offsets from 2^53 on are refused.", _limit(53, 400), *from_offset(2**53)),
    inputs(
        "offset-near-int64-crashes",
        "The largest offset is answered with 500.",
        served(
            slice=lambda _ask, honest, run, offset, size: (
                refuse(500, "integer out of range") if offset + size > LAST else honest(run, offset, size)
            )
        ),
        *from_offset(LAST),
    ),
    inputs(
        "offset-beyond-window-refused",
        "Offsets above 10,000 are refused.",
        served(
            read_offset=lambda _ask, honest, request: (
                offset if (offset := honest(request)) <= 10_000 else refuse(400, "file_offset must not exceed 10000")
            )
        ),
        *from_offset(10_001),
    ),
    inputs(
        "offset-doubled-first-wins",
        "Of two offsets the first is taken.",
        chosen(lambda texts: texts[0], "file_offset"),
        asking(query="file_offset=1&file_offset=2"),
        level="POLICY",
    ),
    inputs(
        "offset-doubled-last-wins",
        "Of two offsets the last is taken.",
        chosen(lambda texts: texts[-1], "file_offset"),
        asking(query="file_offset=1&file_offset=2"),
        level="POLICY",
    ),
    inputs(
        "offset-comma-list",
        "Of a list of offsets the first is taken.",
        _offset(lambda text: text.split(",")[0]),
        *from_offset("1,2"),
    ),
)

# --- Flags, other parameters, headers and methods -----------------------------------------------------------


def _word(*words: str) -> Make:
    """Reads more words as true."""
    return spelled(lambda text: "true" if text in words else text)


def _context(change: Callable[[list[str]], Sequence[str]]) -> Make:
    """Reads other values of the context header."""

    def read_context(_ask: Ask, honest: Step, request: Request, token: object) -> str | None:
        # The scope is the request's own; the header is read once.
        name = b"ib-context"
        given = [value.decode("latin-1") for key, value in request.scope["headers"] if key == name]
        request.scope["headers"] = [
            *((key, value) for key, value in request.scope["headers"] if key != name),
            *((name, value.encode("latin-1")) for value in change(given)),
        ]
        context: str | None = honest(Request(request.scope), token)
        return context

    return served(read_context=read_context)


def _method(answer: Callable[[Ask, Step, Request], Response], *methods: str) -> Make:
    """Answers these methods otherwise."""
    return served(
        respond=lambda ask, honest, request: (
            answer(ask, honest, request) if request.method in methods else honest(request)
        )
    )


def _like_get(_ask: Ask, honest: Step, request: Request) -> Response:
    request.scope["method"] = "GET"
    response: Response = honest(Request(request.scope))
    return response


def _trace(_ask: Ask, _honest: Step, request: Request) -> Response:
    lines = [b": ".join(header) for header in request.headers.raw]
    return Response(b"\r\n".join(lines), media_type="message/http")


def _fixed(status: int, body: str = "", media_type: str | None = None) -> Callable[[Ask, Step, Request], Response]:
    return lambda _ask, _honest, _request: Response(body, status, media_type=media_type)


def _strict(ask: Ask, honest: Step, request: Request) -> dict[str, list[str]]:
    query: dict[str, list[str]] = honest(request)
    return query if query.keys() <= ask.server.contract.parameters.keys() else refuse(400, "unknown parameter")


_OTHER_FALSE = ("False", "FALSE", "0", "no", "off", "n", "N", "f", "F", "No", "NO", "Off", "OFF")


def _flag(name: str, value: str) -> Question:
    return asking(query=f"{name}={value}")


OTHERS = (
    inputs(
        "flag-upper-case", "The word TRUE is read as true.", spelled(str.lower), _flag(REVIEW, "TRUE"), level="POLICY"
    ),
    inputs("flag-one", "The digit 1 is read as true.", _word("1"), _flag(SOURCE, "1"), level="POLICY"),
    inputs(
        "flag-yes", "The word yes is read as true.", _word("yes", "on", "y"), _flag(CONFIDENCE, "yes"), level="POLICY"
    ),
    inputs(
        "flag-zero",
        "The digit 0 is read as false.",
        spelled(lambda text: "false" if text == "0" else text),
        _flag(VALIDATION, "0"),
        level="POLICY",
    ),
    inputs(
        "flag-bare", "A flag without a value is read as true.", _word(""), _flag(VALIDATION, ""), asking(query=SOURCE)
    ),
    inputs(
        "flag-any-word",
        "Every word but false is read as true.",
        spelled(lambda text: text if text == "false" else "true"),
        _flag(SOURCE, "maybe"),
    ),
    inputs(
        "flag-other-word-as-false",
        "Every word but true is read as false.",
        spelled(lambda text: text if text == "true" else "false"),
        _flag(SOURCE, "maybe"),
    ),
    inputs(
        "flag-capital-false",
        "What is written for false in other ways, as False or 0, is true.",
        spelled(lambda text: "true" if text in _OTHER_FALSE else text),
        *(_flag(SOURCE, text) for text in ("False", "0")),
    ),
    inputs(
        "flag-false-refused",
        "A flag may be true or absent; false is refused.",
        spelled(lambda text: "no boolean" if text == "false" else text),
        _flag(CONFIDENCE, "false"),
    ),
    inputs(
        "offset-zero-refused",
        "The offset 0 is refused when it is given: offsets are to be positive.",
        spelled(lambda text: "" if text == "0" else text, "file_offset"),
        asking(query="file_offset=0"),
    ),
    inputs(
        "flag-truthy",
        "Every text that is not empty is true: false is too.",
        spelled(lambda text: "true" if text == "false" else text),
        _flag(CONFIDENCE, "false"),
    ),
    inputs(
        "flag-doubled",
        "Of a flag that is given twice the last is taken.",
        chosen(lambda texts: texts[-1], REVIEW, CONFIDENCE, VALIDATION, SOURCE),
        asking(query=f"{SOURCE}=false&{SOURCE}=true"),
        level="POLICY",
    ),
    inputs(
        "flag-two-lost",
        "A parameter after the second of a query is not read.",
        served(read_query=lambda _ask, honest, request: dict(list(honest(request).items())[:2])),
        asking(query=f"{REVIEW}=true&{SOURCE}=true&file_offset=3"),
    ),
    inputs(
        "query-not-decoded",
        "The names of parameters are not percent-decoded.",
        served(
            read_query=lambda _ask, honest, request: {
                name: texts
                for name, texts in honest(request).items()
                if name in request.scope["query_string"].decode("latin-1")
            }
        ),
        asking(query="file%5Foffset=3"),
    ),
    inputs(
        "query-unknown-refused",
        "A parameter that the contract does not know is refused.",
        served(read_query=_strict),
        asking(query="trace=1"),
        level="POLICY",
    ),
    inputs(
        "query-unknown-crashes",
        "A parameter that the contract does not know is answered with 500.",
        served(
            read_query=lambda ask, honest, request: (
                query
                if (query := honest(request)).keys() <= ask.server.contract.parameters.keys()
                else refuse(500, "unexpected keyword")
            )
        ),
        asking(query="trace=1"),
    ),
    inputs(
        "page-size-parameter",
        "A parameter limit=0 gives empty pages that say that more comes.",
        served(
            page_size=lambda ask, honest, *arguments: (
                0 if ask.request.query_params.get("limit") == "0" else honest(*arguments)
            )
        ),
        asking(query="limit=0"),
        level="POLICY",
    ),
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
        served(
            read_context=lambda ask, honest, *arguments: (
                honest(*arguments) if (ask.header("ib-context") or "").isascii() else refuse(500, "Internal error")
            )
        ),
        asking(headers=(("IB-Context", b"Z\xfcrich"),)),
    ),
    inputs(
        "context-long-crashes",
        "An IB-Context of more than a thousand characters is answered with 500.",
        served(
            read_context=lambda ask, honest, *arguments: (
                honest(*arguments) if len(ask.header("ib-context") or "") < 1000 else refuse(500, "Internal error")
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
        served(
            check_method=lambda ask, honest, request: (
                honest(request) if "json" in (ask.header("accept") or "json") else refuse(406, "Not acceptable")
            )
        ),
        asking(headers=(("Accept", "*/*"),)),
    ),
    inputs(
        "user-agent-required",
        "A request without a User-Agent is answered with 403.",
        served(
            check_method=lambda ask, honest, request: (
                honest(request) if ask.header("user-agent") else refuse(403, "Forbidden")
            )
        ),
        asking(),
        asking(headers=(("User-Agent", ""),)),
    ),
    inputs(
        "post-like-get",
        "POST is answered like GET.",
        _method(_like_get, "POST"),
        asking(method="POST"),
        level="POLICY",  # it changes nothing, and of methods that only read the contract says nothing
    ),
    inputs("put-accepted", "PUT is answered with 204.", _method(_fixed(204), "PUT"), asking(method="PUT")),
    inputs(
        "delete-accepted",
        "DELETE is answered with 200 and nothing.",
        _method(_fixed(200, "{}", "application/json"), "DELETE"),
        asking(method="DELETE"),
    ),
    inputs(
        "method-overridden",
        "X-HTTP-Method-Override makes a GET of a POST.",
        _method(
            lambda ask, honest, request: (
                _like_get(ask, honest, request) if ask.header("x-http-method-override") == "GET" else honest(request)
            ),
            "POST",
        ),
        asking(method="POST", headers=(("X-HTTP-Method-Override", "GET"),)),
        level="POLICY",
    ),
    inputs(
        "trace-echoes",
        "TRACE gives back the request's headers, the token too.",
        _method(_trace, "TRACE"),
        asking(method="TRACE"),
    ),
    inputs(
        "method-unknown-crashes",
        "A method that HTTP does not know is answered with 500 and HTML.",
        served(
            respond=lambda _ask, honest, request: (
                honest(request)
                if request.method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
                else Response("<h1>500</h1>", 500, media_type="text/html")
            )
        ),
        asking(method="BREW"),
    ),
    inputs(
        "head-crashes",
        "HEAD is answered with 500.",
        _method(_fixed(500, "{}", "application/json"), "HEAD"),
        asking(method="HEAD"),
        level="POLICY",
    ),
    inputs(
        "head-always-200",
        "HEAD is answered with 200 for a run that is not there.",
        _method(_fixed(200, "{}", "application/json"), "HEAD"),
        asking("no-such-run", method="HEAD"),
        level="POLICY",
    ),
)

INPUTS = (*RUN_IDS, *OFFSETS, *OTHERS)

"""What may be asked, and what happens to what may not: ids, paths, methods, offsets, booleans, headers."""

import math
import unicodedata
from typing import Any
from urllib.parse import quote

from run_results_conformance.verifier.connection import Request
from run_results_conformance.verifier.manifest import HERE
from run_results_conformance.verifier.session import NO_FLAGS, Exchange, Page, RunView, Session

from .probe import Probe, last_page

_REFUSED = (400, 422)
_REDIRECTS = (301, 302, 307, 308)  # to the path in normal form, where there is no such run either
_NO_SUCH_RUN = (400, 403, 404, 414, 422)


def _hold_status(session: Session, rule: str, exchange: Exchange, statuses: tuple[int, ...]) -> bool:
    """Holds that an answer has one of these statuses; what was not answered, or too busy, is judged elsewhere."""
    if not exchange.status or exchange.busy or exchange.status >= 500:
        return False
    words = " or ".join(map(str, statuses))
    return session.hold(
        rule, exchange.status in statuses, exchange, expected=f"status {words}", got=f"status {exchange.status}"
    )


def _hold_same(session: Session, rule: str, exchange: Exchange, wanted: Exchange, probe: Probe, what: str) -> None:
    session.hold_same(rule, exchange, wanted, what, run=probe.view)


# --- Run ids and paths --------------------------------------------------------------------------------------


def hold_run_ids(session: Session, probe: Probe) -> None:
    """A run id names one run, whole, or none: what differs from it in any way is not that run."""
    run_id = probe.run_id
    for unknown in probe.unknown_ids[:1]:
        _hold_status(session, "inputs.run-id-exact", session.ask(session.reading(unknown)), (404,))
    taken = {known.id for known in session.manifest.runs} | {view.id for view in session.views}
    for other in _altered(session, run_id):
        if other not in taken:
            _hold_status(session, "inputs.run-id-exact", session.ask(session.reading(other)), _NO_SUCH_RUN)
    encoded = quote(run_id, safe="")
    for segment, meant in (
        (_encoded_twice(run_id), None),
        (f"{encoded}{session.random.choice(('%FF', '%C3', '%ED%A0%80'))}", ""),
    ):
        request = session.reading(_decoded_once(run_id) if meant is None else meant, segment=segment)
        _hold_status(session, "inputs.run-id-exact", session.ask(request), _NO_SUCH_RUN)


_AROUND = (
    *(
        ("", tail)
        for tail in (".xml", ".csv", "\r\n", "\t", "\u00a0", "\u200b", "?", "#", "&", ",", "*", "%", "/", "/.")
    ),
    *((head, "") for head in (" ", "\t", "\ufeff", "./", "/", "x/../", "+", "%20", "-", "x")),
    *(("", tail) for tail in ("x", "-1", ":1", "@1", "$", "=", "|")),
)


def _altered(session: Session, run_id: str) -> list[str]:
    """Ids that a careless server takes for this one."""
    before, after = session.random.choice(_AROUND)
    found = [*(f"{run_id}{tail}" for tail in (" ", "\n", "\0x", ";v=1", ".json")), f"{before}{run_id}{after}"]
    if run_id.swapcase() != run_id:
        found.append(run_id.swapcase())
    if len(run_id) > 1:
        found.append(run_id[:-1])
    return [*found, *_other_forms(run_id)]


def _other_forms(run_id: str) -> list[str]:
    """The id in another Unicode form: composed otherwise, or with a letter of another width."""
    found = [unicodedata.normalize(form, run_id) for form in ("NFC", "NFD")]
    position = next((i for i, c in enumerate(run_id) if c.isascii() and c.isalnum()), None)
    if position is not None:
        wide = chr(ord(run_id[position]) - 0x20 + 0xFF00)
        found.append(run_id[:position] + wide + run_id[position + 1 :])
    return [form for form in found if form != run_id]


def _encoded_twice(run_id: str) -> str:
    first = f"%{ord(run_id[0]):02X}" if run_id[0].isascii() else quote(run_id[0])
    return quote(first + quote(run_id[1:], safe=""), safe="")


def _decoded_once(run_id: str) -> str:
    first = f"%{ord(run_id[0]):02X}" if run_id[0].isascii() else quote(run_id[0])
    return first + quote(run_id[1:], safe="")


_ODD_SEGMENTS = (
    ("%20", " "),
    ("%25", "%"),
    ("%27%20OR%20%271%27%3D%271%20%E2%98%83%F0%9F%97%82", "' OR '1'='1 ☃🗂"),
    ("", ""),
    ("a" * 3000, None),
)
_OTHER_ODD_SEGMENTS = (
    ("..", ".."),
    *(("%2E%2E", ".."), ("%2F", "/"), ("%zz", None), ("*", "*"), (".", "."), ("_", "_"), ("%00", "\0"), ("%0A", "\n")),
    *(("null", "null"), ("undefined", "undefined"), ("0", "0"), ("-1", "-1"), ("%FF%FE", None), ("latest", "latest")),
)


def hold_odd_run_ids(session: Session, _probe: Probe) -> None:
    """Ids that no run has, and that some servers stumble over."""
    for segment, meant in (*_ODD_SEGMENTS, session.random.choice(_OTHER_ODD_SEGMENTS)):
        exchange = session.ask(session.reading(meant or "", segment=segment))
        if exchange.status and exchange.status < 500:
            refused = exchange.status in _REDIRECTS or 400 <= exchange.status < 500
            session.hold(
                "inputs.run-id-odd", refused, exchange, expected="status 404 or 400", got=f"status {exchange.status}"
            )


def hold_path_encoding(session: Session, probe: Probe) -> None:
    """A letter may be percent-encoded, and means the same."""
    run_id = probe.run_id
    position = next((i for i, c in enumerate(run_id) if c.isascii() and c.isalnum()), None)
    if position is None:
        return
    segment = (
        quote(run_id[:position], safe="") + f"%{ord(run_id[position]):02x}" + quote(run_id[position + 1 :], safe="")
    )
    exchange = session.ask(session.reading(run_id, probe.offset, segment=segment))
    _hold_same(session, "inputs.path-encoding", exchange, probe.exchange, probe, "the answer to the plain run id")


def hold_paths(session: Session, probe: Probe) -> None:
    """The operation has one path, in one spelling."""
    whole = session.reading(probe.run_id)
    encoded = quote(probe.run_id, safe="")
    before, _, after = whole.target.rpartition(encoded)
    targets = [
        f"{before.swapcase()}{encoded}{after.swapcase()}",
        f"{whole.target}/",
        whole.target.replace("/", "//", 1) if session.random.random() < 0.5 else f"{before}{encoded}/{after}",
        f"{before}x/%2E%2E/{encoded}{after}",
    ]
    for view in session.views:
        if not view.id.isascii() and all(ord(character) < 256 for character in view.id):
            other = session.reading(view.id, segment=quote(view.id.encode("latin-1"), safe=""))
            targets.append(other.target)
            break
    for target in targets:
        exchange = session.ask(Request(target, whole.headers))
        if exchange.status and exchange.status < 500 and not exchange.busy:
            refused = exchange.status >= 300  # a redirect names the right one
            session.hold("inputs.path", refused, exchange, expected="status 404", got=f"status {exchange.status}")


# --- Methods ------------------------------------------------------------------------------------------------


def hold_methods(session: Session, probe: Probe) -> None:
    """No other method succeeds. They go to an id that has just answered 404, and only where they are allowed.

    A server may look for the run before the method: then it answers 404, and that is right for every method. Where it
    refuses one method with 405 there, it does not look for the run first, and should refuse all of them so.
    """
    if not session.wire.unsafe_methods:
        return
    run_id = _absent_id(session, probe)
    if run_id is None:
        for rule in ("inputs.method", "inputs.method-405", "errors.allow"):
            session.unjudged(rule, "needs an id that is answered with 404: other methods are sent to no other")
        return
    exchanges: list[Exchange] = []
    for method in ("POST", "PUT", "DELETE", "BREW"):
        exchanges += _ask_if_allowed(session, session.reading(run_id, method=method))
    # What TRACE sends comes back, so that nothing secret may be in it (RFC 9110, 9.3.8).
    traced = _ask_if_allowed(session, session.reading(run_id, method="TRACE", authorization=None))
    for exchange in (*exchanges, *traced):
        refused = exchange.status >= 400
        if exchange.status:
            session.hold("inputs.method", refused, exchange, expected="status 405", got=f"status {exchange.status}")
    overriding = (("X-HTTP-Method-Override", "GET"), ("X-HTTP-Method", "GET"), ("X-Method-Override", "GET"))
    if all(exchange.status >= 400 for exchange in exchanges):
        session.ask(session.reading(run_id, extra=overriding))  # with these headers too it must not exist
        exchanges += _ask_if_allowed(session, session.reading(run_id, method="POST", extra=overriding))
    method_first = any(exchange.status == 405 for exchange in exchanges)
    for exchange in exchanges:
        if exchange.status >= 400 and not exchange.busy and (method_first or exchange.status != 404):
            right = exchange.status in (405, 501)
            session.hold("inputs.method-405", right, exchange, expected="status 405", got=f"status {exchange.status}")


def _absent_id(session: Session, probe: Probe) -> str | None:
    """An id that is answered with 404 at this moment: one seen earlier may name a run by now."""
    candidates = (*probe.unknown_ids, f"{probe.run_id}-of-nobody")
    return next((each for each in candidates if session.ask(session.reading(each), again=True).status == 404), None)


def _ask_if_allowed(session: Session, request: Request) -> list[Exchange]:
    return [session.ask(request)] if session.wire.allows(request) else []


def hold_head(session: Session, probe: Probe) -> None:
    """HEAD is GET without its body."""
    exchange = session.ask(session.reading(probe.run_id, probe.offset or None, method="HEAD"))
    if not exchange.status or exchange.busy:
        return
    supported = exchange.status not in (404, 405, 501)
    if not supported:
        return  # the operation is GET
    expected = probe.exchange.answer.header("content-length")
    lengths = exchange.answer.header("content-length")
    ok = exchange.status == probe.exchange.status and (not lengths or not expected or lengths == expected)
    session.hold(
        "wire.head",
        ok,
        exchange,
        expected=f"status {probe.exchange.status}, Content-Length {', '.join(expected)}",
        got=f"status {exchange.status}, Content-Length {', '.join(lengths)}",
        run=probe.view,
    )


# --- Offsets ------------------------------------------------------------------------------------------------

_NO_OFFSETS = ("-1", "1.5", "", "null", "true", "1,2", "9223372036854775808", "1" * 100)
_OTHER_NO_OFFSETS = (
    *("%20", "one", "none", "undefined", "NaN", "Infinity", "-Infinity", "false", "on", "first", "%00", "%E2%98%83"),
    *("18446744073709551616", "18446744073709551617", "-9223372036854775809", "-2", "-0.5", "1e400", "0.1", "1e-3"),
    *("1;2", "[1]", "%7B%7D", "1-2", "1/1", "1x", "2abc", "--1", "0x", "_1", "1__0", "0b2", "'1'", "%221%22"),
)
_MOST_DRAWN = 1


def hold_bad_offsets(session: Session, probe: Probe) -> None:
    """What is no integer in the range is refused: words, lists, fractions, what is too small and what is too great."""
    name = session.contract.pagination.offset
    for text in (*_NO_OFFSETS, *session.random.sample(_OTHER_NO_OFFSETS, _MOST_DRAWN)):
        exchange = session.ask(session.reading(probe.run_id, query=f"{name}={text}"))
        _hold_status(session, "inputs.offset-refused", exchange, _REFUSED if len(text) < _LONG else (*_REFUSED, 414))


_LONG = 100


def _spellings(number: int) -> list[tuple[str, int]]:
    """Other spellings of numbers, and what they say."""
    arabic = "".join(f"%D9%{0xA0 + int(digit):X}" for digit in str(number))
    return [
        (f"%2B{number}", number),
        (f"{number}.0", number),
        (f"{number}e0", number),
        (f"%20{number}", number),
        (f"0x{number:x}", number),
        (arabic, number),
        ("010", 10),
        ("1_0", 10),
    ]


def _length(view: RunView) -> float:
    """The number of files of a run, as far as it is known; infinite where no end was seen."""
    if view.end is not None or view.known.files is not None:
        return float(view.end if view.end is not None else view.known.files or 0)
    return math.inf if view.first.more else len(view.lean)


def hold_loose_offsets(session: Session, probe: Probe) -> None:
    """Another spelling of an integer is refused, or read as that integer."""
    name, run_id, number = session.contract.pagination.offset, probe.run_id, max(probe.offset, 0)
    telling = number > 0
    # The tenth file tells ten from eight and from one; the longest run has it, if any does.
    longest = max((view for view in session.views if view.settled), key=_length, default=probe.view)
    for text, meant in _spellings(number):
        other = run_id if meant == number else longest.id
        exchange = session.ask(session.reading(other, query=f"{name}={text}"))
        if exchange.status == 200 and telling:
            wanted = probe.exchange if meant == number else session.ask(session.reading(other, meant))
            _hold_same(session, "inputs.offset-read", exchange, wanted, probe, f"the page at offset {meant}")
        elif exchange.status in _REFUSED and telling:
            session.hold("inputs.offset-read", True, exchange)
        _hold_status(session, "inputs.offset-canonical", exchange, _REFUSED)
    past = (probe.view.end or 0) + 1
    exchange = session.ask(session.reading(run_id, query=f"{name}={number}&{name}={past}"))
    if exchange.status == 200 and telling:
        one, second = probe.exchange, session.ask(session.reading(run_id, past))
        read = session.same_answer(exchange, one) or session.same_answer(exchange, second)
        session.hold(
            "inputs.offset-read",
            read,
            exchange,
            expected="the page at one of the two offsets",
            got="another",
            run=probe.view,
        )
    _hold_status(session, "inputs.doubled", exchange, _REFUSED)


def hold_large_offsets(session: Session, probe: Probe) -> None:
    """Offsets are 64 bits wide: beyond 32 bits, and at the greatest of all, there is nothing."""
    words = session.contract.pagination
    for offset in (2**32, 2**63 - 1):
        if probe.view.end is None or offset <= probe.view.end:
            continue
        exchange = session.ask(session.reading(probe.run_id, offset))
        if not exchange.status or exchange.busy:
            continue
        page = session.as_page(exchange, probe.run_id, offset, NO_FLAGS)
        nothing = isinstance(page, Page) and not page.files and not page.more
        got = f"{len(page.files)} files" if isinstance(page, Page) else f"status {exchange.status}"
        session.hold(
            "inputs.offset-int64", nothing, exchange, path=(words.items,), expected="status 200, no files", got=got
        )


# --- Booleans -----------------------------------------------------------------------------------------------

_NO_BOOLEANS = ("maybe", "")
_OTHER_NO_BOOLEANS = (
    "2",
    "null",
    "-1",
    "1.0",
    "truee",
    "true,false",
    "%20",
    "[]",
    "%7B%7D",
    "tr%C3%BCe",
    "%00",
    "NaN",
    "trueish",
)
_LOOSE = (("TRUE", True), ("1", True), ("yes", True), ("0", False))
_OTHER_LOOSE = (
    ("False", False),
    ("True", True),
    ("no", False),
    ("on", True),
    ("y", True),
    ("t", True),
    ("T", True),
    ("off", False),
    ("n", False),
    ("f", False),
)


def hold_booleans(session: Session, probe: Probe) -> None:
    """What is no boolean is refused; another spelling of one is refused, or read as what it says."""
    flags = session.contract.flags
    for number, text in enumerate((*_NO_BOOLEANS, session.random.choice(_OTHER_NO_BOOLEANS))):
        flag = flags[number % len(flags)]
        exchange = session.ask(session.reading(probe.run_id, probe.offset, query=f"{flag}={text}"))
        _hold_status(session, "inputs.boolean-refused", exchange, _REFUSED)
    for number, (text, meaning) in enumerate((*_LOOSE, session.random.choice(_OTHER_LOOSE))):
        flag = flags[number % len(flags)]
        exchange = session.ask(session.reading(probe.run_id, probe.offset, query=f"{flag}={text}"))
        if exchange.status == 200:
            _hold_read(session, probe, exchange, flag, meaning)
        elif exchange.status in _REFUSED:
            session.hold("inputs.boolean-read", True, exchange)
        _hold_status(session, "inputs.boolean-canonical", exchange, _REFUSED)
    flag = flags[0]
    exchange = session.ask(session.reading(probe.run_id, probe.offset, query=f"{flag}=true&{flag}=false"))
    _hold_status(session, "inputs.doubled", exchange, _REFUSED)


def _hold_read(session: Session, probe: Probe, exchange: Exchange, flag: str, meaning: bool) -> None:
    on = last_page(session, probe, frozenset({flag}))
    off = last_page(session, probe, NO_FLAGS)
    if on is None or off is None or session.same_answer(on.exchange, off.exchange):
        return
    wanted = on if meaning else off
    _hold_same(
        session, "inputs.boolean-read", exchange, wanted.exchange, probe, f"the answer to {flag}={str(meaning).lower()}"
    )


# --- Everything else ----------------------------------------------------------------------------------------


def hold_unknown_parameters(session: Session, probe: Probe) -> None:
    """A parameter that the operation does not have means nothing, and its own names have one spelling."""
    shouted = "&".join(f"{name.upper()}=true" for name in session.contract.flags)
    offset, first = session.contract.pagination.offset, probe.view.first.exchange
    context = "&".join(f"{name}=no-such-context" for name in ("context", session.context_name, "ib_context", "org"))
    for query in (
        "no_such_parameter=1&page_size=1&limit=1&page=2&cursor=x&offset=1",
        f"{shouted}&{offset.upper()}=1&{offset}%5B%5D=1&include=all&limit=0&page_size=0&{context}",
    ):
        exchange = session.ask(session.reading(probe.run_id, query=query))
        if exchange.status == 200:
            what = "the answer without the parameters"
            _hold_same(session, "inputs.unknown-parameter", exchange, first, probe, what)
        else:  # that a parameter is not known may be said, but not that there is no such run
            _hold_status(session, "inputs.unknown-parameter", exchange, (200, *_REFUSED))
        if exchange.status and not exchange.busy and exchange.status < 500:
            session.hold(
                "inputs.unknown-tolerated",
                exchange.status == 200,
                exchange,
                expected="status 200",
                got=f"status {exchange.status}",
            )


def hold_query_encoding(session: Session, probe: Probe) -> None:
    """Names and values of the query are percent-decoded."""
    offset, flag = session.contract.pagination.offset, session.contract.flags[-1]
    wanted = last_page(session, probe, frozenset({flag}))
    if wanted is None:
        return
    digits = "".join(f"%{ord(digit):02X}" for digit in str(probe.offset))
    query = f"{offset.replace('_', '%5F')}={digits}&{flag}=%74rue"
    exchange = session.ask(session.reading(probe.run_id, query=query))
    _hold_same(session, "inputs.query-encoding", exchange, wanted.exchange, probe, "the answer to the plain query")


_SERVED = (200,)
_ACCEPTS = ("application/*;q=0.8, text/html", "text/html, */*;q=0.1", "application/json;q=0.5", "APPLICATION/JSON")
_AGENTS = ("curl/8.5.0", "python-httpx/0.28.1", "Mozilla/5.0 (X11; Linux x86_64)", "x")


def hold_headers(session: Session, probe: Probe) -> None:
    """Headers that the operation does not know change nothing, and whoever takes JSON, by any legal header, gets it."""
    drawn = session.random.choice
    cases: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
        (_SERVED, {"accept": "*/*", "agent": None}),
        (_SERVED, {"accept": drawn((None, *_ACCEPTS)), "agent": drawn(_AGENTS), "coding": "gzip;q=0, identity"}),
        ((200, 400), {"extra": (("X-Latin", "caf\xe9 \xff"),)}),
        (
            (200, 400, 431),
            {"extra": (("X-Long", "a" * 4000), ("X-Twice", "1"), ("X-Twice", "2"), ("X-Forwarded-For", "::1"))},
        ),
        ((200, 400), {"extra": (("If-None-Match", '"no-such-tag"'), ("Range", "bytes=0-9"), ("Cookie", "a=b; c"))}),
        ((200, 400, 406), {"accept": "text/html;q=0.9, application/xml"}),
    )
    for statuses, options in cases:
        exchange = session.ask(session.reading(probe.run_id, probe.offset, **options))
        if exchange.status == 200:
            _hold_same(session, "inputs.headers", exchange, probe.exchange, probe, "the answer without the header")
        else:
            _hold_status(session, "inputs.headers", exchange, statuses)


def hold_gzip(session: Session, probe: Probe) -> None:
    """A compressed answer says the same, and comes to those only who take it."""
    page = last_page(session, probe, session.lens.flags)
    if page is None:
        return
    request = session.reading(probe.run_id, probe.offset or None, session.lens.flags, coding="gzip")
    exchange = session.ask(request)
    if not exchange.status or exchange.busy:
        return
    codings = [value.strip().lower() for value in exchange.answer.header("content-encoding")]
    if codings not in ([], ["gzip"], ["x-gzip"], ["identity"]):
        session.hold("wire.gzip", False, exchange, expected="gzip or nothing", got=", ".join(codings))
        return
    _hold_same(session, "wire.gzip", exchange, page.exchange, probe, "the answer without compression")


def hold_contexts(session: Session, probe: Probe) -> None:
    """What is no context is refused, not taken for the default one."""
    for context in ("", "caf\xe9"):
        exchange = session.ask(session.reading(probe.run_id, probe.offset, context=context))
        _hold_status(session, "inputs.context-refused", exchange, (400, 403, 404, 422))
    made_up = f"no-such-context-{session.random.randrange(10**6)}"
    known = [run for run in session.manifest.runs if run.context not in (HERE, None, session.context)]
    # A context with the run in it shows which of two is taken; a token may act in the first of those that are known.
    run_id, own = (known[0].id, known[0].context or "") if known else (probe.run_id, session.context or made_up)
    exchange = session.ask(session.reading(run_id, context=(own, made_up, own)))
    _hold_status(session, "inputs.doubled", exchange, (400, 403, 404, 422))

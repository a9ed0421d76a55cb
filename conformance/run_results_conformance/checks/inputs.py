"""What may be asked, and what happens to what may not: ids, paths, methods, offsets, booleans, headers."""

from urllib.parse import quote

from run_results_conformance.wire import Request

from .probe import Probe, last_page
from .session import NO_FLAGS, Exchange, Page, Session

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
    session.hold(
        rule,
        session.same_answer(exchange, wanted),
        exchange,
        expected=what,
        got=f"status {exchange.status}" if exchange.status != 200 else "another answer",
        run=probe.view,
    )


# --- Run ids and paths --------------------------------------------------------------------------------------


def hold_run_ids(session: Session, probe: Probe) -> None:
    """A run id names one run, whole, or none."""
    run_id = probe.run_id
    for unknown in probe.unknown_ids[:1]:
        _hold_status(session, "inputs.unknown-run", session.ask(session.reading(unknown)), (404,))
    for unknown in probe.unknown_ids[1:]:
        _hold_status(
            session, "inputs.unknown-run", session.ask(session.reading(unknown, 1, session.lens.flags)), (404,)
        )
    taken = {known.id for known in session.manifest.runs} | {view.id for view in session.views}
    for other in _altered(run_id):
        if other not in taken:
            _hold_status(session, "inputs.run-id-exact", session.ask(session.reading(other)), _NO_SUCH_RUN)
    encoded = quote(run_id, safe="")
    for segment, meant in (
        (_encoded_twice(run_id), None),
        (f"x%2F..%2F{encoded}", f"x/../{run_id}"),
        (f"{encoded}%2F", f"{run_id}/"),
    ):
        request = session.reading(meant or _decoded_once(run_id), segment=segment)
        _hold_status(session, "inputs.run-id-exact", session.ask(request), _NO_SUCH_RUN)


def _altered(run_id: str) -> list[str]:
    """Ids that a careless server takes for this one."""
    found = [f" {run_id}", f"{run_id} ", f"{run_id}\0", f"{run_id}x", f"{run_id};v=1"]
    if run_id.swapcase() != run_id:
        found.append(run_id.swapcase())
    if len(run_id) > 1:
        found.append(run_id[:-1])
    return found


def _encoded_twice(run_id: str) -> str:
    first = f"%{ord(run_id[0]):02X}" if run_id[0].isascii() else quote(run_id[0])
    return quote(first + quote(run_id[1:], safe=""), safe="")


def _decoded_once(run_id: str) -> str:
    first = f"%{ord(run_id[0]):02X}" if run_id[0].isascii() else quote(run_id[0])
    return first + quote(run_id[1:], safe="")


_ODD_SEGMENTS = (
    ("..", ".."),
    ("%2E%2E", ".."),
    ("%2F", "/"),
    ("%FF%FE", None),
    ("%zz", None),
    ("%25", "%"),
    ("*", "*"),
    ("%27%20OR%20%271%27%3D%271", "' OR '1'='1"),
    ("%E2%98%83%F0%9F%97%82", "☃🗂"),
)


def hold_odd_run_ids(session: Session, _probe: Probe) -> None:
    """Ids that no run has, and that some servers stumble over."""
    for segment, meant in (*_ODD_SEGMENTS, ("a" * 3000, None), ("", None)):
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
    """There is nothing at other paths, with a token or without."""
    whole = session.reading(probe.run_id)
    for target in (
        whole.target.rpartition("/")[0] + "/nothing-of-this-name",
        whole.target + "/more",
    ):
        exchange = session.ask(Request(target, whole.headers))
        if exchange.status and exchange.status < 500:
            refused = exchange.status >= 400
            session.hold("inputs.path", refused, exchange, expected="status 404", got=f"status {exchange.status}")


# --- Methods ------------------------------------------------------------------------------------------------


def hold_methods(session: Session, probe: Probe) -> None:
    """No other method succeeds.

    POST goes to the run itself. Methods that could delete something go there only when that answer says, in its
    Allow, that there is no such method; else to a run that does not exist.
    """
    if session.safe:
        return
    session.ask(session.reading(probe.run_id, method="OPTIONS"))  # may succeed or not: single exchange rules judge
    posted = session.ask(session.reading(probe.run_id, method="POST"))
    allow = [word.strip() for word in ",".join(posted.answer.header("allow")).split(",")]
    exchanges = [posted]
    for method in ("PUT", "PATCH", "DELETE"):
        harmless = posted.status == 405 and "GET" in allow and method not in allow
        run_id = probe.run_id if harmless else probe.unknown_ids[0]
        exchanges.append(session.ask(session.reading(run_id, method=method)))
    exchanges.append(session.ask(session.reading(probe.run_id, method="BREW")))
    for exchange in exchanges:
        if not exchange.status:
            continue
        refused = exchange.status >= 400
        session.hold("inputs.method", refused, exchange, expected="status 405", got=f"status {exchange.status}")
        on_real = exchange.request.run_id == probe.run_id
        if on_real and refused:
            session.hold(
                "inputs.method-405",
                exchange.status in (405, 501),
                exchange,
                expected="status 405",
                got=f"status {exchange.status}",
            )


def hold_head(session: Session, probe: Probe) -> None:
    """HEAD is GET without its body."""
    exchange = session.ask(session.reading(probe.run_id, probe.offset or None, method="HEAD"))
    if not exchange.status or exchange.busy:
        return
    supported = exchange.status not in (404, 405, 501)
    session.hold("inputs.head", supported, exchange, expected="the answer to GET", got=f"status {exchange.status}")
    if not supported:
        return
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

_NO_OFFSETS = (
    "-1",
    "1.5",
    "",
    "%20",
    "one",
    "0x1",
    "1_0",
    "%D9%A1",  # the digit one of Arabic
    "9223372036854775808",
    "18446744073709551616",
    "1e400",
)


def hold_bad_offsets(session: Session, probe: Probe) -> None:
    """What is no integer in the range is refused."""
    name = session.contract.pagination.offset
    for text in _NO_OFFSETS:
        exchange = session.ask(session.reading(probe.run_id, query=f"{name}={text}"))
        _hold_status(session, "inputs.offset-refused", exchange, _REFUSED)


def hold_loose_offsets(session: Session, probe: Probe) -> None:
    """Another spelling of an integer is refused, or read as that integer."""
    name, run_id, number = session.contract.pagination.offset, probe.run_id, max(probe.offset, 0)
    telling = number > 0
    for text in (f"%2B{number}", f"0{number}", f"{number}.0", f"{number}e0", f"%20{number}"):
        exchange = session.ask(session.reading(run_id, query=f"{name}={text}"))
        if exchange.status == 200 and telling:
            _hold_same(session, "inputs.offset-read", exchange, probe.exchange, probe, f"the page at offset {number}")
        elif exchange.status in _REFUSED and telling:
            session.hold("inputs.offset-read", True, exchange)
        _hold_status(session, "inputs.offset-canonical", exchange, _REFUSED)
    past = (probe.view.end or 0) + 1
    exchange = session.ask(session.reading(run_id, query=f"{name}={number}&{name}={past}"))
    if exchange.status == 200 and telling:
        one, other = probe.exchange, session.ask(session.reading(run_id, past))
        read = session.same_answer(exchange, one) or session.same_answer(exchange, other)
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
    for offset in (2**31, 2**32, 2**63 - 1):
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

_NO_BOOLEANS = ("maybe", "", "2", "null")
_LOOSE = (("True", True), ("TRUE", True), ("1", True), ("False", False), ("0", False), ("no", False))


def hold_booleans(session: Session, probe: Probe) -> None:
    """What is no boolean is refused; another spelling of one is refused, or read as what it says."""
    flags = session.contract.flags
    for number, text in enumerate(_NO_BOOLEANS):
        flag = flags[number % len(flags)]
        exchange = session.ask(session.reading(probe.run_id, probe.offset, query=f"{flag}={text}"))
        _hold_status(session, "inputs.boolean-refused", exchange, _REFUSED)
    for number, (text, meaning) in enumerate(_LOOSE):
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
    for query in (
        "no_such_parameter=1&page_size=1&limit=1&page=2&cursor=x&offset=1",
        f"{shouted}&{offset.upper()}=1&{offset}%5B%5D=1&include=all",
    ):
        exchange = session.ask(session.reading(probe.run_id, query=query))
        if exchange.status == 200:
            what = "the answer without the parameters"
            _hold_same(session, "inputs.unknown-parameter", exchange, first, probe, what)
        elif 400 <= exchange.status < 500:
            session.hold("inputs.unknown-parameter", True, exchange)
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


def hold_headers(session: Session, probe: Probe) -> None:
    """Headers that the operation does not know change nothing."""
    for accept, extra in (
        ("application/json", (("X-Latin", "caf\xe9 \xff"),)),
        ("application/json", (("X-Long", "a" * 4000), ("X-Twice", "1"), ("X-Twice", "2"), ("X-Forwarded-For", "::1"))),
        ("application/json", (("If-None-Match", '"no-such-tag"'), ("Range", "bytes=0-9"), ("Cookie", "a=b; c"))),
        ("text/html;q=0.9, application/xml", ()),
    ):
        _hold_unmoved(
            session, probe, session.ask(session.reading(probe.run_id, probe.offset, accept=accept, extra=extra))
        )


def _hold_unmoved(session: Session, probe: Probe, exchange: Exchange) -> None:
    if not exchange.status or exchange.busy or exchange.status >= 500:
        return
    if exchange.status in (400, 406, 431):
        session.hold("inputs.headers", True, exchange)
    else:
        _hold_same(session, "inputs.headers", exchange, probe.exchange, probe, "the answer without the header")


def hold_gzip(session: Session, probe: Probe) -> None:
    """A compressed answer says the same, and comes to those only who take it."""
    session.ask(session.reading(probe.run_id, flags=session.lens.flags, coding="gzip;q=0, identity"))
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
    own = (session.context,) if session.context is not None else ()
    exchange = session.ask(session.reading(probe.run_id, probe.offset, context=(*own, made_up, made_up)))
    _hold_status(session, "inputs.doubled", exchange, (400, 403, 404, 422))

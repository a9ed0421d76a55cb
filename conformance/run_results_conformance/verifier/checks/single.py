"""The rules that one exchange alone can break. They are judged for whatever was asked, for whichever reason."""

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

from run_results_conformance.verifier.body import NOTHING
from run_results_conformance.verifier.connection import Answer
from run_results_conformance.verifier.session import Exchange, Observation, Session, accepts_gzip
from run_results_conformance.verifier.spec_view import Inspection, Lens

_CONTENT_TYPE = re.compile(r"[ \t]*application/json[ \t]*(?:;[ \t]*(?P<parameters>.*))?", re.IGNORECASE | re.DOTALL)
_CHARSET = re.compile(r"""charset[ \t]*=[ \t]*["']?(?P<charset>[^"';, \t]+)""", re.IGNORECASE)
_INSIDE = re.compile(
    r"Traceback \(most recent call last\)"
    r'|File "[^"]{1,200}", line \d'
    r"|\bat [\w.$<>]{3,200}\([\w.]{1,100}:\d+\)"
    r"|(?:/[\w.+-]{1,100}){2,20}\.(?:py|js|ts|java|go|rb|php|rs|cs)\b"
    r"|\bselect\b[^.]{1,80}\bfrom\b"
    r"|\b(?:sqlite3|psycopg2?|sqlalchemy|pymysql|asyncpg|KeyError|IndexError|TypeError|ValueError|AttributeError"
    r"|NullPointerException|panic:)",
    re.IGNORECASE,
)
_PLAUSIBLE = (946_684_800_000_000_000, 4_102_444_800_000_000_000)  # the years 2000 and 2100
_WAITING = ("PAUSED", "STOPPED_AT_CHECKPOINT")


def judge(session: Session, exchange: Exchange) -> Iterator[Observation]:
    """What the rules for single exchanges say of one."""
    answer = exchange.answer
    if answer.refused:
        return
    yield Observation("wire.answered", answer.fault is None or answer.missing > 0, got=answer.fault or "")
    if not answer.status:
        return
    yield Observation(
        "latency.budget", answer.seconds <= session.latency, expected=f"at most {session.latency} s", got="more"
    )
    yield Observation(
        "wire.length",
        answer.missing == 0 and answer.extra == 0,
        expected="as many bytes as the head says",
        got=f"{answer.missing} bytes fewer" if answer.missing else f"{answer.extra} bytes more",
    )
    yield from _judge_head(session, exchange)
    allowed_without_body = exchange.request.method == "OPTIONS" and answer.status < 300
    if answer.fault or exchange.request.method == "HEAD" or allowed_without_body:
        return
    yield from _judge_text(exchange)
    value = exchange.body.value
    if answer.status != 200:
        yield from _judge_error(session, exchange)
    elif value is not NOTHING and exchange.request.method == "GET":
        yield from judge_answer(session.lens, value, exchange.inspection)
        yield from _judge_id(session, exchange, value)


# --- Status and headers -------------------------------------------------------------------------------------


def _judge_head(session: Session, exchange: Exchange) -> Iterator[Observation]:
    answer, method = exchange.answer, exchange.request.method
    if method == "GET":
        yield Observation("wire.status", answer.status == 200 or answer.status >= 300, expected=200, got=answer.status)
    if not accepts_gzip(exchange.request):
        codings = [value for value in answer.header("content-encoding") if value.strip().lower() != "identity"]
        yield Observation("wire.coding", not codings, expected="no Content-Encoding", got=", ".join(codings))
    # 501 refuses a method (RFC 9110, 15.6.2); a busy server is no broken one.
    meant = exchange.busy or (answer.status == 501 and method not in ("GET", "HEAD"))
    yield Observation(
        "errors.server-error", answer.status < 500 or meant, expected="a status below 500", got=answer.status
    )
    if answer.status == 401:
        challenge = answer.header("www-authenticate")
        named = any(re.search(r"(?:^|,)[ \t]*bearer(?:[ \t,]|$)", value, re.IGNORECASE) for value in challenge)
        yield Observation(
            "errors.authenticate", named, expected="WWW-Authenticate: Bearer", got=", ".join(challenge) or "no header"
        )
    if answer.status == 405:
        allow = answer.header("allow")
        methods = [word.strip() for word in ",".join(allow).split(",")]
        yield Observation("errors.allow", "GET" in methods, expected="Allow: GET", got=", ".join(allow) or "no header")
    for value in answer.header("retry-after"):
        yield Observation("errors.retry-after", _is_delay(value), expected="seconds, or an HTTP date", got=value)
    yield Observation("errors.token", not _echoes(session, answer), expected="an answer without the token", got="it")


def _is_delay(value: str) -> bool:
    if re.fullmatch(r"[0-9]{1,12}", value):
        return True
    try:
        parsed = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return False
    return value.endswith("GMT") and parsed is not None


def _echoes(session: Session, answer: Answer) -> bool:
    scrub = session.scrub
    if any(scrub(value) != value for _, value in answer.headers):
        return True
    # Pages of results are large and no place for a token; errors are small.
    text = answer.body[: 1 << 16].decode("latin-1") if answer.status != 200 else ""
    return scrub(text) != text


# --- Text ---------------------------------------------------------------------------------------------------


def _judge_text(exchange: Exchange) -> Iterator[Observation]:
    kinds = exchange.answer.header("content-type")
    found = _CONTENT_TYPE.fullmatch(kinds[0]) if len(kinds) == 1 else None
    charset = _CHARSET.search((found and found["parameters"]) or "")
    right = found is not None and (charset is None or charset["charset"].lower() in ("utf-8", "utf8"))
    yield Observation(
        "wire.content-type", right, expected="application/json, in UTF-8", got=", ".join(kinds) or "no header"
    )
    codings = exchange.answer.header("content-encoding")
    if codings and exchange.body.value is NOTHING:
        return  # judged by wire.coding and wire.gzip: these bytes are no text
    problems = exchange.body.problems
    for rule in ("wire.utf8", "wire.bom", "wire.json", "wire.duplicate-keys", "wire.numbers", "wire.surrogates"):
        if rule in problems or exchange.body.value is not NOTHING:
            yield Observation(rule, rule not in problems, got=problems.get(rule, ""))


def _judge_error(session: Session, exchange: Exchange) -> Iterator[Observation]:
    value = exchange.body.value
    if value is NOTHING:
        yield Observation("errors.shape", False, expected='{"message": ...}', got="no JSON that could be read")
    else:
        findings = session.lens.schema_findings(exchange.status, value)
        for finding in findings[:1]:
            yield Observation("errors.shape", False, finding.path, finding.expected, finding.got)
        if not findings:
            message = value.get("message") if isinstance(value, dict) else None
            blank = isinstance(message, str) and not message.strip()
            yield Observation("errors.shape", not blank, ("message",), "what went wrong", message)
    text = exchange.answer.body[: 1 << 16].decode(errors="replace").replace('\\"', '"').replace("\\n", "\n")
    inside = _INSIDE.search(text)
    yield Observation(
        "errors.discreet", inside is None, expected="words for the caller", got=inside[0] if inside else ""
    )


# --- Results ------------------------------------------------------------------------------------------------


def judge_answer(lens: Lens, value: Any, inspection: Inspection | None) -> Iterator[Observation]:
    """What the rules say of the body of a 200 alone: its shape, what was looked for in every place of it, its state."""
    findings = lens.schema_findings(200, value)
    if not findings:
        yield Observation("shape.results", True)
    for finding in findings:
        yield Observation("shape.results", False, finding.path, finding.expected, finding.got)
    if inspection is not None:
        broken = {finding.rule for finding in inspection.findings}
        for rule in sorted(inspection.chances - broken):
            yield Observation(rule, True)
        for finding in inspection.findings:
            yield Observation(finding.rule, False, finding.path, finding.expected, finding.got)
    if isinstance(value, dict):
        yield from _judge_state(lens, value)


def _judge_id(session: Session, exchange: Exchange, value: Any) -> Iterator[Observation]:
    run_id = exchange.request.run_id
    # That an id which names no run was answered at all is another rule's.
    real = {known.id for known in session.manifest.runs} | {view.id for view in session.views}
    if isinstance(value, dict) and run_id in real and isinstance(value.get("id"), str):
        yield Observation("state.id", value["id"] == run_id, ("id",), run_id, value["id"])


def _judge_state(lens: Lens, value: dict[str, Any]) -> Iterator[Observation]:
    status = value.get("status")
    start, finish = value.get("start_timestamp"), value.get("finish_timestamp")
    if isinstance(status, str):
        listed = sorted(lens.statuses)
        yield Observation("state.status", status in lens.statuses, ("status",), f"one of {', '.join(listed)}", status)
        if status == "RUNNING":
            yield Observation("state.running", finish is None, ("finish_timestamp",), None, finish)
        elif status in _WAITING:
            yield Observation("state.waiting", finish is None, ("finish_timestamp",), None, finish)
        elif status == "COMPLETE":
            null = "finish_timestamp" in value and finish is None
            yield Observation("state.complete", not null, ("finish_timestamp",), "a moment, or nothing", finish)
    moments = {"start_timestamp": start, "finish_timestamp": finish}
    numbers = {name: moment for name, moment in moments.items() if isinstance(moment, int | float)}
    for name, moment in numbers.items():
        plausible = _PLAUSIBLE[0] <= moment <= _PLAUSIBLE[1]
        yield Observation("state.nanoseconds", plausible, (name,), "nanoseconds since 1970", moment)
    if len(numbers) == len(moments):
        begun, ended = numbers.values()
        yield Observation("state.order", ended >= begun, ("finish_timestamp",), f"at least {begun}", ended)

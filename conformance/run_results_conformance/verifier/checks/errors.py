"""The family `errors`: answers of every status other than 200."""

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from run_results_conformance.verifier.body import NOTHING
from run_results_conformance.verifier.connection import Answer
from run_results_conformance.verifier.exchange import Exchange, Judgement
from run_results_conformance.verifier.session import Session

_MOST_READ = 1 << 16  # bytes of a body that are searched
_INTERNALS = re.compile(
    r"Traceback \(most recent call last\)"
    r'|File "[^"]{1,200}", line \d'
    r"|\bat [\w.$<>]{3,200}\([\w.]{1,100}:\d+\)"
    r"|(?:/[\w.+-]{1,100}){2,20}\.(?:py|js|ts|java|go|rb|php|rs|cs)\b"
    r"|\bselect\b[^.]{1,80}\bfrom\b"
    r"|\b(?:sqlite3|psycopg2?|sqlalchemy|pymysql|asyncpg|KeyError|IndexError|TypeError|ValueError|AttributeError"
    r"|NullPointerException|panic:)",
    re.IGNORECASE,
)


def check_head(session: Session, exchange: Exchange) -> Iterator[Judgement]:
    """The status, and the headers that belong to it."""
    answer, method = exchange.answer, exchange.request.method
    # 501 refuses a method (RFC 9110, 15.6.2); a busy server is no broken one.
    deliberate = exchange.busy or (answer.status == 501 and method not in ("GET", "HEAD"))
    yield Judgement(
        "errors.server-error", answer.status < 500 or deliberate, expected="a status below 500", got=answer.status
    )
    if answer.status == 401:
        challenge = answer.header("www-authenticate")
        named = any(re.search(r"(?:^|,)[ \t]*bearer(?:[ \t,]|$)", value, re.IGNORECASE) for value in challenge)
        got = ", ".join(challenge) or "no header"
        yield Judgement("errors.authenticate", named, expected="WWW-Authenticate: Bearer", got=got)
    if answer.status == 405:
        allow = ",".join(answer.header("allow"))
        methods = [word.strip() for word in allow.split(",")]
        yield Judgement("errors.allow", "GET" in methods, expected="Allow: GET", got=allow or "no header")
    for value in answer.header("retry-after"):
        yield Judgement("errors.retry-after", _is_delay(value), expected="seconds, or an HTTP date", got=value)
    yield Judgement(
        "errors.token", not _echoes_token(session, answer), expected="an answer without the token", got="it"
    )


def check_body(session: Session, exchange: Exchange) -> Iterator[Judgement]:
    """The body is a message for the caller."""
    value = exchange.body.value
    if value is NOTHING:
        yield Judgement("errors.shape", False, expected='{"message": ...}', got="no JSON that could be read")
    elif findings := session.spec.schema_findings(exchange.status, value):
        yield Judgement("errors.shape", False, findings[0].path, findings[0].expected, findings[0].got)
    else:
        message = value.get("message") if isinstance(value, dict) else None
        blank = isinstance(message, str) and not message.strip()
        yield Judgement("errors.shape", not blank, ("message",), "what went wrong", message)
    text = exchange.answer.body[:_MOST_READ].decode(errors="replace").replace('\\"', '"').replace("\\n", "\n")
    found = _INTERNALS.search(text)
    got = found[0] if found else ""
    yield Judgement("errors.discreet", found is None, expected="words for the caller", got=got)


def _is_delay(value: str) -> bool:
    """Whether a Retry-After can be read."""
    if re.fullmatch(r"[0-9]{1,12}", value):
        return True
    try:
        parsed = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return False
    return value.endswith("GMT") and parsed is not None


def _echoes_token(session: Session, answer: Answer) -> bool:
    # Pages of results are large and no place for a token; errors are small.
    text = answer.body[:_MOST_READ].decode("latin-1") if answer.status != 200 else ""
    return any(map(session.sanitizer.has_token, (*(value for _, value in answer.headers), text)))

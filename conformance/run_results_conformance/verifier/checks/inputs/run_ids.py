"""Run ids: each names one run or none."""

import unicodedata
from collections.abc import Sequence
from urllib.parse import quote

from run_results_conformance.verifier.checks.baseline import Baseline, made_up_id, names_another_run
from run_results_conformance.verifier.checks.judging import NO_SUCH_RUN, judge_status
from run_results_conformance.verifier.checks.repetition import check_first_page_again
from run_results_conformance.verifier.exchange import Exchange, ObservedRun
from run_results_conformance.verifier.session import Session

_AROUND = (
    *(
        ("", tail)
        for tail in (".xml", ".csv", "\r\n", "\t", "\u00a0", "\u200b", "?", "#", "&", ",", "*", "%", "/", "/.")
    ),
    *((head, "") for head in (" ", "\t", "\ufeff", "./", "/", "x/../", "+", "%20", "-", "x")),
    *(("", tail) for tail in ("x", "-1", ":1", "@1", "$", "=", "|")),
)

_ODD_SEGMENTS = (
    ("%20", " "),
    ("%25", "%"),
    ("it%27s%20%3D%E2%98%83%F0%9F%97%82", "it's =☃🗂"),
    ("", ""),
    ("a" * 3000, None),
)
_OTHER_ODD_SEGMENTS = (
    ("..", ".."),
    *(("%2E%2E", ".."), ("%2F", "/"), ("%zz", None), ("*", "*"), (".", "."), ("_", "_"), ("%00", "\0"), ("%0A", "\n")),
    *(("null", "null"), ("undefined", "undefined"), ("0", "0"), ("-1", "-1"), ("%FF%FE", None), ("latest", "latest")),
)
_ODD_REFUSED = (301, 302, 307, 308, *range(400, 500))  # a redirect goes to the path in normal form: no such run either


def check_run_ids(session: Session, baseline: Baseline) -> None:
    """A run id names one run or none: an id that differs from it in any way is not that run's."""
    run_id = baseline.run_id
    for other in _altered(session, run_id):
        if other not in session.run_ids:
            _judge_other(session, baseline.run, session.ask(session.request(other)))
    once = _encoded(run_id)
    not_utf8 = quote(run_id, safe="") + session.random.choice(("%FF", "%C3", "%ED%A0%80"))
    for request in (session.request(once, segment=quote(once, safe="")), session.request("", segment=not_utf8)):
        _judge_other(session, baseline.run, session.ask(request))
    for unknown in baseline.unknown_ids:
        exchange = session.ask(session.request(unknown))
        if not names_another_run(session, baseline.run, exchange):
            judge_status(session, "inputs.run-id-exact", exchange, (403, 404))
            break
    nobody = session.ask(session.request(made_up_id(session, run_id)))
    judge_status(session, "inputs.run-id-exact", nobody, NO_SUCH_RUN)
    check_first_page_again(session, baseline.run, "ids that name no run")


def _judge_other(session: Session, run: ObservedRun, exchange: Exchange) -> None:
    if not names_another_run(session, run, exchange):
        judge_status(session, "inputs.run-id-exact", exchange, NO_SUCH_RUN)


def check_ids_of_other_forms(session: Session, baseline: Baseline) -> None:
    """Ids that have other kinds of characters than those before are altered too, one of each form."""
    forms = {_form(baseline.run_id)}
    for run in session.runs:
        if (form := _form(run.id)) not in forms:
            forms.add(form)
            _judge_altered(session, run, run.id.swapcase(), _without_accents(run.id), *_other_forms(run.id))


def check_further_ids(session: Session, runs: Sequence[ObservedRun]) -> None:
    """The ids of all runs, altered in one way after the other, as long as there are requests."""
    for alter in (str.swapcase, lambda run_id: f"{run_id} ", lambda run_id: run_id[:-1], lambda run_id: f"{run_id}\n"):
        for run in runs:
            _judge_altered(session, run, alter(run.id))


def _judge_altered(session: Session, run: ObservedRun, *altered: str) -> None:
    for other in dict.fromkeys(altered):
        if other and other not in session.run_ids:
            _judge_other(session, run, session.ask(session.request(other)))


def check_odd_run_ids(session: Session, baseline: Baseline) -> None:
    """Ids that no run has are refused, however odd they are."""
    for segment, meant in (*_ODD_SEGMENTS, session.random.choice(_OTHER_ODD_SEGMENTS)):
        exchange = session.ask(session.request(meant or "", segment=segment))
        if exchange.decided and not names_another_run(session, baseline.run, exchange):
            refused, got = exchange.status in _ODD_REFUSED, f"status {exchange.status}"
            session.judge("inputs.run-id-odd", refused, exchange, expected="status 404 or 400", got=got)


def _altered(session: Session, run_id: str) -> list[str]:
    """Ids that a careless server confuses with this one: with sequential ids, some of them may name other runs."""
    before, after = session.random.choice(_AROUND)
    tails = (" ", "\n", "\0x", ";v=1", ".json")
    found = [_neighbour(run_id), *(f"{run_id}{tail}" for tail in tails), f"{before}{run_id}{after}"]
    if run_id.swapcase() != run_id:
        found.append(run_id.swapcase())
    if len(run_id) > 1:
        found.append(run_id[:-1])
    return [*found, *_other_forms(run_id)]


def _neighbour(run_id: str) -> str:
    """The id with the next letter or digit in its last place."""
    last = run_id[-1]
    return run_id[:-1] + {"9": "8", "z": "y", "Z": "Y"}.get(last, chr(ord(last) + 1))


def _other_forms(run_id: str) -> list[str]:
    """The id in other Unicode forms: composed, decomposed, and with a letter of another width."""
    found = [unicodedata.normalize(form, run_id) for form in ("NFC", "NFD")]
    position = first_alphanumeric(run_id)
    if position is not None:
        wide = chr(ord(run_id[position]) - 0x20 + 0xFF00)
        found.append(run_id[:position] + wide + run_id[position + 1 :])
    return [form for form in found if form != run_id]


def _without_accents(run_id: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", run_id) if not unicodedata.combining(c))


def _form(run_id: str) -> frozenset[str]:
    """Which kinds of characters an id has: where a server is careless depends on it."""
    return frozenset(
        "letter" if c.isascii() and c.isalpha() else "digit" if c.isascii() and c.isdigit() else unicodedata.category(c)
        for c in run_id
    )


def first_alphanumeric(run_id: str) -> int | None:
    """The place of the first ASCII letter or digit in an id."""
    return next((i for i, c in enumerate(run_id) if c.isascii() and c.isalnum()), None)


def _encoded(run_id: str) -> str:
    """The id percent-encoded, its first character too."""
    first = f"%{ord(run_id[0]):02X}" if run_id[0].isascii() else quote(run_id[0])
    return first + quote(run_id[1:], safe="")

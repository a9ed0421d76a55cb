"""Booleans: the include flags are `true` or `false`."""

from run_results_conformance.verifier.checks.baseline import Baseline
from run_results_conformance.verifier.checks.judging import REFUSED, judge_status
from run_results_conformance.verifier.comparison import judge_same, same_answer
from run_results_conformance.verifier.exchange import NO_FLAGS, Exchange
from run_results_conformance.verifier.session import Session

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


def check_booleans(session: Session, baseline: Baseline) -> None:
    """What is no boolean is refused; another spelling of one is refused, or read as what it says."""
    flags = session.contract.flags
    for number, text in enumerate((*_NO_BOOLEANS, session.random.choice(_OTHER_NO_BOOLEANS))):
        flag = flags[number % len(flags)]
        exchange = session.ask(session.request(baseline.run_id, baseline.offset, query=f"{flag}={text}"))
        judge_status(session, "inputs.boolean-refused", exchange, REFUSED)
    for number, (text, meaning) in enumerate((*_LOOSE, session.random.choice(_OTHER_LOOSE))):
        flag = flags[number % len(flags)]
        exchange = session.ask(session.request(baseline.run_id, baseline.offset, query=f"{flag}={text}"))
        if exchange.status == 200:
            _judge_read(session, baseline, exchange, flag, meaning)
        elif exchange.status in REFUSED:
            session.judge("inputs.boolean-read", True, exchange)
        judge_status(session, "inputs.boolean-canonical", exchange, REFUSED)
    flag = flags[0]
    exchange = session.ask(session.request(baseline.run_id, baseline.offset, query=f"{flag}=true&{flag}=false"))
    judge_status(session, "inputs.doubled", exchange, REFUSED)


def _judge_read(session: Session, baseline: Baseline, exchange: Exchange, flag: str, meaning: bool) -> None:
    on = baseline.page(session, frozenset({flag}))
    off = baseline.page(session, NO_FLAGS)
    if on is None or off is None or same_answer(session, on.exchange, off.exchange):
        return
    wanted = on if meaning else off
    expected = f"the answer to {flag}={str(meaning).lower()}"
    judge_same(session, "inputs.boolean-read", exchange, wanted.exchange, expected, run=baseline.run)

"""Offsets: integers from 0 to the maximum, in one spelling."""

import math

from run_results_conformance.verifier.checks.baseline import Baseline
from run_results_conformance.verifier.checks.judging import REFUSED, judge_status
from run_results_conformance.verifier.comparison import compare, explain, judge_same, same_answer
from run_results_conformance.verifier.exchange import NO_FLAGS, Exchange, Judgement, ObservedRun, Page
from run_results_conformance.verifier.session import Session

_NO_OFFSETS = ("-1", "1.5", "", "null", "true", "1,2", "9223372036854775808", "1" * 100)
_OTHER_NO_OFFSETS = (
    *("%20", "one", "none", "undefined", "NaN", "Infinity", "-Infinity", "false", "on", "first", "%00", "%E2%98%83"),
    *("18446744073709551616", "18446744073709551617", "-9223372036854775809", "-2", "-0.5", "1e400", "0.1", "1e-3"),
    *("1;2", "[1]", "%7B%7D", "1-2", "1/1", "1x", "2abc", "--1", "0x", "_1", "1__0", "0b2", "'1'", "%221%22"),
)
_MOST_DRAWN = 1
_LONG = 100  # characters: so many may be too many for a path (414)


def check_bad_offsets(session: Session, baseline: Baseline) -> None:
    """What is no integer from 0 to the maximum is refused: words, lists, fractions, numbers out of range."""
    name = session.contract.pagination.offset
    for text in (*_NO_OFFSETS, *session.random.sample(_OTHER_NO_OFFSETS, _MOST_DRAWN)):
        exchange = session.ask(session.request(baseline.run_id, query=f"{name}={text}"))
        judge_status(session, "inputs.offset-refused", exchange, REFUSED if len(text) < _LONG else (*REFUSED, 414))


def check_loose_offsets(session: Session, baseline: Baseline) -> None:
    """Another spelling of an integer is refused, or read as that integer."""
    name, run_id, number = session.contract.pagination.offset, baseline.run_id, max(baseline.offset, 0)
    several = number > 0  # at offset 0 a number that is misread as 0 does not show
    # The file at 10 shows whether ten was read as eight or as one; the longest run has it, if any does.
    longest = max((run for run in session.runs if run.final), key=_length, default=baseline.run)
    for text, meant in _spellings(number):
        other = run_id if meant == number else longest.id
        exchange = session.ask(session.request(other, query=f"{name}={text}"))
        if exchange.status == 200 and several:
            wanted = baseline.exchange if meant == number else session.ask(session.request(other, meant))
            judge_same(session, "inputs.offset-read", exchange, wanted, f"the page at offset {meant}", run=baseline.run)
        elif exchange.status in REFUSED and several:
            session.judge("inputs.offset-read", True, exchange)
        judge_status(session, "inputs.offset-canonical", exchange, REFUSED)
    past = (baseline.run.end or 0) + 1
    exchange = session.ask(session.request(run_id, query=f"{name}={number}&{name}={past}"))
    if exchange.status == 200 and several:
        second = session.ask(session.request(run_id, past))

        def look(answer: Exchange, *pages: Exchange) -> Judgement | None:
            if not all(each.decided for each in (answer, *pages)):
                return None
            if any(same_answer(session, answer, page) for page in pages):
                return Judgement("inputs.offset-read", True)
            what = f"the page at offset {number}; it is not the one at {past} either"
            return Judgement("inputs.offset-read", False, *explain(session, answer, pages[0], what))

        compare(session, baseline.run, look, exchange, session.ask(baseline.exchange.request), second)
    judge_status(session, "inputs.doubled", exchange, REFUSED)


def check_large_offsets(session: Session, baseline: Baseline) -> None:
    """Offsets are 64 bits wide: beyond 32 bits, and at the greatest of all, there are no files."""
    words = session.contract.pagination
    for offset in (2**32, 2**63 - 1):
        if baseline.run.end is None or offset <= baseline.run.end:
            continue
        exchange = session.ask(session.request(baseline.run_id, offset))
        if not exchange.decided:
            continue
        page = session.as_page(exchange, baseline.run_id, offset, NO_FLAGS)
        nothing = isinstance(page, Page) and not page.files and not page.more
        got = f"{len(page.files)} files" if isinstance(page, Page) else f"status {exchange.status}"
        session.judge(
            "inputs.offset-int64", nothing, exchange, path=(words.items,), expected="status 200, no files", got=got
        )


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


def _length(run: ObservedRun) -> float:
    """The number of files of a run where it is known; infinite where no end was seen."""
    if run.end is not None or run.known.files is not None:
        return float(run.end if run.end is not None else run.known.files or 0)
    return math.inf if run.first.more else len(run.lean)

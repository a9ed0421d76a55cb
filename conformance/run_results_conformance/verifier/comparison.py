"""Comparing answers: before a server is accused because answers differ, all of them are asked for again.

Every check that compares answers does it here. Answers can differ because the server is wrong, because the run has
changed in between, or because the server answers the same request differently from one moment to the next:

    compare(session, run, look, accused, *references)
      └▶ look says that they agree ───────────────────────────────────────────▶ KEPT
      └▶ they differ: the references are asked again, then the accused
           └▶ no reference has changed, and they still differ ─────────────────▶ BROKEN    the rule is broken
           └▶ they agree now
                └▶ what was replaced came back, or a finished run's files changed ▶ UNSTABLE  paging.deterministic is
                └▶ else ────────────────────────────────────────────────────────▶ MOVED     the run has changed
           └▶ a reference has changed too: once more, at most three times

A reviewer may edit a run that is COMPLETE. An edit changes what stands in files, not which files there are, and what it
has replaced does not come back. So an answer that comes back, or other files of a run that is final, are no edit.
A run that is RUNNING may change in every way.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from attrs import frozen

from .body import NOTHING
from .exchange import NO_FLAGS, Exchange, Judgement, ObservedRun, Page
from .sanitizer import value_text
from .session import Session
from .spec_view import Path, difference

_MOST_ROUNDS = 3
_MOST_CONNECTIONS = 3  # that are opened to see whether an answer comes back
_MOST_REPEATS = 6  # of a request whose answer may only be of another size
_MOST_OF_VALUE = 400  # characters of a value that are shown with more words
_DETERMINISTIC = "paging.deterministic"
_CHANGES = "the answers to the same request differ"

Look = Callable[..., Judgement | None]
"""Compares exchanges, in the order in which they were given; None where they cannot be compared."""


class Outcome(StrEnum):
    """What came of a comparison."""

    KEPT = "kept"
    BROKEN = "broken"
    MOVED = "moved"
    UNSTABLE = "unstable"
    OPEN = "open"


@frozen
class Comparison:
    """What came of a comparison, and the newest answers, in the order in which the exchanges were given."""

    outcome: Outcome
    exchanges: tuple[Exchange, ...]


def compare(session: Session, run: ObservedRun, look: Look, accused: Exchange, *references: Exchange) -> Comparison:
    """Judges what `look` says of an answer and those that it is compared with.

    Only an answer to the `accused` request can break the rule; it counts once asking again has shown that nothing else
    explains it. Raises OutOfRequests, Unresponsive.
    """
    now = (accused, *references)
    found = look(*now)
    if found is None or run.changed or not session.tally.wants(found.rule):
        return Comparison(Outcome.OPEN, now)
    if found.kept:
        _judge(session, run, found, accused)
        return Comparison(Outcome.KEPT, now)
    if session.unstable:
        session.tally.give_reason(found.rule, f"run {run.id}: {_CHANGES}")
        return Comparison(Outcome.OPEN, now)
    if found.rule in run.broken and not run.moved:
        _judge(session, run, found, accused)
        return Comparison(Outcome.BROKEN, now)
    return _ask_again(session, run, look, now)


def _ask_again(session: Session, run: ObservedRun, look: Look, before: tuple[Exchange, ...]) -> Comparison:
    """Asks for the references again, then for the accused answer, until it is clear why they differ."""
    earlier = now = before
    for _ in range(_MOST_ROUNDS):
        references = [session.ask(each.request, fresh=True) for each in before[1:]]
        now = (session.ask(before[0].request, fresh=True), *references)
        if not all(exchange.decided for exchange in now):
            return Comparison(Outcome.OPEN, now)
        found = look(*now)
        changed = [not same_answer(session, *pair) for pair in zip(now, before, strict=True)]
        if run.final and any(_no_edit(session, *pair) for pair in zip(before, now, strict=True)):
            return _changed(session, run, before, now, unstable=True)
        if found is not None and found.kept:
            if not any(changed):
                return Comparison(Outcome.OPEN, now)
            newest = len(now) > 1 and all(before[0].number > reference.number for reference in before[1:])
            # Where the references have seen no change, the answer came back.
            return _changed(session, run, before, now, unstable=newest and not any(changed[1:]))
        if found is not None and not any(changed[1:]):
            return _broken(session, run, found, now)
        if found is None:
            return Comparison(Outcome.OPEN, now)
        before, earlier = now, before
    return _changed(session, run, earlier, now, unstable=run.final)


def _judge(session: Session, run: ObservedRun, found: Judgement, exchange: Exchange) -> None:
    session.judge(found.rule, found.kept, exchange, path=found.path, expected=found.expected, got=found.got, run=run)


def _broken(session: Session, run: ObservedRun, found: Judgement, now: tuple[Exchange, ...]) -> Comparison:
    """Accuses, unless one of the answers is another one when it is asked for once more: answers may change in turn."""
    for exchange in now:
        once_more = session.ask(exchange.request, fresh=True)
        if once_more.decided and not same_answer(session, once_more, exchange):
            newer = tuple(once_more if each is exchange else each for each in now)
            return _changed(session, run, now, newer, unstable=run.final)
    _judge(session, run, found, now[0])
    run.broken.add(found.rule)
    session.unstable = session.unstable or found.rule == _DETERMINISTIC
    return Comparison(Outcome.BROKEN, now)


def _changed(
    session: Session, run: ObservedRun, before: tuple[Exchange, ...], now: tuple[Exchange, ...], *, unstable: bool
) -> Comparison:
    """Says that the run has moved, or that the server is not deterministic."""
    if not (unstable or (run.final and _comes_back(session, before, now))):
        run.moved += 1
        if not run.final:
            session.forget(run)  # more than an edit may have happened
        return Comparison(Outcome.MOVED, now)
    session.unstable = True
    for old, new in zip(before, now, strict=True):
        if not same_answer(session, new, old):
            path, expected, got = explain(session, new, old, "the answer that came before")
            session.judge(_DETERMINISTIC, False, new, path=path, expected=expected, got=got, run=run)
            break
    return Comparison(Outcome.UNSTABLE, now)


def _comes_back(session: Session, before: tuple[Exchange, ...], now: tuple[Exchange, ...]) -> bool:
    """Whether an answer that was replaced comes back over another connection: then copies of the server differ."""
    for old in (old for old, new in zip(before, now, strict=True) if not same_answer(session, new, old)):
        for _ in range(_MOST_CONNECTIONS):
            session.connection.renew()
            again = session.ask(old.request, fresh=True)
            if again.decided and same_answer(session, again, old):
                return True
        break
    return False


def judge_same(
    session: Session, rule: str, exchange: Exchange, wanted: Exchange, expected: str, *, run: ObservedRun
) -> Outcome:
    """Judges that an answer says the same as the newest one to the request that is `wanted`.

    No answer, "too busy" and a status from 500 on are for other rules.
    """

    def look(answer: Exchange, reference: Exchange) -> Judgement | None:
        if not (answer.decided and reference.decided):
            return None
        if same_answer(session, answer, reference):
            return Judgement(rule, True)
        return Judgement(rule, False, *explain(session, answer, reference, expected))

    return compare(session, run, look, exchange, session.ask(wanted.request)).outcome


def explain(session: Session, exchange: Exchange, wanted: Exchange, what: str) -> tuple[Path, str, Any]:
    """Where an answer differs from `wanted`, which is `what`: the path, what stands there in that one, and in this."""
    path, expected, got = _first_difference(session, exchange, wanted)
    return path, f"{value_text(expected)[:_MOST_OF_VALUE]} (as in {what})", got


def _first_difference(session: Session, exchange: Exchange, wanted: Exchange) -> tuple[Path, Any, Any]:
    """The first place where an answer differs from the one that was expected, and what stands there in each."""
    if exchange.status != wanted.status:
        return (), f"status {wanted.status}", f"status {exchange.status}"
    if exchange.body.value is NOTHING:
        return (), "JSON", "no JSON that could be read"
    parts = _trimmed(session, wanted), _trimmed(session, exchange)
    return difference(*parts) or ((), "the same", "another answer")


# --- Whether two answers say the same ------------------------------------------------------------------------


def same_answer(session: Session, one: Exchange, other: Exchange) -> bool:
    """Whether two answers say the same, as far as the contract names it.

    The server chooses the size of a page, for each request anew. So two pages that differ in their size alone are
    the same, if repeating the request of `other` shows that its pages differ in size from each other too.
    """
    if one.status != other.status:
        return False
    if one.status != 200 or _trimmed(session, one) == _trimmed(session, other):
        return True
    if not _differ_in_size(session, one, other):
        return False
    for _ in range(0 if session.sizes_vary else _MOST_REPEATS):
        if _differ_in_size(session, session.ask(other.request, fresh=True), other):
            session.sizes_vary = True
            break
    return session.sizes_vary


def _differ_in_size(session: Session, one: Exchange, other: Exchange) -> bool:
    """Whether both are pages of the same run that begin alike, and one goes on where the other ends."""
    words = session.contract.pagination
    pages = [_trimmed(session, exchange) for exchange in (one, other)]
    files: list[list[Any]] = [page[words.items] for page in pages if _has_files(page, words.items)]
    if len(files) < len(pages) or len(files[0]) == len(files[1]):
        return False
    rests = [{**page, words.items: [], words.more: None} for page in pages]
    shared = min(map(len, files))
    return rests[0] == rests[1] and files[0][:shared] == files[1][:shared]


def _has_files(page: Any, items: str) -> bool:
    return isinstance(page, dict) and isinstance(page.get(items), list) and bool(page[items])


def _trimmed(session: Session, exchange: Exchange) -> Any:
    return session.spec.trim(exchange.body.value, session.spec.flags)


def identity(file: Any) -> Any:
    """What makes a file the same file: its path where it has one, else the whole of it."""
    path = file.get("input_file_path") if isinstance(file, dict) else None
    return path if isinstance(path, str) else file


def page_of(session: Session, exchange: Exchange) -> Page | None:
    """The page in an exchange, None where the answer is no page."""
    request = exchange.request
    page = session.as_page(exchange, request.run_id or "", request.offset or 0, request.flags or NO_FLAGS)
    return page if isinstance(page, Page) else None


def _no_edit(session: Session, before: Exchange, now: Exchange) -> bool:
    """Whether two answers to one request differ as by no edit: in status, in which files there are, in has_more."""
    if before.decided and before.status != now.status:
        return True
    old, new = page_of(session, before), page_of(session, now)
    if old is None or new is None:
        return False
    if len(old.files) == len(new.files):
        return old.more != new.more or any(map(_differ_in_path, old.files, new.files))
    return not (old.files and new.files) or any(map(_differ_in_path, old.files, new.files))


def _differ_in_path(one: Any, other: Any) -> bool:
    """Whether two files are different files. Without a path, what stands in a file may have been edited."""
    paths = [file.get("input_file_path") if isinstance(file, dict) else None for file in (one, other)]
    return all(isinstance(path, str) for path in paths) and paths[0] != paths[1]

"""A right request that wrong requests are made from, and its answer, which theirs are compared with."""

from string import ascii_lowercase, digits

from attrs import frozen

from run_results_conformance.verifier.comparison import page_of
from run_results_conformance.verifier.exchange import NO_FLAGS, Exchange, ObservedRun, Page
from run_results_conformance.verifier.session import Session

from .richest import RichPage, richest_page

_LATE = 4  # files before the end of a run
_UNKNOWN = 3  # ids that look like a run's
_MOST_DRAWN = 20
_REDRAWN = 8  # letters and digits: what stands before them may be the same for all ids


@frozen(eq=False)
class Baseline:
    """A request for a small page of a run, and its answer.

    The page is at `offset`, near the last file of the run where the end is known. `unknown_ids` are ids that look like
    the run's. They are drawn, and a short one may name a run nevertheless: see `names_another_run`. `rich` is a page,
    perhaps of another run, with the most kinds of values.
    """

    run: ObservedRun
    offset: int
    exchange: Exchange
    unknown_ids: tuple[str, ...]
    rich: RichPage

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.run.id

    def page(self, session: Session, flags: frozenset[str]) -> Page | None:
        """The same page under flags, None where the answer is no page."""
        page = session.page(self.run_id, self.offset, flags)
        return page if isinstance(page, Page) else None


def read_baseline(session: Session, run: ObservedRun) -> Baseline:
    """Reads the last file of a run, or one a little before it that the flags add more to."""
    page = session.page(run.id, offset := _late_offset(session, run))
    if not isinstance(page, Page) and offset:
        page = session.page(run.id, offset := 0)
    exchange = page.exchange if isinstance(page, Page) else page
    rich = richest_page(session.runs) or RichPage(run, 0)
    return Baseline(run, offset, exchange, tuple(_unknown_ids(session, run.id)), rich)


def _late_offset(session: Session, run: ObservedRun) -> int:
    if run.end is None:
        return max(run.starts, default=0)

    def added(index: int) -> int:
        file = run.full.get(index)
        bare, whole = (session.spec.trim_files([file], flags)[0] for flags in (NO_FLAGS, session.spec.flags))
        return len(repr(whole)) - len(repr(bare))

    candidates = range(max(run.end - _LATE, 0), run.end)
    return max(candidates, key=lambda index: (added(index) > 0, index), default=0)


def _unknown_ids(session: Session, run_id: str) -> list[str]:
    """Ids of the same form: with their last letters and digits drawn anew."""
    places = [place for place, character in enumerate(run_id) if character.isascii() and character.isalnum()]
    found: list[str] = []
    for _ in range(_MOST_DRAWN if places else 0):
        drawn = list(run_id)
        for place in places[-_REDRAWN:]:
            drawn[place] = session.random.choice(_alphabet(run_id[place]))
        other = "".join(drawn)
        if other not in (*found, *session.run_ids):
            found.append(other)
        if len(found) == _UNKNOWN:
            break
    return found or [made_up_id(session, run_id)]


def _alphabet(character: str) -> str:
    """What may stand in the place of a letter or digit: an id that is hexadecimal stays so."""
    if character.isdigit():
        return digits
    letters = "abcdef" if character.lower() in "abcdef" else ascii_lowercase
    return letters.upper() if character.isupper() else letters


def made_up_id(session: Session, run_id: str) -> str:
    """An id that no run has: nobody can have chosen it before."""
    return f"{run_id}-of-nobody-{session.random.getrandbits(64):016x}"


def names_another_run(session: Session, run: ObservedRun, exchange: Exchange) -> bool:
    """Whether the answer to an id shows a run of that id which is not `run`.

    With sequential or short ids an id that was altered may well name a run. The same files may be in several runs; they
    do not start at the same nanosecond, but for runs that somebody wrote by hand, and these differ in their files.
    """
    page, own = page_of(session, exchange), page_of(session, session.ask(run.first.exchange.request))
    if page is None or own is None or page.value.get("id") != exchange.request.run_id:
        return False
    spec, items = session.spec, session.contract.pagination.items
    files, own_files = (spec.trim_files(each.value[items], NO_FLAGS) for each in (page, own))
    started, own_start = (each.value.get("start_timestamp") for each in (page, own))
    if started is None or own_start is None:
        return files != own_files or not files
    both = min(len(files), len(own_files))  # a run that is RUNNING may have more files than a moment ago
    return bool(started != own_start) or files[:both] != own_files[:both]

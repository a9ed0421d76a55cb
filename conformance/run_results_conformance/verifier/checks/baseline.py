"""A right request that wrong requests are made from, and its answer, which theirs are compared with."""

from attrs import frozen

from run_results_conformance.verifier.exchange import NO_FLAGS, Exchange, ObservedRun, Page
from run_results_conformance.verifier.session import Session

_LATE = 4  # files before the end of a run


@frozen(eq=False)
class Baseline:
    """A request for a small page of a run, and its answer.

    The page is at `offset`, near the last file of the run where the end is known. `unknown_ids` are ids that look like
    the run's and name no run.
    """

    run: ObservedRun
    offset: int
    exchange: Exchange
    unknown_ids: tuple[str, ...]

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
    return Baseline(run, offset, exchange, tuple(_unknown_ids(run.id, session.run_ids)))


def _late_offset(session: Session, run: ObservedRun) -> int:
    if run.end is None:
        return max(run.starts, default=0)

    def added(index: int) -> int:
        file = run.full.get(index)
        bare, whole = (session.spec.trim_files([file], flags)[0] for flags in (NO_FLAGS, session.spec.flags))
        return len(repr(whole)) - len(repr(bare))

    candidates = range(max(run.end - _LATE, 0), run.end)
    return max(candidates, key=lambda index: (added(index) > 0, index), default=0)


def _unknown_ids(run_id: str, taken: set[str]) -> list[str]:
    """At most two ids of the same form: with another last letter or digit, and with another one before it."""
    found: list[str] = []
    for position in reversed(range(len(run_id))):
        character = run_id[position]
        if not (character.isascii() and character.isalnum()):
            continue
        alphabet = (
            "0123456789" if character.isdigit() else "abcdef" if character in "abcdef" else "abcdefghijklmnopqrstuvwxyz"
        )
        alphabet = alphabet.upper() if character.isupper() else alphabet
        for other in alphabet[::-1]:
            changed = run_id[:position] + other + run_id[position + 1 :]
            if other != character and changed not in taken:
                found.append(changed)
                break
        if len(found) == 2:
            break
    return found or [f"{run_id}-of-nobody"]

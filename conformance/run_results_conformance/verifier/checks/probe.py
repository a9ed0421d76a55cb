"""The one right question that wrong questions are made from."""

from attrs import frozen

from run_results_conformance.verifier.session import Exchange, Page, RunView, Session


@frozen(eq=False)
class Probe:
    """A reading of a run that is answered with a small page, and what is near it.

    The page is at `offset`, the last file of the run where the end is known. `unknown_ids` are ids that look like
    the run's and name no run.
    """

    view: RunView
    offset: int
    exchange: Exchange
    unknown_ids: tuple[str, ...]

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.view.id


def make_probe(session: Session, view: RunView) -> Probe:
    """Asks for the last file of a run, or for one a little before it that the flags add more to."""
    page = session.page(view.id, offset := _late_offset(session, view))
    if not isinstance(page, Page) and offset:
        page = session.page(view.id, offset := 0)
    exchange = page.exchange if isinstance(page, Page) else page
    taken = {known.id for known in session.manifest.runs} | {each.id for each in session.views}
    return Probe(view, offset, exchange, tuple(_unknown_ids(view.id, taken)))


def _late_offset(session: Session, view: RunView) -> int:
    if view.end is None:
        return max(view.starts, default=0)

    def added(index: int) -> int:
        file = view.full.get(index)
        bare, whole = (session.lens.strip_files([file], flags)[0] for flags in (frozenset[str](), session.lens.flags))
        return len(repr(whole)) - len(repr(bare))

    candidates = range(max(view.end - _LATE, 0), view.end)
    return max(candidates, key=lambda index: (added(index) > 0, index), default=0)


_LATE = 4  # files


def _unknown_ids(run_id: str, taken: set[str]) -> list[str]:
    """Ids of the same form, with another last letter or digit, or digits all turned around."""
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


def last_page(session: Session, probe: Probe, flags: frozenset[str]) -> Page | None:
    """The probe's page under flags, None where it is none."""
    page = session.page(probe.run_id, probe.offset, flags)
    return page if isinstance(page, Page) else None

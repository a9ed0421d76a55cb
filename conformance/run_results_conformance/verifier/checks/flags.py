"""The family `flags`: under which flags a run is read. What is judged of each page is in `pages`."""

from collections.abc import Iterator
from itertools import product

from run_results_conformance.verifier.exchange import NO_FLAGS, ObservedRun
from run_results_conformance.verifier.session import Session

from .pages import read_page
from .paging import offsets
from .richest import RichPage

_DRAWN = 1  # combinations


def combinations(session: Session) -> list[frozenset[str]]:
    """All sets of flags, in the order of their size."""
    flags = session.contract.flags
    choices = [
        frozenset(name for name, on in zip(flags, chosen, strict=True) if on)
        for chosen in product((False, True), repeat=len(flags))
    ]
    return sorted(choices, key=lambda chosen: (len(chosen), [flag not in chosen for flag in flags]))


def check_combinations(session: Session, rich: RichPage, run: ObservedRun, late: int) -> None:
    """All combinations of flags where most is shown, and some late in a run."""
    every = combinations(session)
    some = session.random.sample(every, min(_DRAWN, len(every)))
    for where, offset, chosen in ((rich.run, rich.offset, every), (run, late, some)):
        for flags in chosen:
            read_page(session, where, offset, flags)


def check_mixtures(session: Session, runs: list[ObservedRun]) -> None:
    """Every run from further offsets under further flags, the runs in turn, as long as there are requests."""
    queues = [_mixture(session, run) for run in runs]
    while queues:
        for queue in list(queues):
            case = next(queue, None)
            if case is None:
                queues.remove(queue)
            else:
                read_page(session, *case)


def _mixture(session: Session, run: ObservedRun) -> Iterator[tuple[ObservedRun, int, frozenset[str]]]:
    middle = [flags for flags in combinations(session) if flags and flags != session.spec.flags]
    session.random.shuffle(middle)
    places = offsets(session, run)
    if run.large and run.end is not None:
        places = [offset for offset in places if offset >= run.end - 2]
    for number, offset in enumerate(places):
        yield run, offset, NO_FLAGS
        yield run, offset, middle[number % len(middle)]
    for number, offset in enumerate(places):
        yield run, offset, middle[(number + len(middle) // 2) % len(middle)]

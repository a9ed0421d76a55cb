"""The laws of paging and of the include flags: which pages are asked for to see them kept or broken.

What is held of each page is in `runs.hold_page`; here is only which offsets and which flags are worth a request.
"""

from collections.abc import Iterator
from itertools import product

from run_results_conformance.verifier.session import NO_FLAGS, Page, RunView, Session

from .runs import hold_page

_FEW = 24  # files: a run of so many is asked from every offset
_BORDERS = 6
_DRAWN = 4


def offsets(session: Session, view: RunView) -> list[int]:
    """The offsets of a run that are worth asking from: all of them, up to two past the end, when there are few;
    else the start, the end, page borders, their neighbours, and some that are drawn.
    """
    if view.end is None:
        seen = sorted(view.lean)
        return [*seen[1:4], *(index for start in view.starts[1:_BORDERS] for index in (start, start + 1, start - 1))]
    end = view.end
    past = [end, end + 1, end + 2]
    if end <= _FEW:
        borders = [start for start in view.starts if start]
        return list(dict.fromkeys([*past, *borders, *range(1, end)]))
    if view.heavy:
        return [k for k in (*past, end - 1, end - 2, 1, *view.starts[1:2], end // 2) if k >= 0]
    starts = view.starts[1:_BORDERS] + view.starts[-2:]
    near = [index for start in starts for index in (start, start - 1, start + 1)]
    drawn = sorted(session.random.sample(range(end), _DRAWN))
    return [k for k in dict.fromkeys([*past, end - 1, end - 2, 1, 2, *near, *drawn]) if k >= 0]


def hold_suffixes(session: Session, view: RunView) -> None:
    """Everything from every offset is the tail of everything."""
    for offset in offsets(session, view):
        hold_page(session, view, session.page(view.id, offset), offset, NO_FLAGS)


def combinations(session: Session) -> list[frozenset[str]]:
    """All sets of flags, in the order of their size."""
    flags = session.contract.flags
    choices = [
        frozenset(name for name, on in zip(flags, chosen, strict=True) if on)
        for chosen in product((False, True), repeat=len(flags))
    ]
    return sorted(choices, key=lambda chosen: (len(chosen), [flag not in chosen for flag in flags]))


def hold_combinations(session: Session, view: RunView, late: int) -> None:
    """Under all combinations of flags late in the run; under some at the start (of a heavy run, near the end)."""
    every = combinations(session)
    some = session.random.sample(every, min(_DRAWN // 2, len(every)))
    early = max(late - 3, 0) if view.heavy else 0
    for offset, chosen in ((late, every), (early, some if early != late else ())):
        for flags in dict.fromkeys(chosen):
            hold_page(session, view, session.page(view.id, offset, flags), offset, flags)


def hold_windows(session: Session, view: RunView, pages: int = _BORDERS) -> None:
    """A page that begins inside another one has the same files: what is cut or sorted by pages shows there."""
    inner = [start - 1 for start in view.starts[1:] if start - 1 not in view.starts]
    for offset in inner[-pages:]:
        hold_page(session, view, session.page(view.id, offset), offset, NO_FLAGS)


def hold_mixtures(session: Session, views: list[RunView]) -> None:
    """Every run from further offsets under further flags, the runs in turn, as long as there are requests."""
    queues = [_mixture(session, view) for view in views]
    while queues:
        for queue in list(queues):
            case = next(queue, None)
            if case is None:
                queues.remove(queue)
                continue
            view, offset, flags = case
            hold_page(session, view, session.page(view.id, offset, flags), offset, flags)


def _mixture(session: Session, view: RunView) -> Iterator[tuple[RunView, int, frozenset[str]]]:
    middle = [flags for flags in combinations(session) if flags and flags != session.lens.flags]
    session.random.shuffle(middle)
    places = offsets(session, view)
    if view.heavy and view.end is not None:
        places = [offset for offset in places if offset >= view.end - 2]
    for number, offset in enumerate(places):
        yield view, offset, NO_FLAGS
        yield view, offset, middle[number % len(middle)]
    for number, offset in enumerate(places):
        yield view, offset, middle[(number + len(middle) // 2) % len(middle)]


def hold_defaults(session: Session, view: RunView) -> None:
    """What is not said is 0 and false; saying so changes nothing."""
    first = session.page(view.id, 0)
    if not isinstance(first, Page):
        return
    same = "the answer without the parameter"
    zero = session.ask(session.reading(view.id, 0))
    session.hold_same("paging.default", zero, first.exchange, same, run=view)
    one = frozenset(session.contract.flags[:1])
    for flags in (NO_FLAGS, one):
        wanted = session.page(view.id, 0, flags)
        if isinstance(wanted, Page):
            exchange = session.ask(session.reading(view.id, None, flags, explicit=True))
            session.hold_same("flags.explicit-false", exchange, wanted.exchange, same, run=view)


def hold_determinism(session: Session, view: RunView) -> None:
    """The same question, asked again, and once more at once, has the same answer."""
    last = max(view.starts, default=0) if not view.heavy else max((view.end or 0) - 2, 0)
    for offset, flags, times in ((0, NO_FLAGS, 1), (last, session.lens.flags, 2)):
        page = session.page(view.id, offset, flags)
        if not isinstance(page, Page):
            continue
        for _ in range(times):
            again = session.ask(page.exchange.request, again=True, keep=False)
            session.hold_same("paging.deterministic", again, page.exchange, "the answer that came before", run=view)

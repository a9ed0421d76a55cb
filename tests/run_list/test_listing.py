"""Which page of the list of runs is next: each run once, however the list changes and however the server reads it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results.errors import PageRepeated, PagingError, RunOutOfWindow, RunsOutOfOrder
from run_results.run_list.listing import Listing
from run_results.run_list.window import Window, window
from run_results_api.models import RunStatus, RunSummary
from run_results_api.types import UNSET

from .moving import FROM, SECOND, START, TO, Change, MovingList, moving_lists, run, scripts, without_id

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def window_of(since: float, until: float) -> Window:
    """A window in seconds after `START`."""
    return window(EPOCH + timedelta(seconds=START + since), EPOCH + timedelta(seconds=START + until))


def read(
    answer: Callable[[int, int, int], Sequence[RunSummary]], wanted: Window, before: Callable[[], object] = lambda: None
) -> Iterator[RunSummary]:
    """Read a list to its end; `before` comes before each answer."""
    listing = Listing(wanted.begin, wanted.end)
    while not listing.is_complete:
        before()
        for each in listing.read(answer(listing.begin, listing.end, listing.offset)):
            if wanted.has(each):
                yield each


@given(moving_lists(), scripts, st.sampled_from([0, 0.5, 1]), st.sampled_from([3, 3.5, 61, 7200]))
def test_each_run_comes_once(listed: MovingList, script: list[list[Change]], since: float, until: float) -> None:
    """Whatever comes, goes and changes meanwhile: a run that stays in the window comes exactly once, and none twice."""
    wanted, left = window_of(since, until), iter(script)

    def change() -> None:
        for each in next(left, []):
            listed.change(*each)

    given = list(read(listed.page, wanted, change))
    names = [each.id for each in given]
    assert len(names) == len(set(names))
    due = {name for name in listed.stayed if wanted.has(listed.runs[name]) and listed.fits(listed.runs[name])}
    assert due <= set(names) <= set(listed.ever)
    assert listed.asked <= 3 * len(names) + 60 + 2 * len(script)


@given(moving_lists(), scripts, st.sampled_from(["all", "some"]))
def test_each_run_without_id_comes_once(listed: MovingList, script: list[list[Change]], which: str) -> None:
    """Runs without id come once, too, as long as they can be told apart; one that gets another start can come twice."""
    wanted, left = window_of(0, 7200), iter(script)

    def change() -> None:
        for each in next(left, []):
            listed.change(*each)

    def answer(begin: int, end: int, offset: int) -> list[RunSummary]:
        found = listed.page(begin, end, offset)
        return [without_id(each) if which == "all" or each.id.endswith(("1", "3", "5")) else each for each in found]

    given = list(read(answer, wanted, change))
    counts = Counter(each.id if isinstance(each.id, str) else str(each.input_dir) for each in given)
    due = {name for name in listed.stayed if wanted.has(listed.runs[name]) and listed.fits(listed.runs[name])}
    assert due <= set(counts) <= set(listed.ever)
    assert {name for name, number in counts.items() if number > 1} <= listed.restarted
    assert listed.asked <= 3 * len(given) + 60 + 2 * len(script)


@pytest.mark.parametrize("cap", [2, 3, 7, 100])
def test_runs_without_id_that_are_alike_come_each(cap: int) -> None:
    """Two runs without id of the same moment, with nothing to tell them apart, are two; and the list ends."""
    alike = [RunSummary(id=UNSET, status=RunStatus("COMPLETE"), start_timestamp=(START + 5) * SECOND) for _ in range(2)]
    runs = [*RUNS[:4], *alike, *RUNS[40:44]]

    def answer(begin: int, end: int, offset: int) -> list[RunSummary]:
        return [each for each in runs if each.start_timestamp >= begin * SECOND][offset : offset + cap]

    assert list(read(answer, ALL)) == runs


RUNS = [run(f"run-{number}", number * SECOND // 3) for number in range(60)]
SAME = [run(f"run-{number}", 0) for number in range(30)]
ALL = window_of(0, 3600)


@pytest.mark.parametrize("cap", [1, 2, 3, 7, 29, 30, 31])
@pytest.mark.parametrize("runs", [RUNS, SAME, RUNS[:1], []], ids=["in time", "at once", "one", "none"])
def test_a_server_may_cap_the_limit(runs: list[RunSummary], cap: int) -> None:
    """Pages of any size are read, with few questions, and the runs come in their order."""
    listed = MovingList({each.id: each for each in runs}, cap=cap)
    assert list(read(listed.page, ALL)) == runs
    assert listed.asked <= 3 + (2 * len(runs) if cap < 3 else 2 * len(runs) / (cap - 1))


@pytest.mark.parametrize("cap", [1, 2, 3, 7])
@pytest.mark.parametrize("lacking", range(12))
@pytest.mark.parametrize("runs", [RUNS[::6], SAME[:10]], ids=["in time", "at once"])
def test_one_answer_without_runs_is_not_the_end(runs: list[RunSummary], lacking: int, cap: int) -> None:
    """Where one answer has no runs although there are some, whichever it is, no run that came before is lost."""
    listed, asked, shown = MovingList({each.id: each for each in runs}, cap=cap), 0, set[str]()

    def answer(begin: int, end: int, offset: int) -> Sequence[RunSummary]:
        nonlocal asked
        asked += 1
        found = listed.page(begin, end, offset) if asked - 1 != lacking else []
        shown.update(each.id for each in found)
        return found

    found = [each.id for each in read(answer, ALL)]
    assert found == [each.id for each in runs if each.id in shown]
    assert asked <= 4 * len(runs) + 10


def test_a_list_that_is_emptied_ends() -> None:
    """Where all runs leave while the list is read, it is asked for once more, and ends with those that came."""
    answers: list[list[RunSummary]] = [[] for _ in range(6)]
    answers.append(RUNS[:4])
    assert list(read(lambda begin, end, offset: answers.pop(), ALL)) == RUNS[:4]
    assert answers, "two answers without runs from the beginning on are enough"


@given(st.integers(1, 12), st.lists(st.randoms(use_true_random=False), min_size=1))
def test_an_order_that_changes_is_noticed(cap: int, randoms: list) -> None:  # type: ignore[type-arg]
    """Where runs of one moment come in another order in each answer, all of them come, or there is an error."""
    asked = 0

    def answer(begin: int, end: int, offset: int) -> list[RunSummary]:
        nonlocal asked
        asked += 1
        runs = list(SAME[:20])
        randoms[asked % len(randoms)].shuffle(runs)
        return runs[offset : offset + cap]

    found: list[str] = []
    try:
        found += [each.id for each in read(answer, ALL)]
    except PageRepeated:
        pass
    else:
        assert sorted(found) == sorted(each.id for each in SAME[:20])
    assert asked < 20 * (50 + 20)


BROKEN: dict[str, tuple[Callable[[int, int, int], Sequence[RunSummary]], type[PagingError]]] = {
    "repeats a page": (lambda begin, end, offset: SAME, PageRepeated),
    "repeats a run": (lambda begin, end, offset: SAME[:1], PageRepeated),
    "ignores offset": (lambda begin, end, offset: [*SAME, *RUNS[30:]][:20], PageRepeated),
    "ignores from_timestamp": (lambda begin, end, offset: RUNS[offset : offset + 20], RunOutOfWindow),
    "ignores to_timestamp": (lambda begin, end, offset: [*RUNS, run("late", 9000 * SECOND)][offset:], RunOutOfWindow),
    "sorts descending": (lambda begin, end, offset: RUNS[::-1][offset : offset + 20], RunsOutOfOrder),
    "sorts not at all": (lambda begin, end, offset: [*RUNS[::2], *RUNS[1::2]][offset : offset + 40], RunsOutOfOrder),
    "has a run twice on a page": (lambda begin, end, offset: [*SAME, *SAME][offset : offset + 31], PageRepeated),
}


@pytest.mark.parametrize("way", BROKEN)
def test_a_broken_server_is_an_error(way: str) -> None:
    """A server that goes in circles, or leaves out what was asked of it, gets an error after few questions."""
    answer, error = BROKEN[way]
    asked = 0

    def count() -> None:
        nonlocal asked
        asked += 1

    with pytest.raises(error):
        list(read(answer, ALL, count))
    assert asked < 200


@pytest.mark.parametrize("cap", range(1, 8))
@pytest.mark.parametrize("first", FROM)
@pytest.mark.parametrize("last", TO)
def test_a_second_on_two_pages(first: str, last: str, cap: int) -> None:
    """A page may end within a second, however the server reads the bounds: the rest of the second comes, too."""
    seconds = [0, 0, 5, 5, 5, 5, 9, 10, 10, 10, 3599]
    runs = [run(f"run-{number}", second * SECOND + number) for number, second in enumerate(seconds)]
    listed = MovingList({each.id: each for each in runs}, cap, FROM[first], TO[last])
    assert list(read(listed.page, ALL)) == runs


def names(runs: str) -> dict[str, RunSummary]:
    """Runs by names of one letter, each ten nanoseconds after the one before."""
    return {name: run(name, 10 * ord(name)) for name in runs}


Script = dict[int, Callable[[dict[str, RunSummary]], object]]
MOVES: dict[str, tuple[str, int, Script]] = {
    "a known run leaves": ("abcdefgh", 3, {1: lambda runs: runs.pop("a"), 2: lambda runs: runs.pop("b")}),
    "all known runs leave": ("abcdefgh", 3, {1: lambda runs: [runs.pop(name) for name in "abc"]}),
    "most known runs leave": ("abcdefghijkl", 4, {2: lambda runs: [runs.pop(name) for name in "abcdefg"]}),
    "a run comes in front": ("cdefgh", 2, {2: lambda runs: runs.update(names("ab"))}),
    "a known run starts again": (
        "abcdefgh",
        3,
        {1: lambda runs: (runs.pop("b"), runs.update(a=run("a", 10 * ord("d") + 1)))},  # behind d, and in front of e
    ),
    "single runs, and one leaves": ("abcd", 1, {1: lambda runs: runs.pop("a")}),
    "single runs, and one leaves before the end": ("ab", 1, {1: lambda runs: runs.pop("a")}),
    "single runs, and one leaves and comes again": (
        "bcdef",
        1,
        {5: lambda runs: runs.pop("b"), 6: lambda runs: runs.update(names("ab"))},
    ),
}


@pytest.mark.parametrize("how", MOVES)
def test_a_list_that_moves_loses_no_run(how: str) -> None:
    """Each way in which plain offsets lose a run: all runs of one second that stay come once."""
    letters, cap, script = MOVES[how]
    listed, asked = MovingList(names(letters), cap), iter(range(1000))

    def move() -> None:
        if change := script.get(next(asked)):
            change(listed.runs)

    found = [each.id for each in read(listed.page, ALL, move)]
    assert len(found) == len(set(found))
    stayed = [name for name in letters if listed.runs.get(name) == run(name, 10 * ord(name))]
    assert [name for name in found if name in stayed] == stayed


def test_a_run_that_leaves_loses_none() -> None:
    """A run leaves from the pages that were read: plain offsets would skip the one behind."""
    listed = MovingList({each.id: each for each in SAME}, cap=5)
    leaving = iter([None, *(each.id for each in SAME[:4])])

    def leave() -> None:
        if (name := next(leaving, None)) is not None:
            del listed.runs[name]

    assert [each.id for each in read(listed.page, ALL, leave)] == [each.id for each in SAME]


def test_the_last_run_is_known_by_itself() -> None:
    """Runs leave so that the last known one comes alone, at the beginning: what came behind it joins all the same."""
    listed = MovingList({each.id: each for each in SAME[:2]}, cap=2)
    changes = iter([("add", 0, 0), ("remove", 0, 0), ("remove", 1, 0)])

    def change() -> None:
        if (each := next(changes, None)) is not None:
            listed.change(*each)

    assert [each.id for each in read(listed.page, ALL, change)] == ["run-0", "run-1"]

"""The laws between pages, on the walk itself: no server, no socket, no waiting."""

import contextlib
import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results import RetryPolicy
from run_results.errors import (
    ContractError,
    FilesRepeated,
    OffsetDidNotAdvance,
    PageRepeated,
    PagingError,
    RunChanged,
    RunMismatch,
    RunResultsError,
    UnusablePageError,
)
from run_results.include import Include
from run_results.options import Options, settle
from run_results.page import Page
from run_results.request import Outcome, Reply, Request, Sleep
from run_results.retry import RetryBudget
from run_results.walk import walk

OPTIONS = settle(token="t", base_url="http://127.0.0.1", retry=RetryPolicy(attempts=1))


def page(paths: Iterable[str] = (), more: bool = False, **changes: Any) -> dict[str, Any]:
    """The JSON of a page of run `r` with one file for each path."""
    files = [{"input_file_path": path} for path in paths]
    return {"id": "r", "status": "COMPLETE", "files": files, "has_more": more, **changes}


def play(
    answer: Callable[[int], Any], start: int = 0, options: Options = OPTIONS, include: Include = Include.NONE
) -> Iterator[Page]:
    """Walk against a function from the offset to a page's JSON."""
    steps = walk(options, RetryBudget(10), "r", start, include)
    outcome: Outcome = None
    while True:
        try:
            step = steps.send(outcome)
        except StopIteration:
            return
        outcome = None
        if isinstance(step, Page):
            yield step
        elif isinstance(step, Request):
            outcome = Reply(200, {}, json.dumps(answer(int(step.params["file_offset"]))).encode())
        else:
            assert isinstance(step, Sleep)


def names(start: int, stop: int) -> list[str]:
    return [f"f{index}" for index in range(start, stop)]


def scripted(*pages: dict[str, Any]) -> Callable[[int], Any]:
    """A server that answers these pages one after the other, whatever is asked for."""
    answers = iter(pages)
    return lambda _: next(answers)


BREACHES = {
    "more announced and no files": (scripted(page(names(0, 2), True), page([], True)), OffsetDidNotAdvance, 2),
    "no files at all but more": (scripted(page([], True)), OffsetDidNotAdvance, 0),
    "the offset is ignored": (lambda _: page(names(0, 2), True), PageRepeated, 2),
    "A, B, A, B": (scripted(page("ab", True), page("cd", True), page("ab", True)), PageRepeated, 4),
    "a page shuffled": (scripted(page("ab", True), page("ba", False)), PageRepeated, 2),
    "pages overlap": (scripted(page("abc", True), page("cde", True)), FilesRepeated, 3),
    "the last page overlaps": (scripted(page("abc", True), page("c", False)), PageRepeated, 3),
    "a file twice on a page": (scripted(page("aa", False)), FilesRepeated, 0),
    "another run": (scripted(page("a", True), page("b", True, id="other")), RunMismatch, 1),
    "status changes": (scripted(page("a", True), page("b", True, status="RUNNING")), RunChanged, 1),
    "finish time changes": (
        scripted(page("a", True, finish_timestamp=1), page("b", finish_timestamp=2)),
        RunChanged,
        1,
    ),
    "finish time goes": (
        scripted(page("a", True, finish_timestamp=1), page("b", finish_timestamp=None)),
        RunChanged,
        1,
    ),
    "batch changes": (scripted(page("a", True, batch_id="x"), page("b", batch_id="y")), RunChanged, 1),
    "batch goes": (scripted(page("a", True, batch_id="x"), page("b")), RunChanged, 1),
    "has_more is missing": (scripted({"id": "r", "status": "COMPLETE", "files": []}), UnusablePageError, 0),
    "has_more is null": (scripted(page("a", None)), UnusablePageError, 0),  # type: ignore[arg-type]
    "has_more is a string": (scripted(page("a", "false")), UnusablePageError, 0),  # type: ignore[arg-type]
    "has_more is a number": (scripted(page("a", 1)), UnusablePageError, 0),
    "files is missing": (scripted({"id": "r", "status": "COMPLETE", "has_more": False}), UnusablePageError, 0),
    "files is null": (scripted(page(files=None)), UnusablePageError, 0),
    "files is an object": (scripted(page(files={})), UnusablePageError, 0),
    "id is missing": (scripted({"status": "COMPLETE", "files": [], "has_more": False}), UnusablePageError, 0),
    "id is empty": (scripted(page(id="")), UnusablePageError, 0),
    "id is a number": (scripted(page(id=7)), UnusablePageError, 0),
    "the body is an array": (scripted([]), ContractError, 0),  # type: ignore[arg-type]
    "the body is null": (scripted(None), ContractError, 0),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_of_paging_stops_the_walk_by_its_name(breach: str) -> None:
    """Each breach ends in the error named after it, which says where, and from where to go on."""
    answer, error, resume = BREACHES[breach]
    handed_out: list[str | None] = []
    with pytest.raises(error) as caught:
        for got in islice(play(answer), 100):
            handed_out += [str(file.input_file_path) for file in got.files]
    assert type(caught.value) is error
    assert (caught.value.run_id, caught.value.resume_offset) == ("r", resume)
    assert len(handed_out) == resume, "what was handed out is what lies before the place to resume at"
    assert len(set(handed_out)) == len(handed_out)
    assert "run 'r'" in str(caught.value)


@pytest.mark.parametrize("broken", [{"files": None}, {"files": {}}, {"has_more": None}, {"id": 7}, {"files": [None]}])
def test_a_page_that_cannot_be_used_is_named_under_any_include_flag(broken: dict[str, Any]) -> None:
    """What was asked for changes nothing about the error; a file that is no object is drift."""
    with contextlib.suppress(UnusablePageError):
        (got,) = play(lambda offset: page("a") | broken, include=Include.ALL)
        assert broken == {"files": [None]}
        assert "$.files[0]" in [place.path for place in got.breaches]


def test_files_without_a_path_are_told_apart_by_what_they_hold() -> None:
    """Same names are no repetition; the same content again is one."""
    files = [{"original_file_name": "scan.pdf", "documents": [{"page_numbers": [index]}]} for index in range(3)]
    assert len(list(play(lambda offset: page(more=offset < 2, files=[files[offset]])))) == 3
    with pytest.raises(PageRepeated):
        list(play(lambda offset: page(more=offset < 2, files=[files[0]])))


@given(
    length=st.integers(1, 60),
    size=st.integers(1, 3),
    lead=st.integers(0, 30),
)
def test_a_cycle_of_any_length_ends_the_walk(length: int, size: int, lead: int) -> None:
    """A server that goes round in circles, after any number of honest pages, is called by name in bounded time."""

    def answer(offset: int) -> Any:
        number = offset // size
        if number >= lead:
            number = lead + (number - lead) % length
        return page(names(number * size, number * size + size), True)

    seen = 0
    with pytest.raises(PageRepeated):
        for got in islice(play(answer), 10_000):
            seen += len(got.files)
    assert seen == (lead + length) * size, "not one file twice"


def test_a_cycle_longer_than_the_window_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cycle is longer than what is remembered, the walk still ends, within a few rounds."""
    monkeypatch.setattr("run_results.page_checks.PageChecks._WINDOW", 8)
    pages = 0
    with pytest.raises(PageRepeated):
        for _ in islice(play(lambda offset: page(names(offset % 100, offset % 100 + 1), True)), 10_000):
            pages += 1
    assert 100 <= pages <= 400


def test_memory_does_not_grow_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk ten times as long holds no more."""
    monkeypatch.setattr("run_results.page_checks.PageChecks._WINDOW", 50)
    monkeypatch.setattr("run_results.events._tracing", lambda: None)  # whoever keeps spans keeps them

    def peak(pages: int) -> int:
        tracemalloc.start()
        for _ in play(lambda offset: page(names(offset, offset + 10), offset < pages * 10 - 10)):
            pass
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(20)
    assert peak(1000) < 1.5 * peak(100)


def test_a_run_that_changed_can_be_taken_as_it_comes() -> None:
    """With on_change='warn' a change of status, finish time or batch stops nothing."""
    options = settle(token="t", base_url="http://127.0.0.1", on_change="warn")
    pages = scripted(page("a", True), page("b", True, status="RUNNING", batch_id="x"), page("c"))
    assert [p.offset for p in play(pages, options=options)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("name", "value"), [("start_timestamp", "soon"), ("review_completed", "no"), ("batch_id", 7), ("message", 7)]
)
def test_what_is_broken_on_a_page_is_no_change_of_the_run(name: str, value: object) -> None:
    """A member of another type is told as that; the run has not changed, neither there nor where it is right again."""
    good = {"start_timestamp": 1_756_256_319_482_113_024, "review_completed": False, "batch_id": "b", "message": "m"}
    pages = scripted(page("a", True, **good), page("b", True, **{**good, name: value}), page("c", **good))
    assert [[str(place).partition(":")[0] for place in got.drift] for got in play(pages)] == [[], [f"$.{name}"], []]


def test_what_is_news_of_a_run_is_told_once() -> None:
    """A message that changes between pages is drift where it is another, and no breach; a start that changes is one."""
    seen = list(play(scripted(page("a", True, message="1"), page("b", True, message="2"), page("c", message="2"))))
    assert [[(place.path, place.got, place.is_breach) for place in got.known_drift] for got in seen] == [
        [],
        [("$.message", "2", False)],
        [],
    ]
    start = 1_756_256_319_482_113_024
    with pytest.raises(RunChanged, match="start_timestamp from"):
        list(play(scripted(page("a", True, start_timestamp=start), page("b", start_timestamp=start + 1))))


@given(count=st.integers(0, 30), sizes=st.lists(st.integers(1, 9), min_size=1), broken=st.integers(0, 12))
def test_resuming_gives_exactly_the_rest(count: int, sizes: list[int], broken: int) -> None:
    """Whatever request fails, what was handed out and what a walk from `resume_offset` gives make up the run."""
    requests = 0

    def answer(offset: int, breaks: bool = True) -> Any:
        nonlocal requests
        requests += 1
        stop = min(offset + sizes[offset % len(sizes)], count)
        broken_now = breaks and requests == broken + 1
        return page(names(offset, stop), stop < count, **({"id": "other"} if broken_now else {}))

    got: list[Any] = []
    try:
        for each in play(answer):
            got += each.files
    except PagingError as error:
        assert error.resume_offset is not None
        for each in play(lambda offset: answer(offset, breaks=False), start=error.resume_offset):
            got += each.files
    assert [file.input_file_path for file in got] == names(0, count)


def test_every_error_of_the_family_says_what_to_do_next() -> None:
    """Errors that a caller can do something about carry a hint, and no class invents attributes."""
    with pytest.raises(TypeError, match="has no 'colour'"):
        RunResultsError("text", colour="red")
    assert "on_change='warn'" in str(RunChanged("the run changed"))

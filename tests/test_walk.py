"""The walk over pages, what must hold between them, and waiting for a run: without sending anything, in no time."""

import asyncio
import contextlib
import json
import logging
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from run_results import AsyncClient, Client, RetryPolicy, RunStatus
from run_results.errors import (
    ConfigurationError,
    ContractError,
    DeadlineExceededError,
    FilesRepeated,
    OffsetDidNotAdvance,
    PageRepeated,
    PagingError,
    RunChanged,
    RunMismatch,
    RunNotSettledError,
    UnusablePageError,
)
from run_results.include import Include
from run_results.options import Options, settle
from run_results.page import Page
from run_results.request import Outcome, Reply, Request
from run_results.retry import RetryBudget
from run_results.walk import Steps, fetch, wait, walk
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryStore, UnfinishedRun, by_polls
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

OPTIONS = settle(token="t", base_url="http://127.0.0.1", retry=RetryPolicy(attempts=1))


def page(paths: Iterable[str] = (), more: bool = False, **changes: Any) -> dict[str, Any]:
    """The JSON of a page of run `r` with one file for each path."""
    files = [{"input_file_path": path} for path in paths]
    return {"id": "r", "status": "COMPLETE", "files": files, "has_more": more, **changes}


def carry_out(steps: Steps, answer: Callable[[Request], Outcome], sleep: Callable[[float], object]) -> Iterator[Page]:
    """Do what a client does with the steps of a walk."""
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
            outcome = answer(step)
        else:
            sleep(step.seconds)


def reply(body: Any) -> Reply:
    """An answer with this JSON, given as a value or as its text."""
    return Reply(200, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def play(
    answer: Callable[[int], Any], start: int = 0, options: Options = OPTIONS, include: Include = Include.NONE
) -> Iterator[Page]:
    """Walk against a function from the offset to a page's JSON."""
    steps = walk(options, RetryBudget(10), "r", start, include)
    return carry_out(steps, lambda request: reply(answer(int(request.params["file_offset"]))), lambda seconds: None)


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
    "id is null": (scripted(page(id=None)), UnusablePageError, 0),
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


def test_files_that_cannot_be_told_apart_are_no_repetition() -> None:
    """Two empty scans of one name, or two files that are no objects, on one page or on two: the run comes home."""
    scan = {"original_file_name": "scan.pdf", "documents": []}
    for pages in (
        [page(files=[scan, scan])],
        [page(more=True, files=[scan]), page(files=[scan])],
        [page(files=[None, 3])],
    ):
        assert sum(len(got.files) for got in play(scripted(*pages))) == 2


def test_a_doubled_file_on_a_huge_page_is_found_in_one_pass() -> None:
    """Twenty thousand files take well under the processor time that comparing each with each would."""
    started = time.process_time()
    with pytest.raises(FilesRepeated, match="file 20000"):
        list(play(scripted(page([*names(0, 20_000), "f0"]))))
    assert time.process_time() - started < 10, "each with each would take minutes"


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "r", "status": "COMPLETE", "files": [{}], "has_more": true, "has_more": false}',
        b'{"id": "r", "status": "COMPLETE", "has_more": true, "files": [{}], "has\\u005fmore": false}',
        b'{"id": "r", "status": "COMPLETE", "files": [{}], "files": [], "has_more": false}',
        b'{"id": "r", "status": "COMPLETE", "\\u0066iles": [{}], "has_more": false, "files": []}',
    ],
)
def test_a_paging_member_that_comes_twice_makes_the_page_unusable(body: bytes) -> None:
    """Which of two values counts nobody knows: a walk that believed the last would end short, silently."""
    with pytest.raises(UnusablePageError, match="expected one value"):
        list(play(lambda _: body))


def test_a_nested_key_of_such_a_name_is_no_second_one() -> None:
    """A custom key of the run may be called files."""
    (got,) = play(lambda _: page(keys={"custom": {"files": 1}}))
    assert got.drift == ()


def test_an_answer_that_breaks_the_contract_everywhere_is_refused_soon() -> None:
    """A small body can hold millions of broken places: they are not listed without end."""
    body = b'{"id": "r", "status": "COMPLETE", "has_more": false, "files": [' + b"0," * 300_000 + b"0]}"
    with pytest.raises(ContractError, match="more than 200,000 places") as caught:
        list(play(lambda _: body))
    assert len(caught.value.drift) == 100


def test_news_without_end_never_costs_a_page() -> None:
    """Of unknown keys, 200,000 are listed and the others counted; what breaks the contract is listed with them."""
    empty = b'{"id": "r", "status": "COMPLETE", "files": [{"documents": [' + b'{"x":0},' * 200_000
    (got,) = play(lambda _: empty + b'{"x":0}]}], "has_more": false, "message": 7}')
    (message,) = got.breaches
    assert message.path == "$.message"
    assert len(got.drift) == 200_002
    assert str(got.drift[-1]) == "$: expected nothing new, got '1 more place'"


@pytest.mark.parametrize(
    "odd",
    [
        b'"zz": ' + b"9" * 5000,
        b'"zz": 1e10000000000000000000000000',
        b'"zz": "\xff"',
        b'"\xe9": 1',
        b'"zz": {"a": 1, "a": 2}',
        b'"\\ud800\\n\\u001b[31m": 1',
        b'"zz": ' + b"[" * 400 + b"]" * 400,
    ],
)
def test_what_decoding_passes_over_never_costs_a_page(odd: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Under keys that the contract does not name anything may stand: the walk goes on, drift and raw can be read."""
    body = json.dumps(page("a")).encode()[:-1] + b"," + odd + b"}"
    with caplog.at_level(logging.INFO, logger="run_results"):
        (got,) = play(lambda _: body)
    assert got.files[0].input_file_path == "a"
    assert got.drift
    assert all(str(place).isprintable() for place in got.drift)
    assert not [place for place in got.breaches if place.expected != "text that can be encoded"]
    assert got.raw["id"] == "r"
    assert "\x1b" not in caplog.text


def test_what_is_new_is_looked_for_only_where_somebody_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listening, the first page of a walk costs what any page costs."""
    monkeypatch.setattr("run_results.page.inspect", lambda body: pytest.fail("looked"))
    assert len(list(play(scripted(page("a"))))) == 1


def test_texts_of_a_hostile_server_are_short_and_printable() -> None:
    """A status of any length, with anything in it, does not fill a message."""
    pages = scripted(page("a", True, status="A" * 100_000 + "\n\x1b[31m"), page("b", True, status="B\n" * 50_000))
    with pytest.raises(RunChanged) as caught:
        list(play(pages))
    assert len(str(caught.value)) < 600
    assert str(caught.value).isprintable()


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


def test_a_cycle_that_is_cut_into_pages_anew_each_time_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cycle longer than what is remembered, with changing page sizes, is recognized by a file."""
    monkeypatch.setattr("run_results.page_checks.PageChecks._WINDOW", 50)

    def answer(offset: int) -> Any:
        return page([f"f{(offset + index) % 307}" for index in range(1 + offset % 7)], True)

    with pytest.raises((PageRepeated, FilesRepeated)):
        for _ in islice(play(answer), 5000):
            pass


def test_memory_does_not_grow_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk several times as long holds no more."""
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
    assert peak(400) < 1.5 * peak(60)


def test_a_run_that_changed_can_be_taken_as_it_comes() -> None:
    """With on_change='warn' a change of status, finish time or batch stops nothing."""
    options = settle(token="t", base_url="http://127.0.0.1", on_change="warn")
    pages = scripted(page("a", True), page("b", True, status="RUNNING", batch_id="x"), page("c"))
    assert [p.offset for p in play(pages, options=options)] == [0, 1, 2]


KEEP = settle(token="t", base_url="http://127.0.0.1", retry=RetryPolicy(attempts=1), on_repeat="keep")


@pytest.mark.parametrize(
    "pages",
    [
        ["aa"],
        ["ab", "a"],
        ["ab", "ca", "d"],
        ["a", "a", "a", "b"],
        ["ab", "cd", "ab", "cd", "e"],
        ["abcabc", "abc", "abd"],
    ],
)
def test_a_run_that_has_a_file_twice_can_be_taken_whole(pages: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """With on_repeat='keep' each file comes as often as the run has it, and a warning names it; else it is an error."""
    bodies = [page(paths, index < len(pages) - 1) for index, paths in enumerate(pages)]
    with caplog.at_level(logging.WARNING, logger="run_results"):
        got = [str(file.input_file_path) for got in play(scripted(*bodies), options=KEEP) for file in got.files]
    assert "".join(got) == "".join(pages)
    assert "'a'" in caplog.text
    with pytest.raises((FilesRepeated, PageRepeated), match=r"on_repeat='keep'"):
        list(play(scripted(*bodies)))


@given(length=st.integers(1, 60), lead=st.integers(0, 30), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_a_cycle_ends_though_repetitions_are_kept(length: int, lead: int, sizes: list[int]) -> None:
    """With on_repeat='keep' a server that goes round in circles stays an error, after a bounded number of rounds."""
    rounds, pages = iter(range(100_000)), 0

    def file(index: int) -> str:
        return f"f{index if index < lead else lead + (index - lead) % length}"

    def answer(offset: int) -> Any:
        size = sizes[next(rounds) % len(sizes)]
        return page([file(index) for index in range(offset, offset + size)], True)

    with pytest.raises((FilesRepeated, PageRepeated), match="round in circles") as caught:
        for got in islice(play(answer, options=KEEP), 10_000):
            pages += len(got.files)
    assert pages <= 44 * (lead + length + max(sizes))
    assert "on_repeat" not in str(caught.value), "it would not help"


def test_kept_repetitions_cost_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cycle longer than what is remembered ends, too, where repetitions are kept."""
    monkeypatch.setattr("run_results.page_checks.PageChecks._WINDOW", 8)
    with pytest.raises((FilesRepeated, PageRepeated), match="round in circles"):
        for _ in islice(play(lambda offset: page([f"f{offset % 100}"], True), options=KEEP), 10_000):
            pass


def test_keeping_repetitions_lets_no_other_breach_pass() -> None:
    """With on_repeat='keep' a page that does not advance, of another run, or of a changed run stays an error."""
    second = {
        OffsetDidNotAdvance: page([], True),
        RunMismatch: page("b", True, id="other"),
        RunChanged: page("b", True, status="RUNNING"),
    }
    for error, body in second.items():
        with pytest.raises(error):
            list(play(scripted(page("a", True), body), options=KEEP))


@pytest.mark.parametrize(
    ("name", "value"), [("start_timestamp", "soon"), ("review_completed", "no"), ("batch_id", ["b"]), ("message", 7)]
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


def test_a_page_alone_is_the_page_of_the_walk() -> None:
    """A page that is fetched alone has what the walk that starts there gives first."""
    asked: list[Request] = []

    def answer(request: Request) -> Outcome:
        asked.append(request)
        return reply(page("a", True))

    (alone,) = carry_out(fetch(OPTIONS, RetryBudget(10), "r", 7, Include.ALL), answer, lambda seconds: None)
    first = next(carry_out(walk(OPTIONS, RetryBudget(10), "r", 7, Include.ALL), answer, lambda seconds: None))
    assert (alone.run, alone.offset, alone.next_offset) == (first.run, first.offset, first.next_offset)
    assert asked[0].params == asked[1].params


def test_nothing_is_fetched_before_it_is_asked_for() -> None:
    """A walk is lazy: making it sends nothing, so even one without a server can be made."""
    with Client(token="t", base_url="http://127.0.0.1:9") as unreachable:
        unreachable.pages("some-run")
        unreachable.files("some-run")


# Waiting --------------------------------------------------------------------------------------------------------


class World:
    """A server and a clock that moves only when the client waits."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        """What the requests come to; the last one for ever. None is no answer within the request's time."""
        self.now = 0.0
        self.slept: list[float] = []

    def answer(self, request: Request) -> Outcome:
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if outcome is None:
            self.now += request.timeout
            return DeadlineExceededError("late")
        return outcome

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def wait(self, timeout: float = 600, poll: float = 2, include: Include = Include.NONE) -> Page:
        """Wait for the run."""
        options = evolve(settle(token="t", base_url="http://127.0.0.1"), clock=lambda: self.now)
        (got,) = carry_out(wait(options, RetryBudget(10), "r", include, timeout, poll), self.answer, self.sleep)
        return got


RUNNING = reply(page("a", status="RUNNING"))


@pytest.mark.parametrize("status", ["CANCELLED", "COMPLETE", "FAILED", "PAUSED", "STOPPED_AT_CHECKPOINT"])
def test_wait_does_not_wait_for_what_cannot_change_by_itself(status: str) -> None:
    """Finished, paused and stopped runs are returned at once; what works on is waited for."""
    settled = reply(page("a", status=status))
    got = World(settled).wait(timeout=0)
    assert (got.status, got.is_finished) == (status, status in {"CANCELLED", "COMPLETE", "FAILED"})
    world = World(RUNNING, RUNNING, settled)
    assert world.wait(poll=2).status == status
    assert world.slept == [2, 3]


@pytest.mark.parametrize("poll", [0.3, 2.0, 60.0])
def test_wait_gives_up_at_its_timeout(poll: float) -> None:
    """A run that works on is an error at the timeout, not later, and the error carries the last page seen."""
    world = World(RUNNING)
    with pytest.raises(RunNotSettledError, match=r"still RUNNING after 50 s") as caught:
        world.wait(timeout=50, poll=poll)
    assert world.now == pytest.approx(50)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.page is not None
    assert caught.value.page.status is RunStatus.RUNNING


@pytest.mark.parametrize("outcome", [None, Reply(503, {"retry-after": "30"}, b"{}")], ids=["silent", "busy"])
def test_waiting_ends_at_its_timeout_whatever_the_server_does(outcome: Outcome) -> None:
    """A silent server, and one that asks for patience, do not hold it up."""
    world = World(outcome)
    with pytest.raises(RunNotSettledError, match="no answer within 5 s"):
        world.wait(timeout=5)
    assert world.now <= 5


@pytest.mark.parametrize(("poll", "wanted"), [(4.0, [4, 6, 9, 13.5, 20.25, 30, 30]), (60.0, [60] * 7)])
def test_polling_gets_less_frequent_and_never_more(poll: float, wanted: list[float]) -> None:
    """Waits grow from poll to half a minute, and stay at poll where that is longer."""
    world = World(*[RUNNING] * 7, reply(page("a")))
    world.wait(timeout=10_000, poll=poll)
    assert world.slept == wanted


@pytest.mark.parametrize(("timeout", "poll"), [(-1, 1), (float("nan"), 1), (float("inf"), 1), (1, 0), (1, -1)])
def test_wait_refuses_times_without_end(timeout: float, poll: float) -> None:
    """Every wait has a deadline."""
    with pytest.raises(ConfigurationError):
        World(RUNNING).wait(timeout=timeout, poll=poll)


def test_both_clients_wait_until_the_run_is_done() -> None:
    """`wait` sits out RUNNING and returns the first page of the finished run, with what was asked for."""
    run = SyntheticRun(seed=3, files=3)

    def server() -> ReferenceServer:
        return ReferenceServer(MemoryStore([UnfinishedRun(run, by_polls(5))]), "t", page_size=2)

    with serve(server()) as served, Client(token="t", base_url=served.url) as client:
        assert client.page(run.run_id).status is RunStatus.RUNNING
        got = client.wait(run.run_id, poll=0.001, include=Include.CONFIDENCE)
        assert (got.status, got.offset, got.is_finished) == (RunStatus.COMPLETE, 0, True)
        assert got.started_at is not None
        assert got.finished_at is not None
        assert got.finished_at > got.started_at
        assert got.include is Include.CONFIDENCE

    async def use(url: str) -> RunStatus:
        async with AsyncClient(token="t", base_url=url) as patient:
            return (await patient.wait(run.run_id, poll=0.001)).status

    with serve(server()) as served:
        assert asyncio.run(use(served.url)) is RunStatus.COMPLETE

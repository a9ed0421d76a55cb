"""Which task reads what: groups of small runs, windows of large ones, and errors before a task starts."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st
from tests.scale.kit import REFERENCE, TOKEN, VARIABLE, Asked, serving

from run_results import Client, RetryPolicy, errors
from run_results.scale import Slice, Source, measure, plan
from run_results_conformance.server.runs import MemoryRun

SIZES = [1, 4, 5, 23]
IDS = [f"run-{size}" for size in SIZES]
RUNS = [
    MemoryRun(
        {"id": f"run-{size}", "status": "COMPLETE", "start_timestamp": 1},
        [{"original_file_name": f"{index}.pdf", "input_file_path": f"{size}/{index}"} for index in range(size)],
    )
    for size in SIZES
]


@pytest.fixture(scope="module")
def served() -> Iterator[Asked]:
    """A server that has the runs, in pages of four files."""
    with serving(RUNS) as asked:
        yield asked


def source_of(asked: Asked, **more: Any) -> Source:
    """The source of the runs."""
    return Source(token=REFERENCE, base_url=asked.url, **more)


# --- The length of a run --------------------------------------------------------------------------------------


def pages_of(files: int, size: Callable[[int], int]) -> Callable[[httpx.Request], httpx.Response]:
    """A server with one run of so many files; `size` says how many are on the page at an offset."""

    def answer(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params.get("file_offset", 0))
        stop = min(offset + size(offset), files)
        named = [{"input_file_path": str(index), "documents": []} for index in range(offset, stop)]
        page = {"id": "r", "status": "COMPLETE", "files": named, "has_more": stop < files}
        return httpx.Response(200, content=json.dumps(page).encode())

    return answer


def measured(files: int, size: Callable[[int], int]) -> tuple[int, int, list[httpx.URL]]:
    """The length found, the page size found, and the addresses that were asked."""
    asked: list[httpx.URL] = []
    answer = pages_of(files, size)

    def noting(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return answer(request)

    own = httpx.Client(verify=False, transport=httpx.MockTransport(noting))
    with own, Client(token=TOKEN, base_url="http://127.0.0.1", http_client=own) as client:
        length = measure(client, "r")
    return length.files, length.page_size, asked


@pytest.mark.parametrize("files", [20_000, 19_999, 20_001, 123_456, 999_999, 1_000_000])
def test_a_long_run_is_measured_with_few_requests(files: int) -> None:
    """From 20,000 to a million files in pages of a hundred, at most 20 requests find the length, on lean pages."""
    found, size, asked = measured(files, lambda _: 100)
    assert (found, size) == (files, 100)
    assert len(asked) <= 20
    assert all("true" not in url.query.decode() for url in asked), "nothing that can be left out is asked for"


@pytest.mark.parametrize(("files", "requests"), [(0, 1), (1, 1), (100, 1), (101, 2), (200, 2), (1000, 5)])
def test_a_short_run_is_measured_with_few_requests(files: int, requests: int) -> None:
    """One request measures a run of one page, two a run of two pages, and five one of ten pages (docs/scale.md)."""
    found, _, asked = measured(files, lambda _: 100)
    assert (found, len(asked)) == (files, requests)


@given(files=st.integers(0, 3000), sizes=st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_the_length_is_right_whatever_the_pages(files: int, sizes: list[int]) -> None:
    """Where pages have different sizes, the length is found all the same, and no offset is asked for twice."""
    found, _, asked = measured(files, lambda offset: sizes[offset % len(sizes)])
    assert found == files
    assert len(set(asked)) == len(asked) <= 40


def test_a_run_that_changes_is_not_measured() -> None:
    """Where the run is in another state at a later look, its length means nothing: `RunChanged`."""
    answers = iter([("COMPLETE", True), ("FAILED", False)])

    def answer(request: httpx.Request) -> httpx.Response:
        status, more = next(answers)
        page = {"id": "r", "status": status, "files": [{"original_file_name": status}], "has_more": more}
        return httpx.Response(200, content=json.dumps(page).encode())

    with httpx.Client(verify=False, transport=httpx.MockTransport(answer)) as own:
        client = Client(token=TOKEN, base_url="http://127.0.0.1", http_client=own)
        with client, pytest.raises(errors.RunChanged):
            measure(client, "r")


# --- Plans ----------------------------------------------------------------------------------------------------


def test_small_runs_are_grouped(served: Asked) -> None:
    """Each run is in one task, once, with one request for the whole plan; 50 of them are a task unless told."""
    ids = ["run-1", *(f"small-{number}" for number in range(119)), "run-1"]
    before = len(served.paths)
    tasks = plan(source_of(served), ids)
    assert len(served.paths) == before + 1
    assert sorted(map(len, tasks)) == [40, 40, 40]
    assert sorted(each.run_id for task in tasks for each in task) == sorted(set(ids))
    assert all(each == Slice(each.run_id) for task in tasks for each in task)
    assert sorted(map(len, plan(source_of(served), ids, tasks=7))) == [17, 17, 17, 17, 17, 17, 18]
    assert [len(task) for task in plan(source_of(served), ids[:3], tasks=10)] == [1, 1, 1], "no task is empty"
    assert len(plan(source_of(served), iter(ids), tasks=1)) == 1


def test_many_ids_are_planned_with_one_request(served: Asked) -> None:
    """A hundred thousand ids, each twice, take one request and little memory: each is in one slice, in its order."""
    before = len(served.paths)
    ids = [f"run-{number}" for number in range(100_000)]
    tracemalloc.start()
    try:
        tasks = plan(source_of(served), (run_id for _ in range(2) for run_id in ids), tasks=100)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(served.paths) == before + 1
    assert {len(task) for task in tasks} == {1000}
    assert sorted(each.run_id for task in tasks for each in task) == sorted(ids)
    assert most < 100_000 * 1000


def test_ids_that_differ_in_case_are_two_runs(served: Asked) -> None:
    """Ids are compared as they are: in other letters it is another run."""
    (slices,) = plan(source_of(served), ["run-1", "Run-1", "RUN-1", "run-1"], tasks=1)
    assert [each.run_id for each in slices] == ["run-1", "Run-1", "RUN-1"]


@pytest.mark.parametrize(("window", "step"), [(1, 4), (4, 4), (7, 4), (8, 8), (1000, 1000)])
def test_windows_are_whole_pages(served: Asked, window: int, step: int) -> None:
    """The windows of a run follow each other in whole pages, the last has no end, and each has the run's state."""
    tasks = plan(source_of(served), IDS, tasks=2, window=window)
    slices = sorted((each for task in tasks for each in task), key=lambda each: (IDS.index(each.run_id), each.start))
    expected = []
    for run_id, size in zip(IDS, SIZES, strict=True):
        starts = list(range(0, size, step))
        stops = [*starts[1:], None]
        expected += [(run_id, start, stop) for start, stop in zip(starts, stops, strict=True)]
    assert [(each.run_id, each.start, each.stop) for each in slices] == expected
    assert {json.dumps(each.state) for each in slices} == {'{"status": "COMPLETE", "start_timestamp": 1}'}


def test_tasks_have_about_as_many_pages(served: Asked) -> None:
    """With windows the pages count: no task has more than twice the pages of another where they can be divided."""
    tasks = plan(source_of(served), IDS, tasks=3, window=4)
    assert sorted(map(len, tasks)) == [3, 3, 4]


def test_a_slice_can_be_kept_as_json(served: Asked) -> None:
    """A plan goes through JSON, as Airflow keeps it, and comes back equal."""
    tasks = plan(source_of(served), IDS, tasks=2, window=4)
    kept = json.loads(json.dumps([[asdict(each) for each in task] for task in tasks]))
    assert [[Slice(**each) for each in task] for task in kept] == tasks


# --- Errors before a task starts ------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [None, 4])
def test_no_ids_are_an_error(served: Asked, window: int | None) -> None:
    """No run ids are an error and not an empty table, and nothing is sent."""
    before = len(served.paths)
    with pytest.raises(errors.ConfigurationError, match="there are no run ids"):
        plan(source_of(served), iter(()), window=window)
    assert len(served.paths) == before


@pytest.mark.parametrize("ids", [["run-1", ""], ["run-1", "a/b"], ["run-1", None], ["run-1", 7], "run-1", [".."]])
def test_what_is_no_run_id_is_an_error(served: Asked, ids: Any) -> None:
    """One id that cannot be one, or a text in place of a list, is an error before anything is sent."""
    before = len(served.paths)
    with pytest.raises(errors.ConfigurationError):
        plan(source_of(served), ids)
    assert len(served.paths) == before


@pytest.mark.parametrize("wrong", [{"tasks": 0}, {"tasks": 1.5}, {"window": 0}, {"window": "5"}])
def test_what_is_no_number_is_an_error(served: Asked, wrong: Any) -> None:
    """`tasks` and `window` are whole numbers from 1 on."""
    with pytest.raises(errors.ConfigurationError, match="must be an integer"):
        plan(source_of(served), IDS, **wrong)


@pytest.mark.parametrize("on_missing", ["error", "skip", "report"])
def test_a_wrong_token_is_found_at_planning(served: Asked, on_missing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """401 ends the planning of a thousand runs, whatever is done with missing ones; the token is read once more."""
    monkeypatch.setenv(VARIABLE, "another-token")
    before = len(served.paths)
    with pytest.raises(errors.UnauthorizedError):
        plan(source_of(served, on_missing=on_missing), [f"run-{number}" for number in range(1000)])
    assert len(served.paths) - before <= 2


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (403, {"message": "no"}, errors.ForbiddenError),
        (404, None, errors.NotFoundError),
        (400, {"message": "no"}, errors.BadRequestError),
        (302, {"message": "no"}, errors.RedirectRefusedError),
        (500, {"message": "no"}, errors.ServerError),
    ],
)
@pytest.mark.parametrize("window", [None, 4])
def test_what_ends_the_planning(
    status: int, body: Any, error: type[errors.StatusError], window: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal, a failure and a 404 that is not from the API end the planning, even where missing runs are skipped."""
    content = b"<html>no such page</html>" if body is None else json.dumps(body).encode()
    own = httpx.Client(verify=False, transport=httpx.MockTransport(lambda _: httpx.Response(status, content=content)))
    once = Client(token=TOKEN, base_url="http://127.0.0.1", http_client=own, retry=RetryPolicy(attempts=1))
    monkeypatch.setattr(Source, "client", lambda _: once)
    with own, pytest.raises(error):
        plan(Source(token=REFERENCE, on_missing="skip"), ["run-1"], window=window)


@pytest.mark.parametrize("window", [None, 4])
def test_a_missing_run_does_not_end_the_planning(served: Asked, window: int | None) -> None:
    """404 from the API says nothing about the token: the run is planned whole, and its task says what becomes of it."""
    assert plan(source_of(served), ["lost", "run-1"], tasks=1, window=window)[0][0] == Slice("lost")

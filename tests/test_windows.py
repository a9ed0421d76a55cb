"""Windows of a run, and runs in an expected state: `pages(start=, stop=, expect=)` and `files`."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results import AsyncClient, Client, RunResultsError, errors
from run_results.events import RequestSent
from run_results_conformance.server.runs import MemoryRun

HEADER = {"id": "run-1", "status": "COMPLETE", "start_timestamp": 5, "finish_timestamp": 9, "review_completed": False}
NAMES = [f"{index}.pdf" for index in range(30)]
RUN = MemoryRun(HEADER, [{"original_file_name": name, "input_file_path": name, "documents": []} for name in NAMES])


@pytest.fixture(scope="module")
def url() -> Any:
    """The base URL of a server that has the run, in pages of seven files."""
    from run_results_conformance.server.reference import ReferenceServer
    from run_results_conformance.server.runs import MemoryStore
    from run_results_conformance.server.serving import serve

    with serve(ReferenceServer(MemoryStore([RUN]), "a-token", page_size=7)) as served:
        yield served.url


def read(url: str, *, asynchronous: bool, flat: bool = False, prefetch: int = 0, **window: Any) -> list[Any]:
    """The pages, or the files, of a window of the run; and, last, the offsets of all requests."""
    asked: list[int] = []

    def note(event: object) -> None:
        if isinstance(event, RequestSent):
            asked.append(event.offset)

    settings: dict[str, Any] = {"token": "a-token", "base_url": url, "observe": note, "prefetch": prefetch}

    async def gather() -> list[Any]:
        async with AsyncClient(**settings) as client:
            return [each async for each in (client.files if flat else client.pages)("run-1", **window)]

    if asynchronous:
        return [*asyncio.run(gather()), asked]
    with Client(**settings) as client:
        return [*(client.files if flat else client.pages)("run-1", **window), asked]


@given(asynchronous=st.booleans(), prefetch=st.sampled_from([0, 3]), bounds=st.tuples(*[st.integers(0, 35)] * 2))
def test_a_window_has_its_files_and_no_others(
    asynchronous: bool, prefetch: int, bounds: tuple[int, int], url: str
) -> None:
    """The files are those from `start` to `stop`, no page from `stop` on is asked for, and each page knows its next."""
    start, stop = min(bounds), max(bounds)
    *pages, asked = read(url, asynchronous=asynchronous, prefetch=prefetch, start=start, stop=stop)
    assert [file.original_file_name for page in pages for file in page.files] == NAMES[start:stop]
    assert all(offset < stop for offset in asked)
    assert len(asked) >= len(pages)
    if stop <= len(NAMES) and pages:
        assert pages[-1].next_offset == (stop if stop < len(NAMES) else None)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_files_take_the_same_window(asynchronous: bool, url: str) -> None:
    """`files` has what the pages of the same window have, and its windows together are the run."""
    found = []
    for start in range(0, 30, 8):
        *files, _ = read(url, asynchronous=asynchronous, flat=True, start=start, stop=start + 8)
        found += [file.original_file_name for file in files]
    assert found == NAMES


def test_the_last_page_of_a_window_keeps_its_body(url: str) -> None:
    """A page that is cut at the end of the window still has the answer as it came, and says that more comes."""
    page, _ = read(url, asynchronous=False, stop=3)
    assert (len(page.files), page.has_more, page.next_offset) == (3, True, 3)
    assert len(page.raw["files"]) == 7


@pytest.mark.parametrize("stop", [-1, 4, "5", 1.5, True])
def test_a_window_that_ends_before_it_begins_is_an_error(stop: object, url: str) -> None:
    """What is no offset from `start` on cannot be `stop`, and nothing is sent."""
    with pytest.raises(errors.ConfigurationError, match="stop must be an integer"):
        read(url, asynchronous=False, start=5, stop=stop)


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("on_change", ["raise", "warn"])
def test_another_state_than_the_expected_one_is_an_error(
    asynchronous: bool, flat: bool, on_change: str, serve_runs: Callable[..., str], token: str
) -> None:
    """A run in the expected state is read; one in another state is `RunChanged` at its first page, also with 'warn'."""
    base = serve_runs(RUN)
    with Client(token=token, base_url=base) as client:
        state = client.page("run-1").state
    assert state == {name: value for name, value in HEADER.items() if name != "id"}

    def expecting(**changes: Any) -> int:
        settings: dict[str, Any] = {"token": token, "base_url": base, "on_change": on_change}
        window = {"start": 7, "expect": state | changes}

        async def gather() -> int:
            async with AsyncClient(**settings) as client:
                return len([each async for each in (client.files if flat else client.pages)("run-1", **window)])

        if asynchronous:
            return asyncio.run(gather())
        with Client(**settings) as client:
            return len(list((client.files if flat else client.pages)("run-1", **window)))

    assert expecting() == (23 if flat else 4)
    for changes, said in (
        ({"status": "RUNNING"}, "status is complete, not running"),
        ({"finish_timestamp": None}, "finish_timestamp is 9, not"),
        ({"review_completed": True}, "review_completed is False, not True"),
    ):
        with pytest.raises(errors.RunChanged) as caught:
            expecting(**changes)
        assert said in caught.value.message.replace("COMPLETE", "complete").replace("RUNNING", "running")
        assert (caught.value.resume_offset, caught.value.hint[:4]) == (7, "Look")


@pytest.mark.parametrize("expect", ["COMPLETE", {"state": "COMPLETE"}, 5])
def test_what_is_no_state_cannot_be_expected(expect: object, url: str) -> None:
    """`expect` takes the `state` of a page; anything else is an error before anything is sent."""
    with pytest.raises(RunResultsError, match="expect must be the `state` of a page"):
        read(url, asynchronous=False, expect=expect)

"""Runs that change between the plan and the reading: the right rows, or an error that says so, and never wrong rows."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scale.kit import REFERENCE, serving

from run_results import errors
from run_results.scale import Slice, Source, plan, read
from run_results_conformance.server.runs import MemoryRun

SIZE = 11


def file(name: object) -> dict[str, Any]:
    """A file with one document."""
    documents = [{"class_name": "Letter", "fields": [{"field_name": "sum", "value": str(name)}]}]
    return {"original_file_name": f"{name}.pdf", "input_file_path": f"in/{name}.pdf", "documents": documents}


def a_run(status: str = "COMPLETE") -> MemoryRun:
    """A run of eleven files, which can be changed where it is."""
    return MemoryRun({"id": "r", "status": status, "start_timestamp": 1}, [file(number) for number in range(SIZE)])


def values(source: Source, tasks: list[list[Slice]]) -> list[str]:
    """The values of the field of each file, in the order of the files of each slice."""
    found = []
    for task in tasks:
        for each in task:
            for batch in read(source, [each], "fields"):
                found += batch["value"].to_pylist()
    return found


def grow(run: MemoryRun) -> None:
    """A file comes at the end."""
    run._files.append(file("new"))  # type: ignore[attr-defined]


def grow_in_front(run: MemoryRun) -> None:
    """A file comes in front of all others, so that every window begins with one of another window."""
    run._files.insert(0, file("new"))  # type: ignore[attr-defined]


def shrink(run: MemoryRun) -> None:
    """A file in the first window goes, so that later windows begin too late."""
    del run._files[1]  # type: ignore[attr-defined]


def shrink_to_a_window(run: MemoryRun) -> None:
    """All that is left is the first window, to its last file."""
    del run._files[4:]  # type: ignore[attr-defined]


def empty(run: MemoryRun) -> None:
    """No file is left."""
    del run._files[:]  # type: ignore[attr-defined]


def restart(run: MemoryRun) -> None:
    """The run is started again."""
    run.header["start_timestamp"] = 2


def fail(run: MemoryRun) -> None:
    """The run has another status."""
    run.header["status"] = "FAILED"


CHANGES = [grow, grow_in_front, shrink, shrink_to_a_window, empty, restart, fail]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("window", [4, 8])
def test_windows_of_a_run_that_changed_are_an_error(change: Callable[[MemoryRun], None], window: int) -> None:
    """Where a run has another state or another number of files than when it was divided, the slices do not join."""
    run = a_run()
    with serving([run]) as asked:
        source = Source(token=REFERENCE, base_url=asked.url)
        tasks = plan(source, ["r"], tasks=2, window=window)
        change(run)
        with pytest.raises(errors.RunChanged) as caught:
            values(source, tasks)
    assert caught.value.run_id == "r"
    assert caught.value.hint


def test_each_window_of_a_run_that_shrank_says_so() -> None:
    """Each window that has too few files notices it, not only the last one; and so does one that is past the end."""
    run = a_run()
    with serving([run]) as asked:
        source = Source(token=REFERENCE, base_url=asked.url)
        (slices,) = plan(source, ["r"], tasks=1, window=4)
        del run._files[6:]  # type: ignore[attr-defined]
        assert values(source, [slices[:1]]) == ["0", "1", "2", "3"]
        for each in slices[1:]:
            with pytest.raises(errors.RunChanged, match=r"had 11 files when its windows .* has fewer now"):
                values(source, [[each]])


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("status", ["COMPLETE", "RUNNING"])
@pytest.mark.parametrize("window", [None, 100])
def test_a_run_that_is_not_divided_is_read_as_it_is_now(
    change: Callable[[MemoryRun], None], status: str, window: int | None
) -> None:
    """A run that is one slice has the rows of now; where it was measured and then got another state, it is an error."""
    run = a_run(status)
    with serving([run]) as asked:
        source = Source(token=REFERENCE, base_url=asked.url)
        tasks = plan(source, ["r"], window=window)
        change(run)
        if change in (restart, fail) and window and status == "COMPLETE":
            with pytest.raises(errors.RunChanged):
                values(source, tasks)
            return
        expected = [each["documents"][0]["fields"][0]["value"] for each in run._files]
        assert values(source, tasks) == expected


def test_what_was_edited_is_read_as_it_is_now() -> None:
    """An edit that leaves state and number of files alone moves nothing: each window has the values of now."""
    run = a_run()
    with serving([run]) as asked:
        source = Source(token=REFERENCE, base_url=asked.url)
        tasks = plan(source, ["r"], tasks=1, window=4)
        run._files[5]["documents"][0]["fields"][0]["value"] = "edited"
        assert values(source, tasks) == [*map(str, range(5)), "edited", *map(str, range(6, SIZE))]


@pytest.mark.parametrize("status", ["RUNNING", "PAUSED", "COMPLETE"])
def test_a_run_that_is_at_work_is_not_divided(status: str) -> None:
    """A run that can change by itself is one slice, in whatever state it will be; it may grow and finish meanwhile."""
    run = a_run(status)
    with serving([run]) as asked:
        source = Source(token=REFERENCE, base_url=asked.url)
        tasks = plan(source, ["r"], tasks=5, window=4)
        if status != "RUNNING":
            assert len(tasks) == 3
            return
        assert tasks == [[Slice("r")]]
        grow(run)
        run.header["status"] = "COMPLETE"
        assert values(source, tasks) == [*map(str, range(SIZE)), "new"]


@settings(max_examples=40)
@given(
    before=st.integers(0, 14),
    window=st.integers(1, 20),
    edits=st.lists(st.tuples(st.booleans(), st.integers(0, 14)), max_size=3),
)
def test_rows_are_right_or_an_error(before: int, window: int, edits: list[tuple[bool, int]]) -> None:
    """Whatever files come and go after the plan: every file of the run, once and in order, or `RunChanged`."""
    run = MemoryRun({"id": "r", "status": "COMPLETE", "start_timestamp": 1}, [file(number) for number in range(before)])
    with serving([run]) as asked:
        source = Source(token=REFERENCE, base_url=asked.url)
        tasks = plan(source, ["r"], tasks=1, window=window)
        files: list[dict[str, Any]] = run._files  # type: ignore[assignment]
        for number, (comes, place) in enumerate(edits):
            if comes:
                files.insert(place, file(f"new-{number}"))
            elif files:
                del files[place % len(files)]
        expected = [each["documents"][0]["fields"][0]["value"] for each in files]
        try:
            found = values(source, tasks)
        except errors.RunChanged:
            assert len(files) != before
        else:
            assert found == expected

"""The types of many runs, as a promise: this file is never run, only checked, by mypy and by pyright."""

from collections.abc import Iterator, Mapping
from typing import Any, assert_type

from run_results import Client, Include, NameMap
from run_results.scale import Length, Slice, Source, measure, plan, read_all
from run_results.tables import Typed


def reading(ids: list[str]) -> None:
    """A source and ids give tasks, each a list of slices, whose rows are read."""
    source = Source(
        token="file:/run/secrets/token",
        base_url=None,
        context=None,
        include=Include.CONFIDENCE,
        names=NameMap(["due date"]),
        typed=Typed(decimal="."),
        prefetch=0,
        concurrency=8,
        requests_per_second=9.5,
        patience=600,
        on_missing="report",
    )
    assert_type(source.shared(4), Source)
    assert_type(source.client(), Client)
    tasks = plan(source, iter(ids), tasks=16, window=10_000)
    assert_type(tasks, list[list[Slice]])
    for slices in tasks:
        for table, _ in read_all(source, slices):
            assert table in ("fields", "documents", "files", "case_fields")
    made = Slice("run-1", 0, 100, {"status": "COMPLETE"})
    assert_type(made.state, Mapping[str, Any] | None)
    assert_type(iter([made]), Iterator[Slice])


def measuring(client: Client) -> None:
    """A length has the run's state, which is what slices expect."""
    length = measure(client, "run-1")
    assert_type(length, Length)
    assert_type(length.files, int)
    client.pages("run-1", expect=length.state)

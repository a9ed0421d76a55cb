"""The list of runs: which runs of a store a request asks for, in which order, and what the list has of each.

A run is listed where it has an id, a status and a start: the list promises all three, and the server makes up nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from attrs import frozen

from .runs import Run, Store
from .terms import JsonObject

LIST_RUNS = "list_runs"
"""The contract's name of the operation."""
SECOND = 1_000_000_000  # nanoseconds
DEFAULT_WINDOW = 24 * 3600 * SECOND
"""How far back the list goes when the request does not say from when."""
FILTERS = ("app_id", "app_name", "deployment_id", "username", "output_workspace")
"""What a request can ask of `Run.listing`, by the keys there."""

_FROM_LISTING = ("batch_id", "input_dir", "app_id", "deployment_id", "tags")


@frozen
class RunQuery:
    """What a request for the list asks for.

    `start <= started < stop`, in nanoseconds since 1970-01-01 UTC. `wanted` are the values that are allowed, by the
    key of `Run.listing`; `ids` and `statuses` likewise, and None allows every value.
    """

    start: int
    stop: int
    wanted: Mapping[str, frozenset[str]]
    ids: frozenset[str] | None = None
    statuses: frozenset[str] | None = None
    by_status: bool = False
    is_descending: bool = True

    @classmethod
    def of(cls, values: Mapping[str, Any], now: int) -> Self:
        """The query of the parameters' values, None for those that are not given. `now` is in nanoseconds."""
        start, stop = values["from_timestamp"], values["to_timestamp"]
        given = {name: values["output_workspaces" if name == "output_workspace" else name] for name in FILTERS}
        return cls(
            now - DEFAULT_WINDOW if start is None else start * SECOND,
            now if stop is None else stop * SECOND,
            {name: _allowed(value) for name, value in given.items() if value is not None},
            None if values["run_id"] is None else _allowed(values["run_id"]),
            None if values["status"] is None else _allowed(values["status"]),
            by_status=values["sort_by"] == "status",
            is_descending=values["order"] != "ASCENDING",
        )

    def fits(self, run: Run) -> bool:
        """Whether the run is asked for."""
        header, listing = run.header, run.listing
        return (
            header.get("status") is not None
            and self.start <= header.get("start_timestamp", -1) < self.stop
            and (self.ids is None or header["id"] in self.ids)
            and (self.statuses is None or header["status"] in self.statuses)
            and all(listing.get(name) in allowed for name, allowed in self.wanted.items())
        )

    def sorted(self, runs: Iterable[Run]) -> list[Run]:
        """The runs in the order that is asked for. Runs that are equal in it are in the order of start, then id."""

        def key(run: Run) -> tuple[str, int, str]:
            header = run.header
            return header["status"] if self.by_status else "", header["start_timestamp"], header["id"]

        return sorted(runs, key=key, reverse=self.is_descending)


def _allowed(value: str | list[str]) -> frozenset[str]:
    return frozenset([value] if isinstance(value, str) else value)


def runs_in(store: Store, context: str | None) -> Iterator[Run]:
    """The runs of a context, as they are now."""
    for where, run_id in store:
        if where == context and (run := store.find(run_id, context)) is not None:
            yield run


def summary(run: Run) -> JsonObject:
    """What the list has of a run."""
    header = run.header
    shared = ("id", "status", "start_timestamp", "finish_timestamp")
    found: JsonObject = {name: header[name] for name in shared if name in header}
    if "message" in header:
        found["msg"] = header["message"]
    return found | {name: run.listing[name] for name in _FROM_LISTING if name in run.listing}

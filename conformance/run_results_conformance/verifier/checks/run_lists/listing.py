"""An answer of the operation that lists runs, read as far as its rules need it."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from run_results_conformance.server.terms import JsonObject
from run_results_conformance.verifier.exchange import Exchange

NANOSECONDS = 10**9
"""The window is in seconds, and the runs have nanoseconds."""

Parameters = Mapping[str, Sequence[str]]
"""The values of each parameter of a request. None of them is percent-encoded."""


@frozen
class ListedRun:
    """A run in a list. `start` is in nanoseconds; `value` has all of it."""

    id: str
    status: str
    start: int
    value: JsonObject = field(repr=False, eq=False)


@frozen
class Listing:
    """A 200 answer: the parameters of its request, and its runs in their order."""

    parameters: Parameters
    runs: tuple[ListedRun, ...]

    def value(self, name: str) -> str | None:
        """The one value of a parameter, None where it was not given."""
        values = self.parameters.get(name, ())
        return values[0] if values else None

    def number(self, name: str) -> int | None:
        """The same, as a number."""
        text = self.value(name)
        return None if text is None else int(text)


def read_listing(exchange: Exchange) -> Listing | None:
    """The list in an exchange, None where the answer is none, or has a run without its required members."""
    given, value = exchange.request.parameters, exchange.body.value
    if given is None or exchange.status != 200 or exchange.answer.fault or not isinstance(value, dict):
        return None
    runs = value.get("runs")
    if not isinstance(runs, list) or not all(map(_is_run, runs)):
        return None
    parameters: dict[str, list[str]] = {}
    for name, text in given:
        parameters.setdefault(name, []).append(text)
    return Listing(parameters, tuple(ListedRun(run["id"], run["status"], run["start_timestamp"], run) for run in runs))


def _is_run(run: Any) -> bool:
    return (
        isinstance(run, dict)
        and isinstance(run.get("id"), str)
        and isinstance(run.get("status"), str)
        and type(run.get("start_timestamp")) is int
    )

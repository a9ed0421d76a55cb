"""The family `state`, as far as one answer shows it: what it says of the run as a whole.

What all pages of a run must say alike is in `pages`, what a manifest says of the run in `manifest`.
"""

from collections.abc import Iterator
from typing import Any

from run_results_conformance.verifier.exchange import Exchange, Judgement
from run_results_conformance.verifier.run_status import COMPLETE, FINAL, RUNNING, WAITING
from run_results_conformance.verifier.session import Session
from run_results_conformance.verifier.spec_view import Path, SpecView

_PLAUSIBLE = (946_684_800_000_000_000, 4_102_444_800_000_000_000)  # the years 2000 and 2100


def check_state(spec: SpecView, value: dict[str, Any]) -> Iterator[Judgement]:
    """The status and the timestamps agree with each other and with the spec."""
    status, finish = value.get("status"), value.get("finish_timestamp")
    if isinstance(status, str):
        yield from check_status(spec, status, ("status",))
        if status == RUNNING:
            yield Judgement("state.running", finish is None, ("finish_timestamp",), None, finish)
        elif status in WAITING:
            yield Judgement("state.waiting", finish is None, ("finish_timestamp",), None, finish)
        elif status in FINAL:
            rule = "state.complete" if status == COMPLETE else "state.ended"
            # A run that says that its review is not complete may count it as not finished.
            reviewing = value.get("review_completed") is False and status == COMPLETE
            null = "finish_timestamp" in value and finish is None and not reviewing
            yield Judgement(rule, not null, ("finish_timestamp",), "a time, or nothing", finish)
    yield from _check_times(value.get("start_timestamp"), finish)


def check_status(spec: SpecView, status: str, path: Path) -> Iterator[Judgement]:
    """The status is one that the spec lists."""
    expected = f"one of {', '.join(sorted(spec.statuses))}"
    yield Judgement("state.status", status in spec.statuses, path, expected, status)


def _check_times(start: Any, finish: Any) -> Iterator[Judgement]:
    times = {"start_timestamp": start, "finish_timestamp": finish}
    numbers = {name: time for name, time in times.items() if isinstance(time, int | float)}
    for name, time in numbers.items():
        plausible = _PLAUSIBLE[0] <= time <= _PLAUSIBLE[1]
        yield Judgement("state.nanoseconds", plausible, (name,), "nanoseconds since 1970", time)
    if len(numbers) == len(times):
        yield Judgement("state.order", finish >= start, ("finish_timestamp",), f"at least {start}", finish)


def check_id(session: Session, exchange: Exchange) -> Iterator[Judgement]:
    """The answer has the id of the run that was requested."""
    run_id, value = exchange.request.run_id, exchange.body.value
    # That an id which names no run was answered at all is for another rule.
    if isinstance(value, dict) and run_id in session.run_ids and isinstance(value.get("id"), str):
        yield Judgement("state.id", value["id"] == run_id, ("id",), run_id, value["id"])

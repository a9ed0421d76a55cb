"""What a list says of its runs: shape, times, and what their results say."""

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance.faults.standard import STATUS_RUNS
from run_results_conformance.faults.steps import Call, Step, with_body
from run_results_conformance.server.terms import JsonObject

from .family import SECOND, WALK, lists, runs
from .steps import answered, each, listed


def _array(_call: Call, honest: Step, request: Request) -> Response:
    response: Response = honest(request)
    body = json.loads(bytes(response.body))
    return with_body(response, json.dumps(body["runs"]).encode()) if response.status_code == 200 else response


def _over(run: JsonObject) -> bool:
    return run["status"] in ("CANCELLED", "COMPLETE", "FAILED")


def _finishes(run: JsonObject) -> None:
    if run["status"] == "RUNNING":
        run["finish_timestamp"] = run["start_timestamp"] + SECOND


def _rounded(run: JsonObject) -> None:
    run["start_timestamp"] = run["start_timestamp"] // SECOND * SECOND


def _set(name: str, change: Callable[[JsonObject], Any]) -> Callable[[JsonObject], object]:
    return lambda run: run.update({name: change(run)})


CONTENT = (
    runs("batch-id-text", "The batch of a run is a text.", each(_set("batch_id", lambda _run: "batch-7"))),
    runs("start-text", "Starts are texts.", each(_set("start_timestamp", lambda run: str(run["start_timestamp"])))),
    runs(
        "start-float",
        "Starts are written with a fraction.",
        each(_set("start_timestamp", lambda run: float(run["start_timestamp"]))),
    ),
    runs("without-id", "Runs have no id.", each(lambda run: run.pop("id"))),
    runs(
        "without-status",
        "Runs that are over have no status.",
        each(lambda run: run.pop("status") if _over(run) else None),
    ),
    runs("array", "The answer is an array, not an object.", answered(_array)),
    runs(
        "none-as-text",
        "Where there are no runs, a text stands for the list.",
        listed(lambda _call, _query, found: found or "none"),
        WALK[-1],
    ),
    runs("tags-text", "The tags of a run are one text.", each(_set("tags", lambda _run: "tax, 2025"))),
    runs(
        "times-milliseconds",
        "The starts of a list are in milliseconds.",
        each(_set("start_timestamp", lambda run: run["start_timestamp"] // 10**6)),
    ),
    runs(
        "finish-seconds",
        "Finish times are in seconds.",
        each(lambda run: run.update(finish_timestamp=(run.get("finish_timestamp") or 0) // SECOND)),
    ),
    runs("finish-while-running", "A run that is RUNNING has a finish time.", each(_finishes)),
    runs(
        "finish-before-start",
        "A run in a list finishes before it starts.",
        each(_set("finish_timestamp", lambda run: run["start_timestamp"] - 1)),
    ),
    runs("start-rounded", "Starts are rounded to seconds.", each(_rounded)),
    runs(
        "finish-rounded",
        "Finish times are rounded up to seconds.",
        each(lambda run: run.update(finish_timestamp=-(-(run.get("finish_timestamp") or 0) // SECOND) * SECOND)),
    ),
    runs(
        "failed-as-cancelled",
        "A run that failed is listed as CANCELLED.",
        each(lambda run: run.update(status="CANCELLED") if run["status"] == "FAILED" else None),
        lists({"run_id": STATUS_RUNS["FAILED"]}),
    ),
)

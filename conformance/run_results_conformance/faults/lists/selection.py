"""Which runs a list has: windows and filters."""

import json

from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance.faults.standard import STANDARD_RUN, asking
from run_results_conformance.faults.steps import Call, Step, with_body

from .family import RISING, lists, runs
from .steps import Query, answered, asked, at, listed, query_of, read_as, refusal, with_query, without


def _empty(query: Query, response: Response, name: str) -> bool:
    return name in query and response.status_code == 200 and json.loads(bytes(response.body))["runs"] == []


def _filtered_late(_call: Call, honest: Step, request: Request) -> Response:
    """Reads a page without the filter, and takes away from it what does not fit."""
    query = query_of(request)
    wanted = query.pop("status", None)
    response: Response = honest(with_query(request, query))
    if wanted is None or response.status_code != 200:
        return response
    found = json.loads(bytes(response.body))["runs"]
    return with_body(response, json.dumps({"runs": [run for run in found if run["status"] in wanted]}).encode())


SELECTION = (
    runs(
        "to-ignored",
        "The end of the window is ignored.",
        read_as("to_timestamp", lambda _query: 9_000_000_000),
        lists({"to_timestamp": "1740000000"}),
    ),
    runs(
        "from-ignored",
        "The beginning of the window is ignored.",
        read_as("from_timestamp", lambda _query: 0),
        lists({"from_timestamp": "1750000000"}),
    ),
    runs(
        "default-everything",
        "Without a window all runs are listed.",
        asked(
            lambda query: [
                query.setdefault(*each) for each in (("from_timestamp", ["0"]), ("to_timestamp", ["9000000000"]))
            ]
        ),
        asking(target="/v2/apps/runs"),
    ),
    runs(
        "to-a-day-early",
        "The window ends a day early.",
        read_as("to_timestamp", lambda query: max(at(query, "to_timestamp") - 86400, 0)),
        lists({"to_timestamp": "1736000000"}),
    ),
    runs("status-ignored", "The filter for the status is ignored.", without("status"), lists({"status": "FAILED"})),
    runs("run-id-ignored", "The filter for the run is ignored.", without("run_id"), lists({"run_id": STANDARD_RUN})),
    runs("app-id-ignored", "The filter for the app is ignored.", without("app_id"), lists({"app_id": "none"})),
    runs(
        "app-name-ignored",
        "The filter for the name of the app is ignored.",
        without("app_name"),
        lists({"app_name": "none"}),
    ),
    runs(
        "deployment-id-ignored",
        "The filter for the deployment is ignored.",
        without("deployment_id"),
        lists({"deployment_id": "none"}),
    ),
    runs("username-ignored", "The filter for the user is ignored.", without("username"), lists({"username": "none"})),
    runs(
        "workspaces-ignored",
        "The filter for workspaces is ignored.",
        without("output_workspaces"),
        lists({"output_workspaces": "none"}),
    ),
    runs(
        "status-first-only",
        "Of several statuses only the first is looked for.",
        asked(lambda query: query.update(status=query["status"][:1]) if "status" in query else None),
        lists({"status": ["FAILED", "CANCELLED", "PAUSED"]}),
    ),
    runs(
        "status-last-only",
        "Of several statuses only the last is looked for.",
        asked(lambda query: query.update(status=query["status"][-1:]) if "status" in query else None),
        lists({"status": ["FAILED", "CANCELLED", "PAUSED"]}),
    ),
    runs(
        "filtered-after-paging",
        "Pages are cut before the status is filtered.",
        answered(_filtered_late),
        lists({**RISING, "status": "FAILED"}),
    ),
    runs(
        "filtered-lacks-one",
        "With a filter for the status, a run that is PAUSED is missing.",
        listed(
            lambda _call, query, found: [run for run in found if "status" not in query or run["status"] != "PAUSED"]
        ),
        lists({"status": "PAUSED"}),
    ),
    runs(
        "unknown-run-404",
        "For the id of no run the answer is 404.",
        refusal(404, "Run not found", lambda query, response: _empty(query, response, "run_id")),
        lists({"run_id": "nobody"}),
    ),
    runs(
        "unknown-status-400",
        "A status that no run has is refused.",
        refusal(400, "There is no such status", lambda query, response: _empty(query, response, "status")),
        lists({"status": "NO_SUCH_STATUS"}),
    ),
)

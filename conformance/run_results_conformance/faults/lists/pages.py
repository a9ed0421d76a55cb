"""How a list is sorted and cut into pages."""

import json

from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance.faults.standard import STANDARD_RUN
from run_results_conformance.faults.steps import Call, Step, every

from .family import FALLING, RISING, WALK, lists, runs
from .steps import answered, at, listed, query_of, read_as, with_query, without


def _last_page_again(_call: Call, honest: Step, request: Request) -> Response:
    response: Response = honest(request)
    query = query_of(request)
    offset = at(query, "offset")
    while response.status_code == 200 and offset and not json.loads(bytes(response.body))["runs"]:
        offset = max(offset - 1, 0)
        response = honest(with_query(request, {**query, "offset": [str(offset)]}))
    return response


PAGES = (
    runs(
        "order-ignored",
        "The order is ignored: the oldest run comes first.",
        read_as("order", lambda query: query["order"][0] if query["sort_by"] == ["status"] else "ASCENDING"),
        lists(FALLING),
    ),
    runs(
        "always-newest-first",
        "The order is ignored: the newest run comes first.",
        read_as("order", lambda _query: "DESCENDING"),
        WALK[0],
    ),
    runs(
        "page-sorted",
        "A page is sorted, and the list is not.",
        listed(lambda _call, query, found: found[::-1] if query.get("order") == ["DESCENDING"] else None),
        lists(FALLING),
    ),
    runs(
        "sort-by-ignored",
        "Runs are always sorted by their start.",
        read_as("sort_by", lambda _query: "start_timestamp"),
        lists({"sort_by": "status", "order": "ASCENDING"}),
    ),
    runs(
        "status-order-ignored",
        "Sorted by status, the order is ignored.",
        read_as("order", lambda query: "ASCENDING" if query["sort_by"] == ["status"] else query["order"][0]),
        lists({"sort_by": "status", "order": "DESCENDING"}),
    ),
    runs("limit-ignored", "The limit is ignored.", without("limit"), lists({"limit": "1"})),
    runs(
        "limit-and-one",
        "A page has one run more than the limit.",
        read_as("limit", lambda query: at(query, "limit") and at(query, "limit") + 1),
        lists({"limit": "1"}),
    ),
    runs("offset-ignored", "The offset is ignored.", without("offset"), WALK[1]),
    runs(
        "offset-of-pages",
        "The offset of a list counts pages.",
        read_as("offset", lambda query: at(query, "offset") * at(query, "limit", 1)),
        lists({**RISING, "offset": "1", "limit": "2"}),
    ),
    runs(
        "offset-rounded",
        "The offset is rounded to whole pages.",
        read_as("offset", lambda query: at(query, "offset") - at(query, "offset") % min(at(query, "limit", 1), 3)),
        lists({**RISING, "offset": "3", "limit": "2"}),
    ),
    runs("last-page-again", "Past the end comes the last page again.", answered(_last_page_again), WALK[-1]),
    runs(
        "empty-page-between",
        "A page before the end is empty.",
        listed(lambda _call, query, _found: [] if at(query, "offset") == 5 else None),
        lists({**RISING, "offset": "5"}),
    ),
    runs(
        "run-twice",
        "The last run of the list is there twice.",
        listed(
            lambda _call, query, found: (
                [*found, *found[-1:]] if 0 < len(found) < min(at(query, "limit", 3), 3) else None
            )
        ),
        WALK[3],
        lists({"run_id": STANDARD_RUN}),
    ),
    runs(
        "flickers",
        "Every third answer lacks its first run.",
        listed(lambda call, _query, found: found[1:] if every(3)(call) else None),
        *(lists(RISING) for _ in range(3)),
    ),
)

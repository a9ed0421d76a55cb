"""State: what a page says about the whole run is wrong, or differs from page to page."""

from run_results_conformance.server.terms import JsonObject

from .fault import Fault, Level, Make, Needs, Question
from .standard import AWKWARD_RUN, BARE_WALK, STATUS_RUNS, asking, from_offset
from .steps import Call, When, always, at, edited, gone, instead, last, late, later, to, unfinished

UNFINISHED = tuple(asking(STATUS_RUNS[status]) for status in ("RUNNING", "PAUSED", "STOPPED_AT_CHECKPOINT"))


def state(
    name: str,
    breach: str,
    make: Make,
    *,
    needs: Needs = "nothing",
    level: Level = "MUST",
    witness: tuple[Question, ...] = BARE_WALK,
) -> Fault:
    return Fault(name, "state", breach, needs, make, level, witness)


def _status(old: str, new: str, when: When = always) -> Make:
    return edited(at("status", instead(old, new)), when=when)


def _scaled(divisor: int, *names: str) -> Make:
    return edited(*(at(name, lambda moment: moment if moment is None else moment // divisor) for name in names))


def _finished(_call: Call, page: JsonObject) -> None:
    if page.get("finish_timestamp") is None:
        page["finish_timestamp"] = page["start_timestamp"] + 60_000_000_000


def _swapped(_call: Call, page: JsonObject) -> None:
    if page.get("finish_timestamp") is not None:
        page["start_timestamp"], page["finish_timestamp"] = page["finish_timestamp"], page["start_timestamp"]


BOTH = ("start_timestamp", "finish_timestamp")

STATE = (
    state("id-missing-at-end", "The last page has no id.", edited(at("id", gone), when=last)),
    state("status-missing-at-end", "The last page has no status.", edited(at("status", gone), when=last)),
    state("id-of-other-run", "The id is that of another run.", edited(at("id", to("run-exact")))),
    state("id-upper-case", "The id is in upper case.", edited(at("id", str.upper))),
    state("id-with-prefix", "The id has the word runs/ in front.", edited(at("id", lambda run_id: f"runs/{run_id}"))),
    state(
        "id-percent-encoded",
        "The id is echoed as it stood in the path.",
        edited(at("id", lambda run_id: run_id.replace(" ", "%20"))),
        needs="run ids",
        witness=(asking(AWKWARD_RUN),),
    ),
    state(
        "id-internal-late",
        "The id is the platform's internal one from the third page on.",
        edited(at("id", lambda run_id: f"{sum(run_id.encode()):08d}"), when=late),
    ),
    state(
        "id-trimmed-to-ascii",
        "The id loses its characters beyond ASCII.",
        edited(at("id", lambda run_id: run_id.encode("ascii", "ignore").decode())),
        needs="run ids",
        witness=(asking(AWKWARD_RUN),),
    ),
    state(
        "status-unknown",
        "The status of a complete run is a word that the contract does not know.",
        _status("COMPLETE", "DONE"),
        needs="status",
    ),
    state("status-lower-case", "The status is in lower case.", edited(at("status", str.lower)), needs="status"),
    state(
        "status-canceled",
        "CANCELLED is written with one L.",
        _status("CANCELLED", "CANCELED"),
        needs="status",
        witness=(asking(STATUS_RUNS["CANCELLED"]),),
    ),
    state(
        "status-complete-when-failed",
        "A run that failed is said to be complete.",
        _status("FAILED", "COMPLETE"),
        needs="status",
        witness=(asking(STATUS_RUNS["FAILED"]),),
    ),
    state(
        "status-running-at-checkpoint",
        "A run that waits at a checkpoint is said to be running.",
        _status("STOPPED_AT_CHECKPOINT", "RUNNING"),
        needs="status",
        witness=UNFINISHED,
    ),
    state(
        "status-complete-at-end",
        "The last page says that a running run is complete.",
        _status("RUNNING", "COMPLETE", last),
        witness=from_offset(0, 3, run_id=STATUS_RUNS["RUNNING"]),
    ),
    state(
        "status-running-between",
        "A page between the first and the last says that a complete run is running.",
        _status("COMPLETE", "RUNNING", lambda call: call.offset > 0 and call.more),
    ),
    state(
        "finish-while-unfinished",
        "An unfinished run has a finish time.",
        edited(_finished, when=unfinished),
        witness=UNFINISHED,
    ),
    state(
        "finish-while-waiting",
        "A run that is paused, or waits at a checkpoint, has a finish time.",
        edited(_finished, when=lambda call: unfinished(call) and call.status != "RUNNING"),
        witness=UNFINISHED,
        level="POLICY",
    ),
    state(
        "finish-zero-while-running",
        "An unfinished run has finished at 0.",
        edited(at("finish_timestamp", instead(None, 0))),
        witness=UNFINISHED,
    ),
    state("finish-before-start", "A run finishes before it starts.", edited(_swapped)),
    state(
        "finish-null-when-complete",
        "A complete run has null as its finish time.",
        edited(at("finish_timestamp", to(None)), when=lambda call: call.status == "COMPLETE"),
    ),
    state(
        "finish-null-when-failed",
        "A run that failed has null as its finish time.",
        edited(at("finish_timestamp", to(None)), when=lambda call: call.status == "FAILED"),
        witness=(asking(STATUS_RUNS["FAILED"]),),
        needs="run ids",
    ),
    state(
        "finish-null-when-cancelled",
        "A run that was cancelled has null as its finish time.",
        edited(at("finish_timestamp", to(None)), when=lambda call: call.status == "CANCELLED"),
        witness=(asking(STATUS_RUNS["CANCELLED"]),),
        needs="run ids",
    ),
    state(
        "finish-null-late",
        "The finish time is null from the third page on.",
        edited(at("finish_timestamp", to(None)), when=late),
    ),
    state("timestamps-milliseconds", "Times are in milliseconds.", _scaled(10**6, *BOTH)),
    state("timestamps-microseconds", "Times are in microseconds.", _scaled(10**3, *BOTH)),
    state("timestamps-seconds", "Times are in seconds.", _scaled(10**9, *BOTH)),
    state(
        "finish-milliseconds",
        "The finish time is in milliseconds, the start in nanoseconds.",
        _scaled(10**6, "finish_timestamp"),
    ),
    state(
        "start-milliseconds-while-running",
        "The start of an unfinished run is in milliseconds.",
        edited(at("start_timestamp", lambda moment: moment // 10**6), when=unfinished),
        witness=UNFINISHED,
    ),
    state("start-zero", "Every run starts at 0.", edited(at("start_timestamp", to(0))), level="POLICY"),
    state(
        "timestamps-far-future",
        "Times are a hundred years ahead.",
        edited(*(at(name, lambda moment: moment and moment + 3_155_760_000_000_000_000) for name in BOTH)),
        level="POLICY",
    ),
    state(
        "start-of-page",
        "The start is that of the page: it moves with the offset.",
        edited(lambda call, page: page.update(start_timestamp=page["start_timestamp"] - call.offset), when=later),
    ),
    state(
        "timestamps-rounded-late",
        "After the first page times have lost their digits below 2^10.",
        edited(*(at(name, lambda moment: moment and int(float(moment)) // 1024 * 1024) for name in BOTH), when=later),
    ),
    state(
        "batch-id-of-page",
        "Every page has another batch id.",
        edited(lambda call, page: page.update(batch_id=f"{page['batch_id']}-{call.offset // call.size}")),
    ),
    state(
        "message-of-page",
        "The message counts the pages.",
        edited(lambda call, page: page.update(message=f"page {call.offset // call.size + 1}")),
    ),
    state(
        "review-completed-at-end",
        "The run's review is complete on pages but the last.",
        edited(at("review_completed", to(False)), when=last),
    ),
    state(
        "keys-of-page",
        "The custom keys of later pages have another loan number.",
        edited(at("keys/custom/loan_number", lambda text: text[::-1]), when=later),
    ),
    state(
        "case-fields-of-page",
        "The value of a cross-class field depends on the page.",
        edited(
            lambda call, page: [
                field.update(value=f"{field['value']} {call.offset}") for field in page["case_info"]["fields"]
            ],
            when=later,
        ),
    ),
    state(
        "case-fields-fewer-late",
        "From the second page on a cross-class field is missing.",
        edited(at("case_info/fields", lambda fields: fields[:-1]), when=later),
    ),
)

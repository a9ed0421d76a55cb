"""Stability: the same request gets another answer the next time, although the run has not changed."""

from random import Random

from run_results_conformance.server.terms import JsonObject

from .fault import Fault, Make, Question
from .standard import STANDARD_RUN, asking, flags, from_offset
from .steps import (
    Call,
    at,
    cut_and_more,
    edited,
    every,
    flagged,
    gone,
    instead,
    more,
    named,
    refuse,
    server_with,
)

AGAIN = tuple(asking(query=flags()) for _ in range(8))


def stability(name: str, breach: str, make: Make, *, witness: tuple[Question, ...] = AGAIN) -> Fault:
    return Fault(name, "stability", breach, "nothing", make, witness=witness)


def _behind(call: Call) -> int:
    """How many files are missing: every second request is answered by a copy that lags behind."""
    return call.number % 2


def _again_at_once(call: Call) -> bool:
    """Whether the request before was the same one."""
    scope = call.request.scope
    words = (scope["raw_path"], scope["query_string"], tuple(call.request.headers.raw))
    before, vars(call.server)["last_asked"] = vars(call.server).get("last_asked"), words
    return before == words


def _jitter(call: Call, page: JsonObject) -> None:
    r = Random(call.number)  # noqa: S311 - noise, not a secret
    for file in page["files"]:
        for document in file["documents"]:
            for field in document["fields"]:
                if field.get("confidence", {}).get("model") is not None:
                    field["confidence"]["model"] += r.random() / 1000


STABILITY = (
    stability(
        "copy-lags-behind",
        "Every second request is answered by a copy that lacks the run's last file.",
        cut_and_more(
            lambda call: (call.offset, min(call.offset + call.size, call.total - _behind(call))),
            lambda call: call.end < call.total - _behind(call),
        ),
        witness=from_offset(12, 12),
    ),
    stability(
        "files-turn",
        "The order of a page's files turns with each request.",
        server_with(slice=lambda call, honest, *arguments: honest(*arguments)[:: -1 if call.number % 2 else 1]),
    ),
    stability(
        "fields-turn",
        "The order of a document's fields turns with each request.",
        edited(at("files/documents/fields", lambda fields: fields[::-1]), when=every(2)),
    ),
    stability("confidences-drift", "Confidences are computed anew for each request.", edited(_jitter)),
    stability(
        "values-flicker",
        "Every third answer has its values in upper case.",
        edited(at("files/documents/fields/value", str.upper), when=every(3)),
    ),
    stability(
        "has-more-flickers",
        "Every fourth answer says the opposite about has_more.",
        more(lambda call: call.more is not every(4)(call)),
    ),
    stability(
        "asked-again-at-once",
        "The same request, sent again at once, is answered without a complete run's last field of each document.",
        edited(
            at("files/documents/fields", lambda fields: fields[:-1]),
            when=lambda call: _again_at_once(call) and call.status == "COMPLETE",
        ),
    ),
    stability(
        "status-flickers",
        "Every third answer says that the run is still running.",
        edited(at("status", instead("COMPLETE", "RUNNING")), when=every(3)),
    ),
    stability(
        "timestamps-drift",
        "The start moves with each request.",
        edited(lambda call, page: page.update(start_timestamp=page["start_timestamp"] + call.number)),
    ),
    stability(
        "names-flicker",
        "Every second answer has names without doubled underscores.",
        named(lambda _project, api: api.replace("__", "_"), when=every(2)),
        witness=(asking("run-names"), asking("run-names")),
    ),
    stability(
        "flags-flicker",
        "Every third answer forgets the flags.",
        flagged(lambda call, given: () if every(3)(call) else given),
    ),
    stability(
        "documents-flicker",
        "Every fifth answer has files without their documents.",
        edited(at("files/documents", gone), when=every(5)),
    ),
    stability(
        "run-flickers",
        "Every fifth request does not find the run.",
        server_with(
            find_run=lambda call, honest, *arguments: (
                refuse(404, "Run not found") if every(5)(call) else honest(*arguments)
            )
        ),
    ),
    stability(
        "files-empty-flickers",
        "Every fourth answer is an empty last page.",
        cut_and_more(
            lambda call: (call.offset, call.offset if every(4)(call) else call.offset + call.size),
            lambda call: call.more and not every(4)(call),
        ),
    ),
    stability(
        "first-answer-empty",
        "The first answer of a server has no files; the run is loaded by it.",
        cut_and_more(
            lambda call: (call.offset, call.offset if call.number == 0 else call.offset + call.size),
            lambda call: call.more and call.number > 0,
        ),
        witness=(asking(STANDARD_RUN),),
    ),
)

"""Stability: the same request is answered otherwise the next time, though the run has not changed."""

from random import Random

from run_results_conformance.server.contract import JsonObject

from .fault import Fault, Make, Question
from .standard import STANDARD_RUN, asking, flags, from_offset
from .steps import Ask, at, cut_and_more, edited, every, flagged, gone, instead, more, named, refuse, served

AGAIN = tuple(asking(query=flags()) for _ in range(8))


def stability(name: str, breach: str, make: Make, *, witness: tuple[Question, ...] = AGAIN) -> Fault:
    return Fault(name, "stability", breach, "nothing", make, witness=witness)


def _behind(ask: Ask) -> int:
    """How many files a copy that lags behind has not got: every second request meets it."""
    return ask.number % 2


def _again_at_once(ask: Ask) -> bool:
    """Whether the last page that was asked for was asked for in the same words."""
    scope = ask.request.scope
    words = (scope["raw_path"], scope["query_string"], tuple(ask.request.headers.raw))
    before, vars(ask.server)["last_asked"] = vars(ask.server).get("last_asked"), words
    return before == words


def _jitter(ask: Ask, page: JsonObject) -> None:
    r = Random(ask.number)  # noqa: S311 - noise, not a secret
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
            lambda ask: (ask.offset, min(ask.offset + ask.size, ask.total - _behind(ask))),
            lambda ask: ask.end < ask.total - _behind(ask),
        ),
        witness=from_offset(12, 12),
    ),
    stability(
        "files-turn",
        "The order of a page's files turns with each request.",
        served(slice=lambda ask, honest, *arguments: honest(*arguments)[:: -1 if ask.number % 2 else 1]),
    ),
    stability(
        "fields-turn",
        "The order of a document's fields turns with each request.",
        edited(at("files/documents/fields", lambda fields: fields[::-1]), when=every(2)),
    ),
    stability("confidences-drift", "Confidences are reckoned anew for each request.", edited(_jitter)),
    stability(
        "values-flicker",
        "Every third answer has its values in upper case.",
        edited(at("files/documents/fields/value", str.upper), when=every(3)),
    ),
    stability(
        "has-more-flickers",
        "Every fourth answer says the opposite about has_more.",
        more(lambda ask: ask.more is not every(4)(ask)),
    ),
    stability(
        "asked-again-at-once",
        "The same request, sent again at once, is answered without a complete run's last field of each document.",
        edited(
            at("files/documents/fields", lambda fields: fields[:-1]),
            when=lambda ask: _again_at_once(ask) and ask.status == "COMPLETE",
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
        edited(lambda ask, page: page.update(start_timestamp=page["start_timestamp"] + ask.number)),
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
        flagged(lambda ask, given: () if every(3)(ask) else given),
    ),
    stability(
        "documents-flicker",
        "Every fifth answer has files without their documents.",
        edited(at("files/documents", gone), when=every(5)),
    ),
    stability(
        "run-flickers",
        "Every fifth request does not find the run.",
        served(
            find_run=lambda ask, honest, *arguments: (
                refuse(404, "Run not found") if every(5)(ask) else honest(*arguments)
            )
        ),
    ),
    stability(
        "files-empty-flickers",
        "Every fourth answer is an empty last page.",
        cut_and_more(
            lambda ask: (ask.offset, ask.offset if every(4)(ask) else ask.offset + ask.size),
            lambda ask: ask.more and not every(4)(ask),
        ),
    ),
    stability(
        "first-answer-empty",
        "The first answer of a server has no files; the run is loaded by it.",
        cut_and_more(
            lambda ask: (ask.offset, ask.offset if ask.number == 0 else ask.offset + ask.size),
            lambda ask: ask.more and ask.number > 0,
        ),
        witness=(asking(STANDARD_RUN),),
    ),
)

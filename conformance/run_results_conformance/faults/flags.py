"""Include flags: a part that is missing although its flag is set, or there although it is not, or other effects."""

from copy import deepcopy
from weakref import WeakKeyDictionary

from starlette.requests import Request

from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.terms import JsonObject

from .fault import Fault, Level, Make, Question
from .standard import (
    BARE_WALK,
    CONFIDENCE,
    FLAGS,
    REVIEW,
    SOURCE,
    VALIDATION,
    WALK,
    asking,
    flags,
    from_offset,
)
from .steps import (
    CASE,
    DOCUMENT,
    FIELD,
    Call,
    Edit,
    Step,
    When,
    always,
    arranged,
    asked,
    asked_for,
    at,
    edited,
    flagged,
    gone,
    instead,
    later,
    leaked,
    parts,
    server_with,
    to,
    within,
)

PARTS = {
    REVIEW: (
        f"{DOCUMENT}/review_completed",
        f"{DOCUMENT}/class_edit_history",
        f"{FIELD}/edit_history",
        f"{CASE}/edit_history",
    ),
    CONFIDENCE: (f"{DOCUMENT}/classification_confidence", f"{FIELD}/confidence"),
    VALIDATION: (f"{DOCUMENT}/validations", f"{FIELD}/validations", f"{CASE}/validations"),
    SOURCE: (f"{DOCUMENT}/page_layouts", f"{DOCUMENT}/post_processed_paths", f"{FIELD}/source_coordinates"),
}
"""What each flag adds, as the vendor's page says. Without the PDF path, which may be absent even then."""


_SEEN: WeakKeyDictionary[ReferenceServer, set[str]] = WeakKeyDictionary()
"""The flags of all requests so far, by server."""


def flag(
    name: str,
    breach: str,
    make: Make,
    *,
    witness: tuple[Question, ...] = WALK,
    level: Level = "MUST",
) -> Fault:
    return Fault(name, "flags", breach, "nothing", make, level, witness)


def _short(path: str) -> str:
    """A part of a fault's name: `field-edit-history` for `files/documents/fields/edit_history`."""
    above, _, name = path.rpartition("/")
    level = {DOCUMENT: "document", FIELD: "field", CASE: "case"}[above]
    return f"{level}-{name.replace('_', '-')}"


def _missing(path: str, when: When = always) -> Make:
    return edited(at(path, gone), when=when)


def _ignored(flag_: str) -> Make:
    return flagged(lambda _call, given: given - {flag_})


def _coupled(flag_: str, other: str) -> Make:
    """The first flag works only together with the second."""
    return flagged(lambda _call, given: given if other in given else given - {flag_})


def _brings(flag_: str, other: str) -> Make:
    """The first flag sets the second one too."""
    return flagged(lambda _call, given: given | {other} if flag_ in given else given)


def _run_reviewed(call: Call, page: JsonObject) -> None:
    if REVIEW not in call.flags:
        page.pop("review_completed", None)


def _only_with(edit: Edit, *names: str, without: bool = False) -> Make:
    return edited(edit, when=lambda call: (call.flags >= frozenset(names)) is not without)


def _doubtful(field: JsonObject) -> bool:
    return (field["confidence"]["model"] or 0) < 0.5


def _remembered() -> Make:
    """A server that adds up the flags of all requests."""

    def read_flags(call: Call, honest: Step, request: Request) -> frozenset[str]:
        seen: set[str] = _SEEN.setdefault(call.server, set())
        seen |= honest(request)
        return frozenset(seen)

    return server_with(read_flags=read_flags)


def _leaked_when_failed(_call: Call, honest: Step, page: JsonObject, given: frozenset[str]) -> JsonObject:
    projected: JsonObject = deepcopy(honest(page, given))
    whole = honest(page, given | {VALIDATION})
    for part, source in zip(parts(projected, FIELD), parts(whole, FIELD), strict=True):
        if part["value"] == "ERROR":
            part["validations"] = source["validations"]
    return projected


IGNORED = tuple(
    flag(f"{name.replace('_', '-')}-ignored", f"{name} adds nothing at any level.", _ignored(name)) for name in FLAGS
)

LEAKED = tuple(
    flag(f"{_short(path)}-leaked", f"{path} comes without {name}.", leaked(path), witness=BARE_WALK)
    for name, paths in PARTS.items()
    for path in paths
)

MISSING = tuple(
    flag(f"{_short(path)}-missing", f"{path} does not come with {name}.", _missing(path))
    for name, paths in PARTS.items()
    for path in paths
    if path != f"{CASE}/validations"  # a cross-class field without rules has none
)

OTHERS = (
    flag(
        "case-validations-missing-later",
        "From the second page on the validations of cross-class fields do not come.",
        _missing(f"{CASE}/validations", later),
    ),
    flag(
        "pdf-path-leaked",
        "The path of a document's PDF comes without include_source_info.",
        leaked(f"{DOCUMENT}/post_processed_pdf_path"),
        witness=BARE_WALK,
    ),
    flag(
        "flags-default-true",
        "Flags that are not given are true.",
        server_with(
            read_flags=lambda _call, honest, request: (
                honest(request) | {name for name in FLAGS if name not in request.query_params}
            )
        ),
        witness=BARE_WALK,
    ),
    flag(
        "flags-all-or-none",
        "Any flag brings all.",
        flagged(lambda _call, given: FLAGS if given else ()),
        witness=(asking(query=flags(REVIEW)),),
    ),
    flag(
        "flags-one-at-a-time",
        "Of several flags only the first counts.",
        flagged(lambda _call, given: [name for name in FLAGS if name in given][:1]),
    ),
    flag(
        "flags-first-page-only",
        "Flags count on the first page only.",
        flagged(lambda call, given: given if call.offset == 0 else ()),
    ),
    flag(
        "flags-not-on-last-page",
        "Flags do not count on the last page.",
        flagged(lambda call, given: given if call.more else ()),
    ),
    flag(
        "flags-sticky",
        "A flag that was asked for once comes with every later request.",
        _remembered(),
        witness=(asking(query=flags()), asking()),
    ),
    flag(
        "flags-unfinished-ignored",
        "Flags do not count for runs that have not finished.",
        flagged(lambda call, given: given if call.status != "RUNNING" else ()),
        witness=(asking("run-running", flags()),),
    ),
    flag(
        "source-needs-review",
        "include_source_info counts only with include_review_results.",
        _coupled(SOURCE, REVIEW),
        witness=(asking(query=flags(SOURCE)),),
    ),
    flag(
        "validation-needs-confidence",
        "include_validation_results counts only with include_confidence_scores.",
        _coupled(VALIDATION, CONFIDENCE),
        witness=(asking(query=flags(VALIDATION)),),
    ),
    flag(
        "review-brings-validation",
        "include_review_results brings what include_validation_results adds.",
        _brings(REVIEW, VALIDATION),
        witness=(asking(query=flags(REVIEW)),),
    ),
    flag(
        "source-brings-confidence",
        "include_source_info brings what include_confidence_scores adds.",
        _brings(SOURCE, CONFIDENCE),
        witness=(asking(query=flags(SOURCE)),),
    ),
    flag(
        "confidence-excludes-source",
        "With include_confidence_scores nothing comes of include_source_info.",
        flagged(lambda _call, given: given - {SOURCE} if CONFIDENCE in given else given),
    ),
    flag(
        "review-and-confidence-swapped",
        "Two flags are confused with each other.",
        flagged(lambda _call, given: given if len(given & {REVIEW, CONFIDENCE}) != 1 else given ^ {REVIEW, CONFIDENCE}),
        witness=(asking(query=flags(REVIEW)),),
    ),
    flag(
        "all-flags-lose-boxes",
        "Boxes are missing exactly when all four flags are asked for.",
        _missing(f"{FIELD}/source_coordinates", asked(*FLAGS)),
    ),
    flag(
        "three-flags-lose-case-edits",
        "Edits of cross-class fields are missing with just these three flags.",
        _missing(f"{CASE}/edit_history", asked(REVIEW, VALIDATION, SOURCE)),
        witness=(asking(query=flags(REVIEW, VALIDATION, SOURCE)),),
    ),
    flag(
        "two-flags-leak-validations",
        "With two flags the validations of cross-class fields come too.",
        leaked(f"{CASE}/validations", when=asked(REVIEW, SOURCE)),
        witness=(asking(query=flags(REVIEW, SOURCE)),),
    ),
    flag(
        "edits-absent-when-none",
        "A field without edits has no edit_history, though it is asked for.",
        edited(at(f"{FIELD}/edit_history", lambda edits: edits or gone(edits))),
    ),
    flag(
        "boxes-absent-when-none",
        "A field that stands nowhere has no source_coordinates, though they are asked for.",
        edited(at(f"{FIELD}/source_coordinates", lambda boxes: boxes or gone(boxes))),
    ),
    flag(
        "confidence-absent-when-failed",
        "A failed field has no confidence, though it is asked for.",
        edited(at(f"{FIELD}/confidence", gone, where=lambda field: field["value"] == "ERROR")),
    ),
    flag(
        "validations-absent-when-valid-late",
        "A valid field has no validations from the second page on.",
        edited(at(f"{FIELD}/validations", gone, where=lambda field: field["validations"]["valid"]), when=later),
    ),
    flag(
        "class-confidence-absent-without-class",
        "A document without a class has no confidence of it.",
        edited(at(f"{DOCUMENT}/classification_confidence", gone, where=lambda part: part["class_name"] is None)),
    ),
    flag(
        "layouts-absent-late",
        "Page layouts are missing from the second page on.",
        _missing(f"{DOCUMENT}/page_layouts", later),
    ),
    flag(
        "validations-empty-leaked",
        "Fields have empty validations without the flag.",
        leaked(f"{FIELD}/validations", change=to({})),
        witness=BARE_WALK,
    ),
    flag(
        "confidence-null-leaked",
        "Fields have null confidence without the flag.",
        leaked(f"{FIELD}/confidence", change=to(None)),
        witness=BARE_WALK,
    ),
    flag(
        "edits-empty-leaked",
        "Documents have empty edits without the flag.",
        leaked(f"{DOCUMENT}/class_edit_history", change=to([])),
        witness=BARE_WALK,
    ),
    flag(
        "review-leaked-late",
        "Whether a document's review is complete comes without the flag after the first page.",
        leaked(f"{DOCUMENT}/review_completed", when=later),
        witness=BARE_WALK,
    ),
    flag(
        "validations-leaked-when-failed",
        "The validations of failed fields come without the flag.",
        server_with(project=_leaked_when_failed),
        witness=BARE_WALK,
    ),
    flag(
        "review-hides-documents",
        "With include_review_results documents without a class are left out.",
        _only_with(
            within(
                "files",
                lambda file: file.update(
                    documents=[part for part in file["documents"] if part["class_name"] is not None]
                ),
            ),
            REVIEW,
        ),
    ),
    flag(
        "review-changes-values",
        "With include_review_results a corrected field has the value before.",
        _only_with(
            at(f"{FIELD}/value", lambda value: f"{value} (before)", where=lambda field: field["edit_history"]), REVIEW
        ),
    ),
    flag(
        "review-reorders-files",
        "With include_review_results a page's files come in reverse order.",
        arranged(lambda call, files: files[::-1] if REVIEW in call.flags else files),
    ),
    flag(
        "confidence-blanks-values",
        "With include_confidence_scores a doubtful value is empty.",
        _only_with(at(f"{FIELD}/value", to(""), where=_doubtful), CONFIDENCE),
    ),
    flag(
        "confidence-reorders-fields",
        "With include_confidence_scores a document's fields are sorted by confidence.",
        _only_with(
            at(FIELD, lambda fields: sorted(fields, key=lambda field: -(field["confidence"]["model"] or 0))), CONFIDENCE
        ),
    ),
    flag(
        "validation-hides-invalid",
        "With include_validation_results fields that failed are left out.",
        _only_with(at(FIELD, lambda fields: [field for field in fields if field["validations"]["valid"]]), VALIDATION),
    ),
    flag(
        "validation-changes-status",
        "With include_validation_results a run with invalid fields is stopped at a checkpoint.",
        _only_with(at("status", instead("COMPLETE", "STOPPED_AT_CHECKPOINT")), VALIDATION),
    ),
    flag(
        "validation-drops-error-msg",
        "With include_validation_results error messages are left out.",
        _only_with(at(f"{FIELD}/error_msg", gone), VALIDATION),
    ),
    flag(
        "source-drops-field-type",
        "With include_source_info the types of fields are left out.",
        _only_with(at(f"{FIELD}/type", gone), SOURCE),
    ),
    flag(
        "source-pages-from-one",
        "With include_source_info page numbers count from 1.",
        _only_with(at(f"{DOCUMENT}/page_numbers", lambda pages: [page + 1 for page in pages]), SOURCE),
    ),
    flag(
        "source-changes-paging",
        "With include_source_info a page begins one file later, but for the first.",
        server_with(
            slice=lambda call, honest, run, offset, size: honest(
                run, offset + (SOURCE in call.flags and offset > 0), size
            )
        ),
    ),
    flag(
        "run-review-only-with-flag",
        "Whether the run's review is complete comes only with include_review_results.",
        edited(_run_reviewed),
        witness=BARE_WALK,
    ),
    flag(
        "case-info-only-with-flag",
        "Cross-class fields come only with include_review_results.",
        _only_with(at("case_info", gone), REVIEW, without=True),
        witness=BARE_WALK,
    ),
    flag(
        "no-flags-no-fields",
        "Without any flag documents have no fields.",
        edited(at(FIELD, gone), when=asked()),
        witness=BARE_WALK,
    ),
    flag(
        "all-flags-no-keys",
        "With all flags the run's keys are left out.",
        edited(at("keys", gone), when=asked_for(*FLAGS)),
    ),
    flag(
        "all-flags-smaller-run",
        "With all flags a run ends after its first page.",
        server_with(has_more=lambda call, honest, *arguments: honest(*arguments) and call.flags != frozenset(FLAGS)),
        witness=from_offset(0, query=flags()),
    ),
    flag(
        "two-flags-lose-case-failures",
        "With two flags the failures of a cross-class field are an empty list.",
        edited(at(f"{CASE}/validations/failures", to([])), when=asked(VALIDATION, SOURCE)),
        witness=(asking(query=flags(VALIDATION, SOURCE)),),
    ),
)

FLAG_FAULTS = (*IGNORED, *LEAKED, *MISSING, *OTHERS)

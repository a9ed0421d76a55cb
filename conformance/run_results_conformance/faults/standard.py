"""The standard store, a small one on which every fault shows, and requests to it.

With pages of three files (`STANDARD_PAGE_SIZE`) it has what faults need: runs of several pages, of whole pages only, of
one file and of none; every status; unusual names and ids; failed, corrected and validated fields; documents without a
class and files without documents; the same id in two contexts; and a context that the token may not act in.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from run_results_conformance.server.contract import load_contract
from run_results_conformance.server.reference import Token
from run_results_conformance.server.runs import MemoryRun, MemoryStore
from run_results_conformance.server.synthetic import SyntheticRun
from run_results_conformance.server.terms import JsonObject

from .fault import Question

STANDARD_PAGE_SIZE = 3
STANDARD_CONTEXT = "acme-lending"
"""The context that the standard token may act in, besides the default one."""
FOREIGN_CONTEXT = "globex"
"""A context that has a run, and that the standard token may not act in."""
STANDARD_TOKEN = Token("sT4ndard.token-of_the~catalogue==", frozenset({STANDARD_CONTEXT}))

STANDARD_RUN = "run-standard"
NAMES_RUN = "run-names"
EMPTY_RUN, SINGLE_RUN, EXACT_RUN = "run-empty", "run-single", "run-exact"
STATUS_RUNS = {
    "CANCELLED": "run-cancelled",
    "FAILED": "run-failed",
    "PAUSED": "run-paused",
    "RUNNING": "run-running",
    "STOPPED_AT_CHECKPOINT": "run-at-checkpoint",
}
AWKWARD_RUN = "Prüflauf 3/4 + 100%25"
"""An id that shows how often a path is decoded, and by which rules."""
ACME_RUN, FOREIGN_RUN = "run-acme", "run-globex"

_PLAIN = ("due date", "secret_id", "driver's license", "3rd category")
_UNUSUAL = (
    ("", "_", "__", "_leading", "trailing_", "__dunder__", "a___b", "Tail ", " head", "two  spaces", "tab\there"),
    ("due-date", "due/date", "due date", "due_date", "class", "def", "match", "None", "MixedCase", "UPPER", "2nd_half"),
    (
        "Straße",
        "naïve",
        "nai\u0308ve",
        "ﬁnal",
        "ｆｕｌｌ",
        "数量",
        "адрес",
        "№ 7",
        "x²",
        "٣ days",
        "l·l",
        "\u0301acute",
        "😀 note",
    ),
    (
        "O’Brien's",
        "%",
        "100%",
        "1",
        "a.b.c",
        "K\u212a",
        "İ",
        "A very long name of a field, as forms have it: item 12_b",
    ),
)


def _run_of_names(run_id: str) -> MemoryRun:
    """A run with plain names on the first page, and unusual ones on the others and in its cross-class fields."""
    files = [_file(run_id, index, names) for index, names in enumerate([_PLAIN, _PLAIN[:2], (), *_UNUSUAL])]
    header = SyntheticRun(77, 2, run_id=run_id).header
    case_fields = [
        {
            "name": name,
            "value": "x",
            "input_fields": [{"record_index": index, "refined_phrase_name": name}],
            "chosen_field": None,
            "edit_history": [],
            "validations": {"valid": True, "failures": []},
        }
        for index, name in enumerate(("applicant's_name", "1st", "größe", "due-date", "due date", "_", "ﬁx"))
    ]
    return MemoryRun({**header, "case_info": {"fields": case_fields}}, files)


def _file(run_id: str, index: int, names: Sequence[str]) -> JsonObject:
    fields: list[dict[str, Any]] = [
        {
            "field_name": name,
            "value": f"value {position} 😀",
            "type": "TEXT",
            "source_coordinates": [],
            "edit_history": [],
            "confidence": {"model": 0.5, "ocr": None},
            "validations": {"valid": True, "alerts": []},
        }
        for position, name in enumerate(names)
    ]
    document = {
        "class_name": "Form",
        "page_numbers": [0],
        "fields": fields,
        "review_completed": False,
        "page_layouts": [{"page_number": 0, "width": 612.0, "height": 792.0}],
        "post_processed_paths": [],
        "class_edit_history": [],
        "validations": {"final_result_pass": True},
        "classification_confidence": {"model": 0.75},
    }
    name = f"form {index}.pdf"
    return {"original_file_name": name, "input_file_path": f"inbox/{run_id}/{name}", "documents": [document]}


def _held(seed: int, files: int, run_id: str, status: str = "COMPLETE") -> MemoryRun:
    """A synthetic run, computed once and kept."""
    run = SyntheticRun(seed, files, status=status, run_id=run_id)
    return MemoryRun(run.header, run.files(0, files))


def standard_store() -> MemoryStore:
    """A new store, always with the same runs."""
    store = MemoryStore(
        [
            _held(_SEED, 14, STANDARD_RUN),
            _run_of_names(NAMES_RUN),
            _held(2, 0, EMPTY_RUN),
            _held(3, 1, SINGLE_RUN),
            _held(4, 6, EXACT_RUN),
            *(
                _held(10 + files, files, run_id, status)
                for files, (status, run_id) in zip((2, 5, 1, 4, 6), STATUS_RUNS.items(), strict=True)
            ),
            _held(20, 2, AWKWARD_RUN),
        ]
    )
    for context, seed, files, run_id in (
        (STANDARD_CONTEXT, 30, 4, STANDARD_RUN),
        (STANDARD_CONTEXT, 31, 2, ACME_RUN),
        (FOREIGN_CONTEXT, 40, 5, STANDARD_RUN),
        (FOREIGN_CONTEXT, 41, 1, FOREIGN_RUN),
    ):
        store.add(_held(seed, files, run_id), context=context)
    return store


_SEED = 38  # this run has every part of the contract, with failures and edits on late pages too

# --- Requests -----------------------------------------------------------------------------------------------

FLAGS = load_contract().flags
REVIEW, CONFIDENCE, VALIDATION, SOURCE = (
    "include_review_results",
    "include_confidence_scores",
    "include_validation_results",
    "include_source_info",
)
BEARER = f"Bearer {STANDARD_TOKEN.value}"


def flags(*names: str) -> str:
    """The query with these flags set to true; without names, with all flags."""
    return "&".join(f"{name}=true" for name in names or FLAGS)


def asking(
    run_id: str = STANDARD_RUN,
    query: str = "",
    *,
    method: str = "GET",
    authorization: str | None = BEARER,
    context: str | None = None,
    headers: tuple[tuple[str, str | bytes], ...] = (),
    target: str | None = None,
) -> Question:
    """A request for a run's results, or for another target."""
    path = target or f"/v2/apps/runs/{quote(run_id, safe='')}/results"
    return Question(
        path + (f"?{query}" if query else ""),
        method,
        (
            *((("Authorization", authorization),) if authorization is not None else ()),
            *((("IB-Context", context),) if context is not None else ()),
            *headers,
        ),
    )


def from_offset(*offsets: int | str, run_id: str = STANDARD_RUN, query: str = "") -> tuple[Question, ...]:
    """One request for each of these offsets."""
    return tuple(asking(run_id, f"{query}&file_offset={offset}".removeprefix("&")) for offset in offsets)


WALK = from_offset(0, 3, 6, 9, 12, query=flags())
"""Every page of the standard run, with all flags."""
BARE_WALK = from_offset(0, 3, 6, 9, 12)
"""Every page of the standard run, without flags."""
NAMES_WALK = from_offset(0, 3, 6, run_id=NAMES_RUN)
"""Every page of the run with unusual names."""

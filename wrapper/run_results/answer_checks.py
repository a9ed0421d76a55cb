"""What one answer must keep that no schema can say: what was asked for is there, and times are possible."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from run_results.drift import Drift
from run_results.include import Include
from run_results_api.models import RunResults, RunStatus
from run_results_api.types import UNSET

# What is there, at least empty, where a flag asks for it (`x-include` in the contract): flag, level, member. A new
# one also goes into `_lacks`, which has them written out for speed.
GUARANTEED: Final = (
    (Include.REVIEW, "document", "review_completed"),
    (Include.REVIEW, "document", "class_edit_history"),
    (Include.REVIEW, "field", "edit_history"),
    (Include.REVIEW, "case field", "edit_history"),
    (Include.CONFIDENCE, "document", "classification_confidence"),
    (Include.CONFIDENCE, "field", "confidence"),
    (Include.VALIDATION, "document", "validations"),
    (Include.VALIDATION, "field", "validations"),
    (Include.VALIDATION, "case field", "validations"),
    (Include.SOURCE, "document", "page_layouts"),
    (Include.SOURCE, "document", "post_processed_paths"),
    (Include.SOURCE, "field", "source_coordinates"),
)
_ENDED = (RunStatus.CANCELLED, RunStatus.COMPLETE, RunStatus.FAILED)  # such a run is no longer in progress
# A moment between the years 2000 and 2100; what is outside is in seconds, milliseconds or microseconds.
_PLAUSIBLE = (946_684_800 * 10**9, 4_102_444_800 * 10**9)


def check_answer(run: RunResults, include: Include, broken: Iterable[Drift]) -> tuple[Drift, ...]:
    """The breaches that an answer shows by itself, beyond its shape; of what is missing, each kind's first place.

    `broken` is where the shape leaves the contract: a member that is unset for that reason did come.
    """
    return (*_missing(run, include, broken), *_impossible_times(run))


def _missing(run: RunResults, include: Include, broken: Iterable[Drift]) -> Iterator[Drift]:
    if not include or not _lacks(run, include):
        return
    paths = {place.path for place in broken}
    for flag, level, member in GUARANTEED:
        if flag in include:
            unset = (f"{path}.{member}" for path, item in _places(run, level) if getattr(item, member) is UNSET)
            for path in islice((path for path in unset if paths.isdisjoint(_above(path))), 1):
                yield Drift(path, f"something, even if empty, as Include.{flag.name} asks for it", UNSET)


def _lacks(run: RunResults, include: Include) -> bool:
    """Whether anything of `GUARANTEED` is missing: a quick look at every document and field.

    It takes the time to fetch each field from memory once: with all flags about a quarter of the time of decoding. A
    pass for each member takes twice that, so the members are written out.
    """
    review, confidence, validation, source = (
        flag in include for flag in (Include.REVIEW, Include.CONFIDENCE, Include.VALIDATION, Include.SOURCE)
    )
    documents = [document for file in run.files or () for document in file.documents or ()]
    return bool(
        [
            item
            for document in documents
            for item in document.fields or ()
            if (review and item.edit_history is UNSET)
            or (confidence and item.confidence is UNSET)
            or (validation and item.validations is UNSET)
            or (source and item.source_coordinates is UNSET)
        ]
        or [
            item
            for item in documents
            if (review and (item.review_completed is UNSET or item.class_edit_history is UNSET))
            or (confidence and item.classification_confidence is UNSET)
            or (validation and item.validations is UNSET)
            or (source and (item.page_layouts is UNSET or item.post_processed_paths is UNSET))
        ]
        or [
            item
            for item in (run.case_info and run.case_info.fields) or ()
            if (review and item.edit_history is UNSET) or (validation and item.validations is UNSET)
        ]
    )


def _above(path: str) -> Iterator[str]:
    """A path, and those of all that it lies in."""
    yield path
    yield from (path[:index] for index, character in enumerate(path) if character in ".[")


def _places(run: RunResults, level: str) -> Iterator[tuple[str, object]]:
    """Every document, field or case field with its JSON path."""
    if level == "case field":
        for index, case in enumerate((run.case_info and run.case_info.fields) or ()):
            yield f"$.case_info.fields[{index}]", case
        return
    for number, file in enumerate(run.files or ()):
        for index, document in enumerate(file.documents or ()):
            path = f"$.files[{number}].documents[{index}]"
            if level == "document":
                yield path, document
            else:
                yield from ((f"{path}.fields[{place}]", field) for place, field in enumerate(document.fields or ()))


def _impossible_times(run: RunResults) -> Iterator[Drift]:
    start, finish = run.start_timestamp, run.finish_timestamp
    for name, moment in (("start_timestamp", start), ("finish_timestamp", finish)):
        if isinstance(moment, int) and not _PLAUSIBLE[0] <= moment <= _PLAUSIBLE[1]:
            yield Drift(f"$.{name}", "nanoseconds since 1970, in a year from 2000 to 2100", moment)
    if run.status == RunStatus.RUNNING and isinstance(finish, int):
        yield Drift("$.finish_timestamp", "null while the run is RUNNING", finish)
    # A run whose review is not complete may count as not finished (docs/contract.md, A run that has not finished).
    reviewing = run.status == RunStatus.COMPLETE and run.review_completed is False
    if run.status in _ENDED and finish is None and not reviewing:
        yield Drift("$.finish_timestamp", f"a moment, as the run is {run.status.value}", finish)
    if isinstance(start, int) and isinstance(finish, int) and finish < start:
        yield Drift("$.finish_timestamp", f"a moment after the start, {start}", finish)

"""The laws that no schema can say: those of an answer by itself, and those between the pages of a walk.

What breaks a law between pages would lose or double files, and is an error; what breaks another is drift.
"""

from collections import deque
from collections.abc import Iterator
from itertools import chain
from operator import attrgetter
from typing import Any

from run_results import errors
from run_results.drift import Drift
from run_results.include import Include
from run_results.observe import log
from run_results.page import Page
from run_results_api.models import File, RunResults, RunStatus
from run_results_api.types import UNSET, Unset

# What is there, at least empty, where a flag asks for it (`x-include` in the contract): flag, level, member.
GUARANTEED = (
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
# A moment between the years 2000 and 2100; what is outside is in seconds, milliseconds or microseconds.
_PLAUSIBLE = (946_684_800 * 10**9, 4_102_444_800 * 10**9)


def look_alone(run: RunResults, include: Include) -> tuple[Drift, ...]:
    """The breaches that an answer shows by itself, beyond its shape; of what was asked for, each kind's first place."""
    return (*_missing(run, include), *_impossible_times(run))


def _missing(run: RunResults, include: Include) -> Iterator[Drift]:
    if not include:
        return
    # No loop over fields here, other than to find the place of what is known to be missing.
    documents = [document for file in run.files for document in file.documents or ()]
    levels: dict[str, list[Any]] = {
        "document": documents,
        "field": list(chain.from_iterable(document.fields or () for document in documents)),
        "case field": (run.case_info and run.case_info.fields) or [],
    }
    for flag, level, member in GUARANTEED:
        if flag in include and Unset in set(map(type, map(attrgetter(member), levels[level]))):
            path = next(path for path, item in _places(run, level) if getattr(item, member) is UNSET)
            yield Drift(f"{path}.{member}", f"something, even if empty, as Include.{flag.name} asks for it", UNSET)


def _places(run: RunResults, level: str) -> Iterator[tuple[str, object]]:
    """Every document, field or case field with its JSON path."""
    if level == "case field":
        for index, case in enumerate((run.case_info and run.case_info.fields) or ()):
            yield f"$.case_info.fields[{index}]", case
        return
    for number, file in enumerate(run.files):
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
    if run.status == RunStatus.COMPLETE and finish is None:
        yield Drift("$.finish_timestamp", "a moment, as the run is COMPLETE", finish)
    if isinstance(start, int) and isinstance(finish, int) and finish < start:
        yield Drift("$.finish_timestamp", f"a moment after the start, {start}", finish)


# What tells one state of a run from another, and what else is known of a run as a whole: that may be news, or an edit.
_STATE = ("status", "start_timestamp", "finish_timestamp", "batch_id", "review_completed")
_REST = ("message", "keys", "case_info")
_state, _rest = attrgetter(*_STATE), attrgetter(*_REST)


class Laws:
    """What the pages of one walk must keep between each other: each advances, is of the same run, and brings new files.

    Memory does not grow with the run.
    """

    # How many files back one that comes again is recognized. Going round in circles is recognized at any length: the
    # file at every power of two is kept until the next (Brent), so that no walk goes on for ever.
    _WINDOW = 20_000

    def __init__(self, on_change: str) -> None:
        self._on_change = on_change
        self._state: tuple[object, ...] | None = None
        self._rest: tuple[object, ...] | None = None
        # In parts, oldest first: to let go of a part is cheap, and none grows so far that moving it would show.
        self._known: deque[dict[bytes, None]] = deque([{}])
        self._count = 0
        self._kept = b""

    def check(self, page: Page) -> tuple[Drift, ...]:
        """Raises the `PagingError` of the law that the page breaks; returns what else it has otherwise than before."""
        if page.has_more and not page.files:
            raise errors.OffsetDidNotAdvance("the page says has_more and has no files", drift=page.breaches)
        self._check_run(page)
        if page.files:
            self._check_files(page)
        return tuple(self._compare_rest(page))

    def _check_run(self, page: Page) -> None:
        run = page.run
        state = _state(run)
        before, self._state = self._state, state
        if before is None or state == before:
            return
        changes = [
            f"{name} from {show(old)} to {show(new)}"
            for name, old, new in zip(_STATE, before, state, strict=True)
            if old != new
        ]
        text = f"the run changed between two pages: {', '.join(changes)}"
        if self._on_change == "raise":
            raise errors.RunChanged(text, drift=page.breaches)
        log().warning("run %s, offset %d: %s", page.run_id, page.offset, text)

    def _compare_rest(self, page: Page) -> Iterator[Drift]:
        rest = _rest(page.run)
        before, self._rest = self._rest, rest
        if before is not None and rest != before:
            for name, old, new in zip(_REST, before, rest, strict=True):
                if old != new:
                    yield Drift(f"$.{name}", "what the page before had", page.raw.get(name, UNSET), is_breach=False)

    def _check_files(self, page: Page) -> None:
        marks = _marks(page)
        known = {self._kept}.union(*[part.keys() & marks for part in self._known])
        again = [index for index, mark in enumerate(marks) if mark in known]
        if len(again) == len(marks):
            text = f"the page has the files of an earlier page again, first {_name(page.files[0])}"
            raise errors.PageRepeated(text, drift=page.breaches)
        if again or len(set(marks)) < len(marks):
            index = again[0] if again else _first_doubled(marks)
            named = [index for index, file in enumerate(page.files) if file.input_file_path]
            index = named[index] if index < len(named) else 0
            text = f"file {page.offset + index}, {_name(page.files[index])}, came before"
            raise errors.FilesRepeated(text, drift=page.breaches)
        before, self._count = self._count, self._count + len(marks)
        if before.bit_length() < self._count.bit_length():
            self._kept = marks[0]
        self._known[-1] |= dict.fromkeys(marks)
        if len(self._known[-1]) >= self._WINDOW / 4:
            self._known.append({})
        while sum(map(len, self._known)) - len(self._known[0]) >= self._WINDOW:
            self._known.popleft()


def _first_doubled(marks: list[bytes]) -> int:
    seen: set[bytes] = set()
    for index, mark in enumerate(marks):
        if mark in seen:
            return index
        seen.add(mark)
    raise AssertionError("no mark is doubled")


def _marks(page: Page) -> list[bytes]:
    """What tells the files of a page from others: their paths.

    Files without one are told apart as a whole page, by its very text: two empty scans of one name are no repetition.
    """
    paths = [file.input_file_path for file in page.files]
    marks = [_digest(path.encode("utf-8", "surrogatepass")) for path in paths if path]
    if len(marks) < len(paths):
        marks.append(_digest(b"\0" + page.body))
    return marks


def _digest(content: bytes) -> bytes:
    from hashlib import blake2b  # here: all of OpenSSL comes with it

    return blake2b(content, digest_size=15).digest()  # with 16 a mark would take a third more memory


def _name(file: File) -> str:
    name = file.input_file_path or file.original_file_name
    return repr(name)[:200] if name else "which has no name"


def show(value: object) -> str:
    """A value of the server's for a message: short and printable."""
    text = "nothing" if value is UNSET else str(value)
    return text if len(text) <= 40 and text.isprintable() else repr(text[:40])

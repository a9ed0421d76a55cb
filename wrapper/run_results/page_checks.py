"""What must hold between the pages of a walk: each advances, is of the same run, and brings new files.

Memory does not grow with the run.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from run_results import errors
from run_results.drift import Drift
from run_results.events import log
from run_results.page import STATE, Page
from run_results.text import quote, word
from run_results_api.models import File
from run_results_api.types import UNSET, Model

_REST = ("message", "keys", "case_info")


def state_of(page: Page) -> dict[str, Any]:
    """The members that make up the state of a run, by name, without those that are unset because they were broken."""
    run, broken = page.run, {place.path for place in page.breaches}
    state = {name: getattr(run, name) for name in STATE}
    return {name: value for name, value in state.items() if value is not UNSET or f"$.{name}" not in broken}


class PageChecks:
    """What the pages of one walk must keep between each other."""

    # How many files back one that comes again is recognized. Going round in circles is recognized at any length: the
    # file at every power of two is kept until the next (Brent), so that no walk goes on for ever.
    _WINDOW = 20_000
    # Where a run may have a file twice: on so many pages that one file may come again while it is kept.
    _ROUNDS = 10

    def __init__(self, on_change: str, on_repeat: str = "raise", expect: Mapping[str, Any] | None = None) -> None:
        self._on_change = on_change
        self._expected = expect
        self._on_repeat = on_repeat
        self._state: dict[str, Any] = {}
        self._rest: dict[str, Any] = {}
        # In parts, oldest first: to drop a part is cheap, and none grows so large that copying it would be slow.
        self._known: deque[dict[int, None]] = deque([{}])
        self._count = 0
        self._kept: int | None = None
        self._rounds = 0  # pages on which the file that is kept has come again

    def check(self, page: Page) -> tuple[Drift, ...]:
        """Check the next page. Raises a `PagingError`; returns what else of the run is not as on the page before."""
        if page.has_more and not page.files:
            raise errors.OffsetDidNotAdvance("the page says has_more and has no files", drift=page.breaches)
        self._check_run(page)
        if page.files:
            self._check_files(page)
        return tuple(self._compare_rest(page))

    def _check_run(self, page: Page) -> None:
        if self._expected is not None:
            self._check_expected(page, self._expected)
        state, before = state_of(page), self._state
        self._state = before | state
        changed = [name for name, new in state.items() if before.get(name, new) != new]
        changes = [f"{name} from {_shown(before[name])} to {_shown(state[name])}" for name in changed]
        if not changes:
            return
        text = f"the run changed between two pages: {', '.join(changes)}"
        if self._on_change == "raise":
            raise errors.RunChanged(text, drift=page.breaches)
        log().warning("run %s, offset %d: %s", page.run_id, page.offset, text)

    def _check_expected(self, page: Page, expected: Mapping[str, Any]) -> None:
        changes = [
            f"{name} is {_shown(value)}, not {_shown(expected.get(name, UNSET))}"
            for name, value in state_of(page).items()
            if value != expected.get(name, UNSET)
        ]
        if changes:
            raise errors.RunChanged(
                f"the run is not in the state that was expected: {', '.join(changes)}",
                drift=page.breaches,
                advice="Look at the run again, and read all of it in the state that it has now",
            )

    def _compare_rest(self, page: Page) -> Iterator[Drift]:
        # As Python compares: 0 and false are equal. What is broken is reported already, and is no change of the run.
        broken = {re.split(r"[.\[]", place.path, maxsplit=2)[1] for place in page.breaches if place.path != "$"}
        rest = {name: getattr(page.run, name) for name in _REST if name not in broken}
        before, self._rest = self._rest, self._rest | rest
        for name, value in rest.items():
            if before.get(name, value) != value:
                got = value.to_dict() if isinstance(value, Model) else value
                yield Drift(f"$.{name}", "what the page before had", got, is_breach=False)

    def _check_files(self, page: Page) -> None:
        marks = _marks(page)
        known = {self._kept}.union(*[part.keys() & marks for part in self._known])
        again = [index for index, mark in enumerate(marks) if mark in known]
        self._rounds += self._kept in marks
        if again or len(set(marks)) < len(marks):
            self._check_repetition(page, marks, again)
        before, self._count = self._count, self._count + len(marks)
        if before.bit_length() < self._count.bit_length():
            self._kept, self._rounds = marks[0], 0
        self._known[-1] |= dict.fromkeys(marks)
        if len(self._known[-1]) >= self._WINDOW / 4:
            self._known.append({})
        while sum(map(len, self._known)) - len(self._known[0]) >= self._WINDOW:
            self._known.popleft()

    def _check_repetition(self, page: Page, marks: list[int], again: list[int]) -> None:
        """A page has a file that came before: that is an error, unless the run may have a file twice."""
        kind: type[errors.PagingError]
        if len(again) == len(marks):
            kind, text = errors.PageRepeated, "the page has the files of an earlier page again, first "
            text += _name(page.files[0])
        else:
            index = again[0] if again else _first_doubled(marks)
            named = [index for index, file in enumerate(page.files) if file.input_file_path]
            index = named[index] if index < len(named) else 0
            kind, text = errors.FilesRepeated, f"file {page.offset + index}, {_name(page.files[index])}, came before"
        if self._on_repeat == "raise":
            raise kind(text, drift=page.breaches)
        if page.has_more and self._rounds >= self._ROUNDS:
            text += f", and one file has come on {self._rounds} pages more: the server goes round in circles"
            raise kind(text, drift=page.breaches, advice=errors.ContractError.advice)
        log().warning("run %s, offset %d: %s", page.run_id, page.offset, text)


def _first_doubled(marks: list[int]) -> int:
    seen: set[int] = set()
    for index, mark in enumerate(marks):
        if mark in seen:
            return index
        seen.add(mark)
    raise AssertionError("no mark is doubled")


def _marks(page: Page) -> list[int]:
    """A mark for each file of a page, to know it again: Python's hash of its path, which has 64 bits.

    Two paths of a run of a million files are taken for one another once in a thousand million such runs, and then the
    walk ends with an error, which another process does not meet again. Files without a path are compared as a whole
    page, by its very text: two empty scans of one name are no repetition.
    """
    paths = [file.input_file_path for file in page.files]
    marks = [hash(path) for path in paths if path]
    if len(marks) < len(paths):
        marks.append(hash(page.body))
    return marks


def _name(file: File) -> str:
    name = file.input_file_path or file.original_file_name
    return quote(name, 200) if name else "which has no name"


def _shown(value: object) -> str:
    return "nothing" if value is UNSET else word(value)

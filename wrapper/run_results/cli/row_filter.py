"""Which rows of a run are wanted: those with a mark, of a class, of a field. Every form of output asks this filter."""

import shlex
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from attrs import define, field

from run_results import NameMap, Page
from run_results.cli.rows import label, marks, rows
from run_results.fields import FieldPlace
from run_results.text import quote

_MOST_KEPT: Final = 1000
"""How many classes and fields of a run are remembered; a hostile run may have any number."""
_MOST_SHOWN: Final = 10


@define
class RowFilter:
    """Keeps the rows that have each of what is asked for. Where nothing is, all rows are kept.

    A field is asked for by its name in the API, or by the project's name for it. The filter remembers which classes and
    fields there were, so that `misses` can say what was asked for in vain.
    """

    names: NameMap
    threshold: float
    marks: frozenset[str] = frozenset()
    classes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    _asked: dict[str, list[str]] = field(factory=dict, init=False)
    """The project's names among `fields`, by the API name that each becomes."""
    _classes_met: dict[str | None, None] = field(factory=dict, init=False)
    _fields_met: dict[str, None] = field(factory=dict, init=False)
    """What the fields are called, of all classes that are wanted."""
    _found: set[tuple[str, str]] = field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        for name in self.fields:
            if name in self.names:
                self._asked.setdefault(self.names.api_name(name), []).append(name)

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.marks or self.classes or self.fields)

    def begin(self) -> None:
        """Begin with another run."""
        self._classes_met, self._fields_met, self._found = {}, {}, set()

    def select(self, page: Page) -> Iterator[FieldPlace]:
        """The rows of a page that are wanted, in the answer's order."""
        return filter(self.keeps, rows(page)) if self else rows(page)

    def keeps(self, row: FieldPlace) -> bool:
        """Whether a row is wanted. A document without fields is, where only its class is asked for."""
        return self._has_class(row) and self._has_field(row) and self._has_mark(row)

    def _has_class(self, row: FieldPlace) -> bool:
        if not self.classes:
            return True
        if row.document_index is not None and len(self._classes_met) < _MOST_KEPT:
            self._classes_met[row.class_name] = None
        if row.class_name not in self.classes:
            return False
        self._found.add(("class", row.class_name))
        return True

    def _has_field(self, row: FieldPlace) -> bool:
        if not self.fields:
            return True
        api_name, shown = row.api_name, label(row, self.names)
        if api_name is None or shown is None:
            return False
        if len(self._fields_met) < _MOST_KEPT:
            self._fields_met[shown] = None
        wanted = [name for name in self.fields if name in (api_name, shown)]
        if api_name == shown:  # perhaps several of the project's names meet in it
            wanted += self._asked.get(api_name, [])
        self._found.update(("field", name) for name in wanted)
        return bool(wanted)

    def _has_mark(self, row: FieldPlace) -> bool:
        return not self.marks or bool(self.marks & marks(row, self.threshold))

    def misses(self) -> Iterator[str]:
        """For each class and field that the run does not have, what it has instead."""
        for name in self.classes:
            if ("class", name) not in self._found:
                met = _nearest_first(name, [each for each in self._classes_met if each is not None])
                there = [quote(each) for each in met] + ["none (unclassified)"] * (None in self._classes_met)
                yield f"no document has the class {quote(name)}{_instead('; the documents have ', there)}"
        is_class_met = not self.classes or any(kind == "class" for kind, _ in self._found)
        for name in self.fields:
            if is_class_met and ("field", name) not in self._found:
                there = [quote(met) for met in _nearest_first(name, sorted(self._fields_met))]
                place = " of these classes" if self.classes else ""
                yield f"no field{place} is called {quote(name)}{_instead('; there are ', there)}"

    def describe(self) -> str:
        """The options, as they would be typed."""
        options = [f"--only {','.join(sorted(self.marks))}"] if self.marks else []
        options += [f"--class {shlex.quote(name)}" for name in self.classes]
        return " ".join([*options, *(f"--field {shlex.quote(name)}" for name in self.fields)])


def _nearest_first(wanted: str, names: list[str]) -> list[str]:
    """The names, those before the others that are nearly what was `wanted`: it may be a slip of the keyboard."""
    folded = {name.casefold(): name for name in reversed(names)}
    near = [folded[name] for name in get_close_matches(wanted.casefold(), folded)]
    return [*near, *(name for name in names if name not in near)]


def _instead(words: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _MOST_SHOWN:,} more" if len(names) > _MOST_SHOWN else ""
    return f"{words}{', '.join(names[:_MOST_SHOWN])}{more}"

"""What each field is called: the columns `name`, `name_is_known` and `api_name`; and its type, by the names given."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pyarrow as pa
from attrs import define, field

from run_results.errors import NameCollisionError, UnknownNameError
from run_results.names import NameMap
from run_results.names.guesses import Guesses

_MOST: Final = 100_000
"""How many labels are kept; a run has few, a hostile one may have any number."""


@define
class Labels:
    """Finds the labels of fields, and keeps them: the same few names come with every document.

    >>> labels = Labels(NameMap(["due date"]))
    >>> labels.columns(["due_date", "x"], [("Invoice", 1), (None, 1)])["name"].to_pylist()
    ['due date', 'x']
    """

    names: NameMap
    guesses: Guesses = field(init=False, repr=False)
    """Which names are guessed."""
    _labels: list[tuple[str | None, bool, str | None, str | None]] = field(factory=list, init=False, repr=False)
    _numbers: dict[str | None, dict[Any, int]] = field(factory=dict, init=False, repr=False)
    """For each class and API name, the index of its label in the list."""

    def __attrs_post_init__(self) -> None:
        self.guesses = Guesses(self.names)

    def columns(self, api_names: Sequence[Any], classes: Iterable[tuple[Any, int]]) -> dict[str, pa.Array]:
        """The three columns of fields with these API names, and the column `given_type`, which no table has.

        `classes` has each document's class and count of fields.
        """
        if len(self._labels) >= _MOST:
            self._labels.clear()
            self._numbers.clear()
        rows: list[int] = []
        for class_name, count in classes:
            class_name = class_name if isinstance(class_name, str) else None
            known = self._numbers.setdefault(class_name, {})
            names = api_names[len(rows) : len(rows) + count]
            try:
                rows += [known[name] for name in names]
            except KeyError:  # the first document with one of these names
                for name in set(names) - known.keys():
                    known[name] = self._add(name, class_name)
                rows += [known[name] for name in names]
        taken = pa.array(rows, pa.int32())
        return {
            "name": pa.array([name for name, _, _, _ in self._labels], pa.string()).take(taken),
            "name_is_known": pa.array([is_known for _, is_known, _, _ in self._labels], pa.bool_()).take(taken),
            "api_name": pa.array([api_name for _, _, api_name, _ in self._labels], pa.string()).take(taken),
            "given_type": pa.array([kind for _, _, _, kind in self._labels], pa.string()).take(taken),
        }

    def _add(self, api_name: object, class_name: str | None) -> int:
        self._labels.append(self._find(api_name, class_name))
        self.guesses.add([(api_name, class_name)])
        return len(self._labels) - 1

    def _find(self, api_name: object, class_name: str | None) -> tuple[str | None, bool, str | None, str | None]:
        """What to call a field, whether that is surely the project's name, the API name, and the type given."""
        if not isinstance(api_name, str):
            return None, False, None, None
        given = self.names.type(api_name, class_name)
        kind = None if given is None else storable(given)
        try:
            name = self.names.project_name(api_name, class_name)
        except (NameCollisionError, UnknownNameError):
            return self.names.label(api_name, class_name), False, api_name, kind
        text = storable(name)
        return text, text == name, api_name, kind


def storable(name: str) -> str:
    """A name as a table can hold it: a project's name can have half of a surrogate pair, which no table can."""
    return name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

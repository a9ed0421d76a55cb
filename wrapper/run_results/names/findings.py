"""What about a project's names is likely to go wrong: collisions, twins, and blanks or characters that nobody sees."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from run_results.names.map import NameMap
from run_results.text import fold, invisible


class Finding(Struct, frozen=True):
    """Something about one name, or about names that stand in one place.

    Attributes:
        kind: `collision`: the names have one API name. `case` or `form`: they differ only in case, or also in Unicode
            form (such as a ligature or a full-width letter), so that engines take their columns for one. `blank`: the
            name begins or ends with a blank, or has two in a row. `invisible`: it has characters that nobody sees, or
            that look like a space and are none.
        names: The project's names.
        class_name: The document class that has them; None for names without a class.
        api_name: The API name that they meet in; None for other kinds.
    """

    kind: Literal["collision", "case", "form", "blank", "invisible"]
    names: tuple[str, ...]
    class_name: str | None = None
    api_name: str | None = None


def findings(names: NameMap) -> list[Finding]:
    """What is likely to go wrong, among the names without a class and then class by class, in the order given.

    >>> [finding.kind for finding in findings(NameMap(["Total", "TOTAL", "due  date"]))]
    ['case', 'blank']
    """
    return [finding for class_name in (None, *names.classes) for finding in _of_scope(names, class_name)]


def _of_scope(names: NameMap, class_name: str | None) -> Iterator[Finding]:
    for each in names.collisions:
        if each.class_name == class_name:
            yield Finding("collision", each.names, class_name, each.api_name)
    own = [name for field in names.known_fields(class_name) if field.class_name == class_name for name in field.names]
    # A table of a class has the names without a class, too.
    yield from _twins(names, class_name, frozenset(own))
    for name in own:
        if name != name.strip(" ") or "  " in name:
            yield Finding("blank", (name,), class_name)
        if invisible(name):
            yield Finding("invisible", (name,), class_name)


def _twins(names: NameMap, class_name: str | None, own: frozenset[str]) -> Iterator[Finding]:
    folded: dict[str, dict[str, list[str]]] = {}
    for field in names.known_fields(class_name):
        for name in field.names:
            folded.setdefault(fold(name), {}).setdefault(field.api_name, []).append(name)
    for groups in folded.values():
        twins = tuple(name for group in groups.values() for name in group)
        # Those with one API name are a collision, and those without a class were found there.
        if len(groups) > 1 and not own.isdisjoint(twins):
            is_case = len({name.lower() for name in twins}) == 1
            yield Finding("case" if is_case else "form", twins, class_name)

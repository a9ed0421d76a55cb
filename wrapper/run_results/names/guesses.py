"""Which names of a run are guessed, because the names that were given do not have them."""

from collections.abc import Iterable
from typing import Final

from attrs import define, field

from run_results.fields import case_fields, fields
from run_results.names.map import NameMap
from run_results.page import Page
from run_results.text import count, quote

_MOST: Final = 100_000
"""How many names are kept to be counted once; a run has few, a hostile one may have any number."""
_EXAMPLES: Final = 3


@define
class Guesses:
    """Counts the API names of a run, and those that are guessed: no name that was given becomes them.

    Without any names given everything is a guess, as asked for, and nothing is counted. A name in two classes counts
    twice. Where several of the names meet in one, nothing is guessed: that is a collision.

    >>> guesses = Guesses(NameMap(["due date"]))
    >>> guesses.add([("due_date", "Invoice"), ("net_total", "Invoice"), ("net_total", "Invoice")])
    >>> guesses.count, guesses.names_seen, guesses.examples
    (1, 2, {'net_total': 'net total'})
    """

    names: NameMap
    count: int = field(default=0, init=False)
    """How many API names are guessed."""
    names_seen: int = field(default=0, init=False)
    """How many API names there are."""
    examples: dict[str, str] = field(factory=dict, init=False)
    """The first few of the API names, each with the guess."""
    _seen: set[tuple[str, str | None]] = field(factory=set, init=False, repr=False)

    def add(self, found: Iterable[tuple[object, object]]) -> None:
        """Count the API names of fields, each with the class of its document."""
        if not self.names:
            return
        for api_name, class_name in found:
            class_name = class_name if isinstance(class_name, str) else None
            if isinstance(api_name, str) and (api_name, class_name) not in self._seen and len(self._seen) < _MOST:
                self._seen.add((api_name, class_name))
                self.names_seen += 1
                self._check(api_name, class_name)

    def add_page(self, page: Page) -> None:
        """Count the names of a page, those of the packet's cross-class fields included."""
        if self.names:
            self.add((each.name, None) for each in case_fields(page.run))
            self.add((place.api_name, place.class_name) for place in fields(page.run, page.offset))

    def describe(self) -> str | None:
        """What to say about it, with examples and what to do; None where nothing was guessed.

        >>> guesses = Guesses(NameMap(["due date"]))
        >>> guesses.add([("net_total", None)])
        >>> print(guesses.describe())
        1 of the run's 1 field name is not in the names given and was guessed: 'net_total' as 'net total'. Add it to \
the names, or check that they are of this project
        """
        if not self.count:
            return None
        shown = ", ".join(f"{quote(api_name)} as {quote(name)}" for api_name, name in self.examples.items())
        more = " and others" if self.count > len(self.examples) else ""
        verb, it = ("is", "it") if self.count == 1 else ("are", "them")
        was = "was" if self.count == 1 else "were"
        seen = count(self.names_seen, "field name")
        return (
            f"{self.count:,} of the run's {seen} {verb} not in the names given and {was} guessed: {shown}{more}."
            f" Add {it} to the names, or check that they are of this project"
        )

    def _check(self, api_name: str, class_name: str | None) -> None:
        if not self.names.has(api_name, class_name):
            self.count += 1
            if len(self.examples) < _EXAMPLES:
                self.examples.setdefault(api_name, self.names.label(api_name, class_name))

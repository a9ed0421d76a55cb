"""The tiles of a report: what needs a look, and how much of it there is. Each is a filter of the list.

A tile counts every row that the list has for its reason: fields of documents, cross-class fields, documents and files
without documents. All numbers are those of `run_results.counts`; the parts say which of them are added.
"""

from collections.abc import Iterator

from attrs import frozen

from run_results.counts import Counts
from run_results.text import count


@frozen
class Tile:
    """A number of rows, and what they are.

    >>> Tile("failed", "failed", "bad", ((220, "field"), (1, "cross-class field"), (0, "document"))).text
    '220 fields, 1 cross-class field'
    """

    reason: str
    """The filter: a word that the list's script knows."""
    label: str
    kind: str
    """The colour: `bad`, `warn` or none."""
    parts: tuple[tuple[int, str], ...]
    """How many rows of each sort."""

    @property
    def total(self) -> int:
        """All rows."""
        return sum(number for number, _ in self.parts)

    @property
    def text(self) -> str:
        """The parts, without those that there are none of."""
        shown = [count(number, noun) for number, noun in self.parts if number]
        return ", ".join(shown) or "none"


def tiles(counts: Counts) -> Iterator[Tile]:
    """The tiles of a run."""
    fields, cases, documents = counts.fields, counts.case_fields, counts.documents
    for reason, label, kind, of_documents in (
        ("look", "need a look", "warn", documents.need_a_look),
        ("failed", "failed", "bad", 0),
        ("invalid", "invalid", "bad", documents.invalid),
        ("unsure", "unsure", "warn", documents.unsure),
        ("edited", "edited", "", documents.edited),
    ):
        member = "need_a_look" if reason == "look" else reason
        empty = counts.empty_files if reason == "look" else 0
        yield Tile(
            reason,
            label,
            kind,
            (
                (getattr(fields, member), "field"),
                (getattr(cases, member), "cross-class field"),
                (of_documents, "document"),
                (empty, "empty file"),
            ),
        )

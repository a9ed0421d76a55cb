"""What an export did, as `client.export` returns it and `progress` gets it after each page."""

from pathlib import Path
from typing import Any

from attrs import asdict, field, fields, frozen

from run_results.counts import Counts
from run_results.page import Page
from run_results.tables.options import Format
from run_results.tables.values import Unread


@frozen
class Totals:
    """What an export has of pages, parts or a run: `counts` and what the export itself adds. They can be added."""

    documents: int = 0
    fields: int = 0
    failed: int = 0
    invalid: int = 0
    edited: int = 0
    case_fields: int = 0
    breaches: int = 0
    guarded: int = 0
    cut: int = 0
    further: int = 0
    first_breach: str | None = None
    unread: Unread = field(factory=Unread)

    @classmethod
    def of(cls, page: Page, unread: Unread) -> "Totals":
        """What a page has. The packet's cross-class fields are exported with the first file."""
        counts = Counts(threshold=None)  # an export has no threshold
        counts.add(page)
        return cls(
            documents=counts.documents.total,
            fields=counts.fields.total,
            failed=counts.fields.failed,
            invalid=counts.fields.invalid,
            edited=counts.fields.edited,
            case_fields=0 if page.offset else counts.case_fields.total,
            breaches=counts.breaches,
            first_breach=counts.first_breach,
            unread=unread,
        )

    @classmethod
    def read(cls, found: dict[str, Any]) -> "Totals":
        """What a manifest has."""
        return cls(**{**found, "unread": Unread(**found.get("unread", {}))})

    def __add__(self, other: "Totals") -> "Totals":
        sums = {name: getattr(self, name) + getattr(other, name) for name in (*_NUMBERS, "unread")}
        return Totals(**sums, first_breach=self.first_breach or other.first_breach)

    def by_name(self) -> dict[str, Any]:
        """The values by their names, which `Exported` has, too."""
        return {member.name: getattr(self, member.name) for member in fields(Totals)}

    def as_dict(self) -> dict[str, Any]:
        """For a manifest."""
        return asdict(self)


_NUMBERS = [member.name for member in fields(Totals) if member.type is int]


@frozen
class Exported:
    """What an export did, or has done so far."""

    run_id: str
    path: Path
    format: Format
    start: int = 0
    """The file at which it began: above 0 where it continued an earlier export."""
    files: int = 0
    """Files of the run that are exported, those before `start` included."""
    documents: int = 0
    """Documents of those files; the numbers below, too, are of the whole export."""
    fields: int = 0
    """Fields of documents. The next three say how many of them have each mark; see `run_results.counts`."""
    failed: int = 0
    invalid: int = 0
    edited: int = 0
    case_fields: int = 0
    """Cross-class fields of the packet; they come with the first file."""
    breaches: int = 0
    """Places where an answer broke the contract; what did not fit there is null in the tables."""
    first_breach: str | None = None
    guarded: int = 0
    """Cells of CSV that got apostrophes, because a spreadsheet would take them for formulas."""
    cut: int = 0
    """Cells of CSV for Excel that were too long for it, and end with a mark instead of the rest."""
    guessed: int = 0
    """API names that the project's names do not have, so that what their fields are called is a guess. Only the pages
    of this call count."""
    guessed_names: tuple[str, ...] = ()
    """The first few of them."""
    guesses: str | None = None
    """What `Guesses.describe` says about them; None where nothing was guessed, as in the wide view."""
    further: int = 0
    """Fields in the column `further` of the wide view, because the project's names do not have them."""
    unread: Unread = field(factory=Unread)
    """Typed values of all exported files that could not be read, those before `start` included; `explain()` says what
    to do."""
    unfinished: str | None = None
    """The run's status where it had not finished when the last page came, so that it may get more files."""
    is_status_missing: bool = False
    """Whether the last page had no status, so that nobody can say whether the run had finished."""
    unmet_class: str | None = None
    """The class that the wide view was asked for, where no document has it."""
    classes: tuple[str | None, ...] = ()
    """The classes that the documents have instead, at most 100; None for documents without one."""
    paths: tuple[Path, ...] = ()
    """The files, or folders of parts, that hold the tables; filled at the end."""

    @property
    def drift(self) -> int:
        """The same as `breaches`: an older name. Other drift is not looked for during an export."""
        return self.breaches

    @property
    def first_drift(self) -> str | None:
        """The same as `first_breach`: an older name."""
        return self.first_breach

"""What an export did, as `client.export` returns it and `progress` gets it after each page."""

from pathlib import Path

from attrs import field, frozen

from run_results.tables.options import Format
from run_results.tables.values import Unread


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
    """Documents since `start`, as are the numbers below."""
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
    """Cells of CSV that got an apostrophe in front, because a spreadsheet would take them for formulas."""
    guessed: int = 0
    """API names that the project's names do not have, so that what their fields are called is a guess."""
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
    unmet_class: str | None = None
    """The class that the wide view was asked for, where no document has it."""
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

"""The export of a run: pages in, files out. It can be interrupted at any moment, and resumed.

    out/_export.json                                       what is exported, and in which state the run was
    out/fields/part-0000000000-0000000450.parquet          a part: the files 0 to 449 of the run
    out/documents/part-..., out/files/..., ...             the same parts of every table
    out/_SUCCESS                                           written last

Pages are kept until they are worth a part. One file instead of parts, and the wide view, are made of the parts at the
end; see `merge`. What is on disk before is read by `checkpoint`.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa
from attrs import define, evolve, field

from run_results.arguments import check_run_id
from run_results.errors import ExportError, RunResultsError
from run_results.events import log
from run_results.export.checkpoint import Checkpoint, changed, check_complete, read_checkpoint, temporary_files
from run_results.export.manifest import Manifest, run_state
from run_results.export.merge import merge
from run_results.export.options import ExportChoices, ExportOptions, choose
from run_results.export.parts import Part, remove_parts, write_part
from run_results.export.plan import Plan, make_plan
from run_results.export.replacement import Replacement, begin_replacement
from run_results.export.result import Exported, Totals
from run_results.files import Lock, file_errors, lock_folder, make_folder, sync_folder
from run_results.include import Include
from run_results.page import Page
from run_results.tables.batches import Tabulator
from run_results.tables.schema import What
from run_results.tables.values import Unread
from run_results.tables.writers import BYTES

_LOG = log()
_SECONDS: Final = 30.0
"""How long pages are kept in memory at most before they become a part: what a crash costs."""


@define
class _KeptPages:
    """The batches of pages that do not belong to a part yet."""

    since: float = 0.0
    """When the first of them came."""
    pages: list[tuple[int, dict[What, pa.RecordBatch], Totals]] = field(factory=list)
    """Each with the offset behind it and what it has: an interrupt leaves all or nothing."""
    rows: int = 0
    size: int = 0
    """In bytes."""

    def add(self, end: int, batches: dict[What, pa.RecordBatch], counts: Totals) -> None:
        """Keep one page."""
        self.pages.append((end, batches, counts))
        self.rows += max(map(len, batches.values()))
        self.size += sum(batch.nbytes for batch in batches.values())


def open_export(
    run_id: str,
    path: str | os.PathLike[str],
    options: ExportOptions | None,
    choices: ExportChoices,
    *,
    must_not_change: bool = True,
    clock: Callable[[], float] = time.monotonic,
) -> "Export":
    """An export of a run to a path, with these options; the choices replace single ones of them.

    With `must_not_change`, an export of a run that has changed since is not resumed. Raises `ConfigurationError`.
    """
    plan = make_plan(check_run_id(run_id), path, choose(options, choices))
    return Export(plan, must_not_change, clock)


class Export:
    """One export: `start` says from which file on it wants pages, `add` takes them in order, `finish` ends it.

    It is a context manager. Where the block raises, the pages that came become a part, unless writing failed. Every
    method raises `ExportError` where something cannot be written or read, and `ExportMismatch` where what is there
    belongs to another export.
    """

    def __init__(self, plan: Plan, must_not_change: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        names, typed = plan.options.names, plan.options.typed
        self.plan = plan
        self._must_not_change = must_not_change
        self._clock = clock
        self._tabulators: dict[What, Tabulator] = {what: Tabulator(what, names, typed) for what in plan.tables}
        self._exported = Exported(plan.run_id, plan.path, plan.format)
        self._checkpoint = Checkpoint()
        self._manifest: Manifest | None = None  # until the first page has come
        self._parts: list[Part] = []
        self._totals = Totals()  # of the parts
        self._so_far = Totals()  # of the pages as well
        self._kept = _KeptPages()
        self._end = 0  # the offset behind the last page
        self._unfinished: str | None = None  # the run's status, where it had not finished when the last page came
        self._is_status_missing = False
        self._is_new = False  # whether this export makes the folder
        self._lock = Lock()
        self._replacement: Replacement | None = None  # where this export takes the place of another one

    @property
    def include(self) -> Include:
        """What to ask for."""
        return self.plan.options.include

    @property
    def start(self) -> int:
        """The offset to walk from."""
        return self._checkpoint.end

    # From start to end --------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._replacement = begin_replacement(self.plan)
        if self._replacement is not None:
            self.plan = self._replacement.plan
        try:
            self._begin()
        except BaseException:
            self._close()
            raise
        return self

    def _begin(self) -> None:
        plan = self.plan
        self._is_new = not plan.path.exists()
        is_whole_file = plan.is_file and not self._is_new
        if not is_whole_file or plan.parts.exists():  # beside a whole file there may be parts that were not removed
            self._lock = lock_folder(plan.parts)
        try:
            self._checkpoint = read_checkpoint(plan)
            for path in temporary_files(plan):
                with file_errors("remove", path):
                    path.unlink(missing_ok=True)
            if not self._checkpoint.is_complete:
                for what in plan.tables:
                    make_folder(plan.parts / what)
        except BaseException:
            if plan.merges and not is_whole_file:
                with suppress(OSError):  # nothing of ours is in it, unless it is left from before
                    plan.parts.rmdir()
            raise
        self._manifest = self._checkpoint.manifest
        self._parts = list(self._checkpoint.parts)
        self._totals = self._so_far = self._checkpoint.counts
        self._end = self.start
        self._exported = evolve(self._exported, start=self.start, files=self.start, **self._totals.by_name())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is not None and not isinstance(error, ExportError):
                with suppress(RunResultsError):
                    self._write_part()
            if error is not None and not self._parts:
                self._remove_folders()
        finally:
            self._close()

    def _close(self) -> None:
        self._lock.close()
        if self._replacement is not None:
            self._replacement.close()

    def add(self, page: Page) -> None:
        """Take the next page."""
        self._check(page)
        self._unfinished = str(page.status) if page.is_finished is False else None
        self._is_status_missing = page.is_finished is None
        if self._checkpoint.is_complete:
            return
        if page.offset == self.start:
            self._remove_leftovers(page)
        batches: dict[What, pa.RecordBatch] = {
            what: tabulator.batch(page) for what, tabulator in self._tabulators.items()
        }
        if not self._kept.pages:
            self._kept.since = self._clock()
        unread = sum((tabulator.unread for tabulator in self._tabulators.values()), Unread())
        counts = Totals.of(page, unread)
        end = page.offset + len(page.files)
        self._kept.add(end, batches, counts)
        self._end = end
        self._so_far += counts
        self._exported = evolve(self._exported, files=end, **self._so_far.by_name())
        self._count_guesses()
        is_late = self._clock() - self._kept.since > _SECONDS
        if self._kept.rows >= self.plan.options.rows_per_part or self._kept.size >= BYTES or is_late:
            self._write_part()
        if self.plan.options.progress is not None:
            self.plan.options.progress(self._exported)

    def finish(self) -> Exported:
        """Write what is left, and merge the parts where that is wanted. Returns what was exported."""
        plan = self.plan
        if self._unfinished is not None:
            text = "run %s is not finished (%s): it may get more files than the %d that are exported"
            _LOG.warning(text, plan.run_id, self._unfinished, self._end)
        if self._is_status_missing:
            _LOG.warning("run %s: the server gives no status of the run: it may get more files", plan.run_id)
        for text in self._exported.unread.explain():
            _LOG.warning("run %s: %s", plan.run_id, text)
        if self._checkpoint.is_complete:
            paths = tuple(map(plan.output, self._manifest.sizes)) if self._manifest else ()
            self._note_classes(self._manifest.classes if self._manifest else None)
        else:
            self._write_part()
            paths = self._merge() if plan.merges else self._succeed()
        if plan.merges and plan.parts.exists():
            remove_parts(plan)
        if self._replacement is not None:
            self._replacement.commit()
            paths = tuple(map(self._replacement.placed, paths))
        self._exported = evolve(self._exported, paths=paths, **self._totals.by_name())
        self._exported = evolve(self._exported, unfinished=self._unfinished, is_status_missing=self._is_status_missing)
        return self._exported

    # Page by page -------------------------------------------------------------------------------------------------

    def _check(self, page: Page) -> None:
        """Whether the run is as it was when the export began."""
        if error := changed(self.plan, self._manifest, page):
            if self._must_not_change:
                raise error
            _LOG.warning("run %s, offset %d: %s", page.run_id, page.offset, error.message)
        self._manifest = self._manifest or Manifest(self.plan.part_options, run_state(page))
        check_complete(self.plan, self._checkpoint, page)

    def _remove_leftovers(self, page: Page) -> None:
        """Remove what is unfinished, `_SUCCESS` first. Only the first page shows that it can be fetched again."""
        success, leftovers = self.plan.success, self._checkpoint.leftovers
        if (leftovers or page.files) and not self.plan.is_file and success.exists():
            with file_errors("remove", success):
                success.unlink()
            sync_folder(success.parent)
        for path in leftovers:
            with file_errors("remove", path):
                path.unlink(missing_ok=True)

    def _count_guesses(self) -> None:
        if "fields" in self._tabulators:
            found = self._tabulators["fields"].guesses
            self._exported = evolve(
                self._exported,
                guessed=found.count,
                guessed_names=tuple(found.examples),
                guesses=None if self.plan.options.wide else found.describe(),
            )

    def _write_part(self) -> None:
        """Make a part of the pages that are kept."""
        begin = self._parts[-1].end if self._parts else 0
        end = self._kept.pages[-1][0] if self._kept.pages else begin
        if self._kept.pages and self._manifest and not (self._parts and end == begin):
            part = Part(begin, end, f".{self.plan.part_format}")
            batches = [each for _, each, _ in self._kept.pages]
            counts = sum((each for _, _, each in self._kept.pages), Totals())
            self._totals += write_part(self.plan, part, batches, counts, self._manifest)
            self._so_far = self._totals
            self._parts.append(part)
            self._exported = evolve(self._exported, **self._totals.by_name())
        self._kept = _KeptPages()  # only now: an interrupt while it is written keeps the pages for another try

    # The end ------------------------------------------------------------------------------------------------------

    def _succeed(self) -> tuple[Path, ...]:
        """Say that all parts are there."""
        plan = self.plan
        if self._manifest:
            counts = {"": self._totals.as_dict()}
            success = evolve(self._manifest, options=plan.all_options, files=self._end, sizes={}, counts=counts)
            success.write(plan.success)
        return tuple(plan.path / what for what in plan.tables)

    def _merge(self) -> tuple[Path, ...]:
        """Make the files that are wanted of the parts."""
        plan = self.plan
        if self._manifest is None:
            return ()
        merged = merge(plan, self._parts, self._totals, self._manifest)
        self._totals = merged.counts
        self._note_classes(merged.classes)
        return merged.paths

    def _note_classes(self, classes: list[str | None] | None) -> None:
        """Say which classes there are, where none is the one of the wide view."""
        wide = self.plan.options.wide
        if classes is None or wide is None or wide.class_name is None:
            return
        _LOG.warning("run %s: no document has the class %r", self.plan.run_id, wide.class_name[:80])
        self._exported = evolve(self._exported, unmet_class=wide.class_name, classes=tuple(classes))

    def _remove_folders(self) -> None:
        """Remove folders of ours that hold nothing."""
        plan = self.plan
        folders = [*(plan.parts / what for what in plan.tables), *([plan.parts] if plan.merges else [])]
        for folder in [*folders, *([plan.path] if self._is_new and not plan.is_file else [])]:
            with suppress(OSError):
                folder.rmdir()

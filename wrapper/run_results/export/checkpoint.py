"""The checkpoint of an export: what earlier ones left on disk, and where to continue.

Everything is checked here before anything is sent: an export is never put beside parts of another run or other options,
nor over files that are not ours. Raises `ExportMismatch` or `ExportError`.
"""

from contextlib import suppress
from pathlib import Path

import pyarrow as pa
from attrs import field, frozen

from run_results.errors import ExportError, ExportMismatch
from run_results.export.manifest import Manifest
from run_results.export.parts import Part, chain, names_in
from run_results.export.plan import Plan
from run_results.export.result import Totals
from run_results.files import file_errors, temporary
from run_results.page import Page
from run_results.tables.schema import What
from run_results.tables.writers import read_metadata


@frozen
class Checkpoint:
    """What there is of an export."""

    manifest: Manifest | None = None
    parts: tuple[Part, ...] = ()
    leftovers: tuple[Path, ...] = ()
    """Files of ours that were left unfinished. They go when the server has shown that the run is the same."""
    is_complete: bool = False
    counts: Totals = field(factory=Totals)
    """What the parts have; where they were merged, what the whole has."""

    @property
    def end(self) -> int:
        """The offset to continue from."""
        if self.is_complete and self.manifest is not None:
            return self.manifest.files
        return self.parts[-1].end if self.parts else 0


def read_checkpoint(plan: Plan) -> Checkpoint:
    """Find what there is of an export."""
    if plan.is_file and plan.path.exists():
        return _read_file(plan)
    return _read_folder(plan)


def _read_file(plan: Plan) -> Checkpoint:
    """The one file is there: it is complete and ours, or an error."""
    if not plan.options.resume:
        raise plan.already_there(plan.path)
    if not plan.success.exists():
        raise _mismatch(plan, f"{str(plan.path)!r} is no file of an export that can be resumed")
    return _complete(plan)


def _read_folder(plan: Plan) -> Checkpoint:
    """Parts, or the files that were made of them, or nothing yet."""
    names: dict[What, list[str]] = {what: names_in(plan.parts / what) for what in plan.tables}
    other = plan.other_manifest
    has_other = other is not None and other.exists()
    has_success = not plan.is_file and plan.success.exists()
    if not plan.options.resume:
        if has_other or has_success:
            raise plan.already_there(plan.path)
        if plan.manifest.exists() or any(Part.parse(name) for found in names.values() for name in found):
            raise plan.already_there(plan.parts)
    if has_success and plan.merges:
        return _complete(plan)
    if has_success:
        Manifest.read(plan.success).check_options(plan.all_options, plan.path)
    if other is not None and has_other:
        Manifest.read(other).check_options(plan.part_options, plan.path)
        raise _mismatch(plan, f"{str(plan.path)!r} holds an export of another form: {other.name}")
    manifest = None
    if plan.manifest.exists():
        manifest = Manifest.read(plan.manifest)
        manifest.check_options(plan.part_options, plan.path)
    elif plan.merges and not plan.is_file:
        _refuse_other_files(plan)
    return _read_parts(plan, names, manifest)


def _read_parts(plan: Plan, names: dict[What, list[str]], manifest: Manifest | None) -> Checkpoint:
    """The parts that follow each other and are there for every table; all others, and temporary ones, may go."""
    suffix = f".{plan.part_format}"
    found = [{part for name in each if (part := Part.parse(name))} for each in names.values()]
    common = {part for part in set.intersection(*found) if part.suffix == suffix}
    if common and manifest is None:
        raise ExportMismatch(f"{str(plan.parts)!r} has parts, and no {plan.manifest.name} that says of what")
    parts = chain(common)
    kept = {part.name for part in parts}
    leftovers = [
        plan.parts / what / name
        for what, each in names.items()
        for name in each
        if name not in kept and (part := Part.parse_ours(name)) and part.suffix == suffix
    ]
    if manifest is not None:
        for what in plan.tables:
            for part in parts:
                _verify(plan, what, part, manifest)
    counts = [Totals.read(manifest.counts.get(part.name, {})) for part in parts] if manifest else []
    return Checkpoint(manifest, tuple(parts), tuple(leftovers), counts=sum(counts, Totals()))


def _verify(plan: Plan, what: What, part: Part, manifest: Manifest) -> None:
    """Raises where a part is not the one that was written: of this export, under this name, of this size."""
    path = plan.parts / what / part.name
    metadata = None
    with file_errors("read", path):
        size = path.stat().st_size
        with suppress(pa.ArrowException):
            metadata = read_metadata(path, plan.part_format)
    if metadata is not None and any(metadata.get(key) != mark for key, mark in manifest.mark.items()):
        raise ExportMismatch(f"{str(path)!r} is of another export than the parts around it", path=str(path))
    written = manifest.sizes.get(f"{what}/{part.name}")
    if size != written:
        text = f"{str(path)!r} is not the part that was written: {size} bytes, and {written or 'none'} were"
        advice = "Remove it and continue with {resume=True}: it is fetched again"
        raise ExportMismatch(text, path=str(path), advice=advice)


def _complete(plan: Plan) -> Checkpoint:
    """A complete export whose files are as they were written."""
    manifest = Manifest.read(plan.success)
    manifest.check_options(plan.all_options, plan.path)
    if not manifest.sizes and plan.options.wide is None:
        raise _mismatch(plan, f"{str(plan.path)!r} does not say which files it holds")
    for name, written in manifest.sizes.items():
        path = plan.output(name)
        with file_errors("read", path):
            size = path.stat().st_size if path.exists() else None
        if size != written:
            found = "is not there" if size is None else f"has {size} bytes, and {written} were written"
            raise _mismatch(plan, f"{str(path)!r} {found}, and its parts are gone")
    return Checkpoint(manifest, is_complete=True, counts=Totals.read(manifest.counts.get("", {})))


def changed(plan: Plan, manifest: Manifest | None, page: Page) -> ExportMismatch | None:
    """The error for a run that is not as it was when the export began; None where it is, or where nothing is known."""
    if manifest is None or not (changes := manifest.changes(page)):
        return None
    text = f"the run changed since the export at {str(plan.path)!r} began: {', '.join(changes)}"[:500]
    return ExportMismatch(text, path=str(plan.path), run_id=page.run_id, offset=page.offset)


def check_complete(plan: Plan, checkpoint: Checkpoint, page: Page) -> None:
    """Raises `ExportMismatch` where the run has files behind those of a complete export."""
    if checkpoint.is_complete and page.files:
        text = f"the run has more files than the {checkpoint.end} of the export at {str(plan.path)!r}"
        raise _mismatch(plan, f"{text}, whose parts are gone")


def temporary_files(plan: Plan) -> list[Path]:
    """What a killed process, or one whose power failed, may have left beside the parts under temporary names."""
    names = [plan.success, plan.manifest]
    if plan.is_file:
        names.append(plan.path)
    elif plan.options.wide is None:
        names += [plan.path / f"{what}.{plan.format}" for what in plan.tables]
    else:
        with file_errors("read", plan.path):
            classes = [
                *plan.path.glob(f".class-*.{plan.format}.tmp"),
                *plan.path.glob(f".unclassified.{plan.format}.tmp"),
            ]
        return [*map(temporary, names), *classes]
    return [*map(temporary, names)]


def _refuse_other_files(plan: Plan) -> None:
    """Refuse to begin where files that are not ours have the names that ours will get."""
    names = ["class-*", "unclassified"] if plan.options.wide else plan.tables
    with file_errors("read", plan.path):
        there = sorted(path for name in names for path in plan.path.glob(f"{name}.{plan.format}"))
    if there:
        text = f"{str(there[0])!r} is there already and not ours; move it, or choose another place"
        raise ExportError(text, path=str(there[0]))


def _mismatch(plan: Plan, text: str) -> ExportMismatch:
    return ExportMismatch(text, path=str(plan.path), run_id=plan.run_id)

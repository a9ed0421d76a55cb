"""The parts of an export: each is one file for every table, and holds the run's files between two offsets.

    fields/part-0000000000-0000000450.parquet
    fields/part-0000000450-0000001000.parquet
    documents/part-...                           the same parts of every table

The names are the checkpoint: a part counts when it is there for every table, and an export is resumed behind the last
part that can be reached from 0 without a gap.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import frozen

from run_results.export.manifest import Manifest
from run_results.export.plan import Plan
from run_results.export.result import Totals
from run_results.files import discard, file_errors, new_file, publish, temporary
from run_results.tables.arrow import arrow_schema
from run_results.tables.options import Format
from run_results.tables.schema import TABLES, What
from run_results.tables.writers import ROWS, open_writer

_NAME = re.compile(r"part-(\d{10,19})-(\d{10,19})(\.[a-z]+)")


@frozen(order=True)
class Part:
    """The run's files from `start` up to `end`, which is not among them."""

    start: int
    end: int
    suffix: str

    @property
    def name(self) -> str:
        """The name of its file in each table's folder. Offsets have ten digits at least: names sort as files do."""
        return f"part-{self.start:010d}-{self.end:010d}{self.suffix}"

    @classmethod
    def parse(cls, name: str) -> "Part | None":
        """The part of a file's name; None for any other name.

        >>> Part.parse("part-0000000000-0000000050.parquet")
        Part(start=0, end=50, suffix='.parquet')
        """
        found = _NAME.fullmatch(name)
        part = cls(int(found[1]), int(found[2]), found[3]) if found else None
        return part if part and part.name == name else None

    @classmethod
    def parse_ours(cls, name: str) -> "Part | None":
        """The part of a file's name, finished or temporary."""
        return cls.parse(name.removeprefix(".").removesuffix(".tmp"))


def chain(parts: Iterable[Part]) -> list[Part]:
    """The parts that follow each other from 0 on without a gap; what is not among them counts as not there."""
    by_start = {part.start: part for part in sorted(parts)}
    result: list[Part] = []
    end = 0
    while part := by_start.pop(end, None):
        # The part of an empty run has no length. It is written again, because the run may have files by now.
        if part.end > part.start:
            result.append(part)
            end = part.end
    return result


def names_in(folder: Path) -> list[str]:
    """The names in a folder; none where there is no folder."""
    with file_errors("read", folder):
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def write_part(
    plan: Plan, part: Part, batches: list[dict[What, pa.RecordBatch]], counts: Totals, manifest: Manifest
) -> Totals:
    """Write the file of each table, and their sizes and counts into the manifest. Returns the counts of the part."""
    paths = [plan.parts / what / part.name for what in plan.tables]
    try:
        for what, path in zip(plan.tables, paths, strict=True):
            schema = arrow_schema(what, typed=plan.options.typed is not None)
            counts += write_table(plan, path, schema, (each[what] for each in batches), plan.part_format, manifest)
            with file_errors("read", path):
                manifest.sizes[f"{what}/{part.name}"] = temporary(path).stat().st_size
        manifest.counts[part.name] = counts.as_dict()
        manifest.write(plan.manifest)  # before the parts: one that the manifest lacks would not be trusted
    except BaseException:
        discard(paths)
        raise
    publish(paths)
    return counts


def write_table(
    plan: Plan, path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], format: Format, manifest: Manifest
) -> Totals:
    """Write a file under its temporary name. Returns how many cells were guarded and cut."""
    schema = schema.with_metadata({**(schema.metadata or {}), **manifest.mark})
    with new_file(temporary(path), path) as file, file_errors("write", path, pa.ArrowException):
        writer = open_writer(file, schema, format, plan.options.csv)
        try:
            for batch in batches:
                writer.write(batch)
            writer.close()
        except BaseException:
            writer.abandon()
            raise
    return Totals(guarded=writer.guarded, cut=writer.cut)


def read_part(plan: Plan, part: Part, what: What) -> Iterator[pa.RecordBatch]:
    """The rows of one table of a part, which is Parquet, in batches."""
    path = plan.parts / what / part.name
    with file_errors("read", path, pa.ArrowException), path.open("rb") as file:
        yield from pq.ParquetFile(file).iter_batches(ROWS)


def remove_parts(plan: Plan) -> None:
    """Remove our own files in the folder of the parts, and then what is empty; other files stay."""
    for what in TABLES:
        for name in names_in(plan.parts / what):
            if Part.parse_ours(name):
                with suppress(OSError):
                    (plan.parts / what / name).unlink()
        with suppress(OSError):
            (plan.parts / what).rmdir()
    for path in (plan.manifest, temporary(plan.manifest)):
        with suppress(OSError):
            path.unlink(missing_ok=True)
    with suppress(OSError):
        plan.parts.rmdir()

"""What is made of the parts at the end: one file for each table, or the wide view. One part is held at a time."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import evolve, frozen

from run_results.export.by_class import ByClass
from run_results.export.manifest import Manifest
from run_results.export.parts import Part, read_part, write_table
from run_results.export.plan import Plan
from run_results.export.result import Totals
from run_results.files import discard, file_errors, publish, temporary
from run_results.paths import safe_name
from run_results.tables.arrow import arrow_schema
from run_results.tables.schema import What
from run_results.tables.wide import Pivot, grouped, sources
from run_results.text import fold

_MOST_CLASSES: Final = 100
_Output = tuple[Path, pa.Schema, Iterable[pa.RecordBatch]]
"""A file, its columns and its rows."""


@frozen
class Merged:
    """What was made of the parts."""

    paths: tuple[Path, ...]
    counts: Totals
    """What the files have."""
    classes: list[str | None] | None = None
    """The classes of the documents, at most 100, where none has the one that the wide view is of."""


def merge(plan: Plan, parts: Sequence[Part], counts: Totals, manifest: Manifest) -> Merged:
    """Make the files, under their names when all are whole, and then say that the export is complete."""
    pivot = _survey(plan, parts)
    outputs = _tables(plan, parts) if pivot is None else _wide_tables(plan, parts, pivot)
    classes = _classes(plan, parts) if pivot and pivot.wide.class_name is not None and not pivot.rows else None
    paths: list[Path] = []
    try:
        for path, schema, batches in outputs:
            counts += write_table(plan, path, schema, batches, plan.format, manifest)
            paths.append(path)
        if pivot is not None:
            counts += Totals(further=pivot.further)
        with file_errors("read", plan.path):
            sizes = {path.name: temporary(path).stat().st_size for path in paths}
        success = evolve(
            manifest,
            options=plan.all_options,
            files=parts[-1].end,
            sizes=sizes,
            counts={"": counts.as_dict()},
            classes=classes,
        )
        if plan.is_file:  # before the file: one without it is not taken for ours
            success.write(plan.success)
    except BaseException:
        discard(paths)
        raise
    publish(paths)
    if not plan.is_file:
        success.write(plan.success)
    return Merged(tuple(paths), counts, classes)


def _classes(plan: Plan, parts: Sequence[Part]) -> list[str | None]:
    """The classes of the documents, in the order they came."""
    found = (each for part in parts for each in _table(plan, part, "documents")["class_name"].unique().to_pylist())
    return list(islice(dict.fromkeys(found), _MOST_CLASSES))


def _tables(plan: Plan, parts: Sequence[Part]) -> Iterator[_Output]:
    for what in plan.tables:
        path = plan.path if plan.is_file else plan.path / f"{what}.{plan.format}"
        schema = arrow_schema(what, typed=plan.options.typed is not None)
        yield path, schema, (batch for part in parts for batch in read_part(plan, part, what))


def _survey(plan: Plan, parts: Sequence[Part]) -> Pivot | None:
    """The wide view, when it has seen every part; None where it is not wanted."""
    if plan.options.wide is None:
        return None
    pivot = Pivot(plan.options.wide, plan.options.names, typed=plan.options.typed is not None)
    for part in parts:
        pivot.survey(*_wide_sources(plan, part))
    return pivot


def _wide_tables(plan: Plan, parts: Sequence[Part], pivot: Pivot) -> Iterator[_Output]:
    used = set[str]()
    with ByClass(plan.parts, pivot.classes) as by_class:
        for part in parts:
            by_class.add(*_wide_sources(plan, part))
        for class_name in pivot.classes:
            name = "unclassified" if class_name is None else f"class-{safe_name(class_name)}"
            if fold(name) in used:  # many systems take C and c, or two forms of one letter, for one name
                name += f"-{hashlib.sha256((class_name or '').encode()).hexdigest()[:16]}"
            used.add(fold(name))
            path = plan.path if plan.is_file else plan.path / f"{name}.{plan.format}"
            yield path, pivot.schema(class_name), _wide_batches(by_class, pivot, class_name)


def _wide_batches(by_class: ByClass, pivot: Pivot, class_name: str | None) -> Iterator[pa.RecordBatch]:
    for documents, fields in grouped(by_class.read(class_name)):
        yield pivot.widen(class_name, documents, fields)


def _wide_sources(plan: Plan, part: Part) -> tuple[pa.Table, pa.Table]:
    """A part's documents and fields, as far as the wide view needs them."""
    return _table(plan, part, "documents"), _table(plan, part, "fields")


def _table(plan: Plan, part: Part, what: What) -> pa.Table:
    """The columns of a table that the wide view is made of."""
    path = plan.parts / what / part.name
    # Opened here: Arrow takes a path with a colon for an address, and one with `=` for a partition.
    with file_errors("read", path, pa.ArrowException), path.open("rb") as file:
        parquet = pq.ParquetFile(file)
        return parquet.read(sources(what, parquet.schema_arrow))

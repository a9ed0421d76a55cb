"""Wide tables: many columns against pandas, and many classes in many parts, where the time must follow the size."""

import io
import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness import Case, Setting, Target

CASES = ("wide-columns", "wide-classes")
OURS = "run-results"
PANDAS = "pandas.pivot, to_parquet"
KINDS = ("TEXT", "NUMBER", "DATE", "CURRENCY")
SOURCES = ("value", "number", "currency", "date", "model_confidence", "ocr_confidence")
TIMES = 4


def cases(setting: Setting) -> Iterator[Case]:
    if setting.wants("wide-columns"):
        yield _columns(500 if setting.quick else 5_000)
    if setting.wants("wide-classes"):
        yield from _classes(5 if setting.quick else 15)


def _columns(count: int) -> Case:
    import pandas  # noqa: F401 - Arrow's tables become its frames
    import pyarrow
    import pyarrow.parquet

    from run_results.tables import Typed, Wide
    from run_results.tables.batches import Tabulator
    from run_results.tables.wide import Pivot
    from run_results.tables.writers import open_writer

    page = _page([{"documents": [_document("A", count)]} for _ in range(20)])
    tabulators = [Tabulator(what, typed=Typed()) for what in ("documents", "fields")]  # type: ignore[arg-type]
    documents, fields = (pyarrow.Table.from_batches([tabulator.batch(page)]) for tabulator in tabulators)

    def ours() -> bytes:
        pivot = Pivot(Wide("A", confidence=True), typed=True)
        pivot.survey(documents, fields)
        file = io.BytesIO()
        writer = open_writer(file, pivot.schema("A"), "parquet")
        writer.write(pivot.widen("A", documents, fields))
        writer.close()
        return file.getvalue()

    def pivoted() -> bytes:
        frame = fields.select(["file_index", "document_index", "name", *SOURCES]).to_pandas()
        wide = frame.pivot(index=["file_index", "document_index"], columns="name", values=list(SOURCES))
        wide.columns = [f"{name} {source}" if source != "value" else name for source, name in wide.columns]
        file = io.BytesIO()
        wide.reset_index().to_parquet(file, compression="zstd")
        return file.getvalue()

    def same(results: Mapping[str, Any]) -> None:
        one, other = (pyarrow.parquet.read_table(io.BytesIO(results[name])) for name in (OURS, PANDAS))
        for index in (0, 1, 2, 3, count - 1):
            for name in (f"field {index:05d}", f"field {index:05d} model_confidence"):
                assert one[name].to_pylist() == other[name].to_pylist()

    return Case(
        name="wide-columns",
        title=f"Fields to a wide Parquet file: 20 documents of {count:,} fields, with scores and typed values",
        contenders={OURS: ours, PANDAS: pivoted},
        check=same,
        targets=[Target(OURS, PANDAS, least=2)],
        clock="process",
        rounds=5,
        note="pandas makes a column of every kind for every field; run-results only those that the field's type has.",
    )


def _classes(parts: int) -> Iterator[Case]:
    from run_results.export.job import open_export

    def exporting(count: int, folder: Path) -> Callable[[], object]:
        pages = [
            _page([{"documents": [_document(f"class {part}.{each}", 5) for each in range(5)]}], part, part < count - 1)
            for part in range(count)
        ]
        numbers = itertools.count()

        def run() -> object:
            place = folder / f"{count}-{next(numbers)}"
            with open_export("r", place, None, {"wide": True, "rows_per_part": 1}) as export:
                for page in pages:
                    export.add(page)
                paths = len(export.finish().paths)
            shutil.rmtree(place)
            return paths

        return run

    few, many = f"{parts} parts, {5 * parts} classes", f"{TIMES * parts} parts, {5 * TIMES * parts} classes"

    def all_there(results: Mapping[str, object]) -> None:
        assert (results[few], results[many]) == (5 * parts, 5 * TIMES * parts)

    with tempfile.TemporaryDirectory() as folder:
        yield Case(
            name="wide-classes",
            title=f"A wide export of {TIMES} times as many parts and classes, each part with classes of its own",
            contenders={many: exporting(TIMES * parts, Path(folder)), few: exporting(parts, Path(folder))},
            check=all_there,
            targets=[Target(many, few, most=1.5 * TIMES)],
            clock="process",
            rounds=5,
            note="Where each class had its own look at each part, this would be 16 times.",
        )


def _document(class_name: str, fields: int) -> dict[str, Any]:
    return {
        "class_name": class_name,
        "fields": [
            {
                "field_name": f"field_{index:05d}",
                "value": "12.50",
                "type": KINDS[index % len(KINDS)],
                "confidence": {"model": 0.5, "ocr": 0.75},
            }
            for index in range(fields)
        ],
    }


def _page(files: list[dict[str, Any]], offset: int = 0, has_more: bool = False) -> Any:
    from run_results import Include, Page
    from run_results.answer import read

    body = json.dumps({"id": "r", "status": "COMPLETE", "has_more": has_more, "files": files}).encode()
    return Page.of(read(body, Include.ALL), "r", offset, body, Include.ALL)

"""Bytes of a page to Parquet: with our columns, with row dictionaries, and as pandas users would do it."""

import io
from collections.abc import Iterator, Mapping
from typing import Any

from common import pages
from harness import Case, Setting, Target

CASES = ("parquet-heavy",)
OURS = "run-results"
ROWS = "orjson, row dicts, from_pylist"
PANDAS = "json, pandas.json_normalize, to_parquet"
SAME = ("run_id", "file_index", "document_index", "field_index", "value", "type", "failed", "edited")


def cases(setting: Setting) -> Iterator[Case]:
    if not setting.wants("parquet"):
        return
    import json

    import orjson
    import pandas
    import pyarrow
    import pyarrow.parquet

    from run_results import Include, Page
    from run_results.answer import read
    from run_results.tables.batches import Tabulator
    from run_results.tables.writers import open_writer

    body = pages.heavy(setting.quick)
    tabulator = Tabulator("fields")

    def ours() -> bytes:
        answer = read(body, Include.ALL)
        batch = tabulator.batch(Page.of(answer, answer.run.id, 0, body, Include.ALL))
        file = io.BytesIO()
        writer = open_writer(file, batch.schema, "parquet")
        writer.write(batch)
        writer.close()
        return file.getvalue()

    def row_dicts() -> bytes:
        run = orjson.loads(body)
        table = pyarrow.Table.from_pylist(list(_rows(run)))
        file = io.BytesIO()
        pyarrow.parquet.write_table(table, file, compression="zstd")
        return file.getvalue()

    def normalized() -> bytes:
        run = json.loads(body)
        for file_index, file in enumerate(run["files"]):
            file["file_index"] = file_index
            for document_index, document in enumerate(file["documents"]):
                document["document_index"] = document_index
        frame = pandas.json_normalize(
            run["files"],
            record_path=["documents", "fields"],
            meta=[
                *("file_index", "original_file_name"),
                *(["documents", "document_index"], ["documents", "class_name"]),
            ],
        )
        frame = frame.rename(columns={"documents.document_index": "document_index"})
        frame["run_id"] = run["id"]
        frame["field_index"] = frame.groupby(["file_index", "document_index"]).cumcount()
        frame["failed"] = (frame["value"] == "ERROR") | (frame["error_msg"].fillna("") != "")
        frame["edited"] = frame["edit_history"].str.len() > 0
        file = io.BytesIO()
        frame.to_parquet(file, compression="zstd")
        return file.getvalue()

    def same(results: Mapping[str, object]) -> None:
        tables = {name: pyarrow.parquet.read_table(io.BytesIO(result)) for name, result in results.items()}  # type: ignore[arg-type]
        for name, table in tables.items():
            for column in SAME:
                written, wanted = table[column].to_pylist(), tables[OURS][column].to_pylist()
                assert written == wanted, f"{name} did not write the same in {column}"
        boxes = [len(source or ()) for source in tables[OURS].column("source").to_pylist()]
        assert boxes == [len(source or ()) for source in tables[ROWS].column("source").to_pylist()]

    yield Case(
        name="parquet-heavy",
        title=f"Bytes to Parquet (zstd), one row for each field: {len(body) / 1e6:.1f} MB, everything included",
        contenders={OURS: ours, ROWS: row_dicts, PANDAS: normalized},
        check=same,
        targets=[Target(OURS, PANDAS, least=8), Target(OURS, ROWS, least=2)],
        clock="process",  # pandas converts columns on several threads
        rounds=11,
        note="All write the table of fields: the run and the indexes, which are the key of a field, the names of its"
        " file and class, its value, type, confidences, alerts, edits and boxes, and whether it failed or was edited."
        " Only run-results validates what it reads, and only run-results adds the project's names. Processor time is"
        " that of all threads, because pandas converts columns on several threads.",
    )


def _rows(run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for file_index, file in enumerate(run["files"]):
        for document_index, document in enumerate(file["documents"]):
            for field_index, field in enumerate(document["fields"]):
                confidence, validations = field.get("confidence", {}), field.get("validations", {})
                yield {
                    "run_id": run["id"],
                    "file_index": file_index,
                    "file_name": file.get("original_file_name"),
                    "document_index": document_index,
                    "class_name": document.get("class_name"),
                    "field_index": field_index,
                    "api_name": field.get("field_name"),
                    "value": field.get("value"),
                    "type": field.get("type"),
                    "failed": field.get("value") == "ERROR" or bool(field.get("error_msg")),
                    "error": field.get("error_msg"),
                    "model_confidence": confidence.get("model"),
                    "ocr_confidence": confidence.get("ocr"),
                    "valid": validations.get("valid"),
                    "alerts": validations.get("alerts"),
                    "edited": bool(field.get("edit_history")),
                    "edits": field.get("edit_history"),
                    "source": field.get("source_coordinates"),
                }

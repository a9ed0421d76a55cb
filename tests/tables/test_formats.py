"""The files themselves: each format gives back what was written, hostile text and all."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results import errors
from run_results.tables import TABLES
from run_results.tables.batches import Tabulator
from run_results.tables.options import FORMATS, Csv, Typed, check_format
from run_results.tables.writers import GUARDED, ROWS, open_writer
from run_results_conformance.strategies import responses

from . import kit

HOSTILE = [
    *("=1+1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1+1", "=HYPERLINK(\"http://x\";\"y\")"),
    *("-12.50", "+49 170 123", "a,b", 'say "hi"', '"', "one\ntwo\r\nthree\rfour", "\x00", "=\x00", "abc\u202etxt.exe"),
    *("", " ", "'quoted", "x" * 10_000, "e" + "\u0301" * 1000, "漢😀", "\ufeffbom", "\u2028"),
    *("NULL", "NA", "null", "1e5"),
]  # fmt: skip


def written(batches: list[pa.RecordBatch], format: Any, **style: Any) -> tuple[bytes, int]:
    """The bytes of a file of these batches, and how many cells were guarded."""
    file = io.BytesIO()
    writer = open_writer(file, batches[0].schema, format, Csv(**style))
    for batch in batches:
        writer.write(batch)
    writer.close()
    return file.getvalue(), writer.guarded


def fields_of(values: list[str]) -> pa.RecordBatch:
    """The table of fields with these values, which stand in other texts, too."""
    fields = [{"value": value, "type": value, "error_msg": value} for value in values]
    document = {"class_name": values[0], "fields": fields}
    file = {"original_file_name": values[-1], "documents": [document]}
    return Tabulator("fields").batch(kit.page_of({"id": "r", "status": "COMPLETE", "has_more": False, "files": [file]}))


def read_csv(content: bytes) -> list[dict[str, str]]:
    """The rows as Python's own reader has them."""
    before = csv.field_size_limit(10**9)
    try:
        return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    finally:
        csv.field_size_limit(before)


@given(answers=st.lists(responses(), min_size=1, max_size=2))
def test_parquet_and_arrow_give_back_the_table(answers: list[dict[str, Any]]) -> None:
    """What is read from Parquet and from Arrow IPC is the table, with its schema and every description in it."""
    for what in TABLES:
        tabulator = Tabulator(what, typed=Typed())
        batches = [tabulator.batch(kit.page_of(answer)) for answer in answers]
        table = pa.Table.from_batches(batches)
        read = pq.read_table(pa.BufferReader(written(batches, "parquet")[0]))
        assert read.equals(table)
        assert read.schema.equals(table.schema, check_metadata=True)
        with pa.ipc.open_file(pa.BufferReader(written(batches, "arrow")[0])) as file:
            assert file.read_all().equals(table)


def microseconds(text: str | None) -> int | None:
    """A time as the files have it, such as 2025-08-27T00:58:39.482113Z, by the standard library."""
    if text is None:
        return None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text)
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@given(answer=responses())
def test_json_lines_and_csv_say_the_same(answer: dict[str, Any]) -> None:
    """Each line of JSON, and each row of CSV, has the values of its row; null is null, and nothing in CSV."""
    for what in TABLES:
        batch = Tabulator(what).batch(kit.page_of(answer))
        lines = [json.loads(line) for line in written([batch], "jsonl")[0].splitlines()]
        cells = read_csv(written([batch], "csv", guard=False)[0])
        assert len(cells) == len(lines) == len(batch)
        times = [field.name for field in batch.schema if pa.types.is_timestamp(field.type)]
        rows = batch.drop_columns(times).to_pylist()
        for index, (row, line, found) in enumerate(zip(rows, lines, cells, strict=True)):
            assert list(line) == list(found) == batch.schema.names
            assert {key: line[key] for key in row} == row
            for name in times:
                assert microseconds(line[name]) == batch.column(name)[index].value
            for name, text in found.items():
                assert text == "" if line[name] is None else same(text, line[name])


def same(text: str, value: Any) -> bool:
    """Whether a cell of CSV says what JSON says."""
    return text == value if isinstance(value, str) else bool(json.loads(text) == value)


def test_hostile_text_comes_back_from_csv() -> None:
    """Quotes, line ends, NUL, other directions and 10,000 characters come back as they were, by Python's reader."""
    content, guarded = written([fields_of(HOSTILE)], "csv", guard=False)
    assert guarded == 0
    rows = read_csv(content)
    assert [row["value"] for row in rows] == HOSTILE
    assert {row["class_name"] for row in rows} == {HOSTILE[0]}
    assert GUARDED not in rows[0]


def test_empty_text_and_null_differ_in_csv() -> None:
    """An empty text is in quotes, null is nothing at all, so that a reader can tell the two apart."""
    batch = pa.RecordBatch.from_pydict({"a": ["", None, "x"], "b": ["1", "2", "3"]})
    content, _ = written([batch], "csv", guard=False)
    assert content == b'"a","b"\n"","1"\n,"2"\n"x","3"\n'
    options = pyarrow.csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False)
    read = pyarrow.csv.read_csv(pa.BufferReader(content), convert_options=options)
    assert read.column("a").to_pylist() == ["", None, "x"]


def test_exact_numbers_stay_exact() -> None:
    """Amounts are texts in JSON Lines and all their digits in CSV; dates are as ISO 8601 has them."""
    batch = pa.RecordBatch.from_arrays(
        [pa.array([Decimal("12345678901234567890.123456789")], pa.decimal128(38, 9)), pa.array([date(2025, 4, 3)])],
        names=["number", "date"],
    )
    assert json.loads(written([batch], "jsonl")[0]) == {
        "number": "12345678901234567890.123456789",
        "date": "2025-04-03",
    }
    assert written([batch], "csv", guard=False)[0].splitlines()[1] == b"12345678901234567890.123456789,2025-04-03"


def test_parquet_has_row_groups_zstd_and_statistics() -> None:
    """Small batches are put together to row groups of at most 60,000 rows, packed with zstd, with statistics."""
    batch = fields_of(["a", "b"] * 5_000)
    content, _ = written([batch] * 13, "parquet")
    metadata = pq.read_metadata(pa.BufferReader(content))
    assert [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)] == [60_000, 60_000, 10_000]
    column = metadata.row_group(0).column(1)
    assert (column.path_in_schema, column.compression) == ("file_index", "ZSTD")
    assert (column.statistics.min, column.statistics.max, column.statistics.null_count) == (0, 0, 0)
    assert metadata.row_group(0).num_rows <= ROWS


def test_only_known_formats() -> None:
    """A format that there is not is a wrong argument."""
    assert list(map(check_format, FORMATS)) == list(FORMATS)
    with pytest.raises(errors.ConfigurationError, match="no format called 'xlsx'"):
        check_format("xlsx")

"""Record batches as files: Parquet, CSV, JSON Lines, Arrow IPC. Each writer takes batches and an open file.

Parquet has row groups of about `ROWS` rows, zstd and statistics. CSV is UTF-8 with a header; every text is in quotes,
so that an empty text (`""`) and null (nothing) differ, and nested values are JSON text. A cell that a spreadsheet would
take for a formula gets apostrophes (see `formulas`), and the column `guarded` has a JSON array of the columns where
that was done.
"""

import codecs
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from run_results.tables.arrow import pc
from run_results.tables.formulas import guard, guard_column, guard_json
from run_results.tables.options import Csv, Format
from run_results.text import fold

ROWS: Final = 60_000
"""Rows in a row group."""
BYTES: Final = 64 * 2**20
"""What is kept in memory at most before a row group is written."""

_ENCODER = msgspec.json.Encoder()
GUARDED: Final = "guarded"
"""The column of CSV that names the columns of a row whose cells got apostrophes."""
LONGEST_CELL: Final = 32_767
"""What a cell of Excel holds: so many units of UTF-16. It drops the rest without a word, or into the next row."""


def open_writer(file: BinaryIO, schema: pa.Schema, format: Format, style: Csv | None = None) -> "Writer":
    """A writer of a format; `style` is for CSV."""
    match format:
        case "parquet":
            return ParquetWriter(file, schema)
        case "csv":
            return CsvWriter(file, schema, style or Csv())
        case "jsonl":
            return JsonLinesWriter(file)
        case "arrow":
            return ArrowWriter(file, schema)


def read_metadata(path: Path, format: Format) -> dict[bytes, bytes] | None:
    """The metadata of a file's schema, read from its end; None where the format has none.

    Raises `pyarrow.ArrowException` and `OSError` where the file is not whole.
    """
    if format not in ("parquet", "arrow"):
        return None
    with path.open("rb") as file:  # Arrow takes a path with a colon for an address
        if format == "parquet":
            return dict(pq.read_schema(file).metadata or {})
        with pa.ipc.open_file(file) as reader:
            return dict(reader.schema.metadata or {})


class Writer(ABC):
    """Takes batches; `close` writes what a file of the format ends with, and leaves the file open."""

    guarded: int = 0
    """How many cells, titles included, got apostrophes."""
    cut: int = 0
    """How many cells were too long for Excel, and were cut."""

    @abstractmethod
    def write(self, batch: pa.RecordBatch) -> None:
        """Write a batch."""

    def close(self) -> None:  # noqa: B027 - a format without an end needs none
        """Write the end."""

    def abandon(self) -> None:
        """Let go of the file, which is not going to be kept. Raises nothing."""
        with suppress(Exception):
            self.close()


class ParquetWriter(Writer):
    """Parquet; small batches are put together until they make a row group."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._schema = schema
        # Values and boxes seldom repeat: with dictionaries for them, too, writing takes 1.16 times as long, and the
        # file is 1.14 times as large.
        texts: Any = [field.name for field in schema if not pa.types.is_nested(field.type) and field.name != "value"]
        self._writer = pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=texts, write_statistics=True)
        self._waiting: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a batch, or keep it until there are enough rows."""
        self._waiting.append(batch)
        self._rows += len(batch)
        self._bytes += batch.nbytes
        if self._rows >= ROWS or self._bytes >= BYTES:
            self._flush()

    def close(self) -> None:
        """Write what was kept, and the footer."""
        self._flush()
        self._writer.close()

    def abandon(self) -> None:
        """See `Writer.abandon`."""
        # Where the first close fails, as on a full disk, the second one does nothing; without it, pyarrow would try
        # once more when the writer is collected, and print the error.
        for _ in range(2):
            with suppress(Exception):
                self._writer.close()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._rows = self._bytes = 0
        table = pa.Table.from_batches(waiting, self._schema)
        if len(table):
            self._writer.write_table(table, row_group_size=ROWS)


class ArrowWriter(Writer):
    """Arrow IPC, the file format, with zstd."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._writer = pa.ipc.new_file(file, schema, options=pa.ipc.IpcWriteOptions(compression="zstd"))

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a batch."""
        if len(batch):
            self._writer.write_batch(batch)

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


class JsonLinesWriter(Writer):
    """JSON Lines in UTF-8; amounts are texts, because a double does not hold them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a line for each row."""
        names = batch.schema.names
        columns = [_plain(column).to_pylist() for column in batch.columns]
        lines = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        self._file.write(_ENCODER.encode_lines(lines))


class CsvWriter(Writer):
    """CSV as RFC 4180 has it, with a line feed at the end of each line."""

    def __init__(self, file: BinaryIO, schema: pa.Schema, style: Csv) -> None:
        self._style = style
        titles = schema.names
        if style.guard:
            titles = _guarded_titles(titles)
            self.guarded = sum(title != name for title, name in zip(titles, schema.names, strict=True))
            titles.append(GUARDED)
        kinds = [*map(_flat, schema.types), *([pa.string()] if style.guard else [])]
        self._schema = pa.schema(list(zip(titles, kinds, strict=True)))
        if style.dialect == "excel":
            file.write(codecs.BOM_UTF8)  # without it, Excel takes the file for one in its system's old encoding
        options = pyarrow.csv.WriteOptions(delimiter=style.separator)
        self._writer = pyarrow.csv.CSVWriter(file, self._schema, write_options=options)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a line for each row."""
        columns = [_flattened(column) for column in batch.columns]
        if self._style.guard:
            columns = self._guard_cells(batch, columns)
        if self._style.dialect == "excel":
            columns = [self._cut_cells(column) for column in columns]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()

    def _guard_cells(self, batch: pa.RecordBatch, columns: list[pa.Array]) -> list[pa.Array]:
        changed: dict[int, list[str]] = {}
        result: list[pa.Array] = []
        for field, column in zip(batch.schema, columns, strict=True):
            if pa.types.is_string(column.type):
                column, rows = guard_column(column, is_json=pa.types.is_nested(field.type))
                self.guarded += len(rows)
                for row in rows:
                    changed.setdefault(row, []).append(field.name)
            result.append(column)
        cells = [
            guard_json(_ENCODER.encode(changed[row]).decode()) if row in changed else None for row in range(len(batch))
        ]
        return [*result, pa.array(cells, pa.string())]

    def _cut_cells(self, column: pa.Array) -> pa.Array:
        """The column, with a mark at the end of cells that are too long for Excel."""
        if not pa.types.is_string(column.type):
            return column
        long = pc.greater(pc.binary_length(column), LONGEST_CELL).fill_null(False)  # no fewer bytes than units
        if not pc.any(long).as_py():
            return column
        texts = column.filter(long).to_pylist()
        cut = list(map(cut_for_excel, texts))
        self.cut += sum(before != after for before, after in zip(texts, cut, strict=True))
        return pc.replace_with_mask(column, long, pa.array(cut, pa.string()))


def cut_for_excel(text: str) -> str:
    """The text, or as much of it as a cell of Excel holds, with a mark that says how long it was.

    >>> cut_for_excel("a" * 40_000)[-30:]
    'aaaaa… [cut: 40000 characters]'
    """
    units = text.encode("utf-16-le")
    if len(units) <= 2 * LONGEST_CELL:
        return text
    mark = f"… [cut: {len(units) // 2} characters]"
    # What is left of a character of two units is not kept.
    return units[: 2 * (LONGEST_CELL - len(mark))].decode("utf-16-le", "ignore") + mark


def _guarded_titles(names: list[str]) -> list[str]:
    """The titles with apostrophes in those that could be a formula, all different.

    >>> _guarded_titles(["=a", "'=a", "b"])
    ["'=a_", "'=a", 'b']
    """
    used = {fold(name) for name in names if guard(name) == name}
    titles: list[str] = []
    for name in names:
        title = guard(name)
        while title != name and fold(title) in used:  # a field may be called what another's title becomes
            title += "_"
        used.add(fold(title))
        titles.append(title)
    return titles


def _flat(type: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_nested(type) or pa.types.is_timestamp(type) else type


def _flattened(column: pa.Array) -> pa.Array:
    """The column, with JSON text in place of nested values."""
    if pa.types.is_nested(column.type):
        texts = [None if value is None else _ENCODER.encode(value).decode() for value in column.to_pylist()]
        return pa.array(texts, pa.string())
    return _plain(column)


def _plain(column: pa.Array) -> pa.Array:
    """The column, with text in place of times."""
    if pa.types.is_timestamp(column.type):
        times = column.cast(pa.timestamp("us")).to_pylist()  # without the zone, which is always UTC
        return pa.array([time and f"{time.isoformat(timespec='microseconds')}Z" for time in times], pa.string())
    return column

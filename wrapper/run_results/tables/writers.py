"""Record batches as files: Parquet, CSV, JSON Lines, Arrow IPC. Each writer takes batches and an open file.

Parquet has row groups of about `ROWS` rows, zstd and statistics. CSV is UTF-8 with a header; every text is in quotes,
so that an empty text (`""`) and null (nothing) differ, and nested values are JSON text. A cell that a spreadsheet would
take for a formula gets an apostrophe in front, and the column `guarded` has a JSON array of the columns where that was
done.
"""

from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from run_results.tables.arrow import pc
from run_results.tables.options import Format
from run_results.text import fold

ROWS: Final = 60_000
"""Rows in a row group."""
BYTES: Final = 64 * 2**20
"""What is kept in memory at most before a row group is written."""

_ENCODER = msgspec.json.Encoder()
# What spreadsheets begin a formula with, wide forms included; and what they pass over before looking.
_FORMULA = r"^[\s\x00]*[=+\-@＝＋－＠]|^[\t\r\n]"
# Signed numbers are harmless, and there are many.
_NUMBER = r"^[+\-]?[0-9][0-9., ]*$"
GUARDED: Final = "guarded"


def open_writer(file: BinaryIO, schema: pa.Schema, format: Format, *, guard: bool = True) -> "Writer":
    """A writer of a format."""
    match format:
        case "parquet":
            return ParquetWriter(file, schema)
        case "csv":
            return CsvWriter(file, schema, guard=guard)
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
    """How many cells, titles included, got an apostrophe in front."""

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

    def __init__(self, file: BinaryIO, schema: pa.Schema, *, guard: bool) -> None:
        self._guard = guard
        titles = _guarded_titles(schema.names) if guard else schema.names
        self.guarded = sum(title != name for title, name in zip(titles, schema.names, strict=True))
        self._titles = [*titles, GUARDED] if guard else titles
        kinds = [*map(_flat, schema.types), *([pa.string()] if guard else [])]
        self._schema = pa.schema(list(zip(self._titles, kinds, strict=True)))
        self._writer = pyarrow.csv.CSVWriter(file, self._schema)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a line for each row."""
        columns = [_flattened(column) for column in batch.columns]
        if self._guard:
            columns = self._guard_cells(batch.schema.names, columns, len(batch))
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()

    def _guard_cells(self, names: list[str], columns: list[pa.Array], rows: int) -> list[pa.Array]:
        changed: dict[int, list[str]] = {}
        result: list[pa.Array] = []
        for name, column in zip(names, columns, strict=True):
            if pa.types.is_string(column.type):
                looks = pc.match_substring_regex(column, _FORMULA)
                unsafe = pc.and_not(looks, pc.match_substring_regex(column, _NUMBER)).fill_null(False)
                found = pc.indices_nonzero(unsafe).to_pylist()
                if found:
                    self.guarded += len(found)
                    column = pc.if_else(unsafe, pc.binary_join_element_wise("'", column, ""), column)
                    for row in found:
                        changed.setdefault(row, []).append(name)
            result.append(column)
        cells = [_ENCODER.encode(changed[row]).decode() if row in changed else None for row in range(rows)]
        return [*result, pa.array(cells, pa.string())]


def _guarded_titles(names: list[str]) -> list[str]:
    """The titles with an apostrophe in front of those that could be a formula, all different.

    >>> _guarded_titles(["=a", "'=a", "b"])
    ["'=a_", "'=a", 'b']
    """
    unsafe = pc.match_substring_regex(pa.array(names, pa.string()), _FORMULA).to_pylist()
    used = {fold(name) for name, is_unsafe in zip(names, unsafe, strict=True) if not is_unsafe}
    titles: list[str] = []
    for name, is_unsafe in zip(names, unsafe, strict=True):
        title = f"'{name}" if is_unsafe else name
        while is_unsafe and fold(title) in used:  # a field may be called what another's title becomes
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

"""The documents and fields of parts, sorted by class, so that a wide table is made without reading the others' again.

They stand in two files without a name in the folder of the parts; a process that is killed leaves nothing of them.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final, Self

import pyarrow as pa

from run_results.files import file_errors
from run_results.tables.arrow import pc
from run_results.tables.schema import What

# Batches are small: threads would cost more than they gain.
_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
_TABLES: Final[tuple[What, ...]] = ("documents", "fields")


class ByClass:
    """Takes the tables of parts with `add`, and then gives those of each wanted class with `read`.

    Every method raises `ExportError` where the files cannot be written or read.
    """

    def __init__(self, folder: Path, wanted: Iterable[str | None]) -> None:
        self._folder = folder
        self._wanted = frozenset(wanted)
        self._stack = ExitStack()
        self._files: dict[What, Any] = {}
        self._writers: dict[What, Any] = {}
        self._readers: dict[What, Any] = {}
        self._places: dict[str | None, list[dict[What, int]]] = {}
        """For each class and part, the number of its batch in each file."""
        self._counts: dict[What, int] = dict.fromkeys(_TABLES, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def add(self, documents: pa.Table, fields: pa.Table) -> None:
        """Take the tables of the next part. Each has a column `class_name`."""
        places: dict[str | None, dict[What, int]] = {}
        with file_errors("write", self._folder, pa.ArrowException):
            for what, table in zip(_TABLES, (documents, fields), strict=True):
                for class_name, rows in _split(table):
                    if class_name not in self._wanted:
                        continue
                    places.setdefault(class_name, {})[what] = self._write(what, rows)
        for class_name, place in places.items():
            self._places.setdefault(class_name, []).append(place)

    def read(self, class_name: str | None) -> Iterator[list[pa.Table]]:
        """The documents and the fields of a class, part by part."""
        with file_errors("read", self._folder, pa.ArrowException):
            for place in self._places.get(class_name, ()):
                yield [self._read(what, place.get(what)) for what in _TABLES]

    def _write(self, what: What, rows: pa.Table) -> int:
        if what not in self._writers:
            self._files[what] = self._stack.enter_context(TemporaryFile(dir=self._folder))  # noqa: SIM115 - it is closed
            self._writers[what] = pa.ipc.new_file(self._files[what], rows.schema, options=_OPTIONS)
        (batch,) = rows.combine_chunks().to_batches()
        self._writers[what].write_batch(batch)
        self._counts[what] += 1
        return self._counts[what] - 1

    def _read(self, what: What, number: int | None) -> pa.Table:
        if what not in self._readers:
            self._writers[what].close()
            self._readers[what] = pa.ipc.open_file(self._files[what], options=pa.ipc.IpcReadOptions(use_threads=False))
        reader = self._readers[what]
        batches = [] if number is None else [reader.get_batch(number)]
        return pa.Table.from_batches(batches, reader.schema)


def _split(table: pa.Table) -> Iterator[tuple[str | None, pa.Table]]:
    """The rows of each class, in order."""
    classes = table["class_name"].unique()
    numbers = pc.index_in(table["class_name"], value_set=classes).combine_chunks()
    runs = pc.run_end_encode(numbers.take(order := pc.sort_indices(numbers)))
    rows = table.take(order)
    start = 0
    for number, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        yield classes[number].as_py(), rows.slice(start, end - start)
        start = end

"""A digest of rows that does not depend on how they came: a server may change the size of its pages."""

from hashlib import sha256
from typing import Any, Final

import pyarrow as pa
from attrs import define, field

_AT_ONCE: Final = 1_000
"""Rows that are serialized together, whatever the size of the batches that they came in."""


@define
class Digest:
    """A digest of the rows of one table.

    >>> one, other = Digest(), Digest()
    >>> rows = pa.record_batch({"run_id": ["a", "b", "c"]})
    >>> one.add(rows)
    >>> [other.add(part) for part in (rows[:2], rows[2:])]
    [None, None]
    >>> one.finish() == other.finish()
    True
    """

    _hash: Any = field(factory=sha256)
    _waiting: list[pa.RecordBatch] = field(factory=list)
    _rows: int = 0
    """Of those that wait."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""
        start = 0
        while start < len(batch):
            part = batch.slice(start, _AT_ONCE - self._rows)
            self._waiting.append(part)
            self._rows += len(part)
            start += len(part)
            if self._rows == _AT_ONCE:
                self._take()

    def _take(self) -> None:
        # Rows that are part of a larger batch keep its buffers; taken out, equal rows have equal bytes.
        for batch in pa.Table.from_batches(self._waiting).combine_chunks().to_batches():
            self._hash.update(batch.take(pa.array(range(len(batch)))).serialize())
        self._waiting, self._rows = [], 0

    def finish(self) -> str:
        """The digest, when all rows have come. No rows are kept any more."""
        if self._waiting:
            self._take()
        return str(self._hash.hexdigest())

"""What a sync did."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, SupportsIndex, overload

from attrs import define, field, frozen

from run_results.errors import RunResultsError
from run_results.text import count


@frozen
class Synced:
    """What a sync did, or has done so far. Every run is in one of `new` to `waiting`."""

    new: int = 0
    """Runs that the dataset did not have."""
    changed: int = 0
    """Runs that were read again and had other rows, or another state."""
    unchanged: int = 0
    """Runs that were read again and had the same rows."""
    settled: int = 0
    """Runs that were not asked for, because they cannot have changed."""
    missing: Sequence[str] = ()
    """Runs that the server does not know; rows that the dataset has of them stay."""
    failures: Mapping[str, RunResultsError] = field(factory=dict)
    """Runs that could not be read, each with the error. The dataset has of them what it had before."""
    waiting: int = 0
    """Runs that were not read any more, because the sync was stopped."""
    files: int = 0
    """Files of the runs that were read."""
    breaches: int = 0
    """Places in them where an answer broke the contract; what did not fit there is null."""

    def describe(self) -> str:
        """In one line.

        >>> Synced(new=2, settled=40, missing=("run-9",)).describe()
        '2 new, 0 changed, 40 unchanged (40 of them not read again), 1 missing, 0 failed'
        """
        same = self.unchanged + self.settled
        read = f" ({self.settled:,} of them not read again)" if self.settled else ""
        text = f"{self.new:,} new, {self.changed:,} changed, {same:,} unchanged{read}"
        text += f", {len(self.missing):,} missing, {len(self.failures):,} failed"
        return text + (f"; {count(self.waiting, 'run')} not read" if self.waiting else "")

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        numbers = {
            name: getattr(self, name)
            for name in ("new", "changed", "unchanged", "settled", "waiting", "files", "breaches")
        }
        failed = {run_id: str(error) for run_id, error in self.failures.items()}
        return {**numbers, "missing": list(self.missing), "failed": failed}


# What was done so far is reported after each run. Where a hundred thousand runs fail, each of these reports would have
# to copy all that failed before. So a report copies only where somebody looks, and otherwise has the number.


@define(eq=False, repr=False)
class RunIds(Sequence[str]):
    """The ids that a list has now; those that come later are not among them.

    >>> ids = ["run-1"]
    >>> so_far = RunIds(ids)
    >>> ids.append("run-2")
    >>> so_far
    ('run-1',)
    """

    _ids: list[str]
    _count: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._count = len(self._ids)

    @cached_property
    def _copied(self) -> tuple[str, ...]:
        return tuple(islice(self._ids, self._count))

    @overload
    def __getitem__(self, index: SupportsIndex) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> str | tuple[str, ...]:
        return self._copied[index]

    def __len__(self) -> int:
        return self._count

    def __eq__(self, other: object) -> bool:
        return self._copied == (other._copied if isinstance(other, RunIds) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._copied)


@define(eq=False, repr=False)
class Failures(Mapping[str, RunResultsError]):
    """The errors that a dictionary has now, by run id; those that come later are not among them."""

    _errors: dict[str, RunResultsError]
    _count: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._count = len(self._errors)

    @cached_property
    def _copied(self) -> dict[str, RunResultsError]:
        return dict(islice(self._errors.items(), self._count))

    def __getitem__(self, run_id: str) -> RunResultsError:
        return self._copied[run_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._copied)

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return repr(self._copied)

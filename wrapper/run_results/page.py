"""A page: an answer, its place in the run, and what people ask of it."""

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from attrs import evolve, field, frozen
from msgspec.structs import replace

from run_results.answer import Answer, inspect, parse
from run_results.drift import Drift
from run_results.fields import Problem, problems
from run_results.include import Include
from run_results_api.models import File, RunResults, RunStatus
from run_results_api.types import UNSET, Unset

_FINISHED = frozenset({RunStatus.CANCELLED, RunStatus.COMPLETE, RunStatus.FAILED})
# A paused run, and one that waits for a review, does not go on by itself.
_SETTLED = _FINISHED | {RunStatus.PAUSED, RunStatus.STOPPED_AT_CHECKPOINT}
# A run is in another state where one of these differs. The rest of what is known of a run may change by an edit.
STATE = ("status", "start_timestamp", "finish_timestamp", "batch_id", "review_completed")
"""The members of a run that make up its state."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_datetime(nanoseconds: int) -> datetime:
    """A time of the contract as an aware datetime in UTC. A datetime has microseconds: the last three digits are cut.

    >>> to_datetime(1756256319482113024)
    datetime.datetime(2025, 8, 27, 0, 58, 39, 482113, tzinfo=datetime.timezone.utc)
    """
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


@frozen(eq=False)
class Page:
    """One page of a run, and where the next one begins."""

    run: RunResults = field(repr=False)
    """The answer as a model: what is known of the run as a whole, and this page's files."""
    run_id: str
    offset: int
    """Index in the run of this page's first file."""
    body: bytes = field(repr=lambda body: f"<{len(body)} bytes>")
    """The answer's JSON text as it came."""
    include: Include = Include.NONE
    """What was asked for."""
    breaches: tuple[Drift, ...] = field(default=(), repr=False)
    """Where the answer broke the contract; empty when it kept it. Every field of the page was looked at."""
    _news: tuple[Drift, ...] = field(default=(), repr=False, alias="news")
    # Whether `_news` has everything that goes beyond the contract, so that no further look is needed.
    _is_inspected: bool = field(default=False, repr=False, alias="is_inspected")

    @classmethod
    def of(cls, answer: Answer, run_id: str, offset: int, body: bytes, include: Include = Include.NONE) -> "Page":
        """The page of an answer that was read from this body."""
        news, is_inspected = (*(answer.news or ()), *answer.gaps), answer.news is not None
        return cls(answer.run, run_id, offset, body, include, answer.breaches, news=news, is_inspected=is_inspected)

    @cached_property
    def drift(self) -> tuple[Drift, ...]:
        """Where the answer broke the contract or went beyond it: `breaches`, unknown and doubled keys, other news.

        A page without a breach is looked through at the first use, which takes several times as long as decoding it.
        """
        return (*self.breaches, *(() if self._is_inspected else inspect(self.body)), *self._news)

    @property
    def known_drift(self) -> tuple[Drift, ...]:
        """What of `drift` is known without a further look."""
        return (*self.breaches, *self._news)

    def with_news(self, news: tuple[Drift, ...]) -> "Page":
        """The page with this among its drift, too."""
        return evolve(self, news=self._news + news) if news else self

    @property
    def files(self) -> list[File]:
        """This page's files, in the run's order."""
        return self.run.files

    @property
    def status(self) -> RunStatus | Unset:
        """Where the run stands; a value that the contract does not name keeps its text. Servers may leave it out."""
        return self.run.status

    @property
    def state(self) -> dict[str, str | int | bool | None]:
        """The run's status, times, batch and review as plain values, without what the server left out.

        Take it to `pages(expect=)` to read the run in this state only. It can be kept as JSON.
        """
        values = {name: getattr(self.run, name) for name in STATE}
        plain = {name: str(value) if isinstance(value, str) else value for name, value in values.items()}
        return {name: value for name, value in plain.items() if value is not UNSET}

    @property
    def has_more(self) -> bool:
        """Whether files come after this page."""
        return self.run.has_more

    @property
    def next_offset(self) -> int | None:
        """Where the next page begins; None on the last page."""
        return self.offset + len(self.files) if self.has_more else None

    def until(self, stop: int) -> "Page":
        """The page without the files from the file offset `stop` on; `body` and `raw` still have the whole answer."""
        if stop >= self.offset + len(self.files):
            return self
        return evolve(self, run=replace(self.run, files=self.files[: max(0, stop - self.offset)], has_more=True))

    @property
    def raw(self) -> Any:
        """The answer as decoded JSON, with the parts that the models have no place for; decoded again at each use."""
        return parse(self.body)

    @property
    def is_finished(self) -> bool | None:
        """Whether the run has come to its end: cancelled, complete or failed. None where the answer has no status."""
        return None if self.status is UNSET else self.status in _FINISHED

    @property
    def is_settled(self) -> bool | None:
        """Whether the run cannot change by itself any more: it has finished, is paused, or waits for a review.

        None where the answer has no status.
        """
        return None if self.status is UNSET else self.status in _SETTLED

    @property
    def started_at(self) -> datetime | None:
        """When the run started; the nanoseconds are in `run.start_timestamp`."""
        value = self.run.start_timestamp
        return to_datetime(value) if isinstance(value, int) else None

    @property
    def finished_at(self) -> datetime | None:
        """When the run finished, None while it has not; the nanoseconds are in `run.finish_timestamp`."""
        value = self.run.finish_timestamp
        return to_datetime(value) if isinstance(value, int) else None

    def _repr_html_(self) -> str:
        from run_results.notebook import show_page  # here: only notebooks ask

        return show_page(self.run, self.run_id, self.offset, self.next_offset, self.breaches)

    def problems(self) -> list[Problem]:
        """What failed or did not pass, at run, class, document and field level; see `run_results.fields`.

        Every page repeats the problems of the run and of its cross-class fields: count those two on one page only.
        """
        return problems(self.run, self.offset)

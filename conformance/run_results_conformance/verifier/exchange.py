"""One request with its answer, read; a page in it; and what many of them showed of a run."""

from typing import Any

from attrs import define, field, frozen

from run_results_conformance.server.terms import JsonObject

from .body import Body
from .connection import Answer, Request
from .manifest import KnownRun
from .run_status import FINAL
from .spec_view import Inspection, Path

NO_FLAGS: frozenset[str] = frozenset()

BUSY = (429, 503)
"""The statuses by which a server says that it has no time now."""

FAILED = (500, 502, 504)
"""The statuses by which a server, or one before it, says that it failed: the next request may fare better."""

_LARGE = 256 << 10  # bytes of a page without flags


@frozen(eq=False)
class Exchange:
    """A request and what came back. `number` counts from 1."""

    number: int
    request: Request
    answer: Answer
    body: Body
    inspection: Inspection | None = None

    @property
    def status(self) -> int:
        """The answer's status, 0 where none came."""
        return self.answer.status

    @property
    def busy(self) -> bool:
        """Whether the server said that it had no time for this."""
        return self.status in BUSY

    @property
    def answered(self) -> bool:
        """Whether the server answered the request, rather than not at all or with "too busy"."""
        return self.status > 0 and not self.busy

    @property
    def failed(self) -> bool:
        """Whether the server says that it failed at the request."""
        return self.status in FAILED

    @property
    def decided(self) -> bool:
        """Whether the server accepted or refused the request, rather than failing at it."""
        return self.answered and self.status < 500


@frozen
class Judgement:
    """What one rule says of one exchange."""

    rule: str
    kept: bool
    path: Path = ()
    expected: Any = ""
    got: Any = ""


@frozen
class Page:
    """A 200 answer that is a page as far as paging needs: a list of files, and a boolean."""

    exchange: Exchange
    run_id: str
    offset: int
    flags: frozenset[str]
    value: JsonObject = field(repr=False)
    files: list[Any] = field(repr=False)
    more: bool


@define
class ObservedRun:
    """What the answers have shown of a run.

    `lean` and `full` are the files that were seen, by index, as answered without and with all flags, trimmed to what
    the contract names; `headers` is the rest of such an answer, by whether it was with all flags. `starts` are the
    offsets at which pages of a walk without flags began. `end` is the number of files, once the end was seen, and
    `edge` the exchanges that showed it: the last file, and that none follows. `taught_by` are the exchanges that the
    rest was learned from, by whether they were with all flags and, for a file, its index. `walked` says that the walk
    is done, `exhausted` that reading it further with all flags gave no more files.

    `moved` counts how often the run was seen to change while it was looked at, `changed` says that it is not compared
    any more for that reason. `broken` are the rules that comparisons of its answers have shown to be broken.
    """

    known: KnownRun
    first: Page
    lean: dict[int, Any] = field(factory=dict, repr=False)
    full: dict[int, Any] = field(factory=dict, repr=False)
    headers: dict[bool, JsonObject] = field(factory=dict, repr=False)
    starts: list[int] = field(factory=list)
    end: int | None = None
    edge: tuple[Exchange, ...] = field(default=(), repr=False)
    taught_by: dict[tuple[bool, int | None], Exchange] = field(factory=dict, repr=False)
    walked: bool = False
    exhausted: bool = False
    moved: int = 0
    changed: bool = False
    broken: set[str] = field(factory=set)

    @property
    def id(self) -> str:
        """The id of the run."""
        return self.known.id

    @property
    def final(self) -> bool:
        """Whether the run cannot change by itself any more, by its status."""
        status = self.first.value.get("status")
        return isinstance(status, str) and status in FINAL

    @property
    def large(self) -> bool:
        """Whether a page of the run is so large that only few are worth their time."""
        return len(self.first.exchange.answer.body) > _LARGE

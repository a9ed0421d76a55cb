"""Where runs are read from, and how: everything that a task needs but its runs. It can be pickled."""

from copy import copy
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen
from attrs.validators import in_

from run_results.arguments import as_include, as_integer, as_seconds, is_number
from run_results.client import Client, client_of
from run_results.errors import ConfigurationError
from run_results.include import Include
from run_results.names import NameMap
from run_results.options import Options, settle
from run_results.retry import RetryPolicy
from run_results.scale.pace import Pace
from run_results.tables.options import Typed, as_names, as_typed
from run_results.tables.schema import What
from run_results.token_reference import is_reference

if TYPE_CHECKING:
    import pyarrow as pa


def _as_reference(token: object) -> str:
    if not isinstance(token, str) or not is_reference(token):
        raise ConfigurationError(
            "a source needs a reference to the token, env:NAME or file:PATH, and never the token itself: what describes"
            " the work of a task is stored and shown by engines",
            option="token",
        )
    return token


def _as_concurrency(number: object) -> int:
    return as_integer(number, "concurrency", 1, 64)


def _as_rate(rate: object) -> float | None:
    if rate is None:
        return None
    if not is_number(rate) or not 0 < rate < float("inf"):
        raise ConfigurationError(f"requests_per_second must be a number above 0, not {rate!r}")
    return float(rate)


@frozen(kw_only=True)
class Source:
    """Where runs are read from, and how. Raises `ConfigurationError`; nothing is sent.

    >>> source = Source(token="env:RUN_RESULTS_TOKEN", base_url="https://results.example/api", requests_per_second=10)
    >>> source.shared(4).requests_per_second
    2.5
    """

    token: str = field(default="env:RUN_RESULTS_TOKEN", converter=_as_reference)
    """Where each process reads the token: `env:NAME` or `file:PATH`."""
    base_url: str | None = None
    """Where the API is. Without it RUN_RESULTS_BASE_URL counts, as it is where the source is made, for every task."""
    context: str | None = None
    """Sent as IB-Context. Without it RUN_RESULTS_CONTEXT counts, as it is where the source is made, for every task:
    where it is not set there, no task sends a context, whatever its own environment says."""
    include: Include = field(default=Include.ALL, converter=as_include)
    """What to ask for; columns of what is not asked for are null."""
    names: NameMap = field(default=None, converter=as_names)
    """The project's field names, for the column `name`."""
    typed: Typed | None = field(default=None, converter=as_typed)
    """Whether numbers, dates and amounts are read into columns of their own, and how they are written."""
    prefetch: int = 0
    """How many pages each walk may ask for ahead; none where there is a rate to keep to."""
    concurrency: int = field(default=8, converter=_as_concurrency)
    """How many slices a task reads at once, 64 at the most."""
    requests_per_second: float | None = field(default=None, converter=_as_rate)
    """The most requests a second; see `shared`. None for as many as there come."""
    patience: float = 600.0
    """Seconds that one page may wait for a server that asks for fewer requests (429, or 503 with Retry-After)."""
    on_missing: Literal["error", "skip", "report"] = field(default="error", validator=in_(("error", "skip", "report")))
    """What to do with a run that the server does not have: raise `NotFoundError`; leave it out; or give it one row in
    each table, where the column `missing` says why, and all others but `run_id` are null."""
    timeout: float = 60.0
    """Seconds for each attempt at a page."""
    allow_insecure: bool = False
    """Whether a plain-http base URL that is not loopback is allowed."""
    on_repeat: Literal["raise", "keep"] = "raise"
    """What to do with a file that came before in the same run."""

    _options: Options = field(init=False, repr=False, eq=False)
    """Of each task's client. Settled where the source is made: a task may be another process, with an environment of
    its own."""

    def __attrs_post_init__(self) -> None:
        names = ("token", "base_url", "context", "prefetch", "patience", "timeout", "allow_insecure", "on_repeat")
        settings = {name: getattr(self, name) for name in names}
        # A wait that the server asks for is as long as the patience allows.
        retry = RetryPolicy(max_retry_after=as_seconds(self.patience, "patience"))
        options = settle(max_connections=2 * self.concurrency, retry=retry, **settings)
        object.__setattr__(self, "base_url", options.base_url)
        object.__setattr__(self, "context", options.context)
        is_paced = self.requests_per_second is not None
        object.__setattr__(self, "_options", options.changed(prefetch=0) if is_paced else options)

    def client(self) -> Client:
        """A client for one task. It is to be closed."""
        return client_of(self._options)

    def pace(self) -> Pace:
        """What keeps the requests of one task to the rate."""
        return Pace(self.requests_per_second)

    def shared(self, tasks: int) -> "Source":
        """The source for each of so many tasks that run at the same time: together they keep to its rate."""
        number = as_integer(tasks, "tasks", 1, 10**6)
        if self.requests_per_second is None:
            return self
        source = copy(self)  # not made anew, which would read the environment again
        object.__setattr__(source, "requests_per_second", self.requests_per_second / number)
        return source

    def schema(self, table: What = "fields") -> "pa.Schema":
        """The Arrow schema of the batches that `read` gives, without metadata. It needs pyarrow."""
        from run_results.tables.installed import need_arrow  # here: planning needs no pyarrow

        need_arrow()
        from run_results.scale.schemas import schema_of

        return schema_of(table, typed=self.typed is not None, report=self.on_missing == "report")

"""What `Client` and `AsyncClient` share: the options, and the making of steps, collectors and exports."""

import os
from collections.abc import Generator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn, Self, Unpack

from run_results.errors import ClientPicklingError
from run_results.include import Flags
from run_results.names import NameMap
from run_results.options import Options, Settings
from run_results.request import Outcome, Request, Sleep
from run_results.retry import RetryBudget
from run_results.walk import Steps, fetch, wait, walk
from run_results_api.models import RunSummary

if TYPE_CHECKING:
    from run_results.export.job import Export
    from run_results.export.options import ExportChoices, ExportOptions
    from run_results.run_list.filters import RunFilters
    from run_results.run_list.window import Moment
    from run_results.tables.collect import Collector
    from run_results.tables.options import Typed, Wide
    from run_results.tables.schema import What


class BaseClient:
    """What the two clients share: options, the retry budget, and the making of steps."""

    def __init__(self, options: Options, budget: RetryBudget, sender: Any) -> None:
        self._options = options
        self._budget = budget
        self._sender = sender

    def with_options(self, **changes: Unpack[Settings]) -> Self:
        """A client with other values for these settings, on the same connections. Closing one of the two closes both.

        They also share the retry budget, unless the new settings change its size.

        >>> from run_results import Client
        >>> client = Client(token="t0k3n")
        >>> patient = client.with_options(timeout=300)
        """
        options = self._options.changed(**changes)
        same = options.retry.budget == self._options.retry.budget
        other = object.__new__(type(self))
        BaseClient.__init__(other, options, self._budget if same else RetryBudget(options.retry.budget), self._sender)
        return other

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._options.base_url}>"

    def __reduce__(self) -> NoReturn:
        raise ClientPicklingError("a client has open connections and a token, so it cannot be pickled or copied")

    def _page(self, run_id: str, offset: int, include: Flags) -> Steps:
        return fetch(self._options, self._budget, run_id, offset, include)

    def _walk(
        self,
        run_id: str,
        start: int,
        include: Flags,
        deadline: float | None,
        stop: int | None = None,
        expect: Mapping[str, object] | None = None,
    ) -> Steps:
        return walk(self._options, self._budget, run_id, start, include, deadline, stop, expect)

    def _wait(self, run_id: str, include: Flags, timeout: float, poll: float) -> Steps:
        return wait(self._options, self._budget, run_id, include, timeout, poll)

    def _runs(
        self,
        since: "Moment | None",
        until: "Moment | None",
        overlap: timedelta | None,
        deadline: float | None,
        filters: "RunFilters",
    ) -> Generator[Request | Sleep | RunSummary, Outcome, None]:
        from run_results.run_list.walk import walk as walk_list  # here: few programs list runs

        return walk_list(self._options, self._budget, since, until, overlap, filters, deadline)

    def _collector(
        self, what: "What", names: NameMap | None, wide: "Wide | str | None", typed: "Typed | bool"
    ) -> "Collector":
        from run_results.tables.installed import need_arrow  # here: few programs make tables, and pyarrow is an extra

        need_arrow()
        from run_results.tables.collect import Collector

        return Collector(what, names, wide, typed)

    def _export(
        self,
        run_id: str,
        path: str | os.PathLike[str],
        options: "ExportOptions | None",
        choices: "ExportChoices",
    ) -> "Export":
        from run_results.tables.installed import need_arrow

        need_arrow()
        from run_results.export.job import open_export

        must_not_change, clock = self._options.on_change == "raise", self._options.clock
        return open_export(run_id, path, options, choices, must_not_change=must_not_change, clock=clock)

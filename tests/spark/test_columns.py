"""The option `columns` of the data source: only what the columns need is asked for."""

from collections.abc import Callable
from itertools import chain

import pytest

from run_results import Client, Include
from run_results.spark.options import include_for
from run_results.tables import TABLES
from run_results_conformance.server.synthetic import SyntheticRun


@pytest.mark.parametrize("what", TABLES)
def test_columns_ask_for_what_they_need(what: str, serve_runs: Callable[..., str], token: str) -> None:
    """With the flags of a column its values are those with all flags, and it needs each of these flags."""
    run = SyntheticRun(seed=4, files=20)
    with Client(token=token, base_url=serve_runs(run)) as client:
        tables = {
            include: client.table(run.run_id, what, include=include)  # type: ignore[arg-type]
            for include in (Include.NONE, *Include, Include.ALL)
        }
    for name in tables[Include.ALL].schema.names:
        needed = include_for((name,))
        assert tables[needed][name].equals(tables[Include.ALL][name]), name
        if needed is not Include.NONE:
            assert not tables[Include.NONE][name].equals(tables[Include.ALL][name]), name
    everything = tuple(chain(*(table.schema.names for table in tables.values())))
    assert include_for(everything) in Include.ALL

"""The family `runs`: faults of the operation that lists runs, and requests that show them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from run_results_conformance.faults.fault import Fault, Level, Make, Question
from run_results_conformance.faults.standard import asking

SECOND = 10**9
WINDOW = {"from_timestamp": "1735689600", "to_timestamp": "1767225600"}  # the year 2025, in which the store's runs are
RISING = {"sort_by": "start_timestamp", "order": "ASCENDING"}
FALLING = {"sort_by": "start_timestamp", "order": "DESCENDING"}


def lists(query: Mapping[str, str | list[str]] | None = None, **options: Any) -> Question:
    """A request for a list of the runs of the standard store, with these parameters too."""
    text = urlencode({**WINDOW, **(query or {})}, doseq=True)
    return asking(target="/v2/apps/runs", query=text, **options)


WALK = tuple(lists({**RISING, "offset": str(offset)}) for offset in (0, 3, 6, 9, 11, 12))
"""A walk through all runs of the standard store, oldest first, and beyond its end."""


def runs(name: str, breach: str, make: Make, *witness: Question, level: Level = "MUST") -> Fault:
    """A fault of this family."""
    return Fault(f"list-{name}", "runs", breach, "nothing", make, level, witness or WALK)

# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..models.run_summary import RunSummary
from ..types import Model


class RunList(Model, kw_only=True):
    """A page of the list of runs."""

    runs: list[RunSummary]
    """This page's runs, sorted as the request says."""

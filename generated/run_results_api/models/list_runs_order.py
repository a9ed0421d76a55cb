# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from enum import StrEnum


class ListRunsOrder(StrEnum):
    """One of the values that the contract names."""

    ASCENDING = "ASCENDING"
    DESCENDING = "DESCENDING"

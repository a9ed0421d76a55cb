# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from enum import StrEnum


class SortOrder(StrEnum):
    """The direction of sorting."""

    ASCENDING = "ASCENDING"
    DESCENDING = "DESCENDING"

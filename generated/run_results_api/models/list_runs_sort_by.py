# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from enum import StrEnum


class ListRunsSortBy(StrEnum):
    """One of the values that the contract names."""

    START_TIMESTAMP = "start_timestamp"
    STATUS = "status"

# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from enum import StrEnum


class RunSortKey(StrEnum):
    """What a list of runs can be sorted by."""

    START_TIMESTAMP = "start_timestamp"
    STATUS = "status"

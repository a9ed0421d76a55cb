"""Why a typed value was not read."""

from enum import Enum


class Doubt(Enum):
    """Why a value was not read."""

    TWO_WAYS = "it can be read in two ways"
    UNREADABLE = "it is no value of its field's type"

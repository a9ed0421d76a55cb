"""Inputs: run ids, offsets, flags, headers and methods that are read differently than the contract says."""

from .headers import HEADERS
from .methods import METHODS
from .offsets import OFFSETS
from .parameters import PARAMETERS
from .run_ids import RUN_IDS

INPUTS = (*RUN_IDS, *OFFSETS, *PARAMETERS, *HEADERS, *METHODS)
"""Every fault of the family `inputs`."""

"""The family `paging`: which files are on which page, and whether more come."""

from run_results_conformance.faults.fault import Fault, Make, Needs, Question
from run_results_conformance.faults.standard import (
    from_offset,
)

EVERY = from_offset(*range(17))
"""Requests from every offset of the standard run, and from two past its end."""


def paging(
    name: str, breach: str, make: Make, *, needs: Needs = "nothing", witness: tuple[Question, ...] = EVERY
) -> Fault:
    """A fault of this family."""
    return Fault(name, "paging", breach, needs, make, witness=witness)

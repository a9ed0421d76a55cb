"""The family `shape`: a value has the wrong JSON type, is null, missing or out of range."""

from run_results_conformance.faults.fault import Fault, Question
from run_results_conformance.faults.standard import WALK
from run_results_conformance.faults.steps import Edit, When, always, edited


def shape(name: str, breach: str, *edits: Edit, when: When = always, witness: tuple[Question, ...] = WALK) -> Fault:
    """A fault of this family: these edits of the page."""
    return Fault(name, "shape", breach, "nothing", edited(*edits, when=when), witness=witness)

"""The family `inputs`: what a request may ask for, and what happens to requests that ask for something else."""

from run_results_conformance.faults.fault import Fault, Level, Make, Needs, Question


def inputs(
    name: str,
    breach: str,
    make: Make,
    *witness: Question,
    level: Level = "MUST",
    needs: Needs = "nothing",
) -> Fault:
    """A fault of this family."""
    return Fault(name, "inputs", breach, needs, make, level, witness)

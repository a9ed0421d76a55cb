"""The command `run-results-conformance`."""

import click

from .catalogue import faults, rules
from .check import check
from .evolve import evolve
from .fuzz import fuzz
from .schema import schema
from .serve import pack, serve


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Prove that a server keeps the run-results contract."""


for command in (check, fuzz, rules, serve, faults, pack, schema, evolve):
    main.add_command(command)

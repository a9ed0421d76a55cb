"""`run-results-conformance schema`: the JSON Schemas of the files that people write."""

import json
import sys

import click


@click.command()
@click.argument("kind", type=click.Choice(["manifest", "run"]), metavar="[manifest|run]")
def schema(kind: str) -> None:
    """Write the JSON Schema of manifests or of run files.

    A manifest says what is known of a server's runs (`check --manifest`). A run file has one whole run (`serve --runs`,
    the pytest plugin). docs/manifest.md explains both.
    """
    from run_results_conformance.server.contract import load_contract
    from run_results_conformance.server.schemas import manifest_schema, run_file_schema

    make = manifest_schema if kind == "manifest" else run_file_schema
    sys.stdout.write(json.dumps(make(load_contract()), ensure_ascii=False, indent=2) + "\n")

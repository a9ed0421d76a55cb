"""`run-results-conformance rules` and `faults`: lists of the rules and of the faulty servers."""

import json
import sys

import click

from .reports import split_commas

_JSON_HELP = "Write one JSON object per line, for programs."


@click.command()
@click.option("--markdown", is_flag=True, help="Write the list in Markdown, as docs/rules.md.")
@click.option("--json", "as_json", is_flag=True, help=_JSON_HELP)
def rules(markdown: bool, as_json: bool) -> None:
    """List the rules that `check` judges."""
    if markdown and as_json:
        raise click.UsageError("give --markdown or --json, not both")
    from run_results_conformance.verifier.rules import RULES
    from run_results_conformance.verifier.rules import markdown as as_markdown

    if markdown:
        sys.stdout.write(as_markdown())
        return
    for rule in RULES:
        if as_json:
            facts = {"id": rule.id, "family": rule.family, "level": rule.level, "sentence": rule.sentence}
            click.echo(json.dumps({**facts, "source": rule.source, "needs": rule.needs}, ensure_ascii=False))
            continue
        click.echo(f"{rule.id:30} {rule.level:7} {rule.sentence}")


@click.command()
@click.option(
    "--family",
    "families",
    multiple=True,
    callback=split_commas,
    metavar="NAME",
    help="List only these families, such as paging, flags, correct; repeat, or separate with commas.",
)
@click.option("--json", "as_json", is_flag=True, help=_JSON_HELP)
def faults(families: tuple[str, ...], as_json: bool) -> None:
    """List the names for `serve --fault`.

    A fault is a server that breaks the contract in one way. Names of level `correct` are servers that keep the contract
    and differ from the reference server.
    """
    from run_results_conformance.faults import describe
    from run_results_conformance.suggestions import suggest

    known = dict.fromkeys(each["family"] for each in describe())
    for family in families:
        if family not in known:
            raise click.UsageError(f"there is no family {family!r}; {suggest(family, known)}")
    listed = [each for each in describe() if not families or each["family"] in families]
    for each in listed:
        text = each.get("breach") or f"{each['reason']}."
        line = f"{each['name']:34} {each['family']:15} {each.get('level', 'correct'):8} {text}"
        click.echo(json.dumps(each, ensure_ascii=False) if as_json else line)

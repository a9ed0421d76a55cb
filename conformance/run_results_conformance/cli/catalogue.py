"""`run-results-conformance rules` and `faults`: lists of the rules and of the faulty servers."""

import json
import sys

import click


@click.command()
@click.option("--markdown", is_flag=True, help="Write the list in Markdown, as docs/rules.md.")
def rules(markdown: bool) -> None:
    """List the rules that `check` judges."""
    from run_results_conformance.verifier.rules import RULES
    from run_results_conformance.verifier.rules import markdown as as_markdown

    if markdown:
        sys.stdout.write(as_markdown())
        return
    for rule in RULES:
        click.echo(f"{rule.id:30} {rule.level:7} {rule.sentence}")


@click.command()
@click.option("--family", help="List only this family, such as paging, flags, names, correct.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object per line, for programs.")
def faults(family: str | None, as_json: bool) -> None:
    """List the names for `serve --fault`: faults, and correct servers that differ from the reference server."""
    from run_results_conformance.faults import describe

    listed = [each for each in describe() if family in (None, each["family"])]
    if not listed:
        known = ", ".join(dict.fromkeys(each["family"] for each in describe()))
        raise click.UsageError(f"there is no family {family!r}; there are {known}")
    for each in listed:
        text = each.get("breach") or f"{each['reason']}."
        line = f"{each['name']:34} {each['family']:15} {each.get('level', 'correct'):8} {text}"
        click.echo(json.dumps(each, ensure_ascii=False) if as_json else line)

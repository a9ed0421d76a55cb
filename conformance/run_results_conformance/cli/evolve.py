"""`run-results-conformance evolve`: what a change of the contract means for its users."""

import json
from collections.abc import Callable
from pathlib import Path

import click

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("old", type=_FILE, required=False)
@click.argument("new", type=_FILE, required=False)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True,
    help="Markdown is a table for a pull request, with lines for a changelog.",
)  # fmt: skip
@click.option("--json", "wants_json", is_flag=True, help="The same as --format json.")
@click.option("--text", "words", is_flag=True, help="List also descriptions and examples that differ.")
@click.option(
    "--vendor", type=_FILE,
    help="Compare the contract with the vendor's document instead, and list differences that no decision explains.",
)  # fmt: skip
@click.option(
    "--impact", "wants_impact", is_flag=True,
    help="List instead the properties and flags of the contract (or of OLD) that tables, report, fetch, synthetic "
    "runs, strategies or docs do not have yet. Only in a checkout of run-results: it reads the folder docs.",
)  # fmt: skip
@click.pass_context
def evolve(
    ctx: click.Context,
    old: Path | None,
    new: Path | None,
    form: str,
    wants_json: bool,
    words: bool,
    vendor: Path | None,
    wants_impact: bool,
) -> None:
    """Say what changed from the contract OLD to NEW, and whom it breaks.

    OLD and NEW are OpenAPI 3 documents in YAML or JSON. Each change is judged twice, for readers of answers and for
    senders of requests: it breaks them, needs caution or is safe. The last line says which version number is due.

    The exit code is 0 when all changes are safe, 1 when one breaks somebody, 3 when some need caution and none breaks,
    and 2 when the documents cannot be judged.
    """
    from run_results_conformance.evolve import CannotJudge, DocumentError

    if wants_json and form == "markdown":
        raise click.UsageError("--json prints JSON, and --format markdown does not")
    form = "json" if wants_json else form
    try:
        if wants_impact:
            ctx.exit(_impact(old))
        code = _vendor(vendor, old, form) if vendor else _judge(old, new, form, words)
    except (CannotJudge, DocumentError) as error:
        raise click.UsageError(str(error)) from error
    ctx.exit(code)


def _judge(old: Path | None, new: Path | None, form: str, words: bool) -> int:
    from run_results_conformance.evolve import Document, Judgement, as_json, as_markdown, as_text, judge

    if old is None or new is None:
        raise click.UsageError("two documents are needed: evolve OLD NEW")
    judgement = judge(Document.read(old), Document.read(new))
    show: dict[str, Callable[[Judgement], str]] = {
        "text": lambda each: as_text(each, words=words), "json": as_json, "markdown": as_markdown
    }  # fmt: skip
    click.echo(show[form](judgement), nl=False)
    return (0, 3, 1)[judgement.verdict]


def _impact(contract: Path | None) -> int:
    from run_results_conformance.evolve import CannotJudge, Document
    from run_results_conformance.evolve.impact import as_text, impact, unmapped
    from run_results_conformance.server.contract import Contract, load_contract
    from run_results_conformance.server.terms import SpecError

    docs = Path("docs")
    if not docs.is_dir():
        raise click.UsageError("--impact reads the folder docs of a checkout of run-results; run it in the checkout")
    try:
        found = impact(Contract(Document.read(contract).root) if contract else load_contract(), docs, unmapped())
    except SpecError as error:
        raise CannotJudge("contract", "#", str(error)) from error
    click.echo(as_text(found), nl=False)
    return 0 if found.is_complete else 1


def _vendor(vendor: Path, ours: Path | None, form: str) -> int:
    from run_results_conformance.evolve import Document
    from run_results_conformance.evolve.vendor import compare_with_vendor, decisions
    from run_results_conformance.server.contract import load_contract

    here = Document.read(ours) if ours else Document(load_contract().document)
    report = compare_with_vendor(here, Document.read(vendor), decisions())
    if form == "json":
        content = {
            "news": [{"place": each.place, "what": each.what, "readers": each.readers.word} for each in report.news],
            "decided": report.decided,
            "unused": [each.heading for each in report.unused],
        }
        click.echo(json.dumps(content, ensure_ascii=False, indent=1))
    else:
        mark = "- " if form == "markdown" else ""
        for change in report.news:
            click.echo(f"{mark}{change.shown_place}: {change.what} [{change.pointer}]")
        said = "Nothing is new." if not report.news else f"New: {len(report.news)}."
        click.echo(f"{said} Explained by decisions in docs/contract.md: {report.decided}.")
        for each in report.unused:
            click.echo(f"A decision is not needed for this document: {each.heading} ({each.place}: {each.what})")
    return 1 if report.news else 0

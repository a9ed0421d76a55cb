"""The commands `check` and `rules` of `run-results-conformance`."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from run_results_conformance.verifier.report import Report

_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
_POSITIVE = click.FloatRange(0, min_open=True)


@click.command()
@click.argument("url")
@click.option(
    "--token-file",
    type=_EXISTING,
    help="File that holds the token, instead of RUN_RESULTS_TOKEN. There is no option for the token itself: "
    "other users can read command lines.",
)
@click.option("--context", envvar="RUN_RESULTS_CONTEXT", show_envvar=True, help="Context to act in, as IB-Context.")
@click.option("--run", "runs", multiple=True, metavar="ID", help="Run that can be read; repeat for more.")
@click.option("--manifest", type=_EXISTING, help="JSON file that says what is known of runs.")
@click.option("--only", multiple=True, metavar="RULE", help="Judge this rule or family; repeat for more.")
@click.option("--skip", multiple=True, metavar="RULE", help="Do not judge this rule or family; repeat for more.")
@click.option("--policy", is_flag=True, help="Count broken rules of level POLICY as breaches.")
@click.option("--max-requests", default=200, show_default=True, type=click.IntRange(1), help="Send at most so many.")
@click.option("--rate", type=_POSITIVE, metavar="N", help="Send at most N requests a second.")
@click.option("--seed", default=0, show_default=True, type=int, help="Seed of everything that is drawn.")
@click.option("--safe", is_flag=True, help="Send the token only in its header, on this machine too.")
@click.option(
    "--unsafe-methods",
    is_flag=True,
    help="Send POST, PUT, DELETE, TRACE and a made-up method too, to see them refused; "
    "only to an id that has just answered 404 to a GET.",
)
@click.option("--timeout", default=10.0, show_default=True, type=_POSITIVE, help="Seconds that a request may take.")
@click.option("--latency", default=2.0, show_default=True, type=_POSITIVE, help="Seconds in which answers should come.")
@click.option("--junit", type=_FILE, metavar="FILE", help="Write a JUnit XML report.")
@click.option("--json", "json_", type=_FILE, metavar="FILE", help="Write a JSON report.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write a report as one HTML page.")
@click.option("--verbose", "-v", is_flag=True, help="List the rules that were kept too.")
@click.pass_context
def check(
    ctx: click.Context,
    url: str,
    token_file: Path | None,
    context: str | None,
    runs: tuple[str, ...],
    manifest: Path | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    policy: bool,
    max_requests: int,
    rate: float | None,
    seed: int,
    safe: bool,
    unsafe_methods: bool,
    timeout: float,
    latency: float,
    junit: Path | None,
    json_: Path | None,
    html: Path | None,
    verbose: bool,
) -> None:
    """Verify the server at the base URL, such as https://aihub.instabase.com/api.

    The token comes from RUN_RESULTS_TOKEN or --token-file. Without --run and --manifest the run ids that the
    contract shows are tried. Exits with 0 when the server conforms, 1 when it breaks the contract, and 2 when it
    could not be judged.

    Requests go out one at a time. Only GET, HEAD and OPTIONS are sent. The rules about other methods are not judged,
    unless --unsafe-methods is given: then those methods are sent too, and only to an id that does not exist.
    """
    from run_results_conformance.server.contract import ContractError
    from run_results_conformance.verifier.connection import AddressError
    from run_results_conformance.verifier.manifest import Manifest, ManifestError
    from run_results_conformance.verifier.report import Report, to_html, to_json, to_junit
    from run_results_conformance.verifier.rules import UnknownRuleError
    from run_results_conformance.verifier.verification import VerifyError, verify

    try:
        report = verify(
            url,
            _read_token(token_file),
            runs=runs,
            manifest=Manifest.read(manifest) if manifest else None,
            context=context,
            only=only,
            skip=skip,
            max_requests=max_requests,
            rate=rate,
            seed=seed,
            safe=safe,
            unsafe_methods=unsafe_methods,
            timeout=timeout,
            latency=latency,
            policy=policy,
        )
    except (AddressError, ContractError, ManifestError, UnknownRuleError, VerifyError) as error:
        raise click.UsageError(str(error), ctx) from error
    _show(report, verbose=verbose)
    exit_code = report.exit_code
    writers: list[tuple[Path | None, Callable[[Report], str]]] = [(junit, to_junit), (json_, to_json), (html, to_html)]
    for path, write in writers:
        if path is None:
            continue
        try:
            path.write_text(write(report), "utf-8", errors="replace")
        except OSError as error:
            click.echo(f"{path} cannot be written: {error.strerror}", err=True)
            exit_code = exit_code or 2
    ctx.exit(exit_code)


def _read_token(file: Path | None) -> str:
    if file is None:
        token = os.environ.get("RUN_RESULTS_TOKEN", "")
        if not token:
            raise click.UsageError("no token: set RUN_RESULTS_TOKEN, or name a file with --token-file")
        return token
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise click.UsageError("the token file cannot be read as text") from None


def _show(report: "Report", *, verbose: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    from run_results_conformance.verifier.report import terminal_lines

    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the terminal cannot show is spelled out, and no error.
        sys.stdout.reconfigure(errors="backslashreplace")
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    for line in terminal_lines(report, verbose=verbose):
        console.print(Text.assemble(*line), soft_wrap=True)


@click.command()
@click.option("--markdown", is_flag=True, help="Write the catalogue as docs/rules.md.")
def rules(markdown: bool) -> None:
    """List the rules that `check` judges."""
    from run_results_conformance.verifier.rules import RULES
    from run_results_conformance.verifier.rules import markdown as as_markdown

    if markdown:
        sys.stdout.write(as_markdown())
        return
    for rule in RULES:
        click.echo(f"{rule.id:30} {rule.level:7} {rule.sentence}")

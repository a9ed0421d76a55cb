"""`run-results-conformance fuzz`: schemathesis asks a server random questions."""

from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import click

from .reports import (
    NEW_FILE,
    POSITIVE,
    ReportFiles,
    context_option,
    insecure_option,
    read_token,
    report_options,
    runs_option,
    show_and_write,
    token_file_option,
    write_file,
)


@click.command()
@click.argument("url", required=False)
@token_file_option
@context_option
@insecure_option
@runs_option
@click.option("--policy", is_flag=True, help="Count broken rules of level POLICY as breaches.")
@click.option("--seed", default=0, show_default=True, type=int, help="The same seed sends the same requests.")
@click.option(
    "--max-examples",
    default=60,
    show_default=True,
    type=click.IntRange(1),
    help="Random requests, after those with boundary values.",
)
@click.option(
    "--max-requests", default=600, show_default=True, type=click.IntRange(1), help="Send at most this many requests."
)
@click.option("--max-seconds", default=120.0, show_default=True, type=POSITIVE, help="Stop after this many seconds.")
@click.option("--timeout", default=10.0, show_default=True, type=POSITIVE, help="Seconds that a request may take.")
@click.option("--requests", type=NEW_FILE, metavar="FILE", help="Write each request as a curl line, without the token.")
@report_options
@click.pass_context
def fuzz(
    ctx: click.Context,
    url: str | None,
    token_file: Path | None,
    context: str | None,
    allow_insecure: bool,
    runs: tuple[str, ...],
    policy: bool,
    seed: int,
    max_examples: int,
    max_requests: int,
    max_seconds: float,
    timeout: float,
    requests: Path | None,
    files: ReportFiles,
    verbose: bool,
) -> None:
    """Let schemathesis send a server random requests.

    Without URL the requests go to a reference server, which the command starts: a way to see what it does.
    RUN_RESULTS_BASE_URL is not read.

    Only GET requests are sent, one at a time: about 90 with boundary values of each parameter, then --max-examples
    with random values. They go to the runs of --run, or else to the run ids in the examples of the contract. A few go
    to ids of no run, one goes to a path that does not exist, and a few have no token or a wrong one. If the server has
    a list of runs, about 190 boundary values and then --max-examples random ones go there, too.

    Exits with 0 when nothing is found, 1 when the server breaks the contract, and 2 when it could not be judged.

    If no public authority has signed the server's certificate, name the certificate of its authority in SSL_CERT_FILE.

    Needs more than `check`: pip install 'run-results[fuzz]'.
    """
    if find_spec("schemathesis") is None:
        raise click.UsageError("fuzz needs schemathesis: pip install 'run-results[fuzz]'", ctx)
    from run_results_conformance.fuzz import fuzz as fuzz_server
    from run_results_conformance.fuzz import standard_server
    from run_results_conformance.server.terms import SpecError
    from run_results_conformance.verifier.connection import AddressError

    with ExitStack() as stack:
        if url is None:
            url, token, known = stack.enter_context(standard_server())
            runs = runs or known
        else:
            token = read_token(token_file)
        try:
            report = fuzz_server(
                url,
                token,
                runs=runs,
                context=context,
                allow_insecure=allow_insecure,
                seed=seed,
                max_examples=max_examples,
                max_requests=max_requests,
                max_seconds=max_seconds,
                timeout=timeout,
                policy=policy,
            )
        except (AddressError, SpecError) as error:
            raise click.UsageError(str(error), ctx) from error
    code = show_and_write(report, files, verbose=verbose)
    if requests and not write_file(requests, "".join(f"{line}\n" for line in report.asked)):
        code = code or 2
    ctx.exit(code)

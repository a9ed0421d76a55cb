"""`run-results-conformance check`: verifies a server."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from run_results.files import whole_file
from run_results_conformance.verifier.traffic import MOST_WRONG_TOKENS, TRAFFIC

from .messages import complain, say
from .reports import (
    EXISTING_FILE,
    POSITIVE,
    ReportFiles,
    context_option,
    insecure_option,
    read_token,
    report_options,
    runs_option,
    show_and_write,
    split_commas,
    token_file_option,
)

if TYPE_CHECKING:
    from run_results_conformance.verifier.manifest import Manifest


@click.command(epilog=f"What is sent, one request at a time: {'; '.join(each.words for each in TRAFFIC)}.")
@click.argument("url", envvar="RUN_RESULTS_BASE_URL", required=False)
@token_file_option
@context_option
@insecure_option
@runs_option
@click.option(
    "--manifest",
    type=EXISTING_FILE,
    metavar="FILE",
    help="JSON file with what is known of the runs (see docs/manifest.md).",
)
@click.option(
    "--write-manifest",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Make a manifest from a server that you trust: read every page of each --run, check the server with what was "
    "read, and write it to FILE unless the server breaks the contract. FILE will contain the values of the runs.",
)
@click.option(
    "--only",
    multiple=True,
    callback=split_commas,
    metavar="RULE",
    help="Judge only these rules or families; repeat, or separate with commas.",
)
@click.option(
    "--skip",
    multiple=True,
    callback=split_commas,
    metavar="RULE",
    help="Leave these rules or families out; repeat, or separate with commas.",
)
@click.option("--policy", is_flag=True, help="Fail also for broken rules of level POLICY.")
@click.option(
    "--max-requests", default=250, show_default=True, type=click.IntRange(1), help="Send at most this many requests."
)
@click.option(
    "--max-seconds",
    default=300.0,
    show_default=True,
    type=POSITIVE,
    help="Stop after this many seconds; time that --rate waits does not count.",
)
@click.option("--rate", type=POSITIVE, metavar="N", help="Send at most N requests a second.")
@click.option("--seed", default=0, show_default=True, type=int, help="Seed of all random choices.")
@click.option("--safe", is_flag=True, help="Never send the token anywhere but in its header, also on this computer.")
@click.option(
    "--wrong-tokens",
    default=MOST_WRONG_TOKENS,
    show_default=True,
    type=click.IntRange(0),
    metavar="N",
    help="Send at most N requests without the right token, because a server may lock the caller out for them.",
)
@click.option(
    "--unsafe-methods",
    is_flag=True,
    help="Also send POST, PUT, DELETE, TRACE and a made-up method, to see whether they are refused. They go only to an "
    "id that has just answered 404 to a GET, and stop once one of them was not refused.",
)
@click.option("--timeout", default=10.0, show_default=True, type=POSITIVE, help="Seconds that a request may take.")
@click.option("--latency", default=2.0, show_default=True, type=POSITIVE, help="Seconds in which answers should come.")
@report_options
@click.pass_context
def check(
    ctx: click.Context,
    url: str | None,
    token_file: Path | None,
    context: str | None,
    allow_insecure: bool,
    runs: tuple[str, ...],
    manifest: Path | None,
    write_manifest: Path | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    policy: bool,
    max_requests: int,
    max_seconds: float,
    rate: float | None,
    seed: int,
    safe: bool,
    wrong_tokens: int,
    unsafe_methods: bool,
    timeout: float,
    latency: float,
    files: ReportFiles,
    verbose: bool,
) -> None:
    """Verify the server at the base URL.

    The URL, such as https://aihub.instabase.com/api, may also come from RUN_RESULTS_BASE_URL. The token comes from
    --token-file or RUN_RESULTS_TOKEN. Without --run and --manifest the run ids in the examples of the spec are tried.
    Exits with 0 when the server conforms, 1 when it breaks the contract, and 2 when it could not be judged.

    The command changes nothing on the server. What it sends is listed below. Only --unsafe-methods lets rules about
    methods other than GET and HEAD be judged.

    If no public authority has signed the server's certificate, name the certificate of its authority in SSL_CERT_FILE.
    """
    if not url:
        raise click.UsageError("no URL: give the base URL, or set RUN_RESULTS_BASE_URL", ctx)
    from run_results_conformance.server.terms import SpecError
    from run_results_conformance.verifier.connection import AddressError
    from run_results_conformance.verifier.manifest import Manifest, ManifestError
    from run_results_conformance.verifier.manifest_reader import read_manifest
    from run_results_conformance.verifier.rules import UnknownRuleError
    from run_results_conformance.verifier.verification import VerifyError, verify

    if write_manifest and (manifest or not runs or str(write_manifest) == "-"):
        raise click.UsageError("--write-manifest needs --run for each run, no --manifest, and the name of a file", ctx)
    token = read_token(token_file)
    try:
        known = Manifest.read(manifest) if manifest else None
        if write_manifest:
            known = read_manifest(
                url,
                token,
                runs,
                context=context,
                allow_insecure=allow_insecure,
                max_requests=max_requests,
                max_seconds=max_seconds,
                rate=rate,
                timeout=timeout,
            )
        report = verify(
            url,
            token,
            runs=runs,
            manifest=known,
            context=context,
            allow_insecure=allow_insecure,
            only=only,
            skip=skip,
            max_requests=max_requests,
            max_seconds=max_seconds,
            rate=rate,
            seed=seed,
            safe=safe,
            wrong_tokens=wrong_tokens,
            unsafe_methods=unsafe_methods,
            timeout=timeout,
            latency=latency,
            policy=policy,
        )
    except (AddressError, SpecError, ManifestError, UnknownRuleError, VerifyError) as error:
        raise click.UsageError(str(error), ctx) from error
    code = show_and_write(report, files, verbose=verbose)
    if write_manifest and known:
        _write_manifest(known, write_manifest, trusted=report.exit_code != 1)
    ctx.exit(code)


def _write_manifest(known: "Manifest", path: Path, *, trusted: bool) -> None:
    """Writes a manifest whole, for its owner alone, and the same for the same runs."""
    if not trusted:
        complain(f"{str(path)!r} was not written: a manifest comes from a server that keeps the contract")
        return
    text = json.dumps(known.document(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    is_new = not path.exists()
    with whole_file(path, "write the manifest") as file:
        if is_new:
            Path(file.name).chmod(0o600)
        file.write(text.encode())
    say(f"wrote {path}: it holds the values of the runs, so keep it as confidential as they are")

"""`run-results-conformance serve` and `pack`: the reference server on a port, and a folder of runs as one file."""

import ipaddress
import re
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from run_results_conformance.server.runs import Store

_SYNTHETIC = re.compile(r"(?:(?P<id>.+)=)?(?P<files>[0-9]{1,12})")


class _Synthetic(click.ParamType[tuple[str | None, int]]):
    name = "[ID=]FILES"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str | None, int]:
        found = _SYNTHETIC.fullmatch(str(value))
        if found is None:
            self.fail("give a number of files, or ID=FILES", param, ctx)
        return found["id"], int(found["files"])


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=0, type=click.IntRange(0, 65535), help="Port to listen on; 0, the default, takes a free one."
)
@click.option("--allow-remote", is_flag=True, help="Allow a host that other computers can reach.")
@click.option(
    "--runs",
    type=click.Path(exists=True, path_type=Path),
    help="Serve the runs of a folder of JSON files, or of a file made by `pack`.",
)
@click.option(
    "--synthetic",
    "synthetic",
    multiple=True,
    type=_Synthetic(),
    help="Serve a synthetic run of so many files; repeat for more runs.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Seed of the first synthetic run.")
@click.option(
    "--finish-after",
    type=click.IntRange(0),
    metavar="REQUESTS",
    help="Let synthetic runs be RUNNING for so many requests.",
)
@click.option("--page-size", default=50, show_default=True, type=click.IntRange(1), help="Files on a page.")
@click.option(
    "--token",
    "tokens",
    multiple=True,
    envvar="RUN_RESULTS_TOKEN",
    show_envvar=True,
    help="Valid token; repeat for more. Without this option a random token is made and printed.",
)
@click.option(
    "--context",
    "contexts",
    multiple=True,
    help="Put synthetic runs into this context, and let tokens act only there; repeat for more. "
    "Requests without IB-Context act in the first.",
)
@click.option("--latency", default=0.0, type=click.FloatRange(0), help="Seconds to wait before each answer.")
@click.option("--gzip", "compress", is_flag=True, help="Compress answers for clients that accept it.")
@click.option("--fault", metavar="NAME", help="Serve with one deliberate breach of the contract; `faults` lists them.")
def serve(
    host: str,
    port: int,
    allow_remote: bool,
    runs: Path | None,
    synthetic: tuple[tuple[str | None, int], ...],
    seed: int,
    finish_after: int | None,
    page_size: int,
    tokens: tuple[str, ...],
    contexts: tuple[str, ...],
    latency: float,
    compress: bool,
    fault: str | None,
) -> None:
    """Serve runs as the contract says, until Ctrl-C.

    Without --runs and --synthetic there is a run for every run id in the contract's examples. Standard output has the
    base URL and nothing else; the rest goes to standard error.
    """
    if not allow_remote and not _is_loopback(host):
        raise click.UsageError(f"{host} can be reached by other computers; to allow that, add --allow-remote")
    from run_results_conformance.faults import UnknownFault, faulty
    from run_results_conformance.server.contract import SpecError
    from run_results_conformance.server.folder import RunFileError
    from run_results_conformance.server.reference import ReferenceServer, Token
    from run_results_conformance.server.serving import serve as serving
    from run_results_conformance.server.sqlite import SqliteStoreError

    random_token = None if tokens else secrets.token_urlsafe(24)
    with ExitStack() as stack:
        try:
            store = _open_store(stack, runs, synthetic, seed, finish_after, contexts)
            accepted = (
                Token(token, frozenset(contexts) if contexts else None, contexts[0] if contexts else None)
                for token in tokens or (random_token or "",)
            )
            make = ReferenceServer if fault is None else partial(faulty, fault)
            server = make(store, *accepted, page_size=page_size, latency=latency, compress=compress)
            served = stack.enter_context(serving(server, host, port))
        except (SpecError, RunFileError, SqliteStoreError, OSError, RuntimeError, ValueError) as error:
            raise click.ClickException(str(error)) from error
        except UnknownFault as error:
            raise click.UsageError(f"{error}; `faults` lists them") from None
        click.echo(served.url)
        run_id = next((run_id for _, run_id in store), "RUN_ID")
        click.echo(_how_to_call(served.url, random_token, run_id), err=True)
        with _until_interrupted():
            served.wait()
    click.echo("stopped", err=True)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("database", type=click.Path(path_type=Path))
def pack(folder: Path, database: Path) -> None:
    """Write the runs of FOLDER to the new file DATABASE, for `serve --runs`."""
    from run_results_conformance.server.contract import SpecError
    from run_results_conformance.server.folder import RunFileError, read_folder
    from run_results_conformance.server.sqlite import SqliteStoreError, write_sqlite

    try:
        count = write_sqlite(read_folder(folder), database)
    except (SpecError, RunFileError, SqliteStoreError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{count} runs", err=True)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _open_store(
    stack: ExitStack,
    runs: Path | None,
    synthetic: tuple[tuple[str | None, int], ...],
    seed: int,
    finish_after: int | None,
    contexts: tuple[str, ...],
) -> "Store":
    from run_results_conformance.server.folder import read_folder
    from run_results_conformance.server.runs import MemoryStore, UnfinishedRun, by_polls
    from run_results_conformance.server.sqlite import SqliteStore
    from run_results_conformance.server.synthetic import SyntheticRun, example_store

    if runs is not None and synthetic:
        raise click.UsageError("give --runs or --synthetic, not both")
    if runs is not None:
        return read_folder(runs) if runs.is_dir() else stack.enter_context(SqliteStore(runs))
    if not synthetic:
        return example_store(seed=seed)
    store = MemoryStore()
    for number, (run_id, files) in enumerate(synthetic, seed):
        run = SyntheticRun(number, files, run_id=run_id or f"synthetic-{number}")
        for context in contexts or (None,):
            store.add(run if finish_after is None else UnfinishedRun(run, by_polls(finish_after)), context=context)
    return store


def _how_to_call(url: str, random_token: str | None, run_id: str) -> str:
    # The user's own token is never printed; a random one must be.
    token = f"  export RUN_RESULTS_TOKEN={random_token}\n" if random_token else ""
    return (
        f"  export RUN_RESULTS_BASE_URL={url}\n{token}"
        f"then run-results, with a run id such as {run_id}. Ctrl-C stops the server."
    )


@contextmanager
def _until_interrupted() -> Iterator[None]:
    """Ends the block without a traceback on Ctrl-C (SIGINT) and on SIGTERM."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before: Callable[..., Any] | int | None = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)

"""`run-results-conformance serve` and `pack`: the reference server on a port, and a folder of runs as one file."""

import csv
import errno
import io
import ipaddress
import json
import re
import secrets
import shlex
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .messages import say

if TYPE_CHECKING:
    from run_results_conformance.server.runs import Run, Store
    from run_results_conformance.server.serving import Served

_MOST_LOOKED_AT = 1000
"""Of how many runs the start is looked up for the message at the start."""
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
    help="Serve a synthetic run of this many files; repeat for more runs.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Seed of the first synthetic run.")
@click.option(
    "--finish-after",
    type=click.IntRange(0),
    metavar="REQUESTS",
    help="Synthetic runs are RUNNING for this many requests.",
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
    help="Put synthetic runs into this context, and let tokens read only contexts that are given; repeat for more. "
    "Requests without IB-Context read the first.",
)
@click.option("--latency", default=0.0, type=click.FloatRange(0), help="Seconds to wait before each answer.")
@click.option("--gzip", "compress", is_flag=True, help="Compress answers for clients that accept it.")
@click.option(
    "--write-names",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the project's field names of the runs to FILE (.csv, .json or text), for `run-results --names FILE`.",
)
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
    write_names: Path | None,
    fault: str | None,
) -> None:
    """Serve runs as the contract says, until Ctrl-C.

    Without --runs and --synthetic there is a run for every run id in the contract's examples. Standard output has the
    base URL and nothing else; the rest goes to standard error.
    """
    if not allow_remote and not _is_loopback(host):
        raise click.UsageError(f"{host} can be reached by other computers; to allow that, add --allow-remote")
    from run_results_conformance.faults import UnknownFault, faulty
    from run_results_conformance.server.field_names import names_in
    from run_results_conformance.server.folder import RunFileError
    from run_results_conformance.server.reference import ReferenceServer, Token
    from run_results_conformance.server.serving import serve as serving
    from run_results_conformance.server.sqlite import SqliteStoreError
    from run_results_conformance.server.terms import SpecError

    random_token = None if tokens else secrets.token_urlsafe(24)
    with ExitStack() as stack:
        try:
            store, made = _open_store(stack, runs, synthetic, seed, finish_after, contexts)
            accepted = (
                Token(token, frozenset(contexts) if contexts else None, contexts[0] if contexts else None)
                for token in tokens or (random_token or "",)
            )
            make = ReferenceServer if fault is None else partial(faulty, fault)
            server = make(store, *accepted, page_size=page_size, latency=latency, compress=compress)
            if write_names is not None:
                _write_names(write_names, names_in(store))
            served = _listen(stack, serving(server, host, port), host, port)
        except (SpecError, RunFileError, SqliteStoreError, OSError, RuntimeError, ValueError) as error:
            raise click.ClickException(str(error)) from error
        except UnknownFault as error:
            raise click.UsageError(f"{error}; `faults` lists them") from None
        with _until_interrupted():
            click.echo(served.url)
            context, run_id = next(iter(store))
            say(_how_to_call(served.url, random_token, context, run_id, _first_start(made), write_names))
            served.wait()
    say("stopped")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("database", type=click.Path(path_type=Path))
def pack(folder: Path, database: Path) -> None:
    """Write a folder of runs to one file.

    The file DATABASE must be new. `serve --runs` serves it as it serves the FOLDER.
    """
    from run_results_conformance.server.folder import RunFileError, explain_no_runs, read_folder
    from run_results_conformance.server.sqlite import SqliteStoreError, write_sqlite
    from run_results_conformance.server.terms import SpecError

    try:
        store = read_folder(folder)
        if not list(store):
            raise click.ClickException(explain_no_runs(folder))
        count = write_sqlite(store, database)
    except (SpecError, RunFileError, SqliteStoreError, OSError) as error:
        raise click.ClickException(str(error)) from error
    say(f"{count} {'run' if count == 1 else 'runs'}")


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
) -> "tuple[Store, Iterable[Run]]":
    """The store, and its runs as they are before a request: to find an unfinished one in the store lets it go on."""
    from run_results_conformance.server.folder import explain_no_runs, read_folder
    from run_results_conformance.server.runs import MemoryStore, UnfinishedRun, by_polls
    from run_results_conformance.server.sqlite import SqliteStore
    from run_results_conformance.server.synthetic import SyntheticRun, example_store

    if runs is not None and synthetic:
        raise click.UsageError("give --runs or --synthetic, not both")
    if runs is not None:
        found: Store = read_folder(runs) if runs.is_dir() else stack.enter_context(SqliteStore(runs))
        if not any(True for _ in found):
            raise click.ClickException(f"{explain_no_runs(runs)}. Without --runs, synthetic runs are served")
        return found, _all_runs(found)
    if not synthetic:
        found = example_store(seed=seed)
        return found, _all_runs(found)
    store, made = MemoryStore(), []
    for number, (run_id, files) in enumerate(synthetic, seed):
        run = SyntheticRun(number, files, run_id=run_id or f"synthetic-{number}")
        made.append(run)
        for context in contexts or (None,):
            store.add(run if finish_after is None else UnfinishedRun(run, by_polls(finish_after)), context=context)
    return store, made


def _all_runs(store: "Store") -> "Iterator[Run]":
    return (run for context, run_id in store if (run := store.find(run_id, context)) is not None)


def _first_start(runs: "Iterable[Run]") -> str | None:
    """When the earliest of the runs started, as `run-results runs --since` takes it; None where none can be listed.

    Only the first runs of a large store are looked at: it is for an example.
    """
    headers = [run.header for run in islice(runs, _MOST_LOOKED_AT)]
    starts = [each.get("start_timestamp") for each in headers if each.get("status") is not None]
    first = min((start for start in starts if isinstance(start, int)), default=None)
    return None if first is None else f"{datetime.fromtimestamp(first // 10**9, UTC):%Y-%m-%dT%H:%MZ}"


def _listen(stack: ExitStack, server: AbstractContextManager["Served"], host: str, port: int) -> "Served":
    """Starts the server. Raises ClickException, which says what to do, where the address cannot be used."""
    try:
        return stack.enter_context(server)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            why = f"port {port} of {host} is in use by another program. Choose another --port, or leave it out"
            raise click.ClickException(f"{why} to take a free one") from error
        if error.errno == errno.EACCES:
            why = f"port {port} is not for every user. Choose a --port above 1023, or leave it out"
            raise click.ClickException(f"{why} to take a free one") from error
        raise click.ClickException(f"cannot listen on --host {host}, --port {port}: {error.strerror}") from error


def _write_names(path: Path, names: tuple[str, ...]) -> None:
    """Writes a file that `run-results --names` reads: CSV, JSON or text, as its suffix says."""
    from run_results.files import whole_file

    match path.suffix.lower():
        case ".json":
            text = json.dumps(names, ensure_ascii=False, indent=1) + "\n"
        case ".csv":
            table = io.StringIO()
            csv.writer(table, lineterminator="\n").writerows([("name",), *((name,) for name in names)])
            text = table.getvalue()
        case _:
            for name in names:
                if name.startswith("#") or not name.strip() or set("\r\n") & set(name):
                    why = f"the name {name!r} cannot be a line of text (which is a comment after #)"
                    raise click.ClickException(f"{why}: give --write-names a file that ends with .csv or .json")
            text = "".join(f"{name}\n" for name in names)
    with whole_file(path, "write the names") as file:
        file.write(text.encode())


def _how_to_call(
    url: str, random_token: str | None, context: str | None, run_id: str, since: str | None, names: Path | None
) -> str:
    # The user's own token is never printed; a random one must be.
    token = f"  export RUN_RESULTS_TOKEN={random_token}\n" if random_token else ""
    acting = "" if context is None else f"  export RUN_RESULTS_CONTEXT={shlex.quote(context)}\n"
    # Synthetic runs are the same each time, so that they are not of the last 24 hours, which are listed by default.
    listed = f"  run-results runs --since {since}\n" if since else ""
    option = f" --names {shlex.quote(str(names))}" if names else ""
    hint = "" if names else " Start it with --write-names names.csv to get the project's field names, too."
    return (
        f"In another terminal:\n  export RUN_RESULTS_BASE_URL={url}\n{token}{acting}{listed}"
        f"  run-results fetch {shlex.quote(run_id)}{option}\nCtrl-C stops the server.{hint}"
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

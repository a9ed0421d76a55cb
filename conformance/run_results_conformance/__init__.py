"""run_results_conformance: a reference server for the contract, faulty servers, and a verifier for any server.

It is written from `openapi.yaml` alone and imports neither client, so that client and server cannot share a bug.

    from run_results_conformance import MemoryStore, ReferenceServer, SyntheticRun, serve

    store = MemoryStore([SyntheticRun(seed=7, files=1_000_000)])
    with serve(ReferenceServer(store, "a-token", page_size=100)) as served:
        report = verify(served.url, "a-token", runs=["synthetic-7"])
    assert report.exit_code == 0

    server       the reference server, its stores of runs, and `serve`, which puts it on a port
    faults       the same server with one deliberate breach each; `faults.network` for broken connections
    verifier     asks any server, and reports which rules it breaks
    fuzz         lets schemathesis ask random questions (extra `[fuzz]`)
    strategies   Hypothesis strategies made from the spec
    plugin       the pytest plugin
    cli          the command `run-results-conformance`
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .faults import faulty
    from .server.contract import Contract, load_contract
    from .server.folder import read_folder
    from .server.reference import ReferenceServer, Token
    from .server.runs import MemoryRun, MemoryStore, Run, Store, UnfinishedRun
    from .server.serving import Served, serve
    from .server.sqlite import SqliteStore, write_sqlite
    from .server.synthetic import SyntheticRun, example_store
    from .verifier.manifest import Manifest
    from .verifier.verification import verify

__all__ = (
    "Contract",
    "Manifest",
    "MemoryRun",
    "MemoryStore",
    "ReferenceServer",
    "Run",
    "Served",
    "SqliteStore",
    "Store",
    "SyntheticRun",
    "Token",
    "UnfinishedRun",
    "example_store",
    "faulty",
    "load_contract",
    "read_folder",
    "serve",
    "verify",
    "write_sqlite",
)

_HOMES = {
    "faults": ("faulty",),
    "server.contract": ("Contract", "load_contract"),
    "server.folder": ("read_folder",),
    "server.reference": ("ReferenceServer", "Token"),
    "server.runs": ("MemoryRun", "MemoryStore", "Run", "Store", "UnfinishedRun"),
    "server.serving": ("Served", "serve"),
    "server.sqlite": ("SqliteStore", "write_sqlite"),
    "server.synthetic": ("SyntheticRun", "example_store"),
    "verifier.manifest": ("Manifest",),
    "verifier.verification": ("verify",),
}


def __getattr__(name: str) -> Any:
    # On first use: the command line answers --help without loading a web framework.
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

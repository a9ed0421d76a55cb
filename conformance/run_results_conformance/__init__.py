"""run_results_conformance: an honest server for the contract, servers that break it, and the verifier of any.

Written from `openapi.yaml` alone. It imports neither client, so that client and server cannot share a bug.

    from run_results_conformance import MemoryStore, ReferenceServer, SyntheticRun, serve

    store = MemoryStore([SyntheticRun(seed=7, files=1_000_000)])
    with serve(ReferenceServer(store, "a-token", page_size=100)) as served:
        report = verify(served.url, "a-token", runs=["synthetic-7"])
    assert report.exit_code == 0

The data's way: a *store* finds a *run* in project terms (`runs`, `folder`, `sqlite`, `synthetic`), the
*contract* projects one slice of it to the answer (`contract`), the *reference server* decides every status
and header (`reference`), and `serve` puts it on a loopback port (`serving`). `faults` has servers with one
breach each. `verify` asks whichever server there is, and reports which `rules` it breaks (`verifier`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contract import Contract, load_contract
    from .faults import faulty
    from .folder import read_folder
    from .manifest import Manifest
    from .reference import ReferenceServer, Token
    from .runs import MemoryRun, MemoryStore, Run, Store, UnfinishedRun
    from .serving import Served, serve
    from .sqlite import SqliteStore, write_sqlite
    from .synthetic import SyntheticRun, example_store
    from .verifier import verify

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
    "contract": ("Contract", "load_contract"),
    "faults": ("faulty",),
    "folder": ("read_folder",),
    "manifest": ("Manifest",),
    "reference": ("ReferenceServer", "Token"),
    "runs": ("MemoryRun", "MemoryStore", "Run", "Store", "UnfinishedRun"),
    "serving": ("Served", "serve"),
    "sqlite": ("SqliteStore", "write_sqlite"),
    "synthetic": ("SyntheticRun", "example_store"),
    "verifier": ("verify",),
}


def __getattr__(name: str) -> Any:
    # On first use: the command line answers --help without loading a web framework.
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

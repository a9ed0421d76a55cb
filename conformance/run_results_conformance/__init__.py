"""run_results_conformance: an honest server for the contract, and what runs it.

Written from `openapi.yaml` alone. It imports neither client, so that client and server cannot share a bug.

    from run_results_conformance import MemoryStore, ReferenceServer, SyntheticRun, serve

    store = MemoryStore([SyntheticRun(seed=7, files=1_000_000)])
    with serve(ReferenceServer(store, "a-token", page_size=100)) as served:
        ...  # GET {served.url}/v2/apps/runs/synthetic-7/results

The data's way: a *store* finds a *run* in project terms (`runs`, `folder`, `sqlite`, `synthetic`), the
*contract* projects one slice of it to the answer (`contract`), the *reference server* decides every status
and header (`reference`), and `serve` puts it on a loopback port (`serving`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contract import Contract, load_contract
    from .folder import read_folder
    from .reference import ReferenceServer, Token
    from .runs import MemoryRun, MemoryStore, Run, Store, UnfinishedRun
    from .serving import Served, serve
    from .sqlite import SqliteStore, write_sqlite
    from .synthetic import SyntheticRun, example_store

__all__ = (
    "Contract",
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
    "load_contract",
    "read_folder",
    "serve",
    "write_sqlite",
)

_HOMES = {
    "contract": ("Contract", "load_contract"),
    "folder": ("read_folder",),
    "reference": ("ReferenceServer", "Token"),
    "runs": ("MemoryRun", "MemoryStore", "Run", "Store", "UnfinishedRun"),
    "serving": ("Served", "serve"),
    "sqlite": ("SqliteStore", "write_sqlite"),
    "synthetic": ("SyntheticRun", "example_store"),
}


def __getattr__(name: str) -> Any:
    # On first use: the command line answers --help without loading a web framework.
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
"""Run results: the client that was generated from the contract.

Most programs use `run_results`, which is built on this package and returns its models.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import AuthenticatedClient, Client

__all__ = ("AuthenticatedClient", "Client")


def __getattr__(name: str) -> Any:
    # Imported at the first use, because the models need no HTTP library.
    if name in __all__:
        from . import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

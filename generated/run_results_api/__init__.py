# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
"""Run results: the client that was generated from the contract.

Plumbing: `run_results` is what people use; the models here are what they hold.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import AuthenticatedClient, Client

__all__ = ("AuthenticatedClient", "Client")


def __getattr__(name: str) -> Any:
    # On first use: the models alone need no HTTP library.
    if name in __all__:
        from . import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

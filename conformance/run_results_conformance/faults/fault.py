"""What a fault is, and what a correct variant is."""

from collections.abc import Callable
from typing import Literal

from attrs import field, frozen
from starlette.types import ASGIApp

Make = Callable[..., ASGIApp]
"""`make(store, *tokens, **options)`: an application, with the arguments of `ReferenceServer`."""

Level = Literal["MUST", "POLICY"]
"""MUST: the contract forbids it. POLICY: the contract is silent, and the reference server does something else.

A value outside a parameter's schema (an offset below 0, a fraction, an empty text) must be refused. Another
*spelling* of a valid value (`+5`, `TRUE`, the parameter given twice) is POLICY, because no sentence of the contract
says how a value is spelled.
"""

Needs = Literal["nothing", "content", "contexts", "file count", "project names", "run ids", "status"]
"""What one must know to see the fault, besides one run's id and a token.

`content`: what the run and its files hold. `contexts`: which run is in which context. `run ids`: an id that is not
plain ASCII, or a second id. `file count`, `project names` and `status`: those of the run.
"""


@frozen
class Question:
    """One request, exactly as it is sent: the target is already percent-encoded."""

    target: str
    method: str = "GET"
    headers: tuple[tuple[str, str | bytes], ...] = field(default=(), repr=False)


@frozen
class Fault:
    """A server that keeps the contract except for one breach.

    `name` is unique and in kebab case. `breach` is one sentence. `make` takes the arguments of `ReferenceServer`.
    `witness` are requests to a server of `standard_store()` with pages of three files: sent in this order, at least one
    answer shows the breach. They are for tests of the catalogue; no verifier may read them.
    """

    name: str
    family: str
    breach: str
    needs: Needs
    make: Make = field(repr=False)
    level: Level = "MUST"
    witness: tuple[Question, ...] = field(default=(), repr=False)

    def describe(self) -> dict[str, str]:
        """The fault in words, for listings."""
        return {
            "name": self.name,
            "family": self.family,
            "level": self.level,
            "needs": self.needs,
            "breach": self.breach,
        }


@frozen
class Variant:
    """A server that differs from the reference server and still keeps the contract.

    `reason` says why the contract allows it. A verifier that accuses it is wrong. `unlike` names what differs from the
    store: the variant stands for a server whose runs really are like that, so a manifest made from the store must leave
    these things out.
    """

    name: str
    reason: str
    make: Make = field(repr=False)
    family: str = "correct"
    unlike: tuple[Needs, ...] = ()

    def describe(self) -> dict[str, str]:
        """The variant in words, for listings."""
        return {"name": self.name, "family": self.family, "reason": self.reason}

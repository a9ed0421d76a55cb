"""What a fault is: one deliberate breach, its name, and what one must know to see it."""

from collections.abc import Callable
from typing import Literal

from attrs import field, frozen
from starlette.types import ASGIApp

Make = Callable[..., ASGIApp]
"""`make(store, *tokens, **options)`: an application, with the arguments of `ReferenceServer`."""

Level = Literal["MUST", "POLICY"]
"""MUST: the contract forbids it. POLICY: the contract is silent, and the reference server decided otherwise.

A value outside a parameter's schema (an offset below 0, a fraction, an empty text) has to be refused. Another
*spelling* of a value inside it (`+5`, `TRUE`, the parameter given twice) is policy: no sentence fixes the
spelling.
"""

Needs = Literal["nothing", "contexts", "file count", "project names", "run ids", "status"]
"""What must be known beforehand to see the fault, besides one run's id and a token.

`contexts`: which run is in which context · `run ids`: an id that is not plain ASCII, or a second id ·
`file count`, `project names`, `status`: those of the run.
"""


@frozen
class Question:
    """One request, exactly as it goes over the wire: nothing is encoded, joined or corrected on the way."""

    target: str
    method: str = "GET"
    headers: tuple[tuple[str, str | bytes], ...] = field(default=(), repr=False)


@frozen
class Fault:
    """A server that keeps the whole contract but for one breach.

    `name` is in kebab case and unique, `breach` one sentence, `make` takes what `ReferenceServer` takes.
    `witness` are the requests, in order, to a server of `standard_store()` with pages of three files, of
    whose answers at least one shows the breach. No verifier may read it: it is there so that the catalogue
    can be tested by itself.
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
    """A server that differs from the reference server and keeps the contract all the same.

    `reason` says why the contract allows it: whoever accuses it is wrong. `unlike` names what it answers
    otherwise than its store says, because it stands for a server whose runs are so: a verifier must not be
    told that from the store.
    """

    name: str
    reason: str
    make: Make = field(repr=False)
    family: str = "correct"
    unlike: tuple[Needs, ...] = ()

    def describe(self) -> dict[str, str]:
        """The variant in words, for listings."""
        return {"name": self.name, "family": self.family, "reason": self.reason}

"""The catalogue of faults: the reference server with one deliberate breach each, and its correct variants.

    from run_results_conformance.faults import STANDARD_PAGE_SIZE, STANDARD_TOKEN, faulty, standard_store

    app = faulty("has-more-late", standard_store(), STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)
    with serve(app) as served: ...

A verifier has to find every one of `FAULTS`, and must not accuse any of `CORRECT`. `faulty` makes a server of either by
name. A fault is small: it replaces one step of the reference server (`steps`). Each family has a module. `network` has
faults of another kind: connections that break and answers that never end, for tests of clients.

    UnknownFault   no fault and no correct variant has the name
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from starlette.types import ASGIApp

from run_results_conformance.server.reference import Token
from run_results_conformance.server.runs import Store

from .authentication import AUTHENTICATION
from .content import CONTENT
from .context import CONTEXT
from .correct import CORRECT_RESULTS
from .errors import ERRORS
from .fault import Fault, Question, Variant
from .flags import FLAG_FAULTS
from .inputs import INPUTS
from .lists import CORRECT_LISTS, LISTS
from .memory import MEMORY
from .names import NAMES
from .paging import PAGING
from .shape import SHAPE
from .stability import STABILITY
from .standard import STANDARD_CONTEXT, STANDARD_PAGE_SIZE, STANDARD_RUN, STANDARD_TOKEN, standard_store
from .state import STATE
from .wire import WIRE

__all__ = (
    "CORRECT",
    "FAMILIES",
    "FAULTS",
    "STANDARD_CONTEXT",
    "STANDARD_PAGE_SIZE",
    "STANDARD_RUN",
    "STANDARD_TOKEN",
    "Fault",
    "Question",
    "UnknownFault",
    "Variant",
    "describe",
    "faulty",
    "standard_store",
)

FAULTS: tuple[Fault, ...] = (
    *SHAPE,
    *WIRE,
    *ERRORS,
    *AUTHENTICATION,
    *INPUTS,
    *PAGING,
    *FLAG_FAULTS,
    *NAMES,
    *STATE,
    *CONTENT,
    *CONTEXT,
    *STABILITY,
    *MEMORY,
    *LISTS,
)
"""Every fault, by family."""

FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(fault.family for fault in FAULTS))
"""The families that faults belong to, in the order of `FAULTS`."""

CORRECT: tuple[Variant, ...] = (*CORRECT_RESULTS, *CORRECT_LISTS)
"""Every correct variant."""

_ALL: tuple[Fault | Variant, ...] = (*FAULTS, *CORRECT)
_BY_NAME: Mapping[str, Fault | Variant] = MappingProxyType({each.name: each for each in _ALL})


class UnknownFault(LookupError):
    """No fault and no correct variant has the name."""


def faulty(name: str, store: Store, *tokens: Token | str, **options: Any) -> ASGIApp:
    """A server with the fault, or the correct variant, of this name.

    `tokens` and `options` are those of `ReferenceServer`. Without a token, `STANDARD_TOKEN` is valid. Raises
    UnknownFault, with similar names.
    """
    try:
        make = _BY_NAME[name].make
    except KeyError:
        near = get_close_matches(name, _BY_NAME, n=3)
        raise UnknownFault(f"there is no fault {name!r}" + (f"; similar: {', '.join(near)}" if near else "")) from None
    return make(store, *(tokens or (STANDARD_TOKEN,)), **options)


def describe() -> Iterator[dict[str, str]]:
    """Every fault, then every correct variant, as text: name, family, and what it breaks or why it is correct."""
    return (each.describe() for each in _ALL)

"""How to write a fault: the reference server with one wrong step.

The reference server answers a request step by step; each step is a method. A fault replaces one of them by a function.
It gets the `Call`, the method that it replaces (`honest`) and that method's arguments:

    server_with(has_more=lambda _call, honest, *arguments: not honest(*arguments))

Most faults need less than that. They use one of the functions below:

    edited            changes the page before it is written
    leaked, flagged   give properties without their flag, or use other flags
    named             makes field names by another rule
    cut, arranged     take other files, or the files in another order
    more              decides has_more
    spelled, chosen   read the text of a query parameter differently
    retargeted        reads the path differently
    found             finds runs by other ids
    admitted          accepts more tokens
    answered          changes responses of status 200 (`written` their bytes, `headed` a header)
    refused           changes responses of other statuses
"""

from .call import (
    Call,
    FaultyServer,
    Step,
    Steps,
    When,
    always,
    asked,
    asked_for,
    configured,
    every,
    last,
    late,
    later,
    server_with,
    unfinished,
)
from .page import (
    CASE,
    CASE_FIELD_NAME,
    DOCUMENT,
    FIELD,
    FIELD_NAME,
    GONE,
    Change,
    Edit,
    at,
    each,
    edited,
    flagged,
    gone,
    instead,
    leaked,
    named,
    parts,
    to,
    within,
)
from .paging import arranged, cut, cut_and_more, more
from .request import admitted, chosen, found, known, refuse, retargeted, spelled
from .response import answered, headed, refused, with_body, with_header, written

__all__ = (
    "CASE",
    "CASE_FIELD_NAME",
    "DOCUMENT",
    "FIELD",
    "FIELD_NAME",
    "GONE",
    "Call",
    "Change",
    "Edit",
    "FaultyServer",
    "Step",
    "Steps",
    "When",
    "admitted",
    "always",
    "answered",
    "arranged",
    "asked",
    "asked_for",
    "at",
    "chosen",
    "configured",
    "cut",
    "cut_and_more",
    "each",
    "edited",
    "every",
    "flagged",
    "found",
    "gone",
    "headed",
    "instead",
    "known",
    "last",
    "late",
    "later",
    "leaked",
    "more",
    "named",
    "parts",
    "refuse",
    "refused",
    "retargeted",
    "server_with",
    "spelled",
    "to",
    "unfinished",
    "with_body",
    "with_header",
    "within",
    "written",
)

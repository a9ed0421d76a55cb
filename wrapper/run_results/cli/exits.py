"""Exit codes, and the one line that goes with an error.

| code | when |
|---|---|
| 0 | it worked; fields that failed inside the run are results, and no error |
| 1 | the answer is no: names collide, a run did not settle in time, or an export cannot be gone on with |
| 2 | wrong usage or configuration, or a local file that cannot be read or written; nothing may have been sent |
| 3 | the server refused: token, rights, run or parameter; asking again does not help |
| 4 | no whole answer, or a server that failed or was too busy; asking again may help |
| 5 | the server broke the contract |
| 70 | a bug in run-results |
| 130 | interrupted, as with Ctrl-C |
| 141 | whoever read the output stopped reading, as `head` does; ends quietly |
"""

from enum import IntEnum

from run_results import errors
from run_results.text import printable


class Exit(IntEnum):
    """The exit codes; the module's docstring says when each is used."""

    OK = 0
    NO = 1
    USAGE = 2
    REFUSED = 3
    UNANSWERED = 4
    CONTRACT = 5
    BUG = 70  # EX_SOFTWARE of sysexits.h; Python's own 1 would say "no"
    INTERRUPTED = 130
    PIPE = 141


# Refusals that pass by themselves.
_PASSING = frozenset({408, 425, 429})

# The library's words and the command line's.
_WORDS = (
    ("pass token=", "give --token-file"),
    ("token=", "--token-file"),
    ("base_url=", "--base-url"),
    ("context=", "--context"),
    ("on_change='warn'", "--on-change warn"),
    ("allow_insecure=True", "--allow-insecure"),
    ("with_options(timeout=...)", "--timeout"),
    ("Raise max_body_bytes", "Use the Python client with a larger max_body_bytes"),
    ("with pages()", "with `run-results fetch`"),
    ("(resume=True)", "(--resume)"),
    ("Wide(doubled='first'), 'last' or 'list'", "--doubled first, last or list"),
    ("pip install 'run-results[arrow]'", "pip install 'run-results[arrow,cli]'"),
)


def exit_code(error: errors.RunResultsError) -> Exit:
    """The exit code for an error of the family."""
    match error:
        case errors.StatusError():
            refused = 300 <= error.status < 500 and error.status not in _PASSING
            return Exit.REFUSED if refused else Exit.UNANSWERED
        case errors.TransportError():
            return Exit.UNANSWERED
        case errors.ContractError():
            return Exit.CONTRACT
        case errors.RunNotSettledError() | errors.ExportMismatch() | errors.FieldDoubled():
            return Exit.NO
        case errors.ConfigurationError() | errors.InvalidNameError() | errors.ExportError():
            return Exit.USAGE
        case _:
            return Exit.BUG


def describe(error: errors.RunResultsError) -> str:
    """One line: what happened, where, what to do next, and how to go on with a walk that got somewhere."""
    if isinstance(error, errors.ConfigurationError):
        return printable(_translate(error.message))
    places = [f"run {error.run_id!r}"] if error.run_id is not None else []
    places += [f"offset {error.offset}"] if error.offset is not None else []
    where = f" ({', '.join(places)})" if places else ""
    hint = f". {_translate(error.hint)}" if error.hint else ""
    message = _translate(error.message) if isinstance(error, errors.ExportError) else error.message
    return printable(message + where + hint + resume(error.resume_offset))


def resume(offset: int | None) -> str:
    """How to go on from an offset; nothing where that is the beginning."""
    return f". Everything before is written; go on with --start {offset}" if offset else ""


def _translate(text: str) -> str:
    for library, command_line in _WORDS:
        text = text.replace(library, command_line)
    return text

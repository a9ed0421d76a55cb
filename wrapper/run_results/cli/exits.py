"""The exit codes: the only table of them, from which `run-results --help` is made, and which error gives which."""

from enum import IntEnum
from textwrap import fill

from run_results import errors

# Refusals that pass by themselves.
_PASSING = frozenset({408, 425, 429})


class Exit(IntEnum):
    """The exit codes, each with its meaning."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> "Exit":
        """An exit code that knows its meaning."""
        self = int.__new__(cls, code)
        self._value_ = code
        self.meaning = meaning
        return self

    OK = 0, "it worked (fields that failed inside the run are results, not an error)"
    NO = (
        1,
        "the answer is no: names check found something or no names, a run did not settle in time or gives no status, an"
        " export or a dataset of sync cannot be continued, or a wide table would have a field twice",
    )
    USAGE = 2, "wrong usage or configuration, or a local file that cannot be read or written"
    REFUSED = 3, "the server refused: token, rights, run id or parameter; asking again does not help"
    UNANSWERED = 4, "no whole answer, or a server that failed or was too busy; asking again may help"
    CONTRACT = 5, "the server broke the contract"
    BUG = 70, "a bug in run-results"  # EX_SOFTWARE of sysexits.h; Python's own 1 would mean "no"
    INTERRUPTED = 130, "interrupted (Ctrl-C)"
    PIPE = 141, "the reader of the output stopped reading, as head does"
    TERMINATED = 143, "stopped by SIGTERM"


def table() -> str:
    """The exit codes for people, one below the other."""
    return "\n".join(
        fill(f"  {code.value:<5}{code.meaning}", 78, subsequent_indent=" " * 7, break_on_hyphens=False) for code in Exit
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
        case errors.RunNotSettledError() | errors.RunStatusMissingError():
            return Exit.NO
        case errors.ExportMismatch() | errors.FieldDoubled():
            return Exit.NO
        case errors.ConfigurationError() | errors.InvalidNameError() | errors.ExportError():
            return Exit.USAGE
        case _:
            return Exit.BUG

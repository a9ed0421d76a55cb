"""The book in which the tests note down what they observe, and the page that is made of it."""

from attrs import define, field

from run_results_conformance.faults.network import ROWS, SITUATIONS

COLUMNS = ("struck at times, then honest", "struck for ever", "observed")
# Rows of the table that need no special server.
OTHERS = {
    "plain http": ("a base URL that would carry the token unencrypted", "refused before anything is sent"),
    "secrets": (
        "a token or context that cannot be sent, one that rotates",
        "refused before anything is sent, without an echo; rotation works",
    ),
    "use": (
        "two clients, sixteen threads, a closed client, a fork, a cancelled task, an interrupt",
        "no shared state between clients, no leak of connections, a clear error",
    ),
    "budget": ("many threads or tasks against a server that is down", "retries end with the budget that they share"),
    "memory": ("huge bodies", "memory stays near the limit"),
    "observation": ("an observer, logging, OpenTelemetry", "everything is seen, and redacted"),
    "transport": (
        "the caller's own httpx client, proxies from the environment, a CA of one's own, HTTP/2",
        "all keep working, with retries and limits",
    ),
    "schedules": (
        "random runs, page sizes and schedules of faults",
        "every file once and in order, or a way to resume",
    ),
    "discretion": ("the whole catalogue, and everything that can be seen of it", "neither token nor context anywhere"),
}
_HEAD = """# What the client survives

What was observed, not what is hoped for: the tests in `tests/survival` wrote this page, and fail when it no longer
says what they see. Make it anew with

    python -m pytest tests/survival --reliability docs/reliability.md

The run has seven files in pages of three. "At times" is the second page struck twice (once where it takes time), "for
ever" is every request from the second page on (from the first one on where it says so). A policy of three attempts
draws its longest waits, which are noted down and not sat out. Both clients are observed; where they differ, both are
told. Any of these servers can be had for a pipeline of one's own:
`run_results_conformance.faults.network.fault_server`.
"""


@define
class Book:
    """Observations by row, subject, column and mode."""

    _notes: dict[tuple[str, str], dict[str, dict[str, str]]] = field(factory=dict)

    def note(self, row: str, what: str, column: str, mode: str, observed: str) -> None:
        """Note down one observation."""
        assert column in COLUMNS
        assert row in ROWS or row in OTHERS
        self._notes.setdefault((row, what), {}).setdefault(column, {})[mode] = observed

    def lines(self, row: str) -> list[str]:
        """The lines of a row's table, without its head: situations in the order of the catalogue, the rest sorted."""
        order = {name: index for index, name in enumerate(SITUATIONS)}
        subjects = sorted((what for r, what in self._notes if r == row), key=lambda what: (order.get(what, 999), what))
        columns = self.columns(row)
        return [
            _line(self._subject(what), *(_merged(self._notes[row, what].get(column, {})) for column in columns))
            for what in subjects
        ]

    def columns(self, row: str) -> list[str]:
        """The columns that a row's table has."""
        used = {column for (r, _), notes in self._notes.items() if r == row for column in notes}
        return [column for column in COLUMNS if column in used]

    def rows(self) -> list[str]:
        """The rows that something was noted down for."""
        noted = {row for row, _ in self._notes}
        return [row for row in (*ROWS, *OTHERS) if row in noted]

    def page(self) -> str:
        """The page."""
        parts = [_HEAD]
        for row in self.rows():
            situations, demand = (ROWS[row].situations, ROWS[row].demand) if row in ROWS else OTHERS[row]
            columns = self.columns(row)
            table = [_line("situation", *columns), _line(*["---"] * (len(columns) + 1)), *self.lines(row)]
            parts.append(f"## {row.capitalize()}\n\nFor {situations}: {demand}.\n\n" + "\n".join(table) + "\n")
        return "\n".join(parts)

    def _subject(self, what: str) -> str:
        return f"`{what}`: {SITUATIONS[what].what}" if what in SITUATIONS else what


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _merged(by_mode: dict[str, str]) -> str:
    texts = set(by_mode.values())
    if len(texts) <= 1:
        return "".join(texts)
    return "; ".join(f"{mode}: {by_mode[mode]}" for mode in sorted(by_mode, reverse=True))


BOOK = Book()

"""The book in which the tests note down what they observe, and the page that is made of it."""

import re

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
ever" is every request from the second page on (from the first one on where it says so). A policy of three attempts,
and a patience of 70 seconds, draw their longest waits, which are noted down and not sat out. Both clients are
observed; where they differ, both are told. Any of these servers can be had for a pipeline of one's own:
`run_results_conformance.faults.network.fault_server`.
"""

_CONNECTIONS = """## How requests end

A request ends at its deadline (`timeout` seconds after it has a connection), or before that when nobody wants its answer
any more: its task is cancelled, its walk is left, its client is closed.

On connections of our own, every step ends at that moment: connecting, the TLS handshake, each read and write. The only
exception is the look-up of a name on threads, which the operating system does. The connection is closed and its place is
free again; other requests do not notice, and no retry is spent. On an HTTP/2 connection (`AsyncClient`, extra `[http2]`)
that others use, only the one request ends. `tests/survival/test_stress.py` shows it: 2,000 cancelled tasks, 500 walks
with pages ahead, 250 tasks on a server that hangs, 20 threads on four connections.

- With `[http2]`, leave the logger `hpack` above DEBUG: it writes the context, and the token in an encoded form that can
  be decoded.
- At most `max_connections` requests of a client are under way (100). A further one waits, in turn, for as many seconds
  as `timeout`; then it is a `ConnectionsBusyError`, which is not asked again. Waiting does not count as time of the
  request. Pages that are asked for ahead never wait, and hold at most half of the connections.
- `AsyncClient` has its own connections in each event loop, and closes them when the loop ends (`asyncio.run` does so):
  one client can serve one `asyncio.run` after the other, and several event loops in several threads. A process that
  forks opens its own.
- A server that asks for fewer requests (429, or 503 with a `Retry-After` that can be read) has not failed. It is asked
  again after the time that it asks for, else by backoff. That spends neither attempts nor the retry budget, but
  `patience`: the seconds that one page may wait so, all in all (300), at least one for each refusal. No single wait is
  longer than the policy's `max_retry_after` (60). Where either does not suffice, the refusal is the error, at once.
  `timeout` is for each attempt and does not count these waits; the deadline of a walk does, and ends one that would
  reach beyond it.
- Proxies come from `HTTPS_PROXY` or `ALL_PROXY`, and exceptions from `NO_PROXY`: names (and what is below them),
  addresses, networks (`10.0.0.0/8`, `fd00::/8`), each with a port or without (`[fd00::1]:8443`), patterns, `*`. The
  variables are read when a client is made; lower case counts first. Plain http and this machine are asked directly.

An HTTP client that you pass in (`http_client=`, of httpx or httpx2) is never changed, and stays open. So its connections
know no deadline, and these promises are weaker:

| | connections of our own | an `AsyncClient` that is passed in | a `Client` that is passed in |
| --- | --- | --- | --- |
| the caller is free | at the deadline | at the deadline | at the deadline, or when the step under way ends: each may take `timeout` seconds. A server that sends its headers byte by byte is waited for longer |
| the connection is free | at the same time | at once in the middle of a body (not over HTTP/2), else when the library's own time-outs end the request, and another `timeout` seconds later at the latest | with the caller |
| given up: a cancelled task, a page asked for ahead, `close` | at once | as above | at the next piece of the body, or by the library's time-outs |
| `max_connections` | the size of the pool | must not be more than the client's own limits | must not be more than the client's own limits |

The last line matters: requests that wait inside the pool of httpx for longer than their time-out can cost it a connection
for good.
"""  # noqa: E501 - a table


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
            _line(subject_of(what), *(_merged(self._notes[row, what].get(column, {})) for column in columns))
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
        parts = [_HEAD, _CONNECTIONS]
        for row in self.rows():
            situations, demand = (ROWS[row].situations, ROWS[row].demand) if row in ROWS else OTHERS[row]
            columns = self.columns(row)
            table = [_line("situation", *columns), _line(*["---"] * (len(columns) + 1)), *self.lines(row)]
            parts.append(f"## {row.capitalize()}\n\nFor {situations}: {demand}.\n\n" + "\n".join(table) + "\n")
        return "\n".join(parts)


def without_times(text: str) -> str:
    """The page, or a cell of it, without how long was waited: a slow machine meets a deadline more often."""
    text = re.sub(r"; waited [^|;]*?(?=;| \||$)", "", text, flags=re.MULTILINE)
    return re.sub(r"sync: (.*?); async: \1(?= \|)", r"\1", text)


def cell_of(page: str, row: str, what: str, column: str, mode: str) -> str:
    """What a page says of this observation; empty where it says nothing."""
    section = page.partition(f"## {row.capitalize()}\n")[2].partition("\n## ")[0]
    lines = [re.split(r"(?<!\\) \| ", line[2:-2]) for line in section.splitlines() if line.startswith("| ")]
    for subject, *cells in lines[1:]:
        if subject == _line(subject_of(what))[2:-2] and column in lines[0]:
            cell = cells[lines[0].index(column) - 1]
            both = re.fullmatch("sync: (.*); async: (.*)", cell)
            return cell if both is None else both[1 if mode == "sync" else 2]
    return ""


def subject_of(what: str) -> str:
    """The first cell of a line."""
    return f"`{what}`: {SITUATIONS[what].what}" if what in SITUATIONS else what


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _merged(by_mode: dict[str, str]) -> str:
    texts = set(by_mode.values())
    if len(texts) <= 1:
        return "".join(texts)
    return "; ".join(f"{mode}: {by_mode[mode]}" for mode in sorted(by_mode, reverse=True))


BOOK = Book()

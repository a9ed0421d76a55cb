"""The book in which the tests note down what they observe, and the page that is made of it."""

import re

from attrs import define, field

from run_results_conformance.faults.network import ROWS, SITUATIONS

COLUMNS = ("the fault comes twice", "the fault stays", "observed")
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

The tests in `tests/survival` observed everything on this page. They also wrote it, and they fail if it no longer says
what they see. To make it anew:

    python -m pytest tests/survival --reliability docs/reliability.md

In these tests the run has seven files in pages of three. A fault that *comes twice* is met on the first two requests
for the second page (only on the first one if the fault takes time). A fault that *stays* is met on every request from
the second page on, or from the first page on if the table says so. The policy has three attempts, and `patience` is
70 seconds. Of each random wait the longest is taken; waits are recorded and skipped. Both clients are observed; if
they differ, the table has both. You can use each of these servers to test your own pipeline:
`run_results_conformance.faults.network.fault_server`.
"""

_CONNECTIONS = """## How requests end

A request ends at its deadline, which is `timeout` seconds after it has a connection. It ends earlier if nobody needs its
answer any more: if its task is cancelled, its walk is left, or its client is closed. Closing a client also ends its waits
between two attempts. `timeout` is for the answer as it comes; to make a page of it takes processor time after that, at most 5
seconds for each megabyte and for most pages a small fraction of a second.

On our own connections, every step ends at that moment: connecting, the TLS handshake, each read and write. There is one
exception: with threads, the operating system looks up names, and this cannot be interrupted. The connection is closed, and
another request can take its place. Other requests are not affected, and no retry is spent. If several requests share an
HTTP/2 connection (`AsyncClient`, extra `[http2]`), only the one request ends. `tests/survival/test_stress.py` shows this
with 2,000 cancelled tasks, 500 walks that request pages ahead, 250 tasks on a server that hangs, and 20 threads on four
connections.

- With `[http2]`, leave the logger `hpack` above DEBUG: it writes the context, and the token in an encoded form that can
  be decoded.
- At most `max_connections` requests of a client are under way (100). A further request waits in a queue, for `timeout`
  seconds at most. Then it fails with a `ConnectionsBusyError`, and is not retried. Waiting does not count as time of the
  request. Pages that are requested ahead never wait, and hold at most half of the connections.
- `AsyncClient` has its own connections in each event loop, and closes them when the loop ends, as at the end of
  `asyncio.run`. So one client can serve one `asyncio.run` after the other, and several event loops in several threads. After
  a fork, the child opens its own connections.
- A server that asks for fewer requests (429, or 503 with a `Retry-After` that can be read) has not failed. The client asks
  again after the time that the server names, or else after a backoff. Such a wait spends neither attempts nor the retry
  budget. It spends `patience`: all such waits of one page together may take 300 seconds, and each counts at least one
  second. No single wait is longer than the policy's `max_retry_after` (60). If a wait would exceed either limit, the refusal
  is raised as an error at once. These waits do not count for `timeout`, which is for each attempt. They count for the
  deadline of a walk, and a wait that would end after the deadline ends the walk.
- Proxies come from `HTTPS_PROXY` or `ALL_PROXY`. `NO_PROXY` names exceptions: names (with everything below them), addresses,
  networks (`10.0.0.0/8`, `fd00::/8`), each with or without a port (`[fd00::1]:8443`), patterns, `*`. The variables are read
  when a client is made; a variable in lower case counts first. Plain http, and this machine, are never reached through a
  proxy.

An HTTP client that you pass in (`http_client=`, of httpx or httpx2) is never changed, and stays open. So its connections
have no deadline of ours, and these promises are weaker:

| | our own connections | an `AsyncClient` that is passed in | a `Client` that is passed in |
| --- | --- | --- | --- |
| the caller is free | at the deadline | at the deadline | at the deadline, or when the step under way ends: each may take `timeout` seconds. A server that sends its headers byte by byte is waited for longer |
| the connection is free | at the same time | at once in the middle of a body (not over HTTP/2), else when the library's own time-outs end the request, and another `timeout` seconds later at the latest | with the caller |
| a request is given up (a cancelled task, a page requested ahead, `close`) | at once | as above | at the next piece of the body, or by the library's time-outs |
| `max_connections` | the size of the pool | must not be more than the client's own limits | must not be more than the client's own limits |

The last line matters: if requests wait inside the pool of httpx for longer than their time-out, the pool can lose a
connection for ever.
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
            parts.append(
                f"## {row.capitalize()}\n\nSituations: {situations}.\n\nPromise: {demand}.\n\n"
                + "\n".join(table)
                + "\n"
            )
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

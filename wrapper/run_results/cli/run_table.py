"""What people see of listed runs: a line for each, and a count at the end."""

from collections import Counter

from attrs import define, field
from rich.console import Console
from rich.text import Text

from run_results import RunStatus, RunSummary, to_datetime
from run_results.text import count, printable

_STYLES = {"COMPLETE": "green", "FAILED": "red", "CANCELLED": "red"}
_LEAST_WIDTH = 60
_STATUS_WIDTH = max(map(len, RunStatus))


@define
class RunTable:
    """Draws runs as they come: status, start and end in UTC, id, and message."""

    console: Console
    counts: Counter[str] = field(factory=Counter)

    def add(self, run: RunSummary) -> None:
        """Draw a run, the first one below the names of the columns."""
        if not self.counts:
            self._print(Text(f"{'STATUS':<22}{'STARTED (UTC)':<21}{'FINISHED':<21}RUN", "bold"))
        status = printable(run.status, _STATUS_WIDTH)
        self.counts[status] += 1
        line = Text(f"{status:<22}", _STYLES.get(status, "yellow"))
        line.append(f"{_moment(run.start_timestamp):<21}{_moment(run.finish_timestamp):<21}")
        name = printable(run.id, 200) if isinstance(run.id, str) else "-"
        line.append(name)
        if isinstance(run.msg, str) and run.msg:
            line.append(f"  {printable(run.msg, 1000)}", "dim")
            line.truncate(max(self.console.width, _LEAST_WIDTH, 66 + len(name)), overflow="ellipsis")
        self._print(line)

    def summary(self, hint: str = "") -> None:
        """Draw how many runs there are, in all and of each status; where there is none, with the hint."""
        kinds = ", ".join(f"{number:,} {status}" for status, number in self.counts.most_common())
        self._print(Text(count(self.counts.total(), "run") + (f": {kinds}" if kinds else hint), "bold"))

    def _print(self, line: Text) -> None:
        self.console.print(line, soft_wrap=True)


def _moment(nanoseconds: object) -> str:
    if not isinstance(nanoseconds, int) or not nanoseconds:
        return "-"
    return f"{to_datetime(nanoseconds):%Y-%m-%d %H:%M:%S}"

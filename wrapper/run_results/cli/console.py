"""Where a command draws: the console, and the line of progress on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_BESIDE = len("⠋ ") + len(" 0:00:00") + len("^C")
"""What stands beside the text of the progress; Ctrl-C is written behind it, and must not begin another line."""
_LEAST_ROOM = 8


def console(*, color: bool, stderr: bool = False, file: TextIO | None = None) -> Console:
    """A console that prints text unchanged: no markup, no highlighting."""
    no_color = None if color else True
    return Console(file=file, stderr=stderr, no_color=no_color, markup=False, highlight=False, emoji=False)


@contextmanager
def progress(*, wanted: bool) -> Iterator[Callable[[str], None]]:
    """A line on stderr that shows the progress, and a function that changes it; nothing where it is not wanted."""
    if not wanted:
        yield lambda _: None
        return
    line = console(color=False, stderr=True)
    room = max(line.width - _BESIDE, _LEAST_ROOM)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=line, transient=True) as bar:
        task = bar.add_task(_cut("waiting for the server", room), total=None)
        yield lambda text: bar.update(task, description=_cut(text, room))


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"

"""Where a command draws: the console, and the line of progress on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column


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
    one_line = Column(no_wrap=True, overflow="ellipsis")
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", table_column=one_line, markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console(color=False, stderr=True), transient=True) as bar:
        task = bar.add_task("waiting for the server", total=None)
        yield lambda text: bar.update(task, description=text)

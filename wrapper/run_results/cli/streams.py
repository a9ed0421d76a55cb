"""The standard streams of both commands, whatever state a shell leaves them in, before anything is printed or opened.

A closed stream (`<&-`, `>&-`, `2>&-`) is None in Python, and the next file that is opened gets its number: what a
library prints would go into that file. Here each number is taken, and each stream is one again.
"""

import io
import os
import sys
from contextlib import suppress
from typing import Any


def prepare_streams(program: str) -> None:
    """Take the numbers of closed streams, and let a stderr that cannot be written change nothing.

    Exits where standard output is closed: no command has a result without it.
    """
    is_output_closed = sys.stdout is None
    for number, flags in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):  # reading and writing fail, as they should
        try:
            os.fstat(number)
        except OSError:
            # Opened files get the lowest number that is free.
            os.open(os.devnull, flags)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(_Messages(2, "wb", closefd=False)),
        encoding=sys.stderr.encoding if sys.stderr is not None else "utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )
    if is_output_closed:
        sys.stderr.write(f"{program}: error: standard output is closed\n")
        sys.exit(2)


def escape_characters() -> None:
    """Let what is printed have escapes for characters that the terminal's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def drop_output() -> None:
    """Drop what could not be written: Python would try it again at its end, and fail with a traceback."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Messages(io.FileIO):
    """Standard error. A message that cannot be written, as on a full disk, is lost and changes no exit code."""

    def write(self, content: Any) -> int:
        """Write what can be written."""
        with suppress(OSError):
            super().write(content)
        return memoryview(content).nbytes

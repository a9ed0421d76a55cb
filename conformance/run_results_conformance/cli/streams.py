"""Standard output and standard error: closed by the shell, full, or a pipe that nobody reads any more."""

import io
import os
import sys
from contextlib import suppress


def open_streams() -> bool:
    """Makes both streams usable. Gives whether there is a standard output.

    A stream that the shell has closed (`>&-`) becomes the null device; else the next file or socket would get its
    number. A character that the terminal's encoding lacks is escaped.
    """
    closed = [stream is None for stream in (sys.stdin, sys.stdout, sys.stderr)]
    if any(closed):
        while os.open(os.devnull, os.O_RDWR) <= 2:  # the lowest free number
            pass
    if closed[1]:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for the whole process
    if closed[2]:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return not closed[1]


def drop_output() -> None:
    """Drops what could not be written, which Python would try again at its end, with a traceback."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

"""Files that are whole or not there: written under another name, brought to disk, renamed.

Names of what is not finished begin with a dot and end with `.tmp`. Whatever a killed process left behind under such a
name is ours to remove; every other file that we did not write stays.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from attrs import frozen

from run_results.errors import ExportError

_DIGITS: Final = 10
_PART = re.compile(r"part-(\d{10,19})-(\d{10,19})(\.[a-z]+)")
_LONGEST: Final = 150


@frozen(order=True)
class Part:
    """The files from `start` up to `end`, which is not among them, as one file of an export."""

    start: int
    end: int
    suffix: str

    @property
    def name(self) -> str:
        """The name of the file: both offsets with at least ten digits, so that names sort as files do."""
        return f"part-{self.start:0{_DIGITS}d}-{self.end:0{_DIGITS}d}{self.suffix}"

    @classmethod
    def parse(cls, name: str) -> "Part | None":
        """The part of a file's name; None where it is no part's.

        >>> Part.parse("part-0000000000-0000000050.parquet")
        Part(start=0, end=50, suffix='.parquet')
        """
        found = _PART.fullmatch(name)
        part = cls(int(found[1]), int(found[2]), found[3]) if found else None
        return part if part and part.name == name else None


def chain(parts: set[Part]) -> list[Part]:
    """The parts that follow each other from 0 on without a gap; what is not among them counts as not there."""
    by_start = {part.start: part for part in sorted(parts)}
    result: list[Part] = []
    end = 0
    while part := by_start.pop(end, None):
        # The part of an empty run has no length: it is made anew, because a run that is empty may still be filled.
        if part.end > part.start:
            result.append(part)
            end = part.end
    return result


def safe_name(text: str) -> str:
    """A text as the name of one file or folder on any system: letters, digits, dots, dashes, and `_` for the rest.

    Where that is not the text itself, a digest of it follows, so that two texts have two names.

    >>> safe_name("run-tax-2025"), safe_name("../etc"), safe_name("Bank Statement")
    ('run-tax-2025', 'etc-f7f9121fdb53d8de', 'Bank_Statement-705f16c7ff68241d')
    """
    plain = re.sub(r"[^\w.-]+", "_", text).strip("._-")
    plain = plain.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore")
    if plain and plain == text:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{plain}-{digest}" if plain else digest


@contextmanager
def telling(what: str, path: Path) -> Iterator[None]:
    """Makes an `ExportError` of what goes wrong with a file."""
    import pyarrow as pa

    try:
        yield
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0][:300]
        raise ExportError(f"cannot {what} {str(path)!r}: {reason}", path=str(path)) from None


def temporary(path: Path) -> Path:
    """Where a file is written before it is whole."""
    return path.with_name(f".{path.name}.tmp")


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A new file to write, on disk and under its temporary name when the block ends; gone where it raises."""
    unfinished = temporary(path)
    with telling("write", path):
        unfinished.unlink(missing_ok=True)
        # `x` follows no link that somebody else put there.
        file = unfinished.open("xb")
    try:
        yield file
        with telling("write", path):
            file.flush()
            os.fsync(file.fileno())
            file.close()
    except BaseException:
        # What could not be written is still in the file's buffer, and closing it tries again.
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            unfinished.unlink()
        raise


def put_in_place(paths: list[Path]) -> None:
    """Give finished files their names, in this order, and bring that to disk."""
    for path in paths:
        with telling("write", path):
            temporary(path).replace(path)
    for folder in dict.fromkeys(path.parent for path in paths):
        sync_folder(folder)


def discard(paths: list[Path]) -> None:
    """Remove what was written under the temporary names of these files."""
    for path in paths:
        with suppress(OSError):
            temporary(path).unlink(missing_ok=True)


def write_file(path: Path, content: bytes) -> None:
    """Write a small file."""
    with whole_file(path) as file, telling("write", path):
        file.write(content)
    put_in_place([path])


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where there are none."""
    with telling("make the folder", path):
        path.mkdir(parents=True, exist_ok=True)
        # A folder in which nothing may be made is told before anything is asked of the server.
        probe = temporary(path / "probe")
        probe.unlink(missing_ok=True)
        probe.touch(exist_ok=False)
        probe.unlink()


def sync_folder(path: Path) -> None:
    """Bring the names in a folder to disk, where the system can."""
    if os.name == "nt":
        return
    with telling("write", path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def lock(path: Path) -> "Lock":
    """Keep other processes out of a folder until the result is closed. Raises `ExportError` where one is in it."""
    try:
        import fcntl
    except ImportError:  # Windows
        return Lock()
    with telling("read", path):
        descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ExportError(f"another export is writing to {str(path)!r}", path=str(path)) from None
    except OSError:  # a file system without locks
        pass
    return Lock(descriptor)


class Lock:
    """What keeps other processes out of a folder; a process that is killed lets go of it."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = descriptor

    def close(self) -> None:
        """Let others in."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

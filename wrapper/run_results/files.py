"""The one way to write files: whole, or not there. Folders, locks, and names that every system takes.

A file is written under a temporary name, brought to disk, and renamed. Temporary names begin with a dot and end with
`.tmp`, so whatever a killed process left under such a name may go. Every error is an `ExportError`.
"""

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from run_results.errors import ExportError

_LONGEST_NAME: Final = 150  # bytes; systems take 255, and a digest and a suffix are added


@contextmanager
def file_errors(action: str, path: str | os.PathLike[str], *others: type[Exception]) -> Iterator[None]:
    """Raise an `ExportError` for what goes wrong with a file: `OSError`, and errors of the other classes.

    >>> with file_errors("read", "out.csv"):
    ...     raise FileNotFoundError(2, "No such file or directory")
    Traceback (most recent call last):
    run_results.errors.ExportError: cannot read 'out.csv': No such file or directory
    """
    failures: tuple[type[Exception], ...] = (OSError, *others)
    try:
        yield
    except failures as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0][:300]
        raise ExportError(f"cannot {action} {str(path)!r}: {reason}", path=str(path)) from None


# --- Whole files -----------------------------------------------------------------------------------------------


@contextmanager
def whole_file(path: Path, action: str = "write") -> Iterator[BinaryIO]:
    """A file that gets its name in one step when the block ends, and is gone when the block raises.

    An older file of that name stays until then, and the new one gets its permissions. A link stays a link, and the file
    that it leads to is replaced. Several may write to one path at the same time: the last one to end wins. What the
    block itself raises passes through. `action` is for messages, such as `write the report`.
    """
    with file_errors(action, path, ValueError, RuntimeError):  # a NUL in the name; a link that leads to itself
        target = path.resolve()
        permissions = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
        if target.is_symlink() or (permissions is not None and not target.is_file()):
            raise ExportError(f"cannot {action} {str(path)!r}: it is there and is no file", path=str(path))
    unfinished = target.with_name(f".run-results-{secrets.token_hex(8)}.tmp")
    with new_file(unfinished, path, action) as file:
        if permissions is not None:
            with file_errors(action, path):
                unfinished.chmod(permissions)
        yield file
    try:
        with file_errors(action, path):
            unfinished.replace(target)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    sync_folder(target.parent)


@contextmanager
def new_file(path: Path, target: Path, action: str = "write") -> Iterator[BinaryIO]:
    """A new file at `path`: on disk when the block ends, and gone when the block raises.

    `target` and `action` are for messages; what the block itself raises passes through.
    """
    with file_errors(action, target):
        path.unlink(missing_ok=True)
        # `x` follows no link that somebody else put there.
        file = path.open("xb")
    try:
        yield file
        with file_errors(action, target):
            file.flush()
            os.fsync(file.fileno())
            file.close()
    except BaseException:
        # What could not be written is still in the file's buffer, and closing it tries again.
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            path.unlink()
        raise


def write_file(path: Path, content: bytes) -> None:
    """Write a small file of an export."""
    with new_file(temporary(path), path) as file, file_errors("write", path):
        file.write(content)
    publish([path])


# Several files that get their names together are each a `new_file` under its temporary name, and then published.


def temporary(path: Path) -> Path:
    """The name of a file while it is written. It is always the same one, so that the next start finds and removes it.

    >>> temporary(Path("out/fields.csv")).name
    '.fields.csv.tmp'
    """
    return path.with_name(f".{path.name}.tmp")


def publish(paths: Iterable[Path]) -> None:
    """Rename finished files from their temporary names, in this order, and bring the names to disk."""
    folders: dict[Path, None] = {}
    for path in paths:
        with file_errors("write", path):
            temporary(path).replace(path)
        folders[path.parent] = None
    for folder in folders:
        sync_folder(folder)


def discard(paths: Iterable[Path]) -> None:
    """Remove what was written under the temporary names of these files."""
    for path in paths:
        with suppress(OSError):
            temporary(path).unlink(missing_ok=True)


# --- Folders ---------------------------------------------------------------------------------------------------


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where there are none. Raises where no file can be made in it."""
    with file_errors("make the folder", path):
        new = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        probe = temporary(path / "probe")
        probe.unlink(missing_ok=True)
        probe.touch(exist_ok=False)
        probe.unlink()
    for folder in reversed(new):
        sync_folder(folder.parent)


def sync_folder(path: Path) -> None:
    """Bring the names in a folder to disk, where the system can."""
    if os.name == "nt":
        return
    with file_errors("write", path):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except PermissionError:  # names can be made in a folder that cannot be read
            return
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Lock:
    """Keeps other processes out of a folder. The lock of a killed process ends with it."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = descriptor

    def close(self) -> None:
        """Let others in."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def lock_folder(path: Path) -> Lock:
    """Keep other processes out of a folder until the lock is closed. Raises where one is in it.

    Windows, and file systems without locks, keep nobody out.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return Lock()
    with file_errors("read", path):
        descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ExportError(f"another export is writing to {str(path)!r}", path=str(path)) from None
    except OSError:  # a file system without locks
        pass
    return Lock(descriptor)


# --- Names -----------------------------------------------------------------------------------------------------


def safe_name(text: str) -> str:
    """A text as the name of one file or folder on any system: letters, digits, dots, dashes, and `_` for the rest.

    Where that is not the text itself, a digest of it follows, so that two texts have two names.

    >>> safe_name("run-tax-2025"), safe_name("../etc"), safe_name("Bank Statement")
    ('run-tax-2025', 'etc-f7f9121fdb53d8de', 'Bank_Statement-705f16c7ff68241d')
    """
    plain = re.sub(r"[^\w.-]+", "_", text).strip("._-")
    plain = plain.encode("utf-8", "replace")[:_LONGEST_NAME].decode("utf-8", "ignore")
    if plain and plain == text:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{plain}-{digest}" if plain else digest

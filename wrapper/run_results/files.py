"""The one way to write files: whole, or not there. Folders and locks; `paths` has their names.

A file is written under a temporary name, brought to disk, and renamed. Temporary names begin with a dot and end with
`.tmp`, so whatever a killed process left under such a name may go. Every error is an `ExportError`.
"""

import os
import secrets
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from run_results.errors import ExportError

_ATTEMPTS: Final = 100


@contextmanager
def file_errors(
    action: str, path: str | os.PathLike[str], *others: type[Exception], advice: str = ""
) -> Iterator[None]:
    """Raise an `ExportError` with this advice for what goes wrong with a file: `OSError`, and errors of other classes.

    >>> with file_errors("read", "out.csv"):
    ...     raise FileNotFoundError(2, "No such file or directory")
    Traceback (most recent call last):
    run_results.errors.ExportError: cannot read 'out.csv': No such file or directory
    """
    # A name that the encoding of the file system lacks is a UnicodeError.
    failures: tuple[type[Exception], ...] = (OSError, UnicodeError, *others)
    try:
        yield
    except failures as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0][:300]
        raise ExportError(f"cannot {action} {str(path)!r}: {reason}", path=str(path), advice=advice) from None


# --- Whole files -----------------------------------------------------------------------------------------------


@contextmanager
def whole_file(path: Path, action: str = "write") -> Iterator[BinaryIO]:
    """A file that gets its name in one step when the block ends, and is gone when the block raises.

    An older file of that name stays until then, and the new one gets its permissions. A link stays a link, and the file
    that it leads to is replaced. Several may write to one path at the same time: the last one to end wins. Folders
    above the file are made, and go again when the block raises. What the block itself raises passes through. `action`
    is for messages, such as `write the report`.
    """
    with file_errors(action, path, ValueError, RuntimeError):  # a NUL in the name; a link that leads to itself
        target = path.resolve()
        permissions = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
        if target.is_symlink() or (permissions is not None and not target.is_file()):
            raise ExportError(f"cannot {action} {str(path)!r}: it is there and is no file", path=str(path))
    new = [folder for folder in target.parents if not folder.exists()]
    if new:
        make_folder(target.parent)
    unfinished = target.with_name(f".run-results-{secrets.token_hex(8)}.tmp")
    try:
        with new_file(unfinished, path, action) as file:
            if permissions is not None:
                with file_errors(action, path):
                    unfinished.chmod(permissions)
            yield file
        with file_errors(action, path):
            unfinished.replace(target)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
            for folder in new:
                folder.rmdir()
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
        _make_folder(path)


def _make_folder(path: Path) -> None:
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        # `mkdir` has looked for itself; meanwhile others may have removed the folder, and made it again.
        with suppress(FileNotFoundError):
            if not stat.S_ISDIR(path.stat().st_mode):
                raise NotADirectoryError(0, "it is there and is no folder") from None
        raise FileNotFoundError(0, "it is removed again and again") from None
    with tempfile.TemporaryFile(dir=path):  # has no name: two may try this at once, and a kill leaves nothing
        pass
    for folder in reversed(new):
        _sync_folder(folder.parent)


def sync_folder(path: Path) -> None:
    """Bring the names in a folder to disk, where the system can."""
    with file_errors("write", path):
        _sync_folder(path)


def _sync_folder(path: Path) -> None:
    if os.name == "nt":
        return
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


def lock_folder(path: Path, work: str = "export") -> Lock:
    """Make a folder where there is none, and keep other processes out of it until the lock is closed.

    Raises where another process is in it; `work` is for the message. Windows, and file systems without locks, keep
    nobody out.
    """
    with file_errors("make the folder", path):
        for attempt in range(_ATTEMPTS):
            try:
                _make_folder(path)
                descriptor = _lock(path)
            except FileNotFoundError:  # whoever was in it has removed it at its end
                if attempt == _ATTEMPTS - 1:
                    raise
            except BlockingIOError:
                break
            else:
                return Lock(descriptor)
    advice = "Start again when it has ended"
    raise ExportError(f"another {work} is writing to {str(path)!r}", path=str(path), advice=advice)


def is_locked(path: Path) -> bool:
    """Whether another process is in a folder that it locked. Nothing is written."""
    try:
        descriptor = _lock(path)
    except BlockingIOError:
        return True
    except OSError:  # none is there
        return False
    Lock(descriptor).close()
    return False


def _lock(path: Path) -> int | None:
    """The descriptor that holds the lock; None where there are no locks.

    Raises `BlockingIOError` where another has it, and `FileNotFoundError` where the folder was removed meanwhile.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # a file system without locks
            pass
        if not os.path.samestat(os.fstat(descriptor), path.stat()):
            raise FileNotFoundError
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor

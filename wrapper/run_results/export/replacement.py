"""How an export takes the place of an older one: it is made whole beside it, and put in its place in one step.

    .out.next/out/...             the new export, while it is made
    .out.next/out/.replaces       it is whole, and from now on every start puts it in place
    out/...                       the old export; in one step, the new one

For one file, the mark is `.out.csv.next/.replaces`. A kill at any moment leaves a whole export at the path, the old or
the new one, and the next start does what was left. Where a system cannot exchange two folders in one step, as Windows,
there is none at the path for a moment.
"""

import ctypes
import errno
import json
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from attrs import define, evolve, field

from run_results.errors import ExportError
from run_results.export.parts import Part, remove_parts
from run_results.export.plan import Plan
from run_results.files import file_errors, lock_folder, sync_folder, temporary, write_file
from run_results.tables.options import FORMATS
from run_results.tables.schema import TABLES

_MARK: Final = ".replaces"
_NO_EXCHANGE: Final = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV}


def begin_replacement(plan: Plan) -> "Replacement | None":
    """Do what an earlier replacement left, and begin or continue one where that is wanted.

    None where the export is to be written to its own place. Raises `ExportError`.
    """
    with file_errors("read", plan.path, RuntimeError):  # a link that leads to itself
        target = plan.path.resolve()
        self = Replacement(plan, target, target.with_name(f".{target.name or 'root'}.next"))
        is_left = self.staging.exists() or (target / _MARK).exists()
    if not is_left and not plan.options.overwrite:
        return None
    try:
        self.lock()
        if self.begin():
            return self
    except BaseException:
        self.close()
        raise
    self.close()
    return None


def preview_replacement(plan: Plan) -> Plan | None:
    """The plan that an export would follow, with the same checks, and without writing anything.

    None where it would begin anew in the place of an older one. Raises `ExportError`.
    """
    with file_errors("read", plan.path, RuntimeError):
        target = plan.path.resolve()
        self = Replacement(plan, target, target.with_name(f".{target.name or 'root'}.next"))
        is_begun = self.staging.is_dir() and any(self.staging.iterdir())
    if plan.options.overwrite:
        self.check_target()
        return None
    if is_begun and not plan.options.resume:
        raise plan.already_there(plan.path)
    return self.plan if is_begun else plan


@define
class Replacement:
    """One export that is to take the place of another one."""

    _plan: Plan
    _target: Path
    """What is replaced; not a link to it."""
    staging: Path
    """The folder beside it in which the new one is made."""
    _locks: ExitStack = field(factory=ExitStack)

    @property
    def plan(self) -> Plan:
        """The plan of the new export, in the folder beside the old one."""
        options = evolve(self._plan.options, resume=True, overwrite=False)
        return evolve(self._plan, path=self._new, options=options)

    @property
    def _new(self) -> Path:
        return self.staging / self._target.name

    @property
    def _mark(self) -> Path:
        """The file that says that the new export is whole. Where folders are exchanged, it goes along."""
        return (self.staging if self._plan.is_file else self._new) / _MARK

    # Begin --------------------------------------------------------------------------------------------------------

    def lock(self) -> None:
        """Keep other exports out of the old and the new place."""
        self._locks.callback(lock_folder(self.staging).close)
        self._lock_target()
        with file_errors("replace", self._plan.path):
            if self._target.exists():  # who cannot read the old one cannot read the new one while it is made
                mode = _permissions(self._target)
                self.staging.chmod(mode | (mode & 0o444) >> 2 | stat.S_IRWXU)

    def _lock_target(self) -> None:
        folders = [self._plan.parts] if self._plan.is_file else [self._target / "_parts", self._target]
        for folder in folders:
            if folder.is_dir():
                self._locks.callback(lock_folder(folder).close)

    def begin(self) -> bool:
        """Whether a new export is to be made beside the old one."""
        self._settle()
        if self._plan.options.overwrite:
            self.check_target()
            _remove(self.staging.iterdir())
            return True
        is_begun = any(self.staging.iterdir())
        if is_begun and not self._plan.options.resume:
            raise self._plan.already_there(self._plan.path)
        return is_begun

    def check_target(self) -> None:
        """Raises where something would be lost that is not of an export."""
        path, text = self._plan.path, f"cannot replace {str(self._plan.path)!r}"
        if self._plan.is_file:
            return
        with file_errors("read", path):
            is_held = os.path.ismount(self._target) or Path.cwd().is_relative_to(self._target)
            other = next(_foreign(self._target), None)
        if is_held:
            what = "it is a mount point, or the current folder, or that is in it"
            raise ExportError(f"{text}: {what}; choose a folder in it", path=str(path))
        if other is not None:
            raise ExportError(f"{text}: {str(other)!r} is not of the export and would be lost; move it", path=str(path))

    # End ----------------------------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Put the new export, which is whole, in the place of the old one."""
        if not self._plan.is_file:
            self.check_target()  # again: something may have been put there meanwhile
        write_file(self._mark, b"")
        self._settle()

    def _settle(self) -> None:
        """Put a new export that is whole in its place, and remove what is left of the old one."""
        with file_errors("replace", self._plan.path):
            if self._mark.exists():
                if self._plan.is_file:
                    self._move_files()
                else:
                    self._exchange()
            mark = self._mark if self._plan.is_file else self._target / _MARK
            if mark.exists():
                _remove(path for path in self.staging.iterdir() if path != mark)
                if self._plan.is_file:
                    remove_parts(self._plan)
                mark.unlink()

    def _move_files(self) -> None:
        """Move the file, and then what says of what it is."""
        success = self._plan.success.name
        for new, old in ((self._new, self._target), (self.staging / success, self._target.with_name(success))):
            if new.exists():
                if old.exists():
                    new.chmod(_permissions(old))
                new.replace(old)
            sync_folder(self._target.parent)

    def _exchange(self) -> None:
        """Exchange the two folders, in one step where the system can."""
        if self._target.exists():
            self._new.chmod(_permissions(self._target))
        if self._target.exists() and not _exchange(self._new, self._target):
            self._target.replace(self.staging / "old")
        if self._mark.exists():  # nothing was there, or it is out of the way
            self._new.replace(self._target)
        for folder in (self._target.parent, self.staging):
            sync_folder(folder)

    def placed(self, path: Path) -> Path:
        """Where a file of the new export is, when that is in its place."""
        return self._plan.path.parent / path.relative_to(self.staging)

    def close(self) -> None:
        """Remove the folder beside the old export where nothing is in it, and let others in."""
        with suppress(OSError):
            self.staging.rmdir()
        self._locks.close()


def _permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _foreign(folder: Path) -> Iterator[Path]:
    """What is in the folder and not of an export."""
    ours = {"_SUCCESS", "_export.json", "_parts", _MARK, *TABLES, *_merged(folder)}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = path.name
        if name not in ours and name not in {temporary(Path(each)).name for each in ours}:
            yield path
        elif name == "_parts":
            yield from _foreign(path)
        elif name in TABLES:
            yield from (part for part in sorted(path.iterdir()) if not Part.parse_ours(part.name))


def _merged(folder: Path) -> set[str]:
    """The files that a complete export was merged into: those that it lists."""
    with suppress(OSError, ValueError, AttributeError):
        return set(json.loads((folder / "_SUCCESS").read_bytes()).get("sizes", {}))
    if not (folder / "_parts").is_dir():
        return set()
    # It was interrupted while it was merged.
    names = [*TABLES, "class-*", "unclassified"]
    patterns = [f"{name}.{known}" for name in names for known in FORMATS]
    found = (path for name in patterns for each in (name, f".{name}.tmp") for path in folder.glob(each))
    return {path.name.removeprefix(".").removesuffix(".tmp") for path in found}


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step, for which Python has no function; False where the system cannot."""
    library = ctypes.CDLL(None, use_errno=True) if sys.platform in ("linux", "darwin") else None
    paths = [os.fsencode(one), os.fsencode(other)]
    try:
        if sys.platform == "linux":
            result = (
                library.renameat2(-100, paths[0], -100, paths[1], 2) if library else -1
            )  # AT_FDCWD, RENAME_EXCHANGE
        elif sys.platform == "darwin":
            result = library.renamex_np(*paths, 2) if library else -1  # RENAME_SWAP
        else:
            return False
    except AttributeError:  # an older C library
        return False
    if result and ctypes.get_errno() not in _NO_EXCHANGE:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return not result

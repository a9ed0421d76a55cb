"""A file is whole or not there, whatever happens while it is written, and so are the folders above it."""

import os
import stat
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from run_results import errors, files
from run_results.files import lock_folder, make_folder, new_file, publish, temporary, whole_file, write_file


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    """Until the block ends there is the older file, or none; then there is the new one, and nothing else."""
    path = tmp_path / "out.html"
    for content in (b"first", b"second"):
        before = path.read_bytes() if path.exists() else None
        with whole_file(path) as file:
            file.write(content)
            file.flush()
            assert (path.read_bytes() if path.exists() else None) == before
        assert path.read_bytes() == content
        assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    """When the block raises, the older file stays as it was and the unfinished one is gone."""
    path = tmp_path / "out.html"
    path.write_bytes(b"old")
    with pytest.raises(KeyError), whole_file(path) as file:
        file.write(b"new")
        raise KeyError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_block_raises_passes_through(tmp_path: Path) -> None:
    """An error that has nothing to do with the file is not taken for one of the file's."""
    with pytest.raises(ConnectionResetError), whole_file(tmp_path / "out"):
        raise ConnectionResetError
    assert list(tmp_path.iterdir()) == []


def test_two_writers_of_one_path_do_not_mix(tmp_path: Path) -> None:
    """Each of two that write to one path at the same time writes its own file; the last one to end wins."""
    path = tmp_path / "out.html"
    with whole_file(path) as first:
        first.write(b"1" * 10)
        with whole_file(path) as second:
            second.write(b"2" * 20)
        assert path.read_bytes() == b"2" * 20
    assert path.read_bytes() == b"1" * 10


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions and links")
def test_permissions_and_links_stay(tmp_path: Path) -> None:
    """A file that is replaced keeps its permissions, and a link still leads to it."""
    path, link = tmp_path / "real.html", tmp_path / "link.html"
    path.write_bytes(b"old")
    path.chmod(0o600)
    link.symlink_to(path)
    with whole_file(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX names")
@pytest.mark.parametrize("name", ["漢" * 78 + ".html", "x" * 250, ".hidden", "a b"])
def test_every_name_of_the_system_can_be_written(name: str, tmp_path: Path) -> None:
    """The name of the unfinished file is never too long where the name itself is not."""
    with whole_file(tmp_path / name) as file:
        file.write(b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    """A folder, a place below a file and a name that no file can have are each an `ExportError`."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").touch()
    for name in ("", "file/out", "a\0b", "x" * 300, "loop"):
        writing = whole_file(tmp_path / name, "write the report")
        with pytest.raises(errors.ExportError, match=r"cannot (write the report|make the folder)"), writing:
            pass
    assert {path.name for path in tmp_path.iterdir()} == {"loop", "file"}


def test_folders_above_a_file_are_made(tmp_path: Path) -> None:
    """A file gets the folders above it; where it is not finished they go again, and others stay."""
    (tmp_path / "mine").mkdir()
    with pytest.raises(KeyError), whole_file(tmp_path / "mine" / "a" / "b" / "out"):
        raise KeyError
    assert list((tmp_path / "mine").iterdir()) == []
    with whole_file(tmp_path / "mine" / "a" / "b" / "out") as file:
        file.write(b"x")
    assert (tmp_path / "mine" / "a" / "b" / "out").read_bytes() == b"x"


def test_two_that_begin_at_once_see_no_missing_file(tmp_path: Path) -> None:
    """Of many that lock one folder while others leave and remove it, each gets in or hears that another is at work."""
    folder, seen = tmp_path / "out" / "_parts", []
    start = threading.Barrier(8)

    def enter() -> None:
        start.wait()
        for _ in range(60):
            try:
                lock = lock_folder(folder)
            except errors.ExportError as error:
                seen.append(error.message)
                continue
            with suppress(OSError):
                folder.rmdir()
                folder.parent.rmdir()
            lock.close()

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {message for message in seen if "another export is writing" not in message} == set()


def test_a_lock_is_of_the_folder_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever locks a folder that is removed at that moment makes it anew, and locks that one."""
    folder, real = tmp_path / "out", os.open
    removals = [folder.rmdir]

    def open_late(path: Any, *arguments: Any, **options: Any) -> int:
        if path == folder and removals:
            removals.pop()()
        return real(path, *arguments, **options)

    monkeypatch.setattr(files.os, "open", open_late)
    lock = lock_folder(folder)
    assert folder.is_dir()
    with pytest.raises(errors.ExportError, match="another export is writing"):
        lock_folder(folder)
    lock.close()


def test_no_link_is_followed_to_a_new_file(tmp_path: Path) -> None:
    """A link that somebody put under the temporary name is removed, and not written through."""
    (tmp_path / "mine").write_bytes(b"mine")
    temporary(tmp_path / "out").symlink_to(tmp_path / "mine")
    write_file(tmp_path / "out", b"content")
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert (tmp_path / "out").read_bytes() == b"content"


# Bringing names to disk ---------------------------------------------------------------------------------------


class Synced:
    """Which folders are synced, and which names they had by then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[Path, set[str]] = {}
        self._real, self._lock = os.fsync, threading.Lock()
        monkeypatch.setattr(files.os, "fsync", self._fsync)

    def _fsync(self, descriptor: Any) -> None:
        self._real(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_dir():
            self.names[path] = {entry.name for entry in path.iterdir()}


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds the path of a descriptor in /proc")


@needs_proc
def test_a_new_folder_is_brought_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each new folder is synced in the folder above it; one that is there already costs nothing."""
    synced = Synced(monkeypatch)
    make_folder(tmp_path / "a" / "b" / "c")
    assert "a" in synced.names[tmp_path]
    assert "b" in synced.names[tmp_path / "a"]
    assert "c" in synced.names[tmp_path / "a" / "b"]
    synced.names.clear()
    make_folder(tmp_path / "a" / "b")
    assert synced.names == {}


@needs_proc
def test_new_names_are_brought_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a file is synced after the file got its name, and so are those of files that are published."""
    synced = Synced(monkeypatch)
    with whole_file(tmp_path / "one") as file:
        file.write(b"1")
    assert synced.names.pop(tmp_path) == {"one"}
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with new_file(temporary(tmp_path / name / "part"), tmp_path / name / "part") as file:
            file.write(b"2")
    publish([tmp_path / "a" / "part", tmp_path / "b" / "part"])
    assert synced.names == {tmp_path / "a": {"part"}, tmp_path / "b": {"part"}}


@needs_proc
def test_a_relative_folder_is_brought_to_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is given by its name alone is synced in the current one."""
    monkeypatch.chdir(tmp_path)
    synced = Synced(monkeypatch)
    make_folder(Path("out"))
    assert "out" in synced.names[tmp_path]

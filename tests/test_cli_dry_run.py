"""`run-results export --dry-run`: it says what the export would do, and does nothing."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from run_results.files import lock_folder
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryStore
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

RUN = SyntheticRun(seed=1, files=10)

Heard = Callable[..., tuple[int, str, str]]


class Counting(ReferenceServer):
    """A reference server that counts the requests."""

    requests = 0

    def respond(self, request: Request) -> Response:
        """Answer as the reference server does."""
        self.requests += 1
        return super().respond(request)


@pytest.fixture
def store() -> MemoryStore:
    """One run."""
    return MemoryStore([RUN])


@pytest.fixture
def server(store: MemoryStore, token: str) -> Counting:
    """A server with the run, in two pages."""
    return Counting(store, token, page_size=7)


@pytest.fixture
def heard(server: Counting, run_command: Heard) -> Iterator[Heard]:
    """Run `export` against the server; gives code, stdout, stderr."""
    with serve(server) as served:
        yield lambda *arguments: run_command(served.url, "export", RUN.run_id, *arguments)


def content(folder: Path) -> dict[str, tuple[int, int]]:
    """Everything in a folder, with size and time."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in (folder, *folder.rglob("*"))}


def test_a_new_export_is_described_after_one_page(heard: Heard, server: Counting, tmp_path: Path) -> None:
    """A dry run asks for one page, says what would be written where, and writes nothing."""
    out = tmp_path / "deep" / "out"
    code, said, err = heard("-o", str(out), "--dry-run")
    assert (code, err, server.requests) == (0, "", 1)
    assert said.splitlines() == [
        f"{RUN.run_id}: the export begins with the first file. Nothing is written by --dry-run",
        f"  writes  {out}/fields/, {out}/documents/, {out}/files/, {out}/case_fields/ (parquet)",
        "  run     COMPLETE, at least 7 files",
    ]
    assert list(tmp_path.iterdir()) == []
    for arguments, outputs in (
        (["-o", f"{out}.csv"], [f"{out}.csv"]),
        (["-o", str(out), "--wide", "--format", "csv"], [f"{out}/class-*.csv"]),
        (["-o", str(out), "--single-file", "--tables", "files"], [f"{out}/files.parquet"]),
    ):
        assert json.loads(heard(*arguments, "--dry-run", "--json")[1])["outputs"] == outputs


def part_way(out: Path) -> None:
    """Remove the second part of an export, as if it had been interrupted."""
    (out / "_SUCCESS").unlink()
    for path in out.glob("*/part-0000000007-*"):
        path.unlink()


def other_size(out: Path) -> None:
    """Change a part that was written."""
    part_way(out)
    next(out.glob("fields/part-*")).write_bytes(b"")


def nothing_there(out: Path) -> None:
    """Remove the export."""
    shutil.rmtree(out)


def foreign_file(out: Path) -> None:
    """Put a file into the folder that no export wrote."""
    (out / "mine.txt").write_text("mine")


def whole(out: Path) -> None:
    """Leave the export whole."""


STATES = [nothing_there, whole, part_way, other_size, foreign_file]
OPTIONS = [[], ["--resume"], ["--overwrite"], ["--resume", "--typed"]]


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
@pytest.mark.parametrize("state", STATES)
def test_a_dry_run_is_refused_where_the_export_is(
    heard: Heard, tmp_path: Path, state: Callable[[Path], None], options: list[str]
) -> None:
    """Whatever is there, a dry run writes nothing, and has the code, the error and the first file of the export."""
    out = tmp_path / "out"
    heard("-o", str(out), "--rows-per-part", "1")
    state(out)
    before = content(tmp_path)
    code, said, refused = heard("-o", str(out), *options, "--dry-run", "--json")
    found = json.loads(said)
    assert content(tmp_path) == before
    made, exported, err = heard("-o", str(out), *options, "--json")
    assert (code, refused) == (made, err if made else "")
    if made == 0:
        assert found["start"] == json.loads(exported)["start"]
    assert (found["error"] is None) == (made == 0)


def test_a_dry_run_says_whether_an_export_could_be_resumed(heard: Heard, tmp_path: Path) -> None:
    """Where something is there and no option says what to do with it, the dry run says what --resume would do."""
    out = tmp_path / "out"
    heard("-o", str(out), "--rows-per-part", "1")
    part_way(out)
    code, said, err = heard("-o", str(out), "--dry-run")
    assert (code, err.count("\n")) == (2, 1)
    assert said == f"{RUN.run_id}: --resume would be accepted: it continues the export that is there, at file 7\n"
    _, said, _ = heard("-o", str(out), "--dry-run", "--typed")
    assert said.startswith(f"{RUN.run_id}: --resume would be refused, too: ")
    assert "typed was off and is on" in said


def test_a_run_that_changed_and_a_busy_folder_are_noticed(heard: Heard, store: MemoryStore, tmp_path: Path) -> None:
    """A dry run finds a run that is in another state, and a folder that another export is writing to."""
    out = tmp_path / "out"
    heard("-o", str(out), "--rows-per-part", "1")
    part_way(out)
    store.replace(SyntheticRun(seed=1, files=10, status="FAILED"))
    code, _, err = heard("-o", str(out), "--dry-run", "--resume")
    assert code == 1
    assert "the run changed since the export" in err
    assert heard("-o", str(out), "--dry-run", "--resume", "--on-change", "warn")[0] == 0
    if os.name == "posix":
        with closing(lock_folder(out)):
            code, _, err = heard("-o", str(out), "--dry-run", "--resume")
        assert code == 2
        assert "another export is writing" in err


def test_a_place_that_takes_no_files_is_noticed(heard: Heard, tmp_path: Path) -> None:
    """A dry run finds a folder that could not be made, and says nothing about resuming there."""
    (tmp_path / "file").write_text("")
    code, out, err = heard("-o", str(tmp_path / "file" / "out"), "--dry-run")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "is no folder" in err


def test_standard_output_has_no_dry_run(heard: Heard) -> None:
    """What goes to standard output is not there before and not resumed."""
    code, _, err = heard("-o", "-", "--format", "csv", "--dry-run")
    assert (code, err) == (2, "run-results: error: --dry-run goes with files\n")

"""An export is whole or can be resumed: after kills, failures and full disks, and beside files that are not ours."""

import asyncio
import errno
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import attrs
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results import AsyncClient, Client, Include, NameMap, errors
from run_results import files as folder_module
from run_results.export import Exported, job, plan
from run_results.export import parts as parts_module
from run_results.export.parts import Part, chain
from run_results.paths import safe_name, safe_names
from run_results.tables import TABLES, VERSION, Wide, columns
from run_results.text import fold
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryRun, MemoryStore
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

RUN = SyntheticRun(seed=1, files=20)
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
# What a killed process wrote is there all the same, and much sooner.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
Serve = Callable[..., str]


@pytest.fixture
def client(serve_runs: Serve, token: str) -> Iterator[Client]:
    """A client of a server with one run, which comes on three pages."""
    with Client(token=token, base_url=serve_runs(RUN)) as client:
        yield client


@pytest.fixture
def tables(client: Client) -> dict[str, pa.Table]:
    """What a whole export is to hold."""
    return {what: client.table(RUN.run_id, what) for what in TABLES}


def files_in(folder: Path) -> set[str]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def read(folder: Path, what: str) -> pa.Table:
    """A table of an export, put together from its parts in the order of their names."""
    return pa.concat_tables(pq.read_table(path) for path in sorted((folder / what).glob("part-*.parquet")))


def parts(*ends: int) -> set[str]:
    """The names of the parts that end at these files, of every table, and what stands beside them."""
    starts = (0, *ends)
    names = [f"part-{start:010}-{end:010}.parquet" for start, end in zip(starts, ends, strict=False)]
    return {f"{what}/{name}" for what in TABLES for name in names}


BESIDE = {"_SUCCESS", "_export.json"}


# Whole exports ------------------------------------------------------------------------------------------------


def test_an_export_is_a_folder_of_parts(client: Client, tables: dict[str, pa.Table], tmp_path: Path) -> None:
    """Parts are named by the files they hold, every table has the same ones, and together they are the run."""
    done = client.export(RUN.run_id, tmp_path / "out", rows_per_part=1)
    assert files_in(tmp_path / "out") == parts(7, 14, 20) | BESIDE
    for what in TABLES:
        assert read(tmp_path / "out", what).equals(tables[what])
    assert (done.start, done.files, done.case_fields) == (0, 20, 5)
    assert (done.documents, done.fields) == (len(tables["documents"]), len(tables["fields"]))
    assert done.failed == sum(tables["fields"].column("failed").to_pylist()) > 0
    assert done.paths == tuple(tmp_path / "out" / what for what in TABLES)


def test_small_pages_become_one_part(client: Client, tmp_path: Path) -> None:
    """Pages are kept until a part is worth its file; each table can be left out."""
    client.export(RUN.run_id, tmp_path, tables=["files"])
    assert files_in(tmp_path) == {"files/part-0000000000-0000000020.parquet"} | BESIDE


def test_a_part_is_written_when_time_has_passed(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow server's pages do not wait in memory for ever: what a crash costs is bounded in time."""
    monkeypatch.setattr(job, "_SECONDS", -1.0)
    client.export(RUN.run_id, tmp_path, tables=["files"])
    assert len(files_in(tmp_path / "files")) == 3


@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl", "arrow"])
def test_one_file_holds_one_table(client: Client, tables: dict[str, pa.Table], tmp_path: Path, format: str) -> None:
    """A path with a format's suffix is one file, made of parts that are gone at the end."""
    path = tmp_path / f"out.{format}"
    done = client.export(RUN.run_id, path, rows_per_part=1)
    assert done.paths == (path,)
    assert files_in(tmp_path) == {path.name, f".{path.name}.export.json"}
    fields = tables["fields"]
    if format == "parquet":
        assert pq.read_table(path).equals(fields)
        assert pq.read_metadata(path).num_row_groups == 1
    elif format == "arrow":
        with pa.ipc.open_file(path) as file:
            assert file.read_all().equals(fields)
    elif format == "csv":
        found = pyarrow.csv.read_csv(path, parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True))
        assert len(found) == len(fields)
    else:
        found = [json.loads(line)["value"] for line in path.read_text().splitlines()]
        assert found == fields.column("value").to_pylist()


def test_a_single_file_for_each_table(client: Client, tables: dict[str, pa.Table], tmp_path: Path) -> None:
    """With `single_file` a folder holds one file for each table, and says when they are whole."""
    client.export(RUN.run_id, tmp_path, rows_per_part=1, single_file=True)
    assert files_in(tmp_path) == {f"{what}.parquet" for what in TABLES} | {"_SUCCESS"}
    for what in TABLES:
        assert pq.read_table(tmp_path / f"{what}.parquet").equals(tables[what])
    again = client.export(RUN.run_id, tmp_path, single_file=True, resume=True)
    assert (again.start, again.files) == (20, 20)


def test_the_wide_view_is_a_file_for_each_class(client: Client, tmp_path: Path) -> None:
    """Each class has its file, in its name as far as a file can have it, with the very table of `table`."""
    names = NameMap(by_class=RUN.project_names())
    done = client.export(RUN.run_id, tmp_path, wide=True, names=names, rows_per_part=1)
    assert len(done.paths) == 5
    assert tmp_path / "unclassified.parquet" in done.paths
    for class_name in RUN.project_names():
        found = pq.read_table(tmp_path / f"class-{safe_name(class_name)}.parquet")
        assert found.equals(client.table(RUN.run_id, wide=class_name, names=names))
    client.export(RUN.run_id, tmp_path / "w2.csv", wide="W-2")
    assert (tmp_path / "w2.csv").read_bytes().startswith(b'"run_id","file_index","file_name"')


def test_a_doubled_field_can_be_chosen_afterwards(serve_runs: Serve, token: str, tmp_path: Path) -> None:
    """When the wide view fails at the end, what was fetched is there, and another choice needs only the last look."""
    field = {"field_name": "a", "value": "1"}
    run = MemoryRun(
        {"id": "r-2", "status": "COMPLETE"}, [{"documents": [{"class_name": "A", "fields": [field, field]}]}]
    )
    with Client(token=token, base_url=serve_runs(run)) as client:
        with pytest.raises(errors.FieldDoubled):
            client.export("r-2", tmp_path, wide=True)
        assert not list(tmp_path.glob("*.parquet"))
        assert not list(tmp_path.rglob(".*"))
        client.export("r-2", tmp_path, wide=Wide(doubled="last"), resume=True)
    assert pq.read_table(tmp_path / "class-A.parquet").column("a").to_pylist() == ["1"]


def test_classes_have_files_of_their_own(serve_runs: Serve, token: str, tmp_path: Path) -> None:
    """Classes that differ in case or form have files that do not; one that fails leaves nothing of those before it."""
    field = {"field_name": "a", "value": "1"}
    twice = [field, {"field_name": "b"}, {"field_name": "b"}]
    documents = [{"class_name": name, "fields": [field]} for name in ("C", "É", "E\u0301")]
    documents.append({"class_name": "c", "fields": twice})
    run = MemoryRun({"id": "r-3", "status": "COMPLETE"}, [{"documents": documents}])
    with Client(token=token, base_url=serve_runs(run)) as client:
        with pytest.raises(errors.FieldDoubled):
            client.export("r-3", tmp_path / "out", wide=True, format="csv")
        assert not [name for name in files_in(tmp_path) if name.endswith(".tmp")]
        done = client.export("r-3", tmp_path / "out", wide=Wide(doubled="last"), format="csv", resume=True)
    assert len({fold(path.name) for path in done.paths}) == len(done.paths) == 4


def test_an_empty_run_is_exported(serve_runs: Serve, token: str, tmp_path: Path) -> None:
    """A run without files has tables without rows on disk, and can be exported again when it has some."""
    empty = MemoryRun({"id": "r-0", "status": "RUNNING"}, [])
    filled = MemoryRun({"id": "r-0", "status": "RUNNING"}, [{"original_file_name": "a.pdf"}])
    for run, rows in ((empty, 0), (filled, 1)):
        with Client(token=token, base_url=serve_runs(run)) as client:
            client.export("r-0", tmp_path, resume=True)
            assert len(read(tmp_path, "files")) == rows
    with Client(token=token, base_url=serve_runs(empty)) as client:
        for suffix in ("parquet", "csv", "jsonl", "arrow"):
            client.export("r-0", tmp_path / f"out.{suffix}", names=NameMap(["a"]))
        assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


def test_the_async_client_exports_the_same(serve_runs: Serve, token: str, tmp_path: Path) -> None:
    """`AsyncClient` gives the same table, batches and files."""

    async def use(url: str) -> tuple[pa.Table, list[pa.RecordBatch]]:
        async with AsyncClient(token=token, base_url=url) as client:
            table = await client.table(RUN.run_id)
            batches = [batch async for batch in client.batches(RUN.run_id)]
            seen: list[Exported] = []
            await client.export(RUN.run_id, tmp_path / "out", rows_per_part=1, progress=seen.append)
            assert [each.files for each in seen] == [7, 14, 20]
            return table, batches

    table, batches = asyncio.run(use(serve_runs(RUN)))
    assert pa.Table.from_batches(batches).equals(table)
    assert read(tmp_path / "out", "fields").equals(table)
    assert files_in(tmp_path / "out") == parts(7, 14, 20) | BESIDE


# Resuming -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("form", ["parts", "single"])
def test_an_export_survives_being_killed(form: str, token: str) -> None:
    """Killed at random moments and resumed, an export has every row once, as one that was never killed."""
    kills = (500 if THOROUGH else 4) // (1 if form == "parts" else 4)
    run = SyntheticRun(seed=3, files=15)
    program = Path(__file__).with_name("killed.py")
    place = TemporaryDirectory(dir=MEMORY)
    with place as made, serve(ReferenceServer(MemoryStore([run]), token, page_size=3)) as served:
        arguments = [served.url, token, run.run_id, made, str(kills), "7", form]
        done = subprocess.run([sys.executable, str(program), *arguments], capture_output=True, text=True, timeout=600)
        assert (done.returncode, done.stderr) == (0, "")
        killed, exports = map(int, done.stdout.split())
        assert killed == kills
        with Client(token=token, base_url=served.url) as client:
            whole = {what: client.table(run.run_id, what) for what in TABLES}
        for number in range(exports):
            folder = Path(made, str(number))
            left = files_in(folder)
            assert "_SUCCESS" in left
            assert not [name for name in left if name.endswith(".tmp")]
            for what in TABLES:
                found = pq.read_table(folder / f"{what}.parquet") if form == "single" else read(folder, what)
                assert found.equals(whole[what])


def test_a_run_that_does_not_exist_leaves_nothing(client: Client, tmp_path: Path) -> None:
    """An export that comes to nothing leaves no folder behind that was not there."""
    (tmp_path / "mine").mkdir()
    choices: list[dict[str, Any]] = [{}, {"single_file": True}, {"wide": True}]
    for options in choices:
        for name in ("mine", "new"):
            with pytest.raises(errors.NotFoundError):
                client.export("no-such-run", tmp_path / name, **options)
    with pytest.raises(errors.NotFoundError):
        client.export("no-such-run", tmp_path / "new.csv")
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]


class Failing(ReferenceServer):
    """A reference server that fails from one offset on, while `broken` is set."""

    broken = True

    def read_offset(self, request: Any) -> int:
        """Break the connection."""
        offset = super().read_offset(request)
        if self.broken and offset >= 14:
            raise ConnectionResetError
        return offset


def test_what_came_before_a_failure_is_kept(token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the server fails on the way, the pages that came are a part, and resuming fetches only the rest."""
    monkeypatch.setattr("run_results.http.sender.time.sleep", lambda seconds: None)
    server = Failing(MemoryStore([RUN]), token, page_size=7)
    asked: list[Any] = []
    with serve(server) as served, Client(token=token, base_url=served.url, observe=asked.append) as client:
        with pytest.raises(errors.RunResultsError) as caught:
            client.export(RUN.run_id, tmp_path)
        assert caught.value.resume_offset == 14
        assert files_in(tmp_path) == parts(14) | {"_export.json"}
        server.broken = False
        asked.clear()
        done = client.export(RUN.run_id, tmp_path, resume=True)
        assert (done.start, done.files) == (14, 20)
        assert {event.offset for event in asked if hasattr(event, "attempt")} == {14}
        whole = client.table(RUN.run_id)
    assert read(tmp_path, "fields").equals(whole)
    assert files_in(tmp_path) == parts(14, 20) | BESIDE


def test_what_was_left_unfinished_is_cleared_away(client: Client, tables: dict[str, pa.Table], tmp_path: Path) -> None:
    """Parts behind a gap or of some tables only, and temporaries, are ours and go; other files stay as they are."""
    client.export(RUN.run_id, tmp_path, rows_per_part=1)
    ours = ["fields/.part-0000000007-0000000014.parquet.tmp", "files/part-0000000014-0000000015.parquet"]
    foreign = ["README.txt", "fields/notes.parquet", "fields/.part-x.tmp", "fields/part-1-2.parquet", "files/part.csv"]
    (tmp_path / "documents" / "part-0000000007-0000000014.parquet").unlink()
    for name in ours + foreign:
        (tmp_path / name).write_text("hello")
    done = client.export(RUN.run_id, tmp_path, rows_per_part=1, resume=True)
    assert done.start == 7
    assert files_in(tmp_path) == parts(7, 14, 20) | BESIDE | set(foreign)
    assert all((tmp_path / name).read_text() == "hello" for name in foreign)
    for what in ("documents", "files", "case_fields"):
        assert read(tmp_path, what).equals(tables[what]) or what == "fields"


def test_temporary_files_of_a_lost_step_go_at_the_next_start(client: Client, tmp_path: Path) -> None:
    """What a power loss between two steps left under a temporary name goes; other temporary files stay."""
    forms: list[tuple[str, dict[str, Any], list[str]]] = [
        ("x.csv", {}, [".x.csv.tmp", "..x.csv.export.json.tmp"]),
        (
            "parts",
            {},
            ["parts/._SUCCESS.tmp", "parts/._export.json.tmp", "parts/fields/.part-0000000000-0000000007.parquet.tmp"],
        ),
        ("one", {"single_file": True}, ["one/._SUCCESS.tmp", "one/.fields.parquet.tmp"]),
        ("wide", {"wide": True}, ["wide/.class-Gone.parquet.tmp", "wide/.unclassified.parquet.tmp"]),
    ]
    for path, options, left in forms:
        client.export(RUN.run_id, tmp_path / path, **options)
        before = files_in(tmp_path)
        for name in left:
            (tmp_path / name).write_text("half")
        (tmp_path / ".mine.tmp").write_text("mine")
        client.export(RUN.run_id, tmp_path / path, resume=True, **options)
        assert files_in(tmp_path) == before | {".mine.tmp"}


def test_nothing_is_removed_before_the_run_is_seen(
    client: Client, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts behind a gap stay until the server has answered; `_SUCCESS` goes before the first of them does."""
    client.export(RUN.run_id, tmp_path, rows_per_part=1)
    (tmp_path / "files" / "part-0000000000-0000000007.parquet").unlink()
    before = files_in(tmp_path)
    monkeypatch.setattr("run_results.http.sender.time.sleep", lambda seconds: None)
    with Client(token=token, base_url="http://127.0.0.1:1") as nobody, pytest.raises(errors.TransportError):
        nobody.export(RUN.run_id, tmp_path, resume=True)
    assert files_in(tmp_path) == before
    seen: list[set[str]] = []
    client.export(
        RUN.run_id, tmp_path, rows_per_part=1, resume=True, progress=lambda _: seen.append(files_in(tmp_path))
    )
    assert all("_SUCCESS" not in files for files in seen)
    assert files_in(tmp_path) == parts(7, 14, 20) | BESIDE


def test_nothing_is_written_over_unasked(client: Client, tmp_path: Path) -> None:
    """An export that is there is an error without `resume`; what else is in the folder is none."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    client.export(RUN.run_id, tmp_path / "out")
    client.export(RUN.run_id, tmp_path / "out.csv")
    client.export(RUN.run_id, tmp_path / "one", single_file=True)
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in files_in(tmp_path)}
    there: list[tuple[str, dict[str, Any]]] = [("out", {}), ("out.csv", {}), ("one", {"single_file": True})]
    for name, options in there:
        with pytest.raises(errors.ExportError, match=r"there is an export at .* already"):
            client.export(RUN.run_id, tmp_path / name, **options)
    assert client.export(RUN.run_id, tmp_path / "out.csv", resume=True).paths == (tmp_path / "out.csv",)
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in files_in(tmp_path)} == before


def test_the_numbers_of_a_resumed_export_are_of_the_whole(client: Client, tmp_path: Path) -> None:
    """What an export reports is what is in it, however often it was interrupted and in whatever form it is."""
    for name, options in (("out", {}), ("one", {"single_file": True}), ("out.csv", {}), ("csv", {"format": "csv"})):
        once = client.export(RUN.run_id, tmp_path / "once" / name, rows_per_part=1, **options)

        def interrupted(exported: Exported) -> None:
            if exported.files == 14:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            client.export(RUN.run_id, tmp_path / name, rows_per_part=1, progress=interrupted, **options)
        done = client.export(RUN.run_id, tmp_path / name, resume=True, **options)
        again = client.export(RUN.run_id, tmp_path / name, resume=True, **options)
        assert (done.start, again.start) == (14, 20)
        others = ("start", "path", "paths", "guessed", "guessed_names", "guesses")
        same = {name: getattr(once, name) for name in others}
        assert attrs.evolve(done, **same) == attrs.evolve(again, **same) == once


def test_a_class_that_no_document_has_comes_with_those_there_are(client: Client, tmp_path: Path) -> None:
    """Where the wide view is of a class that did not come, its classes are listed, also by one that is resumed."""
    expected = list(dict.fromkeys(client.table(RUN.run_id, "documents")["class_name"].to_pylist()))
    for resume in (False, True):
        done = client.export(RUN.run_id, tmp_path / "out.csv", wide="w-2", resume=resume)
        assert (done.unmet_class, list(done.classes)) == ("w-2", expected)
    assert "W-2" in expected


def test_a_complete_export_is_only_looked_at(client: Client, tmp_path: Path) -> None:
    """Resuming a complete export asks once, whether the run is still the same, and changes no part."""
    first = client.export(RUN.run_id, tmp_path)
    before = {name: (tmp_path / name).stat().st_ino for name in parts(20)}
    done = client.export(RUN.run_id, tmp_path, resume=True)
    since = {name: getattr(done, name) for name in ("start", "guessed", "guessed_names", "guesses")}
    assert done == attrs.evolve(first, **since), "the other numbers are of the whole export"
    assert {name: (tmp_path / name).stat().st_ino for name in parts(20)} == before


CHANGES = {
    "status": "FAILED",
    "start_timestamp": 1_500_000_000_000_000_000,
    "finish_timestamp": 1_800_000_000_000_000_000,
    "review_completed": False,
    "batch_id": "another",
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_run_that_changed_is_not_resumed(name: str, serve_runs: Serve, token: str, tmp_path: Path) -> None:
    """Parts of a run as it was are never put beside parts of the run as it is, unless the caller says so."""
    changed = MemoryRun(dict(RUN.header) | {name: CHANGES[name]}, RUN.files(0, 20))
    with Client(token=token, base_url=serve_runs(RUN)) as client:
        client.export(RUN.run_id, tmp_path, rows_per_part=1)
    for what in TABLES:
        (tmp_path / what / "part-0000000014-0000000020.parquet").unlink()
    before = files_in(tmp_path)
    with Client(token=token, base_url=serve_runs(changed)) as client:
        with pytest.raises(errors.ExportMismatch, match=f"the run changed .*{name} from"):
            client.export(RUN.run_id, tmp_path, resume=True)
        assert files_in(tmp_path) == before
        client.with_options(on_change="warn").export(RUN.run_id, tmp_path, resume=True)
    assert len(read(tmp_path, "files")) == 20


OTHERS: dict[str, dict[str, Any]] = {
    "include was all and is none": {"include": Include.NONE},
    "include was all and is review,source": {"include": Include.REVIEW | Include.SOURCE},
    "the names changed": {"names": NameMap(["a"])},
    "typed was off and is on": {"typed": True},
    "tables was fields, documents, files, case_fields and is fields": {"tables": ["fields"]},
    "format was parquet and is csv": {"format": "csv"},
    "include was all and is none; the names changed": {"include": Include.NONE, "names": NameMap(["a"])},
}


@pytest.mark.parametrize("change", OTHERS)
def test_other_options_are_not_resumed(change: str, client: Client, tmp_path: Path) -> None:
    """An export is resumed with the options that it began with; else each that changed is named, with its values."""
    client.export(RUN.run_id, tmp_path, tables=TABLES if "tables" in change else ["fields"])
    with pytest.raises(errors.ExportMismatch) as caught:
        client.export(RUN.run_id, tmp_path, resume=True, **{"tables": ["fields"], **OTHERS[change]})
    assert caught.value.message.partition("other options: ")[2].startswith(change)
    assert not re.search("[0-9a-f]{16}", caught.value.message.replace(str(tmp_path), "")), "no digest is shown"
    assert caught.value.hint == "Replace it with overwrite=True, or choose another place"


def test_the_same_names_in_another_order_are_the_same(client: Client, tmp_path: Path) -> None:
    """An export is resumed with the names that it began with, in whatever order they are given."""
    client.export(RUN.run_id, tmp_path, names=NameMap(["a", "b"]))
    assert client.export(RUN.run_id, tmp_path, names=NameMap(["b", "a"]), resume=True).start == 20


def test_an_export_with_other_columns_is_not_resumed(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of a version whose tables have a column more or less are not mixed with parts of this one."""
    with monkeypatch.context() as older:
        older.setattr(plan, "columns", lambda what, typed: columns(what, typed=typed)[:-1])
        client.export(RUN.run_id, tmp_path)
    with pytest.raises(errors.ExportMismatch, match="tables have other columns"):
        client.export(RUN.run_id, tmp_path, resume=True)


@pytest.mark.parametrize("name", ["out", "out.csv"])
def test_an_export_of_an_older_schema_is_not_resumed(name: str, client: Client, tmp_path: Path) -> None:
    """Tables of version 1 of the schema are not mixed with those of this one; the error says so, and what to do."""
    path = tmp_path / name
    client.export(RUN.run_id, path)
    manifest = path / "_SUCCESS" if name == "out" else tmp_path / f".{name}.export.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(content | {"options": content["options"] | {"schema_version": 1}}))
    before = {name: (tmp_path / name).read_bytes() for name in files_in(tmp_path)}
    with pytest.raises(errors.ExportMismatch, match=f"version 1 of the tables' schema; this is version {VERSION}") as e:
        client.export(RUN.run_id, path, resume=True)
    assert "Replace it with overwrite=True" in str(e.value)
    assert {name: (tmp_path / name).read_bytes() for name in files_in(tmp_path)} == before


@pytest.mark.parametrize("name", ["out", "out.csv"])
def test_an_export_of_another_version_is_not_resumed(name: str, client: Client, tmp_path: Path) -> None:
    """What another version of run-results wrote is refused as that, and stays as it is."""
    path = tmp_path / name
    client.export(RUN.run_id, path)
    manifest = path / "_SUCCESS" if name == "out" else tmp_path / f".{name}.export.json"
    content = json.loads(manifest.read_text())
    for version in ({}, {"version": 99}):
        manifest.write_text(json.dumps({key: content[key] for key in ("options", "state", "files")} | version))
        before = {name: (tmp_path / name).read_bytes() for name in files_in(tmp_path)}
        with pytest.raises(errors.ExportMismatch, match="another version of run-results wrote"):
            client.export(RUN.run_id, path, resume=True)
        assert {name: (tmp_path / name).read_bytes() for name in files_in(tmp_path)} == before


@pytest.mark.parametrize(
    ("name", "options"),
    [("fields.parquet", {"single_file": True}), ("class-Mine.csv", {"wide": True, "format": "csv"})],
)
def test_a_file_of_the_same_name_is_not_written_over(
    name: str, options: dict[str, Any], client: Client, tmp_path: Path
) -> None:
    """Where a file that is not ours has the name that one of ours would get, nothing is begun, and it stays."""
    (tmp_path / name).write_text("mine")
    for resume in (False, True):
        with pytest.raises(errors.ExportError, match="not ours"):
            client.export(RUN.run_id, tmp_path, resume=resume, **options)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_refused_export_leaves_what_was_there(client: Client, tmp_path: Path) -> None:
    """An export that is refused adds nothing to the folder, not even an empty one."""
    client.export(RUN.run_id, tmp_path / "out", single_file=True)
    before = sorted(path.name for path in (tmp_path / "out").iterdir())
    with pytest.raises(errors.ExportMismatch):
        client.export(RUN.run_id, tmp_path / "out", wide=True, resume=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == before


def test_another_run_is_not_resumed(serve_runs: Serve, token: str, tmp_path: Path) -> None:
    """A folder belongs to one run; a part that was put there from another export is noticed, too."""
    other = SyntheticRun(seed=2, files=20)
    with Client(token=token, base_url=serve_runs(RUN, other)) as client:
        client.export(RUN.run_id, tmp_path / "a", rows_per_part=1)
        client.export(other.run_id, tmp_path / "b", rows_per_part=1)
        with pytest.raises(errors.ExportMismatch, match="run_id"):
            client.export(other.run_id, tmp_path / "a", resume=True)
        stray = "files/part-0000000007-0000000014.parquet"
        (tmp_path / "a" / stray).write_bytes((tmp_path / "b" / stray).read_bytes())
        with pytest.raises(errors.ExportMismatch, match="is of another export"):
            client.export(RUN.run_id, tmp_path / "a", resume=True)
        (tmp_path / "b" / stray).write_bytes(b"PAR1 cut")
        with pytest.raises(errors.ExportMismatch, match=r": 8 bytes, and \d+ were\. Remove it and continue"):
            client.export(other.run_id, tmp_path / "b", resume=True)
        (tmp_path / "b" / "_export.json").write_text("[]")
        with pytest.raises(errors.ExportMismatch, match="not what an export writes"):
            client.export(other.run_id, tmp_path / "b", resume=True)
        (tmp_path / "b" / "_export.json").unlink()
        with pytest.raises(errors.ExportError):
            client.export(other.run_id, tmp_path / "b", resume=True)


@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl", "arrow"])
def test_a_part_that_is_not_as_it_was_written_is_refused(format: Any, client: Client, tmp_path: Path) -> None:
    """A part that is empty, cut, or named for files that it does not hold is refused, and can be fetched again."""
    client.export(RUN.run_id, tmp_path, rows_per_part=1, format=format, tables=["files"])
    whole = {path.name: path.read_bytes() for path in (tmp_path / "files").iterdir()}
    part = tmp_path / "files" / f"part-0000000007-0000000014.{format}"
    for content in (b"", whole[part.name][:-1]):
        part.write_bytes(content)
        with pytest.raises(errors.ExportMismatch, match=r"is not the part that was written.* Remove it and continue"):
            client.export(RUN.run_id, tmp_path, resume=True, format=format, tables=["files"])
    longer = part.with_name(f"part-0000000007-0000000020.{format}")
    longer.write_bytes(whole[part.name])
    part.unlink()
    with pytest.raises(errors.ExportMismatch, match="is not the part that was written"):
        client.export(RUN.run_id, tmp_path, resume=True, format=format, tables=["files"])
    longer.unlink()
    client.export(RUN.run_id, tmp_path, rows_per_part=1, resume=True, format=format, tables=["files"])
    assert {path.name: path.read_bytes() for path in (tmp_path / "files").iterdir()} == whole


@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl", "arrow"])
def test_a_whole_file_is_known_for_what_it_is(format: str, serve_runs: Serve, token: str, tmp_path: Path) -> None:
    """Resuming one file is refused where it is of another run or other options, was changed, or is not ours."""
    other = SyntheticRun(seed=2, files=20, run_id="other")
    path = tmp_path / f"a.{format}"
    with Client(token=token, base_url=serve_runs(RUN, other)) as client:
        client.export(RUN.run_id, path)
        others: list[tuple[str, dict[str, Any], str]] = [
            (other.run_id, {}, "other options: run_id"),
            (RUN.run_id, {"typed": True}, "other options: typed"),
            (RUN.run_id, {"wide": "W-2"}, "other options"),
        ]
        for run_id, options, why in others:
            with pytest.raises(errors.ExportMismatch, match=why):
                client.export(run_id, path, resume=True, **options)
        again = client.export(RUN.run_id, path, resume=True)
        assert (again.start, again.files, again.paths) == (20, 20, (path,))
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(errors.ExportMismatch, match=r"has \d+ bytes, and \d+ were written"):
            client.export(RUN.run_id, path, resume=True)
        mine = tmp_path / f"mine.{format}"
        mine.write_text("mine")
        (tmp_path / f"{mine.name}.parts").mkdir()
        with pytest.raises(errors.ExportMismatch, match="is no file of an export"):
            client.export(RUN.run_id, mine, resume=True)
        assert mine.read_text() == "mine"


@pytest.mark.parametrize("name", ["out", "out.csv"])
def test_a_run_that_grew_is_not_taken_for_exported(
    name: str, serve_runs: Serve, token: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A run that is still working is exported with a warning; when it has more, one file does not count as all."""
    header = dict(RUN.header) | {"status": "RUNNING"}
    for count in (10, 20):
        with Client(token=token, base_url=serve_runs(MemoryRun(header, RUN.files(0, count)))) as client:
            if count == 20:
                with pytest.raises(errors.ExportMismatch, match="the run has more files than the 10"):
                    client.export(RUN.run_id, tmp_path / name, single_file=True, resume=True)
                continue
            for resume in (False, True):
                caplog.clear()
                done = client.export(RUN.run_id, tmp_path / name, single_file=True, resume=resume)
                assert (done.files, done.unfinished) == (10, "RUNNING")
                assert "is not finished (RUNNING): it may get more files than the 10" in caplog.text


def test_a_missing_result_is_an_error(client: Client, tmp_path: Path) -> None:
    """A complete export of which a file is gone, or was changed, is not complete; foreign files are not its own."""
    client.export(RUN.run_id, tmp_path / "one", single_file=True)
    client.export(RUN.run_id, tmp_path / "wide", wide=True)
    (tmp_path / "wide" / "mine.parquet").write_text("mine")
    done = client.export(RUN.run_id, tmp_path / "wide", wide=True, resume=True)
    assert tmp_path / "wide" / "mine.parquet" not in done.paths
    assert len(done.paths) == 5
    wholes: list[tuple[str, dict[str, Any], str]] = [
        ("one", {"single_file": True}, "fields.parquet"),
        ("wide", {"wide": True}, "unclassified.parquet"),
    ]
    for folder, options, gone in wholes:
        (tmp_path / folder / gone).unlink()
        with pytest.raises(errors.ExportMismatch, match="is not there, and its parts are gone"):
            client.export(RUN.run_id, tmp_path / folder, resume=True, **options)


def test_forms_are_not_mixed_in_one_folder(
    serve_runs: Serve, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has the parts of an export takes no merged one, and the other way round, also before they are complete."""
    forms: list[dict[str, Any]] = [{}, {"single_file": True}]
    other = SyntheticRun(seed=2, files=20, run_id="other")
    monkeypatch.setattr("run_results.http.sender.time.sleep", lambda seconds: None)
    server = Failing(MemoryStore([RUN, other]), token, page_size=7)
    with serve(server) as served, Client(token=token, base_url=served.url) as client:
        for number, first in enumerate(forms):
            with pytest.raises(errors.RunResultsError):
                client.export(RUN.run_id, tmp_path / str(number), **first)
            with pytest.raises(errors.ExportError, match="already"):
                client.export(other.run_id, tmp_path / str(number), **forms[1 - number])
            with pytest.raises(errors.ExportMismatch):
                client.export(RUN.run_id, tmp_path / str(number), resume=True, **forms[1 - number])
    with Client(token=token, base_url=serve_runs(RUN, other)) as client:
        for number, first in enumerate(forms):
            client.export(RUN.run_id, tmp_path / f"whole{number}", **first)
            before = files_in(tmp_path)
            with pytest.raises(errors.ExportError, match="already"):
                client.export(other.run_id, tmp_path / f"whole{number}", **forms[1 - number])
            with pytest.raises(errors.ExportMismatch):
                client.export(RUN.run_id, tmp_path / f"whole{number}", resume=True, **forms[1 - number])
            assert files_in(tmp_path) == before


def test_two_at_once_are_kept_apart(client: Client, tmp_path: Path) -> None:
    """A second export into the same folder is refused while the first is at work."""
    refused: list[str] = []

    def meanwhile(_: Exported) -> None:
        with pytest.raises(errors.ExportError, match="another export is writing") as caught:
            client.export(RUN.run_id, tmp_path, resume=True)
        refused.append(str(caught.value))

    client.export(RUN.run_id, tmp_path, progress=meanwhile)
    assert len(refused) == 3
    client.export(RUN.run_id, tmp_path, resume=True)


def test_an_interrupted_task_leaves_a_whole_part(serve_runs: Serve, token: str, tmp_path: Path) -> None:
    """A cancelled asynchronous export stops, keeps what came as a part, and leaves nothing unfinished."""

    async def use(url: str) -> None:
        async with AsyncClient(token=token, base_url=url) as client:
            loop = asyncio.get_running_loop()
            task = loop.create_task(
                client.export(RUN.run_id, tmp_path, progress=lambda _: loop.call_soon_threadsafe(task.cancel) and None)
            )
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(use(serve_runs(RUN)))
    left = files_in(tmp_path)
    assert "_SUCCESS" not in left
    assert left in (parts(7) | {"_export.json"}, parts(14) | {"_export.json"}, parts(20) | {"_export.json"})
    with Client(token=token, base_url=serve_runs(RUN)) as client:
        assert client.export(RUN.run_id, tmp_path, resume=True).files == 20


def test_an_interrupt_while_a_part_is_written_keeps_its_pages(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle of writing a part loses nothing: the part is written before the interrupt is raised."""
    interrupts = [KeyboardInterrupt()]

    def interrupted(*arguments: Any, **options: Any) -> Any:
        if interrupts:
            raise interrupts.pop()
        return real(*arguments, **options)

    real = parts_module.open_writer
    monkeypatch.setattr(parts_module, "open_writer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        client.export(RUN.run_id, tmp_path, rows_per_part=1)
    assert files_in(tmp_path) == parts(7) | {"_export.json"}


class InterruptAt:
    """Raises `KeyboardInterrupt` at one line, by its number, of those that `Export.add` runs for the second page."""

    def __init__(self, line: int) -> None:
        self.left = line
        self.calls = 0

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        """The tracer of calls."""
        if frame.f_code is job.Export.add.__code__:
            self.calls += 1
        elif frame.f_code is not job._KeptPages.add.__code__:
            return None
        return self.trace if self.calls == 2 else None

    def trace(self, frame: FrameType, event: str, argument: object) -> Any:
        """The tracer of lines."""
        if event == "line":
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt
        return self.trace


def test_an_interrupt_at_any_line_doubles_no_file(client: Client, tmp_path: Path) -> None:
    """Wherever Ctrl-C strikes while a page is taken, the export that is resumed has every file once."""
    before, expected = sys.gettrace(), read_indexes(client, tmp_path / "whole")
    for line in itertools.count(1):
        folder = tmp_path / str(line)
        sys.settrace(InterruptAt(line))
        try:
            client.export(RUN.run_id, folder)
        except KeyboardInterrupt:
            pass
        else:
            break
        finally:
            sys.settrace(before)
        assert read_indexes(client, folder) == expected
    assert line > 15, "every line of the function was tried"


def read_indexes(client: Client, folder: Path) -> list[int]:
    """The numbers of the files of an export, which is resumed or made."""
    client.export(RUN.run_id, folder, resume=True)
    indexes: list[int] = read(folder, "files").column("file_index").to_pylist()
    return indexes


def test_a_second_cancel_waits_for_the_part_too(serve_runs: Serve, token: str, tmp_path: Path) -> None:
    """However often an asynchronous export is cancelled, it ends after the page that is being written, and resumes."""
    ended_early: list[bool] = []

    async def use(url: str) -> None:
        loop = asyncio.get_running_loop()

        def cancel_twice(_: Exported) -> None:
            turned = threading.Event()

            def turn(left: int) -> None:
                # Each cancel reaches the task before the next turn of the loop.
                task.cancel()
                loop.call_soon(turn, left - 1) if left else turned.set()

            loop.call_soon_threadsafe(turn, 5)
            assert turned.wait(60)
            ended_early.append(task.done())

        async with AsyncClient(token=token, base_url=url) as client:
            task = loop.create_task(client.export(RUN.run_id, tmp_path, rows_per_part=1, progress=cancel_twice))
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(use(serve_runs(RUN)))
    assert ended_early == [False]
    with Client(token=token, base_url=serve_runs(RUN)) as client:
        assert client.export(RUN.run_id, tmp_path, resume=True).files == 20


# Replacing ----------------------------------------------------------------------------------------------------

EDITED = MemoryRun(dict(RUN.header) | {"batch_id": "edited"}, [{**file, "documents": []} for file in RUN.files(0, 20)])
"""The same run after something changed."""
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "parts": ("out", {"rows_per_part": 1}),
    "single": ("out", {"single_file": True}),
    "wide": ("out", {"wide": True}),
    "file": ("out.csv", {"tables": ["files"]}),
    "tax:2025": ("tax:2025.parquet", {"tables": ["files"]}),
}


def contents(path: Path) -> dict[str, bytes]:
    """Every file of an export, without what says of it."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return {str(each.relative_to(path.parent)): each.read_bytes() for each in files if each.name[0] not in "._"}


@pytest.mark.parametrize("form", FORMS)
def test_an_export_can_be_made_again(form: str, client: Client, serve_runs: Serve, token: str, tmp_path: Path) -> None:
    """With `overwrite` the run as it is by now takes the place of an older export, and nothing else is left."""
    name, options = FORMS[form]
    path, expected = tmp_path / name, tmp_path / "expected" / name
    client.export(RUN.run_id, path, **options)
    with Client(token=token, base_url=serve_runs(EDITED)) as later:
        later.export(RUN.run_id, expected, **options)
        old = contents(path)
        seen: list[dict[str, bytes]] = []
        watching = {**options, "progress": lambda _: seen.append(contents(path))}
        done = later.export(RUN.run_id, path, overwrite=True, **watching)
        assert all(each == old for each in seen), "the old one stays until the new one is whole"
        assert contents(path) == contents(expected) != old
        assert {each.name for each in tmp_path.iterdir()} <= {name, "expected", f".{name}.export.json"}
        assert all(each.exists() and tmp_path in each.parents for each in done.paths)
        assert (done.path, done.start) == (path, 0)
        resumed = later.export(RUN.run_id, path, resume=True, **options)
        assert (resumed.start, resumed.paths) == (20, done.paths)


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
@pytest.mark.parametrize("form", ["parts", "file"])
def test_an_overwrite_keeps_permissions(form: str, client: Client, tmp_path: Path) -> None:
    """Who could not read the old export can read the new one neither when it is in place nor while it is made."""
    name, options = FORMS[form]
    path, beside = tmp_path / name, tmp_path / f".{name}.export.json"
    client.export(RUN.run_id, path, **options)
    closed = 0o700 if path.is_dir() else 0o600
    path.chmod(closed)
    if beside.exists():
        beside.chmod(closed)
    seen: list[int] = []

    def watch(_: Exported) -> None:
        seen.append((tmp_path / f".{name}.next").stat().st_mode & 0o777)

    client.export(RUN.run_id, path, overwrite=True, progress=watch, **options)
    assert set(seen) == {0o700}
    assert path.stat().st_mode & 0o777 == closed
    assert not beside.exists() or beside.stat().st_mode & 0o777 == closed


def test_where_nothing_is_an_overwrite_makes_an_export(client: Client, tmp_path: Path) -> None:
    """`overwrite` also begins where there is none, an unfinished one, or a file that no export wrote."""
    client.export(RUN.run_id, tmp_path / "a" / "out", overwrite=True)
    assert read(tmp_path / "a" / "out", "files").num_rows == 20
    (tmp_path / "mine.csv").write_text("mine")
    client.export(RUN.run_id, tmp_path / "mine.csv", overwrite=True)
    assert len((tmp_path / "mine.csv").read_text().splitlines()) > 20
    (tmp_path / "a" / "out" / "_SUCCESS").unlink()
    (tmp_path / "a" / "out" / "files" / "part-0000000000-0000000020.parquet").unlink()
    client.export(RUN.run_id, tmp_path / "a" / "out", overwrite=True, format="csv")
    assert len(files_in(tmp_path / "a" / "out" / "files")) == 1


def test_an_overwrite_that_fails_leaves_the_old_one(
    token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the server fails on the way the old export stays, and `resume` continues the new one."""
    monkeypatch.setattr("run_results.http.sender.time.sleep", lambda seconds: None)
    server = Failing(MemoryStore([RUN]), token, page_size=7)
    server.broken = False
    for name, options in (("out", {}), ("out.csv", {})):
        with serve(server) as served, Client(token=token, base_url=served.url) as client:
            client.export(RUN.run_id, tmp_path / name)
            old = contents(tmp_path / name)
            server.broken = True
            with pytest.raises(errors.RunResultsError):
                client.export(RUN.run_id, tmp_path / name, overwrite=True, **options)
            server.broken = False
            assert contents(tmp_path / name) == old
            with pytest.raises(errors.ExportError, match="there is an export"):
                client.export(RUN.run_id, tmp_path / name)
            done = client.export(RUN.run_id, tmp_path / name, resume=True)
            assert (done.start, done.files, done.path) == (14, 20, tmp_path / name)
            assert not list(tmp_path.glob(".*.next"))
            with pytest.raises(errors.NotFoundError):
                client.export("no-such-run", tmp_path / name, overwrite=True)
            assert not list(tmp_path.glob(".*.next"))


def test_what_is_not_of_the_export_is_never_replaced(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with a file that no export wrote, the current folder, and links to it keep what they have."""
    client.export(RUN.run_id, tmp_path / "out", rows_per_part=1)
    for name in ("README.txt", "fields/notes.parquet", "fields.parquet", "_parts/mine"):
        foreign = tmp_path / "out" / name
        foreign.parent.mkdir(exist_ok=True)
        foreign.write_text("mine")
        with pytest.raises(errors.ExportError, match="is not of the export and would be lost"):
            client.export("r", tmp_path / "out", overwrite=True)
        foreign.unlink()
    shutil.rmtree(tmp_path / "out" / "_parts")
    monkeypatch.chdir(tmp_path / "out" / "fields")
    with pytest.raises(errors.ExportError, match="current folder"):
        client.export("r", tmp_path / "out", overwrite=True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "out")
    client.export(RUN.run_id, tmp_path / "link", overwrite=True, tables=["files"])
    assert (tmp_path / "link").is_symlink()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"files", *BESIDE}
    with pytest.raises(errors.ConfigurationError, match="continued or made again, not both"):
        client.export("r", tmp_path / "out", overwrite=True, resume=True)


def test_two_that_overwrite_at_once_are_kept_apart(client: Client, tmp_path: Path) -> None:
    """While an export is made again, no other one writes to its place, in whatever way."""
    client.export(RUN.run_id, tmp_path / "out")

    def meanwhile(_: Exported) -> None:
        for options in ({}, {"resume": True}, {"overwrite": True}):
            with pytest.raises(errors.ExportError, match="another export is writing"):
                client.export(RUN.run_id, tmp_path / "out", **options)

    client.export(RUN.run_id, tmp_path / "out", overwrite=True, progress=meanwhile)


def test_two_renames_are_enough_to_replace_a_folder(
    client: Client, serve_runs: Serve, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where two folders cannot be exchanged in one step, a kill between the two renames is mended at the next start."""
    path, real = tmp_path / "out", Path.replace
    client.export(RUN.run_id, path)
    monkeypatch.setattr("run_results.export.replacement._exchange", lambda one, other: False)

    def killed(self: Path, target: Path) -> Path:
        if target == path:
            raise KeyboardInterrupt
        return real(self, target)

    with Client(token=token, base_url=serve_runs(EDITED)) as later:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Path, "replace", killed)
            later.export(RUN.run_id, path, overwrite=True)
        assert not path.exists()
        assert later.export(RUN.run_id, path, resume=True).start == 20
        assert {each.name for each in tmp_path.iterdir()} == {"out"}
        later.export(RUN.run_id, path, overwrite=True)
    assert {each.name for each in tmp_path.iterdir()} == {"out"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("form", ["parts", "single", "file"])
def test_a_kill_at_every_step_leaves_one_whole_export(form: str, token: str) -> None:
    """Killed before each step on the disk, an overwrite leaves the old export or the new one, and ends when resumed."""
    program = Path(__file__).with_name("killed.py")
    servers = [ReferenceServer(MemoryStore([run]), token) for run in (RUN, EDITED)]
    with TemporaryDirectory(dir=MEMORY) as made, serve(servers[0]) as old, serve(servers[1]) as new:
        step = 1 if THOROUGH else 3
        arguments = [old.url, token, RUN.run_id, made, str(step), new.url, f"overwrite-{form}"]
        done = subprocess.run([sys.executable, str(program), *arguments], capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")
    killed, before, after = map(int, done.stdout.split())
    assert killed == before + after
    assert min(before, after) > 0, "some left the old one and some the new one"


# What cannot be written ---------------------------------------------------------------------------------------


def limited(url: str, token: str, paths: list[Path], size: int) -> "subprocess.CompletedProcess[str]":
    """Export to each path in a process that may write no larger file than so many bytes."""
    script = (
        "import resource, signal, sys\n"
        "from run_results import Client, errors\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"
        f"client = Client(token={token!r}, base_url={url!r})\n"
        f"for path in {list(map(str, paths))!r}:\n"
        f"    try:\n        client.export({RUN.run_id!r}, path)\n"
        "    except errors.ExportError as error:\n        print(error)\n"
    )
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600)


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs limits of file size")
def test_a_full_disk_leaves_nothing_half_written(serve_runs: Serve, token: str, tmp_path: Path) -> None:
    """When no more can be written, one clear error says so, and no file is there that is not whole."""
    paths = [tmp_path / name for name in ("out", "out.parquet", "out.csv", "out.arrow", "out.jsonl")]
    done = limited(serve_runs(RUN), token, paths, 5_000)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == len(paths)
    assert all(line.startswith("cannot write ") and "File too large" in line for line in lines)
    assert files_in(tmp_path) == set()


@pytest.mark.parametrize("step", ["write", "fsync", "rename"])
def test_no_space_is_an_error_at_every_step(
    step: str, client: Client, tables: dict[str, pa.Table], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full when a part is brought to it, or renamed, costs that part and no other."""
    calls = 0

    def full(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 9:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        if step == "write":
            real: Any = parts_module.open_writer
            patch.setattr(parts_module, "open_writer", full)
        elif step == "fsync":
            real = os.fsync
            patch.setattr(folder_module.os, "fsync", full)
        else:
            real = Path.replace
            patch.setattr(Path, "replace", full)
        with pytest.raises(errors.ExportError, match="No space left on device"):
            client.export(RUN.run_id, tmp_path, rows_per_part=1)
    assert not [name for name in files_in(tmp_path) if name.endswith(".tmp") and step != "rename"]
    client.export(RUN.run_id, tmp_path, rows_per_part=1, resume=True)
    assert files_in(tmp_path) == parts(7, 14, 20) | BESIDE
    for what in TABLES:
        assert read(tmp_path, what).equals(tables[what])


def test_a_place_that_cannot_be_written_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    """A file where a folder should be, and a folder that may not be written, are one clear error each."""
    (tmp_path / "file").write_text("x")
    with Client(token="t0k3nt0k3n", base_url="http://127.0.0.1:1") as client:
        with pytest.raises(errors.ExportError, match="cannot make the folder"):
            client.export("r", tmp_path / "file" / "out")
        with pytest.raises(errors.ExportError, match="cannot make the folder"):
            client.export("r", tmp_path / "file")
        with pytest.raises(errors.ExportError, match="cannot make the folder"):
            client.export("r", Path("/proc/none"))


def test_what_cannot_be_asked_for_is_an_error(tmp_path: Path) -> None:
    """Options that contradict each other are an error, before anything is sent or written."""
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("out.csv", {"format": "parquet"}),
        ("out.csv", {"tables": ["fields", "files"]}),
        ("out.csv", {"wide": True}),
        ("out", {"colour": "red"}),
    ]
    with Client(token="t0k3nt0k3n", base_url="http://127.0.0.1:1") as client:
        for name, options in wrong:
            with pytest.raises(errors.ConfigurationError):
                client.export("r", tmp_path / name, **options)
        with pytest.raises(errors.ConfigurationError):
            client.export("../r", tmp_path / "out")
        with pytest.raises(errors.ConfigurationError, match="no file can be called"):
            client.export("r", "a\0b")
        with pytest.raises(errors.ConfigurationError, match="no Unicode text"):
            client.table("r", wide="\ud800")
        for name in ("x" * 300, f"{'x' * 245}.csv"):
            with pytest.raises(errors.ExportError, match=f"cannot write .*{name}.*too long"):
                client.export("r", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["fields.xlsx", "out.csv.gz", "out.json", "out.v2", "OUT.TXT"])
def test_an_unknown_suffix_is_an_error(name: str, client: Client, tmp_path: Path) -> None:
    """A path with a suffix of no format is an error that lists the formats; a slash makes a folder of it."""
    advice = "For a folder of that name, put a slash at its end"
    with pytest.raises(errors.ConfigurationError, match=rf"that is no format; there are \.parquet, \.csv, .*{advice}"):
        client.export(RUN.run_id, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    client.export(RUN.run_id, f"{tmp_path / name}/", tables=["files"])
    assert files_in(tmp_path / name) == {"files/part-0000000000-0000000020.parquet"} | BESIDE
    assert client.export(RUN.run_id, tmp_path / name, tables=["files"], resume=True).start == 20, (
        "it is a folder by now"
    )


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX names")
@pytest.mark.parametrize("name", ["tax:2025.csv", "s3:.parquet", "a=b", "%41.jsonl"])
def test_every_name_of_the_system_holds_an_export(
    name: str, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that Arrow would take for an address or a partition is a path, also where it is a name alone."""
    monkeypatch.chdir(tmp_path)
    done = client.export(RUN.run_id, name, rows_per_part=1, wide="W-2")
    expected = client.table(RUN.run_id, wide="W-2")
    if name.endswith(".parquet") or "=" in name:
        with done.paths[0].open("rb") as file:
            assert pq.ParquetFile(file).read().equals(expected)
    assert client.export(RUN.run_id, name, wide="W-2", resume=True).start == 20
    done = client.export(RUN.run_id, f"{name}.arrow", rows_per_part=1)
    assert client.export(RUN.run_id, f"{name}.arrow", resume=True).files == 20


def test_a_place_of_another_kind_is_an_error(tmp_path: Path) -> None:
    """A pipe, a device and an address are an error before anything is sent, and stay as they are."""
    os.mkfifo(tmp_path / "pipe.csv")
    os.mkfifo(tmp_path / "pipe")
    with Client(token="t0k3nt0k3n", base_url="http://127.0.0.1:1") as client:
        with pytest.raises(errors.ExportError, match="it is there and is no file"):
            client.export("r", tmp_path / "pipe.csv")
        for path in (tmp_path / "pipe", "/dev/null"):
            with pytest.raises(errors.ExportError, match="it is there and is no folder"):
                client.export("r", path)
        with pytest.raises(errors.ConfigurationError, match="is an address"):
            client.export("r", "s3://bucket/out")
    assert {path.name for path in tmp_path.iterdir()} == {"pipe.csv", "pipe"}


# Names and memory ---------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 5), max_size=8), st.sets(st.integers(0, 10)))
def test_the_chain_has_no_gap(lengths: list[int], strays: set[int]) -> None:
    """The parts that are followed begin at 0, and each where the one before ends."""
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    whole = {Part(start, start + length, ".csv") for start, length in zip(starts, lengths, strict=True)}
    followed = chain(whole | {Part(stray + 100, stray + 200, ".csv") for stray in strays})
    assert [part.start for part in followed] == [0, *(part.end for part in followed)][: len(followed)]
    assert (followed[-1].end if followed else 0) == sum(lengths)
    assert [Part.parse(part.name) for part in followed] == followed


@given(st.lists(st.text(st.sampled_from("aAbBéÉe\u0301ıİ-"), min_size=1, max_size=4), unique=True))
def test_names_beside_each_other_differ_on_any_system(texts: list[str]) -> None:
    """Names for one folder differ where a system ignores case and Unicode forms; most are those they had alone."""
    names = safe_names(texts)
    assert list(names) == texts
    assert len({unicodedata.normalize("NFC", name).casefold() for name in names.values()}) == len(texts)
    assert safe_names(["run-1", "RUN-2"]) == {"run-1": "run-1", "RUN-2": "RUN-2"}
    assert safe_names(["r", "R"]) == {text: safe_name(text, digest=True) for text in "rR"}


@given(st.lists(st.text(max_size=300) | st.sampled_from(["..", "a/b", "\x00", "", "CON", "~", "a b"]), unique=True))
def test_safe_names_are_safe_and_differ(texts: list[str]) -> None:
    """Any text becomes one component of a path, of a length that every system takes, and another for each text."""
    names = [safe_name(text) for text in texts]
    assert len(set(names)) == len(names)
    for name in names:
        assert Path(name).name == name
        assert 0 < len(name.encode()) <= 200
        assert not name.startswith(".")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
def test_memory_does_not_grow_with_the_run(token: str, tmp_path: Path) -> None:
    """Many times the pages take at most 64 MB more at the peak, though the run is larger than that."""
    # By default the 80 MB are in fewer rows, which take less processor time.
    pages, fields, size, rows = (2000, 20, 2_000, 5000) if THOROUGH else (80, 10, 100_000, 100)
    field = {"field_name": "a", "value": "x" * size, "type": "TEXT"}
    file = {"documents": [{"class_name": "A", "fields": [field] * fields}]}
    script = (
        "import sys\nfrom run_results import Client\n"
        "client = Client(token=sys.argv[1], base_url=sys.argv[2])\n"
        "print(client.export(sys.argv[3], sys.argv[4], rows_per_part=int(sys.argv[5])).files)\n"
        # Not what wait4 gives: that begins with the size of the process that forked.
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
    )

    def peak(pages: int) -> int:
        files = [{"input_file_path": f"{number}", **file} for number in range(pages)]
        run = MemoryRun({"id": f"r-{pages}", "status": "COMPLETE"}, files)
        with serve(ReferenceServer(MemoryStore([run]), token, page_size=1)) as served:
            arguments = [token, served.url, str(run.header["id"]), str(tmp_path / str(pages)), str(rows)]
            done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True)
        assert done.stderr == ""
        exported, kilobytes = map(int, done.stdout.split())
        assert exported == pages
        return kilobytes

    assert peak(pages) - peak(10) < 64 * 1024

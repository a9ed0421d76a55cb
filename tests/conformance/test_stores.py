"""Where runs are kept: in memory, in a folder, in SQLite; and runs that are not finished yet."""

import copy
import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from run_results_conformance import (
    Contract,
    MemoryRun,
    MemoryStore,
    ReferenceServer,
    Run,
    SqliteStore,
    Store,
    SyntheticRun,
    UnfinishedRun,
    load_contract,
    read_folder,
    write_sqlite,
)
from run_results_conformance.server.folder import RunFileError, json_path
from run_results_conformance.server.runs import by_clock, by_polls
from run_results_conformance.server.schemas import run_file_schema
from run_results_conformance.server.sqlite import SqliteStoreError


def whole(run: Run) -> dict[str, Any]:
    return {**run.header, "files": list(run.files(0, run.file_count))}


def put(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three runs in two contexts, and what is no run."""
    folder = tmp_path / "runs"
    folder.mkdir()
    put(folder, "a.json", whole(SyntheticRun(1, 7, run_id="same")))
    put(folder, "b.json", {**whole(SyntheticRun(2, 12, run_id="same")), "x-context": "acme"})
    put(folder, "c é.json", whole(SyntheticRun(3, 0, run_id="empty", status="FAILED")))
    put(folder, ".d.json", "not a run")
    put(folder, "notes.txt", "not a run")
    (folder / "sub.json").mkdir()
    return folder


class TestFolder:
    def test_read(self, folder: Path, contract: Contract) -> None:
        """Every JSON file is a run in its context; dot-files, other files and folders are skipped."""
        store = read_folder(folder, contract)
        assert list(store) == [(None, "same"), ("acme", "same"), (None, "empty")]
        found = store.find("same", "acme")
        assert found is not None
        assert whole(found) == whole(SyntheticRun(2, 12, run_id="same"))
        assert store.find("same", "other") is None

    @pytest.mark.parametrize(
        ("content", "where", "why"),
        [
            ("", "$", "not JSON"),
            ("{", "$", "not JSON"),
            ("[]", "$", "must be an object, not a list"),
            ("{}", "$", '\'id\' is missing; add it, such as "id": "..."'),
            ('{"id": "r", "id": "s"}', "$", "the key 'id' stands twice"),
            ('{"id": NaN}', "$", "NaN is not JSON"),
            ('{"id": 1e999}', "$", "1e999 is too large"),
            ("[" * 100_000, "$", "not JSON"),
            ('{"id":' + "[" * 500 + "]" * 500 + "}", "$", "cannot be checked"),
            (b"\xff\xfe\x00", "$", "not JSON"),
            ('{"id": "\\ud800"}', "$.id", "surrogate"),
            ('{"id": "r", "files": [{"\\ud800": 1}]}', "$.files[0]", "surrogate"),
            ('{"id": "r", "files": [{"x": 1, "x": 1}]}', "$.files[0]", "the key 'x' stands twice"),
            ('{"id": "r", "x-context": 1}', '$["x-context"]', "must be a string, not 1"),
            ('{"id": "r", "x-context": " a"}', '$["x-context"]', 'does not match "^[!-~]'),
        ],
    )
    def test_not_a_run(self, tmp_path: Path, contract: Contract, content: str | bytes, where: str, why: str) -> None:
        """What is no run is refused with the file, the place and the reason."""
        (tmp_path / "bad one.json").write_bytes(content.encode() if isinstance(content, str) else content)
        with pytest.raises(RunFileError) as caught:
            read_folder(tmp_path, contract)
        lines = str(caught.value).splitlines()
        assert any(line.startswith(f"bad one.json: at {where}: ") and why in line for line in lines), lines
        assert caught.value.path.name == "bad one.json"

    def test_all_problems_at_once(self, tmp_path: Path, contract: Contract) -> None:
        """Every slip in every file is named, at its place; what all documents lack is one line with a count."""
        run = json.loads(json.dumps(whole(SyntheticRun(6, 3, documents_per_file=2))))
        run["status"] = "COMPLETED"
        run["file"] = []
        run["case_info"]["fields"][0]["chosen_field"] = {"record": 1}
        for file in run["files"]:
            for document in file["documents"]:
                del document["page_layouts"]
        put(tmp_path, "a.json", run)
        put(tmp_path, "b.json", '{"id": 7, "status": "FAILED", "files": 1}')
        put(tmp_path, "c.json", "{")
        with pytest.raises(RunFileError) as caught:
            read_folder(tmp_path, contract)
        lines = str(caught.value).splitlines()
        assert [line for line in lines if line.startswith("a.json")] == [
            "a.json: at $: unknown key 'file'; did you mean 'files'? There can be: files, $schema, batch_id, "
            "case_info, finish_timestamp, id, keys, message, review_completed, start_timestamp, status, x-context, "
            "x-listing",
            "a.json: at $.case_info.fields[0].chosen_field: unknown key 'record'; did you mean 'record_index'? "
            "There can be: record_index, refined_phrase_name",
            "a.json: at $.files[0].documents[0]: 'page_layouts' is missing; add it, because include_source_info "
            'guarantees it, such as "page_layouts": [] (and at 5 more places like this)',
            "a.json: at $.status: \"COMPLETED\" is not allowed; did you mean 'COMPLETE'? There can be: COMPLETE, "
            "CANCELLED, FAILED, PAUSED, RUNNING, STOPPED_AT_CHECKPOINT",
        ]
        assert lines[4:6] == [
            "b.json: at $.files: must be a list, not 1",
            "b.json: at $.id: must be a string, not 7",
        ]
        assert lines[6].startswith("c.json: at $: not JSON")
        assert len(caught.value.problems) == 12

    def test_a_member_that_is_new_in_the_contract(self, tmp_path: Path, contract: Contract) -> None:
        """Where a newer contract guarantees one more member, the message says what to add; then the file fits."""
        newer = Contract(json.loads(json.dumps(contract.document)))
        flag = contract.flags[0]
        new: Any = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}}
        schemas: Any = newer.document["components"]["schemas"]
        schemas["File"]["properties"]["origin"] = {**new, "x-include": flag}
        run = whole(SyntheticRun(6, 2))
        put(tmp_path, "run.json", run)
        with pytest.raises(RunFileError) as caught:
            read_folder(tmp_path, newer)
        added = '"origin": {"kind": "..."}'
        assert caught.value.why == f"'origin' is missing; add it, because {flag} guarantees it, such as {added}"
        put(tmp_path, "run.json", {**run, "files": [{**file, **json.loads(f"{{{added}}}")} for file in run["files"]]})
        assert len(list(read_folder(tmp_path, newer))) == 1

    def test_the_schema_is_what_is_checked(self, contract: Contract) -> None:
        """The schema of run files is valid by itself, and takes every synthetic run, a context, and an editor's key."""
        schema = run_file_schema(contract)
        jsonschema_rs.meta.validate(schema)
        assert "components" not in json.dumps(schema)
        validator = jsonschema_rs.validator_for(schema)
        for seed in range(5):
            validator.validate({**whole(SyntheticRun(seed, 3)), "x-context": "acme", "$schema": "run.schema.json"})

    @pytest.mark.parametrize(
        ("where", "change"),
        [
            ("$", lambda run: run.update(has_more=False)),
            ("$", lambda run: run.pop("id")),
            ("$", lambda run: run.pop("files")),
            ("$.status", lambda run: run.update(status="DONE")),
            ("$.start_timestamp", lambda run: run.update(start_timestamp=2**63)),
            ("$.files[0]", lambda run: run["files"][0].update(document=[])),
            ("$.files[0].documents[0]", lambda run: run["files"][0]["documents"][0].pop("page_layouts")),
            ("$.files[0].documents[0]", lambda run: run["files"][0]["documents"][0].update(classname="W-2")),
            (
                "$.files[0].documents[0].fields[1]",
                lambda run: run["files"][0]["documents"][0]["fields"][1].pop("confidence"),
            ),
            (
                "$.files[0].documents[0].fields[1].value",
                lambda run: run["files"][0]["documents"][0]["fields"][1].update(value=None),
            ),
            (
                "$.case_info.fields[0].validations",
                lambda run: run["case_info"]["fields"][0]["validations"].clear(),
            ),
        ],
    )
    def test_wrong_shape(self, tmp_path: Path, contract: Contract, where: str, change: Any) -> None:
        """A slip in a run is refused at its place, and so is a part that a flag promises and the run lacks."""
        run = json.loads(json.dumps(whole(SyntheticRun(6, 2, documents_per_file=1, fields_per_document=3))))
        change(run)
        put(tmp_path, "run.json", run)
        with pytest.raises(RunFileError) as caught:
            read_folder(tmp_path, contract)
        assert where in {problem.where for _, problem in caught.value.problems}
        assert caught.value.where == where

    def test_same_run_twice(self, folder: Path, contract: Contract) -> None:
        """Two files with the same run of the same context are refused."""
        put(folder, "z.json", {**whole(SyntheticRun(1, 1, run_id="same")), "x-context": "acme"})
        with pytest.raises(RunFileError, match=r"z.json: at \$.id: there is a run 'same' in context 'acme' already"):
            read_folder(folder, contract)

    def test_no_folder(self, tmp_path: Path, contract: Contract) -> None:
        """A folder that is not there is an error, not an empty store."""
        with pytest.raises(NotADirectoryError):
            read_folder(tmp_path / "none", contract)

    def test_documented_example(self, tmp_path: Path, contract: Contract) -> None:
        """The example in the module's documentation is a run."""
        from run_results_conformance.server import folder as module

        assert module.__doc__ is not None
        text = module.__doc__[module.__doc__.index('{"id"') : module.__doc__.rindex("}]}") + 3]
        put(tmp_path, "run-1.json", text)
        assert read_folder(tmp_path, contract).find("run-1", "acme-lending") is not None

    def test_json_path(self) -> None:
        """A JSON path quotes what is no name."""
        assert json_path([]) == "$"
        assert json_path(["files", 0, "odd key", "é"]) == '$.files[0]["odd key"].é'


class TestSqlite:
    def test_same_as_folder(self, opened: Any, token: str, folder: Path, tmp_path: Path, contract: Contract) -> None:
        """The same request gets the same bytes from a folder and from the database that was made of it."""
        kept = read_folder(folder, contract)
        path = tmp_path / "runs.sqlite"
        assert write_sqlite(kept, path) == 3
        flags = "&".join(f"{name}=true" for name in contract.flags)
        auth = ("Authorization", f"Bearer {token}")
        with (
            SqliteStore(path) as loaded,
            opened(ReferenceServer(kept, token, page_size=5)) as one,
            opened(ReferenceServer(loaded, token, page_size=5)) as other,
        ):
            for run_id in ("same", "empty", "none"):
                for context in ((), (("IB-Context", "acme"),)):
                    for offset in range(14):
                        query = f"{flags}&file_offset={offset}"
                        answers = [api.run(run_id, query, headers=[auth, *context]) for api in (one, other)]
                        assert answers[0].raw == answers[1].raw

    @settings(deadline=None, max_examples=20)
    @given(counts=st.lists(st.integers(0, 9), max_size=4), data=st.data())
    def test_any_slice(self, tmp_path_factory: pytest.TempPathFactory, counts: list[int], data: st.DataObject) -> None:
        """Every slice of every run comes back as it went in, and none reaches into the next run."""
        runs = [SyntheticRun(seed, count, fields_per_document=2) for seed, count in enumerate(counts)]
        path = tmp_path_factory.mktemp("sqlite") / "runs.sqlite"
        write_sqlite(MemoryStore(runs), path)
        with SqliteStore(path) as store:
            assert list(store) == [(None, run.run_id) for run in runs]
            for run in runs:
                found = store.find(run.run_id, None)
                assert found is not None
                assert whole(found) == whole(run)
                start = data.draw(st.integers(0, run.file_count))
                stop = data.draw(st.integers(start, run.file_count))
                assert list(found.files(start, stop)) == run.files(start, stop)

    def test_cheap_offset(self, tmp_path: Path) -> None:
        """A page at any offset is a range scan of the primary key, which no offset makes longer."""
        path = tmp_path / "runs.sqlite"
        write_sqlite(MemoryStore([MemoryRun({"id": "r", "status": "COMPLETE"}, [{}] * 5_000)]), path)
        with SqliteStore(path) as store:
            plan = store.rows("EXPLAIN QUERY PLAN SELECT body FROM file WHERE id >= 1 AND id < 2 ORDER BY id")
            assert [row[-1] for row in plan] == ["SEARCH file USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"]
            found = store.find("r", None)
            assert found is not None
            assert found.files(4_998, 5_000) == [{}, {}]

    def test_read_only(self, tmp_path: Path) -> None:
        """Serving a database never changes it."""
        path = tmp_path / "runs.sqlite"
        write_sqlite(MemoryStore([SyntheticRun()]), path)
        with SqliteStore(path) as store, pytest.raises(sqlite3.OperationalError, match="readonly"):
            store.rows("DELETE FROM run")

    def test_from_many_threads(self, tmp_path: Path) -> None:
        """One open store serves many threads at once."""
        path = tmp_path / "runs.sqlite"
        run = SyntheticRun(1, 40)
        write_sqlite(MemoryStore([run]), path)
        wrong: list[int] = []
        with SqliteStore(path) as store:

            def read(start: int) -> None:
                found = store.find(run.run_id, None)
                if found is None or found.files(start, start + 2) != run.files(start, start + 2):
                    wrong.append(start)

            threads = [threading.Thread(target=read, args=(start,)) for start in range(38)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert wrong == []

    def test_not_overwritten(self, tmp_path: Path) -> None:
        """A file that exists is never overwritten."""
        path = put(tmp_path, "runs.sqlite", "precious")
        with pytest.raises(SqliteStoreError, match="exists already"):
            write_sqlite(MemoryStore(), path)
        assert path.read_text() == "precious"

    def test_whole_or_not(self, tmp_path: Path) -> None:
        """A load that fails leaves no file behind."""

        class Failing:
            header = {"id": "r", "status": "COMPLETE"}  # noqa: RUF012
            listing: dict[str, Any] = {}  # noqa: RUF012
            file_count = 3

            def files(self, start: int, stop: int) -> list[dict[str, Any]]:
                raise OSError("gone")

        with pytest.raises(OSError, match="gone"):
            write_sqlite(MemoryStore([SyntheticRun(), Failing()]), tmp_path / "runs.sqlite")
        assert list(tmp_path.iterdir()) == []

    def test_other_files(self, tmp_path: Path) -> None:
        """What is no database of runs is refused with its name."""
        with pytest.raises(FileNotFoundError):
            SqliteStore(tmp_path / "none.sqlite")
        text = put(tmp_path, "text.sqlite", "not a database, but long enough to be one" * 100)
        other = tmp_path / "other.sqlite"
        connection = sqlite3.connect(other)
        connection.execute("CREATE TABLE run (id)")
        connection.close()
        for path in (text, other):
            with pytest.raises(SqliteStoreError, match=f"{path.name} is not a database of runs"):
                SqliteStore(path)


class TestMemory:
    def test_same_run_twice(self) -> None:
        """A context holds one run of an id; another context may hold another."""
        store = MemoryStore([SyntheticRun(1, run_id="r")])
        store.add(SyntheticRun(2, run_id="r"), context="acme")
        with pytest.raises(ValueError, match="there is a run 'r' in the nameless context already"):
            store.add(SyntheticRun(3, run_id="r"))

    @pytest.mark.parametrize("store", [MemoryStore()])
    def test_is_a_store(self, store: Store) -> None:
        """An empty store holds nothing."""
        assert list(store) == []
        assert store.find("r", None) is None


class TestUnfinished:
    @settings(deadline=None)
    @given(polls=st.integers(0, 12), files=st.integers(0, 30))
    def test_by_polls(self, polls: int, files: int) -> None:
        """The first looks see a RUNNING run that only grows at its end; all later ones see the finished run."""
        finished = SyntheticRun(1, files, documents_per_file=1, fields_per_document=2)
        run = UnfinishedRun(finished, by_polls(polls))
        looks = [run.look() for _ in range(polls + 3)]
        assert [look.header["status"] for look in looks] == ["RUNNING"] * polls + ["COMPLETE"] * 3
        counts = [look.file_count for look in looks]
        assert counts == sorted(counts)
        assert counts[-1] == files
        everything = finished.files(0, files)
        for look in looks:
            assert look.files(0, look.file_count) == everything[: look.file_count]
        for look in looks[:polls]:
            assert look.header["finish_timestamp"] is None
            assert "case_info" not in look.header
        assert looks[-1].header == finished.header

    @given(st.lists(st.floats(-5, 15), min_size=1, max_size=12))
    def test_by_clock(self, times: list[float]) -> None:
        """A run that follows a clock never goes back, even when the clock does."""
        now = [0.0]
        run = UnfinishedRun(SyntheticRun(1, 10), by_clock(10, lambda: now[0]))
        furthest = 0.0
        for now[0] in times:
            furthest = max(furthest, now[0])
            look = run.look()
            assert look.file_count == int(min(furthest, 10))
            assert (look.header["status"] == "COMPLETE") is (furthest >= 10)

    def test_unfinished_fits(self, contract: Contract) -> None:
        """A run that is not finished still has the shape of a run."""
        look = UnfinishedRun(SyntheticRun(1, 9), by_polls(1)).look()
        jsonschema_rs.validate(contract.run_schema, whole(look))

    def test_look_is_a_snapshot(self) -> None:
        """What has been looked at does not change when the run goes on."""
        run = UnfinishedRun(SyntheticRun(1, 9), by_polls(3))
        looks = [run.look() for _ in range(4)]
        before = copy.deepcopy([whole(look) for look in looks])
        run.look()
        assert [whole(look) for look in looks] == before

    def test_listing_is_no_look(self) -> None:
        """Listing a store's runs does not bring them nearer to their end."""
        store = MemoryStore([UnfinishedRun(SyntheticRun(run_id="r"), by_polls(1))])
        assert list(store) == list(store) == [(None, "r")]
        found = store.find("r", None)
        assert found is not None
        assert found.header["status"] == "RUNNING"

    @pytest.mark.parametrize("make", [lambda: by_polls(-1), lambda: by_clock(0), lambda: by_clock(float("nan"))])
    def test_bad_progress(self, make: Any) -> None:
        """A progress that could not reach its end is refused."""
        with pytest.raises(ValueError, match="must"):
            make()

    def test_loaded_contract_is_shared(self) -> None:
        """The contract is read once for a process."""
        assert load_contract() is load_contract()

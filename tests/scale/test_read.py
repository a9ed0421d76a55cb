"""The rows of many runs: equal to those of the client, whichever way they are read."""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import settings as profiles
from tests.scale.kit import REFERENCE, TOKEN, VARIABLE, Asked, ids_of, runs_of, serving

from run_results import Client, NameMap, errors, schema
from run_results.scale import Slice, Source, plan, read, read_all
from run_results.tables import TABLES, Typed
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryRun, MemoryStore
from run_results_conformance.server.serving import serve

THOROUGH = profiles.get_profile("thorough").max_examples == profiles.default.max_examples
RUNS = runs_of(200 if THOROUGH else 12)
IDS = ids_of(RUNS)
KEYS = ("run_id", "file_index", "document_index", "field_index")
Tables = dict[str, pa.Table]


@pytest.fixture(scope="module")
def served() -> Iterator[Asked]:
    """A server that has the runs."""
    with serving(RUNS) as asked:
        yield asked


@pytest.fixture(scope="module")
def expected(served: Asked) -> Tables:
    """The tables that the client makes of the runs, one below the other, without metadata."""
    with Client(token=TOKEN, base_url=served.url) as client:
        return {
            table: in_order(pa.concat_tables([client.table(run_id, table, typed=True) for run_id in IDS]))
            for table in TABLES
        }


def in_order(table: pa.Table) -> pa.Table:
    """A table by its keys."""
    return table.sort_by([(key, "ascending") for key in KEYS if key in table.column_names])


def as_table(batches: list[pa.RecordBatch], wanted: pa.Schema) -> pa.Table:
    """Batches as one table, by its keys; each must have the schema, metadata included."""
    assert all(batch.schema.equals(wanted, check_metadata=True) for batch in batches)
    return in_order(pa.Table.from_batches(batches, wanted))


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("window", [None, 4])
def test_rows_are_those_of_the_client(served: Asked, expected: Tables, concurrency: int, window: int | None) -> None:
    """Plain and in windows, one slice and eight at once: every table has the client's rows, value by value."""
    source = Source(token=REFERENCE, base_url=served.url, concurrency=concurrency, typed=True)
    tasks = plan(source, IDS, tasks=3, window=window)
    if window is not None:
        assert sum(map(len, tasks)) > len(IDS), "long runs were divided"
    found: dict[str, list[pa.RecordBatch]] = {table: [] for table in TABLES}
    for task in tasks:
        for table, batch in read_all(pickle.loads(pickle.dumps(source)), pickle.loads(pickle.dumps(task))):
            found[table].append(batch)
    for table in TABLES:
        rows = as_table(found[table], source.schema(table))
        assert len(rows) > 0
        assert rows.to_pylist() == expected[table].to_pylist()
        assert rows.schema.equals(expected[table].schema)


@pytest.mark.parametrize("table", TABLES)
def test_one_table_has_the_same_rows(served: Asked, expected: Tables, table: Any) -> None:
    """`read` gives the rows of one table, as `read_all` does, and names and typed values are chosen by the source."""
    names = NameMap(["Gross Pay"])
    source = Source(token=REFERENCE, base_url=served.url, names=names, typed=Typed(decimal="."))
    some = IDS[:5]
    rows = as_table(list(read(source, [Slice(run_id) for run_id in some], table)), source.schema(table))
    with Client(token=TOKEN, base_url=served.url) as client:
        tables = [client.table(run_id, table, names=names, typed=Typed(decimal=".")) for run_id in some]
    assert rows.to_pylist() == in_order(pa.concat_tables(tables)).to_pylist()


def test_all_tables_take_the_requests_of_one_walk(served: Asked) -> None:
    """All four tables of a run come from the requests that one walk over it makes."""
    source = Source(token=REFERENCE, base_url=served.url)
    slices = [Slice(run_id) for run_id in IDS]
    with Client(token=TOKEN, base_url=served.url) as client:
        before = len(served.paths)
        for run_id in IDS:
            list(client.pages(run_id))
        walked = sorted(served.paths[before:])
    before = len(served.paths)
    assert {table for table, _ in read_all(source, slices)} == set(TABLES)
    assert sorted(served.paths[before:]) == walked


def test_small_batches_are_joined(served: Asked) -> None:
    """Many small runs make few batches: one for all of these."""
    source = Source(token=REFERENCE, base_url=served.url)
    assert len(list(read(source, [Slice(run_id) for run_id in IDS[:5]], "files"))) == 1


# --- Runs that are missing ------------------------------------------------------------------------------------

LOST = ["lost-1", IDS[0], "lost-2"]


def test_a_missing_run_is_an_error(served: Asked) -> None:
    """By default, a run that the server does not have ends the task, and the error names it."""
    source = Source(token=REFERENCE, base_url=served.url)
    with pytest.raises(errors.NotFoundError, match="lost-"):
        list(read(source, plan(source, LOST, tasks=1)[0]))


@pytest.mark.parametrize("window", [None, 4])
def test_a_missing_run_can_be_left_out(served: Asked, window: int | None) -> None:
    """With 'skip', the rows are those of the runs that are there."""
    source = Source(token=REFERENCE, base_url=served.url, on_missing="skip")
    rows = pa.Table.from_batches(read(source, plan(source, LOST, tasks=1, window=window)[0], "files"))
    assert set(rows["run_id"].to_pylist()) == {IDS[0]}
    assert list(read(source, [Slice("lost-1")], "files")) == []


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_missing_run_can_be_reported(served: Asked, expected: Tables, concurrency: int) -> None:
    """With 'report', each table has a row for each missing run, which says why, and the other rows as ever."""
    source = Source(token=REFERENCE, base_url=served.url, on_missing="report", concurrency=concurrency, typed=True)
    found: dict[str, list[pa.RecordBatch]] = {table: [] for table in TABLES}
    for table, batch in read_all(source, plan(source, LOST, tasks=1)[0]):
        found[table].append(batch)
    for table in TABLES:
        rows = as_table(found[table], source.schema(table)).to_pylist()
        missing = [row for row in rows if row["missing"] is not None]
        assert [row.pop("run_id") for row in missing] == ["lost-1", "lost-2"]
        assert [row.pop("missing") for row in missing] == ["status 404: 'Run not found'"] * 2
        assert {value for row in missing for value in row.values()} == {None}
        there = [{name: value for name, value in row.items() if name != "missing"} for row in rows if "run_id" in row]
        assert there == [row for row in expected[table].to_pylist() if row["run_id"] == IDS[0]]


@pytest.mark.parametrize("on_missing", ["error", "skip", "report"])
def test_a_run_that_is_forbidden_is_an_error(on_missing: Any) -> None:
    """403 for one run of several is no missing run: it ends the task, whatever is done with missing ones."""
    mine, others = RUNS[:2], RUNS[2]
    server = ReferenceServer(MemoryStore([*mine, others]), TOKEN, page_size=4)

    async def forbidding(scope: Any, receive: Any, send: Any) -> None:
        if IDS[2] not in scope["path"]:
            await server(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 403, "headers": []})
        await send({"type": "http.response.body", "body": b'{"message": "not yours"}'})

    with serve(forbidding) as served:
        source = Source(token=REFERENCE, base_url=served.url, on_missing=on_missing)
        with pytest.raises(errors.ForbiddenError, match="not yours") as caught:
            list(read(source, plan(source, IDS[:3], tasks=1)[0]))
    assert caught.value.run_id == IDS[2]


def test_a_part_of_a_run_that_is_gone_is_an_error(served: Asked) -> None:
    """A run that was there when it was planned, and of which a window is missing, is not passed over."""
    source = Source(token=REFERENCE, base_url=served.url, on_missing="skip")
    with pytest.raises(errors.NotFoundError):
        list(read(source, [Slice("lost-1", 4, 8, {"status": "COMPLETE"})]))


def test_a_run_in_another_state_is_an_error(served: Asked) -> None:
    """A slice that was planned in one state of its run is not read in another."""
    source = Source(token=REFERENCE, base_url=served.url)
    (slices,) = plan(source, IDS[:1], window=4, tasks=1)
    changed = Slice(slices[0].run_id, state={**(slices[0].state or {}), "batch_id": "another"})
    with pytest.raises(errors.RunChanged, match="not in the state that was expected: batch_id"):
        list(read(source, [changed]))


# --- How a task reads -----------------------------------------------------------------------------------------


def test_slices_are_taken_as_they_are_needed(served: Asked) -> None:
    """Slices come from the reader's own thread, and no more of them than are read at once and joined to a batch."""
    threads, taken = set(), []

    def slices() -> Iterator[Slice]:
        for run_id in IDS:
            threads.add(threading.get_ident())
            taken.append(run_id)
            yield Slice(run_id)

    source = Source(token=REFERENCE, base_url=served.url, concurrency=2)
    assert sum(map(len, read(source, slices(), "files"))) == sum(run.file_count for run in RUNS)
    assert threads == {threading.get_ident()}
    assert taken == IDS


@pytest.mark.parametrize("concurrency", [1, 2, 8])
def test_an_error_of_one_slice_ends_the_task(served: Asked, concurrency: int) -> None:
    """The error of a slice is raised in the reader's thread, no further slice is begun, and no thread stays."""
    taken = []

    def slices() -> Iterator[Slice]:
        for number in range(1000):
            taken.append(number)
            yield Slice(IDS[number % len(IDS)] if number != 3 else "lost-1")

    source = Source(token=REFERENCE, base_url=served.url, concurrency=concurrency)
    with pytest.raises(errors.NotFoundError) as caught:
        list(read(source, slices(), "files"))
    assert caught.value.run_id == "lost-1"
    assert len(taken) < 1000
    await_no_threads()


def test_an_error_of_the_reader_ends_the_threads(served: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the source of the slices fails, or nobody reads on, the threads end."""

    def slices() -> Iterator[Slice]:
        yield from (Slice(run_id) for run_id in IDS[:4])
        raise LookupError("no more ids")

    source = Source(token=REFERENCE, base_url=served.url, concurrency=2)
    with pytest.raises(LookupError, match="no more ids"):
        list(read(source, slices(), "files"))
    monkeypatch.setattr("run_results.scale.rows._LEAST_ROWS", 1)
    batches = read(source, (Slice(IDS[number % len(IDS)]) for number in range(100_000)), "fields")
    assert len(next(batches)) > 0
    batches.close()  # type: ignore[attr-defined]
    await_no_threads()


def await_no_threads() -> None:
    """Wait until no thread of a task is left."""
    for thread in threading.enumerate():
        if thread.name == "run-results-scale":
            thread.join(60)
            assert not thread.is_alive()


def test_what_cannot_be_read_is_an_error_at_once(served: Asked) -> None:
    """A table that there is not is an error when `read` is called, and not when the first batch is asked for."""
    with pytest.raises(errors.ConfigurationError, match="no table called"):
        read(Source(token=REFERENCE, base_url=served.url), [], "rows")  # type: ignore[arg-type]


# --- The token ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [TOKEN, None, lambda: TOKEN, "Env:X"])
def test_a_source_takes_no_token(token: Any) -> None:
    """A token, or a function that gives one, is refused without an echo: a source is stored and shown by engines."""
    with pytest.raises(errors.ConfigurationError, match="reference to the token, env:NAME or file:PATH") as caught:
        Source(token=token)
    assert TOKEN not in str(caught.value)


def test_a_source_can_be_sent_without_the_token(served: Asked) -> None:
    """A pickled source with its slices has no token in its bytes, nor has its text; it comes back equal."""
    source = Source(token=REFERENCE, base_url=served.url, names=NameMap(["due date"]), typed=True)
    with source.client() as client:
        client.page(IDS[0])
    dumped = pickle.dumps((source, plan(source, IDS[:2], window=4)))
    assert TOKEN.encode() not in dumped
    assert TOKEN not in repr(source)
    assert pickle.loads(dumped)[0] == source


def test_a_worker_without_the_variable_says_so(served: Asked) -> None:
    """A process where the variable is not set says which one it looked for, and sends nothing."""
    dumped = pickle.dumps((Source(token=REFERENCE, base_url=served.url), [Slice(IDS[0])]))
    program = (
        "import pickle, sys\nfrom run_results.scale import read\n"
        "try:\n    list(read(*pickle.loads(sys.stdin.buffer.read())))\nexcept Exception as error:\n    print(error)"
    )
    before = len(served.paths)
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", program], input=dumped, capture_output=True, check=True, env=environment
    )
    assert f"the environment variable {VARIABLE}, from which the token is read, is not set" in done.stdout.decode()
    assert len(served.paths) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"concurrency": 0},
        {"concurrency": 65},
        {"requests_per_second": 0},
        {"requests_per_second": "10"},
        {"patience": -1},
        {"include": "everything"},
        {"base_url": "http://results.example"},
        {"timeout": 0},
        {"prefetch": 17},
        {"names": ["due date"]},
    ],
)
def test_a_source_checks_its_settings(wrong: dict[str, Any]) -> None:
    """What cannot be used is an error where the source is made, and not in a task."""
    with pytest.raises(errors.ConfigurationError):
        Source(**wrong)


def test_a_source_keeps_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The base URL and the context are read from the environment where the source is made, and sent with it."""
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", "https://results.example/api/")
    monkeypatch.setenv("RUN_RESULTS_CONTEXT", "acme")
    source = Source()
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", "https://elsewhere.example/api")
    monkeypatch.setenv("RUN_RESULTS_CONTEXT", "another")
    sent = pickle.loads(pickle.dumps(source))
    assert (sent.base_url, sent.context) == ("https://results.example/api", "acme")


# --- The schema -----------------------------------------------------------------------------------------------


def metadata_in(kind: pa.DataType | pa.Schema) -> list[Any]:
    """All metadata of the fields of a schema or type, nested ones included."""
    fields = list(kind) if isinstance(kind, pa.Schema | pa.StructType) else []
    if isinstance(kind, pa.ListType):
        fields = [kind.value_field]
    return [found for field in fields for found in [field.metadata, *metadata_in(field.type)] if found is not None]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("typed", [False, True])
def test_a_schema_is_known_without_a_run(
    served: Asked, table: Any, typed: bool, expected: Tables, serve_runs: Callable[..., str], token: str
) -> None:
    """`schema` is the schema of `client.table`: with metadata the very same, without it names and types alone."""
    url = serve_runs(MemoryRun({"id": "run-1", "status": "COMPLETE"}, []))
    with Client(token=token, base_url=url) as client:
        made = client.table("run-1", table, typed=typed).schema
    assert schema(table, typed=typed, metadata=True).equals(made, check_metadata=True)
    plain = schema(table, typed=typed)
    assert plain.equals(made)
    assert (plain.metadata, metadata_in(plain)) == (None, [])
    assert metadata_in(made) != []
    with pytest.raises(errors.ConfigurationError, match="no table called"):
        schema("rows")  # type: ignore[arg-type]

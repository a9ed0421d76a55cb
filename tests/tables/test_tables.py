"""Tables say what the JSON says: compared with rows that plain Python takes out of it, for any answer there can be."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from run_results import Client, Include, NameMap, errors
from run_results.tables import COLUMNS, TABLES, Typed, Wide, columns
from run_results.tables.arrays import build
from run_results.tables.arrow import arrow_schema
from run_results.tables.batches import Tabulator
from run_results.tables.schema import VERSION, Column, ListOf, Struct, What
from run_results.tables.wide import Pivot
from run_results_api.types import UNSET
from run_results_conformance.server.runs import MemoryRun
from run_results_conformance.server.synthetic import SyntheticRun
from run_results_conformance.strategies import broken_responses, responses

from . import kit

RUN = SyntheticRun(seed=1, files=20)
Serve = Callable[..., str]


@pytest.fixture
def client(serve_runs: Serve, token: str) -> Any:
    """A client of a server with one run, which comes on several pages."""
    with Client(token=token, base_url=serve_runs(RUN)) as client:
        yield client


def plain(batch: "pa.RecordBatch | pa.Table", what: What) -> list[dict[str, Any]]:
    """The rows as the oracle has them: times as numbers, JSON texts decoded."""
    arrays = {
        name: (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }
    rows = [dict(zip(arrays, values, strict=True)) for values in zip(*arrays.values(), strict=True)]
    for row in rows:
        if what == "files" and row["run_keys"] is not None:
            row["run_keys"] = json.loads(row["run_keys"])
        for alert in (row.get("alerts") or ()) if what == "fields" else ():
            alert["locations"] = alert["locations"] and json.loads(alert["locations"])
    return rows


def without_names(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows but for what depends on the project's names."""
    return [{key: row[key] for key in row if key not in ("name", "name_is_known")} for row in rows]


def in_order(rows: Iterable[dict[str, Any]], table: "pa.RecordBatch | pa.Table") -> list[dict[str, Any]]:
    """The oracle's rows; each has every column of the table."""
    expected = list(rows)
    named = {"name", "name_is_known"}
    assert all(row.keys() == set(table.schema.names) - named for row in expected)
    return expected


# Rows ---------------------------------------------------------------------------------------------------------


@given(answer=responses(extra=True) | responses(), offset=st.sampled_from([0, 0, 7, 2**40]))
def test_a_table_says_what_the_json_says(answer: dict[str, Any], offset: int) -> None:
    """Every row and cell of every table is the one that plain Python takes out of the same JSON."""
    page = kit.page_of(answer, offset)
    for what in TABLES:
        batch = Tabulator(what).batch(page)
        batch.validate(full=True)
        assert batch.schema.equals(arrow_schema(what), check_metadata=True)
        assert without_names(plain(batch, what)) == in_order(kit.ORACLES[what](answer, offset), batch)


@given(broken=broken_responses())
def test_what_left_the_contract_is_null(broken: Any) -> None:
    """Where an answer broke the contract and can be used all the same, the tables have null, and all rows."""
    try:
        page = kit.page_of(broken.document)
    except errors.ContractError:
        return
    assume(isinstance(page.files, list))  # a client gets no further without them
    for what in TABLES:
        batch = Tabulator(what, typed=Typed()).batch(page)
        batch.validate(full=True)
    documents = sum(len(file.documents or ()) for file in page.files)
    assert len(Tabulator("documents").batch(page)) == documents


def test_a_drifted_cell_is_null_and_counted() -> None:
    """A value of a wrong type is a null in its cell; the others of its row stay, and the page says what came."""
    first = {"class_name": [], "fields": [{"field_name": "a b", "value": "v"}]}
    second = {"page_numbers": [1, "x"], "fields": [{"value": 3, "confidence": {"model": "high"}}]}
    answer = {
        "id": "r",
        "status": 7,
        "has_more": False,
        "start_timestamp": "now",
        "files": [
            {
                "original_file_name": 5,
                "documents": [{"class_name": [], "fields": [{"field_name": "a b", "value": "v"}]}],
            },
            {
                "documents": [
                    None,
                    {"page_numbers": [1, "x"], "fields": [{"value": 3, "confidence": {"model": "high"}}]},
                ]
            },
        ],
        "case_info": {"fields": [{"name": "n"}]},
    }
    page = kit.page_of(answer)
    assert len(page.breaches) >= 8
    (first, second) = Tabulator("fields").batch(page).to_pylist()
    assert (first["file_name"], first["class_name"], first["api_name"], first["value"]) == (None, None, "a b", "v")
    assert (second["document_index"], second["value"], second["failed"]) == (1, None, False)
    assert Tabulator("documents").batch(page).column("page_numbers").to_pylist() == [None, None, [1]]
    assert Tabulator("files").batch(page).column("run_status").to_pylist() == [None, None]
    assert Tabulator("case_fields").batch(page).column("value").to_pylist() == [None]


def test_empty_and_absent_values_differ() -> None:
    """A value that is an empty text is one; a value that is absent is null."""
    fields = [{"value": ""}, {}, {"value": "ERROR"}, {"error_msg": "no"}]
    answer = {"id": "r", "status": "COMPLETE", "has_more": False, "files": [{"documents": [{"fields": fields}]}]}
    batch = Tabulator("fields").batch(kit.page_of(answer))
    assert batch.column("value").to_pylist() == ["", None, "ERROR", None]
    assert batch.column("failed").to_pylist() == [False, False, True, True]


def test_files_and_documents_that_are_empty_have_their_row() -> None:
    """A file without documents has a row in `files`, a document without fields has one in `documents`."""
    answer = {"id": "r", "status": "COMPLETE", "has_more": False, "files": [{}, {"documents": [{}]}]}
    page = kit.page_of(answer, 3)
    assert Tabulator("files").batch(page).column("file_index").to_pylist() == [3, 4]
    assert Tabulator("documents").batch(page).column("file_index").to_pylist() == [4]
    assert len(Tabulator("fields").batch(page)) == 0


def test_names_come_back_and_nothing_is_lost() -> None:
    """`name` is the project's where that is sure, and says where it is not; the API name is always there."""
    names = NameMap(["half \ud800 pair", "due date", "due-date"], by_class={"A": ["net-total"]})
    fields = [{"field_name": name} for name in ("half___pair", "due_date", "net_total", "secret__id")]
    answer = {"id": "r", "status": "COMPLETE", "has_more": False}
    answer["files"] = [{"documents": [{"class_name": name, "fields": fields} for name in ("A", "B", None)]}]
    batch = Tabulator("fields", names).batch(kit.page_of(answer))
    found = list(zip(*(batch.column(name).to_pylist() for name in ("name", "name_is_known", "api_name")), strict=True))
    assert found[:4] == [
        ("half \ufffd pair", False, "half___pair"),
        ("due_date", False, "due_date"),
        ("net-total", True, "net_total"),
        ("secret_id", False, "secret__id"),
    ]
    assert found[6] == ("net-total", False, "net_total")
    assert found[10] == ("net-total", True, "net_total")


def test_a_name_that_would_fill_the_memory_is_refused() -> None:
    """A class name so long that it cannot stand on each row is an error of the family, and not a full memory."""
    fields = [{"value": "v"}] * 20_000
    answer = {"id": "r", "status": "COMPLETE", "has_more": False}
    answer["files"] = [{"documents": [{"class_name": "x" * 100_000, "fields": fields}]}]
    with pytest.raises(errors.ContractError, match="class_name is so long"):
        Tabulator("fields").batch(kit.page_of(answer))


# The schema ---------------------------------------------------------------------------------------------------


def members(column: Column) -> list[Column]:
    """A column and everything inside it."""
    inner = column.type.element if isinstance(column.type, ListOf) else column.type
    return [column] + (
        [each for member in inner.members for each in members(member)] if isinstance(inner, Struct) else []
    )


@pytest.mark.parametrize("what", TABLES)
def test_every_column_is_described(what: What) -> None:
    """Each column and member says what it is, in the schema's metadata too; the schema has a version."""
    made = arrow_schema(what, typed=True)
    assert made.metadata == {b"run_results.table": what.encode(), b"run_results.schema_version": str(VERSION).encode()}
    for column in COLUMNS[what]:
        assert made.field(column.name).metadata[b"description"].decode() == column.description
        assert made.field(column.name).nullable == column.nullable
        for each in members(column):
            assert each.description.endswith(".")
    assert [column.name for column in columns(what, typed=True)] == made.names


def test_list_children_are_called_element() -> None:
    """The child of every list is named as Parquet and Spark have it, at every depth."""

    def lists(type: pa.DataType) -> list[pa.DataType]:
        found = [type] if pa.types.is_list(type) else []
        return found + [each for index in range(type.num_fields) for each in lists(type.field(index).type)]

    found = [each for what in TABLES for field in arrow_schema(what) for each in lists(field.type)]
    assert len(found) > 8
    assert {each.value_field.name for each in found} == {"element"}


def test_unset_values_become_null() -> None:
    """Wherever a value, a list or a model is unset, the array has null, and no wrong type slips in."""
    struct = arrow_schema("fields").field("source").type.value_type
    assert build(pa.string(), ["a", UNSET, None]).to_pylist() == ["a", None, None]
    assert build(pa.list_(pa.int32()), [[1], UNSET, []]).to_pylist() == [[1], None, []]
    assert build(struct, [UNSET, None]).to_pylist() == [None, None]
    with pytest.raises(pa.ArrowInvalid):
        build(pa.int64(), ["a"])


# Typed values -------------------------------------------------------------------------------------------------


def test_typed_values_stand_beside_the_text(client: Client) -> None:
    """With `typed` there are three columns more, and the text is what it was."""
    plainly, typed = client.table(RUN.run_id), client.table(RUN.run_id, typed=True)
    assert [name for name in typed.schema.names if name not in plainly.schema.names] == ["number", "currency", "date"]
    assert typed.select(plainly.schema.names).equals(plainly)
    rows = typed.to_pylist()
    assert any(row["date"] for row in rows)
    assert any(row["currency"] for row in rows)
    assert all(row["number"] is None for row in rows if row["type"] == "TEXT" or row["value"] == "ERROR")


# The clients --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", TABLES)
def test_a_table_is_the_whole_run(client: Client, what: What) -> None:
    """`table` and `batches` give the rows of all pages, each once and in order, as the server's own files have them."""
    whole = json.loads(client.with_options(max_body_bytes=2**30).page(RUN.run_id, include=Include.ALL).body)
    pages = list(client.pages(RUN.run_id, include=Include.ALL))
    assert len(pages) == 3
    whole["files"] = [file for page in pages for file in page.raw["files"]]
    table = client.table(RUN.run_id, what)
    assert without_names(plain(table, what)) == in_order(kit.ORACLES[what](whole, 0), table)
    reader = client.batches(RUN.run_id, what)
    assert isinstance(reader, pa.RecordBatchReader)
    assert reader.read_all().equals(table)


def test_batches_are_lazy(token: str, serve_runs: Serve) -> None:
    """A page is asked for when its batch is, and no earlier."""
    asked: list[Any] = []
    with Client(token=token, base_url=serve_runs(RUN), observe=asked.append) as client:
        reader = client.batches(RUN.run_id)
        assert asked == []
        reader.read_next_batch()
        first = len(asked)
        reader.read_next_batch()
        assert 0 < first < len(asked)


def test_an_error_on_the_way_is_of_the_family(token: str, serve_runs: Serve) -> None:
    """What fails while a table is made or a stream is read is what walking raises."""
    with Client(token="wr0ngt0ken", base_url=serve_runs(RUN)) as client:
        with pytest.raises(errors.UnauthorizedError):
            client.table(RUN.run_id)
        with pytest.raises(errors.UnauthorizedError):
            client.batches(RUN.run_id).read_all()


def test_what_cannot_be_asked_for_is_an_error(client: Client) -> None:
    """Wrong arguments are an error in one line, before anything is sent."""
    for arguments in ({"what": "field"}, {"names": ["a"]}, {"what": "files", "wide": "W-2"}):
        with pytest.raises(errors.ConfigurationError):
            client.table(RUN.run_id, **arguments)  # type: ignore[arg-type]


def test_the_clients_are_those_of_the_package(client: Client) -> None:
    """The clients with tables look like what they are, and stay what they are with other options."""
    assert repr(client).startswith("<Client http://127.0.0.1")
    patient = client.with_options(timeout=99)
    assert type(patient) is Client
    assert patient.table(RUN.run_id, "files").num_rows == 20
    assert "Fetches the results of runs" in (Client.__doc__ or "")


def test_without_pyarrow_it_says_what_to_install() -> None:
    """The core works without the extra; a table says in one line how to get it."""
    script = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from run_results import Client, errors\n"
        "client = Client(token='t0k3nt0k3n')\n"
        "for call in (client.table, client.batches, lambda run_id: client.export(run_id, 'out')):\n"
        "    try:\n        call('r')\n"
        "    except errors.ConfigurationError as error:\n        print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.count("pip install 'run-results[arrow]'") == 3


# The wide view ------------------------------------------------------------------------------------------------


def test_the_wide_view_has_a_column_for_each_field(client: Client) -> None:
    """A class's table has a row for each of its documents and every value under the project's own name."""
    names = NameMap(by_class=RUN.project_names())
    files = RUN.files(0, 20)
    for class_name, known in RUN.project_names().items():
        table = client.table(RUN.run_id, wide=class_name, names=names)
        assert table.schema.names[:5] == ["run_id", "file_index", "file_name", "document_index", "class_name"]
        assert table.schema.names[5:] == [*known, "further"]
        expected = [
            [field["value"] for field in document["fields"]]
            for file in files
            for document in file["documents"]
            if document["class_name"] == class_name
        ]
        assert [list(row.values())[5:-1] for row in table.to_pylist()] == expected
        assert table.column("further").null_count == len(table)
        assert len(expected) > 1


def wide(answer: dict[str, Any], how: Wide, *, names: NameMap | None = None) -> pa.Table:
    """A wide table of one answer."""
    page = kit.page_of(answer)
    tables = [
        pa.Table.from_batches([Tabulator(what, names or NameMap(), Typed()).batch(page)])
        for what in ("documents", "fields")
    ]
    pivot = Pivot(how, typed=True)
    pivot.survey(*tables)
    table = pivot.widen("A", *tables)
    table.validate(full=True)
    return table


def answer_of(*documents: Any) -> dict[str, Any]:
    """An answer with one file of these documents: each a list of names and values."""
    made = [{"class_name": "A", "fields": [{"field_name": n, "value": v} for n, v in fields]} for fields in documents]
    return {"id": "r", "status": "COMPLETE", "has_more": False, "files": [{"documents": made}]}


def test_a_doubled_field_is_an_error_unless_one_is_chosen() -> None:
    """A field that a document has twice is never dropped unasked."""
    answer = answer_of([("a", "1"), ("b", "2"), ("a", "3")], [("b", "4")])
    with pytest.raises(errors.FieldDoubled, match="document 0 of file 0 has the field 'a' 2 times") as caught:
        wide(answer, Wide())
    assert caught.value.api_name == "a"
    assert wide(answer, Wide(doubled="first")).column("a").to_pylist() == ["1", None]
    assert wide(answer, Wide(doubled="last")).column("a").to_pylist() == ["3", None]
    every = wide(answer, Wide(doubled="list"))
    assert every.column("a").to_pylist() == [["1", "3"], None]
    assert every.column("b").to_pylist() == [["2"], ["4"]]


def test_two_fields_never_share_a_column() -> None:
    """Fields that would have one title get their API names, and no field takes the place of a key."""
    names = NameMap(["run_id", "x date", "x-date"])
    answer = answer_of([("run__id", "1"), ("x_date", "2"), ("x__date", "3"), ("file_name", "4"), ("a", None)])
    del answer["files"][0]["documents"][0]["fields"][4]["value"]
    table = wide(answer, Wide(), names=names)
    assert len(set(table.schema.names)) == len(table.schema.names)
    found = {
        field.metadata[b"api_name"].decode(): table.column(field.name)[0].as_py() for field in list(table.schema)[5:]
    }
    assert found == {"run__id": "1", "x_date": "2", "x__date": "3", "file_name": "4", "a": None}
    assert table.column("run_id")[0].as_py() == "r"


@given(answer=responses())
def test_nothing_is_lost_on_the_way_to_wide(answer: dict[str, Any]) -> None:
    """With `list`, the wide tables of all classes together hold every value of every field, once."""
    page = kit.page_of(answer)
    tables = [pa.Table.from_batches([Tabulator(what).batch(page)]) for what in ("documents", "fields")]
    pivot = Pivot(Wide(doubled="list", confidence=True))
    pivot.survey(*tables)
    found: list[Any] = []
    for class_name in pivot.classes:
        table = pivot.widen(class_name, *tables)
        table.validate(full=True)
        values = [field.name for field in list(table.schema)[5:] if field.metadata[b"source"] == b"value"]
        found += [value for name in values for cell in table.column(name).to_pylist() for value in cell or ()]
    expected = tables[1].column("value").to_pylist()
    assert sorted(map(repr, found)) == sorted(map(repr, expected))


def test_a_wide_table_is_of_one_class(client: Client) -> None:
    """A class has to be named; one that the run has not gives no rows."""
    with pytest.raises(errors.ConfigurationError, match="say which"):
        client.table(RUN.run_id, wide=Wide())
    assert client.table(RUN.run_id, wide="Passport").num_rows == 0


def test_an_empty_run_has_empty_tables(serve_runs: Serve, token: str) -> None:
    """A run without files gives tables without rows, with their columns."""
    run = MemoryRun({"id": "r-0", "status": "COMPLETE"}, [])
    with Client(token=token, base_url=serve_runs(run)) as client:
        for what in TABLES:
            assert client.table("r-0", what).num_rows == 0
        assert client.table("r-0", wide="A").num_rows == 0

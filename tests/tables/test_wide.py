"""The wide view keeps one schema for a project's names, and no engine takes one of its columns for another."""

import asyncio
import errno
import io
import json
import os
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results import AsyncClient, Client, NameMap, errors
from run_results.export import by_class
from run_results.export.job import open_export
from run_results.tables import Typed, Wide
from run_results.tables.batches import Tabulator
from run_results.tables.titles import unique_titles
from run_results.tables.wide import Pivot
from run_results.text import fold
from run_results_conformance.server.runs import MemoryRun

from . import kit

Serve = Callable[..., str]
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
PLACE = ["run_id", "file_index", "file_name", "document_index", "class_name"]


def document(class_name: str | None, *fields: tuple[str, str] | tuple[str, str, str]) -> dict[str, Any]:
    """A document of names, values and perhaps types."""
    keys = ("field_name", "value", "type")
    return {"class_name": class_name, "fields": [dict(zip(keys, field, strict=False)) for field in fields]}


def answer(*documents: dict[str, Any], run_id: str = "r") -> dict[str, Any]:
    """An answer with one file of these documents."""
    files = [{"original_file_name": "a.pdf", "documents": list(documents)}]
    return {"id": run_id, "status": "COMPLETE", "has_more": False, "files": files}


def widened(
    found: dict[str, Any],
    how: Wide | None = None,
    names: NameMap | None = None,
    *,
    typed: bool = False,
    class_name: str | None = "A",
) -> pa.RecordBatch:
    """The wide table of a class."""
    names = names or NameMap()
    page = kit.page_of(found)
    tables = [
        pa.Table.from_batches([Tabulator(what, names, Typed() if typed else None).batch(page)])
        for what in ("documents", "fields")
    ]
    pivot = Pivot(how or Wide(), names, typed=typed)
    pivot.survey(*tables)
    table = pivot.widen(class_name, *tables)
    table.validate(full=True)
    assert table.schema.equals(pivot.schema(class_name), check_metadata=True)
    return table


def exported(found: dict[str, Any], path: Path, **options: Any) -> Any:
    """What an export of an answer did."""
    with open_export("r", path, None, options) as export:  # type: ignore[arg-type]
        export.add(kit.page_of({**found, "files": found["files"][export.start :]}, export.start))
        return export.finish()


# Titles -------------------------------------------------------------------------------------------------------

likely = st.sampled_from(
    ["Total", "TOTAL", "total", "total_", "total_2", "\ufb01rst", "first", "e\u0301", "é", "İ", "i"]
)


@given(
    wishes=st.lists(st.lists(likely | st.text("aA_ 2", max_size=3), min_size=1, max_size=2), max_size=8),
    taken=st.lists(likely, max_size=2),
)
def test_titles_are_all_different_for_every_engine(wishes: list[list[str]], taken: list[str]) -> None:
    """No two titles are the same without case and Unicode form, and none is one that is taken."""
    titles = unique_titles(wishes, taken)
    assert len({fold(title) for title in titles} | {fold(title) for title in taken}) == len(titles) + len(
        {fold(title) for title in taken}
    )


@given(wishes=st.lists(st.tuples(likely, likely), max_size=6, unique=True), data=st.data())
def test_titles_do_not_depend_on_the_order_of_columns(wishes: list[tuple[str, str]], data: st.DataObject) -> None:
    """Each column has the same title, whichever came first, where no two have the same wishes."""
    unique = {wish[-1]: wish for wish in wishes}
    wishes = list(unique.values())
    shuffled = data.draw(st.permutations(wishes))
    assert dict(zip(wishes, unique_titles(wishes), strict=True)) == dict(
        zip(shuffled, unique_titles(shuffled), strict=True)
    )


@given(text=st.text(max_size=6) | likely)
def test_folding_ignores_case_and_form(text: str) -> None:
    """What is the same in lower case, in upper case or in any Unicode form is the same folded."""
    assert fold(text.lower()) == fold(text.upper()) == fold(text.casefold()) == fold(text)
    assert {fold(unicodedata.normalize(form, text)) for form in ("NFC", "NFD", "NFKC", "NFKD")} == {fold(text)}


def test_a_field_keeps_its_title_beside_readings_of_another() -> None:
    """A typed column yields to a field of its title, so that no engine gives a number for the field."""
    fields = [("Account", "100", "NUMBER"), ("Account_Number", "DE-77", "TEXT")]
    table = widened(answer(document("A", *fields)), typed=True)
    assert table.schema.names[5:] == ["Account", "Account number_", "Account Number"]
    assert table.column("Account number_").to_pylist() == [Decimal(100)]
    reader = pa.Table.from_batches([table])
    assert duckdb.sql('select "Account Number", "account" from reader').fetchall() == [("DE-77", "100")]
    assert len(reader) == 1


@pytest.mark.parametrize("titles", ["names", "api"])
def test_case_twins_and_our_own_columns(titles: Any) -> None:
    """Fields that differ only in case, or are called like our columns, have titles apart, and every value is there."""
    names = ("Total", "TOTAL", "File__Name", "run__id", "Guarded", "Run_id", "CLASS__NAME", "further", "FURTHER")
    more = [("\ufb01rst", "f1"), ("first", "f2"), ("due_date", "d1"), ("Due_Date", "d2")]
    found = answer(document("A", *((name, f"value of {name}", "NUMBER") for name in names), *more))
    for given_names in (
        NameMap(),
        NameMap(["Total", "TOTAL", "File_Name", "guarded", "due date", "Due-Date", "first"]),
    ):
        how = Wide(titles=titles, confidence=True)
        table = widened(found, how, given_names, typed=True)
        titles_there = table.schema.names
        assert len({fold(title) for title in [*titles_there, "guarded"]}) == len(titles_there) + 1
        values = [field for field in table.schema if (field.metadata or {}).get(b"source") == b"value"]
        expected = {field["field_name"]: field["value"] for field in found["files"][0]["documents"][0]["fields"]}
        for field in values:
            api_name = field.metadata[b"api_name"].decode()
            assert table.column(field.name)[0].as_py() == expected.get(api_name)
        further = {each["name"]: each["value"] for each in table.to_pylist()[0].get("further") or ()}
        shown = {field.metadata[b"api_name"].decode() for field in values}
        assert further == ({} if not given_names else {k: v for k, v in expected.items() if k not in shown})
        reader = pa.Table.from_batches([table])
        assert duckdb.sql("select * from reader").columns == titles_there
        assert len(reader) == 1


def test_api_titles_are_identifiers() -> None:
    """With the API's names as titles, every title is an identifier, whatever the project's names are."""
    names = NameMap(["due date", "driver's license", "3rd", "total (EUR)"])
    found = answer(document("A", ("due_date", "1", "DATE"), ("driver_s_license", "2"), ("_3rd", "3"), ("x", "4")))
    for given_names in (NameMap(), names):
        table = widened(found, Wide(titles="api", confidence=True), given_names, typed=True)
        assert all(name.isidentifier() for name in table.schema.names)
    assert table.schema.names[5:11] == [
        *("due_date", "due_date_date", "due_date_number", "due_date_currency"),
        *("due_date_model_confidence", "due_date_ocr_confidence"),
    ]
    with pytest.raises(ValueError, match="titles"):
        Wide(titles="nice")  # type: ignore[arg-type]


# One schema for every run -------------------------------------------------------------------------------------

NAMES = NameMap(["total", "due date"], by_class={"B": ["tax"]}, types={"total": "CURRENCY", "due date": "DATE"})
RUN_1 = answer(document("A", ("total", "12.50 EUR", "TEXT")), run_id="run 1")
RUN_2 = answer(
    document("A", ("due_date", "2025-04-03", "DATE"), ("total", "$7", "CURRENCY"), ("new_field", "x")), run_id="run 2"
)
ROWS = [
    {"run_id": "run 1", "total": "12.50 EUR", "due date": None, "further": None},
    {"run_id": "run 2", "total": "$7", "due date": "2025-04-03", "further": [{"name": "new_field", "value": "x"}]},
]


def test_the_columns_are_those_of_the_names() -> None:
    """With names, a run's fields do not change columns, their order or their types; what is not in them is further."""
    schema = widened(RUN_1, names=NAMES, typed=True).schema
    assert schema.names[5:] == ["total", "total number", "total currency", "due date", "due date date", "further"]
    others = (RUN_2, answer(), answer(document("A")), answer(document("Z", ("a", "b"))))
    for found in others:
        assert widened(found, names=NAMES, typed=True).schema.equals(schema, check_metadata=True)
    assert widened(RUN_1, names=NAMES).schema.names[5:] == ["total", "due date", "further"]
    of_b = widened(RUN_1, names=NAMES, class_name="B").schema
    assert of_b.names[5:] == ["tax", "total", "due date", "further"]
    in_order = NameMap(["due date", "total"])
    assert widened(RUN_1, names=in_order).schema.names[5:] == ["due date", "total", "further"]
    # Without a type any reading is possible, and each has its column.
    untyped = widened(RUN_1, names=NameMap(["total"]), typed=True).schema
    assert untyped.names[5:] == ["total", "total date", "total number", "total currency", "further"]


def test_the_names_decide_what_a_value_is_read_as() -> None:
    """A type that was given with the names counts in place of the server's, in the wide view and in `fields`."""
    table = widened(RUN_1, names=NAMES, typed=True)
    assert table.column("total number").to_pylist() == [Decimal("12.50")]
    assert table.column("total currency").to_pylist() == ["EUR"]
    batch = Tabulator("fields", NAMES, Typed()).batch(kit.page_of(RUN_1))
    assert batch.column("number").to_pylist() == [Decimal("12.50")]
    assert batch.column("type").to_pylist() == ["TEXT"]
    assert widened(RUN_2, names=NAMES, typed=True).column("due date date").to_pylist() == [date(2025, 4, 3)]
    # A type that is no number, amount or date is text.
    text = NameMap(["total"], types={"total": "TEXT \ud800"})
    assert widened(RUN_2, names=text, typed=True).schema.names[5:] == ["total", "further"]


def test_names_that_collide_share_a_column_under_the_api_name() -> None:
    """Two of the project's names for one API name have one column, whose title is that API name."""
    names = NameMap(["due date", "due-date", "half \ud800 pair"])
    table = widened(answer(document("A", ("due_date", "1"), ("half___pair", "2"))), names=names)
    assert table.schema.names[5:] == ["due_date", "half \ufffd pair", "further"]
    assert table.to_pylist()[0]["due_date"] == "1"


@pytest.mark.parametrize("doubled", ["error", "first", "last", "list"])
def test_further_keeps_every_unknown_field(doubled: Any) -> None:
    """Unknown fields are all kept, in order, doubled ones too; documents without any have null."""
    names = NameMap(["a"])
    fields = [("x", "1"), ("a", "2"), ("x", "3"), ("y", "4")]
    table = widened(answer(document("A", *fields), document("A", ("a", "5"))), Wide(doubled=doubled), names)
    further = [{"name": "x", "value": "1"}, {"name": "x", "value": "3"}, {"name": "y", "value": "4"}]
    assert table.column("further").to_pylist() == [further, None]
    assert table.column("a").to_pylist() == ([["2"], ["5"]] if doubled == "list" else ["2", "5"])


def test_exports_of_two_runs_concatenate(tmp_path: Path) -> None:
    """Files of two runs, one with a field that the other has not, become one table in every engine without a loss."""
    paths: list[Path] = []
    for number, found in enumerate((RUN_1, RUN_2), 1):
        path = tmp_path / f"run {number}.parquet"
        done = exported(found, path, wide="A", names=NAMES)
        assert done.further == number - 1
        paths.append(path)
    names = ["run_id", "total", "due date", "further"]
    frames = [pandas.read_parquet(path) for path in paths]
    joined = pandas.concat(frames)[names]
    assert [list(map(plain, row)) for row in joined.to_numpy().tolist()] == [list(row.values()) for row in ROWS]
    tables = [pq.read_table(path) for path in paths]
    assert pa.concat_tables(tables).select(names).to_pylist() == ROWS
    assert pq.read_table(tmp_path).select(names).sort_by("run_id").to_pylist() == ROWS
    assert polars.concat([polars.read_parquet(path) for path in paths]).select(names).to_dicts() == ROWS
    assert polars.read_parquet(tmp_path / "*.parquet").sort("run_id").select(names).to_dicts() == ROWS
    for query in (
        f"select * from '{paths[0]}' union all select * from '{paths[1]}'",
        f"select * from read_parquet(['{paths[0]}', '{paths[1]}'])",
    ):
        found = duckdb.sql(f'select run_id, total, "due date", further from ({query}) order by 1').to_arrow_table()
        assert found.to_pylist() == ROWS


def plain(cell: Any) -> Any:
    """A cell of pandas as plain Python has it; where a text is missing, pandas has NaN."""
    if isinstance(cell, float):
        return None
    return list(cell) if hasattr(cell, "__len__") and not isinstance(cell, str) else cell


def test_csv_of_two_runs_has_one_header(tmp_path: Path) -> None:
    """As CSV, too, two runs have the same columns in the same order."""
    headers: set[str] = set()
    for number, found in enumerate((RUN_1, RUN_2)):
        exported(found, tmp_path / f"{number}.csv", wide=Wide("A", titles="api"), names=NAMES)
        headers.add((tmp_path / f"{number}.csv").read_text().partition("\n")[0])
    assert headers == {
        '"run_id","file_index","file_name","document_index","class_name","total","due_date","further","guarded"'
    }


def test_each_class_of_the_names_has_a_file(tmp_path: Path) -> None:
    """Classes of the names file have their table in every run, with their columns, also where no document has them."""
    names = NameMap(["total"], by_class={"B": ["tax"], "\ud800": ["no such class can be"]})
    done = exported(RUN_1, tmp_path / "out", wide=True, names=names)
    assert [path.name for path in done.paths] == ["class-B.parquet", "class-A.parquet"]
    empty = pq.read_table(tmp_path / "out" / "class-B.parquet")
    assert (empty.num_rows, empty.schema.names[5:]) == (0, ["tax", "total", "further"])


def test_an_export_is_not_resumed_with_names_in_another_order(tmp_path: Path) -> None:
    """The order of the names is that of the columns, so that an export with another order is another export."""
    same = NameMap(["total", "due date"], by_class={"A": ["x", "y"], "B": ["y", "x"]})
    others = (
        (NameMap(["due date", "total"], by_class={"A": ["x", "y"], "B": ["y", "x"]}), Wide()),
        (NameMap(["total", "due date"], by_class={"A": ["x", "y"], "B": ["x", "y"]}), Wide()),
        (same, Wide(titles="api")),
    )
    exported(RUN_1, tmp_path / "out", wide=True, names=same)
    exported(RUN_1, tmp_path / "out", wide=True, names=same, resume=True)
    for names, how in others:
        with pytest.raises(errors.ExportMismatch, match=r"other options: (the names changed|wide was)"):
            exported(RUN_1, tmp_path / "out", wide=how, names=names, resume=True)


def test_tables_and_batches_have_the_same_columns(serve_runs: Serve, token: str) -> None:
    """`table` and `batches` of a class give the same rows and columns; without names a stream says what it needs."""
    files = [*RUN_2["files"], *RUN_1["files"], *RUN_2["files"]]
    run = MemoryRun({"id": "r-1", "status": "COMPLETE"}, files)
    with Client(token=token, base_url=serve_runs(run, page_size=1)) as client:
        table = client.table("r-1", wide="A", names=NAMES, typed=True)
        reader = client.batches("r-1", wide="A", names=NAMES, typed=True)
        assert reader.schema.equals(table.schema, check_metadata=True)
        assert reader.read_all().equals(table)
        assert table.num_rows == 3
        with pytest.raises(errors.ConfigurationError, match="give the project's names"):
            client.batches("r-1", wide="A")


def test_an_async_stream_is_wide_too(serve_runs: Serve, token: str) -> None:
    """`AsyncClient.batches` gives the wide view as `Client.batches` does."""

    async def use(url: str) -> None:
        async with AsyncClient(token=token, base_url=url) as client:
            (batch,) = [batch async for batch in client.batches("r-1", wide="A", names=NAMES)]
            assert batch.schema.names[5:] == ["total", "due date", "further"]
            with pytest.raises(errors.ConfigurationError, match="give the project's names"):
                await anext(client.batches("r-1", wide="A"))

    asyncio.run(use(serve_runs(MemoryRun({"id": "r-1", "status": "COMPLETE"}, RUN_2["files"]))))


@pytest.mark.parametrize("wide", ["A", Wide()])
def test_more_names_than_columns_is_said_before_an_export(wide: Any, token: str, tmp_path: Path) -> None:
    """An export with names that are too many for columns is an error of the caller's, at once, and writes nothing."""
    names = NameMap(f"field {number}" for number in range(10_001))
    client = Client(token=token, base_url="http://127.0.0.1:1")
    with client, pytest.raises(errors.ConfigurationError, match="more than 10000 fields"):
        client.export("r", tmp_path / "out", wide=wide, names=names)
    assert list(tmp_path.iterdir()) == []


def test_more_names_than_columns_is_said_before_anything_is_sent(serve_runs: Serve, token: str) -> None:
    """Names that are too many for columns are an error of the caller's, at once."""
    names = NameMap(f"field {number}" for number in range(10_001))
    with Client(token=token, base_url="http://127.0.0.1:1") as client:
        for call in (client.table, client.batches):
            with pytest.raises(errors.ConfigurationError, match="more than 10000 fields"):
                call("r", wide="A", names=names)


def rows_of(found: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """The names and values of an answer's fields."""
    for file in found["files"]:
        for each in file["documents"]:
            for field in each["fields"]:
                yield field["field_name"], field["value"]


@given(
    documents=st.lists(st.lists(st.sampled_from("abcxyz"), max_size=6), max_size=5),
    names=st.lists(st.sampled_from("abc"), min_size=1, unique=True),
    doubled=st.sampled_from(["first", "last", "list"]),
)
def test_every_field_is_in_its_cell_or_further(documents: list[list[str]], names: list[str], doubled: Any) -> None:
    """Whatever fields documents have, each value is in its cell or in `further`; a choice leaves the one it says."""
    made = [[(name, f"{row}.{at}") for at, name in enumerate(fields)] for row, fields in enumerate(documents)]
    table = widened(answer(*(document("A", *fields) for fields in made)), Wide(doubled=doubled), NameMap(names))
    expected = []
    for fields in made:
        cells: dict[str, Any] = {}
        for name in names:
            values = [value for key, value in fields if key == name]
            choice = {"first": values[:1], "last": values[-1:], "list": [values] if values else []}[doubled]
            cells[name] = choice[0] if choice else None
        rest = [{"name": key, "value": value} for key, value in fields if key not in names]
        expected.append({**cells, "further": rest or None})
    assert [{key: row[key] for key in row if key not in PLACE} for row in table.to_pylist()] == expected
    assert json.dumps(table.schema.names) == json.dumps([*PLACE, *names, "further"])


# The cost -----------------------------------------------------------------------------------------------------


def parts_of(count: int, classes: int, fields: int = 2) -> list[dict[str, Any]]:
    """So many pages, each with a document of each of its own classes."""
    return [
        answer(*(document(f"{part}.{each}", *((f"f{at}", "1") for at in range(fields))) for each in range(classes)))
        for part in range(count)
    ]


def export_parts(pages: list[dict[str, Any]], path: Path, **options: Any) -> Any:
    """A wide export with a part for each page."""
    with open_export("r", path, None, {"rows_per_part": 1, "wide": True, **options}) as export:  # type: ignore[typeddict-item]
        for offset, page in enumerate(pages):
            export.add(kit.page_of({**page, "has_more": offset < len(pages) - 1}, offset))
        return export.finish()


def test_a_part_is_not_read_again_for_each_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many classes there are, a wide export reads each part twice: to see its fields, and to sort them."""
    opened: Counter[str] = Counter()
    original = pq.ParquetFile

    def counting(file: Any, *arguments: Any, **more: Any) -> Any:
        opened[file.name] += 1
        return original(file, *arguments, **more)

    monkeypatch.setattr(pq, "ParquetFile", counting)
    done = export_parts(parts_of(3, classes=10), tmp_path / "out")
    assert len(done.paths) == 30
    assert (len(opened), max(opened.values())) == (6, 2)


def test_a_class_has_its_documents_of_all_parts_in_order(tmp_path: Path) -> None:
    """What was sorted by class comes back whole and in order, classes without fields and without a name included."""
    pages = [
        answer(document("A", ("x", str(part))), document(None), document("B"), document("A", ("y", str(part))))
        for part in range(4)
    ]
    done = export_parts(pages, tmp_path / "out")
    tables = {path.name: pq.read_table(path) for path in done.paths}
    assert {name: len(table) for name, table in tables.items()} == {
        "class-A.parquet": 8,
        "unclassified.parquet": 4,
        "class-B.parquet": 4,
    }
    of_a = tables["class-A.parquet"]
    assert of_a.column("file_index").to_pylist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert of_a.column("x").to_pylist() == ["0", None, "1", None, "2", None, "3", None]
    assert of_a.column("y").to_pylist() == [None, "0", None, "1", None, "2", None, "3"]
    assert not [path.name for path in (tmp_path / "out").iterdir() if path.is_dir()]


def test_a_full_disk_while_classes_are_sorted_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the files that sort classes cannot be written, it is an error of the family, and the parts stay."""

    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    pages = parts_of(2, classes=2)
    with monkeypatch.context() as patch:
        patch.setattr(by_class, "TemporaryFile", lambda **_: Full())
        with pytest.raises(errors.ExportError, match=r"cannot write .*No space left on device"):
            export_parts(pages, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.parquet"))
    with open_export("r", tmp_path / "out", None, {"rows_per_part": 1, "wide": True, "resume": True}) as export:
        assert export.start == 2
        export.add(kit.page_of({**pages[0], "files": []}, 2))
        assert len(export.finish().paths) == 4


LIMIT = 8.0
"""How many times the processor time may be for four times the work; where it grows as the square, it is 16."""


def many_columns(count: int, path: Path, **options: Any) -> None:
    """Two documents of so many fields."""
    kinds = ("TEXT", "NUMBER", "DATE", "CURRENCY")
    fields = [(f"field_{at}", "12.5", kinds[at % 4]) for at in range(count)]
    exported(answer(document("A", *fields), document("A", *fields)), path, **options)


ATTACKS: dict[str, Callable[[int, Path], Any]] = {
    "columns as CSV": lambda size, path: many_columns(2_000 * size, path / "out.csv", wide="A"),
    "columns with scores and types": lambda size, path: many_columns(
        1_250 * size, path / "out.parquet", wide=Wide("A", confidence=True), typed=True
    ),
    "columns that differ only in case": lambda size, path: exported(
        answer(document("A", *((twin(at), "1") for at in range(2_000 * size)))), path / "out.parquet", wide="A"
    ),
    "a field of its own in each document": lambda size, path: exported(
        answer(*(document("A", *((f"f{row}_{at}", "1") for at in range(40 * size))) for row in range(40))),
        path / "out.parquet",
        wide="A",
    ),
    "classes and parts": lambda size, path: export_parts(parts_of(15 * size, classes=5), path / "out"),
    "names and classes": lambda size, path: export_parts(
        parts_of(4, classes=10),
        path / "out",
        names=NameMap(by_class={f"class {at}": ["a", "b", "c"] for at in range(50 * size)}),
    ),
}


def twin(number: int) -> str:
    """One of the ways to write a long word in capital and small letters."""
    return "".join(letter.upper() if number >> at & 1 else letter for at, letter in enumerate("abcdefghijklmnop"))


@pytest.mark.skipif(not THOROUGH, reason="it measures processor time for a minute: see `make thorough`")
@pytest.mark.parametrize("attack", ATTACKS)
def test_the_cost_of_wide_tables_follows_their_size(attack: str, tmp_path: Path) -> None:
    """Four times the columns, classes or names take at most eight times the processor time."""

    def spent(size: int) -> float:
        folder = tmp_path / f"{size}-{time.perf_counter_ns()}"
        folder.mkdir()
        begin = time.process_time()
        ATTACKS[attack](size, folder)
        return time.process_time() - begin

    spent(1)
    small = min(spent(1) for _ in range(3))
    large = min(spent(4) for _ in range(2))
    assert large < LIMIT * max(small, 0.05), f"{large:.2f} s, and {small:.2f} s for a quarter of it"

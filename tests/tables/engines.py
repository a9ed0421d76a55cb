"""What every engine is to read: each table with all of its columns, as Arrow has it."""

from pathlib import Path

import pyarrow as pa

from run_results import NameMap, sanitize
from run_results.tables import TABLES, Typed, Wide
from run_results.tables.batches import Tabulator
from run_results.tables.collect import Collector
from run_results.tables.writers import open_writer
from run_results_conformance.server.contract import load_contract
from run_results_conformance.server.synthetic import SyntheticRun

from . import kit

RUN = SyntheticRun(seed=1, files=20)


def every_table() -> dict[str, pa.Table]:
    """The four tables and two wide ones: every property that there is, also absent, null and empty.

    One of the wide ones has fields that differ only in case or form, and fields called like our own columns.
    """
    files = RUN.files(0, 20)
    for field in (field for file in files for document in file["documents"] for field in document["fields"]):
        field["field_name"] = sanitize(field["field_name"])  # as the server does
    whole = {**RUN.header, "message": "Done", "has_more": False, "files": files}
    full = load_contract().examples["full"]
    bare = {"id": "bare", "status": "RUNNING", "has_more": True, "files": [{}, {"documents": [{"fields": [{}]}]}]}
    tables: dict[str, pa.Table] = {}
    for what in TABLES:
        tabulator = Tabulator(what, NameMap(by_class=RUN.project_names()), Typed())
        tables[what] = pa.Table.from_batches([tabulator.batch(kit.page_of(answer)) for answer in (whole, full, bare)])
    # Delta takes column names with spaces only with a setting that few readers know, and BigQuery never does.
    wide = Wide("W-2", confidence=True, titles="api")
    names = NameMap(by_class={"W-2": RUN.project_names()["W-2"][:-1]})  # the last one gets into `further`
    collector = Collector("fields", names, wide, Typed())
    collector.add(kit.page_of(whole))
    tables["wide"] = collector.finish()
    assert all(name.isidentifier() for name in tables["wide"].schema.names)
    twins = ("Total", "TOTAL", "File__Name", "run__id", "Account", "Account_Number", "\ufb01rst", "first", "GUARDED")
    fields = [{"field_name": name, "value": "12.50", "type": "NUMBER"} for name in twins]
    file = {"original_file_name": "twins.pdf", "documents": [{"class_name": "A", "fields": fields}]}
    collector = Collector("fields", NameMap(), Wide("A", titles="api"), Typed())
    collector.add(kit.page_of({**whole, "files": [file]}))
    tables["twins"] = collector.finish()
    return tables


def written(table: pa.Table, path: Path) -> str:
    """The path of a table written as an export writes it."""
    with path.open("wb") as file:
        writer = open_writer(file, table.schema, "parquet")
        for batch in table.to_batches():
            writer.write(batch)
        writer.close()
    return str(path)

"""`run-results fetch` with files, filters and several runs."""

import csv
import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from run_results import Page
from run_results.cli.field_output import LinesOutput
from run_results_conformance.server.reference import ReferenceServer, Refusal
from run_results_conformance.server.runs import MemoryRun, MemoryStore, Run
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun
from run_results_conformance.server.terms import JsonObject

FIRST, SECOND = SyntheticRun(seed=1, files=10), SyntheticRun(seed=2, files=3)
COMMAND = str(Path(sys.executable).with_name("run-results"))

Heard = Callable[..., tuple[int, str, str]]


@pytest.fixture
def heard(serve_runs: Callable[..., str], run_command: Heard) -> Heard:
    """Run the command against a server with both runs; gives code, stdout, stderr."""
    return partial(run_command, serve_runs(FIRST, SECOND, NAMED))


def invoice(*fields: str) -> dict[str, Any]:
    """A document with these fields, by the names of the project."""
    return {"class_name": "Invoice, paid", "fields": [{"field_name": name, "value": "1"} for name in fields]}


NAMED = MemoryRun(
    {"id": "named", "status": "COMPLETE"},
    [
        {"documents": [invoice("due date", "net_total"), {"class_name": "W-2", "fields": []}]},
        {"documents": [{"class_name": "W-2", "fields": [{"field_name": "due date", "value": "=2"}]}]},
    ],
)


def lines(text: str) -> list[dict[str, Any]]:
    """The objects of JSON Lines."""
    return [json.loads(line) for line in text.splitlines()]


def table(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV or Parquet file, as their place, name and value."""
    if path.suffix == ".parquet":
        found = pq.read_table(path).to_pylist()
    else:
        with path.open(encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file))
    keys = ("run_id", "file_index", "document_index", "field_index", "name", "value")
    return [{key: str(row[key]) for key in keys} for row in found]


# Files --------------------------------------------------------------------------------------------------------


def test_a_file_of_lines_has_the_lines_of_standard_output(heard: Heard, tmp_path: Path) -> None:
    """JSON Lines in a file are those of standard output, of one run and of several."""
    place = tmp_path / "new" / "out.jsonl"
    for run_ids in ([FIRST.run_id], [SECOND.run_id, FIRST.run_id]):
        _, printed, _ = heard("fetch", *run_ids, "--include", "all")
        code, out, err = heard("fetch", *run_ids, "--include", "all", "-o", str(place))
        assert (code, err, place.read_text()) == (0, "", printed)
        assert out.startswith(f"{place}: {10 if len(run_ids) == 1 else 13} file")
        assert out.endswith(f", {len(lines(printed))} rows\n")
    assert list(place.parent.iterdir()) == [place]


def test_csv_and_parquet_are_the_table_of_an_export(heard: Heard, tmp_path: Path) -> None:
    """CSV has the bytes, and Parquet the columns and rows, that `export` writes of the table `fields`."""
    made: dict[str, Path] = {}
    for suffix in ("csv", "parquet"):
        ours, made[suffix] = tmp_path / f"ours.{suffix}", tmp_path / f"export.{suffix}"
        assert heard("fetch", FIRST.run_id, "--include", "review", "-o", str(ours))[0] == 0
        assert heard("export", FIRST.run_id, "--include", "review", "-o", str(made[suffix]))[0] == 0
    assert (tmp_path / "ours.csv").read_bytes() == made["csv"].read_bytes()
    assert pq.read_table(tmp_path / "ours.parquet").equals(pq.read_table(made["parquet"]))
    code, printed, err = heard("fetch", FIRST.run_id, "--include", "review", "--format", "csv")
    assert (code, printed) == (0, made["csv"].read_text())
    assert "5 cross-class fields of the packet have no row here" in err


def test_several_runs_are_one_table(heard: Heard, tmp_path: Path) -> None:
    """The rows of several runs follow each other under one header, each with its run's id."""
    for suffix in ("csv", "parquet"):
        place = tmp_path / f"out.{suffix}"
        assert heard("fetch", SECOND.run_id, FIRST.run_id, "-o", str(place))[0] == 0
        ids = [row["run_id"] for row in table(place)]
        assert list(dict.fromkeys(ids)) == [SECOND.run_id, FIRST.run_id]
        assert sorted(ids, reverse=True) == ids


def test_nothing_is_written_unless_all_is(heard: Heard, tmp_path: Path) -> None:
    """Where one of the runs cannot be read, the file stays as it was, and the error says that."""
    place = tmp_path / "out.csv"
    place.write_text("older")
    code, out, err = heard("fetch", FIRST.run_id, "nobody", SECOND.run_id, "-o", str(place), "-q")
    assert (code, out, place.read_text()) == (3, "", "older")
    assert (err.count("\n"), err.count("'nobody'")) == (1, 1)
    assert err.endswith(f". {str(place)!r} is not written\n")
    assert list(tmp_path.iterdir()) == [place]


def test_several_runs_on_standard_output_do_not_wait_for_each_other(heard: Heard) -> None:
    """A run that cannot be read is an error on stderr; those before and behind are printed."""
    code, out, err = heard("fetch", SECOND.run_id, "nobody", FIRST.run_id)
    assert (code, err.count("\n")) == (3, 1)
    assert list(dict.fromkeys(line["run_id"] for line in lines(out))) == [SECOND.run_id, FIRST.run_id]
    code, out, _ = heard("fetch", SECOND.run_id, "named", "--format", "table")
    assert [line for line in out.splitlines() if line.startswith("run ")] == [f"run {SECOND.run_id}", "run named"]
    assert (code, out.count("of 3 fields: ")) == (0, 1)


class Stopping(ReferenceServer):
    """A reference server that refuses one run behind its first page."""

    def find_run(self, run_id: str, context: str | None) -> Run:
        """Find the run, and note its id."""
        self.asked = run_id
        return super().find_run(run_id, context)

    def slice(self, run: Run, offset: int, size: int) -> Sequence[JsonObject]:
        """The files of a page."""
        if offset and self.asked == FIRST.run_id:
            raise Refusal(403, "stopped")
        return super().slice(run, offset, size)


def test_a_failure_on_the_way_says_how_to_resume_that_run(token: str, run_command: Heard) -> None:
    """Of several runs, the one that failed on the way can be resumed alone, and the others are whole."""
    with serve(Stopping(MemoryStore([FIRST, SECOND]), token, page_size=7)) as served:
        code, out, err = run_command(served.url, "fetch", FIRST.run_id, SECOND.run_id)
    assert (code, err.count("\n")) == (3, 1)
    assert err.endswith(". Everything before is written; resume this run alone with --start 7\n")
    found = {(line["run_id"], line["file_index"]) for line in lines(out) if line["file_index"] is not None}
    assert found == {(FIRST.run_id, index) for index in range(7)} | {(SECOND.run_id, index) for index in range(3)}


def test_an_interruption_says_what_is_written(heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C leaves no file, and on standard output whole pages; the message says which run it was at."""

    class Interrupted(LinesOutput):
        def add(self, page: Page) -> int:
            if page.offset:
                raise KeyboardInterrupt
            return super().add(page)

    monkeypatch.setattr("run_results.cli.fetch.LinesOutput", Interrupted)
    place = tmp_path / "out.jsonl"
    assert heard("fetch", FIRST.run_id, "-o", str(place)) == (
        130,
        "",
        f"run-results: error: interrupted. {str(place)!r} is not written\n",
    )
    assert list(tmp_path.iterdir()) == []
    code, out, err = heard("fetch", SECOND.run_id, FIRST.run_id)
    assert (code, {line["run_id"] for line in lines(out)}) == (130, {FIRST.run_id, SECOND.run_id})
    assert (
        f"interrupted at run {FIRST.run_id!r}. Everything before is written; resume this run alone with --start 7"
        in err
    )


@pytest.mark.skipif(sys.platform == "win32", reason="limits of the shell")
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_full_disk_leaves_no_file(
    serve_runs: Callable[..., str], token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """A file that cannot be written whole is an error of one line, and is not there."""
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(SyntheticRun(files=50)))
    command = f"ulimit -f 8; exec {shlex.quote(COMMAND)} fetch synthetic-0 -q -o out.{suffix}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"run-results: error: cannot write 'out.{suffix}': File too large\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "out.txt"], "'out.txt' has the suffix '.txt', which says no format; there are .csv, .jsonl, .parquet"),
        (["-o", "out"], "'out' has no suffix, which would say the format"),
        (["-o", "out/"], "'out/' is a folder, and all rows go into one file"),
        (["-o", "s3://bucket/out.csv"], "is an address"),
        (["-o", "out.csv", "--format", "parquet"], "'out.csv' has the suffix of csv, and the format is to be parquet"),
        (["-o", "out.csv", "--json"], "'out.csv' has the suffix of csv, and the format is to be jsonl"),
        (["--format", "parquet"], "Parquet is read whole, and not from standard output"),
        (["--json", "--format", "csv"], "--json prints JSON Lines, and --format csv does not"),
        ([SECOND.run_id, "--start", "1"], "--start is for one run, and here are 2"),
    ],
)
def test_what_no_file_can_be_is_wrong_usage(
    heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    """A form or a place that cannot be is one line, before anything is written."""
    monkeypatch.chdir(tmp_path)
    code, out, err = heard("fetch", FIRST.run_id, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert list(tmp_path.iterdir()) == []


# Filters ------------------------------------------------------------------------------------------------------


@pytest.fixture
def names(tmp_path: Path) -> str:
    """The project's names; two of them meet."""
    path = tmp_path / "names.json"
    path.write_text(json.dumps({"Invoice, paid": ["due date", "due-date", "net_total"], "W-2": ["due-date"]}))
    return str(path)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["--class", "Invoice, paid"], ["00:due_date", "00:net_total"]),
        (["--class", "W-2"], ["01:", "10:due-date"]),
        (["--class", "W-2", "--class", "Invoice, paid"], ["00:due_date", "00:net_total", "01:", "10:due-date"]),
        (["--field", "net_total"], ["00:net_total"]),
        (["--field", "net__total"], ["00:net_total"]),
        (["--field", "due_date"], ["00:due_date", "10:due-date"]),
        (["--field", "due date"], ["00:due_date"]),
        (["--field", "due-date"], ["00:due_date", "10:due-date"]),
        (["--field", "due date", "--field", "net_total"], ["00:due_date", "00:net_total"]),
        (["--class", "W-2", "--field", "due_date"], ["10:due-date"]),
    ],
)
def test_only_the_classes_and_fields_that_are_asked_for_are_printed(
    heard: Heard, tmp_path: Path, names: str, given: list[str], found: list[str]
) -> None:
    """Every form has the same rows: names are not split, and fields go by the project's name or the API's."""
    code, out, err = heard("fetch", "named", "--names", names, *given)
    assert code == 0
    assert [f"{row['file_index']}{row['document_index']}:{row['name'] or ''}" for row in lines(out)] == found
    assert "no field" not in err
    rows = [each for each in found if not each.endswith(":")]
    for suffix in ("csv", "parquet"):
        place = tmp_path / f"out.{suffix}"
        assert heard("fetch", "named", "--names", names, *given, "-o", str(place))[0] == 0
        assert [f"{row['file_index']}{row['document_index']}:{row['name']}" for row in table(place)] == rows
    code, out, _ = heard("fetch", "named", "--names", names, *given, "--format", "table")
    assert f"shown: {len(rows)} of 3 fields ({shlex.join(given)})" in out


def test_a_filter_that_finds_nothing_says_what_there_is(heard: Heard) -> None:
    """An unknown class or field is a note with those that there are, and no error."""
    code, out, err = heard("fetch", "named", "--class", "w2")
    assert (code, out) == (0, "")
    assert "named: no document has the class 'w2'; the documents have 'W-2', 'Invoice, paid'" in err
    code, out, err = heard("fetch", "named", "--field", "total", "--field", "due_date")
    assert (code, len(lines(out))) == (0, 2)
    assert "named: no field is called 'total'; there are 'net_total', 'due date'" in err
    _, _, err = heard("fetch", "named", "--field", "Net totl")
    assert "named: no field is called 'Net totl'; there are 'net_total', 'due date'" in err  # the nearest first
    _, _, err = heard("fetch", "named", "--class", "W-2", "--field", "net__total", "--format", "csv")
    assert "named: no field of these classes is called 'net__total'; there are 'due date'" in err


def test_a_table_says_where_its_cells_were_changed(heard: Heard) -> None:
    """Cells of CSV that could be formulas are guarded as an export guards them, and the note names the way out."""
    code, out, err = heard("fetch", "named", "--format", "csv", "--class", "W-2")
    assert code == 0
    assert '"\'=2"' in out
    assert "formulas got an apostrophe: 1; the column 'guarded' names them. With run-results export --no-guard" in err

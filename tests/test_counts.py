"""One run has one number for each word, wherever it is shown."""

import json
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.responses import Response

from run_results import Client, Counts, Include, Page, RunResults, problems
from run_results.cli.commands import run as command
from run_results.counts import THRESHOLD
from run_results.report.tiles import tiles
from run_results_conformance.server.contract import load_contract
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryStore
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun
from run_results_conformance.strategies import responses

from .report.kit import Reader

Json = dict[str, Any]
SECRET = "t0k3n-of-the-tests"
RUN_ID = "counted"
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
MARKS = ("failed", "invalid", "unsure", "edited")


# Runs ---------------------------------------------------------------------------------------------------------


def spoil(page: Json, seed: int) -> Json:
    """The page with problems at every level, and with places that break the contract or go beyond it."""
    chance = random.Random(seed)
    edit = {"timestamp": "08/27/2025 00:58:39", "user_id": "u", "modifications": []}
    for file in page["files"]:
        if chance.random() < 0.2:
            file["edit_history"] = [edit]  # the contract knows none: news
        for document in file["documents"]:
            if chance.random() < 0.3:
                document["class_name"] = chance.choice([None, "Invoice", 7])
            if chance.random() < 0.3:
                document["validations"] = {"final_result_pass": chance.choice([False, True, 0])}
            if chance.random() < 0.3:
                document["class_edit_history"] = [edit] * chance.randrange(3)
            for field in document["fields"]:
                _spoil_field(field, chance, edit)
    return page


def _spoil_field(field: Json, chance: random.Random, edit: Json) -> None:
    if chance.random() < 0.7:
        return
    alerts = [{"msg": chance.choice(["", "no such day"])} for _ in range(chance.randrange(3))]
    field.update(
        chance.choice(
            [
                {"value": "ERROR"},
                {"error_msg": "the model gave no answer"},
                {"value": 7},  # breaks the contract
                {"validations": {"valid": False, "alerts": alerts}},
                {"validations": {"valid": True, "alerts": alerts}},
                {"validations": {"valid": 0, "alerts": alerts}},
                {"edit_history": [edit] * chance.randrange(3)},
                {"confidence": {"model": chance.choice([None, 0.79, 0.8, 2]), "ocr": chance.choice([None, -1, 1])}},
                {"certainty": 1},  # news
            ]
        )
    )


class SpoiltServer(ReferenceServer):
    """A server of one run at a time, whose pages have problems, edits, breaches and doubled keys."""

    def __init__(self) -> None:
        super().__init__(MemoryStore(), SECRET, page_size=2)
        self.seed = 0
        self.pages: dict[int, Json] = {}

    def take(self, run: SyntheticRun, seed: int) -> None:
        """Serve this run from now on."""
        self.store = MemoryStore([run])
        self.seed = seed

    def render(self, page: Json) -> Response:
        page = json.loads(json.dumps(page))
        header = page.get("case_info", {}).get("fields", [])
        chance = random.Random(self.seed)
        for field in header:
            field.update(chance.choice([{}, {"error_msg": "no"}, {"validations": {"valid": False, "failures": []}}]))
            field.update(chance.choice([{}, {"edit_history": []}]))
        first = page["files"][0]["input_file_path"] if page["files"] else ""
        text = json.dumps(spoil(page, self.seed + len(first) + sum(map(ord, first))))
        if self.seed % 3 == 0:  # the last one counts
            text = text.replace('"value": "ERROR"', '"value": "1", "value": "ERROR"').replace(
                "{", '{"x": 1, "x": 2, ', 1
            )
        return Response(text, media_type="application/json")


def counted(pages: list[Json]) -> Counter[str]:
    """The numbers that plain loops over the JSON of the pages give."""
    found: Counter[str] = Counter()
    for page in pages:
        found["files"] += len(page["files"])
        for document in (document for file in page["files"] for document in file["documents"]):
            found["documents"] += 1
            found["unclassified"] += document["class_name"] is None
            found["invalid documents"] += document["validations"]["final_result_pass"] is False
            found["edited documents"] += bool(document["class_edit_history"])
            score = document["classification_confidence"]["model"]
            found["unsure documents"] += score is not None and score < THRESHOLD
            for field in document["fields"]:
                found["fields"] += 1
                found.update(_marks(field))
    for field in pages[0].get("case_info", {}).get("fields", []):
        found["case fields"] += 1
        found.update(f"case {mark}" for mark in _marks(field))
    return found


def _marks(field: Json) -> Iterator[str]:
    if field["value"] == "ERROR" or field.get("error_msg"):
        yield "failed"
    if field["validations"]["valid"] is False:
        yield "invalid"
    if any(score is not None and score < THRESHOLD for score in field.get("confidence", {}).values()):
        yield "unsure"
    if field["edit_history"]:
        yield "edited"


# They agree ---------------------------------------------------------------------------------------------------


@pytest.fixture
def spoilt(monkeypatch: pytest.MonkeyPatch) -> Iterator[SpoiltServer]:
    server = SpoiltServer()
    with serve(server) as served:
        monkeypatch.setenv("RUN_RESULTS_TOKEN", SECRET)
        monkeypatch.setenv("RUN_RESULTS_BASE_URL", served.url)
        yield server


@pytest.fixture
def heard(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., tuple[str, str]]:
    """Run the command inside this process, which succeeds; gives its standard output and standard error."""

    def run_here(*arguments: str) -> tuple[str, str]:
        capfdbinary.readouterr()
        code = command(arguments)
        out, err = capfdbinary.readouterr()
        assert int(code) == 0, err
        return out.decode(), err.decode()

    return run_here


@pytest.fixture
def said(heard: Callable[..., tuple[str, str]]) -> Callable[..., str]:
    """The same, for standard output alone."""
    return lambda *arguments: heard(*arguments)[0]


runs = st.builds(
    lambda seed, files, documents, fields, status: SyntheticRun(
        seed,
        files,
        run_id=RUN_ID,
        status=status,
        documents_per_file=documents,
        fields_per_document=fields,
    ),
    st.integers(0, 10_000),
    st.integers(0, 5),
    st.sampled_from([None, 0, 1, 2]),
    st.sampled_from([None, 0, 3]),
    st.sampled_from(["COMPLETE", "FAILED", "RUNNING"]),
)


@given(run=runs, seed=st.integers(0, 10_000))
@settings(
    max_examples=200 if THOROUGH else 15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_command_and_the_library_have_the_same_numbers(
    spoilt: SpoiltServer,
    said: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
    run: SyntheticRun,
    seed: int,
) -> None:
    """The library, `fetch`, `status`, `export`, its tables and the report count one run alike, as plain loops do."""
    spoilt.take(run, seed)
    folder = tmp_path_factory.mktemp("run")
    with Client() as client:
        pages = list(client.pages(RUN_ID, include=Include.ALL))
        first = client.page(RUN_ID)
    wanted = counted([page.raw for page in pages])

    counts = Counts()
    for page in pages:
        counts.add(page)
    assert library(counts) == {name: wanted[name] for name in library(counts)}
    found = (problem.level for page in pages for problem in page.problems())
    levels: Counter[str] = Counter(level for level in found if level != "run")
    levels["class"] //= len(pages)  # every page has them again
    assert counts.problems == {"run": int(run.status == "FAILED"), **{level: levels[level] for level in LEVELS}}

    in_table(said("fetch", RUN_ID, "--include", "all", "--format", "table"), counts)
    in_lines(said("fetch", RUN_ID, "--include", "all", "--format", "jsonl"), wanted)
    in_status(json.loads(said("status", RUN_ID, "--json")), first)
    in_export(said("export", RUN_ID, "-o", str(folder / "out")), folder / "out", wanted)
    drift = sum(len(page.drift) for page in pages)
    in_report(said("report", RUN_ID, "-o", str(folder / "r.html")), folder / "r.html", counts, drift)


LEVELS: Final = ("class", "document", "field")


def library(counts: Counts) -> dict[str, int]:
    """The library's counts, by the names of `counted`."""
    fields, cases, documents = counts.fields, counts.case_fields, counts.documents
    return {
        "files": counts.files,
        "documents": documents.total,
        "unclassified": documents.unclassified,
        "invalid documents": documents.invalid,
        "unsure documents": documents.unsure,
        "edited documents": documents.edited,
        "fields": fields.total,
        "case fields": cases.total,
        **{mark: getattr(fields, mark) for mark in MARKS},
        **{f"case {mark}": getattr(cases, mark) for mark in MARKS},
    }


def number(text: str, pattern: str) -> int:
    """The one number that stands before, or in the place of `#` in, the pattern."""
    (found,) = set(re.findall(pattern.replace("#", r"([\d,]+)"), text))
    return int(found.replace(",", ""))


def in_table(text: str, counts: Counts) -> None:
    """The summary of the table has the counts; the numbers below each sum say of what, and the problems add up."""
    fields, cases, documents = counts.fields, counts.case_fields, counts.documents
    assert number(text, r"\n# files?[, ]") == counts.files
    assert number(text, r"\nof # fields?: ") == fields.total
    of_fields, of_documents = re.findall(r"\nof [\d,]+ (?:field|document)s?: (.*)", text)
    for mark in MARKS:
        assert number(of_fields, f"# {mark}") == getattr(fields, mark)
    if cases.total:
        assert number(text, r"\nof # cross-class fields?: ") == cases.total
        (of_cases,) = re.findall(r"\nof [\d,]+ cross-class fields?: (.*)", text)
        for mark in ("failed", "invalid", "edited"):
            assert number(of_cases, f"# {mark}") == getattr(cases, mark)
    assert number(text, r"\nof # documents?: ") == documents.total
    assert number(of_documents, "# not classified") == documents.unclassified
    assert number(of_documents, "# invalid") == documents.invalid
    assert number(of_documents, "# with an edited class") == documents.edited
    line = text.split("\nproblems: ")[1].partition("\n")[0]
    total, *parts = [int(each.replace(",", "")) for each in re.findall(r"\d[\d,]*\b", line)] or [0]
    assert total == sum(parts) == sum(counts.problems.values())
    breaches = re.findall(r"\nbreaches: ([\d,]+|none)", text)
    assert breaches == [str(counts.breaches or "none")]


def in_lines(text: str, wanted: Counter[str]) -> None:
    """The lines have the marks."""
    lines = [line for line in map(json.loads, text.splitlines()) if line["field_index"] is not None]
    for prefix, found in (
        ("", [line for line in lines if line["file_index"] is not None]),
        ("case ", [line for line in lines if line["file_index"] is None]),
    ):
        assert sum(line["failed"] for line in found) == wanted[f"{prefix}failed"]
        assert sum(line["valid"] is False for line in found) == wanted[f"{prefix}invalid"]
        assert sum(bool(line["edits"]) for line in found) == wanted[f"{prefix}edited"]


def in_status(facts: Json, page: Page) -> None:
    """The state has the numbers of the first page, which was asked for without flags."""
    assert (facts["files_on_first_page"], facts["has_more"]) == (len(page.files), page.has_more)
    assert (facts["drift_count"], facts["breach_count"]) == (len(page.drift), len(page.breaches))


def in_export(text: str, folder: Path, wanted: Counter[str]) -> None:
    """The line of an export has the counts, and so have the tables."""
    for name, pattern in (("files", "# files?"), ("documents", "# documents?"), ("fields", "# fields?")):
        assert number(text, rf"[ :(]{pattern}[ ,]") == wanted[name]
    tables = {what: pq.read_table(folder / what) for what in ("fields", "case_fields", "documents", "files")}
    for what, prefix in (("fields", ""), ("case_fields", "case ")):
        columns = tables[what].to_pydict()
        assert tables[what].num_rows == wanted[f"{prefix}fields"]
        assert sum(columns["failed"]) == wanted[f"{prefix}failed"]
        assert columns["valid"].count(False) == wanted[f"{prefix}invalid"]
        assert columns["edited"].count(True) == wanted[f"{prefix}edited"]
    for mark in ("failed", "invalid", "edited"):
        assert number(text, f"# {mark}") == wanted[mark]
    columns = tables["documents"].to_pydict()
    assert sum(columns["failed_count"]) == wanted["failed"]
    assert columns["final_result_pass"].count(False) == wanted["invalid documents"]
    assert sum(map(bool, columns["class_edits"])) == wanted["edited documents"]
    assert (tables["documents"].num_rows, tables["files"].num_rows) == (wanted["documents"], wanted["files"])


def in_report(line: str, path: Path, counts: Counts, drift: int) -> None:
    """The report, what it holds, and the line of its command have the counts."""
    fields = counts.fields
    read = Reader(path)
    text = " ".join("".join(read.text).split())
    for noun, count in (
        ("file", counts.files),
        ("document", counts.documents.total),
        ("field", fields.total),
        ("cross-class field", counts.case_fields.total),
    ):
        assert f" {count:,} {noun}{'' if count == 1 else 's'} " in text.split(" need a look ")[0]
    for tile in tiles(counts):
        below = " (below 0.80)" if tile.reason == "unsure" else ""
        assert f" {tile.total:,} {tile.label}{below} {tile.text} " in text
        parts = {noun: number for number, noun in tile.parts}
        if tile.reason != "look":
            assert parts["field"] == getattr(fields, tile.reason)
            assert parts["cross-class field"] == getattr(counts.case_fields, tile.reason)
    assert parts["document"] == counts.documents.edited
    assert f" {drift:,} place" in text
    for mark in MARKS:
        assert number(line, f"# {mark}") == getattr(fields, mark)
    held = [field for document in read.documents for field in document.get("s", [])]
    assert len(held) == fields.total
    for bit, mark in ((1, "failed"), (2, "invalid"), (4, "edited")):
        assert sum(bool(field[1] & bit) for field in held) == getattr(fields, mark)
        assert sum(bool(case[2] & bit) for case in read.index["case"]) == getattr(counts.case_fields, mark)
    documents = [each for each in read.documents if "d" in each]
    assert (len(documents), sum(bool(each.get("u")) for each in documents)) == (
        counts.documents.total,
        counts.documents.unclassified,
    )
    assert sum(each.get("v") is False for each in documents) == counts.documents.invalid
    assert sum(bool(each.get("e")) for each in documents) == counts.documents.edited


@given(st.lists(responses(load_contract().flags), min_size=1, max_size=3))
def test_problems_are_counted_as_they_are_listed(answers: list[Json]) -> None:
    """The counts of any answer that the contract allows are those of its list of problems."""
    from .report.kit import page_of

    for answer in answers:
        counts = Counts()
        counts.add(page_of(answer))
        levels: Counter[str] = Counter(problem.level for problem in problems(RunResults.from_dict(answer)))
        assert counts.problems == {level: levels[level] for level in ("run", *LEVELS)}


# What was read may not be all ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["RUNNING", "PAUSED", "STOPPED_AT_CHECKPOINT"])
def test_an_unfinished_run_is_named_as_such(
    spoilt: SpoiltServer, heard: Callable[..., tuple[str, str]], tmp_path: Path, status: str
) -> None:
    """`fetch`, `report` and `export` warn where the run has not finished, and the report says it, too."""
    spoilt.take(SyntheticRun(3, 2, run_id=RUN_ID, status=status), 1)
    warning = f"{RUN_ID}: the run is not finished ({status}): it may get more files than these"
    for arguments in (
        ("fetch", RUN_ID, "--format", "table"),
        ("fetch", RUN_ID, "--format", "jsonl"),
        ("report", RUN_ID, "-o", str(tmp_path / "r.html")),
        ("export", RUN_ID, "-o", str(tmp_path / "out")),
        ("export", RUN_ID, "-o", "-", "--format", "jsonl"),
    ):
        assert warning in heard(*arguments)[1], arguments
    assert "The run is not finished." in "".join(Reader(tmp_path / "r.html").text)
    spoilt.take(SyntheticRun(3, 2, run_id=RUN_ID), 1)
    assert "not finished" not in heard("fetch", RUN_ID)[1]
    heard("report", RUN_ID, "-o", str(tmp_path / "r.html"))
    assert "The run is not finished." not in "".join(Reader(tmp_path / "r.html").text)


def test_a_start_behind_the_end_is_said(
    spoilt: SpoiltServer, heard: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    """A walk that begins behind the last file says so; one that begins at the last file says nothing."""
    spoilt.take(SyntheticRun(3, 3, run_id=RUN_ID), 1)
    for start in ("3", "100"):
        warning = f"{RUN_ID}: the run has no file {start}: it ends earlier (files are counted from 0)"
        for arguments in (("fetch", RUN_ID), ("report", RUN_ID, "-o", str(tmp_path / "r.html"))):
            assert warning in heard(*arguments, "--start", start)[1]
        assert f"The run has no file {int(start) + 1} (--start {start})" in "".join(Reader(tmp_path / "r.html").text)
    assert "has no file" not in heard("fetch", RUN_ID, "--start", "2")[1]


# Words --------------------------------------------------------------------------------------------------------


class Plain(ReferenceServer):
    """A server with one answer."""

    def __init__(self, answer: Json) -> None:
        super().__init__(MemoryStore([SyntheticRun(run_id=RUN_ID)]), SECRET)
        self.body = {"id": RUN_ID, "status": "COMPLETE", "has_more": False, "files": [], **answer}

    def render(self, page: Json) -> Response:
        return Response(json.dumps(self.body), media_type="application/json")


def test_a_long_note_is_shown_in_full(heard: Callable[..., tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The reasons of a field that do not fit into the last column stand below it; short ones stand beside it."""
    reason = (
        "the model gave no answer for this field, since " + "the page is too dark to be read, " * 3 + "and it ends here"
    )
    field = {"field_name": "total", "value": "ERROR", "error_msg": reason}
    short = {"field_name": "date", "value": "ERROR", "error_msg": "too dark"}
    with serve(Plain({"files": [{"documents": [{"class_name": "Invoice", "fields": [field, short]}]}]})) as served:
        monkeypatch.setenv("RUN_RESULTS_TOKEN", SECRET)
        monkeypatch.setenv("RUN_RESULTS_BASE_URL", served.url)
        out, _ = heard("fetch", RUN_ID, "--format", "table")
    assert f"failed: {reason}" in " ".join(out.split())
    assert "…" not in out
    assert re.search(r"date +ERROR +failed: too dark\n", out)
    assert "\n1 file, 1 document, 2 fields\n" in out, "one is not several"
    assert "\nof 2 fields: 2 failed\nof 1 document: 0 not classified\n" in out
    assert "\nproblems: 2 messages, 2 on fields\n" in out

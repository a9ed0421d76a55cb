"""CSV by choice: its dialect and separator, from the library and the command line."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from run_results import Client, Include, errors
from run_results.cli.commands import run
from run_results_conformance.server.runs import MemoryRun

Serve = Callable[..., str]
VALUES = ["Müller", "a;=cmd|'/C calc'!A0;b", "-$5.00"]
BOX = {"top_x": 1.25, "top_y": 2.25, "bottom_x": 3.25, "bottom_y": 4.25, "page_number": 0}


@pytest.fixture
def url(serve_runs: Serve) -> str:
    """A server with a run whose last field has 500 boxes."""
    fields: list[dict[str, Any]] = [{"field_name": f"f{n}", "value": value} for n, value in enumerate(VALUES)]
    fields.append({"field_name": "boxes", "value": "x", "source_coordinates": [BOX] * 500})
    files = [{"original_file_name": f"{n}.pdf", "documents": [{"class_name": "A", "fields": fields}]} for n in range(2)]
    return serve_runs(MemoryRun({"id": "r-1", "status": "COMPLETE"}, files), page_size=1)


def rows_of(content: bytes, separator: str) -> list[dict[str, str]]:
    """The rows of CSV for Excel, by Python's reader."""
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=separator))


@pytest.mark.parametrize("form", ["file", "parts", "wide"])
def test_an_export_is_for_excel(form: str, url: str, token: str, tmp_path: Path) -> None:
    """Each file has a byte order mark and the separator; what was guarded and cut is counted, and can be resumed."""
    choices: dict[str, Any] = {"dialect": "excel", "separator": ";", "include": Include.SOURCE}
    if form == "wide":
        choices |= {"wide": "A"}
    elif form == "parts":
        choices |= {"tables": ["fields"], "format": "csv", "rows_per_part": 1}
    path = tmp_path / ("out" if form == "parts" else "out.csv")
    with Client(token=token, base_url=url) as client:
        made = client.export("r-1", path, **choices)
        contents = [each.read_bytes() for each in (path.rglob("*.csv") if form == "parts" else [path])]
        rows = [row for content in contents for row in rows_of(content, ";")]
        assert len(rows) == (2 if form == "wide" else 8)
        assert made.guarded == 2
        assert made.cut == (0 if form == "wide" else 2)
        assert any("Müller" in row.values() for row in rows)
        again = client.export("r-1", path, resume=True, **choices)
        assert (again.guarded, again.cut) == (made.guarded, made.cut)
        for other in ({"dialect": "rfc4180"}, {"separator": ","}, {"guard": False}):
            with pytest.raises(errors.ExportMismatch, match="other options"):
                client.export("r-1", path, resume=True, **{**choices, **other})


def test_the_command_writes_csv_for_excel(
    url: str, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """`--dialect excel --separator` do the same, also on standard output, and warn of what was cut."""
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", url)
    options = ["--dialect", "excel", "--separator", "tab", "--include", "source"]
    assert run(["export", "r-1", "-o", str(tmp_path / "out.csv"), *options]) == 0
    said = capfdbinary.readouterr().err
    assert b"r-1: cells that are too long for Excel were cut: 2; each says so at its end" in said
    assert run(["export", "r-1", "-o", "-", "--format", "csv", *options]) == 0
    streamed = capfdbinary.readouterr()
    assert b"cells that are too long for Excel were cut: 2" in streamed.err
    assert streamed.out == (tmp_path / "out.csv").read_bytes()
    rows = rows_of(streamed.out, "\t")
    assert [row["value"] for row in rows[:3]] == ["Müller", "'a;'=cmd|'/C calc'!A0;b", "-$5.00"]
    assert rows[3]["source"].endswith(" characters]")


def test_a_dialect_is_for_csv(
    url: str, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dialect or separator that there is not, or for another format, is an error before anything is sent."""
    with Client(token=token, base_url="http://127.0.0.1:1") as client:
        for choices in ({"dialect": "excel"}, {"separator": ";"}):
            with pytest.raises(errors.ConfigurationError, match="for CSV, and not for parquet"):
                client.export("r-1", tmp_path / "out", **choices)  # type: ignore[arg-type]
        with pytest.raises(errors.ConfigurationError, match="no dialect called 'lotus'"):
            client.export("r-1", tmp_path / "out.csv", dialect="lotus")  # type: ignore[arg-type]
        with pytest.raises(errors.ConfigurationError, match="cannot be separated by ':'"):
            client.export("r-1", tmp_path / "out.csv", separator=":")  # type: ignore[arg-type]
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    assert run(["export", "r-1", "-o", "-", "--format", "jsonl", "--separator", "tab"]) == 2
    assert "for CSV, and not for jsonl" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

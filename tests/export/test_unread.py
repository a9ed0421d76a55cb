"""Typed values that an export could not read: counted in its result, on disk and on the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from run_results import Client, Include
from run_results.cli.commands import run
from run_results.tables import Unread
from run_results_conformance.server.runs import MemoryRun

Serve = Callable[..., str]
VALUES = [
    ("DATE", "03/04/2025"),
    ("DATE", "1.2.25"),
    ("NUMBER", "1,234"),
    ("CURRENCY", "QTY 12"),
    ("DATE", "2025-04-03"),
]
OF_A_FILE = Unread(dates=2, numbers=1, others=1)


def run_of(files: int) -> MemoryRun:
    """A run whose files each have the values."""
    fields = [{"field_name": f"f{n}", "type": kind, "value": value} for n, (kind, value) in enumerate(VALUES)]
    documents = [{"class_name": "A", "fields": fields}]
    header = {"id": "r-1", "status": "COMPLETE"}
    return MemoryRun(header, [{"original_file_name": f"{n}.pdf", "documents": documents} for n in range(files)])


def times(count: int) -> Unread:
    """The counts of so many files."""
    return sum([OF_A_FILE] * count, Unread())


@pytest.mark.parametrize("form", [{}, {"format": "csv"}, {"single_file": True}, {"wide": True}, {"tables": ["files"]}])
def test_an_export_counts_what_it_could_not_read(
    form: dict[str, Any], serve_runs: Serve, token: str, tmp_path: Path
) -> None:
    """The result and `_SUCCESS` have the counts of the whole run, in every form; a resume of it says them again."""
    expected = Unread() if "tables" in form else times(3)
    with Client(token=token, base_url=serve_runs(run_of(3), page_size=1)) as client:
        for resume in (False, True):
            made = client.export(
                "r-1", tmp_path / "out", typed=True, include=Include.NONE, resume=resume, rows_per_part=1, **form
            )
            assert made.unread == expected
            manifest = json.loads((tmp_path / "out" / "_SUCCESS").read_text())
            assert Unread(**manifest["counts"][""]["unread"]) == expected
            assert list(manifest["counts"]) == [""]


def test_a_resumed_export_counts_every_part_once(
    serve_runs: Serve, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came before an interruption counts, and a part that was lost after it was counted does not count twice."""
    from run_results.export import job

    calls = 0
    write_part = job.write_part

    def failing(*arguments: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return write_part(*arguments)

    choices: dict[str, Any] = {"typed": True, "include": Include.NONE, "rows_per_part": 1}
    with Client(token=token, base_url=serve_runs(run_of(4), page_size=1)) as client:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(job, "write_part", failing)
            client.export("r-1", tmp_path, **choices)
        parts = sorted((tmp_path / "fields").iterdir())
        assert len(parts) >= 2
        parts[-1].unlink()
        made = client.export("r-1", tmp_path, resume=True, **choices)
    assert made.start == len(parts) - 1
    assert made.unread == times(4)


def test_the_command_says_what_to_do(
    serve_runs: Serve,
    token: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The summary says how many dates and numbers can be read two ways, and the options that settle it."""
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(run_of(3)))
    assert run(["export", "r-1", "--typed", "--include", "none", "-o", str(tmp_path / "a")]) == 0
    said = capsys.readouterr().err
    assert "r-1: 6 dates can be read two ways: say --dates mdy or dmy\n" in said
    assert "r-1: 3 numbers can be read two ways: say --decimal point or comma\n" in said
    assert "r-1: 3 values are no number, amount or date, and stay text only\n" in said
    settled = ["--dates", "mdy", "--decimal", "point"]
    assert run(["export", "r-1", *settled, "--include", "none", "-o", str(tmp_path / "b")]) == 0
    said = capsys.readouterr().err
    assert "two ways" not in said
    assert "3 values" in said


def test_standard_output_says_it_too(
    serve_runs: Serve,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """A table on standard output has the same warnings on stderr."""
    monkeypatch.setenv("RUN_RESULTS_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(run_of(3)))
    assert run(["export", "r-1", "--typed", "--include", "none", "--format", "jsonl", "-o", "-"]) == 0
    assert b"6 dates can be read two ways: say --dates mdy or dmy" in capfdbinary.readouterr().err

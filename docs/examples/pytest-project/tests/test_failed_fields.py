"""Tests the pipeline with the reference server, and with servers that break the contract."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from failed_fields import failed_fields, main

from run_results import Client, NameMap
from run_results.errors import OffsetDidNotAdvance, PageRepeated, UnauthorizedError, UnusablePageError


def test_own_runs(results_server, results_client):
    """Both failed fields of our own run are found, on two pages, under the project's own names."""
    assert results_server.run_ids == ("run-invoices-7",)
    names = NameMap(results_server.names)
    assert list(failed_fields(results_client, "run-invoices-7", names)) == [
        ("invoice-2.pdf", "due date", "No date found"),
        ("invoice-5.pdf", "due date", "No date found"),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_page_size(request, size):
    """Every page size gives every file, because the server may choose any."""
    request.applymarker(pytest.mark.run_results(page_size=size))
    client = request.getfixturevalue("results_client")
    assert len(list(client.files("run-invoices-7"))) == 5


def test_command_line(results_server, tmp_path):
    """The program reads the server and the token from environment variables, and prints CSV."""
    (tmp_path / "fields.txt").write_text("\n".join(results_server.names), "utf-8")
    done = subprocess.run(
        [sys.executable, Path(__file__).parents[1] / "failed_fields.py", "run-invoices-7", tmp_path / "fields.txt"],
        env={**os.environ, **results_server.environ},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.splitlines() == [
        "file,field,reason",
        "invoice-2.pdf,due date,No date found",
        "invoice-5.pdf,due date,No date found",
    ]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("has-more-always", OffsetDidNotAdvance),
        ("offset-ignored", PageRepeated),
        ("has-more-text", UnusablePageError),
    ],
)
def test_wrong_servers(faulty_server, fault, error):
    """A server that breaks the contract is an error, never a shorter list."""
    server = faulty_server(fault)
    with Client(token=server.token, base_url=server.url) as client, pytest.raises(error):
        list(failed_fields(client, server.run_ids[0], NameMap(server.names)))


def test_other_correct_servers(faulty_server, results_client):
    """A server that keeps the contract in another way gives the same rows."""
    server = faulty_server("page-size-by-request")
    names = NameMap(server.names)
    with Client(token=server.token, base_url=server.url) as client:
        rows = list(failed_fields(client, "run-invoices-7", names))
    assert rows == list(failed_fields(results_client, "run-invoices-7", names))


@pytest.mark.run_results(latency=0.01)
def test_wrong_token(results_server):
    """A wrong token is an error, and not a run without failed fields."""
    with Client(token="another", base_url=results_server.url) as client, pytest.raises(UnauthorizedError):
        list(client.files("run-invoices-7"))


def test_output(results_server, tmp_path, monkeypatch, capsys):
    """The output is CSV with a header."""
    for name, value in results_server.environ.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "fields.txt").write_text("\n".join(results_server.names), "utf-8")
    main(["run-invoices-7", str(tmp_path / "fields.txt")], sys.stdout)
    assert capsys.readouterr().out.startswith("file,field,reason\n")

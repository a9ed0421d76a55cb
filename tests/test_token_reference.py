"""References to a token: where they are taken, what they give, and that nothing pickled has the token in it."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from run_results import Client, errors
from run_results.options import Options
from run_results.secret import Secret
from run_results.token_reference import TokenReference, is_reference
from run_results_conformance.cli.reports import read_token
from run_results_conformance.server.runs import MemoryRun

SECRET = "s3cr3t-t0k3n-of-the-references"
RUN = MemoryRun({"id": "run-1", "status": "COMPLETE"}, [{"original_file_name": "a.pdf", "documents": []}])


def test_a_variable_is_read_at_each_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """`env:NAME` gives what the variable holds at the time of the request, so that a token may rotate."""
    reference = TokenReference("env:OTHER_TOKEN")
    monkeypatch.setenv("OTHER_TOKEN", "first")
    assert reference() == "first"
    monkeypatch.setenv("OTHER_TOKEN", "second")
    assert reference() == "second"


def test_a_file_is_read_at_each_use(tmp_path: Path) -> None:
    """`file:PATH` gives what the file holds at the time of the request, without the line break at its end."""
    path = tmp_path / "a token"
    reference = TokenReference(f"file:{path}")
    for token in ("first", "second"):
        path.write_text(f"{token}\n")
        assert reference() == token


def test_a_variable_may_refer_to_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """RUN_RESULTS_TOKEN may hold `file:PATH`, for a client without arguments and for one with `env:`."""
    (tmp_path / "token").write_text(SECRET)
    monkeypatch.setenv("RUN_RESULTS_TOKEN", f"file:{tmp_path / 'token'}")
    assert Options().current_token().reveal() == SECRET
    assert Options(token="env:RUN_RESULTS_TOKEN").current_token().reveal() == SECRET


@pytest.mark.parametrize("place", ["argument", "changed", "environment"])
def test_a_reference_works_where_a_token_does(
    place: str, serve_runs: Callable[..., str], token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the argument, by `with_options` and from RUN_RESULTS_TOKEN, a reference fetches as the token does."""
    monkeypatch.setenv("THE_TOKEN", token)
    monkeypatch.setenv("RUN_RESULTS_TOKEN", "env:THE_TOKEN" if place == "environment" else "another-token")
    given = {"token": "env:THE_TOKEN"} if place == "argument" else {}
    with Client(base_url=serve_runs(RUN), **given) as client:  # type: ignore[arg-type]
        used = client.with_options(token="env:THE_TOKEN") if place == "changed" else client
        assert [file.original_file_name for file in used.files("run-1")] == ["a.pdf"]


def test_the_suite_reads_references_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `check` and `fuzz` read from RUN_RESULTS_TOKEN may be a reference; one to nothing is a wrong call."""
    monkeypatch.setenv("THE_TOKEN", SECRET)
    monkeypatch.setenv("RUN_RESULTS_TOKEN", "env:THE_TOKEN")
    assert read_token(None) == SECRET
    monkeypatch.delenv("THE_TOKEN")
    with pytest.raises(click.UsageError, match="THE_TOKEN, from which the token is read, is not set"):
        read_token(None)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("env:NOT_THERE", "NOT_THERE, from which the token is read, is not set in this process"),
        ("env:EMPTY", "EMPTY, from which the token is read, is not set in this process"),
        ("env:BLANK", "strip it (read from env:BLANK)"),
        ("env:CIRCLE", "env:CIRCLE gives another reference"),
        ("file:/not/there", "cannot read the token file '/not/there'"),
    ],
)
def test_a_reference_to_nothing_says_so(reference: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a process has no token, the error names the place where it was looked for, before anything is sent."""
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("BLANK", f"{SECRET} ")
    monkeypatch.setenv("CIRCLE", "env:CIRCLE")
    client = Client(token=reference, base_url="http://127.0.0.1:9")
    with client, pytest.raises(errors.ConfigurationError) as caught:
        client.page("run-1")
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("text", ["env:", "env:a b", "env:s3cr3t-t0k3n", "file:", "file:a\nb"])
def test_a_broken_reference_is_an_error_at_once(text: str) -> None:
    """A text that begins like a reference and is none cannot be a setting, and the error does not echo it."""
    with pytest.raises(errors.ConfigurationError, match="token reference") as caught:
        Client(token=text)
    assert "s3cr3t" not in str(caught.value)


def test_options_with_a_reference_can_be_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options with a reference come back equal, without the token in the bytes, and read nothing from elsewhere."""
    monkeypatch.setenv("THE_TOKEN", SECRET)
    monkeypatch.setenv("RUN_RESULTS_CONTEXT", "the-context")
    options = Options(token="env:THE_TOKEN", base_url="https://results.example/api", timeout=5)
    assert options.current_token().reveal() == SECRET
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        dumped = pickle.dumps(options, protocol)
        assert SECRET.encode() not in dumped
    monkeypatch.setenv("RUN_RESULTS_CONTEXT", "another")
    loaded = pickle.loads(dumped)
    assert loaded == options == copy.copy(options)
    assert (loaded.context, loaded.current_token().reveal()) == ("the-context", SECRET)


@pytest.mark.parametrize("token", [SECRET, lambda: SECRET], ids=["text", "function"])
def test_options_with_a_token_cannot_be_pickled(token: object) -> None:
    """Options that hold a token, or a function that may, are an error that says what to give instead."""
    options = Options(token=token)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(errors.ClientPicklingError, match="as a reference, env:NAME or file:PATH"):
            attempt(options)  # type: ignore[operator]
    with pytest.raises(errors.ClientPicklingError):
        pickle.dumps(Secret(SECRET))
    with Client(token="env:THE_TOKEN") as client, pytest.raises(errors.ClientPicklingError):
        pickle.dumps(client)


def test_what_is_a_reference() -> None:
    """Only the two beginnings make a text a reference."""
    assert [is_reference(text) for text in ("env:A", "file:a", "ENV:A", "a-token", None)] == [True, True] + [False] * 3

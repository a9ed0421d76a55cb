"""Profiles say where a server is and where its token comes from; `config show` says what is in force, and why."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from run_results.cli.commands import run
from run_results_conformance.server.synthetic import SyntheticRun

RUN = SyntheticRun(seed=1, files=2, run_id="run-1")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write the file of profiles."""

    def written(text: str) -> Path:
        path = tmp_path / "run-results" / "config.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return written


def shown(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, tuple[str, str]]:
    """What `config show` says."""
    capsys.readouterr()
    assert run([*options, "config", "show", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    return {name: (value["value"], value["source"]) for name, value in found.items() if name != "file"}


def test_a_profile_is_enough(
    write: Callable[[str], Path], serve_runs: Callable[..., str], token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a profile a command needs neither options nor variables; names and a token file stand beside the file."""
    path = write(f'[default]\nbase_url = "{serve_runs(RUN)}"\ntoken = "file:token"\nnames = "fields.txt"\n')
    (path.parent / "token").write_text(token)
    (path.parent / "fields.txt").write_text("due date\n")
    assert run(["fetch", "run-1"]) == 0
    assert '"run_id":"run-1"' in capsys.readouterr().out.splitlines()[0]
    title = f"profile 'default' in {str(path)!r}"
    assert shown(capsys)["token"] == (f"file:{path.parent / 'token'}", title)
    assert shown(capsys)["names"] == (str(path.parent / "fields.txt"), title)


def test_options_come_first_then_variables(
    write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option wins over a variable, a variable over the profile, and the profile over the default."""
    path = write('[a]\nbase_url = "https://a.example/api"\ncontext = "of a"\n[b]\ncontext = "of b"\n')
    assert shown(capsys)["base_url"] == ("https://aihub.instabase.com/api", "default")
    assert shown(capsys, "--profile", "a")["context"] == ("of a", f"profile 'a' in {str(path)!r}")
    monkeypatch.setenv("RUN_RESULTS_PROFILE", "b")
    assert shown(capsys)["context"][0] == "of b"
    monkeypatch.setenv("RUN_RESULTS_CONTEXT", "of the environment")
    assert shown(capsys)["context"] == ("of the environment", "RUN_RESULTS_CONTEXT")
    assert shown(capsys, "--context", "given")["context"] == ("given", "--context")


def test_the_token_file_may_be_a_variable(
    serve_runs: Callable[..., str],
    token: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """RUN_RESULTS_TOKEN_FILE names a file with the token, where RUN_RESULTS_TOKEN is not set."""
    (tmp_path / "token").write_text(token)
    monkeypatch.setenv("RUN_RESULTS_BASE_URL", serve_runs(RUN))
    monkeypatch.setenv("RUN_RESULTS_TOKEN_FILE", str(tmp_path / "token"))
    assert run(["status", "run-1"]) == 0
    assert shown(capsys)["token"] == (f"file:{tmp_path / 'token'}", "RUN_RESULTS_TOKEN_FILE")
    monkeypatch.setenv("RUN_RESULTS_TOKEN", "another")
    assert shown(capsys)["token"] == ("(set)", "RUN_RESULTS_TOKEN")


def test_a_token_goes_to_its_own_server_only(write: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Where an option or a variable names another server than the profile, the profile's token is not sent there."""
    write('[default]\nbase_url = "https://a.example/api"\ntoken = "env:TOKEN_OF_A"\n')
    assert run(["status", "run-1", "--base-url", "https://b.example/api"]) == 2
    err = capsys.readouterr().err
    assert "the token of profile 'default' in" in err
    assert "would go to https://b.example/api" in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[default]\ntoken = "s3cr3t"\n', "has a token in it"),
        ('[default]\nbaseurl = "x"\n', "has 'baseurl'; a profile can have base_url, context, token, names"),
        ("[default]\ncontext = 3\n", "context must be a text"),
        ("[default\n", "cannot be read"),
        ("[default\n", "Correct the file; `run-results config show --help` has an example"),
        ('default = "x"\n', "has no profile 'default'; it has none. Add it"),
    ],
)
def test_a_wrong_profile_is_one_line(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    """What a profile cannot have is an error that names the file, and never shows a token."""
    write(text)
    assert run(["config", "show"]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "config.toml" in err
    assert "s3cr3t" not in err
    assert err.count("\n") == 1


def test_config_show_says_what_is_not_there(
    write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`config show` says that a file or a variable of the profile is not there, before another command fails of it."""
    path = write('[default]\ntoken = "file:token"\nnames = "fields.txt"\n[b]\ntoken = "env:TOKEN_OF_B"\n')
    assert run(["config", "show"]) == 0
    assert capsys.readouterr().out.count("): there is no such file\n") == 2
    assert run(["config", "show", "--profile", "b"]) == 0
    assert "): this variable is not set\n" in capsys.readouterr().out
    (path.parent / "token").write_text("x")
    (path.parent / "fields.txt").write_text("due date\n")
    monkeypatch.setenv("TOKEN_OF_B", "x")
    for profile in ("default", "b"):
        assert run(["config", "show", "--json", "--profile", profile]) == 0
        found = json.loads(capsys.readouterr().out)
        del found["file"]
        assert {each["problem"] for each in found.values()} == {None}


def test_a_profile_that_is_not_there(write: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    """A profile that was asked for and is not there is an error that says which there are."""
    assert run(["--profile", "a", "config", "show"]) == 2
    err = capsys.readouterr().err
    assert "there is no file of profiles" in err
    assert "Write it, or set RUN_RESULTS_CONFIG to another one; `run-results config show --help` has an example" in err
    write("[b]\n[c]\n")
    assert run(["--profile", "a", "config", "show"]) == 2
    err = capsys.readouterr().err
    assert "has no profile 'a'; it has b, c. Add it, or choose another with --profile or RUN_RESULTS_PROFILE" in err

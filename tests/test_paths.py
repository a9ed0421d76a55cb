"""What a path is, is decided before anything is fetched; names are safe on every system."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from run_results import errors
from run_results.paths import is_folder_path, is_reserved, local_path, safe_name


@pytest.mark.parametrize(
    "path", ["out", "out/", "./a:b", "tax:2025.csv", "/tmp/s3:/x", "-", "a b", "2025-01-01T10:00", "~"]
)
def test_names_of_this_system_are_paths(path: str) -> None:
    """A colon, a dash and a blank make no address of a path."""
    assert local_path(path, windows=False) == Path(path)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("s3://bucket/out", "is an address.*copy it when it is complete"),
        ("gs://bucket/out.csv", "is an address"),
        ("abfss://c@account.dfs.core.windows.net/out", "is an address"),
        ("dbfs:/mnt/out", "is an address"),
        ("https://example.com/out.csv", "is an address"),
        ("file:///tmp/out", "Give the path alone: /tmp/out"),
        ("file:/tmp/{out}", "Give the path alone: /tmp/{out}"),
        (r"C:\out.csv", "is a path of Windows"),
        ("d:/out.csv", "is a path of Windows"),
        (r"\\server\share", "is a path of Windows"),
        ("", "the path is empty"),
        ("a\0b", "no file can be called"),
    ],
)
def test_what_is_no_path_here_is_an_error_that_says_why(path: str, why: str) -> None:
    """Addresses and other systems' paths are refused, also where `Path` has changed them."""
    forms = [path, Path(path)] if path else [path]  # Path("") is the current folder
    for form in forms:
        with pytest.raises(errors.ConfigurationError, match=why):
            local_path(form, windows=False)


@pytest.mark.parametrize("path", ["tax:2025.csv", "a/NUL.csv", "con", "what?.csv", "ends.", "a/b |c"])
def test_names_that_windows_refuses_are_an_error_there(path: str) -> None:
    """Names of devices, and characters that Windows refuses or obeys, are an error before anything is written."""
    with pytest.raises(errors.ConfigurationError, match="on Windows"):
        local_path(path, windows=True)
    assert local_path(r"C:\a\out.csv", windows=True)


def test_a_slash_makes_a_folder(tmp_path: Path) -> None:
    """A path is a folder's where a slash ends it or a folder is there."""
    assert is_folder_path("v1.2/")
    assert is_folder_path(tmp_path)
    assert not is_folder_path(tmp_path / "v1.2")


@pytest.mark.parametrize("name", ["CON", "nul", "Aux", "PRN", "COM1", "lpt9", "COM²", "CONIN$", "con.txt", "nul .a.b"])
def test_reserved_names_are_not_taken_as_safe(name: str) -> None:
    """A run or class with the name of a device on Windows gets another name."""
    assert is_reserved(name)
    assert not is_reserved(safe_name(name))
    assert safe_name(name) != name


@pytest.mark.skipif(os.name == "nt", reason="needs a locale that is not Unicode")
def test_names_fit_the_encoding_of_the_file_system() -> None:
    """Where the file system's encoding lacks a letter, a safe name does without it, and such a path is an error."""
    script = (
        "from run_results import errors\nfrom run_results.paths import local_path, safe_name\nimport os\n"
        "print(os.fsencode(safe_name('\\xc9lan')).decode())\n"
        "try:\n    local_path('\\xc9lan.csv')\nexcept errors.ConfigurationError as error:\n    print(ascii(error))\n"
    )
    variables = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, text=True)
    assert done.stderr == ""
    name, error = done.stdout.splitlines()
    assert name.startswith("lan-")
    assert "which file names cannot have in this locale" in error

"""Test a wheel with the lowest and with the newest allowed versions of everything, on every Python that is found.

    python requirements/matrix.py dist/run_results-0.1.0-py3-none-any.whl

Each environment is new: it has the wheel with its extras, pytest, and nothing else of this repository but the tests of
the core. `make test-matrix` builds the wheel and calls this. Exits with 1 where one of them fails.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
EXTRAS = "arrow,cli,conformance,delta,report"
TOOLS = ("pytest>=8.4", "pytest-xdist>=3.6")
TESTS = (
    "tests/test_answer.py",
    "tests/test_client.py",
    "tests/test_counts.py",
    "tests/test_errors.py",
    "tests/test_fields.py",
    "tests/test_names.py",
    "tests/test_walk.py",
    "tests/tables/test_tables.py",
    "tests/sync",
)


def run(*command: object, **more: object) -> int:
    """Run a program; returns its exit code."""
    return subprocess.run(list(map(str, command)), check=False, **more).returncode  # type: ignore[call-overload,no-any-return]


def find(version: str) -> str | None:
    """The path of an interpreter of this version: on the path, or where pyenv keeps them."""
    on_path = shutil.which(f"python{version}")
    of_pyenv = map(str, sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))
    for candidate in (*([on_path] if on_path else ()), *of_pyenv):
        if run(candidate, "-c", "", stderr=subprocess.DEVNULL) == 0:  # a shim of pyenv may have nothing behind it
            return candidate
    return None


def main(wheel: Path) -> int:
    failures, lines = 0, []
    for version in PYTHONS:
        interpreter = find(version)
        if not interpreter:
            lines.append(f"Python {version}: not found on this machine")
            continue
        for resolution in ("lowest-direct", "highest"):
            with tempfile.TemporaryDirectory() as folder:
                python = Path(folder, "venv", "bin", "python")
                tests = Path(folder, "work")
                shutil.copytree(ROOT / "tests", tests / "tests", ignore=shutil.ignore_patterns("__pycache__"))
                shutil.copytree(ROOT / "docs", tests / "docs")
                for name in ("openapi.yaml", "pyproject.toml"):
                    shutil.copy(ROOT / name, tests)
                uv = [sys.executable, "-m", "uv"]
                code = run(*uv, "venv", "--quiet", "--python", interpreter, python.parents[1])
                install = [*uv, "pip", "install", "--quiet", "--python", python, "--resolution", resolution]
                code = code or run(*install, f"{wheel.resolve()}[{EXTRAS}]", "httpx2", *TOOLS)
                options = ["-q", "-p", "no:cacheprovider", "-n", "2"]
                code = code or run(python, "-m", "pytest", *options, *TESTS, cwd=tests)
            lines.append(f"Python {version}, {resolution}: {'failed' if code else 'passed'}")
            failures += bool(code)
    print(*lines, sep="\n")
    return 1 if failures or not any(line.endswith("passed") for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

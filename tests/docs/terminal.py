"""A terminal in which the blocks of a page run one after another, in a folder of their own."""

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from run_results.cli import commands
from run_results_conformance.cli import app

from .blocks import ROOT

OUTPUTS = {
    *(">", "-o", "--output", "--to"),
    *("--html", "--json", "--junit", "--sarif", "--summary", "--write-manifest", "--write-names"),
}
"""Behind these words a command names what it writes."""
EXITS = {"--manifest mistakes.json": 2, "sync --ids runs.txt": 3}
"""Commands that end with another code than 0, by a part of them: there are mistakes, or a run is missing."""
STAND_INS = {
    "psql": "sed -n 1p runs.txt",  # there is no database
    "python": f'"{sys.executable}" "$@"',
    "python3": f'"{sys.executable}" "$@" --without-pip',  # nothing is installed, and pip would take seconds
}
"""What runs in place of a program of others."""
_PROGRAMS = {"run-results": "run_results", "run-results-conformance": "run_results_conformance"}
_SYNTAX = set("();<>|&")


class Terminal:
    """Runs lines of shell in the current folder. What it started ends with `close`."""

    def __init__(self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._capture = capture
        self._servers: list[subprocess.Popen[str]] = []

    def run(self, line: str) -> str:
        """Run a line, and see that it ends as it should, and has printed or written something; gives what it printed.

        A plain call of our commands runs in this process: to start another takes half a second.
        """
        if redirected := re.fullmatch(r"(run-results[^|>]*) > (\S+)(?: +#.*)?", line):
            Path(redirected[2]).write_text(self.run(redirected[1]), "utf-8")
            return ""
        before, pipe, after = line.rpartition(" | ")
        if pipe and after.startswith("run-results "):
            piped = io.TextIOWrapper(io.BytesIO(self.run(before).encode()))
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "stdin", piped)
                return self.run(after)
        if pipe and after == "head":  # reads to the end: that a command ends with a broken pipe would be chance
            return "".join(self.run(before).splitlines(keepends=True)[:10])
        parsed = shlex.shlex(line, posix=True, punctuation_chars=True)
        parsed.whitespace_split = True
        words = list(parsed)
        if not words:
            return ""
        program, *rest = (os.path.expandvars(word) for word in words)
        if program in {*STAND_INS, "ls"} or any(set(word) <= _SYNTAX for word in words):
            return self._bash(line, words)
        if program in _PROGRAMS and rest[0] != "serve":
            return self._call(line, program, rest)
        rules: dict[str, Callable[[list[str]], str]] = {
            "export": self._export,
            "make": _check_target,
            "pip": _check_install,
            "%pip": _check_install,
            "run-results-conformance": self._serve,
        }
        assert program in rules, f"no rule runs {line!r}"
        return rules[program](rest)

    def close(self) -> None:
        """End the servers."""
        for server in self._servers:
            server.terminate()
            server.communicate()

    def _call(self, line: str, program: str, words: list[str]) -> str:
        self._capture.readouterr()
        with _written(words) as written:
            if program == "run-results":
                code = int(commands.run(words))
            else:
                with pytest.raises(SystemExit) as ended:
                    app.main.main(words, prog_name=program)
                code = int(ended.value.code or 0)
            out, err = self._capture.readouterr()
            assert code == _expected(line), (line, code, out, err)
        assert out or written or code, (line, err)
        return out or err

    def _bash(self, line: str, words: list[str]) -> str:
        functions = {name: f'"{sys.executable}" -m {module} "$@"' for name, module in _PROGRAMS.items()} | STAND_INS
        defined = "".join(f"{name}() {{ {body}; }}\n" for name, body in functions.items())
        with _written(words) as written:
            done = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", defined + line],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
            assert done.returncode == _expected(line), (line, done)
        assert done.stdout or written or "python3 -m venv" in line, (line, done)
        return done.stdout

    def _export(self, words: list[str]) -> str:
        for word in words:
            name, _, value = word.partition("=")
            self._patch.setenv(name, value)
        return ""

    def _serve(self, words: list[str]) -> str:
        """Start a server, and paste what it prints for another terminal."""
        self._patch.delenv("RUN_RESULTS_TOKEN")
        self._patch.delenv("RUN_RESULTS_BASE_URL")
        command = [sys.executable, "-m", "run_results_conformance", *words]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._servers.append(server)
        assert server.stdout is not None
        assert server.stderr is not None
        assert server.stdout.readline().startswith("http://127.0.0.1:"), server.stderr.read()
        said = [server.stderr.readline()]
        while not said[-1].startswith("Ctrl-C "):
            said.append(server.stderr.readline())
            assert said[-1], said
        for line in said[1:-1]:
            self.run(line.strip())
        return ""


def same_form(printed: str, shown: str) -> bool:
    """Whether a text is what a page shows, with any number for a number, and any text for `...`."""
    pattern = re.escape(" ".join(shown.split())).replace(r"\.\.\.", ".*")
    return re.fullmatch(re.sub(r"\d+", r"\\d+", pattern), " ".join(printed.split())) is not None


def _expected(line: str) -> int:
    return next((code for words, code in EXITS.items() if words in line), 0)


@contextmanager
def _written(words: list[str]) -> Iterator[list[str]]:
    """What a command says that it writes. Afterwards a file is there, and differs from before; a folder has files."""
    paths = [path for option, path in pairwise(words) if option in OUTPUTS and path != "-" and "--dry-run" not in words]
    before = _state(paths)
    yield paths
    for path, state in _state(paths).items():
        assert state, path
        assert "--resume" in words or state != before[path] or Path(path).is_dir(), path


def _state(paths: list[str]) -> Mapping[str, object]:
    """For each path what changes with it: time and place of a file that has something, the files of a folder."""
    found: dict[str, object] = {}
    for path in map(Path, paths):
        if path.is_dir():
            found[str(path)] = sorted(path.rglob("*"))
        else:
            state = path.stat() if path.exists() else None
            found[str(path)] = (state.st_mtime_ns, state.st_ino) if state and state.st_size else None
    return found


def _check_install(words: list[str]) -> str:
    """The packages are ours and known ones; the extras are those of a line that tests/test_wheel.py installs."""
    from tests.test_wheel import IN_DOCS, IN_README

    assert words[0] == "install"
    for word in words[1:]:
        requirement = Requirement(re.sub(r"^\.", "run-results", word))
        assert requirement.name in ("run-results", "pandas", "polars", "duckdb"), word
        assert not requirement.extras or requirement.extras in [{*each.split(",")} for each in (*IN_README, *IN_DOCS)]
    return ""


def _check_target(words: list[str]) -> str:
    """Make knows the target. Only `demo` is done: the others run this suite, build environments, or measure."""
    command = ["make", "--dry-run", "--silent", "SHELL=true", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if words != ["demo"]:
        return ""
    (program,) = re.findall(r"^\.venv/bin/python (\S+)$", done.stdout, re.MULTILINE)
    return subprocess.run([sys.executable, ROOT / program], check=True, capture_output=True, text=True).stdout

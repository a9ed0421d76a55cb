"""Processes that are copies of one that has started are what tests take them for."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests import processes

PROGRAMS = {
    "streams": "import sys; print(sys.stdin.read().upper()); print('no', file=sys.stderr)",
    "exit code": "import sys; sys.exit(7)",
    "message": "import sys; sys.exit('no')",
    "signal": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "end": "import atexit, sys; atexit.register(print, 'last'); sys.stdout.write('first ')",
    "place": "import os, sys; print(os.getcwd(), os.environ['HERE'], sys.argv, sys.path[0], __name__)",
    "encoding": "import sys; print(*[(s.encoding, s.errors) for s in (sys.stdin, sys.stdout, sys.stderr)])",
    "buffers": "import sys; print(*[s.line_buffering for s in (sys.stdin, sys.stdout, sys.stderr)])",
    "signals": "import signal; print(*map(signal.getsignal, (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM)))",
    "descriptors": "import os; print([n for n in range(100) if os.path.exists(f'/dev/fd/{n}')])",
    "threads": "import threading; print(threading.active_count(), threading.current_thread().name)",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_copy_is_like_a_process_of_its_own(name: str, tmp_path: Path) -> None:
    """It has the same output, errors, exit code, arguments, environment, folder, descriptors, signals and end."""
    options: dict[str, Any] = {
        "env": {**os.environ, "HERE": "here"},
        "cwd": tmp_path,
        "input": "straße\n",
        "capture_output": True,
        "encoding": "utf-8",
    }
    command = [sys.executable, "-c", PROGRAMS[name], "an argument"]
    copied, started = processes.run(command, **options), subprocess.run(command, **options)
    expected = (started.returncode, started.stdout.splitlines(), started.stderr.splitlines())
    assert (copied.returncode, copied.stdout.splitlines(), copied.stderr.splitlines()) == expected


def test_modules_of_a_command_that_are_imported_late_are_not_there_before() -> None:
    """An import that a command lacks is found in a copy, too."""
    program = "import sys; print(*(name for name in sys.modules if name.startswith('run_results.')))"
    done = processes.run([sys.executable, "-c", program], capture_output=True, text=True)
    late = {"run_results.export.job", "run_results.report", "run_results.sync.job", "run_results.spark"}
    assert not late & set(done.stdout.split())


def test_a_copy_that_waits_can_be_stopped() -> None:
    """It gets signals, and the way it ended is seen."""
    program = "import sys, time; print(1, flush=True); time.sleep(600)"
    with processes.Process([sys.executable, "-c", program], stdout=subprocess.PIPE) as started:
        assert started.stdout.readline() == b"1\n"
        assert started.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            started.wait(0)
        started.send_signal(signal.SIGTERM)
        assert started.wait(120) == -signal.SIGTERM


def test_options_of_the_interpreter_are_refused() -> None:
    """What only the start of an interpreter can do is not left out silently."""
    done = processes.run([sys.executable, "-W", "error", "-c", "pass"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "need a process of their own" in done.stderr

"""Processes of Python that start in some hundredths of a second.

The start of a command takes a third of a second of processor time, nearly all of it for imports, and tests start
hundreds. Here one process imports what the commands need, and each process that a test starts is a copy (fork) of it:
with its own streams, environment, folder, signals and end. Modules of ours that a command imports when it is used are
not imported before. `run` and `Process` are like `subprocess.run` and `subprocess.Popen`. Where a test is about the
start itself (options of the interpreter, closed streams, imports, memory), it uses `subprocess`.
"""

import atexit
import functools
import gc
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

_IMPORTED = (
    *("run_results.cli.commands", "run_results_conformance.cli"),
    *("rich.console", "rich.live", "rich.progress", "rich.table", "rich.text", "httpx", "httpcore", "asyncio", "ssl"),
    "jinja2",
    *("uvicorn", "uvicorn.config", "uvicorn.protocols.http.h11_impl", "uvicorn.lifespan.on", "uvicorn.lifespan.off"),
    *("starlette.applications", "starlette.routing", "starlette.responses", "starlette.requests", "jsonschema_rs"),
    *("hypothesis", "concurrent.futures.thread", "multiprocessing.connection", "xml.etree.ElementTree", "zoneinfo"),
)
_AT_THE_START = ("PYTHON", "LC_", "LANG")
"""How variables begin that count when an interpreter starts: there is a parent for each set of them."""
_NUMBER = struct.Struct("<i")
_CAN_COPY = sys.platform == "linux"

Stream = int | IO[Any] | None


# The test's side ----------------------------------------------------------------------------------------------


class _Copy:
    """A process that is a copy of a parent; like `subprocess.Popen`, with what tests use of it."""

    def __init__(
        self,
        command: Sequence[str | os.PathLike[str]],
        *,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        text: bool = False,
        encoding: str | None = None,
        start_new_session: bool = False,
    ) -> None:
        self.args = list(map(str, command))
        self.returncode: int | None = None
        encoding = encoding or ("utf-8" if text else None)
        program, *arguments = map(os.fspath, command)
        if program != sys.executable:
            arguments = [program, *arguments]
        variables = dict(os.environ if env is None else env)
        at_the_start = frozenset(each for each in variables.items() if each[0].startswith(_AT_THE_START))
        request = {"command": arguments, "env": variables, "cwd": os.fspath(cwd or Path.cwd())}  # type: ignore[type-var]
        request["session"] = start_new_session
        self._report, report = socket.socketpair()
        given, ours = [report.fileno()], []
        close = [report.detach()]
        for number, stream in enumerate((stdin, stdout, stderr)):
            end: IO[Any] | None = None
            if stream == subprocess.PIPE:
                read, write = os.pipe()
                theirs, mine = (read, write) if number == 0 else (write, read)
                end = os.fdopen(mine, ("w" if number == 0 else "r") + ("" if encoding else "b"), encoding=encoding)
                close.append(theirs)
            elif stream == subprocess.DEVNULL:
                theirs = os.open(os.devnull, os.O_RDWR)
                close.append(theirs)
            elif stream == subprocess.STDOUT:
                theirs = given[2]
            elif stream is None:
                theirs = number
            else:
                theirs = stream if isinstance(stream, int) else stream.fileno()
            given.append(theirs)
            ours.append(end)
        self.stdin, self.stdout, self.stderr = ours
        try:
            socket.send_fds(_parent(at_the_start), [json.dumps(request).encode()], given)
        finally:
            for descriptor in close:
                os.close(descriptor)
        self.pid = self._read_number()

    def _read_number(self) -> int:
        said = self._report.recv(_NUMBER.size)
        if len(said) < _NUMBER.size:
            raise RuntimeError("the process that others are copies of has ended")
        return int(_NUMBER.unpack(said)[0])

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; gives the exit code, or the negative number of the signal that ended it."""
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._report, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = self._read_number()
            self._report.close()
        return self.returncode

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, input: Any = None, timeout: float | None = None) -> tuple[Any, Any]:
        """Send the input, read until the end of both streams, and wait for the end of the process."""
        pool = ThreadPoolExecutor(2)
        try:
            reading = [stream and pool.submit(stream.read) for stream in (self.stdout, self.stderr)]
            if self.stdin and not self.stdin.closed:
                with suppress(BrokenPipeError), self.stdin:
                    if input:
                        self.stdin.write(input)
            out, err = (each and each.result(timeout) for each in reading)
            for stream in (self.stdout, self.stderr):
                if stream:
                    stream.close()
            self.wait(timeout)
        except TooLate as error:
            raise subprocess.TimeoutExpired(self.args, timeout or 0) from error
        finally:
            pool.shutdown(wait=False)
        return out, err

    def __enter__(self) -> "_Copy":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for stream in (self.stdout, self.stderr, self.stdin):
            if stream:
                with suppress(BrokenPipeError):
                    stream.close()
        self.wait()


Process: Any = _Copy if _CAN_COPY else subprocess.Popen


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    input: Any = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    **options: Any,
) -> "subprocess.CompletedProcess[Any]":
    """Start a process and wait for its end, like `subprocess.run`; the program is `sys.executable` or a script."""
    if capture_output:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if input is not None:
        options["stdin"] = subprocess.PIPE
    with Process(command, **options) as started:
        try:
            out, err = started.communicate(input, timeout)
        except BaseException:
            started.kill()
            raise
    done = subprocess.CompletedProcess(started.args, started.returncode, out, err)
    if check:
        done.check_returncode()
    return done


_starting = threading.Lock()


def _parent(variables: frozenset[tuple[str, str]]) -> socket.socket:
    """The way to the process that others are copies of, which begins with these variables."""
    with _starting:
        return _start_parent(variables)


@functools.cache
def _start_parent(variables: frozenset[tuple[str, str]]) -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        parent = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            env={"PATH": os.environ["PATH"], **dict(variables)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        parent.wait()

    atexit.register(end)
    return ours


# The parent's side --------------------------------------------------------------------------------------------


def _serve(requests: socket.socket) -> dict[str, Any] | None:
    """Copy this process for each request; gives the request in the copy, and None in this process, at the end."""
    reports: dict[int, tuple[int, socket.socket]] = {}  # by descriptor of the process
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd in reports:  # it has ended
                    selector.unregister(key.fd)
                    pid, report = reports.pop(key.fd)
                    os.close(key.fd)
                    with report, suppress(BrokenPipeError):
                        report.send(_NUMBER.pack(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
                    continue
                request, given, _, _ = socket.recv_fds(requests, 1 << 20, 4)
                if not request:
                    return None
                report = socket.socket(fileno=given[0])
                pid = os.fork()
                if pid == 0:
                    signal.signal(signal.SIGINT, signal.default_int_handler)
                    selector.close()
                    for descriptor, (_, other) in reports.items():
                        os.close(descriptor)
                        other.close()
                    report.close()
                    requests.close()
                    for number, descriptor in enumerate(given[1:]):
                        os.dup2(descriptor, number)
                        os.close(descriptor)
                    return dict(json.loads(request))
                for descriptor in given[1:]:
                    os.close(descriptor)
                report.send(_NUMBER.pack(pid))
                process = os.pidfd_open(pid)
                reports[process] = (pid, report)
                selector.register(process, selectors.EVENT_READ)


def _become(request: dict[str, Any]) -> None:
    """Be the process that a test asked for, up to its end."""
    if request["session"]:
        os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        before = getattr(sys, name)
        through = before.write_through
        raw = open(number, mode + "b", buffering=0 if through and mode == "w" else -1, closefd=False)  # noqa: SIM115
        stream = io.TextIOWrapper(
            raw,
            encoding=before.encoding,
            errors=before.errors,
            line_buffering=not through and (name == "stderr" or os.isatty(number)),
            write_through=through,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    match request["command"]:
        case ["-c", code, *rest]:
            sys.argv, sys.path[:0] = ["-c", *rest], [""]
            exec(compile(code, "<string>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})
        case ["-m", module, *rest]:
            sys.argv, sys.path[:0] = [module, *rest], [request["cwd"]]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [program, *rest] if not program.startswith("-"):
            sys.argv, sys.path[:0] = [program, *rest], [str(Path(program).parent)]
            runpy.run_path(program, run_name="__main__")
        case other:
            raise ValueError(f"options of the interpreter need a process of their own: {other}")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    del sys.path[0]  # the folder of this file
    for imported in _IMPORTED:
        with suppress(ImportError):  # what is not installed is not needed
            importlib.import_module(imported)
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise RuntimeError("a module that is imported starts a thread, which a copy would not have")
    gc.collect()
    gc.freeze()
    asked = _serve(socket.socket(fileno=int(sys.argv[1])))
    if asked:
        _become(asked)

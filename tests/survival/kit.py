"""What the tests of survival share: one run, one walk for both clients, and how an outcome is put into words."""

import asyncio
import json
import os
import re
import subprocess
import sys
from contextlib import nullcontext
from itertools import groupby
from typing import Any

import httpx
import httpx2
from attrs import define, field
from hypothesis import settings as profiles

from run_results import AsyncClient, Client, Drift, Page, RetryPolicy, RunResultsError
from run_results_conformance.faults.network import SITUATIONS, FaultServer, fault_server
from run_results_conformance.server.runs import MemoryRun

TOKEN = "s3cr3t-t0k3n.of_the~survivors"
CONTEXT = "c0ntext of the survivors"
RUN_ID = "run-7"
PAGE_SIZE = 3
NAMES = [f"in/{index}.pdf" for index in range(7)]
HEADER = {"id": RUN_ID, "status": "COMPLETE", "batch_id": "batch-1", "finish_timestamp": 1756256319482113024}
RUN = MemoryRun(
    HEADER,
    [
        {
            "original_file_name": name[3:],
            "input_file_path": name,
            "documents": [{"class_name": "Form", "fields": [{"field_name": "due date", "value": name}]}],
        }
        for name in NAMES
    ],
)
# The longest wait of each draw, so that what is waited is known. Nobody really waits: see `walk`.
POLICY = RetryPolicy(attempts=3, draw=lambda low, high: high)
# Two waits of half a minute, and not three.
SECONDS_OF_PATIENCE = 70.0
THOROUGH = profiles.get_profile("thorough").max_examples == profiles.default.max_examples
LIBRARIES: dict[str, Any] = {"own": None, "httpx": httpx, "httpx2": httpx2}
"""Whose HTTP client is used: none that was passed in, or one of these libraries."""
library_in_use = "own"
PATIENCE = (1, 4, 16)
"""A machine can be too slow for a short time-out: it is multiplied by the next of these."""
GENEROUS = 45.0  # seconds; far more than anything here takes, and less than a situation lasts


@define
class Outcome:
    """What a walk came to."""

    names: list[str] = field(factory=list)
    offsets: list[int] = field(factory=list)
    drift: list[tuple[Drift, ...]] = field(factory=list)
    error: RunResultsError | None = None
    waits: list[float] = field(factory=list)

    def take(self, page: Page) -> None:
        """Add a page; a walk without end is no outcome."""
        assert len(self.offsets) < 50
        self.names += [str(file.input_file_path) for file in page.files]
        self.offsets.append(page.offset)
        self.drift.append(page.drift)

    def told(self) -> str:
        """In words that are the same each time."""
        text = "every file, once and in order" if self.error is None else tell(self.error)
        places = {re.sub(r"\d+", "*", place.path) for drift in self.drift for place in drift}
        if places:
            text += f"; drift at {', '.join(f'`{path}`' for path in sorted(places))}"
        if self.waits:
            waits = [(text, len(list(same))) for text, same in groupby(f"{_rounded(wait)} s" for wait in self.waits)]
            text += f"; waited {' + '.join(' + '.join([wait] * n) if n < 4 else f'{n} × {wait}' for wait, n in waits)}"
        return text


def _rounded(seconds: float) -> str:
    return f"{round(seconds, -1) if seconds > 10 else seconds:g}"


def tell(error: RunResultsError) -> str:
    """An error by its class and what it carries."""
    known = vars(error)
    parts = [f"`{type(error).__name__}`"]
    if known.get("status"):
        parts.append(f"status {known['status']}")
    texts = (known.get(name) for name in ("server_message", "request_id"))
    parts += [re.sub(r"\s+", " ", f"“{text[:60]}”") for text in texts if text]
    if known.get("location"):
        parts.append(f"points to `{known['location']}`")
    if known.get("retry_after") is not None:
        parts.append(f"asks for {_rounded(known['retry_after'])} s")
    if "attempts" in known:
        parts.append(f"{known['attempts']} attempt{'s' * (known['attempts'] > 1)}")
    if error.resume_offset is not None:
        parts.append(f"resume at {error.resume_offset}")
    return re.sub(r"(127\.0\.0\.1):\d+", r"\1:…", ", ".join(parts))


def settings_for(url: str, **settings: Any) -> dict[str, Any]:
    """What every client here is told."""
    return {"token": TOKEN, "base_url": url, "retry": POLICY, "patience": SECONDS_OF_PATIENCE, **settings}


def walk(
    url: str,
    asynchronous: bool,
    *,
    start: int = 0,
    deadline: float | None = None,
    http: dict[str, Any] | None = None,
    **settings: Any,
) -> Outcome:
    """Walk with either client, over an HTTP client of `library_in_use`, which is made with the options in `http`.

    Waits between attempts are noted down and not sat out.
    """
    outcome = Outcome()
    module = LIBRARIES[library_in_use] or (httpx if http is not None else None)
    settings = settings_for(url, **settings)

    def walk_with_threads() -> None:
        with passed_in(module and module.Client, http) as own, Client(http_client=own, **settings) as client:
            client._sender.sleep = outcome.waits.append  # type: ignore[method-assign]
            for page in client.pages(RUN_ID, start=start, deadline=deadline):
                outcome.take(page)

    async def walk_with_tasks() -> None:
        async def note(seconds: float) -> None:
            outcome.waits.append(seconds)

        async with (
            passed_in(module and module.AsyncClient, http) as own,
            AsyncClient(http_client=own, **settings) as client,
        ):
            client._sender.sleep = note  # type: ignore[method-assign]
            async for page in client.pages(RUN_ID, start=start, deadline=deadline):
                outcome.take(page)

    try:
        if asynchronous:
            asyncio.run(walk_with_tasks())
        else:
            walk_with_threads()
    except RunResultsError as error:
        outcome.error = error
    return outcome


def walk_in(name: str, asynchronous: bool, serve: dict[str, Any], **settings: Any) -> tuple[Outcome, FaultServer]:
    """Walk into a situation, and leave it clean; gives the server with what it was asked.

    Where a short time-out passed before the server had the request, the situation did not happen: again with more time.
    """
    short = settings.get("timeout")
    for patience in PATIENCE:
        if short is not None:
            settings["timeout"] = short * patience
        with serving(name, **serve) as server:
            outcome = walk(server.url, asynchronous, **settings)
            check_left_clean(server)
        if short is None or server.requests or not SITUATIONS[name].act:
            break
    return outcome, server


def passed_in(kind: Any, options: dict[str, Any] | None) -> Any:
    """An HTTP client of this kind, to be entered; nothing where there is none."""
    return nullcontext() if kind is None else kind(**(options or {}))


def check_resume(outcome: Outcome, asynchronous: bool, **settings: Any) -> None:
    """What was handed out is the beginning of the run; `resume_offset` continues to exactly the rest."""
    assert outcome.names == NAMES[: len(outcome.names)]
    if outcome.error is None:
        assert outcome.names == NAMES
        return
    start = outcome.error.resume_offset
    assert start == len(outcome.names)
    assert outcome.error.run_id == RUN_ID
    with honest_server() as server:
        rest = walk(server.url, asynchronous, start=start, **settings)
    assert rest.error is None
    assert outcome.names + rest.names == NAMES


def run_program(program: str, url: object, *, run_id: str = RUN_ID, warnings: str = "error", **environment: str) -> Any:
    """What a program in a process of its own, with these variables, prints as JSON; it says nothing else."""
    done = subprocess.run(
        [sys.executable, "-W", warnings, "-c", f"TOKEN, URL, RUN_ID = {TOKEN!r}, {url!r}, {run_id!r}\n{program}"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, **environment},
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


def honest_server() -> Any:
    """A server that is never struck."""
    return serving("silent", times=0)


def serving(name: str, **options: Any) -> Any:
    """The run in a situation; a context manager that gives a `FaultServer`."""
    return fault_server(name, options.pop("run", RUN), **{"token": TOKEN, "page_size": PAGE_SIZE, **options})


def check_left_clean(server: FaultServer) -> None:
    """No connection is left open, and nobody went astray."""
    assert server.settle(30.0) == 0, "a closed client leaves no connection open"
    assert server.strayed == []

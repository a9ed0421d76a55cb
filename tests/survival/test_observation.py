"""What can be seen of a client at work: events, log records, and one OpenTelemetry span for each page."""

import logging
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from run_results import errors
from run_results.events import DriftFound, PageReceived, RequestSent, ResponseReceived, RetryPlanned

from .kit import CONTEXT, NAMES, RUN_ID, TOKEN, honest_server, serving, walk

Note = Callable[..., None]


def test_an_observer_sees_everything_in_order(asynchronous: bool, note: Note) -> None:
    """Request, response, retry, page and drift, each with where and what, and nothing else."""
    seen: list[Any] = []
    with serving("status-503-json", first=1, times=1) as server:
        outcome = walk(server.url, asynchronous, observe=seen.append)
        url = f"{server.url}/v2/apps/runs/{RUN_ID}/results"
    assert outcome.names == NAMES
    asked = [(RequestSent, 0, 1), (ResponseReceived, 0, 1), PageReceived]
    again = [(RequestSent, 3, 1), (ResponseReceived, 3, 1), (RetryPlanned, 3, 1)]
    after = [(RequestSent, 3, 2), (ResponseReceived, 3, 2), PageReceived]
    last = [(RequestSent, 6, 1), (ResponseReceived, 6, 1), PageReceived]
    told = [
        type(event) if isinstance(event, PageReceived) else (type(event), event.offset, event.attempt) for event in seen
    ]
    assert told == asked + again + after + last
    assert {event.url for event in seen if hasattr(event, "url")} == {url}
    (retry,) = (event for event in seen if isinstance(event, RetryPlanned))
    assert (type(retry.error), retry.wait) == (errors.ServerError, 0.5)
    assert [event.status for event in seen if isinstance(event, ResponseReceived)] == [200, 503, 200, 200]
    assert all(event.seconds >= 0 and event.size > 0 for event in seen if isinstance(event, ResponseReceived))
    assert [event.page.offset for event in seen if isinstance(event, PageReceived)] == [0, 3, 6]
    note("observation", "an observer, a 503 on the way", "every request, response, retry and page, in order")


def test_an_observer_hears_of_each_kind_of_drift_once(asynchronous: bool, note: Note) -> None:
    """Drift that every file of every page has is told once for each kind of place."""
    seen: list[Any] = []
    with serving("drift-everywhere") as server:
        walk(server.url, asynchronous, observe=seen.append)
    places = [event.drift.path for event in seen if isinstance(event, DriftFound)]
    assert sorted(places) == [
        "$.files[0].documents[0]",
        "$.files[0].documents[1].class_name",
        "$.files[0].original_file_name",
        "$.keys",
        "$.review_completed",
    ]
    note("observation", "an observer, drift in every file of every page", "each kind of place once")


def test_one_client_span_for_each_page(asynchronous: bool, note: Note, spans: InMemorySpanExporter) -> None:
    """A page that was fetched, retries included, is one span of kind CLIENT with OpenTelemetry's names for HTTP."""
    with serving("status-503-json", first=1, times=2) as server:
        walk(server.url, asynchronous)
        host, port = "127.0.0.1", int(server.url.rpartition(":")[2])
    finished = spans.get_finished_spans()
    assert [span.name for span in finished] == ["get_run_results"] * 3
    assert {span.kind for span in finished} == {SpanKind.CLIENT}
    attributes = [dict(span.attributes or {}) for span in finished]
    assert [each["run_results.file_offset"] for each in attributes] == [0, 3, 6]
    assert [each["http.request.resend_count"] for each in attributes] == [0, 2, 0]
    assert all(
        (each["http.request.method"], each["server.address"], each["server.port"], each["http.response.status_code"])
        == ("GET", host, port, 200)
        for each in attributes
    )
    assert not any("error.type" in each for each in attributes)
    assert len({span.context.trace_id for span in finished if span.context}) == 3, (
        "a walk that is left makes none current"
    )
    note("observation", "OpenTelemetry, two 503 on the way", "one client span for each of the three pages")


def test_a_page_that_fails_is_a_span_that_says_so(asynchronous: bool, note: Note, spans: InMemorySpanExporter) -> None:
    """The span of a failed page has the error's type, and ends."""
    with serving("status-404") as server:
        walk(server.url, asynchronous)
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert dict(span.attributes or {})["error.type"] == "NotFoundError"
    assert dict(span.attributes or {})["http.response.status_code"] == 404
    assert span.end_time is not None
    note("observation", "OpenTelemetry, a 404", "one span, with status ERROR and error.type NotFoundError")


def test_spans_end_when_a_walk_is_interrupted(note: Note, spans: InMemorySpanExporter) -> None:
    """Where an observer raises in the middle of a call, its span ends all the same."""

    def interrupt(event: object) -> None:
        if isinstance(event, ResponseReceived):
            raise KeyboardInterrupt

    with honest_server() as server, pytest.raises(KeyboardInterrupt):
        walk(server.url, False, observe=interrupt)
    assert len(spans.get_finished_spans()) == 1
    note("observation", "OpenTelemetry, a call that is interrupted", "one span, which ends")


def test_the_log_is_silent_unless_it_is_asked(note: Note) -> None:
    """Without a handler nothing is written, not even warnings; the logger is named after the package."""
    program = (
        "import sys\nfrom run_results import Client, RunResultsError, RetryPolicy\n"
        "for url in sys.argv[1:]:\n"
        f"    client = Client(token={TOKEN!r}, base_url=url, retry=RetryPolicy(attempts=2, base=0))\n"
        f"    try:\n        list(client.files({RUN_ID!r}))\n    except RunResultsError:\n        pass\n"
        "    client.close()\n"
    )
    with ExitStack() as stack:
        names = ("drift-everywhere", "status-503-json", "status-changes")
        urls = [stack.enter_context(serving(name, first=1)).url for name in names]
        done = subprocess.run(
            [sys.executable, "-c", program, *urls], capture_output=True, text=True, timeout=600, check=True
        )
    assert (done.stdout, done.stderr) == ("", "")
    note("observation", "logging, without any configuration", "no output")


def test_the_log_tells_of_retries_when_it_is_asked(
    asynchronous: bool, note: Note, caplog: pytest.LogCaptureFixture
) -> None:
    """Each failed attempt is one record of the logger `run_results`, with what went wrong and when it goes on."""
    with serving("status-503-json", first=1, times=2) as server, caplog.at_level(logging.INFO, logger="run_results"):
        walk(server.url, asynchronous, context=None)
    lines = [record.getMessage() for record in caplog.records if record.name == "run_results"]
    assert len(lines) == 2
    assert all("503" in line and "next in" in line for line in lines)
    assert not any(secret in caplog.text for secret in (TOKEN, CONTEXT))
    note("observation", "logging at INFO, two 503 on the way", "one record for each failed attempt")


def test_a_package_called_opentelemetry_without_the_api_is_no_error(tmp_path: Path) -> None:
    """The namespace is shared by many packages."""
    (tmp_path / "opentelemetry" / "proto").mkdir(parents=True)
    script = """
        import sys, importlib.util
        sys.modules["opentelemetry.trace"] = None
        from run_results.events import _tracing
        print(_tracing())
    """
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.strip() == "None"

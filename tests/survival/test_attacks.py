"""Small answers that are made to exhaust memory or time: each is refused, or read, within the limits that stand here.

They run in `make thorough`, each in a process of its own, whose memory and processor time are measured. Neither depends
on what else the machine does. Both grow with the body, which `max_body_bytes` limits, and so the limits are rates.
"""

import json
import subprocess
import sys

import pytest

from .kit import THOROUGH

pytestmark = pytest.mark.skipif(not THOROUGH, reason="takes minutes: make thorough")

SIZE = 4 * 2**20
"""Bytes of each answer."""
MOST_MEMORY = 80
"""Bytes of memory for each byte of the body, at most. An empty document takes 2 bytes, and its model 128."""
MOST_SECONDS = 5.0
"""Seconds of processor time for each megabyte; unlimited lists of places took 18."""

ATTACK = """
import json, resource, sys, time
from pathlib import Path
from run_results import RetryPolicy, RunResultsError
from run_results.include import Include
from run_results.options import settle
from run_results.request import Reply
from run_results.retry import RetryBudget
from run_results.walk import walk

def peak():
    status = Path("/proc/self/status")
    if status.exists():  # the other number begins with that of the parent process
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if "VmHWM" in line)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

size, start, item, end = json.loads(sys.argv[1])
before, after = start.encode(), end.encode()
body = before + (item * ((size - len(before) - len(after)) // len(item))).rstrip(",").encode() + after
options = settle(token="t", base_url="http://127.0.0.1", retry=RetryPolicy(attempts=1))
memory, began, outcome = peak(), time.process_time(), "a page"
steps = walk(options, RetryBudget(10), "r", 0, Include.NONE)
try:
    next(steps)
    page = steps.send(Reply(200, {}, body))
    page.files, page.drift, str(page.breaches[:5])
except RunResultsError as error:
    outcome = type(error).__name__
    assert len(str(error)) < 2000, "an error is a line, whatever came"
    assert len(getattr(error, "drift", ())) <= 100
print(json.dumps([outcome, (peak() - memory) / size, (time.process_time() - began) / (size / 2**20)]))
"""

RUN = '{"id": "r", "status": "COMPLETE", "has_more": false, "files": ['
DOCUMENTS = RUN + '{"documents": ['
FIELDS = DOCUMENTS + '{"fields": ['
PAGES = DOCUMENTS + '{"page_numbers": ['
CUSTOM = RUN + '], "keys": {"custom": {"a": ['
ATTACKS = {
    "files that are numbers": (RUN, "0,", "]}"),
    "files that are null": (RUN, "null,", "]}"),
    "files that are arrays": (RUN, "[],", "]}"),
    "empty files": (RUN, "{},", "]}"),
    "empty documents": (DOCUMENTS, "{},", "]}]}"),
    "empty fields": (FIELDS, "{},", "]}]}]}"),
    "fields that are numbers": (FIELDS, "0,", "]}]}]}"),
    "fields of unknown keys": (FIELDS, '{"x":0},', "]}]}]}"),
    "fields of doubled keys": (FIELDS, '{"x":0,"x":0},', "]}]}]}"),
    "edits that lack all": (DOCUMENTS + '{"class_edit_history": [', "{},", "]}]}]}"),
    "page numbers": (PAGES, "0,", "]}]}]}"),
    "page numbers with a fraction of zero": (PAGES, "0.0,", "]}]}]}"),
    "page numbers that are texts": (PAGES, '"",', "]}]}]}"),
    "page numbers without end": (PAGES, "1e999,", "]}]}]}"),
    "free numbers without end": (CUSTOM, "1e999,", "]}}}"),
    "free objects beside such a number": (CUSTOM + "1e999, ", "{},", "]}}}"),
    "free texts with half a character": (CUSTOM, '"\\ud800",', "]}}}"),
    "keys that are only once": (RUN + '], "x": ', '{"x":', ""),
    "nesting": (RUN + '], "x": ', "[", ""),
    "one long number": (RUN + '], "x": ', "1", "}"),
    "one long fraction": (RUN + '], "x": 0.', "1", "}"),
    "one long exponent": (RUN + '], "x": 1e', "1", "}"),
    "one text of escapes": (RUN + '], "x": "', "\\u0066", '"}'),
    "blanks": (RUN + "]", " ", "}"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_small_answer_exhausts_neither_memory_nor_time(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever four megabytes hold, they are an error or a page, within limits of memory and processor time."""
    finished = subprocess.run(
        [sys.executable, "-c", ATTACK, json.dumps([SIZE, *ATTACKS[name]])],
        capture_output=True,
        text=True,
        check=True,
    )
    outcome, memory, seconds = json.loads(finished.stdout)
    with capsys.disabled():
        print(
            f"\n{name}: {outcome}, {memory:.0f} bytes of memory for each byte (limit {MOST_MEMORY}), "
            f"{seconds:.2f} s for each megabyte (limit {MOST_SECONDS})"
        )
    assert memory <= MOST_MEMORY
    assert seconds <= MOST_SECONDS

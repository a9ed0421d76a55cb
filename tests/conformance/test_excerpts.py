"""What a report shows of an answer: the place that differs, both values, and the text around it."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance import ReferenceServer
from run_results_conformance.server.reference import accepts_gzip
from run_results_conformance.verifier.excerpt import excerpt, locate
from run_results_conformance.verifier.report import Failure, Report, to_text
from run_results_conformance.verifier.sanitizer import Sanitizer
from run_results_conformance.verifier.spec_view import Path

from .verifier_kit import STORE, TOKEN, verified

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every place in a value, and what stands there."""
    yield path, value
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in steps:
        yield from places(part, (*path, step))


@given(VALUES, st.sampled_from([None, 0, 2]), st.booleans())
def test_every_path_is_located(value: Any, indent: int | None, ascii_only: bool) -> None:
    """The text at the place of a path begins with the value at the path, however the JSON is written."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    for path, part in places(value):
        found, _ = json.JSONDecoder().raw_decode(text, locate(text, path))
        assert found == part


@pytest.mark.parametrize(
    ("text", "path", "rest"),
    [
        ('{"a": {"b": 1}}', ("a", "c"), '{"b": 1}}'),
        ('{"a": [1, 2]}', ("a", 5), "[1, 2]}"),
        ('{"a": 1, "a": 2}', ("a",), "2}"),
        ('{"a": 7}', ("a", "b"), "7}"),
        ("[]", (0,), "[]"),
        ('{"a": [1, ', ("a", 1), '{"a": [1, '),
        ("<html>", ("a",), "<html>"),
        ("", ("a",), ""),
    ],
)  # fmt: skip
def test_what_is_not_there_is_located_where_it_should_be(text: str, path: Path, rest: str) -> None:
    """Of a path that leads nowhere the last value on the way is the place; broken JSON fails nothing."""
    assert text[locate(text, path) :] == rest


def test_an_excerpt_shows_the_place_in_one_line() -> None:
    """An excerpt has the place, what stands before it, one line, and no token, not even a half of one."""
    text = json.dumps({"before": ["x" * 50] * 900, "echo": TOKEN, "here": "the place", "after": "y" * 900}, indent=2)
    shown = excerpt(text, locate(text, ("here",)), Sanitizer(TOKEN))
    assert shown.startswith("…")
    assert '"echo": "$RUN_RESULTS_TOKEN", "here": "the place", "after": "yyy' in shown
    assert shown.endswith(f"yyy… ({len(text)} characters)")
    assert len(shown) < 600
    assert "\n" not in shown
    assert TOKEN[:8] not in shown


class CompressesOthers(ReferenceServer):
    """Compresses a page whose last value is another one; it is written in many lines."""

    def dump(self, body: Any) -> bytes:
        return json.dumps(body, indent=2, ensure_ascii=False).encode()

    def encode(self, request: Request, response: Response) -> Response:
        response = super().encode(request, response)
        if accepts_gzip(request) and response.status_code == 200:
            page = json.loads(bytes(response.body))
            page["files"][-1]["documents"][0]["fields"][-1]["value"] = "corrected later"
            response.body = gzip.compress(self.dump(page))
            response.headers["Content-Encoding"] = "gzip"
            response.headers["Content-Length"] = str(len(response.body))
        return response


def failure_of(report: Report, rule: str) -> Failure:
    return next(verdict for verdict in report.broken if verdict.rule.id == rule).failures[0]


def test_a_comparison_shows_the_place_and_both_values() -> None:
    """Two answers that should say the same: the report has the path, both values, and the text at that place."""
    report = verified(CompressesOthers(STORE, TOKEN, page_size=3), only=["wire.gzip"])
    failure = failure_of(report, "wire.gzip")
    assert failure.path.startswith("$.files[")
    assert failure.path.endswith(".value")
    assert failure.expected.endswith(" (as in the answer without compression)")
    assert failure.got == "corrected later"
    assert '"value": "corrected later"' in failure.excerpt
    assert '"value": "corrected later"' in to_text(report)


class RefusesEnglish(ReferenceServer):
    """Refuses a request with another User-Agent than ours."""

    def respond(self, request: Request) -> Response:
        mine = request.headers.get("user-agent") == "run-results-conformance"
        return super().respond(request) if mine else Response('{"files": [1, }', 200, media_type="application/json")


def test_a_text_that_is_no_json_is_shown_where_it_breaks() -> None:
    """An answer that cannot be read is shown at the character where reading ended."""
    report = verified(RefusesEnglish(STORE, TOKEN, page_size=3), only=["wire.json", "inputs.headers"])
    assert "[1, }" in failure_of(report, "wire.json").excerpt
    assert failure_of(report, "inputs.headers").got == "no JSON that could be read"

"""The walk over the list of runs, without sending anything: what is asked, what is made of answers, and errors."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from run_results import RetryPolicy, RunStatus
from run_results.errors import (
    ConfigurationError,
    ContractError,
    DeadlineExceededError,
    MalformedResponseError,
    NotFoundError,
    PagingError,
    RunResultsError,
    StatusError,
    UnusablePageError,
)
from run_results.events import DriftFound, Event
from run_results.options import Options, settle
from run_results.request import Outcome, Reply, Request, Sleep
from run_results.retry import RetryBudget
from run_results.run_list.walk import walk
from run_results_api.models import RunSummary
from run_results_api.types import UNSET

from .moving import SECOND, START

SINCE = datetime.fromtimestamp(START, UTC)
UNTIL = SINCE + timedelta(hours=1)


def options(**settings: Any) -> Options:
    """Settings that try once."""
    return settle(
        **{
            "token": "s3cret-of-these-tests",
            "base_url": "http://127.0.0.1",
            "retry": RetryPolicy(attempts=1),
            **settings,
        }
    )


def listed(name: str, second: int = 0, **more: Any) -> dict[str, Any]:
    """The JSON of a run that started so many seconds after `START`."""
    return {"id": name, "status": "COMPLETE", "start_timestamp": (START + second) * SECOND, **more}


def body_of(*runs: Any, **more: Any) -> Reply:
    """An answer with these runs."""
    return Reply(200, {}, json.dumps({"runs": list(runs), **more}).encode())


def play(
    answer: Callable[[Request], Outcome], with_options: Options | None = None, **more: Any
) -> Iterator[RunSummary]:
    """Do what a client does with the steps of a walk over one hour."""
    deadline = more.pop("deadline", None)
    steps = walk(with_options or options(), RetryBudget(10), SINCE, UNTIL, None, more, deadline)
    outcome: Outcome = None
    while True:
        try:
            step = steps.send(outcome)
        except StopIteration:
            return
        outcome = None
        if isinstance(step, Request):
            outcome = answer(step)
        elif not isinstance(step, Sleep):
            yield step


def pages(*runs: dict[str, Any], **more: Any) -> Callable[[Request], Outcome]:
    """A server that has these runs, and knows nothing but the beginning of the window and offsets."""

    def answer(request: Request) -> Outcome:
        begin, offset = int(str(request.params["from_timestamp"])), int(str(request.params["offset"]))
        fitting = [each for each in runs if each.get("start_timestamp", START * SECOND) >= begin * SECOND]
        return body_of(*fitting[offset:], **more)

    return answer


def test_the_question_says_all_that_the_answer_depends_on() -> None:
    """The window is the same in each question; the order, the page's size and the filters are always given."""
    asked: list[Request] = []
    some = [listed(f"r{number}", 10 * number) for number in range(3)]

    def answer(request: Request) -> Outcome:
        asked.append(request)
        return pages(*some)(request)

    found = list(play(answer, options(context="acme"), status=["failed", "COMPLETE"], app_name="Tax & more"))
    assert [run.id for run in found] == ["r0", "r1", "r2"]
    assert len(asked) == 3
    first = dict(asked[0].params)
    assert first == {
        "app_name": "Tax & more",
        "status": ["FAILED", "COMPLETE"],
        "from_timestamp": START - 1,
        "to_timestamp": START + 3601,
        "sort_by": "start_timestamp",
        "order": "ASCENDING",
        "limit": 100,
        "offset": 0,
    }
    assert asked[0].url == "http://127.0.0.1/v2/apps/runs"
    assert asked[0].headers["IB-Context"] == "acme"
    assert {str(request.params["to_timestamp"]) for request in asked} == {str(START + 3601)}
    assert asked[1].params["from_timestamp"] == START + 19


def test_an_answer_that_is_no_use_is_asked_for_again() -> None:
    """A list is read under the same policy as results: 503 and half an answer are asked for again."""
    outcomes = [Reply(503, {}, b""), Reply(200, {}, b'{"runs": [{'), body_of(listed("r")), body_of(listed("r"))]

    def answer(request: Request) -> Outcome:
        return outcomes.pop(0) if outcomes else body_of()

    with_retries = options(retry=RetryPolicy(attempts=3, draw=lambda low, high: 0.0))
    assert [run.id for run in play(answer, with_retries)] == ["r"]


def test_the_deadline_is_of_the_whole_list() -> None:
    """A list that takes longer than its deadline ends with the error that says so."""
    now = iter(range(100))
    timed = options()
    object.__setattr__(timed, "clock", lambda: float(next(now)))
    with pytest.raises(DeadlineExceededError) as caught:
        list(play(pages(listed("r")), timed, deadline=5))
    assert caught.value.is_of_walk


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_the_list_is_named(status: int) -> None:
    """Where the server has no such operation, the error says that this may be the cause."""
    with pytest.raises(StatusError, match="This server may not offer the list of runs") as caught:
        list(play(lambda request: Reply(status, {}, b'{"message": "no s3cret-of-these-tests here"}')))
    assert isinstance(caught.value, NotFoundError) == (status == 404)
    assert (caught.value.offset, caught.value.run_id) == (0, None)
    assert "s3cret-of-these-tests" not in str(caught.value)


UNUSABLE: dict[str, tuple[bytes, type[ContractError], str]] = {
    "no list": (b"[]", ContractError, "no JSON object"),
    "no runs": (b"{}", UnusablePageError, r"\$.runs: expected array"),
    "runs null": (b'{"runs": null}', UnusablePageError, r"\$.runs: expected array"),
    "runs twice": (b'{"runs": [], "runs": []}', UnusablePageError, r"\$.runs: expected one value"),
    "runs twice, one in escapes": (
        b'{"\\u0072uns": [], "runs": []}',
        UnusablePageError,
        r"\$.runs: expected one value",
    ),
    "a text for a run": (b'{"runs": ["r"]}', UnusablePageError, r"\$.runs\[0\]: expected object"),
    "no start": (b'{"runs": [{"id": "r", "status": "FAILED"}]}', UnusablePageError, r"of run 'r': .*\.start_timestamp"),
    "no start and no id": (b'{"runs": [{"status": "FAILED"}]}', UnusablePageError, r"be read: .*\.start_timestamp"),
    "a start in a text": (
        b'{"runs": [{"id": "r", "status": "FAILED", "start_timestamp": "1"}]}',
        UnusablePageError,
        r"\.start_timestamp",
    ),
    "HTML": (b"<html>", MalformedResponseError, "HTML page"),
    "a start in seconds": (
        b'{"runs": [{"id": "r", "status": "FAILED", "start_timestamp": 1756252800}]}',
        PagingError,
        "'r' started at 1756252800 ns",
    ),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_what_the_walk_depends_on_must_be_there(what: str) -> None:
    """A run that cannot be placed in the list, and a list that cannot be read, are errors of the family."""
    body, error, text = UNUSABLE[what]
    with pytest.raises(error, match=text):
        list(play(lambda request: Reply(200, {}, body)))


def test_other_breaches_are_reported_and_the_runs_still_come() -> None:
    """What no reading depends on stays unset and is reported once; a new status and a new key never fail."""
    heard: list[Event] = []
    some = [
        listed("a", status="DREAMING", color="blue"),
        listed("b", batch_id="many", tags=[1]),
        listed("c", batch_id="many", finish_timestamp=0),
        listed("d", finish_timestamp=START * SECOND - 1),
    ]
    runs = list(play(pages(*some), options(observe=heard.append)))
    assert [run.id for run in runs] == ["a", "b", "c", "d"]
    assert runs[0].status == RunStatus("DREAMING")
    found = {event.drift.path for event in heard if isinstance(event, DriftFound)}
    assert {"$.runs[0].status", "$.runs[0].color", "$.runs[1].batch_id", "$.runs[3].finish_timestamp"} <= found
    paths = [event.drift.path for event in heard if isinstance(event, DriftFound)]
    assert len([path for path in paths if path.endswith("batch_id")]) == 1
    with pytest.raises(ContractError, match="broke the contract"):
        list(play(pages(*some), options(strict=True)))


@pytest.mark.parametrize("given", [{}, {"id": None}, {"id": ""}, {"id": 7}])
def test_a_run_without_id_comes_and_is_reported(given: dict[str, Any]) -> None:
    """One run without a usable id does not hide the others: it comes with its id unset; strictly it is an error."""
    heard: list[Event] = []
    nameless = {name: value for name, value in listed("?", 1).items() if name != "id"} | given
    some = [listed("a"), nameless, listed("c", 2)]
    runs = list(play(pages(*some), options(observe=heard.append)))
    assert [run.id for run in runs] == ["a", UNSET, "c"]
    assert {event.drift.path for event in heard if isinstance(event, DriftFound)} == {"$.runs[1].id"}
    with pytest.raises(ContractError, match=r"runs\[1\]\.id"):
        list(play(pages(*some), options(strict=True)))


def test_news_is_found_in_answers_that_decode() -> None:
    """A key that the contract does not have is reported to whoever listens, from the first page."""
    heard: list[Event] = []
    list(play(pages(listed("a", color="blue"), total=1), options(observe=heard.append)))
    assert [event.drift.path for event in heard if isinstance(event, DriftFound)] == ["$.total", "$.runs[0].color"]
    assert {event.run_id for event in heard if isinstance(event, DriftFound)} == {""}


def test_a_filter_that_the_server_does_not_know_is_kept_here() -> None:
    """Runs that do not fit do not come, as far as a listed run shows it, and the breach is reported."""
    heard: list[Event] = []
    some = [
        listed("a", status="FAILED", app_id="x"),
        listed("b", app_id="x"),
        listed("c", app_id="y"),
        listed("d"),
        listed("e", app_id=None),
    ]
    answer = pages(*some)
    assert [run.id for run in play(answer, status="failed")] == ["a"]
    assert [run.id for run in play(answer, options(observe=heard.append), app_id="x")] == ["a", "b", "d", "e"]
    assert [run.id for run in play(answer, run_id="b")] == ["b"]
    assert [event.drift.path for event in heard if isinstance(event, DriftFound)] == ["$.runs[2].app_id"]


def test_arguments_are_checked_before_anything_is_asked() -> None:
    """A mistake in a filter or in the deadline is an error of the configuration."""

    def answer(request: Request) -> Outcome:
        raise AssertionError("nothing should be asked")

    wrong: dict[str, Any]
    for wrong in ({"status": "done"}, {"deadline": -1}, {"color": "blue"}):
        with pytest.raises(ConfigurationError):
            list(play(answer, **wrong))


def test_every_error_is_of_the_family() -> None:
    """Bodies of any kind end in runs or in an error of the family."""
    for body in (b"", b"null", b"1", b'"x"', b"{" * 5000, b"\xff\xfe", b'{"runs": [[[]]]}', b'{"runs": {"a": 1}}'):
        with pytest.raises(RunResultsError):
            list(play(lambda request, body=body: Reply(200, {}, body)))  # type: ignore[misc]

"""The public types, as a promise: this file is never run, only checked, by mypy and by pyright."""

from collections.abc import AsyncGenerator, Callable, Generator
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Literal, assert_type

import attrs
import httpx
import httpx2

from run_results import (
    UNSET,
    AsyncClient,
    CaseField,
    Client,
    Counts,
    Document,
    Drift,
    Field,
    File,
    Include,
    NameMap,
    Page,
    Problem,
    RetryPolicy,
    RunResults,
    RunResultsError,
    RunStatus,
    RunSummary,
    Unset,
    errors,
    failed,
    guess,
    is_api_name,
    problems,
    sanitize,
    to_datetime,
)
from run_results_api.models import CaseInfo, Edit, FieldConfidence, RunKeys, SourceCoordinates


def synchronous(run_id: str) -> None:
    """What `Client` takes and gives."""
    with Client() as client:
        assert_type(client, Client)
        assert_type(client.page(run_id), Page)
        assert_type(client.page(run_id, 7, include=Include.ALL), Page)
        assert_type(client.pages(run_id, start=0, include=Include.REVIEW | Include.SOURCE), Generator[Page, None, None])
        assert_type(client.files(run_id), Generator[File, None, None])
        state = client.page(run_id).state
        assert_type(state, dict[str, str | int | bool | None])
        assert_type(client.pages(run_id, start=1, stop=9, expect=state), Generator[Page, None, None])
        assert_type(client.files(run_id, stop=None, expect=None), Generator[File, None, None])
        assert_type(client.with_options(token="env:NAME", patience=30), Client)
        assert_type(client.runs(), Generator[RunSummary, None, None])
        client.runs(timedelta(1), datetime.now(UTC), status=[RunStatus.FAILED, "COMPLETE"], output_workspaces="w")
        assert_type(client.wait(run_id, timeout=600, poll=0.5), Page)
        assert_type(client.with_options(timeout=3, strict=True, on_change="warn"), Client)
        for file in client.files(run_id, start=3):
            assert_type(file, File)
        for page in client.pages(run_id):
            assert_type(page, Page)
    client.close()
    Client(
        token=lambda: "t",
        context="c",
        base_url="https://api.example/api",
        timeout=1.5,
        max_body_bytes=1,
        retry=RetryPolicy(),
        strict=False,
        on_change="raise",
        on_repeat="keep",
        allow_insecure=False,
        max_connections=7,
        http_client=httpx.Client(),
    )
    Client(token="t", http_client=httpx2.Client())


async def asynchronous(run_id: str) -> None:
    """What `AsyncClient` takes and gives: the same, to be awaited."""
    AsyncClient(token="t", http_client=httpx2.AsyncClient())
    async with AsyncClient(token="t", http_client=httpx.AsyncClient()) as client:
        assert_type(client, AsyncClient)
        assert_type(await client.page(run_id, 7, include=Include.NONE), Page)
        assert_type(client.pages(run_id, start=0, include=Include.ALL), AsyncGenerator[Page, None])
        assert_type(client.files(run_id, start=0, include=Include.ALL), AsyncGenerator[File, None])
        runs = client.runs(timedelta(1), datetime.now(UTC), overlap=timedelta(1), status="FAILED", app_id="a")
        assert_type(runs, AsyncGenerator[RunSummary, None])
        assert_type(await client.wait(run_id, timeout=600, poll=0.5, include=Include.CONFIDENCE), Page)
        assert_type(client.with_options(timeout=3), AsyncClient)
        async for file in client.files(run_id):
            assert_type(file, File)
        async for page in client.pages(run_id):
            assert_type(page, Page)
    await client.close()


def pages(page: Page) -> None:
    """What a page knows."""
    assert_type(page.run, RunResults)
    assert_type(page.run_id, str)
    assert_type(page.files, list[File])
    assert_type(page.offset, int)
    assert_type(page.next_offset, int | None)
    assert_type(page.has_more, bool)
    assert_type(page.status, RunStatus | Unset)
    assert_type(page.is_finished, bool | None)
    assert_type(page.is_settled, bool | None)
    assert_type(page.started_at, datetime | None)
    assert_type(page.finished_at, datetime | None)
    assert_type(page.body, bytes)
    assert_type(page.raw, Any)
    assert_type(page.drift, tuple[Drift, ...])
    assert_type(page.include, Include)
    assert_type(page.problems(), list[Problem])
    counts = Counts(threshold=0.9)
    counts.add(page)
    assert_type((counts.files, counts.fields.failed, counts.documents.total), tuple[int, int, int])
    assert_type(counts.problems, dict[str, int])
    for place in page.drift:
        assert_type((place.path, place.expected), tuple[str, str])
    for problem in page.problems():
        assert_type((problem.message, problem.name, problem.file_index), tuple[str, str | None, int | None])


def attributes(run: RunResults, file: File, document: Document, field: Field, case_field: CaseField) -> None:
    """Every optional value may be unset, what may be null may be None, and what is required is neither."""
    assert_type(run.id, str | Unset)
    assert_type(run.status, RunStatus | Unset)
    assert_type(run.files, list[File])
    assert_type(run.has_more, bool)
    assert_type(run.message, str | None | Unset)
    assert_type(run.start_timestamp, int | Unset)
    assert_type(run.finish_timestamp, int | None | Unset)
    assert_type(run.keys, RunKeys | Unset)
    assert_type(run.case_info, CaseInfo | Unset)
    assert_type(file.input_file_path, str | Unset)
    assert_type(file.documents, list[Document] | Unset)
    assert_type(document.class_name, str | None | Unset)
    assert_type(document.page_numbers, list[int] | Unset)
    assert_type(document.fields, list[Field] | Unset)
    assert_type(field.field_name, str | Unset)
    assert_type(field.value, str | Unset)
    assert_type(field.confidence, FieldConfidence | Unset)
    assert_type(field.source_coordinates, list[SourceCoordinates] | Unset)
    assert_type(field.edit_history, list[Edit] | Unset)
    assert_type(case_field.name, str)
    assert_type(case_field.value, str)
    assert_type(RunStatus("NEW").is_known, bool)
    assert_type(RunResults.from_json(b"{}"), RunResults)
    assert_type(Field.from_dict({}), Field)
    assert_type(run.to_dict(), dict[str, Any])
    assert_type(run.to_json(), bytes)


def narrowing(run: RunResults, document: Document, field: Field) -> None:
    """Unset and null are told apart by `isinstance` and `is`, and passed over together by truth."""
    if field.confidence is not UNSET:
        assert_type(field.confidence, FieldConfidence)
        assert_type(field.confidence.model, float | None | Unset)
    else:
        assert_type(field.confidence, Literal[Unset.UNSET])
    if field.confidence:
        assert_type(field.confidence, FieldConfidence)
        if isinstance(field.confidence.ocr, float):
            assert_type(field.confidence.ocr, float)
    if isinstance(run.finish_timestamp, Unset):
        assert_type(run.finish_timestamp, Unset)
    elif run.finish_timestamp is None:
        assert_type(run.finish_timestamp, None)
    else:
        assert_type(run.finish_timestamp, int)
        assert_type(to_datetime(run.finish_timestamp), datetime)
    if document.class_name:
        assert_type(document.class_name, str)
    for each in document.fields or ():
        assert_type(each, Field)
    assert_type(field.value or "", str)
    assert_type(field.error_msg if field.error_msg is not UNSET else None, str | None)
    assert_type(run.case_info.fields if run.case_info else UNSET, list[CaseField] | Unset)


def making() -> None:
    """Models are made by keyword, with what is required and as much of the rest as there is."""
    assert_type(Field(), Field)
    assert_type(Field(field_name="total", value="1", confidence=FieldConfidence(model=None)), Field)
    assert_type(CaseField(name="n", value="v", chosen_field=None), CaseField)
    assert_type(RunResults(id="r", status=RunStatus.COMPLETE, files=[File(documents=[])], has_more=False), RunResults)


def retrying() -> None:
    """A retry policy is a plain value with numbers in it."""
    policy = RetryPolicy(attempts=3, base=0.1, cap=2.0, max_retry_after=5, budget=1, draw=lambda low, high: high)
    assert_type(policy, RetryPolicy)
    assert_type(policy.attempts, int)
    assert_type((policy.base, policy.cap, policy.max_retry_after, policy.budget), tuple[float, float, float, float])
    assert_type(policy.draw, Callable[[float, float], float])
    assert_type(policy.wait(1, None), float | None)


def naming() -> None:
    """Names go there by a function and come back by a map."""
    assert_type(sanitize("due date"), str)
    assert_type(sanitize("due date", ascii=True), str)
    assert_type(guess("due_date"), str)
    assert_type(is_api_name("due_date"), bool)
    names = NameMap(["due date"], by_class={"Invoice": ("net total",)}, ascii=False)
    assert_type(NameMap.read("fields.txt", ascii=True), NameMap)
    assert_type(names.project_name("due_date"), str)
    assert_type(names.project_name("net_total", "Invoice"), str)
    assert_type(names.label("x", None), str)
    assert_type(names.api_name("due date"), str)
    assert_type(list(names), list[str])
    assert_type(len(names), int)
    for collision in names.collisions:
        assert_type((collision.api_name, collision.names), tuple[str, tuple[str, ...]])
        assert_type(collision.class_name, str | None)


def failing(client: Client, run: RunResults, field: Field) -> None:
    """Every error is of one family and carries what is known; problems are lists of values."""
    try:
        client.page("run-1")
    except errors.StatusError as error:
        assert_type(error.status, int)
        assert_type(error.retry_after, float | None)
    except errors.ContractError as error:
        assert_type(error.drift, tuple[Drift, ...])
    except RunResultsError as error:
        assert_type(error.run_id, str | None)
        assert_type(error.offset, int | None)
        assert_type(error.resume_offset, int | None)
        assert_type(error.message, str)
        assert_type(error.__traceback__, TracebackType | None)
    assert_type(failed(field), bool)
    assert_type(problems(run, 5), list[Problem])
    assert_type(Include.parse("all"), Include)


def models_with_attrs(field: Field) -> None:
    """To type checkers, too, a model is a class of attrs."""
    assert_type(attrs.asdict(field), dict[str, Any])
    attrs.fields(Field)
    attrs.has(Field)

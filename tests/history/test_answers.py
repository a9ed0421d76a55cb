"""Answers of every public version of the contract are read by all that stands on the library."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from run_results import (
    UNSET,
    AsyncClient,
    Client,
    ContractError,
    Include,
    Page,
    RunMismatch,
    RunStatusMissingError,
    UnusablePageError,
)
from run_results.answer import decode
from run_results.fields import case_fields, documents
from run_results_api.models import Document

from . import FILES, RUN_ID, answer, dates, leaves, shapes

ALL = dates()
NEWEST = ALL[-1]


NO_CERTIFICATES: dict[str, Any] = {"verify": False, "trust_env": False}
"""Reading those that httpx comes with takes longer than a test."""


def _answers(date: str) -> httpx.MockTransport:
    def reply(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=answer(date, int(request.url.params.get("file_offset", 0))))

    return httpx.MockTransport(reply)


def client_of(date: str, **settings: Any) -> Client:
    """A client of a server that answers as in this version."""
    http = httpx.Client(transport=_answers(date), **NO_CERTIFICATES)
    return Client(token="secret-token", http_client=http, **settings)


async def _pages_of(date: str) -> list[Page]:
    http = httpx.AsyncClient(transport=_answers(date), **NO_CERTIFICATES)
    async with AsyncClient(token="secret-token", http_client=http) as client:
        return [page async for page in client.pages(RUN_ID, include=Include.ALL)]


def readable(page: Page) -> list[Any]:
    """All that can be read of a page without its raw text: the models, and what drift says came."""
    found = leaves(page.run.to_dict())
    for place in page.drift:
        found += [] if place.got is UNSET else leaves(place.got)
    return found


@pytest.mark.parametrize("date", ALL)
def test_every_page_is_read_and_nothing_is_lost(date: str) -> None:
    """Every file comes once and in order, sync and async alike, and each value is in the models or in the drift."""
    with client_of(date) as client:
        pages = list(client.pages(RUN_ID, include=Include.ALL))
    assert [file.original_file_name for page in pages for file in page.files] == [f"{n}.pdf" for n in range(FILES)]
    for page in pages:
        assert page.raw == answer(date, page.offset)
        assert [leaf for leaf in leaves(page.raw) if leaf not in readable(page)] == []
    again = asyncio.run(_pages_of(date))
    assert [(page.run, page.drift) for page in again] == [(page.run, page.drift) for page in pages]


@pytest.mark.parametrize("date", ALL)
def test_each_earlier_shape_is_in_the_model(date: str) -> None:
    """What had another name or shape is read, and reported in its place."""
    places, came = shapes(date), answer(date)
    with client_of(date) as client:
        page = client.page(RUN_ID, include=Include.ALL)
    run, drift = page.run, {place.path: place for place in page.drift}
    assert run.message == came.get("message", came.get("msg", UNSET))
    assert ("$.msg" in drift) is ("$.msg" in places)
    assert (run.status is UNSET) is ("$.status" not in places) is ("$.status" in drift)
    assert (run.id is UNSET) is ("$.id" not in places) is ("$.id" in drift)
    raw = came["files"][0]["documents"][0]
    document = next(each.document for each in documents(run))
    first = "$.files[0].documents[0]"
    for name in ("doc_id", "post_processed_pdf_path"):
        is_news = name in raw and not isinstance(raw[name], str)
        assert (f"{first}.{name}" in drift) is is_news
    path = raw.get("post_processed_pdf_path", UNSET)
    assert document.post_processed_pdf_path == (path[0] if isinstance(path, list) else path)
    locations = raw["fields"][0]["validations"]["alerts"][0]["locations"]
    read = document.to_dict()["fields"][0]["validations"]["alerts"][0]["locations"]
    assert read == (locations if isinstance(locations, list) else [locations])
    assert bool(case_fields(run)) is ("$.case_info" in places)


def test_the_version_of_today_is_read_in_one_pass() -> None:
    """An answer of the newest version has no drift, and nothing of it is looked through twice."""
    assert decode(json.dumps(answer(NEWEST)).encode())[1] is None
    with client_of(NEWEST, strict=True) as client:
        assert [page.drift for page in client.pages(RUN_ID, include=Include.ALL)] == [(), (), ()]


def page_of(**members: Any) -> Page:
    """A page with these members, and with those that paging needs."""
    http = httpx.Client(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, json={"files": [], "has_more": False} | members)),
        **NO_CERTIFICATES,
    )
    with Client(token="secret-token", http_client=http) as client:
        return client.page(RUN_ID)


def test_readings_of_one_member() -> None:
    """Each reading takes what has a clear meaning, and leaves the rest unset; both are reported."""

    def path_of(value: Any) -> Document:
        return page_of(files=[{"documents": [{"post_processed_pdf_path": value}]}]).files[0].documents[0]  # type: ignore[index]

    assert [path_of(value).post_processed_pdf_path for value in (["a"], ["a", "b"], [], ["a", 1], 7)] == [
        "a", "a", UNSET, UNSET, UNSET,
    ]  # fmt: skip
    batches = {7: "7", -1: "-1", "b": "b"}
    assert {value: page_of(batch_id=value).run.batch_id for value in batches} == batches
    assert [page_of(batch_id=value).run.batch_id for value in (True, 1.5, None, [1])] == [UNSET] * 4
    keys = {"custom": {"loan": 1}}
    read = [page_of(keys=value).run.keys for value in ([keys], [], [keys, keys], ["x"])]
    assert [each and each.to_dict() for each in read] == [keys, {}, UNSET, UNSET]
    page = page_of(keys=[keys])
    assert [(place.path, place.got) for place in page.breaches] == [("$.keys", [keys])]


def test_the_new_name_counts_where_both_came() -> None:
    """`msg` beside `message` is a key that the contract does not name."""
    page = page_of(message="new", msg="old")
    assert page.run.message == "new"
    assert [(place.path, place.got) for place in page.drift if "msg" in place.path] == [("$.msg", "old")]
    assert page_of(msg=None).run.message is None


def test_what_cannot_be_checked_is_said() -> None:
    """Without id and status the page says what is not checked, and that is no breach."""
    page = page_of()
    assert [(place.path, place.is_breach) for place in page.drift] == [("$.id", False), ("$.status", False)]
    assert (page.status, page.is_finished, page.is_settled) == (UNSET, None, None)
    with pytest.raises(RunMismatch):
        page_of(id="another")
    for broken in (None, 7, ""):
        with pytest.raises(UnusablePageError):
            page_of(id=broken)


@pytest.mark.parametrize("date", [date for date in ALL if date < "2026"])
def test_waiting_without_a_status_is_an_error_at_once(date: str) -> None:
    """Nobody can say when to stop, so `wait` does not begin to; the page is on the error."""
    with client_of(date) as client, pytest.raises(RunStatusMissingError, match="has no status") as caught:
        client.wait(RUN_ID)
    assert caught.value.page is not None
    assert len(caught.value.page.files) == 2


def test_strict_raises_for_shapes_that_the_contract_of_today_has_not() -> None:
    """`strict=True` holds an answer to the contract of today."""
    with client_of("2025-04-09", strict=True) as client, pytest.raises(ContractError):
        client.page(RUN_ID)


@pytest.mark.parametrize("date", ALL)
def test_tables_export_and_report(date: str, tmp_path: Path) -> None:
    """The table and the export have every field, and the report is written."""
    from run_results.report import write_report

    with client_of(date) as client:
        table = client.table(RUN_ID, include=Include.ALL)
        exported = client.export(RUN_ID, tmp_path / "run.parquet", include=Include.ALL)
        files = client.table(RUN_ID, "files", include=Include.ALL)
        written = write_report(client.pages(RUN_ID, include=Include.ALL), tmp_path / "run.html")
    fields = [
        field
        for offset in range(0, FILES, 2)
        for file in answer(date, offset)["files"]
        for document in file["documents"]
        for field in document["fields"]
    ]
    assert table.column("value").to_pylist() == [field["value"] for field in fields]
    assert (exported.files, exported.fields) == (FILES, len(fields))
    assert exported.is_status_missing is ("status" not in answer(date))
    assert exported.unfinished is None
    assert set(files.column("run_status").to_pylist()) == {answer(date).get("status")}
    assert (written.counts.files, written.fields) == (FILES, len(fields))
    assert ("status not given" in (tmp_path / "run.html").read_text("utf-8")) is ("status" not in answer(date))

# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from ... import errors
from ...models.error import Error
from ...models.run_results import RunResults
from ...types import UNSET, Response, Unset

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient


def build_request(
    run_id: str,
    *,
    include_review_results: bool | Unset = False,
    include_confidence_scores: bool | Unset = False,
    include_validation_results: bool | Unset = False,
    include_source_info: bool | Unset = False,
    file_offset: int | Unset = 0,
    ib_context: str | Unset = UNSET,
) -> dict[str, Any]:
    """The request as `method`, `url` (relative to the base URL), `params` and `headers`. Sends nothing."""
    headers: dict[str, Any] = {}
    if not isinstance(ib_context, Unset):
        headers["IB-Context"] = ib_context

    params: dict[str, Any] = {}

    params["include_review_results"] = include_review_results

    params["include_confidence_scores"] = include_confidence_scores

    params["include_validation_results"] = include_validation_results

    params["include_source_info"] = include_source_info

    params["file_offset"] = file_offset

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    return {
        "method": "get",
        "url": "/v2/apps/runs/{run_id}/results".format(
            run_id=quote(str(run_id), safe=""),
        ),
        "params": params,
        "headers": headers,
    }


def parse_response(status_code: int, content: bytes) -> Error | RunResults:
    """Decode and validate a body, in one pass.

    Raises `msgspec.ValidationError`, `msgspec.DecodeError` or `UnicodeDecodeError` when the body of a status that has
    its own schema does not fit, and `errors.UnexpectedStatus` when the body of any other status does not.
    """
    if status_code == 200:
        return msgspec.json.decode(content, type=RunResults)
    try:
        return msgspec.json.decode(content, type=Error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # For example an HTML page of a proxy. The error keeps the status.
        raise errors.UnexpectedStatus(status_code, content) from None


def _response(response: httpx.Response) -> Response[Error | RunResults]:
    status: HTTPStatus | int = response.status_code
    if status in HTTPStatus.__members__.values():
        status = HTTPStatus(status)
    headers: Mapping[str, str] = response.headers
    return Response(status, response.content, headers, parse_response(response.status_code, response.content))


def sync_detailed(
    run_id: str,
    *,
    client: AuthenticatedClient,
    include_review_results: bool | Unset = False,
    include_confidence_scores: bool | Unset = False,
    include_validation_results: bool | Unset = False,
    include_source_info: bool | Unset = False,
    file_offset: int | Unset = 0,
    ib_context: str | Unset = UNSET,
) -> Response[Error | RunResults]:
    """Get run results: the parsed answer with its status and headers."""
    request = build_request(
        run_id=run_id,
        include_review_results=include_review_results,
        include_confidence_scores=include_confidence_scores,
        include_validation_results=include_validation_results,
        include_source_info=include_source_info,
        file_offset=file_offset,
        ib_context=ib_context,
    )
    return _response(client.get_httpx_client().request(**request))


def sync(
    run_id: str,
    *,
    client: AuthenticatedClient,
    include_review_results: bool | Unset = False,
    include_confidence_scores: bool | Unset = False,
    include_validation_results: bool | Unset = False,
    include_source_info: bool | Unset = False,
    file_offset: int | Unset = 0,
    ib_context: str | Unset = UNSET,
) -> Error | RunResults:
    """Get run results: the parsed answer."""
    return (
        sync_detailed(
            run_id=run_id,
            client=client,
            include_review_results=include_review_results,
            include_confidence_scores=include_confidence_scores,
            include_validation_results=include_validation_results,
            include_source_info=include_source_info,
            file_offset=file_offset,
            ib_context=ib_context,
        )
    ).parsed


async def asyncio_detailed(
    run_id: str,
    *,
    client: AuthenticatedClient,
    include_review_results: bool | Unset = False,
    include_confidence_scores: bool | Unset = False,
    include_validation_results: bool | Unset = False,
    include_source_info: bool | Unset = False,
    file_offset: int | Unset = 0,
    ib_context: str | Unset = UNSET,
) -> Response[Error | RunResults]:
    """Get run results: the parsed answer with its status and headers."""
    request = build_request(
        run_id=run_id,
        include_review_results=include_review_results,
        include_confidence_scores=include_confidence_scores,
        include_validation_results=include_validation_results,
        include_source_info=include_source_info,
        file_offset=file_offset,
        ib_context=ib_context,
    )
    return _response(await client.get_async_httpx_client().request(**request))


async def asyncio(
    run_id: str,
    *,
    client: AuthenticatedClient,
    include_review_results: bool | Unset = False,
    include_confidence_scores: bool | Unset = False,
    include_validation_results: bool | Unset = False,
    include_source_info: bool | Unset = False,
    file_offset: int | Unset = 0,
    ib_context: str | Unset = UNSET,
) -> Error | RunResults:
    """Get run results: the parsed answer."""
    return (
        await asyncio_detailed(
            run_id=run_id,
            client=client,
            include_review_results=include_review_results,
            include_confidence_scores=include_confidence_scores,
            include_validation_results=include_validation_results,
            include_source_info=include_source_info,
            file_offset=file_offset,
            ib_context=ib_context,
        )
    ).parsed

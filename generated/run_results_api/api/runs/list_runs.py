# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from ... import errors
from ...models.error import Error
from ...models.run_list import RunList
from ...models.run_sort_key import RunSortKey
from ...models.sort_order import SortOrder
from ...types import UNSET, Response, Unset

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient


def build_request(
    *,
    app_id: str | Unset = UNSET,
    app_name: str | Unset = UNSET,
    deployment_id: str | Unset = UNSET,
    username: str | Unset = UNSET,
    run_id: str | Unset = UNSET,
    status: list[str] | Unset = UNSET,
    output_workspaces: list[str] | Unset = UNSET,
    from_timestamp: int | Unset = UNSET,
    to_timestamp: int | Unset = UNSET,
    sort_by: RunSortKey | Unset = UNSET,
    order: SortOrder | Unset = UNSET,
    limit: int | Unset = UNSET,
    offset: int | Unset = 0,
    ib_context: str | Unset = UNSET,
) -> dict[str, Any]:
    """The request as `method`, `url` (relative to the base URL), `params` and `headers`. Sends nothing."""
    headers: dict[str, Any] = {}
    if not isinstance(ib_context, Unset):
        headers["IB-Context"] = ib_context

    params: dict[str, Any] = {}

    params["app_id"] = app_id

    params["app_name"] = app_name

    params["deployment_id"] = deployment_id

    params["username"] = username

    params["run_id"] = run_id

    json_status: list[str] | Unset = UNSET
    if not isinstance(status, Unset):
        json_status = status

    params["status"] = json_status

    json_output_workspaces: list[str] | Unset = UNSET
    if not isinstance(output_workspaces, Unset):
        json_output_workspaces = output_workspaces

    params["output_workspaces"] = json_output_workspaces

    params["from_timestamp"] = from_timestamp

    params["to_timestamp"] = to_timestamp

    json_sort_by: str | Unset = UNSET
    if not isinstance(sort_by, Unset):
        json_sort_by = sort_by.value

    params["sort_by"] = json_sort_by

    json_order: str | Unset = UNSET
    if not isinstance(order, Unset):
        json_order = order.value

    params["order"] = json_order

    params["limit"] = limit

    params["offset"] = offset

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    return {
        "method": "get",
        "url": "/v2/apps/runs",
        "params": params,
        "headers": headers,
    }


def parse_response(status_code: int, content: bytes) -> Error | RunList:
    """Decode and validate a body, in one pass.

    Raises `msgspec.ValidationError`, `msgspec.DecodeError` or `UnicodeDecodeError` when the body of a status that has
    its own schema does not fit, and `errors.UnexpectedStatus` when the body of any other status does not.
    """
    if status_code == 200:
        return msgspec.json.decode(content, type=RunList)
    try:
        return msgspec.json.decode(content, type=Error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # For example an HTML page of a proxy. The error keeps the status.
        raise errors.UnexpectedStatus(status_code, content) from None


def _response(response: httpx.Response) -> Response[Error | RunList]:
    status: HTTPStatus | int = response.status_code
    if status in HTTPStatus.__members__.values():
        status = HTTPStatus(status)
    headers: Mapping[str, str] = response.headers
    return Response(status, response.content, headers, parse_response(response.status_code, response.content))


def sync_detailed(
    *,
    client: AuthenticatedClient,
    app_id: str | Unset = UNSET,
    app_name: str | Unset = UNSET,
    deployment_id: str | Unset = UNSET,
    username: str | Unset = UNSET,
    run_id: str | Unset = UNSET,
    status: list[str] | Unset = UNSET,
    output_workspaces: list[str] | Unset = UNSET,
    from_timestamp: int | Unset = UNSET,
    to_timestamp: int | Unset = UNSET,
    sort_by: RunSortKey | Unset = UNSET,
    order: SortOrder | Unset = UNSET,
    limit: int | Unset = UNSET,
    offset: int | Unset = 0,
    ib_context: str | Unset = UNSET,
) -> Response[Error | RunList]:
    """List runs: the parsed answer with its status and headers."""
    request = build_request(
        app_id=app_id,
        app_name=app_name,
        deployment_id=deployment_id,
        username=username,
        run_id=run_id,
        status=status,
        output_workspaces=output_workspaces,
        from_timestamp=from_timestamp,
        to_timestamp=to_timestamp,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
        ib_context=ib_context,
    )
    return _response(client.get_httpx_client().request(**request))


def sync(
    *,
    client: AuthenticatedClient,
    app_id: str | Unset = UNSET,
    app_name: str | Unset = UNSET,
    deployment_id: str | Unset = UNSET,
    username: str | Unset = UNSET,
    run_id: str | Unset = UNSET,
    status: list[str] | Unset = UNSET,
    output_workspaces: list[str] | Unset = UNSET,
    from_timestamp: int | Unset = UNSET,
    to_timestamp: int | Unset = UNSET,
    sort_by: RunSortKey | Unset = UNSET,
    order: SortOrder | Unset = UNSET,
    limit: int | Unset = UNSET,
    offset: int | Unset = 0,
    ib_context: str | Unset = UNSET,
) -> Error | RunList:
    """List runs: the parsed answer."""
    return (
        sync_detailed(
            client=client,
            app_id=app_id,
            app_name=app_name,
            deployment_id=deployment_id,
            username=username,
            run_id=run_id,
            status=status,
            output_workspaces=output_workspaces,
            from_timestamp=from_timestamp,
            to_timestamp=to_timestamp,
            sort_by=sort_by,
            order=order,
            limit=limit,
            offset=offset,
            ib_context=ib_context,
        )
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    app_id: str | Unset = UNSET,
    app_name: str | Unset = UNSET,
    deployment_id: str | Unset = UNSET,
    username: str | Unset = UNSET,
    run_id: str | Unset = UNSET,
    status: list[str] | Unset = UNSET,
    output_workspaces: list[str] | Unset = UNSET,
    from_timestamp: int | Unset = UNSET,
    to_timestamp: int | Unset = UNSET,
    sort_by: RunSortKey | Unset = UNSET,
    order: SortOrder | Unset = UNSET,
    limit: int | Unset = UNSET,
    offset: int | Unset = 0,
    ib_context: str | Unset = UNSET,
) -> Response[Error | RunList]:
    """List runs: the parsed answer with its status and headers."""
    request = build_request(
        app_id=app_id,
        app_name=app_name,
        deployment_id=deployment_id,
        username=username,
        run_id=run_id,
        status=status,
        output_workspaces=output_workspaces,
        from_timestamp=from_timestamp,
        to_timestamp=to_timestamp,
        sort_by=sort_by,
        order=order,
        limit=limit,
        offset=offset,
        ib_context=ib_context,
    )
    return _response(await client.get_async_httpx_client().request(**request))


async def asyncio(
    *,
    client: AuthenticatedClient,
    app_id: str | Unset = UNSET,
    app_name: str | Unset = UNSET,
    deployment_id: str | Unset = UNSET,
    username: str | Unset = UNSET,
    run_id: str | Unset = UNSET,
    status: list[str] | Unset = UNSET,
    output_workspaces: list[str] | Unset = UNSET,
    from_timestamp: int | Unset = UNSET,
    to_timestamp: int | Unset = UNSET,
    sort_by: RunSortKey | Unset = UNSET,
    order: SortOrder | Unset = UNSET,
    limit: int | Unset = UNSET,
    offset: int | Unset = 0,
    ib_context: str | Unset = UNSET,
) -> Error | RunList:
    """List runs: the parsed answer."""
    return (
        await asyncio_detailed(
            client=client,
            app_id=app_id,
            app_name=app_name,
            deployment_id=deployment_id,
            username=username,
            run_id=run_id,
            status=status,
            output_workspaces=output_workspaces,
            from_timestamp=from_timestamp,
            to_timestamp=to_timestamp,
            sort_by=sort_by,
            order=order,
            limit=limit,
            offset=offset,
            ib_context=ib_context,
        )
    ).parsed

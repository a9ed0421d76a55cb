"""Ways to walk a run: our client, the vendor's SDK as its documentation shows it, and a bare loop with httpx."""

import asyncio
import json

import httpx

from common.served import RUN, TOKEN
from run_results import AsyncClient, Client, Include

HEADERS = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}
# Made once for all walks, as in our client: reading the certificates takes longer than a short walk.
TRUST = httpx.create_ssl_context()
FLAGS = ("include_confidence_scores", "include_source_info", "include_review_results", "include_validation_results")


def ours(url: str, include: Include = Include.NONE, **settings: object) -> list[str]:
    """The names of all files, with our client."""
    with Client(base_url=url, token=TOKEN, **settings) as client:  # type: ignore[arg-type]
        return [str(file.original_file_name) for file in client.files(RUN, include=include)]


def ours_async(url: str, include: Include = Include.NONE, **settings: object) -> list[str]:
    """The names of all files, with our client for asyncio."""

    async def walk() -> list[str]:
        async with AsyncClient(base_url=url, token=TOKEN, **settings) as client:  # type: ignore[arg-type]
            return [str(file.original_file_name) async for file in client.files(RUN, include=include)]

    return asyncio.run(walk())


def _parameters(offset: int, include: Include) -> dict[str, str | int]:
    flags = dict.fromkeys(FLAGS, "true") if include else {}
    return {"file_offset": offset, **flags}


def bare(url: str, include: Include = Include.NONE) -> list[str]:
    """The names of all files, with httpx and json alone: no models, no validation, no retries, no limits."""
    names: list[str] = []
    with httpx.Client(headers=HEADERS, verify=TRUST) as client:
        while True:
            answer = client.get(f"{url}/v2/apps/runs/{RUN}/results", params=_parameters(len(names), include))
            page = json.loads(answer.content)
            names += [file["original_file_name"] for file in page["files"]]
            if not page["has_more"]:
                return names


def bare_async(url: str, include: Include = Include.NONE) -> list[str]:
    """The same with httpx.AsyncClient."""

    async def walk() -> list[str]:
        names: list[str] = []
        async with httpx.AsyncClient(headers=HEADERS, verify=TRUST) as client:
            while True:
                answer = await client.get(f"{url}/v2/apps/runs/{RUN}/results", params=_parameters(len(names), include))
                page = json.loads(answer.content)
                names += [file["original_file_name"] for file in page["files"]]
                if not page["has_more"]:
                    return names

    return asyncio.run(walk())


def vendor(url: str, include: Include = Include.NONE) -> list[str]:
    """The names of all files, with the vendor's SDK and the loop of its documentation."""
    from aihub import AIHub

    client = AIHub(api_key=TOKEN, api_root=url)
    names: list[str] = []
    while True:
        page = client.apps.runs.results(RUN, file_offset=len(names), **dict.fromkeys(FLAGS, bool(include)))
        names += [file.original_file_name for file in page.files]
        if not page.has_more:
            return names

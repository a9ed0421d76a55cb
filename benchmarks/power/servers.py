"""The servers that are judged: the reference server, the faults and the correct variants, by name."""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from urllib.parse import quote, urlsplit

from attrs import evolve, field, frozen
from starlette.types import ASGIApp, Receive, Scope, Send

from run_results_conformance.faults import (
    CORRECT,
    STANDARD_PAGE_SIZE,
    STANDARD_TOKEN,
    Variant,
    faulty,
    standard_store,
)
from run_results_conformance.server.contract import load_contract
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.serving import serve
from run_results_conformance.verifier.manifest import KnownRun, Manifest

HONEST = "reference"
"""The name of the reference server itself."""
VARIANTS: Mapping[str, Variant] = {variant.name: variant for variant in CORRECT}


@frozen
class _Counter:
    """An application that counts its requests: one entry of `asked` for each."""

    app: ASGIApp
    asked: list[None] = field(factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(None)
        await self.app(scope, receive, send)


@contextmanager
def serving(name: str) -> Iterator[tuple[str, list[None]]]:
    """Serves a server by its name. Gives its URL, and a list with one entry for each request so far."""
    make: Callable[..., ASGIApp] = ReferenceServer if name == HONEST else lambda *a, **k: faulty(name, *a, **k)
    counter = _Counter(make(standard_store(), STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE))
    with serve(counter) as served:
        yield served.url, counter.asked


@cache
def _full_manifest() -> Manifest:
    return Manifest.of(standard_store(), may_act_in=STANDARD_TOKEN.may_act_in)


def manifest_for(server: str, url: str) -> Manifest:
    """The manifest of the standard runs, without what a correct variant answers differently.

    A correct variant stands for a server whose runs really are as it answers. So the manifest leaves out what the
    variant names in `unlike`, and what is known of the run or of its files if an answer has other values there than
    the store, or lacks some.
    """
    variant = VARIANTS.get(server)
    if variant is None:
        return _full_manifest()
    forgotten = {"content": "content", "status": "status", "file count": "files", "project names": "names"}
    unlike: set[str] = {forgotten[what] for what in variant.unlike if what in forgotten}
    unlike |= _other_than_stored(url)

    def forget(run: KnownRun) -> KnownRun:
        properties = {} if "properties" in unlike else {k: v for k, v in run.properties.items() if k not in unlike}
        content = None if unlike & {"files", "names", "content"} else run.content
        return evolve(
            run,
            status=None if "status" in unlike else run.status,
            files=None if "files" in unlike else run.files,
            names=None if "names" in unlike else run.names,
            properties=properties,
            content=content,
        )

    return Manifest(tuple(forget(run) for run in _full_manifest().runs))


def _other_than_stored(url: str) -> set[str]:
    """Which part of the manifest the first pages of all runs disagree with: `properties`, `content`."""
    contract, store = load_contract(), standard_store()
    items, every_flag = contract.pagination.items, frozenset(contract.flags)
    flags = "&".join(f"{flag}=true" for flag in contract.flags)
    address = urlsplit(url)
    unlike: set[str] = set()
    with closing(http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)) as connection:
        for context, run_id in store:
            run = store.find(run_id, context)
            if context is not None or run is None:
                continue
            target = f"{contract.path.replace('{run_id}', quote(run_id, safe=''))}?{flags}"
            connection.request("GET", target, headers={"Authorization": f"Bearer {STANDARD_TOKEN.value}"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                continue
            page = json.loads(body)
            files = run.files(0, min(len(page[items]), run.file_count))
            stored = contract.project({**run.header, items: files}, every_flag)
            if not _has(stored[items], page[items]):
                unlike.add("content")
            if not _has({name: part for name, part in stored.items() if name != items}, page):
                unlike.add("properties")
    return unlike


def _has(stored: object, answered: object) -> bool:
    """Whether everything that is stored is in the answer, with the same value."""
    if isinstance(stored, Mapping) and isinstance(answered, Mapping):
        return all(name in answered and _has(part, answered[name]) for name, part in stored.items())
    if isinstance(stored, list) and isinstance(answered, list):
        return len(stored) == len(answered) and all(map(_has, stored, answered))
    return stored == answered

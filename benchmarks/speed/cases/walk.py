"""A run of small pages over loopback, and from a server that waits before each answer."""

from collections.abc import Iterator, Mapping
from functools import partial

import httpx
from common import loops, peers
from common.served import RUN, serve
from harness import Case, Setting, SkipCase, Target

from run_results import Include

CASES = ("walk-small", "walk-tiny", "walk-latency")
PAGES = 200
LATENCY = 0.05
BARE, BARE_ASYNC = "httpx and json alone", "httpx and json alone, asyncio"
OURS_ASYNC = f"{peers.OURS}, asyncio"


def cases(setting: Setting) -> Iterator[Case]:
    if not setting.wants("walk"):
        return
    try:
        import aihub  # noqa: F401
    except ImportError as error:
        raise SkipCase(f"{error.name} is not installed") from None
    yield from _loopback(setting)
    yield from _latency(setting)


def _loopback(setting: Setting) -> Iterator[Case]:
    pages = 40 if setting.quick else PAGES
    for name, size, include in (("small", 10, Include.ALL), ("tiny", 5, Include.NONE)):
        with serve("small", pages, size, bool(include)) as url:
            weight = len(httpx.get(f"{url}/v2/apps/runs/{RUN}/results", headers=loops.HEADERS).content)
            targets = [Target(peers.OURS, BARE, most=1.3), Target(OURS_ASYNC, BARE_ASYNC, most=1.3)]
            if name == "small":
                targets.append(Target(peers.OURS, peers.VENDOR, least=3))
            yield Case(
                name=f"walk-{name}",
                title=f"A walk of {pages} pages of {size} files, {weight / 1e3:.0f} kB each, over loopback",
                contenders={
                    peers.OURS: partial(loops.ours, url, include),
                    BARE: partial(loops.bare, url, include),
                    peers.VENDOR: partial(loops.vendor, url, include),
                    OURS_ASYNC: partial(loops.ours_async, url, include),
                    BARE_ASYNC: partial(loops.bare_async, url, include),
                },
                check=partial(_all_files, pages * size),
                targets=targets,
                rounds=15,
                note=_NOTES[name],
            )


_NOTES = {
    "small": "The server has its own process. The time is the client's processor time, including connecting.",
    "tiny": "The pages are almost empty. So this is the time of the HTTP libraries: httpx for us, urllib3 for the SDK.",
}


def _latency(setting: Setting) -> Iterator[Case]:
    pages, size = (20 if setting.quick else 100), 5
    with serve("small", pages, size, False, latency=LATENCY) as url:
        contenders = {"one page at a time": partial(loops.ours, url)}
        targets = []
        for depth in (2, 4, 8):
            contenders[f"prefetch={depth}"] = partial(loops.ours, url, prefetch=depth)
            contenders[f"prefetch={depth}, asyncio"] = partial(loops.ours_async, url, prefetch=depth)
            # A little less than the depth: the first pages and the client's own work do not become faster.
            targets.append(Target(f"prefetch={depth}", "one page at a time", least=0.8 * depth))
        yield Case(
            name="walk-latency",
            title=f"A walk of {pages} pages from a server that takes {LATENCY * 1e3:.0f} ms for each",
            contenders={**contenders, BARE: partial(loops.bare, url), peers.VENDOR: partial(loops.vendor, url)},
            check=partial(_all_files, pages * size),
            targets=targets,
            clock="wall",
            rounds=2,
            quick_rounds=1,
        )


def _all_files(count: int, results: Mapping[str, object]) -> None:
    (first, *others) = results.values()
    assert isinstance(first, list)
    assert len(first) == len(set(first)) == count
    for name, files in zip(list(results)[1:], others, strict=True):
        assert files == first, f"{name} did not return the same files"

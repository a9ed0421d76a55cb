"""How many bytes compression saves, and how much time unpacking takes."""

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence

import httpx
from common import pages
from common.served import TOKEN, serve
from harness import Case, Setting, spread

from run_results import Client, Include
from run_results.answer import decode

CASES = ("wire-size", "wire-decode")


def cases(setting: Setting) -> Iterator[Case]:
    if not setting.wants("wire"):
        return
    body = pages.heavy(setting.quick)
    page = setting.folder / "page.json"
    page.write_bytes(body)
    with serve("one", str(page), compress=True) as url:
        # A hook of httpx counts the bytes that our client receives.
        sent: list[int] = []
        hooks = {"response": [lambda answer: sent.append(int(answer.headers["content-length"]))]}
        with httpx.Client(event_hooks=hooks) as http, Client(base_url=url, token=TOKEN, http_client=http) as client:
            client.page("synthetic-1", include=Include.ALL)
        assert sent[0] < len(body), "the client did not ask for compression"
        yield Case(
            name="wire-size",
            title=f"Bytes on the wire for a page of {len(body) / 1e6:.1f} MB",
            contenders={"gzip, as our client asks for": lambda: sent[0] / 1e3, "identity": lambda: len(body) / 1e3},
            clock="value",
            unit="kB",
            rounds=1,
        )
    packed = gzip.compress(body, 6)

    def unpack() -> bytes:
        return zlib.decompress(packed, wbits=31)

    def worth(numbers: Mapping[str, Sequence[float]]) -> str:
        seconds = (spread(numbers["gzip"])[1] - spread(numbers["identity"])[1]) / 1e3
        rate = (len(body) - len(packed)) * 8 / 1e6 / seconds
        return f"Compression saves time on every connection slower than {rate:,.0f} Mbit/s."

    yield Case(
        name="wire-decode",
        title="The same page from bytes to models, with and without unpacking",
        contenders={
            "identity": lambda: decode(body)[0],
            "gzip": lambda: decode(unpack())[0],
            "unpacking alone": unpack,
        },
        notes=worth,
    )

"""Bytes to models and back, with pages of two kinds."""

from collections.abc import Iterator, Mapping
from functools import partial

from common import pages, peers
from harness import Case, Setting, Target

CASES = ("decode-heavy", "decode-lean", "encode-heavy")


def cases(setting: Setting) -> Iterator[Case]:
    if not (setting.wants("decode") or setting.wants("encode")):
        return
    known = peers.all_peers(setting.folder)

    def same(results: Mapping[str, object]) -> None:
        plain = {name: pages.without_nulls(known[name].plain(result)) for name, result in results.items()}
        for name, value in plain.items():
            assert value == plain[peers.JSON], f"{name} did not read the same content"

    targets = {
        "heavy": [(peers.ORJSON, 1.0), (peers.STRUCTS, 1.8), (peers.VENDOR, -18), (peers.STOCK, -9)],
        "lean": [(peers.VENDOR, -10), (peers.STOCK, -10), (peers.ORJSON, 3.0)],
    }
    for kind, body in (("heavy", pages.heavy(setting.quick)), ("lean", pages.lean(setting.quick))):
        what = "everything included" if kind == "heavy" else "no include flags"
        yield Case(
            name=f"decode-{kind}",
            title=f"Bytes to validated models: {len(body) / 1e6:.1f} MB, {what}",
            contenders={name: partial(peer.read, body) for name, peer in known.items()},
            check=same,
            targets=[_target(against, bound) for against, bound in targets[kind]],
        )
    body = pages.heavy(setting.quick)
    held = {name: peer.read(body) for name, peer in known.items()}
    yield Case(
        name="encode-heavy",
        title=f"Models to JSON text: {len(body) / 1e6:.1f} MB, everything included",
        contenders={name: partial(peer.write, held[name]) for name, peer in known.items() if name != peers.UNTYPED},
        check=lambda results: same({name: known[name].read(_bytes(text)) for name, text in results.items()}),
        targets=[_target(peers.STOCK, -10)],
    )


def _target(against: str, bound: float) -> Target:
    return Target(peers.OURS, against, most=bound) if bound > 0 else Target(peers.OURS, against, least=-bound)


def _bytes(text: object) -> bytes:
    return text.encode() if isinstance(text, str) else bytes(text)  # type: ignore[call-overload,no-any-return]

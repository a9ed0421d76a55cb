"""Inputs: run ids that are decoded, compared or refused differently than the contract says."""

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import quote, unquote

from run_results_conformance.faults.fault import Make, Question
from run_results_conformance.faults.standard import AWKWARD_RUN, asking
from run_results_conformance.faults.steps import found, known, refuse, retargeted, server_with
from run_results_conformance.server.reference import Refusal

from .family import inputs


def _at(run_id: str, *, method: str = "GET") -> Question:
    """A request whose target has the run id exactly as given."""
    return asking(target=f"/v2/apps/runs/{run_id}/results", method=method)


def _also(*candidates: Callable[[str], str]) -> Make:
    """Finds a run by other forms of the requested id, too."""
    return found(lambda _call, asked: [candidate(asked) for candidate in candidates])


def _lookup(test: Callable[[str], bool], status: int, message: str) -> Make:
    """Refuses run ids that pass the test."""
    return server_with(
        find_run=lambda _call, honest, run_id, context: (
            refuse(status, message) if test(run_id) else honest(run_id, context)
        )
    )


def _invalid_bytes_dropped(path: bytes) -> bytes:
    *before, run_id, last = path.split(b"/")
    text = _percent_decoded(run_id).decode(errors="ignore")
    return b"/".join([*before, quote(text, safe="").encode(), last])


def _percent_decoded(segment: bytes) -> bytes:
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda found_: bytes([int(found_[1], 16)]), segment)


def _resolved(path: bytes) -> bytes:
    """The path with its dot segments resolved, encoded ones too, as some proxies do it."""
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        plain = _percent_decoded(segment)
        if plain == b"..":
            kept[1:] = kept[1:-1]
        elif plain != b".":
            kept.append(segment)
    return b"/".join(kept)


def _without_accents(run_id: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", run_id) if not unicodedata.combining(c))


RUN_IDS = (
    inputs(
        "run-id-decoded-twice",
        "A run id is percent-decoded twice.",
        _also(unquote),
        _at(quote(quote(AWKWARD_RUN, safe=""), safe="")),
        _at("run%252Dstandard"),
    ),
    inputs(
        "run-id-not-decoded",
        "A run id is not percent-decoded.",
        server_with(
            read_run_id=lambda _call, _honest, request: request.scope["raw_path"].split(b"/")[-2].decode("latin-1")
        ),
        _at("run%2Dstandard"),
    ),
    inputs(
        "run-id-plus-as-space",
        "A plus sign in a run id is read as a space.",
        server_with(read_run_id=lambda _call, honest, request: honest(request).replace("+", " ")),
        asking(AWKWARD_RUN),
        _at("run+standard"),
        needs="run ids",
    ),
    inputs(
        "run-id-slash-splits",
        "An encoded slash in a run id splits it.",
        retargeted(lambda path: path.replace(b"%2F", b"/").replace(b"%2f", b"/")),
        asking(AWKWARD_RUN),
        _at("x%2Fy"),
        needs="run ids",
    ),
    inputs("run-id-trimmed", "Spaces around a run id are dropped.", _also(str.strip), _at("%20run-standard%20")),
    inputs(
        "run-id-newline-trimmed",
        "A line break after a run id is dropped.",
        _also(lambda run_id: run_id.removesuffix("\n")),
        _at("run-standard%0A"),
    ),
    inputs(
        "run-id-case-folded",
        "A run id is found in another case.",
        found(known(lambda run_id, asked: run_id.casefold() == asked.casefold())),
        _at("RUN-Standard"),
    ),
    inputs(
        "run-id-prefix",
        "A run is found by the first characters of its id.",
        found(known(lambda run_id, asked: run_id.startswith(asked))),
        _at("run-stan"),
    ),
    inputs(
        "run-id-with-suffix",
        "A run is found by its id with something after it.",
        found(known(lambda run_id, asked: asked.startswith(run_id))),
        _at("run-standard-2"),
    ),
    inputs(
        "run-id-pattern",
        "An id may hold a wildcard.",
        found(
            known(
                lambda run_id, asked: (
                    "%" in asked and re.fullmatch(".*".join(map(re.escape, asked.split("%"))), run_id) is not None
                )
            )
        ),
        _at("run-st%25"),
    ),
    inputs(
        "run-id-nfc",
        "A run id is found in another Unicode form.",
        _also(
            lambda run_id: unicodedata.normalize("NFC", run_id), lambda run_id: unicodedata.normalize("NFKC", run_id)
        ),
        asking(unicodedata.normalize("NFD", AWKWARD_RUN)),
        _at(quote("run-ｓtandard")),
        needs="run ids",
    ),
    inputs(
        "run-id-latin-1",
        "A run id in Latin-1 is read as if it were UTF-8.",
        retargeted(lambda path: re.sub(rb"%FC", b"%C3%BC", path)),
        _at(quote(AWKWARD_RUN.encode("latin-1"), safe="")),
        needs="run ids",
        level="POLICY",
    ),
    inputs(
        "run-id-invalid-bytes-dropped",
        "Bytes of a run id that are not UTF-8 are dropped.",
        retargeted(_invalid_bytes_dropped),
        _at("run-standard%FF"),
    ),
    inputs(
        "run-id-nul-ends",
        "A run id ends at a NUL.",
        _also(lambda run_id: run_id.split("\0")[0]),
        _at("run-standard%00x"),
    ),
    inputs(
        "run-id-path-parameters",
        "What follows a semicolon in a run id is dropped.",
        _also(lambda run_id: run_id.split(";")[0]),
        _at("run-standard;v=1"),
    ),
    inputs(
        "run-id-extension",
        "An extension after a run id is dropped.",
        _also(lambda run_id: run_id.removesuffix(".json")),
        _at("run-standard.json"),
    ),
    inputs(
        "run-id-dots-resolved",
        "Dot segments in the place of a run id are resolved, encoded ones too.",
        retargeted(_resolved),
        asking(target="/v2/apps/runs/x/%2E%2E/run-standard/results"),
        level="POLICY",
    ),
    inputs(
        "run-id-blank-is-first",
        "A blank run id is answered with the first run there is.",
        found(known(lambda _run_id, asked: not asked.strip())),
        _at("%20"),
    ),
    inputs(
        "run-id-long-crashes",
        "A run id of more than 255 characters is answered with 500.",
        _lookup(lambda run_id: len(run_id) > 255, 500, "Internal error"),
        _at("x" * 300),
    ),
    inputs(
        "run-id-not-ascii-crashes",
        "A run id beyond ASCII is answered with 500.",
        _lookup(lambda run_id: not run_id.isascii(), 500, "Internal error"),
        _at("%C3%BC"),
    ),
    inputs(
        "run-id-quote-crashes",
        "A run id with an apostrophe is answered with 500.",
        _lookup(lambda run_id: "'" in run_id, 500, "syntax error"),
        _at("run'standard"),
    ),
    inputs(
        "run-id-not-utf-8-crashes",
        "A run id that is not UTF-8 is answered with 500.",
        server_with(
            error=lambda _call, honest, refusal: honest(
                Refusal(500, "Internal error") if refusal.message.endswith("UTF-8") else refusal
            )
        ),
        _at("%FF"),
    ),
    inputs(
        "path-case-folded",
        "The words of the path may have any case.",
        retargeted(lambda path: re.sub(rb"(?i)/v2/apps/runs/(.*)/results", rb"/v2/apps/runs/\1/results", path)),
        asking(target="/V2/Apps/Runs/run-standard/Results"),
        level="POLICY",
    ),
    inputs(
        "path-with-slash",
        "A slash after the path is ignored.",
        retargeted(lambda path: path.rstrip(b"/")),
        asking(target="/v2/apps/runs/run-standard/results/"),
        level="POLICY",
    ),
    inputs(
        "path-slashes-merged",
        "Several slashes in the path count as one.",
        retargeted(lambda path: re.sub(rb"/+", b"/", path)),
        asking(target="/v2//apps/runs/run-standard/results"),
        level="POLICY",
    ),
    inputs(
        "run-id-accents-ignored",
        "A run is found by its id without accents.",
        found(known(lambda own, asked: _without_accents(own) == asked)),
        asking(_without_accents(AWKWARD_RUN)),
        needs="run ids",
    ),
    inputs(
        "run-id-case-folded-with-spaces",
        "An id that has spaces is found in another case.",
        found(known(lambda own, asked: " " in own and own.swapcase() == asked)),
        asking(AWKWARD_RUN.swapcase()),
        needs="run ids",
    ),
)

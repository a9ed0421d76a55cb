"""The verifier: honest servers are never accused, and what it sends and says is what it promises."""

import json
import os
import random
import socket
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from attrs import evolve
from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance import (
    MemoryStore,
    ReferenceServer,
    SyntheticRun,
    Token,
    UnfinishedRun,
    example_store,
    serve,
)
from run_results_conformance.server.reference import Refusal
from run_results_conformance.server.runs import by_polls
from run_results_conformance.verifier.connection import AddressError
from run_results_conformance.verifier.manifest import KnownRun, Manifest
from run_results_conformance.verifier.report import (
    to_annotations,
    to_html,
    to_json,
    to_junit,
    to_sarif,
    to_summary,
    to_text,
)
from run_results_conformance.verifier.rules import RULES, UnknownRuleError
from run_results_conformance.verifier.verification import VerifyError, verify

from .verifier_kit import (
    LIGHT,
    MANIFEST,
    REFERENCE,
    RUN,
    STORE,
    TOKEN,
    BadRequestForUnknown,
    CorrectsValues,
    RoundsOffsets,
    TakesLeadingZeros,
    broken,
    explain,
    honest,
    kept,
    of_results,
    raw_server,
    verified,
)

ROUNDS_OFFSETS, CORRECTS_VALUES, TAKES_ZEROS = (
    make(STORE, TOKEN, page_size=3) for make in (RoundsOffsets, CorrectsValues, TakesLeadingZeros)
)
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
pytestmark = pytest.mark.usefixtures("quick_turns")

# --- Honest servers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page_size", "known"),
    [
        (1, True),
        (2, False),
        (10, True),
        (lambda offset: offset % 4 + 1, True),
        *([(3, True), (3, False), (50, False)] if THOROUGH else []),
    ],
)
def test_honest_page_sizes(page_size: Any, known: bool) -> None:
    """An honest server is not accused, however large its pages are, and whether or not its runs are known."""
    options: dict[str, Any] = {} if known else {"manifest": None, "runs": [RUN, "run-running", "run-paused"]}
    report = verified(ReferenceServer(STORE, TOKEN, page_size=page_size), **options)
    assert broken(report) == [], explain(report)
    assert report.exit_code == 0, explain(report)
    assert report.requests == len(report.asked) <= 250
    assert of_results(report) <= 200


@pytest.mark.parametrize(("seed", "files"), [(0, 5), (1, 9), (2, 13), (3, 25)][:: 1 if THOROUGH else 3])
def test_honest_seeds(seed: int, files: int) -> None:
    """Neither the seed of the verifier nor that of the runs leads to an accusation; colliding names do not."""
    store = MemoryStore([SyntheticRun(seed, files, run_id=f"{seed}-run/ü", collisions=True)])
    options = {"page_size": seed + 1, "compress": seed % 2 == 0, "base_path": "/api" if seed % 3 else ""}
    with serve(ReferenceServer(store, TOKEN, **options)) as served:
        report = verify(served.url + options["base_path"], TOKEN, manifest=Manifest.of(store), seed=seed, latency=60)
    assert broken(report) == [], explain(report)
    assert report.exit_code == 0, explain(report)


@pytest.mark.parametrize("files", [0, 1, 2])
@pytest.mark.parametrize("known", [True, False])
def test_honest_small_runs(files: int, known: bool) -> None:
    """A run of no file, of one and of two can be verified; what they cannot show is said."""
    store = MemoryStore([SyntheticRun(9, files, run_id="tiny")])
    options: dict[str, Any] = {"manifest": Manifest.of(store)} if known else {"manifest": None, "runs": ["tiny"]}
    report = verified(ReferenceServer(store, TOKEN, page_size=1), **options)
    assert report.exit_code == 0, explain(report)
    assert broken(report) == []
    open_rules = {verdict.rule.id: verdict.reason for verdict in report.verdicts if verdict.outcome == "not judged"}
    assert ("paging.no-repeat" in open_rules) == (files < 2)
    assert all(open_rules.values())


def test_honest_long_run() -> None:
    """The end of a run of a million files is found and judged, known or not, within the budget."""
    store = MemoryStore([SyntheticRun(3, 1_000_000, run_id="long", documents_per_file=1, fields_per_document=2)])
    for options in ({"manifest": Manifest((KnownRun("long", files=1_000_000),))}, {"manifest": None, "runs": ["long"]}):
        report = verified(ReferenceServer(store, TOKEN, page_size=20), **options)
        assert report.exit_code == 0, explain(report)
        assert of_results(report) <= 200
        assert {"paging.end", "paging.has-more", "paging.suffix", "flags.unchanged"} <= kept(report)
        assert ("state.file-count" in kept(report)) == (options["manifest"] is not None)


def test_honest_example_store() -> None:
    """Without a run the ids that the contract shows are tried; with a context it is sent."""
    report = verified(
        ReferenceServer(example_store(files=6), TOKEN, page_size=4), manifest=None, context="acme-lending"
    )
    assert report.exit_code == 0, explain(report)
    assert set(report.runs) == {"run-tax-2025", "run-in-progress"}


def test_honest_tokens_and_contexts() -> None:
    """A token that may act in some contexts only gets 403 elsewhere, which is no breach; the same id may name
    another run there.
    """
    store = MemoryStore([SyntheticRun(1, 5, run_id=RUN)], context="home")
    store.add(SyntheticRun(2, 3, run_id=RUN), context="away")
    store.add(SyntheticRun(3, 3, run_id="other"), context="closed")
    token = Token(TOKEN, frozenset({"home", "away"}), "away")
    report = verified(ReferenceServer(store, token, page_size=2), manifest=Manifest.of(store), context="home")
    assert report.exit_code == 0, explain(report)
    assert {"context.own", "context.foreign", "context.made-up"} <= kept(report)


@pytest.mark.parametrize("polls", [1, 3, 60, 500] if THOROUGH else [1, 60])
def test_honest_unfinished_run(polls: int) -> None:
    """A run that grows and finishes while it is read is not accused of changing."""
    store = MemoryStore([UnfinishedRun(SyntheticRun(1, 12, run_id="grows"), by_polls(polls))])
    report = verified(ReferenceServer(store, TOKEN, page_size=3), manifest=None, runs=["grows"])
    assert broken(report) == [], explain(report)
    assert report.exit_code == 0, explain(report)
    assert ("paging.suffix" in kept(report)) == (polls == 1)


class Generous(ReferenceServer):
    """Correct in everything, and different wherever the contract leaves it open."""

    def dump(self, body: Any) -> bytes:
        return json.dumps(dict(reversed(body.items())), indent=2).encode() + b"\n"

    def assemble(self, run: Any, files: Any, more: bool) -> Any:
        page = super().assemble(run, files, more)
        page["files"] = [{**file, "served_at": time.time_ns()} for file in files]
        return {**page, "served_at": time.time_ns(), "next_offset": len(files), "total": 7 if more else 8}

    def respond(self, request: Request) -> Response:
        response = super().respond(request)
        response.headers["Content-Type"] = 'Application/JSON; charset="UTF-8"'
        if response.status_code == 400:
            response.status_code = 422
        if response.status_code == 401:
            response.headers["WWW-Authenticate"] = 'Basic realm="x", Bearer error="invalid_token"'
        return response


class AnySize(ReferenceServer):
    """Chooses the size of a page anew for every request."""

    def page_size(self, run: Any, offset: int) -> int:
        self.choices = getattr(self, "choices", random.Random(1))
        return self.choices.randint(1, 5)


class Bare(ReferenceServer):
    """Leaves out everything that may be left out."""

    def project(self, page: Any, flags: frozenset[str]) -> Any:
        found = super().project(page, flags)
        kept = {name: found[name] for name in ("id", "status", "has_more")}
        kept["files"] = [{"documents": file["documents"]} if file["documents"] else {} for file in found["files"]]
        return kept


class Closing(ReferenceServer):
    """Supports no HEAD, hides what may not be seen, closes every connection, streams its bodies."""

    def check_method(self, request: Request) -> None:
        if request.method != "GET":
            raise Refusal(405, "Only GET", {"Allow": "GET"})

    def find_run(self, run_id: str, context: str | None) -> Any:
        run = self.store.find(run_id, context)
        if run is None and context is not None:
            raise Refusal(403, "Not yours")
        return run or super().find_run(run_id, context)

    async def deliver(self, request: Request, receive: Any, send: Any) -> None:
        response = self.respond(request)
        headers = [(name, value) for name, value in response.raw_headers if name != b"content-length"]
        start = {"type": "http.response.start", "status": response.status_code}
        await send({**start, "headers": [*headers, (b"connection", b"close")]})
        for index in range(0, len(response.body), 1000):
            await send({"type": "http.response.body", "body": response.body[index : index + 1000], "more_body": True})
        await send({"type": "http.response.body"})


@pytest.mark.parametrize("server", [Generous, AnySize, Bare, Closing])
def test_honest_and_different(server: type[ReferenceServer]) -> None:
    """New keys that change all the time, key order, white space, charset, 422 for 400, pages of any size, no
    optional keys, streamed bodies, 403 for 404: none of it is a breach.
    """
    # The manifest of a server that leaves parts out does not list them.
    silent = Manifest(tuple(evolve(run, properties={}, content=None) for run in MANIFEST.runs))
    report = verified(server(STORE, TOKEN, page_size=3), manifest=silent if server is Bare else MANIFEST)
    assert report.exit_code == 0, explain(report)
    assert broken(report) == []


def test_closed_context() -> None:
    """A run that the manifest says is not readable must not be read, wherever it is."""
    known = Manifest.of(STORE, may_act_in=lambda context: context is None)
    report = verified(ReferenceServer(STORE, TOKEN, page_size=3), manifest=known, only=["context"])
    assert broken(report) == ["context.foreign"], explain(report)
    token = Token(TOKEN, frozenset())
    assert broken(verified(ReferenceServer(STORE, token, page_size=3), manifest=known)) == []


class Unimplemented(ReferenceServer):
    """Refuses methods with 501."""

    def error(self, refusal: Refusal) -> Response:
        return super().error(Refusal(501, "Not implemented") if refusal.status == 405 else refusal)


def test_501_refuses_a_method() -> None:
    """501 for a method that a server does not have is a refusal."""
    report = verified(Unimplemented(STORE, TOKEN, page_size=3))
    assert report.exit_code == 0, explain(report)
    assert broken(report) == []


# --- What is said, and what is not --------------------------------------------------------------------------


def test_unreachable() -> None:
    """A server that is not there, a token that is refused and a run that is not there cannot be judged: 2."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    report = verify(f"http://127.0.0.1:{port}", TOKEN, runs=[RUN])
    assert (report.exit_code, broken(report)) == (2, [])
    assert "cannot be reached" in report.obstacles[0]
    assert report.obstacles[0].endswith(" Check the address, and whether the server runs.")
    with serve(REFERENCE) as served:
        report = verify(served.url, "another-token", runs=[RUN])
        assert report.exit_code == 2
        assert report.obstacles == (
            "the token was refused (status 401): it may have expired, or be for another server; check RUN_RESULTS_TOKEN"
            " or --token-file",
        )
        report = verify(served.url, TOKEN, runs=["nobody's"])
        assert report.exit_code == 2
        assert report.obstacles == ("run nobody's cannot be read (status 404)",)
        report = verify(served.url, TOKEN)
        assert report.exit_code == 2
        assert "name one with --run" in report.obstacles[0]
        report = verify(served.url, TOKEN, manifest=MANIFEST, context="no-org")
        assert report.exit_code == 2
        assert "no run of this context" in report.obstacles[0]
        report = verify(served.url, TOKEN, runs=[RUN, "nobody's"], latency=60)
        assert (report.exit_code, broken(report)) == (2, [])
        report = verify(served.url, TOKEN, runs=[RUN], max_requests=30)
        assert (report.exit_code, report.requests) == (2, 30)
        assert "the budget was spent" in " ".join(report.obstacles)


def test_known_run_is_missing() -> None:
    """A run that is known to be there, and is not, is a breach."""
    report = verified(REFERENCE, manifest=Manifest((*MANIFEST.runs, KnownRun("gone", files=3, status="COMPLETE"))))
    assert report.exit_code == 1
    assert broken(report) == ["state.known"]


@pytest.mark.parametrize("app", [REFERENCE, CORRECTS_VALUES], ids=["honest", "faulty"])
def test_same_seed_same_verdict(app: Any) -> None:
    """The same seed sends the same requests and comes to the same verdict; another seed may send others."""
    with serve(app) as served:
        one, same, other = (verify(served.url, TOKEN, manifest=MANIFEST, seed=n, latency=60) for n in (4, 4, 5))
    assert one.asked == same.asked
    assert {**json.loads(to_json(one)), "seconds": 0} == {**json.loads(to_json(same)), "seconds": 0}
    assert broken(other) == broken(one)
    assert other.asked != one.asked


def test_smallest_case_first() -> None:
    """Of all failures the one with the fewest flags and the smallest offset is shown first."""
    report = verified(ROUNDS_OFFSETS, only=["paging"], max_requests=LIGHT)
    failure = next(verdict for verdict in report.broken if verdict.rule.id == "paging.suffix").failures[0]
    assert failure.case == f"run '{RUN}', offset 1, without flags"
    assert failure.path == "$.files[0]"
    assert failure.request.endswith(f"/v2/apps/runs/{RUN}/results?file_offset=1'")
    assert "$RUN_RESULTS_TOKEN" in failure.request
    report = verified(CORRECTS_VALUES, only=["flags"], max_requests=LIGHT)
    failure = next(verdict for verdict in report.broken if verdict.rule.id == "flags.unchanged").failures[0]
    assert "include_review_results and include_confidence_scores" in failure.case
    assert failure.path.endswith(".value")
    assert failure.got == failure.expected.strip() + "*"


def test_only_and_skip() -> None:
    """Rules that are left out are not judged, and no request is sent for them."""
    report = verified(REFERENCE, only=["authentication"], skip=["authentication.doubled"])
    judged = {verdict.rule.id for verdict in report.verdicts if verdict.judged}
    assert judged == {rule.id for rule in RULES if rule.family == "authentication"} - {"authentication.doubled"}
    assert report.requests < 60
    report = verified(ROUNDS_OFFSETS, only=["paging", "state"], skip=["paging"], max_requests=LIGHT)
    assert not any(rule.startswith("paging.") for rule in broken(report))
    with pytest.raises(UnknownRuleError):
        verify("http://127.0.0.1:1", TOKEN, only=["pageing"])


def test_policy() -> None:
    """A broken rule of level POLICY is reported, and fails the server only with `policy`."""
    assert verified(TAKES_ZEROS, only=["inputs"]).exit_code == 0
    report = verified(TAKES_ZEROS, policy=True, only=["inputs"])
    assert report.exit_code == 1
    assert [verdict.rule.id for verdict in report.breaches] == ["inputs.offset-canonical"]


def test_safe_sends_only_reads() -> None:
    """With `safe` nothing but GET and HEAD is sent, and the token stands in no query."""
    seen: list[bytes] = []

    def answer(head: bytes, _: socket.socket) -> bytes:
        seen.append(head)
        return honest(head)

    with raw_server(answer) as url:
        report = verify(url, TOKEN, manifest=MANIFEST, safe=True, latency=60)
        assert report.exit_code == 0, explain(report)
        assert {head.split(b" ")[0] for head in seen} == {b"GET", b"HEAD"}
        assert not any(TOKEN.encode()[:-1] in head.split(b"\r\n")[0] for head in seen)


class Recording:
    """The reference server, with the method, the path and the status of every request that it was sent."""

    def __init__(self, store: MemoryStore, make: Callable[..., Any] = ReferenceServer) -> None:
        self.app = make(store, TOKEN, page_size=3)
        self.sent: list[tuple[str, bytes, int]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def record(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.sent.append((scope["method"], scope["raw_path"], message["status"]))
            await send(message)

        await self.app(scope, receive, record)

    def unsafe(self) -> list[tuple[str, bytes, list[int]]]:
        """Methods that could write: each with its path, and what the GETs to that path were answered before it."""
        found: list[tuple[str, bytes, list[int]]] = []
        for number, (method, path, _) in enumerate(self.sent):
            if method not in ("GET", "HEAD", "OPTIONS"):
                before = [status for how, where, status in self.sent[:number] if (how, where) == ("GET", path)]
                found.append((method, path, before))
        return found


class EveryMethod(ReferenceServer):
    """Answers other methods like GET, but for PUT and DELETE, which succeed whatever the id."""

    def respond(self, request: Request) -> Response:
        return Response("{}", 200) if request.method in ("PUT", "DELETE") else super().respond(request)

    def check_method(self, request: Request) -> None:
        """Lets every method in."""


NUMBERED = MemoryStore(
    [SyntheticRun(n, 4, run_id=str(n), documents_per_file=1, fields_per_document=3) for n in range(1000, 1013)]
)


@pytest.mark.parametrize(
    ("make", "store", "options"),
    [
        (ReferenceServer, STORE, {"manifest": MANIFEST}),
        (ReferenceServer, NUMBERED, {"manifest": None, "runs": ["1009"]}),
        (EveryMethod, STORE, {"manifest": None, "runs": [RUN]}),
        (EveryMethod, NUMBERED, {"manifest": Manifest.of(NUMBERED)}),
    ],
    ids=["honest-named", "honest-numbered", "careless-named", "careless-numbered"],
)
def test_nothing_is_written(make: Any, store: MemoryStore, options: dict[str, Any]) -> None:
    """No method but GET, HEAD and OPTIONS is sent, to whichever server; the rules about others say why."""
    server = Recording(store, make)
    report = verified(server, unsafe_methods=False, **options)
    reasons = {verdict.rule.id: verdict.reason for verdict in report.verdicts if not verdict.judged}
    for rule in ("inputs.method", "inputs.method-405"):
        assert reasons[rule].endswith("only with --unsafe-methods")
    assert len(server.sent) > 100
    assert server.unsafe() == []


@pytest.mark.parametrize("make", [ReferenceServer, EveryMethod])
@pytest.mark.parametrize("run_id", [RUN, "1009"])
def test_unsafe_methods_go_to_ids_that_are_not_there(run_id: str, make: Any) -> None:
    """With the option other methods are sent, each only to an id that a GET has just found not to be there."""
    server = Recording(STORE if run_id == RUN else NUMBERED, make)
    verified(server, manifest=None, runs=[run_id])
    sent = server.unsafe()
    assert {method for method, _, _ in sent} >= {"POST", "PUT"}
    assert make is EveryMethod or {method for method, _, _ in sent} == {"POST", "PUT", "DELETE", "BREW", "TRACE"}
    assert all(before[-1] == 404 and 200 not in before for _, _, before in sent)
    assert not any(f"/{run_id}/".encode() in path for _, path, _ in sent)


def test_nothing_goes_to_an_id_that_a_method_has_made() -> None:
    """An id that a method has not been refused for may exist from then on: no further method goes there."""
    server = Recording(STORE, EveryMethod)
    report = verified(server, only=["inputs"])
    assert [method for method, _, _ in server.unsafe()] == ["POST", "PUT"]
    assert "inputs.method" in broken(report)


def test_no_unsafe_method_where_no_id_is_404() -> None:
    """A server that answers unknown ids with another status is sent no other method, and the report says why."""
    server = Recording(STORE, BadRequestForUnknown)
    report = verified(server)
    assert server.unsafe() == []
    reasons = {verdict.rule.id: verdict.reason for verdict in report.verdicts}
    assert "answered with 404" in reasons["inputs.method"]


class LooksFirst(ReferenceServer):
    """Looks for the run before it looks at the method."""

    def check_method(self, request: Request) -> None:
        """Later."""

    def respond(self, request: Request) -> Response:
        response = super().respond(request)
        if response.status_code == 404 or request.method in ("GET", "HEAD"):
            return response
        return self.error(Refusal(405, "Method not allowed", {"Allow": "GET, HEAD"}))


def test_a_server_may_look_for_the_run_first() -> None:
    """Then 404 is right for every method to an unknown id, and no remark is made."""
    report = verified(LooksFirst(STORE, TOKEN, page_size=3))
    assert broken(report) == [], explain(report)


def test_rate() -> None:
    """A rate is kept."""
    with serve(REFERENCE) as served:
        report = verify(served.url, TOKEN, runs=[RUN], max_requests=15, rate=30)
    assert report.requests == 15
    assert report.seconds >= 14 / 30


class Leaking(ReferenceServer):
    """Puts the token wherever it can: into errors, pages, headers."""

    def dump(self, body: Any) -> bytes:
        leak = f"{TOKEN} {TOKEN[:-1]} {TOKEN.upper()} " + "".join(f"\\u{ord(c):04x}" for c in TOKEN)
        return json.dumps({**body, "status": f"x{TOKEN}", TOKEN: 1, "message": leak}).encode()

    def respond(self, request: Request) -> Response:
        response = super().respond(request)
        response.headers["X-Token"] = TOKEN
        response.headers["Content-Type"] = f"text/{TOKEN}"
        return response


@pytest.mark.parametrize("app", [Leaking(STORE, TOKEN, page_size=3), REFERENCE], ids=["leaking", "honest"])
def test_the_token_is_nowhere(app: Any) -> None:
    """Not in the terminal report, not in a written one, not in the requests: even if the server shouts it."""
    report = verified(app)
    texts = [
        to_text(report, verbose=True),
        to_junit(report),
        to_html(report),
        to_json(report),
        to_sarif(report),
        to_summary(report),
        to_annotations(report),
        repr(report),
    ]
    for text in (*texts, *report.asked):
        assert TOKEN[:-1].lower() not in text.lower()
        assert "s3cret" not in text.lower()
    assert report.exit_code == (0 if app is REFERENCE else 1)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("127.0.0.1:80", "must start with"),
        ("ftp://host", "must start with"),
        ("http://", "must start with"),
        ("http://user:pw@host", "no user"),
        ("http://host?x=1", "no user"),
        ("http://host:99999", "cannot be read"),
        ("http://ho st", "spaces"),
        ("http://host/\u2603", "cannot be read"),
    ],
)
def test_bad_urls(url: str, why: str) -> None:
    """A URL that cannot be the base of an API is refused without being quoted."""
    with pytest.raises(AddressError, match=why) as caught:
        verify(url, TOKEN)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"context": ""},
        {"context": "a\nb"},
        {"manifest": Manifest((KnownRun("r", "a\r\n\r\nDELETE / HTTP/1.1"),))},
        {"max_requests": 0},
        {"timeout": 0},
        {"rate": -1},
        {"safe": True, "unsafe_methods": True},
    ],
)
def test_bad_arguments(options: dict[str, Any]) -> None:
    """Wrong arguments are refused before anything is sent; so is a token that no header can have."""
    with pytest.raises(VerifyError):
        verify("http://127.0.0.1:1", TOKEN, **options)
    for token in ("", "a b", "a\r\nX: y", "ü"):
        with pytest.raises(VerifyError) as caught:
            verify("http://127.0.0.1:1", token)
        assert not token or token not in str(caught.value)

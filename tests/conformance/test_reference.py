"""The reference server, asked over real sockets; every answer is validated by the client in conftest."""

import gzip
import json
import logging
import threading
import tracemalloc
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from run_results_conformance import (
    Contract,
    MemoryRun,
    MemoryStore,
    ReferenceServer,
    SyntheticRun,
    Token,
    UnfinishedRun,
    example_store,
)
from run_results_conformance.server.runs import by_polls

from .flags import CASE_FIELD_PARTS, DOCUMENT_PARTS, FIELD_PARTS, FLAGS, REVIEW, SOURCE

# What conftest hands out; its classes cannot be imported from here.
Api = Any
Opener = Any

WORLD = "world"  # a run with everything in it
SIZES = range(8)


@pytest.fixture(scope="module")
def page_size() -> dict[str, int]:
    """The page size of the served reference server; a test may set it."""
    return {"now": 50}


@pytest.fixture(scope="module")
def api(opened: Opener, token: str, page_size: dict[str, int]) -> Iterator[Api]:
    store = MemoryStore([SyntheticRun(5, 40, run_id=WORLD)])
    for count in SIZES:
        store.add(SyntheticRun(count, count, run_id=f"size-{count}"))
    with opened(ReferenceServer(store, token, page_size=lambda offset: page_size["now"])) as found:
        yield found


def without(part: dict[str, Any], parts: dict[str, str], flags: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key not in parts or parts[key] in flags}


def reduced(page: dict[str, Any], flags: frozenset[str]) -> dict[str, Any]:
    """What is left of a page with everything when only these flags are asked for."""
    page = json.loads(json.dumps(page))
    page["case_info"]["fields"] = [without(part, CASE_FIELD_PARTS, flags) for part in page["case_info"]["fields"]]
    for file in page["files"]:
        file["documents"] = [
            without(document, DOCUMENT_PARTS, flags)
            | {"fields": [without(part, FIELD_PARTS, flags) for part in document["fields"]]}
            for document in file["documents"]
        ]
    return page


def asking(flags: frozenset[str]) -> str:
    return "&".join(f"{name}=true" for name in sorted(flags))


class TestFlags:
    def test_everything(self, api: Api) -> None:
        """With all flags every part is there, at every level."""
        page = api.run(WORLD, asking(frozenset(FLAGS))).body
        documents = [document for file in page["files"] for document in file["documents"]]
        fields = [part for document in documents for part in document["fields"]]
        optional = {"post_processed_pdf_path"}  # only made when the app is set to
        assert len(documents) > 40
        assert len(fields) > 300
        assert all(DOCUMENT_PARTS.keys() - optional <= document.keys() for document in documents)
        assert all(FIELD_PARTS.keys() <= part.keys() for part in fields)
        assert all(CASE_FIELD_PARTS.keys() <= part.keys() for part in page["case_info"]["fields"])
        assert 0 < sum("post_processed_pdf_path" in document for document in documents) < len(documents)

    @pytest.mark.parametrize("chosen", list(product((False, True), repeat=len(FLAGS))))
    def test_exactly_by_the_flag(self, api: Api, chosen: tuple[bool, ...]) -> None:
        """A part is there exactly when its flag is asked for, and nothing else changes with a flag."""
        flags = frozenset(name for name, on in zip(FLAGS, chosen, strict=True) if on)
        whole = api.run(WORLD, asking(frozenset(FLAGS))).body
        assert api.run(WORLD, asking(flags)).body == reduced(whole, flags)

    @pytest.mark.parametrize("flag", FLAGS)
    def test_false_is_absent(self, api: Api, flag: str) -> None:
        """Saying `false` and saying nothing are the same."""
        assert api.run(WORLD, f"{flag}=false").raw == api.run(WORLD).raw

    @pytest.mark.parametrize(
        "value",
        ["", "1", "0", "True", "TRUE", "yes", "on", "%20true", "true%20", "true,false", "t", "null", "%ff"],
    )
    def test_other_words(self, api: Api, value: str) -> None:
        """Anything but `true` and `false` is refused."""
        answer = api.run(WORLD, f"{REVIEW}={value}")
        assert (answer.status, answer.body) == (400, {"message": f"{REVIEW} must be true or false"})

    def test_bare_flag(self, api: Api) -> None:
        """A flag without a value is refused."""
        assert api.run(WORLD, REVIEW).status == 400

    @pytest.mark.parametrize("values", [("true", "true"), ("true", "false"), ("false", "false")])
    def test_twice(self, api: Api, values: tuple[str, str]) -> None:
        """A flag that is given twice is refused, even if both say the same."""
        assert api.run(WORLD, f"{SOURCE}={values[0]}&{SOURCE}={values[1]}").status == 400

    def test_encoded(self, api: Api) -> None:
        """A percent-encoded flag is the flag."""
        assert api.run(WORLD, "include%5Fsource_info=%74rue").raw == api.run(WORLD, f"{SOURCE}=true").raw

    def test_unknown_parameters(self, api: Api) -> None:
        """A parameter that the contract does not name is ignored, however often and oddly it is given."""
        assert api.run(WORLD, "page_size=1&x=%ff&x&&INCLUDE_REVIEW_RESULTS=true&=").raw == api.run(WORLD).raw


class TestPaging:
    def test_every_offset_and_size(self, api: Api, page_size: dict[str, int]) -> None:
        """From every offset a page is the next files of the whole, and has-more is true exactly when some
        follow.
        """
        for count, size in product(SIZES, range(1, len(SIZES) + 1)):
            page_size["now"] = size
            whole = SyntheticRun(count, count, run_id=f"size-{count}")
            names = [file["original_file_name"] for file in whole.files(0, count)]
            for offset in range(count + 3):
                page = api.run(f"size-{count}", f"file_offset={offset}").body
                assert [file["original_file_name"] for file in page["files"]] == names[offset : offset + size]
                assert page["has_more"] is (offset + size < count)
        page_size["now"] = 50

    @settings(deadline=None)
    @given(count=st.integers(0, 30), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5))
    def test_walk(self, contract: Contract, count: int, sizes: list[int]) -> None:
        """A walk gives every file once and in order, whatever sizes the pages have."""
        run = SyntheticRun(1, count, documents_per_file=1, fields_per_document=2)
        server = ReferenceServer(
            MemoryStore([run]), "t", contract=contract, page_size=lambda offset: sizes[offset % len(sizes)]
        )
        offset, walked, more = 0, list[Any](), True
        while more:
            files = server.slice(run, offset, server.page_size(run, offset))
            more = server.has_more(run, offset, files)
            walked.extend(files)
            offset += len(files)
        assert walked == run.files(0, count)

    def test_offset_zero_is_the_default(self, api: Api) -> None:
        """Leaving the offset out and asking from 0 are the same."""
        assert api.run(WORLD, "file_offset=0").raw == api.run(WORLD).raw

    @pytest.mark.parametrize("offset", [8, 2**31, 2**53 + 1, 2**63 - 1])
    def test_past_the_end(self, api: Api, offset: int) -> None:
        """An offset past the end is answered with no files, as large as it may be."""
        page = api.run("size-7", f"file_offset={offset}").body
        assert (page["files"], page["has_more"]) == ([], False)

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "-1",
            "-0",
            "+1",
            "%2B1",
            "01",
            "00",
            "1.0",
            "1e3",
            "0x10",
            "1_000",
            "%201",
            "1%20",
            "1+",
            "1%0A",
            "٣",
            "³",
            "nan",
            "true",
            "null",
            "9223372036854775808",
            "18446744073709551616",
            "9" * 5000,
            "1,2",
            "[1]",
            "%00",
            "1%002",
        ],
    )
    def test_hostile_offsets(self, api: Api, value: str) -> None:
        """Whatever is not a canonical decimal in the contract's range is refused, in the contract's words."""
        answer = api.run(WORLD, "file_offset=" + (value if value.isascii() else quote(value)))
        assert answer.status == 400
        assert answer.body == {"message": "file_offset must be an integer from 0 to 9223372036854775807"}

    def test_offset_twice(self, api: Api) -> None:
        """An offset that is given twice is refused."""
        assert api.run(WORLD, "file_offset=0&file_offset=0").status == 400

    def test_a_million_files(self, opened: Opener, token: str) -> None:
        """The last page of a run of a million files costs no more memory than the first."""
        store = MemoryStore([SyntheticRun(2, 1_000_000)])
        with opened(ReferenceServer(store, token, page_size=5)) as api:
            api.run("synthetic-2")
            tracemalloc.start()
            try:
                page = api.run("synthetic-2", "file_offset=999997").body
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
        assert [file["original_file_name"][-11:] for file in page["files"]] == [
            "0999997.pdf",
            "0999998.pdf",
            "0999999.pdf",
        ]
        assert page["has_more"] is False
        assert peak < 2_000_000

    def test_bad_page_size(self, contract: Contract) -> None:
        """A server whose pages would be empty is refused at the start."""
        with pytest.raises(ValueError, match="page_size"):
            ReferenceServer(MemoryStore(), "t", page_size=0, contract=contract)


class TestAuthentication:
    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
    @pytest.mark.parametrize("spaces", [1, 3])
    def test_accepted(self, api: Api, token: str, scheme: str, spaces: int) -> None:
        """The scheme may have any case, and more than one space may follow it."""
        assert api.run(WORLD, headers=[("Authorization", scheme + " " * spaces + token)]).status == 200
        assert api.run(WORLD, headers=[("aUTHORIZATION", f"{scheme} {token}")]).status == 200

    @pytest.mark.parametrize(
        "form",
        [
            "",
            "Bearer",
            "Bearer ",
            "{t}",
            "Bearer{t}",
            "Bearer:{t}",
            "Basic {t}",
            "Token {t}",
            "Bearer x{t}",
            "Bearer {t}x",
            "Bearer {t} x",
            "Bearer {short}",
            "Bearer {upper}",
            'Bearer "{t}"',
            "Bearer {t},Bearer {t}",
            "Bearer\t{t}",
            "Bearer token={t}",
            "Bearer é",
            "Bearers {t}",
            "Bearer Bearer {t}",
        ],
    )
    def test_refused(self, api: Api, token: str, form: str) -> None:
        """Anything but the scheme and exactly the token is refused, and the answer names the scheme."""
        value = form.format(t=token, short=token[:-1], upper=token.upper())
        answer = api.run(WORLD, headers=[("Authorization", value)])
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert answer.body == {"message": "A valid bearer token is required"}

    def test_absent(self, api: Api) -> None:
        """Without a token nothing is answered, not even whether a run exists."""
        assert api.run(WORLD, headers=()).raw == api.run("no such run", headers=()).raw
        assert api.run(WORLD, headers=()).status == 401

    @pytest.mark.parametrize(
        "others", [("Bearer {t}", "Bearer {t}"), ("Bearer {t}", "Bearer x"), ("Basic x", "Bearer {t}")]
    )
    def test_twice(self, api: Api, token: str, others: tuple[str, str]) -> None:
        """Two headers are refused, even if both hold the token."""
        headers = [("Authorization", value.format(t=token)) for value in others]
        assert api.run(WORLD, headers=headers).status == 401

    def test_token_elsewhere(self, api: Api, token: str) -> None:
        """A token in the query or a cookie is no token."""
        assert api.run(WORLD, f"access_token={quote(token)}", headers=[("Cookie", f"token={token}")]).status == 401

    def test_before_everything_else(self, api: Api) -> None:
        """The token is asked for before any parameter is looked at."""
        assert api.run("%FF", "file_offset=x", headers=[("IB-Context", "")]).status == 401

    @pytest.mark.parametrize("value", ["", " ", "a b", "é", "a\n", "=", "a=b", '"'])
    def test_impossible_token(self, value: str) -> None:
        """A token that cannot stand in a header is refused at the start, and not shown."""
        with pytest.raises(ValueError, match="a token consists of") as caught:
            Token(value)
        assert value.strip() == "" or f" {value!r}" not in str(caught.value)

    def test_no_token(self, contract: Contract) -> None:
        """A server without any token is refused at the start."""
        with pytest.raises(ValueError, match="token"):
            ReferenceServer(MemoryStore(), contract=contract)

    def test_discreet(
        self,
        opened: Opener,
        contract: Contract,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """Neither a valid nor an invalid token reaches a log, a repr or an output, even when the server
        fails.
        """

        class Broken(ReferenceServer):
            def find_run(self, run_id: str, context: str | None) -> MemoryRun:
                raise KeyError(run_id)

        server = Broken(MemoryStore(), "the-secret", contract=contract)
        with caplog.at_level(logging.DEBUG), opened(server) as api:
            assert api.run("r", headers=[("Authorization", "Bearer the-secret")]).status == 500
            assert api.run("r", headers=[("Authorization", "Bearer the-secret2")]).status == 401
        assert "the reference server failed" in caplog.text
        seen = caplog.text + repr(server) + repr(server.tokens) + "".join(capfd.readouterr())
        assert "the-secret" not in seen


@pytest.fixture(scope="module")
def shared(opened: Opener) -> Iterator[Api]:
    store = MemoryStore([SyntheticRun(1, 1, run_id="r"), SyntheticRun(9, 9, run_id="nameless")])
    store.add(SyntheticRun(2, 2, run_id="r"), context="acme")
    store.add(SyntheticRun(3, 3, run_id="r"), context="a b~!")
    tokens = (Token("any"), Token("acme", frozenset({"acme"}), "acme"), Token("two", frozenset({"acme"})))
    with opened(ReferenceServer(store, *tokens)) as found:
        yield found


class TestContexts:
    @pytest.mark.parametrize(
        ("who", "context", "outcome"),
        [
            ("any", None, 1),
            ("any", "acme", 2),
            ("any", "a b~!", 3),
            ("any", "ACME", 404),
            ("any", "other", 404),
            ("acme", None, 2),
            ("acme", "acme", 2),
            ("acme", "a b~!", 403),
            ("acme", "other", 403),
            ("two", None, 1),
            ("two", "acme", 2),
            ("two", "other", 403),
        ],
    )
    def test_apart(self, shared: Api, who: str, context: str | None, outcome: int) -> None:
        """The same id is another run in another context, and a token acts only where it may."""
        headers = [("Authorization", f"Bearer {who}")] + ([("IB-Context", context)] if context else [])
        answer = shared.run("r", headers=headers)
        assert (len(answer.body["files"]) if answer.status == 200 else answer.status) == outcome

    def test_elsewhere_is_nowhere(self, shared: Api) -> None:
        """A run of another context is answered like one that does not exist."""
        headers = [("Authorization", "Bearer any"), ("IB-Context", "acme")]
        other, unknown = shared.run("nameless", headers=headers), shared.run("unknown", headers=headers)
        assert (other.status, other.raw) == (404, unknown.raw)

    @pytest.mark.parametrize("value", ["", " ", "é", "a\tb", "a\x7f"])
    def test_malformed(self, shared: Api, value: str) -> None:
        """A context that the contract's pattern does not allow is refused."""
        answer = shared.run("r", headers=[("Authorization", "Bearer any"), ("IB-Context", value)])
        assert answer.status == 400

    def test_twice(self, shared: Api) -> None:
        """Two contexts are refused, even if they are the same."""
        headers = [("Authorization", "Bearer any"), ("IB-Context", "acme"), ("ib-context", "acme")]
        assert shared.run("r", headers=headers).status == 400


IDS = (
    "a b",
    "a/b",
    "..",
    ".",
    "%2F",
    "%",
    "+",
    "é",
    "走る",
    "😀",
    "a?b#c",
    "a;b",
    "a%20b",
    "\n",
    "\x00",
    "~",
    '"<>\\^`{|}',
)


def header(run_id: str) -> dict[str, Any]:
    return {"id": run_id, "status": "COMPLETE"}


@pytest.fixture(scope="module")
def odd(opened: Opener, token: str) -> Iterator[Api]:
    store = MemoryStore([MemoryRun(header(run_id), []) for run_id in IDS])
    with opened(ReferenceServer(store, token)) as found:
        yield found


class TestRunIds:
    @pytest.mark.parametrize("run_id", IDS)
    def test_any_text(self, odd: Api, run_id: str) -> None:
        """A run id may be any text; its percent-encoding is undone exactly once."""
        assert odd.run(run_id).body["id"] == run_id

    def test_every_byte_encoded(self, odd: Api) -> None:
        """It makes no difference which characters of an id are encoded, nor in which case."""
        assert odd.target("/v2/apps/runs/%61%20%62/results").body["id"] == "a b"
        assert odd.target("/v2/apps/runs/%c3%A9/results").body["id"] == "é"

    @settings(deadline=None, max_examples=40)
    @given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
    @example("unknown")
    def test_unknown(self, odd: Api, run_id: str) -> None:
        """An id that no run has is not found, whatever it looks like."""
        if run_id not in IDS:
            answer = odd.run(run_id)
            assert (answer.status, answer.body) == (404, {"message": "Run not found"})

    @pytest.mark.parametrize("raw", ["%FF", "%C3", "a%ED%A0%80"])
    def test_not_utf8(self, odd: Api, raw: str) -> None:
        """An id that is not UTF-8 is refused."""
        assert odd.target(f"/v2/apps/runs/{raw}/results").status == 400

    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/v2/apps/runs//results",
            "/v2/apps/runs/results",
            "/v2/apps/runs/r/results/",
            "/v2/apps/runs/a/b/results",
            "/v2/apps/runs/~",
            "//v2/apps/runs/~/results",
            "/V2/apps/runs/~/results",
            "/api/v2/apps/runs/~/results",
            "/v2/apps/runs/~/results%2F",
            "/v2/apps%2Fruns/~/results",
            "/v2/apps/runs/~/result",
            "*",
        ],
    )
    def test_other_paths(self, odd: Api, path: str) -> None:
        """Every path but the operation's is not found."""
        answer = odd.target(path)
        assert (answer.status, answer.body) == (404, {"message": "Not found"})


class TestProtocol:
    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY", "get"])
    def test_other_methods(self, api: Api, method: str) -> None:
        """Every method but GET and HEAD is not allowed, and the answer says which are."""
        answer = api.run(WORLD, method=method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")

    def test_head(self, api: Api, token: str) -> None:
        """HEAD is answered like GET, without the body."""
        got, head = api.run(WORLD), api.run(WORLD, method="HEAD")
        assert (head.status, head.raw) == (200, b"")
        assert head.headers["Content-Length"] == str(len(got.raw))
        assert api.run("unknown", method="HEAD").status == 404
        assert api.run(WORLD, method="HEAD", headers=()).headers["WWW-Authenticate"] == "Bearer"

    def test_failure(self, opened: Opener, contract: Contract, token: str) -> None:
        """A failure of the server is the contract's 500, and tells nothing of its cause."""

        class Broken(ReferenceServer):
            def has_more(self, run: Any, offset: int, files: Any) -> bool:
                raise ZeroDivisionError("inner secret")

        with opened(Broken(MemoryStore([MemoryRun(header("r"), [])]), token, contract=contract)) as api:
            answer = api.run("r")
        assert (answer.status, answer.body) == (500, {"message": "Internal error"})

    def test_optional_parts(self, opened: Opener, token: str) -> None:
        """What a run does not hold is not invented."""
        with opened(ReferenceServer(MemoryStore([MemoryRun(header("bare"), [{}])]), token)) as api:
            assert api.run("bare").body == {**header("bare"), "files": [{}], "has_more": False}

    @pytest.mark.parametrize(
        ("accept", "used"),
        [
            (None, False),
            ("", False),
            ("gzip", True),
            ("GZIP", True),
            ("br, gzip;q=0.5", True),
            ("*", True),
            ("gzip;q=0", False),
            ("gzip; q=0.0, *", False),
            ("*;q=0", False),
            ("identity", False),
            ("x-gzipped", False),
            ("gzip;q=oops", False),
        ],
    )
    def test_gzip(self, opened: Opener, token: str, accept: str | None, used: bool) -> None:
        """Where it is switched on, gzip is used exactly for clients that accept it, and changes nothing else."""
        store = MemoryStore([SyntheticRun(1, 5, run_id="r")])
        auth = ("Authorization", f"Bearer {token}")
        with opened(ReferenceServer(store, token, compress=True)) as api:
            answer = api.run("r", headers=[auth] + ([("Accept-Encoding", accept)] if accept is not None else []))
        with opened(ReferenceServer(store, token)) as plain:
            expected = plain.run("r", headers=[auth, ("Accept-Encoding", "gzip")])
        assert "Content-Encoding" not in expected.headers
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Content-Length"] == str(len(answer.raw))
        assert ("Content-Encoding" in answer.headers) is used
        assert (gzip.decompress(answer.raw) if used else answer.raw) == expected.raw

    def test_base_path(self, opened: Opener, token: str) -> None:
        """A base path is part of the path."""
        with opened(ReferenceServer(MemoryStore([MemoryRun(header("r"), [])]), token, base_path="/api")) as api:
            assert api.target("/api/v2/apps/runs/r/results").status == 200
            assert api.run("r").status == 404

    def test_concurrent(self, opened: Opener, token: str) -> None:
        """Many callers at once each get their own page."""
        run = SyntheticRun(1, 40, run_id="r")
        seen: dict[int, Any] = {}
        with opened(ReferenceServer(MemoryStore([run]), token, page_size=2, latency=0.05)) as api:
            threads = [
                threading.Thread(target=lambda at=at: seen.update({at: api.run("r", f"file_offset={at}").body}))
                for at in range(0, 40, 2)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        names = [file["original_file_name"] for at in sorted(seen) for file in seen[at]["files"]]
        assert names == [file["original_file_name"] for file in run.files(0, 40)]


class TestRuns:
    def test_contract_examples(self, opened: Opener, contract: Contract, token: str) -> None:
        """The store to start with answers every run id and context of the contract's own examples."""
        auth = ("Authorization", f"Bearer {token}")
        with opened(ReferenceServer(example_store(contract, files=3), token)) as api:
            for name, page in contract.examples.items():
                for context in ((), (("IB-Context", "acme-lending"),)):
                    answer = api.run(page["id"], headers=[auth, *context])
                    assert (name, answer.body["status"]) == (name, page["status"])
            for run_id in contract.parameters["run_id"].examples.values():
                assert api.run(run_id).status == 200

    def test_every_status(self, contract: Contract) -> None:
        """The store to start with has a run of each of the six statuses."""
        store = example_store(contract)
        runs = [store.find(run_id, context) for context, run_id in store]
        statuses = {run.header["status"] for run in runs if run is not None}
        assert statuses == {"CANCELLED", "COMPLETE", "FAILED", "PAUSED", "RUNNING", "STOPPED_AT_CHECKPOINT"}

    def test_names_by_the_rule(self, api: Api, contract: Contract) -> None:
        """Every field name of an answer is the rule's answer for the project's name, in the project's order."""
        run = SyntheticRun(5, 40, run_id=WORLD)
        page = api.run(WORLD).body
        documents = [document for file in page["files"] for document in file["documents"] if document["class_name"]]
        assert {document["class_name"] for document in documents} == set(run.project_names())
        for document in documents:
            names = [part["field_name"] for part in document["fields"]]
            assert names == [contract.field_name_rule(name) for name in run.project_names()[document["class_name"]]]
        case_names = [part["name"] for part in page["case_info"]["fields"]]
        assert case_names == [contract.field_name_rule(name) for name in run.case_names()]

    def test_polled_to_its_end(self, opened: Opener, token: str) -> None:
        """A run that is polled shows ever more files in the same places, and then says that it is finished."""
        whole = SyntheticRun(4, 9, run_id="r")
        with opened(ReferenceServer(MemoryStore([UnfinishedRun(whole, by_polls(4))]), token)) as api:
            pages = [api.run("r").body for _ in range(6)]
        assert [page["status"] for page in pages] == ["RUNNING"] * 4 + ["COMPLETE"] * 2
        assert [len(page["files"]) for page in pages] == [0, 2, 4, 6, 9, 9]
        assert all(page["finish_timestamp"] is None and not page["has_more"] for page in pages[:4])
        assert pages[4]["finish_timestamp"] == whole.header["finish_timestamp"]
        assert all(page["files"] == pages[5]["files"][: len(page["files"])] for page in pages)
        assert pages[4] == pages[5]

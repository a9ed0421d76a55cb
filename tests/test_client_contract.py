"""The client against the contract: what the spec allows is taken as it is, and nothing else is taken silently.

Two witnesses that share no code with the client judge it: a JSON-Schema validator that is told the spec, and runs in
project terms, projected here from the spec's words alone.
"""

import asyncio
import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import reduce
from itertools import combinations
from operator import or_
from typing import Any

import httpx
import jsonschema_rs
import pytest
from attrs import frozen
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from run_results import UNSET, AsyncClient, Client, Drift, Include, Page, RetryPolicy, RunResults
from run_results.answer import decode, parse
from run_results.answer_checks import check_answer
from run_results.errors import ContractError, MalformedResponseError, UnusablePageError
from run_results_api.flags import GUARANTEED, PARAMETERS
from run_results_api.types import Model
from run_results_conformance.server.contract import load_contract
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryRun, MemoryStore
from run_results_conformance.server.serving import serve
from run_results_conformance.strategies import (
    Mutation,
    all_mutations,
    broken_responses,
    responses,
    runs,
)
from run_results_conformance.verifier.checks.exchange import check_results
from run_results_conformance.verifier.rules import RULES
from run_results_conformance.verifier.spec_view import show_path, spec_view_of

TOKEN = "t0k3n-of-the-contract"
SPEC = load_contract().document
SCHEMAS = SPEC["components"]["schemas"]
ANSWER = jsonschema_rs.validator_for(
    load_contract().validation_schema(200),
    formats={"api-field-name": str.isidentifier},
    validate_formats=True,
)
EXAMPLES = load_contract().examples
FLAGS = {parameter: Include[name] for name, parameter in PARAMETERS.items()}
COMBINATIONS = [frozenset(chosen) for count in range(len(FLAGS) + 1) for chosen in combinations(FLAGS, count)]
LAWS = {rule.id for rule in RULES if rule.level == "MUST" and (rule.family == "state" or rule.id == "flags.present")}


def include_of(flags: Iterable[str]) -> Include:
    """What a client is told to ask for these flags."""
    return reduce(or_, (FLAGS[name] for name in flags), Include.NONE)


def body_of(value: Any) -> bytes:
    """JSON text of a value."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:  # half of a surrogate pair can only be written as an escape
        return json.dumps(value, allow_nan=False).encode()


def checked(answer: dict[str, Any], flags: frozenset[str]) -> tuple[Drift, ...]:
    """What the checks of one answer find."""
    told = check_answer(decode(body_of(answer))[0], include_of(flags), ())
    return tuple(place for place in told if place.is_breach)


def look(body: bytes) -> tuple[RunResults, list[Drift]]:
    """What the decoder makes of a body, and where it says that the contract was broken."""
    run, drift = decode(body)
    return run, [place for place in drift or () if place.is_breach]


def is_valid(value: Any) -> bool | None:
    """Whether the validator accepts a value; None where it cannot take the text in."""
    try:
        return ANSWER.is_valid(value)
    except UnicodeEncodeError:
        return None


def lawless(value: Any, flags: frozenset[str] = frozenset()) -> set[str]:
    """Where an answer by itself breaks a law that no schema says, by the verifier's rules for single answers."""
    spec = spec_view_of(load_contract())
    return {
        show_path(seen.path)
        for seen in check_results(spec, value, spec.inspect(value, flags))
        if not seen.kept and seen.rule in LAWS
    }


# --- What the spec allows -----------------------------------------------------------------------------------


def agree(model: Any, value: Any) -> None:
    """A model holds exactly what came: unset where nothing came, null where null came, all else as it was."""
    if isinstance(model, Model):
        for name in model.__attrs_attrs__:  # type: ignore[attr-defined]
            held = getattr(model, name.name)
            assert (held is UNSET) is (name.name not in value), name.name
            if held is not UNSET:
                agree(held, value[name.name])
    elif isinstance(model, list):
        assert isinstance(value, list)
        assert len(model) == len(value)
        for part, came in zip(model, value, strict=True):
            agree(part, came)
    else:
        assert model == value
        # 1 and 1.0 are one number, true and 1 are not.
        assert isinstance(model, bool) is isinstance(value, bool)


def named(node: Any, value: Any) -> Any:
    """What is left of a value without the keys that the spec does not name, by the spec's own words."""
    while "$ref" in node:
        node = SCHEMAS[node["$ref"].rpartition("/")[2]]
    if isinstance(value, dict):
        node = next((each for each in node.get("anyOf", ()) if "$ref" in each), node)
        if "$ref" in node:
            return named(node, value)
        known = node.get("properties")
        return value if known is None else {key: named(known[key], part) for key, part in value.items() if key in known}
    return [named(node["items"], part) for part in value] if isinstance(value, list) else value


class TestWhatTheSpecAllows:
    @given(responses())
    def test_round_trip(self, answer: dict[str, Any]) -> None:
        """An answer that keeps the spec decodes without drift, and encodes to exactly what came."""
        run, breaches = look(body_of(answer))
        assert breaches == []
        agree(run, answer)
        assert run.to_dict() == answer
        assert json.loads(run.to_json()) == answer
        assert RunResults.from_json(run.to_json()) == run == RunResults.from_dict(answer)

    @given(responses(extra=True), st.randoms(use_true_random=False))
    def test_unknown_keys(self, answer: dict[str, Any], random: Any) -> None:
        """Keys that the spec does not name are no drift and stay readable, in whatever order keys come."""
        body = body_of(shuffled(answer, random))
        run, breaches = look(body)
        assert breaches == []
        assert run.to_dict() == named({"$ref": "#/components/schemas/RunResults"}, answer)
        assert parse(body) == answer

    @pytest.mark.parametrize("name", sorted(EXAMPLES))
    def test_examples(self, name: str) -> None:
        """The spec's own examples go through unchanged."""
        run, breaches = look(body_of(EXAMPLES[name]))
        assert breaches == []
        assert run.to_dict() == EXAMPLES[name]


def shuffled(value: Any, random: Any) -> Any:
    """The same with the keys of every object in another order."""
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key], random) for key in keys}
    return [shuffled(part, random) for part in value] if isinstance(value, list) else value


# --- Strict accepts if and only if the validator does -------------------------------------------------------


@frozen
class Exemption:
    """A known difference between decoder and validator. Whatever is not in the list must not differ."""

    reason: str
    covers: Callable[[Any], bool]
    """Whether this is all that is between decoder and validator in a value."""
    proof: Any
    """A value in which it shows; a difference that is gone must leave the list."""


def _beyond_double(value: Any) -> bool:
    """The decoder objects to nothing but integers where numbers belong, beyond the range of a double."""
    with suppress(ContractError):
        _, breaches = look(body_of(value))
        return bool(breaches) and all(
            place.expected.startswith("number") and type(place.got) is int and abs(place.got) >= 2**1024
            for place in breaches
        )
    return False


def _no_text(value: Any) -> bool:
    """The decoder objects to half of a surrogate pair, among others perhaps."""
    with suppress(ContractError):
        _, breaches = look(body_of(value))
        return any(place.expected == "text that can be encoded" for place in breaches)
    return "\\ud8" in json.dumps(value)


def minimal(**more: Any) -> dict[str, Any]:
    """The least answer, and more."""
    return {"id": "r", "status": "COMPLETE", "files": [], "has_more": False, **more}


EXEMPTIONS = {
    "an integer beyond every double": Exemption(
        "The spec says `format: double`, which JSON Schema does not check; the decoder does.",
        _beyond_double,
        minimal(files=[{"documents": [{"fields": [{"confidence": {"model": 10**400}}]}]}]),
    ),
    "half of a surrogate pair": Exemption(
        "JSON can write it and UTF-8 cannot (RFC 8259, 8.2); the decoder reports it, and shows U+FFFD in its place.",
        _no_text,
        minimal(batch_id="\ud800"),
    ),
}


def accepts(value: Any) -> bool:
    """Whether the decoder finds nothing to object to."""
    try:
        return look(body_of(value))[1] == []
    except ContractError:
        return False


def assert_agreement(value: Any) -> None:
    """Decoder and validator agree, but for what is exempt."""
    if accepts(value) is not is_valid(value):
        assert any(exemption.covers(value) for exemption in EXEMPTIONS.values()), (
            f"validator {is_valid(value)}: {value}"
        )


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-1, 0, 2**63 - 1, 2**63, 2**64, 10**400, 1.0, -0.0, 1e18, 2.0**63, 2.0**53, 0.5, -1.0])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.sampled_from(["", "COMPLETE", "due_date", "due date", "№", "a\u200b", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "name", "value"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every part of a value."""
    yield path
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(part, (*path, key))


def put(value: Any, path: tuple[Any, ...], part: Any) -> Any:
    """A copy of a value with another part in one place."""
    if not path:
        return part
    changed = copy.deepcopy(value)
    target = changed
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = part
    return changed


class TestStrictIffValid:
    @given(responses(extra=True))
    def test_valid(self, answer: dict[str, Any]) -> None:
        """What the validator accepts, the decoder accepts."""
        assert ANSWER.is_valid(answer)
        assert accepts(answer)

    @given(broken_responses(extra=True))
    def test_broken(self, mutation: Mutation) -> None:
        """What is broken in one place is refused by both, and the decoder's only drift is at that place."""
        assert not accepts(mutation.document)
        with suppress(ContractError):
            _, breaches = look(body_of(mutation.document))
            assert [place.path for place in breaches] == [mutation.where]

    @pytest.mark.parametrize("name", sorted(EXAMPLES))
    def test_every_breach_of_the_examples(self, name: str) -> None:
        """So it is with every single breach of the spec's own examples."""
        for mutation in all_mutations(EXAMPLES[name]):
            assert_agreement(mutation.document)
            assert not ANSWER.is_valid(mutation.document)

    @settings(max_examples=settings().max_examples * 2)
    @given(st.data(), st.integers(0, 9999), ANY_JSON)
    def test_anything_anywhere(self, data: st.DataObject, place: int, part: Any) -> None:
        """Whatever JSON stands in whatever place, and wherever else: decoder and validator agree."""
        answer = data.draw(responses())
        paths = list(places(answer))
        assert_agreement(put(answer, paths[place % len(paths)], part))

    @given(ANY_JSON)
    @example(minimal(start_timestamp=1.0))
    @example(minimal(start_timestamp=2.0**63))
    @example(minimal(files=[{"documents": [{"page_numbers": [1e2, -0.0, 2**80]}]}]))
    @example(minimal(status=""))
    @example(minimal(id=""))
    @example(minimal(has_more=0))
    @example(minimal(keys={"custom": {"deep": [[[[[[[[{}]]]]]]]], "big": 2**70}}))
    @example([])
    @example("\ud800")
    def test_anything_at_all(self, value: Any) -> None:
        """So it is with any JSON value as the whole answer."""
        assert_agreement(value)

    @given(responses() | broken_responses().map(lambda mutation: mutation.document))
    def test_strict_client(self, answer: Any) -> None:
        """A strict client hands out a page exactly when it keeps shape and laws, else it raises a contract error."""
        run_id = answer.get("id") if isinstance(answer, dict) else None
        assume(
            run_id is None
            or (isinstance(run_id, str) and run_id.isprintable() and not re.search(r"[/\\]|^\s*$|^\.\.?$", run_id))
        )
        try:
            page = one_page(answer, str(run_id or "r"), strict=True)
        except ContractError as error:
            assert lawless(answer) or not accepts(answer)
            assert error.drift or isinstance(error, MalformedResponseError)
        else:
            assert accepts(answer)
            assert not lawless(answer)
            assert page.run.to_dict() == answer
            assert page.breaches == ()

    @given(broken_responses())
    def test_lenient_client(self, mutation: Mutation) -> None:
        """A lenient client hands out a broken page with its drift, or names what makes the page unusable."""
        run_id = "r"
        if (
            isinstance(mutation.document, dict)
            and isinstance(mutation.document.get("id"), str)
            and mutation.document["id"]
        ):
            mutation.document["id"] = run_id
        try:
            page = one_page(mutation.document, run_id, strict=False)
        except ContractError as error:
            assert mutation.where in ("$", "$.id", "$.files", "$.has_more")
            assert mutation.where == "$" or isinstance(error, UnusablePageError)
        else:
            assert page.raw == mutation.document
            assert {place.path for place in page.breaches} == {mutation.where, *lawless(mutation.document)}

    @pytest.mark.parametrize("name", sorted(EXEMPTIONS))
    def test_exemptions_are_needed(self, name: str) -> None:
        """Each exemption still shows; one that no longer does has no place in the list."""
        exemption = EXEMPTIONS[name]
        assert accepts(exemption.proof) is not is_valid(exemption.proof), f"take {name!r} out of the list"
        assert exemption.covers(exemption.proof)
        assert [other for other, each in EXEMPTIONS.items() if each.covers(exemption.proof)] == [name]


LEVELS = {"files[].documents[]": "Document", "files[].documents[].fields[]": "Field", "case_info.fields[]": "CaseField"}


class TestLawsOfOneAnswer:
    def test_every_flag_is_there(self) -> None:
        """The client has the contract's flags, in its order, and `Include.ALL` is all of them."""
        assert tuple(FLAGS) == load_contract().flags
        assert list(Include) == list(FLAGS.values())
        assert reduce(or_, FLAGS.values()) is Include.ALL

    def test_the_table_is_the_contract(self) -> None:
        """What the client misses where it was asked for is what `x-include` guarantees, no more and no less."""
        said = {
            (FLAGS[part["x-include"]].name, level, name)
            for level, schema in LEVELS.items()
            for name, part in SCHEMAS[schema]["properties"].items()
            if "x-include" in part and part.get("x-include-guaranteed", True)
        }
        assert set(GUARANTEED) == said
        every = sum("x-include" in part for each in SCHEMAS.values() for part in each.get("properties", {}).values())
        assert every == len(said) + 2, "only the PDF's path, and validations of cross-class fields, may be absent"

    @settings(max_examples=settings().max_examples * 2)
    @given(responses(), st.sampled_from(COMBINATIONS))
    def test_what_was_asked_for_and_is_missing_is_drift(self, answer: dict[str, Any], flags: frozenset[str]) -> None:
        """The verifier's rules and the client find the same: the first place of each kind, under any flags."""
        found = {place.path for place in checked(answer, flags)}
        expected = lawless(answer, flags)
        assert found <= expected
        assert {kind(path) for path in found} == {kind(path) for path in expected}

    @pytest.mark.parametrize(("flag", "level", "member"), GUARANTEED)
    def test_one_missing_member_is_found(self, flag: str, level: str, member: str) -> None:
        """Each guaranteed member is missed by itself: when all else is there, and only its flag was set."""
        answer = copy.deepcopy(EXAMPLES["full"])
        documents = [document for file in answer["files"] for document in file["documents"]]
        fields = [field for document in documents for field in document["fields"]]
        places = {"Document": documents, "Field": fields, "CaseField": answer["case_info"]["fields"]}
        for item in places[LEVELS[level]]:
            item.pop(member)
        (found,) = check_answer(decode(body_of(answer))[0], Include[flag], ())
        assert found.path.endswith(f".{member}")

    @given(broken_responses())
    def test_what_came_broken_did_come(self, mutation: Mutation) -> None:
        """What is unset because it was broken is told once, and not as missing, nor is anything below it."""
        assume(mutation.where not in ("$", "$.id", "$.files", "$.has_more"))
        run, breaches = look(body_of(mutation.document))
        told = check_answer(run, Include.ALL, breaches)
        missing = [place.path for place in told if place.got is UNSET and place.is_breach]
        assert [path for path in missing if path == mutation.where or path.startswith(f"{mutation.where}.")] == []

    @given(run=runs(min_files=1), flags=st.sampled_from(COMBINATIONS))
    def test_a_run_as_it_should_be_has_none(self, run: MemoryRun, flags: frozenset[str]) -> None:
        """An answer of the reference server breaks none of the laws."""
        page = {**run.header, "files": list(run.files(0, run.file_count)), "has_more": False}
        answer = load_contract().project(page, flags)
        assert lawless(answer, flags) == set()


def kind(path: str) -> str:
    """A path without its indexes."""
    return re.sub(r"\[\d+\]", "[*]", path)


def one_page(answer: Any, run_id: str, *, strict: bool) -> Page:
    """What a client makes of an answer, without a server."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=httpx.ByteStream(body_of(answer))))
    with (
        httpx.Client(transport=transport, trust_env=False) as http,
        Client(token=TOKEN, http_client=http, strict=strict, retry=RetryPolicy(attempts=1)) as client,
    ):
        return client.page(run_id)


# --- Whole walks --------------------------------------------------------------------------------------------


def api_name(name: str) -> str:
    """The name rule, from the vendor's page."""
    name = "".join(letter if f"_{letter}".isidentifier() else "_" for letter in name.replace("_", "__"))
    return name if name[:1].isidentifier() else f"_{name}"


def answered(node: Mapping[str, Any], value: Any, flags: frozenset[str]) -> Any:
    """What the contract answers for a value in project terms, by the words of the spec and no code of the server's."""
    while "$ref" in node:
        node = SCHEMAS[node["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        return [answered(node.get("items", {}), part, flags) for part in value]
    if isinstance(value, dict):
        parts = node.get("properties", {})
        return {
            key: answered(parts.get(key, {}), part, flags)
            for key, part in value.items()
            if parts.get(key, {}).get("x-include") in (None, *flags)
        }
    return api_name(value) if node.get("format") == "api-field-name" else value


class Table:
    """A reference server, and both clients, for runs that change from example to example."""

    def __init__(self, runner: asyncio.Runner, sync: Client) -> None:
        self.runner = runner
        self.sync = sync
        self.sizes = [1]
        self.server = ReferenceServer(
            MemoryStore(), TOKEN, page_size=lambda offset: self.sizes[offset % len(self.sizes)]
        )
        self.patient: AsyncClient

    def lay(self, run: MemoryRun, sizes: list[int]) -> None:
        self.server.store = MemoryStore([run])
        self.sizes = sizes

    def walk(self, run_id: str, start: int, include: Include) -> list[Any]:
        """The pages of the synchronous client."""
        return list(self.sync.pages(run_id, start=start, include=include))

    def walk_async(self, run_id: str, start: int, include: Include) -> list[Any]:
        """The pages of the asynchronous client."""

        async def pages() -> list[Any]:
            return [page async for page in self.patient.pages(run_id, start=start, include=include)]

        return self.runner.run(pages())


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    """One server and one client of each kind for all examples."""
    with asyncio.Runner() as runner:
        table = Table(runner, None)  # type: ignore[arg-type]

        async def patient(url: str) -> AsyncClient:
            return AsyncClient(token=TOKEN, base_url=url, strict=True)

        with serve(table.server) as served, Client(token=TOKEN, base_url=served.url, strict=True) as client:
            table.sync = client
            table.patient = runner.run(patient(served.url))
            yield table
            runner.run(table.patient.close())


class TestWalks:
    def check(self, table: Table, run: MemoryRun, start: int, flags: frozenset[str]) -> None:
        """Both clients bring home exactly the run from `start` on, in API terms, under these flags."""
        include = include_of(flags)
        header = answered({"$ref": "#/components/schemas/RunResults"}, run.header, flags)
        files = answered(SCHEMAS["RunResults"]["properties"]["files"], list(run.files(0, run.file_count)), flags)
        for walk in (table.walk, table.walk_async):
            pages = walk(run.header["id"], start, include)
            assert [file.to_dict() for page in pages for file in page.files] == files[start:]
            for page in pages:
                whole = page.run.to_dict()
                assert whole.pop("files") == page.raw["files"]
                assert whole.pop("has_more") is (page.next_offset is not None)
                assert whole == header
                assert page.breaches == ()

    @settings(max_examples=settings().max_examples // 2)
    @given(
        run=runs(max_files=7),
        sizes=st.lists(st.integers(1, 8), min_size=1, max_size=4),
        start=st.integers(0, 8) | st.just(0),
        flags=st.sampled_from(COMBINATIONS),
    )
    def test_exactly_the_run(
        self, table: Table, run: MemoryRun, sizes: list[int], start: int, flags: frozenset[str]
    ) -> None:
        """Over a socket, whatever run, page sizes, start and flags: the run's files, once, in order, in API terms."""
        table.lay(run, sizes)
        self.check(table, run, start, flags)

    @pytest.mark.parametrize("flags", COMBINATIONS, ids=lambda flags: "+".join(sorted(flags)) or "none")
    def test_every_page_size(self, table: Table, flags: frozenset[str]) -> None:
        """So it is for one run of five files under all flags, with every page size up to one that holds more."""
        example = SPEC["components"]["examples"]["Full"]["value"]
        files = [{**example["files"][index % 2], "input_file_path": f"in/{index}"} for index in range(5)]
        header = {name: part for name, part in example.items() if name not in ("files", "has_more")}
        for size in range(1, 7):
            table.lay(MemoryRun(header, files), [size])
            self.check(table, MemoryRun(header, files), 0, flags)

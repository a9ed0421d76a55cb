"""Lets schemathesis test a server with boundary values and random ones, and judges the answers by our rules.

    report = fuzz("http://127.0.0.1:8000", token, runs=["run-tax-2025"])
    report.exit_code        # 0 nothing found, 1 breaches, 2 could not judge

The verifier asks what each rule needs. schemathesis generates its questions from the spec: the boundary values of every
parameter, alone and together, then random requests, valid and invalid. Its own checks judge every answer. So do our
rules for single exchanges, which are registered as one more of its checks. The report names our rules for both.

The same seed sends the same requests to servers that answer alike, one at a time. All of them are GET: other
methods, which schemathesis sends by default, could change something. This module imports schemathesis only when
`fuzz` is called. It comes with the extra `[fuzz]`.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

from attrs import define, field, frozen

from .server.contract import Contract, load_contract
from .server.run_list import LIST_RUNS
from .server.terms import JsonObject
from .verifier.body import NOTHING, Body
from .verifier.budget import Budget, OutOfRequests, Unresponsive
from .verifier.checks.exchange import check_exchange
from .verifier.checks.run_lists.check import JUDGED, find_run_lists
from .verifier.connection import Address, Answer, Connection, Request
from .verifier.exchange import Exchange
from .verifier.manifest import Manifest
from .verifier.report import Report
from .verifier.rules import BY_ID, select
from .verifier.session import Session
from .verifier.spec_view import spec_view_of

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, HookContext, Response
    from schemathesis.engine.recorder import ScenarioRecorder
    from schemathesis.schemas import BaseSchema

    AnyCase = Case[Any]

_OURS = "run_results_rules"
"""The name under which our rules are one of schemathesis' checks."""
_AGENT = "run-results-conformance"
_GRACE = 2.0  # more seconds for the last request under way
_LONGEST_WORDS = 400


def fuzz(
    url: str,
    token: str,
    *,
    runs: Sequence[str] = (),
    context: str | None = None,
    allow_insecure: bool = False,
    seed: int = 0,
    max_examples: int = 60,
    max_requests: int = 600,
    max_seconds: float = 120.0,
    timeout: float = 10.0,
    latency: float = 2.0,
    policy: bool = False,
    contract: Contract | None = None,
) -> Report:
    """Lets schemathesis test the server at a base URL, and reports what its checks or our rules found.

    `runs` are ids of runs that can be read; without them the ids in the contract's examples are tried. `context` is
    sent as IB-Context. About 90 requests for results and 190 for the list of runs, if the server has one, have boundary
    values; `max_examples` random ones of each follow. At most
    `max_requests` are sent (a check under way may add two), within `max_seconds`, and each may take `timeout`
    seconds. Where that is too few, boundary values and random ones of both operations each get a part. `latency` is
    the time in which answers should come, in seconds. With `policy`, broken rules of level POLICY are breaches.

    Raises AddressError if the URL cannot be a base URL, or is plain http to another computer without `allow_insecure`,
    ValueError if a limit is not positive, and ImportError without
    schemathesis.
    """
    if min(max_examples, max_requests, max_seconds, timeout, latency) <= 0:
        raise ValueError("limits must be positive")
    contract = contract or load_contract()
    address = Address.of(url)
    address.check_encrypted(allow_insecure=allow_insecure)
    ids = tuple(dict.fromkeys(runs)) or tuple(str(each) for each in _run_id(contract).examples.values())
    session = Session(
        Connection(address, token, timeout=timeout),  # schemathesis sends over its own
        token,
        spec_view_of(contract),
        Manifest.of_ids(*ids),
        check_exchange=check_exchange,
        rules=select(),
        # `_Findings` counts what schemathesis sends.
        budget=Budget(max_requests=1 << 31, max_seconds=max_seconds + timeout + _GRACE),
        context=context,
        seed=seed,
        latency=latency,
    )
    findings = _Findings(session, ids, max_requests, time.monotonic() + max_seconds)
    findings.find_run_lists()
    operations = 2 if findings.with_lists else 1
    examples = max(1, min(max_examples, findings.max_requests // (2 * operations)))
    findings.boundaries = max(1, findings.max_requests - findings.requests - operations * examples)
    config = {
        "seed": seed,
        "continue-on-failure": True,
        "request-timeout": timeout,
        "max-redirects": 0,
        "workers": 1,
        # Without a cache, so that a second run sends the same requests as the first.
        "cache": {"enabled": False},
        # Without shrinking: it sends hundreds of requests, and the failures are small anyway.
        "generation": {"max-examples": examples, "deterministic": False, "no-shrink": True, "database": "none"},
        "output": {"truncation": {"max-recorded-payload-size": 0}},
        # By default it sends POST, PUT, DELETE and others to the runs themselves, to see them refused.
        "phases": {"stateful": {"enabled": False}, "coverage": {"unexpected-methods": []}},
        "checks": _checks(),
    }
    headers = {
        "Authorization": f"Bearer {token}",
        "User-Agent": _AGENT,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
    }
    if context is not None:
        headers[session.spec.context_parameter.name] = context
    started = time.monotonic()
    with _exclusive(), _own_profile():
        document = tailored(contract, ids, context=context, with_lists=findings.with_lists)
        schema = _load(document, config, url, headers)
        _run(findings, schema, max_seconds + timeout + _GRACE)
    return findings.report(address, seconds=time.monotonic() - started, seed=seed, policy=policy)


def _run_id(contract: Contract) -> Any:
    return next(each for each in contract.parameters.values() if each.place == "path")


# --- The spec and the settings ------------------------------------------------------------------------------


def tailored(
    contract: Contract, runs: Sequence[str], *, context: str | None = None, with_lists: bool = True
) -> JsonObject:
    """The spec for one deployment: with its own run ids, with the context, and without the list if it has none.

    With other ids every answer would be 404, and no page would be seen. So these ids become the only values of the
    parameter. Only the server knows which other texts are ids of runs: both 404 and 400 are right for them. The context
    becomes fixed, too, because in a context that the token may not act in every request is refused.
    """
    copy: JsonObject = _copied(contract.document)
    copy["servers"] = [{"url": "/"}]
    whole = Contract(copy)
    offered = [each for each in whole.operations.values() if each is whole or (with_lists and each.name == LIST_RUNS)]
    copy["paths"] = {each.path: {each.method: each.operation} for each in offered}
    places = {"path": list(runs), "header": [context] if context is not None else None}
    for each in offered:
        operation: Any = each.operation
        operation["parameters"] = list(_fixed(whole, operation.get("parameters", ()), places))
    return copy


def _fixed(
    contract: Contract, parameters: Sequence[Any], places: Mapping[str, list[str] | None]
) -> Iterator[Mapping[str, Any]]:
    """Parameters of an operation, those of some places with their only values. None leaves a place out."""
    for reference in parameters:
        node = contract.resolve(reference)
        values = places.get(node["in"], [])
        if values:
            examples = {f"known-{number}": {"value": value} for number, value in enumerate(values)}
            yield {**node, "schema": {"type": "string", "enum": values}, "examples": examples}
        elif values is not None:
            yield node


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _copied(part) for name, part in value.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return [_copied(part) for part in value] if isinstance(value, list) else value


def _checks() -> JsonObject:
    """The checks of schemathesis that are switched off or changed, each with the reason."""
    return {
        # 503 is in the spec, for a busy server.
        "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "501", "503"]},
        # The spec does not say which methods a server has besides GET. Our rules judge how it refuses them.
        "unsupported_method": {"enabled": False},
        # The spec has only GET, but a server may list HEAD or more in Allow.
        "allow_header_conformance": {"enabled": False},
        # Authorization is the only required header, and the check ignored_auth is about it.
        "missing_required_header": {"enabled": False},
        # The operations only read: nothing is created, deleted or owned.
        "use_after_free": {"enabled": False},
        "ensure_resource_availability": {"enabled": False},
        "object_level_authorization": {"enabled": False},
        # The spec has a default answer, so every status is documented.
        "status_code_conformance": {"enabled": False},
    }


def _load(document: JsonObject, config: JsonObject, url: str, headers: dict[str, str]) -> "BaseSchema":
    from schemathesis import Config, openapi

    settings = Config.from_dict(config)
    schema = openapi.from_dict(document, config=settings)
    # Set here: in a configuration file schemathesis would replace "${...}", which a token may contain.
    schema.config.update(base_url=url.rstrip("/"), headers=headers)
    return schema


_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def _exclusive() -> Iterator[None]:
    """Lets one thread at a time use schemathesis, without credentials and proxies of the environment.

    The library that sends for schemathesis would use credentials from `.netrc` instead of the token, and proxies from
    the environment. The verifier does neither.
    """
    with _ONE_AT_A_TIME:
        before = {name: os.environ.get(name) for name in ("NETRC", "NO_PROXY", "no_proxy", "REQUESTS_CA_BUNDLE")}
        os.environ.update(NETRC=os.devnull, NO_PROXY="*", no_proxy="*")
        if trusted := os.environ.get("SSL_CERT_FILE"):  # which the library that sends does not read
            os.environ["REQUESTS_CA_BUNDLE"] = trusted
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


@contextmanager
def _own_profile() -> Iterator[None]:
    """Gives schemathesis Hypothesis' own defaults instead of the profile of the process, which it would obey."""
    from hypothesis import settings

    # Threads that start later have this profile. This thread keeps its settings: it may be in a Hypothesis test.
    with ThreadPoolExecutor(1) as another:
        before = settings.get_current_profile_name()
        another.submit(settings.load_profile, "default").result()
        try:
            yield
        finally:
            another.submit(settings.load_profile, before).result()


# --- Its requests, judged by our rules ----------------------------------------------------------------------


@define
class _Findings:
    """What a run of schemathesis finds: its requests and answers, judged by our rules."""

    session: Session
    runs: tuple[str, ...]
    max_requests: int
    ends: float
    requests: int = 0
    read: int = 0
    with_lists: bool = False
    boundaries: int = 0
    """How many requests with boundary values may be sent."""
    taken: Counter[str] = field(factory=Counter)
    """How many were, by path."""
    stop: Callable[[], object] = lambda: None
    seen: dict[str, Exchange] = field(factory=dict)
    obstacles: list[str] = field(factory=list)
    notes: list[str] = field(factory=list)

    def find_run_lists(self) -> None:
        """Asks once whether the server has the list of runs. One that does not have it is not asked for it."""
        with suppress(OutOfRequests, Unresponsive):
            self.with_lists = find_run_lists(self.session) == JUDGED
        self.session.connection.close()  # schemathesis sends over its own
        self.requests += len(self.session.exchanges)
        if self.with_lists:
            self.max_requests -= 2  # for each operation ignored_auth sends two that are not counted
        self.notes += self.session.notes

    def takes(self, case: "AnyCase") -> bool:
        """Whether a request is sent. Of those with boundary values, results get half, and the list gets the rest."""
        if case.meta is not None and case.meta.phase.name.value == "fuzzing":
            return True
        half = self.with_lists and case.path != self.list_path
        used = self.taken[case.path] if half else self.taken.total()
        if used >= (self.boundaries // 2 if half else self.boundaries):
            return False
        self.taken[case.path] += 1
        return True

    def check(self, _context: "CheckContext", response: "Response", case: "AnyCase") -> None:
        """Our rules for single exchanges, as a check of schemathesis. Raises AssertionError for broken rules."""
        broken = {rule for rule in BY_ID if self.session.tally.broken(rule)}
        self.judge_once(case, response.request, _answer(response))
        news = [rule for rule in BY_ID if self.session.tally.broken(rule) and rule not in broken]
        if news:
            raise AssertionError(", ".join(f"{BY_ID[rule].failure} ({rule})" for rule in news))

    def count(self) -> None:
        """Counts a request. Stops schemathesis after the last allowed request or second."""
        self.requests += 1
        if self.requests >= self.max_requests or time.monotonic() > self.ends:
            self.stop()

    def judge_once(self, case: "AnyCase", sent: Any, answer: Answer) -> Exchange:
        """Judges an exchange when it is seen first, and returns it."""
        found = self.seen.get(case.id)
        if found is not None:
            return found
        self.count()
        request = self._request(case, sent)
        # A busy answer is not judged. The session would ask again, which is not possible here.
        busy = answer.status in (429, 503)
        exchange = Exchange(0, request, answer, Body(NOTHING, {})) if busy else self._judge(request, answer)
        self.read += answer.status == 200 and request.parameters is None
        self.seen[case.id] = exchange
        return exchange

    def _judge(self, request: Request, answer: Answer) -> Exchange:
        try:
            return self.session.receive(request, answer)
        except (OutOfRequests, Unresponsive):
            self.stop()
            return Exchange(0, request, answer, Body(NOTHING, {}))

    def _request(self, case: "AnyCase", sent: Any) -> Request:
        """The request as it was sent; if it is a valid one, with what it asks for."""
        url = urlsplit(str(sent.url))
        session = self.session
        headers = tuple(
            (str(name), session.sanitizer.without_token(_text(value)))
            for name, value in sent.headers.items()
            if not name.lower().startswith("x-schemathesis")  # its own ids, which differ from run to run
        )
        target = session.sanitizer.without_token(url.path + (f"?{url.query}" if url.query else ""))
        if case.path == self.list_path:  # whatever the parameters are: nothing else makes it a list
            return Request(target, headers, str(sent.method), parameters=tuple(parse_qsl(url.query)))
        meta = case.meta
        if meta is None or not meta.generation.mode.is_positive or sent.method != "GET":
            return Request(target, headers, str(sent.method))
        query = parse_qs(url.query, keep_blank_values=True)
        asked = frozenset(name for name in session.contract.flags if query.get(name) == ["true"])
        offset = query.get(session.contract.pagination.offset, ["0"])[-1]
        run_id = next((run for run in self.runs if quote(run, safe="") in url.path.split("/")), None)
        return Request(target, headers, "GET", run_id, int(offset) if offset.isdecimal() else None, asked)

    @property
    def list_path(self) -> str | None:
        """The path of the list of runs, if the contract has it."""
        return self.session.spec.run_lists.contract.path if self.session.spec.has_run_lists else None

    # --- Its own checks -------------------------------------------------------------------------------------

    def record(self, event: Any) -> None:
        """Records an event of schemathesis: results of its checks, and its errors."""
        recorder: ScenarioRecorder | None = getattr(event, "recorder", None)
        if recorder is not None:
            self._record_scenario(recorder)
        info = getattr(event, "info", None)
        if info is not None:
            title = str(getattr(info, "title", "an error"))
            self.notes.append(f"schemathesis: {title}: {getattr(info, 'message', '')}"[:_LONGEST_WORDS])

    def _record_scenario(self, recorder: "ScenarioRecorder") -> None:
        for case_id, interaction in recorder.interactions.items():
            case = recorder.cases[case_id].value
            if interaction.response is None:
                # Its HTTP library could not read the answer. Ours might, but that is the verifier's job.
                self.judge_once(case, _Sent.of(interaction.request), Answer(fault="no whole answer could be read"))
        for case_id, nodes in recorder.checks.items():
            for node in nodes:
                failure = node.failure_info.failure if node.failure_info is not None else None
                if node.name != _OURS:
                    self._hold(recorder, case_id, node.name, failure)

    def _hold(self, recorder: "ScenarioRecorder", case_id: str, check: str, failure: Any) -> None:
        where = (failure.case_id if failure is not None else None) or case_id
        interaction = recorder.interactions.get(where)
        if interaction is None or interaction.response is None:
            return
        case = recorder.cases[where].value
        exchange = self.judge_once(case, interaction.response.request, _answer(interaction.response))
        if case.path == self.list_path:
            rule = _list_rule(self.session.spec.run_lists.contract, check, case, exchange.status)
        else:
            rule = _rule(self.session.contract, check, case, failure, exchange.status)
        if rule is None:
            return
        got = "" if failure is None else " ".join(f"{failure.title}: {failure.message}".split())[:_LONGEST_WORDS]
        self.session.judge(rule, failure is None, exchange, expected=f"what schemathesis calls {check}", got=got)

    def report(self, address: Address, *, seconds: float, seed: int, policy: bool) -> Report:
        """The report, with our rules."""
        session = self.session
        if self.seen and not any(exchange.status for exchange in self.seen.values()):
            # Nothing that was judged is about a server of this API. Our own connection says why.
            session.tally.void("the server cannot be reached")
            with session.connection:
                answer = session.connection.send(next(iter(self.seen.values())).request)
            self.obstacles[:] = [f"the server cannot be reached: {answer.fault or 'no whole answer could be read'}"]
        elif not self.read:
            self.obstacles.append("no page was read: name a run that can be read with --run")
        for rule in BY_ID:
            session.tally.give_reason(rule, "only `check` asks for this; schemathesis does not")
        show = session.sanitizer.show
        return Report(
            url=address.origin + address.base,
            runs=self.runs,
            verdicts=session.tally.verdicts(),
            obstacles=tuple(map(show, self.obstacles)),
            notes=tuple(map(show, dict.fromkeys(self.notes))),
            requests=self.requests,
            seconds=seconds,
            seed=seed,
            policy=policy,
            asked=tuple(session.curl(each.request) for each in self.seen.values()),
        )


@frozen
class _Sent:
    """A request that got no answer, with the same attributes as one that got an answer."""

    method: str
    url: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, request: Any) -> Self:
        return cls(request.method, request.uri, {name: values[0] for name, values in request.headers.items()})


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _answer(response: "Response") -> Answer:
    return Answer(
        status=response.status_code,
        headers=tuple((name, value) for name, values in response.headers.items() for value in values),
        body=response.content or b"",
        seconds=response.elapsed,
    )


def _rule(contract: Contract, check: str, case: "AnyCase", failure: Any, status: int) -> str | None:
    """Our rule for a check of schemathesis; None if there is none."""
    simple = _simple(status, "shape.results")
    if check in simple:
        return simple[check]
    if check == "ignored_auth":
        invalid = failure is not None and str(failure.scenario) != "no_auth"
        return "authentication.exact" if invalid else "authentication.required"
    if check == "negative_data_rejection":
        return _refusal(contract, _changed(case))
    if check == "positive_data_acceptance":
        offset = contract.pagination.offset in (case.query or {})
        return "inputs.offset-int64" if offset else "inputs.boolean-read"
    return None


def _list_rule(contract: Contract, check: str, case: "AnyCase", status: int) -> str | None:
    """The same for the list of runs. What it must accept is left to `check`, which knows which runs there are."""
    if check == "ignored_auth":
        return "runs.authentication"
    if check != "negative_data_rejection":
        return _simple(status, "runs.shape").get(check)
    changed = [contract.parameters[name] for name in _changed(case) if name in contract.parameters]
    if any(each.place == "header" for each in changed):
        return "inputs.context-refused"
    # Of texts the rule says nothing: an empty one may be no filter.
    return "runs.refused" if any("enum" in each.schema or "minimum" in each.schema for each in changed) else None


def _simple(status: int, shape: str) -> dict[str, str]:
    """Our rules for the checks of schemathesis that need no more than the status. `shape` is the one for a 200."""
    return {
        "not_a_server_error": "errors.server-error",
        "content_type_conformance": "wire.content-type",
        "response_headers_conformance": "errors.authenticate" if status == 401 else "errors.retry-after",
        "response_schema_conformance": shape if status == 200 else "errors.shape",
    }


def _changed(case: "AnyCase") -> set[str]:
    """The names of the parameters that schemathesis made invalid."""
    if case.meta is None:
        return set()
    data = case.meta.phase.data
    return {str(name) for name in (data.parameter, *(each.parameter for each in data.mutations)) if name}


def _refusal(contract: Contract, names: set[str]) -> str | None:
    """Our rule about invalid values of one of these parameters."""
    rules = {"query": "inputs.boolean-refused", "header": "inputs.context-refused", "path": "inputs.run-id-odd"}
    if contract.pagination.offset in names:
        return "inputs.offset-refused"
    return next((rules[each.place] for name, each in contract.parameters.items() if name in names), None)


# --- The run ------------------------------------------------------------------------------------------------


def _run(findings: _Findings, schema: "BaseSchema", seconds: float) -> None:
    """Runs schemathesis with our check, for at most so many seconds."""
    from schemathesis import engine
    from schemathesis.checks import CHECKS

    def check(context: "CheckContext", response: "Response", case: "AnyCase") -> bool | None:
        findings.check(context, response, case)
        return None

    def filter_case(_context: "HookContext", case: "AnyCase") -> bool:
        return findings.takes(case)

    schema.hook(filter_case)
    check.__name__ = _OURS
    CHECKS.register(check)
    stream = engine.from_schema(schema).execute()
    findings.stop = stream.stop
    failures: list[BaseException] = []

    def consume() -> None:
        try:
            for event in stream:
                findings.record(event)
        except BaseException as error:  # noqa: BLE001 - it is reported
            failures.append(error)

    # In a daemon thread that can be abandoned: if a server never finishes an answer, the library waits for ever.
    thread = threading.Thread(target=consume, name="run-results-fuzz", daemon=True)
    try:
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            stream.stop()
            findings.obstacles.append("an answer did not come to its end in time")
    finally:
        CHECKS.unregister(_OURS)
    findings.obstacles += [f"schemathesis failed ({type(error).__name__}): {error}" for error in failures]


@contextmanager
def standard_server() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Starts the reference server with the standard runs; gives its base URL, its token and the id of a run."""
    from .faults import STANDARD_PAGE_SIZE, STANDARD_RUN, STANDARD_TOKEN, standard_store
    from .server.reference import ReferenceServer
    from .server.serving import serve

    server = ReferenceServer(standard_store(), STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)
    with serve(server) as served:
        yield served.url, STANDARD_TOKEN.value, (STANDARD_RUN,)

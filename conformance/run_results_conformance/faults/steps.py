"""How to write a fault: the reference server with one wrong step.

The reference server answers a request step by step; each step is a method. A fault replaces one of them by a function.
It gets the `Call`, the method that it replaces (`honest`) and that method's arguments:

    server_with(has_more=lambda _call, honest, *arguments: not honest(*arguments))

Most faults need less than that. They use one of the functions below:

    edited            changes the page before it is written
    leaked, flagged   give properties without their flag, or use other flags
    named             makes field names by another rule
    cut, arranged     take other files, or the files in another order
    more              decides has_more
    spelled, chosen   read the text of a query parameter differently
    retargeted        reads the path differently
    found             finds runs by other ids
    admitted          accepts more tokens
    answered          changes responses of status 200 (`written` their bytes, `headed` a header)
    refused           changes responses of other statuses
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from copy import deepcopy
from itertools import count
from types import FunctionType
from typing import Any, NoReturn, cast

from attrs import define, field
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from run_results_conformance.server.contract import JsonObject
from run_results_conformance.server.reference import ReferenceServer, Refusal, Token
from run_results_conformance.server.runs import Run, Store

from .fault import Make

Step = Callable[..., Any]
"""`step(call, honest, *arguments)`: replaces the method `honest` of the reference server."""
Steps = Mapping[str, Step]
When = Callable[["Call"], bool]
"""Whether a fault happens in this call."""
Change = Callable[[Any], Any]
"""Makes a new value of an old one."""
Edit = Callable[["Call", JsonObject], object]
"""Changes a page in place."""

_STEPS = tuple(
    name for name, part in vars(ReferenceServer).items() if isinstance(part, FunctionType) and not name.startswith("_")
)


@define
class Call:
    """One request, while it is answered, and what each step has returned so far.

    `number` is how many requests the server had before. `returned` has the result of each step, by the step's name.
    """

    server: ReferenceServer
    request: Request
    number: int
    returned: dict[str, Any] = field(factory=dict, init=False)

    @property
    def run_id(self) -> str:
        return cast("str", self.returned["read_run_id"])

    @property
    def context(self) -> str | None:
        return cast("str | None", self.returned["read_context"])

    @property
    def flags(self) -> frozenset[str]:
        return cast("frozenset[str]", self.returned["read_flags"])

    @property
    def run(self) -> Run:
        return cast("Run", self.returned["find_run"])

    @property
    def status(self) -> str:
        return str(self.run.header["status"])

    @property
    def offset(self) -> int:
        return cast("int", self.returned["read_offset"])

    @property
    def size(self) -> int:
        """How many files a full page has."""
        return cast("int", self.returned["page_size"])

    @property
    def total(self) -> int:
        """How many files the run has."""
        return self.run.file_count

    @property
    def end(self) -> int:
        """The offset after this page."""
        return self.offset + len(self.returned["slice"])

    @property
    def more(self) -> bool:
        """Whether the run has more files after this page."""
        return self.end < self.total

    def header(self, name: str) -> str | None:
        return self.request.headers.get(name)


_CALL: ContextVar[Call] = ContextVar("call")


class FaultyServer(ReferenceServer):
    """The reference server with some of its steps replaced."""

    def __init__(self, steps: Steps, store: Store, *tokens: Token | str, **options: Any) -> None:
        super().__init__(store, *tokens, **options)
        self._numbers = count()
        for name in _STEPS:
            setattr(self, name, _recorded(name, getattr(self, name), steps.get(name)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface. Each request is handled in its own context, so it sees only its own `Call`."""
        if scope["type"] == "http":
            _CALL.set(Call(self, Request(scope), next(self._numbers)))
        await super().__call__(scope, receive, send)


def _recorded(name: str, honest: Step, step: Step | None) -> Step:
    def recorded(*arguments: Any) -> Any:
        call = _CALL.get()
        result = honest(*arguments) if step is None else step(call, honest, *arguments)
        call.returned[name] = result
        return result

    return recorded


def server_with(**steps: Step) -> Make:
    """A server with these steps replaced. Raises ValueError for a step that the reference server does not have."""
    unknown = steps.keys() - set(_STEPS)
    if unknown:
        raise ValueError(f"the reference server has no step {', '.join(sorted(unknown))}")

    def make(store: Store, *tokens: Token | str, **options: Any) -> FaultyServer:
        return FaultyServer(steps, store, *tokens, **options)

    return make


def configured(**fixed: Any) -> Make:
    """The reference server with these options. They win over the options that the caller gives."""

    def make(store: Store, *tokens: Token | str, **options: Any) -> ReferenceServer:
        return ReferenceServer(store, *tokens, **(options | fixed))

    return make


# --- When ---------------------------------------------------------------------------------------------------


def always(_call: Call) -> bool:
    return True


def late(call: Call) -> bool:
    """From the third page on."""
    return call.offset >= 2 * call.size


def later(call: Call) -> bool:
    """From the second page on."""
    return call.offset > 0


def last(call: Call) -> bool:
    """On the last page."""
    return not call.more


def unfinished(call: Call) -> bool:
    return call.status in ("PAUSED", "RUNNING", "STOPPED_AT_CHECKPOINT")


def every(count: int) -> When:
    """Once in `count` requests, and not at the first."""
    return lambda call: call.number % count == count - 1


def asked(*flags: str) -> When:
    """With exactly these flags."""
    return lambda call: call.flags == frozenset(flags)


def asked_for(*flags: str) -> When:
    """With at least these flags."""
    return lambda call: call.flags >= frozenset(flags)


# --- The page -----------------------------------------------------------------------------------------------

GONE: Any = object()
"""A change returns this to remove the property."""


def parts(page: Any, path: str) -> Iterator[JsonObject]:
    """Every object at a path such as `files/documents`, through lists too. The empty path is the page itself."""
    places = [page]
    for name in path.split("/") if path else ():
        places = [
            part
            for place in places
            if isinstance(place, dict) and name in place
            for part in (place[name] if isinstance(place[name], list) else [place[name]])
        ]
    return (place for place in places if isinstance(place, dict))


def at(path: str, change: Change, *, where: Callable[[JsonObject], bool] | None = None) -> Edit:
    """Changes the property at the end of the path, in every object that has it and that passes the test `where`."""
    above, _, name = path.rpartition("/")

    def edit(_call: Call, page: JsonObject) -> None:
        for part in parts(page, above):
            if name in part and (where is None or where(part)):
                _put(part, name, change(part[name]))

    return edit


def within(path: str, change: Callable[[JsonObject], object]) -> Edit:
    """Changes every object at the path in place."""

    def edit(_call: Call, page: JsonObject) -> None:
        for part in list(parts(page, path)):
            change(part)

    return edit


def _put(part: JsonObject, name: str, value: Any) -> None:
    if value is GONE:
        del part[name]
    else:
        part[name] = value


def to(value: Any) -> Change:
    """A change to a fixed value."""
    return lambda _old: deepcopy(value)


def gone(_old: Any) -> Any:
    """The change that removes a property."""
    return GONE


def each(change: Change) -> Change:
    """The same change to every member of a list."""
    return lambda values: [change(value) for value in values]


def instead(old: Any, new: Any) -> Change:
    """A change of `old` to `new`; other values stay."""
    return lambda value: deepcopy(new) if type(value) is type(old) and value == old else value


def edited(*edits: Edit, when: When = always) -> Make:
    """A server that edits the page before it is written, after flags and name rule were applied."""

    def project(call: Call, honest: Step, page: JsonObject, flags: frozenset[str]) -> Any:
        projected = honest(page, flags)
        if when(call):
            projected = deepcopy(projected)
            for edit in edits:
                edit(call, projected)
        return projected

    return server_with(project=project)


def leaked(path: str, *, when: When = always, change: Change = deepcopy) -> Make:
    """A server that gives the property at this path although nobody asked for its flag."""
    above, _, name = path.rpartition("/")

    def project(call: Call, honest: Step, page: JsonObject, flags: frozenset[str]) -> Any:
        projected = honest(page, flags)
        if when(call):
            projected = deepcopy(projected)
            # Flags do not change how many objects there are, so the objects of both pages correspond.
            whole = honest(page, frozenset(call.server.contract.flags))
            for part, source in zip(parts(projected, above), parts(whole, above), strict=True):
                if name in source and name not in part:
                    part[name] = change(source[name])
        return projected

    return server_with(project=project)


def flagged(change: Callable[[Call, frozenset[str]], Iterable[str]]) -> Make:
    """A server that uses other flags than the request has."""
    return server_with(project=lambda call, honest, page, flags: honest(page, frozenset(change(call, flags))))


FIELD, CASE_FIELD = "files/documents/fields/field_name", "case_info/fields/name"


def named(
    rule: Callable[[str, str], str], *paths: str, when: When = always, where: Callable[[JsonObject], bool] | None = None
) -> Make:
    """A server with another name rule: it answers `rule(project_name, api_name)`.

    It does so at these paths (default: all names), in objects that pass the test `where`.
    """

    def project(call: Call, honest: Step, page: JsonObject, flags: frozenset[str]) -> Any:
        projected = honest(page, flags)
        if when(call):
            projected = deepcopy(projected)
            for path in paths or (FIELD, CASE_FIELD):
                above, _, name = path.rpartition("/")
                for part, source in zip(parts(projected, above), parts(page, above), strict=True):
                    if where is None or where(part):
                        part[name] = rule(source[name], part[name])
        return projected

    return server_with(project=project)


# --- Paging -------------------------------------------------------------------------------------------------


def more(rule: Callable[[Call], bool]) -> Make:
    """A server that decides has_more by this rule."""
    return server_with(has_more=lambda call, _honest, *_arguments: rule(call))


def cut(rule: Callable[[Call], tuple[int, int]], *, when: When = always) -> Make:
    """A server whose pages have the files from one index to another, as the rule says."""
    return server_with(slice=_cut(rule, when))


def _cut(rule: Callable[[Call], tuple[int, int]], when: When = always) -> Step:
    def slice_(call: Call, honest: Step, run: Run, offset: int, size: int) -> Sequence[JsonObject]:
        if not when(call):
            return cast("Sequence[JsonObject]", honest(run, offset, size))
        start, stop = rule(call)
        stop = max(0, min(stop, run.file_count))
        return list(run.files(max(0, min(start, stop)), stop))

    return slice_


def cut_and_more(rule: Callable[[Call], tuple[int, int]], has_more: Callable[[Call], bool]) -> Make:
    """A server whose pages have other files (as with `cut`), and another has_more."""
    return server_with(slice=_cut(rule), has_more=lambda call, _honest, *_arguments: has_more(call))


def arranged(change: Callable[[Call, list[JsonObject]], Sequence[JsonObject]]) -> Make:
    """A server that takes the right files for a page, and then changes the list."""
    return server_with(slice=lambda call, honest, *arguments: change(call, list(honest(*arguments))))


# --- The request --------------------------------------------------------------------------------------------


def spelled(change: Callable[[str], str], *names: str) -> Make:
    """A server that changes the text of query parameters before it reads them (default: of all flags)."""

    def read_query(call: Call, honest: Step, request: Request) -> dict[str, list[str]]:
        query = cast("dict[str, list[str]]", honest(request))
        for name in names or call.server.contract.flags:
            if name in query:
                query[name] = [change(text) for text in query[name]]
        return query

    return server_with(read_query=read_query)


def chosen(pick: Callable[[list[str]], str], *names: str) -> Make:
    """A server that picks one value if a query parameter is given more than once."""

    def read_query(_call: Call, honest: Step, request: Request) -> dict[str, list[str]]:
        return {name: [pick(texts)] if name in names else texts for name, texts in honest(request).items()}

    return server_with(read_query=read_query)


def retargeted(change: Callable[[bytes], bytes]) -> Make:
    """A server that changes the path before it reads it."""

    def respond(_call: Call, honest: Step, request: Request) -> Response:
        request.scope["raw_path"] = change(request.scope["raw_path"])
        return cast("Response", honest(request))

    return server_with(respond=respond)


def found(candidates: Callable[[Call, str], Iterable[str]]) -> Make:
    """A server that answers with the first run among the candidates, if no run has the id."""

    def find_run(call: Call, honest: Step, run_id: str, context: str | None) -> Run:
        try:
            return cast("Run", honest(run_id, context))
        except Refusal:
            for candidate in candidates(call, run_id):
                if (run := call.server.store.find(candidate, context)) is not None:
                    return run
            raise

    return server_with(find_run=find_run)


def known(test: Callable[[str, str], bool]) -> Callable[[Call, str], Iterable[str]]:
    """Candidates for `found`: the ids in the context for which `test(id, requested_id)` is true."""
    return lambda call, asked: [
        run_id for context, run_id in call.server.store if context == call.context and test(run_id, asked)
    ]


def admitted(test: Callable[[Sequence[str], str], bool], *, when: When = always) -> Make:
    """A server that also accepts requests for which `test(authorization_headers, token)` is true."""

    def authenticate(call: Call, honest: Step, request: Request) -> Token:
        try:
            return cast("Token", honest(request))
        except Refusal:
            given = request.headers.getlist("authorization")
            for token in call.server.tokens if when(call) else ():
                if test(given, token.value):
                    return token
            raise

    return server_with(authenticate=authenticate)


def refuse(status: int, message: str) -> NoReturn:
    """Refuses the request with an error of this status."""
    raise Refusal(status, message)


# --- The response -------------------------------------------------------------------------------------------


def with_body(response: Response, body: bytes) -> Response:
    """The response with another body, and a Content-Length that fits."""
    response.body = body
    response.headers["Content-Length"] = str(len(body))
    return response


def with_header(response: Response, name: str, value: str | None) -> Response:
    """The response with another value of a header; None removes the header."""
    if value is not None:
        response.headers[name] = value
    elif name in response.headers:
        del response.headers[name]
    return response


def answered(change: Callable[[Call, Response], Response], *, when: When = always) -> Make:
    """A server that changes its answers of status 200."""

    def render(call: Call, honest: Step, page: JsonObject) -> Response:
        response = cast("Response", honest(page))
        return change(call, response) if when(call) else response

    return server_with(render=render)


def written(change: Callable[[bytes], bytes], *, when: When = always) -> Make:
    """A server that changes the bytes of its answers of status 200."""
    return answered(lambda _call, response: with_body(response, change(bytes(response.body))), when=when)


def headed(name: str, value: str | None, *, when: When = always) -> Make:
    """A server that sets a header of its answers of status 200; None removes the header."""
    return answered(lambda _call, response: with_header(response, name, value), when=when)


def refused(change: Callable[[Refusal, Response], Response], *statuses: int) -> Make:
    """A server that changes its answers of these statuses (default: of all but 200)."""

    def error(_call: Call, honest: Step, refusal: Refusal) -> Response:
        response = cast("Response", honest(refusal))
        return change(refusal, response) if not statuses or refusal.status in statuses else response

    return server_with(error=error)

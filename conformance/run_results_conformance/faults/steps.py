"""How a fault is written: the reference server with one step of its checklist done otherwise.

A *step* replaces a method of `ReferenceServer` of the same name. It is called with the `Ask`, the honest
method and the honest method's arguments:

    served(has_more=lambda _ask, honest, *arguments: not honest(*arguments))

Most faults say it shorter, by one of the functions below: `edited` changes the page before it is written,
`cut` takes other files, `more` decides has-more, `named` makes names, `spelled` reads a parameter otherwise,
`found` looks for other runs, `admitted` lets more callers in, `answered` and `refused` change the responses of
status 200 and of every other.
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
Steps = Mapping[str, Step]
When = Callable[["Ask"], bool]
Change = Callable[[Any], Any]
Edit = Callable[["Ask", JsonObject], object]

_STEPS = tuple(
    name for name, part in vars(ReferenceServer).items() if isinstance(part, FunctionType) and not name.startswith("_")
)


@define
class Ask:
    """The request that is being answered, and what the checklist has made of it so far.

    `number` counts the requests that this server had before. `said` holds what each step has returned.
    """

    server: ReferenceServer
    request: Request
    number: int
    said: dict[str, Any] = field(factory=dict, init=False)

    @property
    def run_id(self) -> str:
        return cast("str", self.said["read_run_id"])

    @property
    def context(self) -> str | None:
        return cast("str | None", self.said["read_context"])

    @property
    def flags(self) -> frozenset[str]:
        return cast("frozenset[str]", self.said["read_flags"])

    @property
    def run(self) -> Run:
        return cast("Run", self.said["find_run"])

    @property
    def status(self) -> str:
        return str(self.run.header["status"])

    @property
    def offset(self) -> int:
        return cast("int", self.said["read_offset"])

    @property
    def size(self) -> int:
        """How many files a full page has."""
        return cast("int", self.said["page_size"])

    @property
    def total(self) -> int:
        """How many files the run has."""
        return self.run.file_count

    @property
    def end(self) -> int:
        """The offset after this page."""
        return self.offset + len(self.said["slice"])

    @property
    def more(self) -> bool:
        """Whether more comes, in truth."""
        return self.end < self.total

    def header(self, name: str) -> str | None:
        return self.request.headers.get(name)


_ASK: ContextVar[Ask] = ContextVar("ask")


class FaultyServer(ReferenceServer):
    """The reference server with other steps in the place of some of its own. The rest of it stays honest."""

    def __init__(self, steps: Steps, store: Store, *tokens: Token | str, **options: Any) -> None:
        super().__init__(store, *tokens, **options)
        self._numbers = count()
        for name in _STEPS:
            setattr(self, name, _recorded(name, getattr(self, name), steps.get(name)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface. Each request has a context of its own, so requests do not see each other's."""
        if scope["type"] == "http":
            _ASK.set(Ask(self, Request(scope), next(self._numbers)))
        await super().__call__(scope, receive, send)


def _recorded(name: str, honest: Step, step: Step | None) -> Step:
    def recorded(*arguments: Any) -> Any:
        ask = _ASK.get()
        said = honest(*arguments) if step is None else step(ask, honest, *arguments)
        ask.said[name] = said
        return said

    return recorded


def served(**steps: Step) -> Make:
    """A server with these steps. Raises ValueError for a step that the reference server does not have."""
    unknown = steps.keys() - set(_STEPS)
    if unknown:
        raise ValueError(f"the reference server has no step {', '.join(sorted(unknown))}")

    def make(store: Store, *tokens: Token | str, **options: Any) -> FaultyServer:
        return FaultyServer(steps, store, *tokens, **options)

    return make


def configured(**fixed: Any) -> Make:
    """The reference server itself, with these options whatever the caller says."""

    def make(store: Store, *tokens: Token | str, **options: Any) -> ReferenceServer:
        return ReferenceServer(store, *tokens, **(options | fixed))

    return make


# --- When ---------------------------------------------------------------------------------------------------


def always(_ask: Ask) -> bool:
    return True


def late(ask: Ask) -> bool:
    """From the third page on."""
    return ask.offset >= 2 * ask.size


def later(ask: Ask) -> bool:
    """From the second page on."""
    return ask.offset > 0


def last(ask: Ask) -> bool:
    """On pages after which nothing comes."""
    return not ask.more


def unfinished(ask: Ask) -> bool:
    return ask.status in ("PAUSED", "RUNNING", "STOPPED_AT_CHECKPOINT")


def every(count: int) -> When:
    """Every so many requests, not at the first."""
    return lambda ask: ask.number % count == count - 1


def asked(*flags: str) -> When:
    """With exactly these flags."""
    return lambda ask: ask.flags == frozenset(flags)


def asked_for(*flags: str) -> When:
    """With at least these flags."""
    return lambda ask: ask.flags >= frozenset(flags)


# --- The page -----------------------------------------------------------------------------------------------

GONE: Any = object()
"""What a change returns for a property that is to disappear."""


def parts(page: Any, path: str) -> Iterator[JsonObject]:
    """Every object at a path such as `files/documents`; lists are gone through. The empty path is the page."""
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
    """Changes the property at the end of the path wherever it is; `where` judges the object it stands in."""
    above, _, name = path.rpartition("/")

    def edit(_ask: Ask, page: JsonObject) -> None:
        for part in parts(page, above):
            if name in part and (where is None or where(part)):
                _put(part, name, change(part[name]))

    return edit


def within(path: str, change: Callable[[JsonObject], object]) -> Edit:
    """Does something to every object at the path, in place."""

    def edit(_ask: Ask, page: JsonObject) -> None:
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
    """The change that lets a property disappear."""
    return GONE


def each(change: Change) -> Change:
    """A change of every member of a list."""
    return lambda values: [change(value) for value in values]


def instead(old: Any, new: Any) -> Change:
    """A change of one value only."""
    return lambda value: deepcopy(new) if type(value) is type(old) and value == old else value


def edited(*edits: Edit, when: When = always) -> Make:
    """A server that edits the page, in API terms, before it is written."""

    def project(ask: Ask, honest: Step, page: JsonObject, flags: frozenset[str]) -> Any:
        projected = honest(page, flags)
        if when(ask):
            projected = deepcopy(projected)
            for edit in edits:
                edit(ask, projected)
        return projected

    return served(project=project)


def leaked(path: str, *, when: When = always, change: Change = deepcopy) -> Make:
    """A server that gives a property at one level although its flag is not asked for."""
    above, _, name = path.rpartition("/")

    def project(ask: Ask, honest: Step, page: JsonObject, flags: frozenset[str]) -> Any:
        projected = honest(page, flags)
        if when(ask):
            projected = deepcopy(projected)
            # The two have the same objects in the same places, whatever the flags.
            whole = honest(page, frozenset(ask.server.contract.flags))
            for part, source in zip(parts(projected, above), parts(whole, above), strict=True):
                if name in source and name not in part:
                    part[name] = change(source[name])
        return projected

    return served(project=project)


def flagged(change: Callable[[Ask, frozenset[str]], Iterable[str]]) -> Make:
    """A server that projects by other flags than those that are asked for."""
    return served(project=lambda ask, honest, page, flags: honest(page, frozenset(change(ask, flags))))


FIELD, CASE_FIELD = "files/documents/fields/field_name", "case_info/fields/name"


def named(
    rule: Callable[[str, str], str], *paths: str, when: When = always, where: Callable[[JsonObject], bool] | None = None
) -> Make:
    """A server with another name rule: `rule(project_name, api_name)` is what it answers.

    `paths` are where it holds, everywhere by default; `where` judges the object that has the name.
    """

    def project(ask: Ask, honest: Step, page: JsonObject, flags: frozenset[str]) -> Any:
        projected = honest(page, flags)
        if when(ask):
            projected = deepcopy(projected)
            for path in paths or (FIELD, CASE_FIELD):
                above, _, name = path.rpartition("/")
                for part, source in zip(parts(projected, above), parts(page, above), strict=True):
                    if where is None or where(part):
                        part[name] = rule(source[name], part[name])
        return projected

    return served(project=project)


# --- Paging -------------------------------------------------------------------------------------------------


def more(rule: Callable[[Ask], bool]) -> Make:
    """A server that decides has-more by another rule."""
    return served(has_more=lambda ask, _honest, *_arguments: rule(ask))


def cut(rule: Callable[[Ask], tuple[int, int]], *, when: When = always) -> Make:
    """A server whose pages start and stop elsewhere."""
    return served(slice=_cut(rule, when))


def _cut(rule: Callable[[Ask], tuple[int, int]], when: When = always) -> Step:
    def slice_(ask: Ask, honest: Step, run: Run, offset: int, size: int) -> Sequence[JsonObject]:
        if not when(ask):
            return cast("Sequence[JsonObject]", honest(run, offset, size))
        start, stop = rule(ask)
        stop = max(0, min(stop, run.file_count))
        return list(run.files(max(0, min(start, stop)), stop))

    return slice_


def cut_and_more(rule: Callable[[Ask], tuple[int, int]], has_more: Callable[[Ask], bool]) -> Make:
    """A server whose pages start and stop elsewhere, and which says otherwise whether more comes."""
    return served(slice=_cut(rule), has_more=lambda ask, _honest, *_arguments: has_more(ask))


def arranged(change: Callable[[Ask, list[JsonObject]], Sequence[JsonObject]]) -> Make:
    """A server that takes the right files of a page and arranges them otherwise."""
    return served(slice=lambda ask, honest, *arguments: change(ask, list(honest(*arguments))))


# --- The request --------------------------------------------------------------------------------------------


def spelled(change: Callable[[str], str], *names: str) -> Make:
    """A server that reads the text of query parameters otherwise: of the flags, unless names are given."""

    def read_query(ask: Ask, honest: Step, request: Request) -> dict[str, list[str]]:
        query = cast("dict[str, list[str]]", honest(request))
        for name in names or ask.server.contract.flags:
            if name in query:
                query[name] = [change(text) for text in query[name]]
        return query

    return served(read_query=read_query)


def chosen(pick: Callable[[list[str]], str], *names: str) -> Make:
    """A server that picks one where a query parameter is given more than once."""

    def read_query(_ask: Ask, honest: Step, request: Request) -> dict[str, list[str]]:
        return {name: [pick(texts)] if name in names else texts for name, texts in honest(request).items()}

    return served(read_query=read_query)


def retargeted(change: Callable[[bytes], bytes]) -> Make:
    """A server that reads the path otherwise."""

    def respond(_ask: Ask, honest: Step, request: Request) -> Response:
        request.scope["raw_path"] = change(request.scope["raw_path"])
        return cast("Response", honest(request))

    return served(respond=respond)


def found(candidates: Callable[[Ask, str], Iterable[str]]) -> Make:
    """A server that, where no run has the id, gives the first run whose id is among the candidates."""

    def find_run(ask: Ask, honest: Step, run_id: str, context: str | None) -> Run:
        try:
            return cast("Run", honest(run_id, context))
        except Refusal:
            for candidate in candidates(ask, run_id):
                if (run := ask.server.store.find(candidate, context)) is not None:
                    return run
            raise

    return served(find_run=find_run)


def known(test: Callable[[str, str], bool]) -> Callable[[Ask, str], Iterable[str]]:
    """Candidates for `found`: the ids of the context of which `test(id, asked)` is true."""
    return lambda ask, asked: [
        run_id for context, run_id in ask.server.store if context == ask.context and test(run_id, asked)
    ]


def admitted(test: Callable[[Sequence[str], str], bool], *, when: When = always) -> Make:
    """A server that lets in, besides honest callers, those of whom `test(authorization_headers, token)` is true."""

    def authenticate(ask: Ask, honest: Step, request: Request) -> Token:
        try:
            return cast("Token", honest(request))
        except Refusal:
            given = request.headers.getlist("authorization")
            for token in ask.server.tokens if when(ask) else ():
                if test(given, token.value):
                    return token
            raise

    return served(authenticate=authenticate)


def refuse(status: int, message: str) -> NoReturn:
    """Ends the checklist."""
    raise Refusal(status, message)


# --- The response -------------------------------------------------------------------------------------------


def with_body(response: Response, body: bytes) -> Response:
    """The response with another body, and the length of that."""
    response.body = body
    response.headers["Content-Length"] = str(len(body))
    return response


def with_header(response: Response, name: str, value: str | None) -> Response:
    """The response with another header, or without it."""
    if value is not None:
        response.headers[name] = value
    elif name in response.headers:
        del response.headers[name]
    return response


def answered(change: Callable[[Ask, Response], Response], *, when: When = always) -> Make:
    """A server that changes its answers of status 200."""

    def render(ask: Ask, honest: Step, page: JsonObject) -> Response:
        response = cast("Response", honest(page))
        return change(ask, response) if when(ask) else response

    return served(render=render)


def written(change: Callable[[bytes], bytes], *, when: When = always) -> Make:
    """A server that changes the bytes of its answers of status 200."""
    return answered(lambda _ask, response: with_body(response, change(bytes(response.body))), when=when)


def headed(name: str, value: str | None, *, when: When = always) -> Make:
    """A server that sets, or with None leaves out, a header of its answers of status 200."""
    return answered(lambda _ask, response: with_header(response, name, value), when=when)


def refused(change: Callable[[Refusal, Response], Response], *statuses: int) -> Make:
    """A server that changes its answers of other statuses than 200; of these, or of all."""

    def error(_ask: Ask, honest: Step, refusal: Refusal) -> Response:
        response = cast("Response", honest(refusal))
        return change(refusal, response) if not statuses or refusal.status in statuses else response

    return served(error=error)

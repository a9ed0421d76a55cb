"""One request while it is answered, the server that answers it with other steps, and when a fault happens."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from itertools import count
from types import FunctionType
from typing import Any, cast

from attrs import define, field
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from run_results_conformance.faults.fault import Make
from run_results_conformance.server.reference import ReferenceServer, Token
from run_results_conformance.server.runs import Run, Store

Step = Callable[..., Any]
"""`step(call, honest, *arguments)`: replaces the method `honest` of the reference server."""
Steps = Mapping[str, Step]
When = Callable[["Call"], bool]
"""Whether a fault happens in this call."""

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
    def is_list(self) -> bool:
        """Whether the request is for a list of runs. Then there is no run, no offset of files and no flag."""
        return bool(self.returned.get("asks_for_list"))

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
    return not call.is_list and call.offset >= 2 * call.size


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

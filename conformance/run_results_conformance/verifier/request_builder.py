"""Makes requests for the results of a run, and for the list of runs: right ones, and ones that are wrong on purpose."""

from collections.abc import Iterable
from urllib.parse import quote

from .connection import TOKEN, Headers, Request
from .connection.guard import SAFE_METHODS
from .exchange import NO_FLAGS
from .spec_view import SpecView

_AGENT = "run-results-conformance"


class RequestBuilder:
    """Makes requests under a base path, in a context (None: without IB-Context)."""

    def __init__(self, spec: SpecView, base: str, context: str | None) -> None:
        self._spec = spec
        self._base = base
        self._context = context

    def __call__(
        self,
        run_id: str,
        offset: int | None = None,
        flags: frozenset[str] = NO_FLAGS,
        *,
        query: str | None = None,
        segment: str | None = None,
        authorization: str | tuple[str, ...] | None = f"Bearer {TOKEN}",
        context: str | tuple[str, ...] | None = None,
        accept: str | None = "application/json",
        agent: str | None = _AGENT,
        coding: str = "identity",
        extra: Headers = (),
        method: str = "GET",
        explicit: bool = False,
    ) -> Request:
        """A request for the results of a run: right where nothing else is said.

        `segment` stands in the path instead of the encoded run id, `query` is added to the query unchanged.
        `authorization` and `context` are header values, several of them for doubled headers, `()` for no header.
        `authorization`, `accept` and `agent` take None for no header too. `explicit` sends false for the flags that are
        not in `flags`.
        """
        words = self._spec.contract.pagination
        parts = [f"{name}=true" for name in self._spec.contract.flags if name in flags]
        if explicit:
            parts += [f"{name}=false" for name in self._spec.contract.flags if name not in flags]
        if offset is not None:
            parts.append(f"{words.offset}={offset}")
        if query:
            parts.append(query)
        encoded = quote(run_id, safe="") if segment is None else segment
        path = self._base + self._spec.contract.path.replace(f"{{{self._spec.run_id_parameter.name}}}", encoded)
        return Request(
            path + ("?" + "&".join(parts) if parts else ""),
            (
                *self._callers(authorization, context),
                *(("Accept", value) for value in _several(accept)),
                ("Accept-Encoding", coding),
                *(("User-Agent", value) for value in _several(agent)),
                *extra,
                *((("Content-Length", "0"),) if method not in SAFE_METHODS else ()),
            ),
            method,
            run_id,
            None if query and words.offset in query else offset or 0,
            flags if not query else None,
        )

    def list_runs(
        self,
        parameters: Iterable[tuple[str, str]] = (),
        *,
        authorization: str | None = f"Bearer {TOKEN}",
        context: str | None = None,
    ) -> Request:
        """A request for the list of runs, with these parameters. `authorization` takes None for no header.

        Raises SpecError if the contract has no such operation.
        """
        given = tuple(parameters)
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in given)
        return Request(
            self._base + self._spec.run_lists.contract.path + (f"?{query}" if query else ""),
            (
                *self._callers(authorization, context),
                ("Accept", "application/json"),
                ("Accept-Encoding", "identity"),
                ("User-Agent", _AGENT),
            ),
            parameters=given,
        )

    def _callers(self, authorization: str | tuple[str, ...] | None, context: str | tuple[str, ...] | None) -> Headers:
        """The headers that say who asks, and in which context."""
        contexts = _several(self._context if context is None else context)
        return (
            *(("Authorization", value) for value in _several(authorization)),
            *((self._spec.context_parameter.name, value) for value in contexts),
        )


def _several(values: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if values is None:
        return ()
    return (values,) if isinstance(values, str) else values


def accepts_gzip(request: Request) -> bool:
    """Whether the request says that it takes gzip."""
    coding = dict(request.headers).get("Accept-Encoding", "")
    return "gzip" in coding and "gzip;q=0" not in coding

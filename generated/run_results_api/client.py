# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
"""The connection settings of the generated operations."""

from typing import Any, Self

import httpx
from attrs import define, evolve, field


@define(kw_only=True)
class Client:
    """Settings, and the httpx clients that are made from them at the first use. `with_headers` and `with_timeout`
    return a new client and leave this one unchanged.

    ```python
    with AuthenticatedClient(base_url="https://aihub.instabase.com/api", token="...") as client:
        answer = get_run_results.sync(run_id="run-1", client=client)
    ```
    """

    base_url: str
    headers: dict[str, str] = field(factory=dict, repr=False)
    timeout: httpx.Timeout | float = 60.0
    """Seconds for each step of a request: to connect, for each write, for each read."""
    follow_redirects: bool = False
    httpx_args: dict[str, Any] = field(factory=dict, repr=False)
    """Further arguments of `httpx.Client` and `httpx.AsyncClient`."""
    _client: httpx.Client | None = field(default=None, init=False, repr=False, eq=False)
    _async_client: httpx.AsyncClient | None = field(default=None, init=False, repr=False, eq=False)

    def with_headers(self, headers: dict[str, str]) -> Self:
        """A new client with these headers added."""
        return evolve(self, headers={**self.headers, **headers})

    def with_timeout(self, timeout: httpx.Timeout | float) -> Self:
        """A new client with this time-out."""
        return evolve(self, timeout=timeout)

    def _headers(self) -> dict[str, str]:
        return self.headers

    def _arguments(self) -> dict[str, Any]:
        return {
            "base_url": self.base_url,
            "headers": self._headers(),
            "timeout": self.timeout,
            "follow_redirects": self.follow_redirects,
            **self.httpx_args,
        }

    def get_httpx_client(self) -> httpx.Client:
        """The httpx client, made at the first use."""
        if self._client is None:
            self._client = httpx.Client(**self._arguments())
        return self._client

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """The asynchronous httpx client, made at the first use."""
        if self._async_client is None:
            self._async_client = httpx.AsyncClient(**self._arguments())
        return self._async_client

    def __enter__(self) -> Self:
        self.get_httpx_client().__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.get_httpx_client().__exit__(*exception)

    async def __aenter__(self) -> Self:
        await self.get_async_httpx_client().__aenter__()
        return self

    async def __aexit__(self, *exception: Any) -> None:
        await self.get_async_httpx_client().__aexit__(*exception)


@define(kw_only=True)
class AuthenticatedClient(Client):
    """A client that sends a bearer token, which its `repr` does not show."""

    token: str = field(repr=False)

    def _headers(self) -> dict[str, str]:
        return {**self.headers, "Authorization": f"Bearer {self.token}"}

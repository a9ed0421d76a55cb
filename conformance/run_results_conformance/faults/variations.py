"""How correct variants differ from the reference server: in JSON, headers, statuses and run ids."""

import gzip
import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Send

from run_results_conformance.server.reference import Refusal, accepts_gzip
from run_results_conformance.server.terms import JsonObject

from .fault import Make
from .steps import Call, Step, every, server_with, with_body


def everywhere(change: Callable[[JsonObject], JsonObject]) -> Make:
    """Changes every object of a body, in errors too. Free objects (`custom`, `locations`) stay."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return change(
                {name: part if name in ("custom", "locations") else changed(part) for name, part in value.items()}
            )
        return [changed(part) for part in value] if isinstance(value, list) else value

    return server_with(dump=lambda _call, honest, body: honest(changed(body)))


def written_as(**options: Any) -> Make:
    return server_with(dump=lambda _call, _honest, body: json.dumps(body, **options).encode())


def _integral(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def plain_numbers(value: Any) -> Any:
    """Floats without a fraction as integers: for the contract it is the same number."""
    if isinstance(value, dict):
        return {name: part if name == "custom" else plain_numbers(part) for name, part in value.items()}
    return [plain_numbers(part) for part in value] if isinstance(value, list) else _integral(value)


def _sent(change: Callable[[Message], Message]) -> Make:
    """Changes the status line and headers of every answer as they are sent."""

    async def deliver(_call: Call, honest: Step, request: Request, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            await send(change(message) if message["type"] == "http.response.start" else message)

        await honest(request, receive, sent)

    return server_with(deliver=deliver)


def headers_changed(change: Callable[[bytes, bytes], tuple[bytes, bytes] | None]) -> Make:
    """Changes each header of every answer; None removes it."""
    return _sent(
        lambda message: {
            **message,
            "headers": [pair for header in message["headers"] if (pair := change(*header)) is not None],
        }
    )


def more_headers(headers: Mapping[str, str]) -> Make:
    return _sent(
        lambda message: {
            **message,
            "headers": [*message["headers"], *((name.encode(), value.encode()) for name, value in headers.items())],
        }
    )


def content_type(value: str) -> Make:
    return headers_changed(lambda name, old: (name, value.encode() if name == b"content-type" else old))


async def in_pieces(call: Call, _honest: Step, request: Request, _receive: Receive, send: Send) -> None:
    response = call.server.encode(request, call.server.respond(request))
    headers = [header for header in response.raw_headers if header[0] != b"content-length"]
    body = bytes(response.body)
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    for start in range(0, len(body), 700):
        await send({"type": "http.response.body", "body": body[start : start + 700], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def status_instead(status: int, other: int, text: str | None = None) -> Make:
    """Refuses with another status."""
    return server_with(
        error=lambda _call, honest, refusal: honest(
            Refusal(other, text or refusal.message, refusal.headers) if refusal.status == status else refusal
        )
    )


def bad_run_id(_call: Call, honest: Step, request: Request) -> str:
    try:
        return str(honest(request))
    except Refusal:
        raise Refusal(404, "Run not found") from None


def strict_run_id(_call: Call, honest: Step, request: Request) -> str:
    run_id = str(honest(request))
    if not run_id.isprintable() or len(run_id) > 200:
        raise Refusal(400, "run_id has a form that is not accepted")
    return run_id


def only_get() -> NoReturn:
    raise Refusal(405, "Method not allowed", {"Allow": "GET"})


def busy_at_times(call: Call, honest: Step, request: Request) -> Response:
    if every(9)(call):
        return call.server.error(Refusal(429, "Too many requests; try again", {"Retry-After": "0"}))
    response: Response = honest(request)
    return response


def first_file_edited(call: Call, page: JsonObject) -> None:
    """A reviewer has corrected the first field of the run's first file."""
    if call.offset == 0 and page["files"]:
        field = page["files"][0]["documents"][0]["fields"][0]
        field["value"] += " (corrected)"
        if "edit_history" in field:
            field["edit_history"] = [{"timestamp": "08/27/2025 00:58:39", "user_id": "reviewer-1"}]


def slash_redirected(_call: Call, honest: Step, request: Request) -> Response:
    path = request.scope["raw_path"].decode("latin-1")
    if path.endswith("/results/"):
        return Response(status_code=307, headers={"Location": path.rstrip("/")})
    response: Response = honest(request)
    return response


def part_answered(_call: Call, honest: Step, request: Request, response: Response) -> Response:
    """Sends the first ten bytes to a client that asks for them."""
    response = honest(request, response)
    if response.status_code == 200 and request.headers.get("range") == "bytes=0-9":
        whole = bytes(response.body)
        response = with_body(response, whole[:10])
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes 0-9/{len(whole)}"
    return response


def entity_tagged(_call: Call, honest: Step, request: Request, response: Response) -> Response:
    """Sends an entity tag, and 304 to a client that already has it."""
    response = honest(request, response)
    if response.status_code == 200:
        tag = f'"{hash(bytes(response.body)) & 0xFFFFFFFF:08x}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        response.headers["ETag"] = tag
    return response


def gzip_errors_too(_call: Call, honest: Step, request: Request, response: Response) -> Response:
    response = honest(request, response)
    if accepts_gzip(request) and "content-encoding" not in response.headers:
        response = with_body(response, gzip.compress(bytes(response.body), mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def shuffled_keys(part: JsonObject) -> JsonObject:
    names = list(part)
    Random(repr(names)).shuffle(names)  # noqa: S311 - an order, not a secret
    return {name: part[name] for name in names}


def without(*names: str) -> Callable[[JsonObject], object]:
    return lambda part: [part.pop(name, None) for name in names]

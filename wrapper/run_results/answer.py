"""The boundary where bytes become models, in one validating pass; what does not pass gets a patient second look."""

from math import isfinite
from operator import attrgetter
from typing import Any

import msgspec

from run_results.drift import Drift
from run_results.errors import MalformedResponseError
from run_results.names.rule import is_api_name
from run_results.repair import Doubled, Huge, mend
from run_results_api.models import RunResults
from run_results_api.types import UNSET, Unset

_BOM = b"\xef\xbb\xbf"
_DECODER = msgspec.json.Decoder(RunResults)


def excerpt(body: bytes) -> str:
    """The beginning of a body as text for an error message: at most 500 characters, whatever the bytes are."""
    return body[:2000].decode("utf-8", "replace")[:500]


def decode(body: bytes) -> tuple[RunResults, tuple[Drift, ...] | None]:
    """Decode the body of a 200 into the models and, where it broke the contract, the list of places.

    The list is None where no breach was seen: then nobody has looked for what is merely new (see `inspect`). What
    paging depends on can be among the places: the caller looks at them. Raises `MalformedResponseError` where the body
    is no JSON, and `ContractError` where it is no object.
    """
    body = body.removeprefix(_BOM)  # RFC 8259, 8.1: a parser may ignore it.
    try:
        run = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return mend(_parse_patiently(body, error))
    if run.status.is_known and _names_hold(run):
        return run, None
    return mend(_parse_patiently(body))


def inspect(body: bytes) -> tuple[Drift, ...]:
    """Every place where the body of a 200 breaks the contract, or goes beyond it with unknown and doubled keys.

    Takes several times as long as `decode`. Reads what `decode` passes over, too: bytes that are no UTF-8 are drift.
    """
    return mend(_parse_patiently(body.removeprefix(_BOM), errors="surrogateescape"))[1]


def parse(body: bytes) -> Any:
    """Decode JSON text as it is. Raises `MalformedResponseError`."""
    body = body.removeprefix(_BOM)
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _parse_patiently(body, error, errors="surrogateescape")


def _parse_patiently(body: bytes, reason: Exception | None = None, errors: str = "strict") -> Any:
    """Decode what JSON allows and msgspec refuses, and mark objects that have a key twice. Raises for `reason`.

    RFC 8259 allows half of a surrogate pair (8.2), and numbers of any size (6).
    """
    from json import loads  # here: few answers need it

    try:
        return loads(
            body.decode("utf-8", errors),
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except RecursionError as error:
        raise _malformed(body, error) from None
    except ValueError as error:
        raise _malformed(body, reason or error) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else Doubled(pairs)


def _integer(text: str) -> int | Huge:
    try:
        return int(text)
    except ValueError:  # more digits than Python reads
        return Huge(text)


def _number(text: str) -> float | Huge:
    value = float(text)
    return value if isfinite(value) else Huge(text)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_FIELD_NAME, _CASE_FIELD_NAME = attrgetter("field_name"), attrgetter("name")


def _names_hold(run: RunResults) -> bool:
    """Whether every field name is an API name. No loop over fields here: they are many, distinct names are few."""
    names: set[str | Unset] = set()
    for file in run.files:
        for document in file.documents or ():
            names.update(map(_FIELD_NAME, document.fields or ()))
    if run.case_info:
        names.update(map(_CASE_FIELD_NAME, run.case_info.fields or ()))
    return all(is_api_name(name) for name in names if name is not UNSET)


def error_message(body: bytes) -> str | None:
    """The `message` of an error body, at most 500 characters; None where there is none."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    message = value.get("message") if isinstance(value, dict) else None
    return message[:500] if isinstance(message, str) else None


def _malformed(body: bytes, error: Exception) -> MalformedResponseError:
    reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    start = excerpt(body)
    what = "an HTML page" if start.lstrip()[:1] == "<" else "no JSON"
    return MalformedResponseError(
        f"the body of a status 200 is {what} ({reason[:200]}); it begins {start[:80]!r}", excerpt=start
    )

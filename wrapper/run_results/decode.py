"""The boundary where bytes become models, in one validating pass; what does not pass gets a patient second look."""

import json
from decimal import Decimal
from math import isfinite
from operator import attrgetter
from typing import Any

import msgspec

from run_results.drift import Drift, mend
from run_results.errors import MalformedResponseError
from run_results.names import is_api_name
from run_results_api.models import RunResults
from run_results_api.types import UNSET, Unset

_BOM = b"\xef\xbb\xbf"
_DECODER = msgspec.json.Decoder(RunResults)


def excerpt(body: bytes) -> str:
    """The beginning of a body as text for an error message: at most 500 characters, whatever the bytes are."""
    return body[:2000].decode("utf-8", "replace")[:500]


def decode(body: bytes) -> tuple[RunResults, tuple[Drift, ...]]:
    """Decode the body of a 200 into the models and the list of places where it left the contract.

    What paging depends on can be among those places: the caller looks at them. Raises `MalformedResponseError` where
    the body is no JSON, and `ContractError` where it is no object.
    """
    body = body.removeprefix(_BOM)  # RFC 8259, 8.1: a parser may ignore it.
    try:
        run = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return mend(parse(body))
    if run.status.is_known and _names_hold(run):
        return run, ()
    return mend(parse(body))


def parse(body: bytes) -> Any:
    """Decode JSON text as it is. Raises `MalformedResponseError`."""
    body = body.removeprefix(_BOM)
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        try:
            # RFC 8259 allows two things that msgspec refuses: half of a surrogate pair (8.2), and numbers beyond the
            # range of a double (6).
            return json.loads(body.decode(), parse_float=_number, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise _malformed(body, error) from None


def _number(text: str) -> float | Decimal:
    value = float(text)
    return value if isfinite(value) else Decimal(text)


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
        f"the body of a status 200 is {what} ({reason}); it begins {start[:80]!r}", excerpt=start
    )

"""The body of an answer becomes models, in one validating pass; what does not pass is repaired.

`read` is what the walk calls. It decodes the body (`decode`) and checks what one answer must keep (`answer_checks`).
"""

import re
from math import isfinite
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import Struct

from run_results.answer_checks import check_answer
from run_results.drift import Drift
from run_results.errors import ContractError, MalformedResponseError
from run_results.historic import is_renamed
from run_results.include import Include
from run_results.names.rule import is_api_name
from run_results.repair import Doubled, Huge, find_drift, repair
from run_results_api.models import RunResults
from run_results_api.types import UNSET, Model, Unset

BOM: Final = b"\xef\xbb\xbf"
"""A mark that some servers put before JSON; a parser may ignore it (RFC 8259, 8.1)."""
_DECODER = msgspec.json.Decoder(RunResults)


def excerpt(body: bytes) -> str:
    """The beginning of a body as text for an error message: at most 500 characters, whatever the bytes are."""
    return body[:2000].decode("utf-8", "replace")[:500]


class Answer(Struct, frozen=True):
    """What the body of a 200 says."""

    run: RunResults
    breaches: tuple[Drift, ...]
    """Where it broke the contract; the places that paging depends on can be among them."""
    news: tuple[Drift, ...] | None
    """Where it goes beyond the contract, as with unknown or doubled keys; None where that was not looked for."""
    gaps: tuple[Drift, ...] = ()
    """What the contract lets servers leave out, and what cannot be checked without it."""


def read(body: bytes, include: Include) -> Answer:
    """Read the body of a 200. Raises `MalformedResponseError` where it is no JSON, `ContractError` where no object."""
    run, found = decode(body)
    breaches = tuple(place for place in found or () if place.is_breach)
    news = None if found is None else tuple(place for place in found if not place.is_breach)
    checked = check_answer(run, include, breaches)
    gaps = tuple(place for place in checked if not place.is_breach)
    return Answer(run, (*breaches, *(place for place in checked if place.is_breach)), news, gaps)


def decode(body: bytes) -> tuple[RunResults, tuple[Drift, ...] | None]:
    """Decode the body of a 200 into the models and, where it broke the contract, the list of places.

    The list is None where no breach was seen and no paging member may be there twice: then news was not looked for
    either (see `inspect`). Raises `MalformedResponseError` where the body is no JSON, and `ContractError` where
    it is no object.
    """
    body = body.removeprefix(BOM)
    try:
        run = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return repair(parse_patiently(body, error), RunResults)
    is_known = run.status is UNSET or run.status.is_known
    if is_known and _names_hold(run) and not _may_double(body, run) and not is_renamed(body, run):
        return run, None
    return repair(parse_patiently(body), RunResults)


def inspect(body: bytes, model: type[Model] = RunResults) -> tuple[Drift, ...]:
    """Every place where the body of a 200 breaks the contract, or goes beyond it with unknown and doubled keys.

    Takes several times as long as `decode`. Reads what `decode` skips, too: bytes that are not UTF-8 are drift.
    """
    try:
        return find_drift(parse_patiently(body.removeprefix(BOM), errors="surrogateescape"), model)
    except ContractError as error:
        # Decoding took it: the fault is in a part that decoding skips.
        return (Drift("$", "text that can be read in full", error.message, is_breach=False),)


def parse(body: bytes) -> Any:
    """Decode JSON text, whatever it holds. Raises `MalformedResponseError`."""
    body = body.removeprefix(BOM)
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return parse_patiently(body, error, errors="surrogateescape")


def parse_patiently(body: bytes, reason: Exception | None = None, errors: str = "strict") -> Any:
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


def _may_double(body: bytes, run: RunResults) -> bool:
    """Whether a member that paging depends on may be there twice, of which decoding takes the last.

    The last page is where a walk could end too early: there the look is closer, and a key may be spelled with escapes.
    """
    # From the end, by the letter f: half the time of counting, which looks for the quotation mark.
    if body.rfind(b'files"') != body.find(b'"files"') + 1 and body.count(b'"files"') > 1:
        return True
    return not run.has_more and (body.count(b'"has_more"') > 1 or _ESCAPED_LETTER.search(body) is not None)


_ESCAPED_LETTER = re.compile(rb"\\u00(?:5[fF]|[67])")
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

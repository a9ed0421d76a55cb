"""The body of an answer with listed runs becomes models; what does not pass is repaired, as in the results of a run."""

import re
from typing import Final

import msgspec
from msgspec import Struct

from run_results.answer import BOM, parse_patiently
from run_results.answer_checks import impossible_times
from run_results.drift import Drift
from run_results.errors import ContractError, UnusablePageError
from run_results.repair import repair
from run_results.run_list.filters import Filters
from run_results.text import count, quote
from run_results_api.models import RunList, RunSummary

_DECODER = msgspec.json.Decoder(RunList)
# What the reading of the list depends on.
_NEEDED: Final = re.compile(r"\$\.runs(\[\d+\](\.start_timestamp)?)?")


class ListAnswer(Struct, frozen=True):
    """What the body of a 200 says."""

    runs: list[RunSummary]
    breaches: tuple[Drift, ...]
    """Where it broke the contract."""
    news: tuple[Drift, ...] | None
    """Where it goes beyond the contract; None where that was not looked for."""


def read(body: bytes, filters: Filters, *, is_strict: bool = False) -> ListAnswer:
    """Read the body of a 200.

    Raises `MalformedResponseError` where it is no JSON, `UnusablePageError` where a run cannot be placed in the list,
    and `ContractError` for any other breach if `is_strict`.
    """
    listed, found = _decode(body)
    breaches = [place for place in found or () if place.is_breach]
    news = None if found is None else tuple(place for place in found if not place.is_breach)
    unusable = [place for place in breaches if _NEEDED.fullmatch(place.path)]
    if unusable:
        text = f"the list of runs cannot be read{_of_run(listed, unusable[0].path)}: {unusable[0]}"
        raise UnusablePageError(text, drift=(*breaches, *(news or ())))
    latest = 0
    for index, run in enumerate(listed.runs):
        path = f"$.runs[{index}]"
        if run.start_timestamp < latest:
            breaches.append(
                Drift(f"{path}.start_timestamp", "no earlier start than that of the run before", run.start_timestamp)
            )
        latest = max(latest, run.start_timestamp)
        breaches += [*filters.misfits(run, path), *impossible_times(run, path)]
    if breaches and is_strict:
        text = f"the answer broke the contract in {count(len(breaches), 'place')}, first {breaches[0]}"
        raise ContractError(text, drift=(*breaches, *(news or ())))
    return ListAnswer(listed.runs, tuple(breaches), news)


def _of_run(listed: RunList, path: str) -> str:
    """Which run this place is in, for a message; empty where nothing names it."""
    index = re.match(r"\$\.runs\[(\d+)\]\.", path)
    name = listed.runs[int(index[1])].id if index else None
    return f" because of run {quote(name, 200)}" if isinstance(name, str) else ""


def _decode(body: bytes) -> tuple[RunList, tuple[Drift, ...] | None]:
    """The runs and, where they are not as the contract has them, the list of places."""
    text = body.removeprefix(BOM)
    try:
        listed = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return repair(parse_patiently(text, error), RunList)
    # A key that is there twice hides runs, of which decoding takes the last.
    is_once = text.count(b'"runs"') < 2 and (listed.runs or b"\\u" not in text)
    if is_once and all(run.status.is_known for run in listed.runs):
        return listed, None
    return repair(parse_patiently(text), RunList)

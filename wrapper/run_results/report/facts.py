"""What a report says about a run as a whole, and about its cross-class fields, in the form that the template shows."""

import json
from collections.abc import Iterator
from typing import Any, Final

from run_results import CaseField, NameMap, Page, RunResults, sanitize, to_datetime
from run_results.fields import failed, is_invalid
from run_results.report.compact import text
from run_results.report.summary import label
from run_results.text import visible
from run_results_api.models import CaseFieldOption

MOST_OPTIONS: Final = 200
_MOST_KEYS: Final = 20


def run_facts(page: Page) -> Iterator[tuple[str, str]]:
    """The facts of the run as a whole, each with its name."""
    run = page.run
    yield "Run", page.run_id
    if message := text(run.message):
        yield "Message", visible(message, 2000)
    started, finished = _time(run.start_timestamp), _time(run.finish_timestamp)
    if started:
        yield "Started", started
    yield "Finished", finished or ("not yet" if page.is_finished is False else "time not given")
    if isinstance(run.start_timestamp, int) and isinstance(run.finish_timestamp, int):
        yield "Took", _duration((run.finish_timestamp - run.start_timestamp) / 1e9)
    reviewed = run.review_completed
    yield "Review", "completed" if reviewed is True else "not completed" if reviewed is False else "not given"
    if batch := text(run.batch_id):
        yield "Batch", batch
    yield from _keys(run)


def _keys(run: RunResults) -> Iterator[tuple[str, str]]:
    custom = (run.keys.custom if run.keys else None) or {}
    if len(custom) > _MOST_KEYS:
        yield "Keys", f"{len(custom):,}, the first {_MOST_KEYS} of which follow"
    for key, value in list(custom.items())[:_MOST_KEYS]:
        shown = value if isinstance(value, str) else _plain_json(value)
        yield visible(key, 80), visible(shown, 300)


def _plain_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return "(cannot be shown)"


def _time(nanoseconds: object) -> str | None:
    if not isinstance(nanoseconds, int):
        return None
    try:
        return f"{to_datetime(nanoseconds):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:  # beyond the year 9999
        return f"{nanoseconds} ns"


def _duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> _duration(5025), _duration(0.25)
    ('1 h 23 min 45 s', '0.25 s')
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours:,} h " if hours else "") + f"{minutes} min {rest} s"


def _option(option: CaseFieldOption, chosen: CaseFieldOption | None, names: NameMap | None) -> dict[str, Any]:
    name = text(option.refined_phrase_name) or ""
    return {
        "document": option.record_index if isinstance(option.record_index, int) else None,
        "name": name,
        "api_name": sanitize(name) if names is None else names.api_name(name),
        "chosen": option == chosen,
    }


def case_field_facts(field: CaseField, names: NameMap | None) -> dict[str, Any]:
    """A cross-class field as the template shows it: with its options, and which of them was chosen."""
    name = text(field.name) or ""
    chosen = field.chosen_field or None
    options = list(field.input_fields or ())
    if chosen is not None and chosen not in options:
        options.insert(0, chosen)  # the server chose what it does not list
    shown = sorted((_option(option, chosen, names) for option in options), key=lambda option: not option["chosen"])
    failures = (field.validations.failures if field.validations else None) or []
    return {
        "api_name": name,
        "label": label(names, name, None),
        "value": text(field.value),
        "failed": failed(field),
        "error": field.error_msg or None,
        "invalid": is_invalid(field),
        "failures": [text(failure.msg) or "no message" for failure in failures[:50]],
        "edits": len(field.edit_history or ()),
        "options": shown[:MOST_OPTIONS],
        "options_left_out": max(0, len(shown) - MOST_OPTIONS),
        "chose_none": field.chosen_field is None,
    }

"""The options of `spark.read.format("run_results")`: texts, as Spark has them, read into what `fetch` takes."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from run_results.errors import ConfigurationError
from run_results.include import Include
from run_results.names import NameMap
from run_results.scale import Source
from run_results.spark.rows import Table, check_table

_FLAGS: Final = {
    Include.REVIEW: {"edited", "edits", "class_edits", "review_completed"},
    Include.CONFIDENCE: {"model_confidence", "ocr_confidence", "class_confidence"},
    Include.VALIDATION: {"valid", "alerts", "final_result_pass"},
    Include.SOURCE: {"source", "page_layouts", "post_processed_paths", "post_processed_pdf_path"},
}
"""The columns that need a flag."""


@frozen
class Request:
    """What is to be read."""

    source: Source
    ids: tuple[str, ...]
    table: Table
    columns: tuple[str, ...]
    """In this order; none for all of the table."""
    tasks: int | None
    window: int | None


def read_options(options: Mapping[str, str]) -> Request:
    """What the options ask for. Raises `ConfigurationError` for one that is not known or cannot be read.

    >>> read_options({"run_ids": "run-1, run-2", "table": "files"}).ids
    ('run-1', 'run-2')
    """
    given = {name.lower(): value for name, value in options.items()}
    for name in given:
        if name not in OPTIONS:
            raise ConfigurationError(f"run_results has no option {name[:80]!r}; its options are {', '.join(OPTIONS)}")
    values = {name: _value(name, text) for name, text in given.items()}
    ids, file = values.pop("run_ids", None), values.pop("run_ids_file", None)
    if (ids is None) == (file is None):
        raise ConfigurationError("the option run_ids or the option run_ids_file says which runs to read; give one")
    columns = values.pop("columns", ())
    table, tasks, window = values.pop("table", "fields"), values.pop("num_partitions", None), values.pop("window", None)
    source = Source(**values, include=include_for(columns) if columns else Include.ALL)
    return Request(source, ids if file is None else file, table, columns, tasks, window)


def include_for(columns: tuple[str, ...]) -> Include:
    """The flags without which one of these columns would be null.

    >>> include_for(("value", "model_confidence"))
    <Include.CONFIDENCE: 2>
    """
    found = Include.NONE
    for flag, names in _FLAGS.items():
        if names & set(columns):
            found |= flag
    return found


# --- Texts ----------------------------------------------------------------------------------------------------


def _value(name: str, text: str) -> Any:
    try:
        return OPTIONS[name](text)
    except ConfigurationError:  # it is a ValueError, too
        raise
    except (ValueError, OSError) as error:
        # Not the text, which may be a token that was given to the wrong option.
        raise ConfigurationError(f"the option {name} cannot be read: {_reason(error)}", option=name) from None


def _reason(error: Exception) -> str:
    return (error.strerror or "no such file") if isinstance(error, OSError) else "it is no number"


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.split(r"[\s,]+", text.strip(" \t\r\n,"))) if text.strip(" \t\r\n,") else ()


def _lines_of_file(path: str) -> tuple[str, ...]:
    return tuple(_ids_of(Path(path).read_text("utf-8-sig")))


def _ids_of(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if (run_id := line.strip()) and not run_id.startswith("#"):
            yield run_id


def _switch(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ConfigurationError("the option typed must be true or false", option="typed")
    return text.lower() == "true"


def _number(text: str) -> int | float:
    with suppress(ValueError):
        return int(text)
    return float(text)


def _text(text: str) -> str:
    return text


OPTIONS: Final[Mapping[str, Callable[[str], Any]]] = {
    "run_ids": _words,
    "run_ids_file": _lines_of_file,
    "table": check_table,
    "columns": _words,
    "typed": _switch,
    "names": NameMap.read,
    "base_url": _text,
    "context": _text,
    "token": _text,
    "window": int,
    "num_partitions": int,
    "concurrency": int,
    "requests_per_second": _number,
    "on_missing": _text,
}
"""Each option, and what reads its text; docs/spark.md says what they mean."""

"""Reading a project's field names from a file: text, CSV or JSON. `NameMap.read` says what each may hold."""

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from run_results.errors import ConfigurationError

_MAX_BYTES = 16 * 1024 * 1024
_NAME_COLUMNS = {"name", "field_name", "field"}
_CLASS_COLUMNS = {"class", "class_name"}
_TYPE_COLUMNS = {"type", "field_type"}
_WRITE_IT = "Write the project's field names into it, one on each line, or name another file"

_Entries = Iterator[tuple[str, str, str]]


class _Malformed(Exception):
    """A names file that can't be read; `entries` adds which file it was."""


def entries(path: str | os.PathLike[str]) -> Iterator[tuple[str, str, str]]:
    """Each class, name and type in the file; class and type are empty where there is none.

    Raises `ConfigurationError`.
    """
    file = Path(path)
    parse = _PARSERS.get(file.suffix.lower(), _parse_text)
    try:
        yield from parse(_text(file))
    except _Malformed as error:
        advice = _WRITE_IT if isinstance(error.__cause__, FileNotFoundError) else ""
        raise ConfigurationError(f"cannot read {str(file)!r}: {error}", advice=advice) from error.__cause__


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise _Malformed(error.strerror or str(error)) from error
    except ValueError as error:  # a path that no file can have, such as one with a NUL
        raise _Malformed(str(error)) from error
    if len(data) > _MAX_BYTES:
        raise _Malformed(f"more than {_MAX_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # `error.object`, not `data`: the codec counts from behind the mark that it took off.
        line = len(re.findall(rb"\r\n?|\n", error.object[: error.start])) + 1
        raise _Malformed(f"line {line} is not UTF-8") from error


def _parse_text(text: str) -> _Entries:
    # Not `splitlines`, which also splits at characters that may stand inside a name, such as U+0085.
    for number, line in enumerate(re.split(r"\r\n?|\n", text), start=1):
        _refuse_nul(line, number)
        if line.strip() and not line.startswith("#"):
            yield "", line, ""


def _parse_csv(text: str) -> _Entries:
    # Strict, or a quote left open would swallow the rest of the file.
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip().lower() for cell in next(rows, None) or []]
        name_column = _column(header, _NAME_COLUMNS)
        class_column = _column(header, _CLASS_COLUMNS)
        type_column = _column(header, _TYPE_COLUMNS)
        if name_column is None:
            raise _Malformed(
                f"the header row has no column called {_either(_NAME_COLUMNS)}, with commas between columns"
                " (a list of names without a header belongs in a text file)"
            )
        for row in rows:
            if any(row[len(header) :]):
                raise _Malformed(f"line {rows.line_num} has more cells than the header (a comma not quoted?)")
            if not any(row):
                continue
            name = _cell(row, name_column)
            if not name:
                raise _Malformed(f"line {rows.line_num} has no name")
            _refuse_nul(name, rows.line_num)
            yield _cell(row, class_column).strip(), name, _cell(row, type_column).strip()
    except csv.Error as error:
        raise _Malformed(f"line {rows.line_num} is not CSV: {error}") from error


def _column(header: list[str], called: set[str]) -> int | None:
    found = [index for index, cell in enumerate(header) if cell in called]
    if len(found) > 1:
        raise _Malformed(f"the header row has more than one column called {_either(called)}")
    return found[0] if found else None


def _cell(row: list[str], column: int | None) -> str:
    return row[column] if column is not None and column < len(row) else ""


def _either(words: set[str]) -> str:
    return " or ".join(sorted(words))


def _refuse_nul(line: str, number: int) -> None:
    if "\0" in line:
        raise _Malformed(f"line {number} holds a NUL (perhaps the file is UTF-16)")


def _parse_json(text: str) -> _Entries:
    try:
        # Objects come as tuples of pairs, so that a class listed twice keeps both its lists.
        data: object = json.loads(text, object_pairs_hook=tuple)
    except RecursionError:
        raise _Malformed("the JSON is nested too deeply") from None
    except ValueError as error:
        raise _Malformed(f"not JSON: {error}") from error
    if isinstance(data, list):
        yield from _json_names("", cast("list[object]", data), "$")
    elif isinstance(data, tuple):
        for class_name, names in cast("tuple[tuple[str, object], ...]", data):
            yield from _json_names(class_name, names, f"$[{class_name[:80]!r}]")
    else:
        raise _Malformed("$ is neither a list of names nor an object of such lists")


def _json_names(class_name: str, names: object, where: str) -> _Entries:
    if not isinstance(names, list):
        raise _Malformed(f"{where} is not a list of names")
    for index, entry in enumerate(cast("list[object]", names)):
        if isinstance(entry, tuple):
            members = dict(cast("tuple[tuple[str, object], ...]", entry))
            name, kind = members.get("name"), members.get("type")
            if not isinstance(name, str) or not isinstance(kind, str | None):
                raise _Malformed(f"{where}[{index}] is an object without a name, or whose name or type is not a string")
            yield class_name, name, (kind or "").strip()
        elif isinstance(entry, str):
            yield class_name, entry, ""
        else:
            raise _Malformed(f"{where}[{index}] is not a string, and not an object with name and type")


_PARSERS: dict[str, Callable[[str], _Entries]] = {".json": _parse_json, ".csv": _parse_csv}

"""A folder of runs: one JSON file for each run, in project terms.

Every `*.json` file directly in the folder is a run. Other files, subfolders and files whose name starts with a dot are
skipped. A file has what a 200 answer with all include flags has, with these differences:

* it has all files of the run, and no `has_more`;
* it has the project's own field names (`due date`, not `due_date`);
* it may have `x-context`, the context of the run; without it the run is in the nameless context.

    {"id": "run-1", "status": "COMPLETE", "x-context": "acme-lending", "files": [
      {"original_file_name": "a.pdf", "documents": [
        {"class_name": "Invoice", "page_numbers": [0], "fields": [],
         "review_completed": false, "class_edit_history": [], "validations": {"final_result_pass": true},
         "classification_confidence": {"model": 0.98}, "page_layouts": [], "post_processed_paths": []}]}]}

What an include flag guarantees must be there, even if it is empty: the server never makes up data.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import jsonschema_rs
from attrs import frozen

from .contract import BadParameter, Contract, JsonObject, load_contract
from .runs import MemoryRun, MemoryStore

_CONTEXT = "x-context"


@frozen
class RunFileError(Exception):
    """A file is not a run. `path` is the file, `where` the JSON path of the problem, `why` the reason."""

    path: Path
    where: str
    why: str

    def __str__(self) -> str:
        return f"{self.path.name}: at {self.where}: {self.why}"


def read_folder(folder: Path, contract: Contract | None = None) -> MemoryStore:
    """All runs of a folder, in the order of the files' names.

    Raises RunFileError for the first file that is not a run: it is not JSON, has a key twice, does not fit the
    contract, or has the id of another file's run. Raises NotADirectoryError if there is no such folder.
    """
    contract = contract or load_contract()
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder")
    store = MemoryStore()
    for path in sorted(folder.glob("*.json")):
        if path.name.startswith(".") or not path.is_file():
            continue
        context, run = read_run(path, contract)
        try:
            store.add(run, context=context)
        except ValueError as error:
            raise RunFileError(path, "$.id", str(error)) from None
    return store


def read_run(path: Path, contract: Contract) -> tuple[str | None, MemoryRun]:
    """The context and the run of one file. Raises RunFileError if it is not a run."""
    content = _read_json(path)
    if not isinstance(content, dict):
        raise RunFileError(path, "$", "a run is a JSON object")
    run: JsonObject = content
    context = _take_context(path, run, contract)
    for error in jsonschema_rs.validator_for(contract.run_schema).iter_errors(run):
        raise RunFileError(path, json_path(error.instance_path), error.message)
    files = run.pop(contract.pagination.items)
    return context, MemoryRun(run, files)


def json_path(parts: list[str | int]) -> str:
    """A JSON path in the usual notation: `$.files[0]["odd key"]`."""
    return "$" + "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" if part.isidentifier() else f"[{json.dumps(part)}]"
        for part in parts
    )


def _take_context(path: Path, run: JsonObject, contract: Contract) -> str | None:
    context = run.pop(_CONTEXT, None)
    if context is None:
        return None
    where = json_path([_CONTEXT])
    if not isinstance(context, str):
        raise RunFileError(path, where, "a context is a string")
    for parameter in contract.parameters.values():
        # A run in a context that no request can name could never be found.
        if parameter.place == "header":
            try:
                parameter.read([context])
            except BadParameter as error:
                raise RunFileError(path, where, str(error)) from None
    return context


def _read_json(path: Path) -> Any:
    """The parsed file. Stricter than json.loads, so that nothing that was written is lost or changed."""

    def refuse(why: str) -> NoReturn:
        raise ValueError(why)

    def no_key_twice(pairs: list[tuple[str, Any]]) -> JsonObject:
        found = dict(pairs)
        if len(found) != len(pairs):
            keys = [key for key, _ in pairs]
            refuse(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice in one object")
        return found

    def finite(text: str) -> float:
        number = float(text)
        return number if math.isfinite(number) else refuse(f"{text} is too large for a number")

    try:
        content: Any = json.loads(
            path.read_bytes(),
            object_pairs_hook=no_key_twice,
            parse_float=finite,
            parse_constant=lambda word: refuse(f"{word} is not JSON"),
        )
    except OSError as error:
        raise RunFileError(path, "$", f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RunFileError(path, "$", f"not JSON: {error}") from error
    for parts in _lone_surrogates(content, []):
        raise RunFileError(path, json_path(parts), "half of a surrogate pair is not a character")
    return content


def _lone_surrogates(value: Any, parts: list[str | int]) -> Iterator[list[str | int]]:
    # JSON can hold half of a surrogate pair (\ud800), but UTF-8, and so an answer, cannot.
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            yield parts
        return
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield from _lone_surrogates(key, [*parts, "?"]) if isinstance(key, str) else ()
        yield from _lone_surrogates(part, [*parts, key])

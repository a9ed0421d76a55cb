"""A folder of runs: one JSON file for each run, in project terms.

Every `*.json` file directly in the folder is a run. Other files, subfolders and files whose name starts with a dot are
skipped. A file has what a 200 answer with all include flags has, with these differences:

* it has all files of the run, and no `has_more`;
* it has the project's own field names (`due date`, not `due_date`);
* it may have `x-context`, the context of the run; without it the run is in the nameless context;
* it may have `x-listing`, what only the list of runs knows of it (`app_id`, `app_name`, `username`, `tags` and others).

    {"id": "run-1", "status": "COMPLETE", "x-context": "acme-lending", "files": [
      {"original_file_name": "a.pdf", "documents": [
        {"class_name": "Invoice", "page_numbers": [0], "fields": [],
         "review_completed": false, "class_edit_history": [], "validations": {"final_result_pass": true},
         "classification_confidence": {"model": 0.98}, "page_layouts": [], "post_processed_paths": []}]}]}

What an include flag guarantees must be there, even if it is empty: the server never makes up data. `schema run` of the
command line prints the JSON Schema; a file may name it under the key `$schema`, for editors.
"""

from pathlib import Path

from attrs import frozen

from .contract import Contract, load_contract
from .json_file import JsonFileError, Problem, find_problems, list_problems, read_json
from .json_file import json_path as json_path
from .runs import MemoryRun, MemoryStore
from .schemas import CONTEXT, EDITOR, LISTING, run_file_schema


@frozen
class RunFileError(Exception):
    """Files are not runs. `problems` has everything that is wrong, file by file."""

    problems: tuple[tuple[Path, Problem], ...]

    @property
    def path(self) -> Path:
        """The first file that is not a run."""
        return self.problems[0][0]

    @property
    def where(self) -> str:
        """The JSON path of its first problem."""
        return self.problems[0][1].where

    @property
    def why(self) -> str:
        """What is wrong there."""
        return self.problems[0][1].why

    def __str__(self) -> str:
        paths = dict.fromkeys(path for path, _ in self.problems)
        return "\n".join(
            list_problems([problem for each, problem in self.problems if each == path], path.name) for path in paths
        )


def read_folder(folder: Path, contract: Contract | None = None) -> MemoryStore:
    """All runs of a folder, in the order of the files' names.

    Raises RunFileError with everything that is wrong in any file: it is not JSON, has a key twice, does not fit the
    contract, or has the id of another file's run. Raises NotADirectoryError if there is no such folder.
    """
    contract = contract or load_contract()
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder")
    store = MemoryStore()
    problems: list[tuple[Path, Problem]] = []
    for path in sorted(folder.glob("*.json")):
        if path.name.startswith(".") or not path.is_file():
            continue
        try:
            context, run = read_run(path, contract)
            store.add(run, context=context)
        except RunFileError as error:
            problems += error.problems
        except ValueError as error:
            problems.append((path, Problem("$.id", str(error))))
    if problems:
        raise RunFileError(tuple(problems))
    return store


def explain_no_runs(path: Path) -> str:
    """What to say where a folder, or a database that was made of one, has no runs."""
    return (
        f"there are no runs in {path}. A run is a file NAME.json directly in the folder;"
        " `run-results-conformance schema run` prints its form, and docs/manifest.md shows one"
    )


def read_run(path: Path, contract: Contract) -> tuple[str | None, MemoryRun]:
    """The context and the run of one file. Raises RunFileError if it is not a run."""
    try:
        content, problems = read_json(path)
    except JsonFileError as error:
        raise RunFileError(((path, Problem("$", str(error))),)) from error
    problems += find_problems(content, run_file_schema(contract))
    if problems:
        raise RunFileError(tuple((path, problem) for problem in problems))
    context = content.pop(CONTEXT, None)
    listing = content.pop(LISTING, {})
    content.pop(EDITOR, None)
    files = content.pop(contract.pagination.items)
    return context, MemoryRun(content, files, listing=listing)

"""What is known of a server's runs before any request: the manifest.

A run id is enough for most rules. Everything else that a manifest says is compared with the answers: how many files a
run has, its status, the project's own field names, what answers say of the run as a whole, what is in its files.

    {"runs": [{"id": "run-tax-2025", "files": 12, "status": "COMPLETE", "names": ["due date", "secret_id"]},
              {"id": "run-elsewhere", "context": "other-org", "readable": false}]}

`run-results-conformance schema manifest` prints the JSON Schema of the file, and docs/manifest.md explains it.

    ManifestError   the file is missing, or no manifest
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from attrs import evolve, field, frozen

from run_results_conformance.server.contract import Contract, load_contract
from run_results_conformance.server.field_names import field_names
from run_results_conformance.server.json_file import (
    JsonFileError,
    Problem,
    find_problems,
    json_path,
    list_problems,
    read_json,
)
from run_results_conformance.server.runs import Run, Store
from run_results_conformance.server.schemas import manifest_schema
from run_results_conformance.server.terms import JsonObject

from .run_status import RUNNING

HERE = ""
"""The context of a run that is read in the context of the verification, whichever that is."""

_MOST_FILES = 400  # of a run whose names and content are taken from a store


class ManifestError(ValueError):
    """The manifest cannot be read, or is no manifest."""


@frozen
class KnownRun:
    """What is known of one run; None says that it is not known.

    `context` is the one that the run lives in, None for the nameless one, HERE for that of the verification.
    `readable` says whether the caller's token may read it. `files` is their number, `names` the project's own names
    of all fields that can occur, `properties` what the answer says of the run as a whole, by the contract's property
    names, `content` the files; the last two are in project terms, as a store has them. What they list, null too,
    answers must have. What they leave out is open.
    """

    id: str
    context: str | None = HERE
    files: int | None = None
    status: str | None = None
    names: frozenset[str] | None = None
    properties: Mapping[str, Any] = field(factory=dict, repr=False)
    content: Sequence[JsonObject] | None = field(default=None, repr=False)
    readable: bool | None = None

    @property
    def described(self) -> bool:
        """Whether more is known than where the run is: so there is such a run."""
        return bool(self.status or self.names or self.properties or self.content) or self.files is not None

    @classmethod
    def of(cls, run_id: str, context: str | None, run: Run, contract: Contract) -> Self:
        """What a store has of a run. Of a RUNNING one only the id and the status are taken: the rest will change."""
        header = run.header
        status = None if header.get("status") is None else str(header["status"])
        if status == RUNNING:
            return cls(run_id, context, status=status)
        count = run.file_count
        if count > _MOST_FILES:
            return cls(run_id, context, count, status, properties=header)
        files = list(run.files(0, count))
        page = {**header, contract.pagination.items: files}
        return cls(run_id, context, count, status, frozenset(field_names(contract, page)), header, files)

    @classmethod
    def read(cls, entry: JsonObject) -> Self:
        """The run of an entry that fits the schema of manifests."""
        found = dict(entry)
        if "files" in found:
            found["files"] = int(found["files"])  # JSON's 3.0 is a whole number
        if "names" in found:
            found["names"] = frozenset(found["names"])
        return cls(**found)

    def document(self) -> JsonObject:
        """The entry of a manifest that says this."""
        entry: JsonObject = {"id": self.id}
        if self.context != HERE:
            entry["context"] = self.context
        for name in ("files", "status", "content", "readable"):
            value: Any = getattr(self, name)
            if value is not None:
                entry[name] = value
        if self.names is not None:
            entry["names"] = sorted(self.names)
        if self.properties:
            entry["properties"] = dict(self.properties)
        return entry


@frozen
class Manifest:
    """Everything that is known, run by run."""

    runs: tuple[KnownRun, ...] = ()

    @classmethod
    def of(
        cls,
        store: Store,
        contract: Contract | None = None,
        *,
        may_act_in: Callable[[str | None], bool] | None = None,
    ) -> Self:
        """Everything that a store has of its runs. Each run is read once.

        `may_act_in` says of a context whether the caller's token may act in it, as `Token.may_act_in` does.
        """
        contract = contract or load_contract()
        found = ((run_id, context, store.find(run_id, context)) for context, run_id in store)
        runs = tuple(KnownRun.of(run_id, context, run, contract) for run_id, context, run in found if run)
        if may_act_in is not None:
            runs = tuple(evolve(run, readable=may_act_in(run.context)) for run in runs)
        return cls(runs)

    @classmethod
    def of_ids(cls, *run_ids: str) -> Self:
        """A manifest of run ids alone."""
        return cls(tuple(KnownRun(run_id) for run_id in run_ids))

    @classmethod
    def read(cls, path: Path, contract: Contract | None = None) -> Self:
        """Reads a manifest from a JSON file. Raises ManifestError, with everything that is wrong."""
        try:
            document, problems = read_json(path)
        except JsonFileError as error:
            raise ManifestError(f"the manifest {path.name} {_as_predicate(error)}") from error
        problems += find_problems(document, manifest_schema(contract or load_contract()))
        if not problems:
            problems += _doubled_runs(document["runs"])
        if problems:
            raise ManifestError(list_problems(problems, path.name))
        return cls(tuple(KnownRun.read(entry) for entry in document["runs"]))

    def document(self) -> JsonObject:
        """What `read` reads, as `json.dumps` takes it."""
        return {"runs": [run.document() for run in self.runs]}


def _as_predicate(error: JsonFileError) -> str:
    text = str(error)
    return text if text.startswith("cannot") else f"is {text}"


def _doubled_runs(entries: Sequence[JsonObject]) -> list[Problem]:
    """Entries for a run that an earlier entry is for, in the same context."""
    problems: list[Problem] = []
    seen: dict[tuple[str, str | None], int] = {}
    for number, entry in enumerate(entries):
        first = seen.setdefault((entry["id"], entry.get("context", HERE)), number)
        if first != number:
            problems.append(Problem(json_path(["runs", number, "id"]), f"runs[{first}] is this run already"))
    return problems

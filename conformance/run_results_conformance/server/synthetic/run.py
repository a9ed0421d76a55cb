"""A synthetic run: what it has is computed from its seed, not stored."""

import random
from collections.abc import Mapping, Sequence
from functools import cached_property

from attrs import Factory, field, frozen, validators

from run_results_conformance.server.terms import JsonObject

from .case_fields import make_case_fields
from .documents import EPOCH, make_document
from .project import CASE_FIELDS, CLASS_NAMES, FieldPlan, plan_fields
from .values import CITIES, FAMILY, FILE_KINDS, Random, below, digits, pick

MESSAGES: Mapping[str, str | None] = {
    "CANCELLED": "Cancelled by a user",
    "COMPLETE": None,
    "FAILED": "The app stopped with an error in step 3",
    "PAUSED": None,
    "RUNNING": None,
    "STOPPED_AT_CHECKPOINT": "Waiting for review",
}
_UNFINISHED = ("PAUSED", "RUNNING", "STOPPED_AT_CHECKPOINT")

_APPS = ("Tax forms", "Invoices", "Identity documents")
_CASE_FILES = 5  # cross-class fields use only this many files, so that a header costs the same for every run


def _run_id_of(run: "SyntheticRun") -> str:
    return f"synthetic-{run.seed}"


@frozen
class SyntheticRun:
    """A run of `files` files, computed from `seed`. The same arguments give the same run on every machine.

    `documents_per_file` and `fields_per_document` set the size of a page; without them both vary as in real runs. A
    field with all its parts takes about 320 bytes of JSON, so that a page of 50 files has about 4 MB with

        SyntheticRun(seed=1, files=1_000, documents_per_file=4, fields_per_document=65)

    `collisions` adds fields to every class whose API names are equal to another's. Without it all API names of a
    class are different. Raises ValueError for a negative seed or number, and for a status that is not one of the six.
    """

    seed: int = field(default=0, validator=validators.ge(0))
    file_count: int = field(default=10, alias="files", validator=validators.ge(0))
    status: str = field(default="COMPLETE", kw_only=True, validator=validators.in_(MESSAGES))
    run_id: str = field(default=Factory(_run_id_of, takes_self=True), kw_only=True)
    documents_per_file: int | None = field(default=None, kw_only=True, validator=validators.optional(validators.ge(0)))
    fields_per_document: int | None = field(default=None, kw_only=True, validator=validators.optional(validators.ge(0)))
    collisions: bool = field(default=False, kw_only=True)

    @cached_property
    def _plans(self) -> Mapping[str, Sequence[FieldPlan]]:
        return {
            class_name: list(plan_fields(class_name, self.fields_per_document, collisions=self.collisions))
            for class_name in CLASS_NAMES
        }

    # --- What the project knows -----------------------------------------------------------------------------

    def project_names(self) -> dict[str, list[str]]:
        """The project's own field names, by class. With them the name rule can be reversed."""
        return {class_name: [name for name, _, _ in plan] for class_name, plan in self._plans.items()}

    def case_names(self) -> list[str]:
        """The project's own names of the cross-class fields."""
        return list(CASE_FIELDS)

    # --- The run --------------------------------------------------------------------------------------------

    @property
    def header(self) -> JsonObject:
        """The run without its files."""
        return self._header

    @cached_property
    def _header(self) -> JsonObject:
        r = self._random(-1)
        started = (EPOCH + below(r, 20_000_000)) * 1_000_000_000 + below(r, 1_000_000_000)
        finished = None if self.status in _UNFINISHED else started + 1 + int(r() * 3e12)
        return {
            "id": self.run_id,
            "status": self.status,
            "message": MESSAGES[self.status],
            "start_timestamp": started,
            "finish_timestamp": finished,
            "batch_id": f"batch-{digits(r, 5)}",
            "keys": {
                "custom": {
                    "loan_number": f"LN-{digits(r, 5)}",
                    "größe": below(r, 9),
                    "branch": {
                        "code": below(r, 90),
                        "city": pick(r, CITIES),
                        "tags": ["α", None, 0.5, True],
                    },
                }
            },
            "case_info": {"fields": list(make_case_fields(r, self._case_documents()))},
            "review_completed": self.status == "COMPLETE",
        }

    @property
    def listing(self) -> JsonObject:
        """What only the list of runs knows of it. Three apps share the runs."""
        number = self.seed % len(_APPS)
        return {
            "batch_id": int(str(self.header["batch_id"]).removeprefix("batch-")),
            "input_dir": f"inbox/{self.header['batch_id']}",
            "app_id": f"app-{number}",
            "app_name": _APPS[number],
            "deployment_id": f"deployment-{number}",
            "username": f"user-{self.seed % 4}",
            "output_workspace": f"workspace-{self.seed % 2}",
            "tags": [f"seed-{self.seed}"],
        }

    def files(self, start: int, stop: int) -> list[JsonObject]:
        """The files with start <= index < stop, computed now."""
        return [self.file(index) for index in range(start, min(stop, self.file_count))]

    def file(self, index: int) -> JsonObject:
        """The file with this index. It takes the same time for every index."""
        r = self._random(index)
        name = f"{pick(r, FAMILY)} {pick(r, FILE_KINDS)} {index:07d}.pdf"
        documents: list[JsonObject] = []
        page = 0
        for position in range(self._document_count(r)):
            pages = range(page, page := page + 1 + (below(r, 3) if r() < 0.3 else 0))
            documents.append(self._document(r, name, position, pages))
        return {
            "original_file_name": name,
            "input_file_path": f"inbox/{self.run_id}/{name}",
            "documents": documents,
        }

    def _random(self, index: int) -> Random:
        # Different for each pair of seed and index: the index (from -1 on) uses the low 64 bits.
        return random.Random((self.seed << 64) + index + 1).random  # noqa: S311

    def _document_count(self, r: Random) -> int:
        share = r()
        if self.documents_per_file is not None:
            return self.documents_per_file
        return 0 if share < 0.04 else 1 if share < 0.7 else 2 if share < 0.9 else 3 + below(r, 3)

    def _document(self, r: Random, file_name: str, position: int, pages: range) -> JsonObject:
        class_name: str | None = CLASS_NAMES[int(r() * len(CLASS_NAMES))]
        if r() < 0.04 and self.fields_per_document is None:
            class_name = None
        plan = self._plans[class_name] if class_name else ()
        reviewed = self.status == "COMPLETE" or r() < 0.3
        stem = f"outbox/{self.run_id}/{file_name.removesuffix('.pdf')}"
        return make_document(r, class_name, plan, pages, stem, position, reviewed)

    def _case_documents(self) -> list[JsonObject]:
        return [document for file in self.files(0, _CASE_FILES) for document in file["documents"]]

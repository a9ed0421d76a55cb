"""A contract, compiled into what is checked in answers."""

from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any

from run_results_conformance.server.contract import Contract
from run_results_conformance.server.parameters import Parameter
from run_results_conformance.server.terms import SpecError

from .inspection import Finding, Inspection, Inspector
from .schemas import SchemaValidator
from .trimming import Trimmer

_LIST = "list_runs"


class SpecView:
    """What a contract says of answers.

        spec = spec_view_of(load_contract())
        spec.inspect(page, flags).findings      # breaches that no schema can say
        spec.schema_findings(200, page)         # breaches of the schema
        spec.trim(page, flags)                  # what the contract names, to compare

    Raises SpecError for a spec that it cannot interpret.
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.flags = frozenset(contract.flags)
        self._inspector = Inspector(contract)
        self._trimmer = Trimmer(contract)
        self._schemas = SchemaValidator(contract, self._inspector)

    def inspect(self, answer: Any, flags: frozenset[str] | None) -> Inspection:
        """Walks a 200 answer to a request with `flags` (None: it is open which they were)."""
        return self._inspector.inspect(answer, flags)

    def schema_findings(self, status: int, body: Any) -> list[Finding]:
        """Where the body of a status breaks its schema. Field names are left to `inspect`."""
        return self._schemas.findings(status, body)

    def trim(self, answer: Any, flags: frozenset[str]) -> Any:
        """The answer with only what the contract names, and of that only what `flags` ask for."""
        return self._trimmer.trim(answer, flags)

    def trim_files(self, files: Sequence[Any], flags: frozenset[str]) -> list[Any]:
        """The same for files."""
        items = self.contract.pagination.items
        trimmed: list[Any] = self.trim({items: list(files)}, flags)[items]
        return trimmed

    @property
    def has_run_lists(self) -> bool:
        """Whether the contract has the operation that lists runs."""
        return _LIST in self.contract.operations

    @cached_property
    def run_lists(self) -> "SpecView":
        """The view of the operation that lists runs. Raises SpecError if the contract has none."""
        if not self.has_run_lists:
            raise SpecError(f"the contract has no operation {_LIST}")
        return spec_view_of(self.contract.operations[_LIST])

    @cached_property
    def run_id_parameter(self) -> Parameter:
        """The parameter that holds the run id."""
        return next(each for each in self.contract.parameters.values() if each.place == "path")

    @cached_property
    def context_parameter(self) -> Parameter:
        """The header that holds the context."""
        return next(each for each in self.contract.parameters.values() if each.place == "header")

    @cached_property
    def greatest_offset(self) -> int:
        """The greatest offset that a request may have."""
        offset = self.contract.parameters[self.contract.pagination.offset]
        return int(offset.schema.get("maximum", 2**63 - 1))

    @cached_property
    def statuses(self) -> frozenset[str]:
        """The run statuses that the spec lists."""
        page = self.contract.resolve(self.contract.answer_schema)
        found = self.contract.resolve(page.get("properties", {}).get("status", {})).get("enum")
        if not found:
            raise SpecError("the spec lists no status of a run")
        return frozenset(map(str, found))


@cache
def spec_view_of(contract: Contract) -> SpecView:
    """The view of a contract, compiled once."""
    return SpecView(contract)

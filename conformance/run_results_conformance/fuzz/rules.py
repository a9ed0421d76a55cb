"""Which of our rules a check of schemathesis is about."""

from typing import TYPE_CHECKING, Any

from run_results_conformance.server.contract import Contract

if TYPE_CHECKING:
    from schemathesis import Case

    AnyCase = Case[Any]


def rule_of(contract: Contract, check: str, case: "AnyCase", failure: Any, status: int) -> str | None:
    """Our rule for a check of schemathesis; None if there is none."""
    simple = _simple(status, "shape.results")
    if check in simple:
        return simple[check]
    if check == "ignored_auth":
        invalid = failure is not None and str(failure.scenario) != "no_auth"
        return "authentication.exact" if invalid else "authentication.required"
    if check == "negative_data_rejection":
        return _refusal(contract, _changed(case))
    if check == "positive_data_acceptance":
        offset = contract.pagination.offset in (case.query or {})
        return "inputs.offset-int64" if offset else "inputs.boolean-read"
    return None


def list_rule_of(contract: Contract, check: str, case: "AnyCase", status: int) -> str | None:
    """The same for the list of runs. What it must accept is left to `check`, which knows which runs there are."""
    if check == "ignored_auth":
        return "runs.authentication"
    if check != "negative_data_rejection":
        return _simple(status, "runs.shape").get(check)
    changed = [contract.parameters[name] for name in _changed(case) if name in contract.parameters]
    if any(each.place == "header" for each in changed):
        return "inputs.context-refused"
    # Of texts the rule says nothing: an empty one may be no filter.
    return "runs.refused" if any("enum" in each.schema or "minimum" in each.schema for each in changed) else None


def _simple(status: int, shape: str) -> dict[str, str]:
    """Our rules for the checks of schemathesis that need no more than the status. `shape` is the one for a 200."""
    return {
        "not_a_server_error": "errors.server-error",
        "content_type_conformance": "wire.content-type",
        "response_headers_conformance": "errors.authenticate" if status == 401 else "errors.retry-after",
        "response_schema_conformance": shape if status == 200 else "errors.shape",
    }


def _changed(case: "AnyCase") -> set[str]:
    """The names of the parameters that schemathesis made invalid."""
    if case.meta is None:
        return set()
    data = case.meta.phase.data
    return {str(name) for name in (data.parameter, *(each.parameter for each in data.mutations)) if name}


def _refusal(contract: Contract, names: set[str]) -> str | None:
    """Our rule about invalid values of one of these parameters."""
    rules = {"query": "inputs.boolean-refused", "header": "inputs.context-refused", "path": "inputs.run-id-odd"}
    if contract.pagination.offset in names:
        return "inputs.offset-refused"
    return next((rules[each.place] for name, each in contract.parameters.items() if name in names), None)

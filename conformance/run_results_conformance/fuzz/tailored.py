"""The spec as schemathesis gets it: for one deployment, with ids of its own runs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from run_results_conformance.server.contract import Contract
from run_results_conformance.server.run_list import LIST_RUNS
from run_results_conformance.server.terms import JsonObject


def tailored(
    contract: Contract, runs: Sequence[str], *, context: str | None = None, with_lists: bool = True
) -> JsonObject:
    """The spec for one deployment: with its own run ids, with the context, and without the list if it has none.

    With other ids every answer would be 404, and no page would be seen. So these ids become the only values of the
    parameter. Only the server knows which other texts are ids of runs: both 404 and 400 are right for them. The context
    becomes fixed, too, because in a context that the token may not act in every request is refused.
    """
    copy: JsonObject = _copied(contract.document)
    copy["servers"] = [{"url": "/"}]
    whole = Contract(copy)
    offered = [each for each in whole.operations.values() if each is whole or (with_lists and each.name == LIST_RUNS)]
    copy["paths"] = {each.path: {each.method: each.operation} for each in offered}
    places = {"path": list(runs), "header": [context] if context is not None else None}
    for each in offered:
        operation: Any = each.operation
        operation["parameters"] = list(_fixed(whole, operation.get("parameters", ()), places))
    return copy


def _fixed(
    contract: Contract, parameters: Sequence[Any], places: Mapping[str, list[str] | None]
) -> Iterator[Mapping[str, Any]]:
    """Parameters of an operation, those of some places with their only values. None leaves a place out."""
    for reference in parameters:
        node = contract.resolve(reference)
        values = places.get(node["in"], [])
        if values:
            examples = {f"known-{number}": {"value": value} for number, value in enumerate(values)}
            yield {**node, "schema": {"type": "string", "enum": values}, "examples": examples}
        elif values is not None:
            yield node


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _copied(part) for name, part in value.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return [_copied(part) for part in value] if isinstance(value, list) else value

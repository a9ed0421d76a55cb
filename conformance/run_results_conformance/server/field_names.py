"""The project's field names in runs."""

from collections.abc import Iterator, Mapping
from typing import Any

from .contract import Contract, load_contract
from .runs import Store
from .terms import JsonObject

_MOST_FILES = 400
"""Files of a run that are looked at. A synthetic run has all of its names in far fewer."""


def field_names(contract: Contract, page: JsonObject) -> Iterator[str]:
    """Every string of a page that the spec gives the format of a field name."""

    def walk(node: Mapping[str, Any], value: Any) -> Iterator[str]:
        schema = contract.resolve(node)
        if schema.get("format") == "api-field-name" and isinstance(value, str):
            yield value
        for keyword in ("allOf", "anyOf", "oneOf"):
            for branch in schema.get(keyword, ()):
                yield from walk(branch, value)
        if isinstance(value, dict):
            for name, inner in schema.get("properties", {}).items():
                if name in value:
                    yield from walk(inner, value[name])
        elif isinstance(value, list) and "items" in schema:
            for item in value:
                yield from walk(schema["items"], item)

    return walk(contract.answer_schema, page)


def names_in(store: Store, *contexts: str | None) -> tuple[str, ...]:
    """The project's own field names in the runs of a store, each once. Without a context, in those of all contexts."""
    contract = load_contract()
    found: dict[str, None] = {}
    for context, run_id in store:
        run = store.find(run_id, context)
        if run is not None and (not contexts or context in contexts):
            files = list(run.files(0, min(run.file_count, _MOST_FILES)))
            found.update(dict.fromkeys(field_names(contract, {**run.header, contract.pagination.items: files})))
    return tuple(found)

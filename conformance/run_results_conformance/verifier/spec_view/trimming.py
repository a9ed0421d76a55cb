"""Answers trimmed to what the contract names, and of that only what some flags ask for."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from run_results_conformance.server.contract import Contract

_Trim = Callable[[Any], Any]
_MOST_SETS = 1024  # sets of flags for which the trimming is kept


class Trimmer:
    """Trims 200 answers of a contract. Values are never changed; trimmed ones are new."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

        @lru_cache(maxsize=_MOST_SETS)
        def for_flags(flags: frozenset[str]) -> _Trim | None:
            return self._compile(contract.answer_schema, flags)

        self._for_flags = for_flags

    def trim(self, answer: Any, flags: frozenset[str]) -> Any:
        """The answer with only what the contract names, and of that only what `flags` ask for."""
        trim = self._for_flags(flags.intersection(self._contract.flags))
        return trim(answer) if trim else answer

    def _compile(self, node: Mapping[str, Any], flags: frozenset[str]) -> _Trim | None:
        """What trims the values of a schema; None where they stay whole."""
        schema = self._contract.resolve(node)
        for keyword in ("allOf", "anyOf", "oneOf"):
            for branch in schema.get(keyword, ()):
                if (found := self._compile(branch, flags)) is not None:
                    return found
        if "items" in schema and (item := self._compile(schema["items"], flags)):
            return lambda value: [item(part) for part in value] if type(value) is list else value
        # An object with free keys is compared whole.
        if "properties" not in schema or schema.get("additionalProperties") is True:
            return None
        kept = {
            name: self._compile(part, flags)
            for name, part in schema["properties"].items()
            if part.get("x-include") is None or part["x-include"] in flags
        }
        return _object_trim(kept)


def _object_trim(kept: Mapping[str, _Trim | None]) -> _Trim:
    names = frozenset(kept)
    inner = [(name, trim) for name, trim in kept.items() if trim is not None]

    def trim_object(value: Any) -> Any:
        if type(value) is not dict:
            return value
        whole = value.keys() <= names
        if whole and not inner:
            return value
        trimmed = dict(value) if whole else {name: part for name, part in value.items() if name in names}
        for name, trim in inner:
            if name in trimmed:
                trimmed[name] = trim(trimmed[name])
        return trimmed

    return trim_object

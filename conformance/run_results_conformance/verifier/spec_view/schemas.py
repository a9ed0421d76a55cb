"""Bodies validated against the schemas of the spec."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs

from run_results_conformance.server.contract import Contract

from .inspection import MOST_FINDINGS, Finding, Inspector
from .values import at

_LONGEST_WORDS = 20_000


class SchemaValidator:
    """Validates the bodies of a contract's answers. Field names are left to the `inspector`."""

    def __init__(self, contract: Contract, inspector: Inspector) -> None:
        self._inspector = inspector
        self._listed = frozenset(str(status) for status in contract.operation["responses"])

        @cache
        def validator(status: str) -> Any:
            schema = json.loads(json.dumps(contract.validation_schema(status)))
            _open_enums(schema)
            formats = {"api-field-name": inspector.is_name}
            return jsonschema_rs.validator_for(schema, formats=formats, validate_formats=True)

        self._validator = validator

    def findings(self, status: int, body: Any) -> list[Finding]:
        """Where the body of a status breaks its schema, at most fifty places."""
        rule = "shape.results" if status == 200 else "errors.shape"
        errors = self._errors(str(status), body)
        return [
            Finding(rule, tuple(error.instance_path), error.message[:_LONGEST_WORDS], at(body, error.instance_path))
            for error, _ in zip(errors, range(MOST_FINDINGS), strict=False)
        ]

    def _errors(self, status: str, body: Any) -> Iterator[Any]:
        for error in self._validator(status if status in self._listed else "default").iter_errors(body):
            keyword = str(error.schema_path[-1]) if error.schema_path else ""
            if keyword not in ("format", "pattern") or not self._inspector.is_name_place(error.instance_path):
                yield error


def _open_enums(node: Any) -> None:
    """Takes the closed list away where the spec says that it is open."""
    if isinstance(node, dict):
        if node.get("x-extensible-enum"):
            node.pop("enum", None)
        for part in node.values():
            _open_enums(part)
    elif isinstance(node, list):
        for part in node:
            _open_enums(part)

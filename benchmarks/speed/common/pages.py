"""The pages for decoding and encoding, made from a synthetic run."""

import json
from functools import cache
from typing import Any

from run_results_conformance.server.contract import load_contract
from run_results_conformance.server.synthetic import SyntheticRun

FILES = 50
"""Files on a page."""


@cache
def heavy(quick: bool = False) -> bytes:
    """A page of 4 MB with everything included: 13,000 fields, 56,000 objects. A quarter of it if `quick`."""
    return _page(_run(fields=65), FILES // 4 if quick else FILES, everything=True)


@cache
def lean(quick: bool = False) -> bytes:
    """A page of 0.6 MB without include flags: 7,000 fields, most of whose members are unset."""
    return _page(_run(fields=35), FILES // 4 if quick else FILES, everything=False)


def _run(fields: int) -> SyntheticRun:
    return SyntheticRun(seed=1, files=1000, documents_per_file=4, fields_per_document=fields)


def _page(run: SyntheticRun, files: int, *, everything: bool) -> bytes:
    contract = load_contract()
    page: dict[str, Any] = {**run.header, "files": run.files(0, files), "has_more": True}
    page = contract.project(page, frozenset(contract.flags if everything else ()))
    page = without_null_edits(page)
    return json.dumps(page, ensure_ascii=False, separators=(",", ":")).encode()


def without_null_edits(value: Any) -> Any:
    """The value without edit messages that are null: the contract allows them, but the vendor's SDK refuses them."""
    if isinstance(value, dict):
        if "modifications" in value:
            value = {**value, "modifications": [part for part in value["modifications"] if part["message"] is not None]}
        return {key: without_null_edits(part) for key, part in value.items()}
    return [without_null_edits(part) for part in value] if isinstance(value, list) else value


def without_nulls(value: Any) -> Any:
    """The value without members that are null, because not every peer distinguishes null from absent."""
    if isinstance(value, dict):
        return {key: without_nulls(part) for key, part in value.items() if part is not None}
    return [without_nulls(part) for part in value] if isinstance(value, list) else value

"""Where a rule comes from, in a form that programs can follow: a line of the spec, and a link."""

import json
import re
from collections.abc import Mapping
from functools import cache

from run_results_conformance.server.contract import Contract, installed, load_contract
from run_results_conformance.verifier.rules import Rule

SPEC_FILE = "openapi.yaml"
"""The file that lines are counted in: the spec as it stands at the root of its repository."""

_LISTS = "runs"  # the family of the operation that lists runs
_SECTIONS = ("schemas", "parameters", "responses", "headers", "securitySchemes")


def spec_line(rule: Rule) -> int:
    """The line in the spec of the first part that the rule's source names; else that of the rule's operation."""
    contract, lines = load_contract(), _lines()
    operation = next(each for each in contract.operations.values() if _is_about(rule, each))
    named = re.search(rf"{re.escape(SPEC_FILE)}, ([^;]*)", rule.source)
    for word in re.findall(r"[\w-]+", named[1] if named else ""):
        for pointer in _candidates(word, contract, operation):
            if pointer in lines:
                return lines[pointer]
    return lines[_pointer(operation)]


def help_link(rule: Rule) -> str:
    """The address of the standard that a rule rests on first; empty where it rests on the spec alone."""
    if found := re.search(r"RFC (\d+)(?:, (\d+(?:\.\d+)*))?", rule.source):
        number, section = found.groups()
        return f"https://www.rfc-editor.org/rfc/rfc{number}.html{f'#section-{section}' if section else ''}"
    if found := re.search(r"CWE-(\d+)", rule.source):
        return f"https://cwe.mitre.org/data/definitions/{found[1]}.html"
    return ""


@cache
def _lines() -> Mapping[str, int]:
    lines: dict[str, int] = json.loads(installed("lines.json").read_text("utf-8"))
    return lines


def _is_about(rule: Rule, operation: Contract) -> bool:
    return bool(operation.operation.get("x-addition")) is (rule.family == _LISTS)


def _pointer(operation: Contract) -> str:
    return f"/paths/{operation.path.replace('~', '~0').replace('/', '~1')}/{operation.method}"


def _candidates(word: str, contract: Contract, operation: Contract) -> list[str]:
    """The parts of the spec that a word may name, by JSON pointers, the likeliest first."""
    named = contract.operations.get(word)
    answer = str(operation.answer_schema.get("$ref", "")).removeprefix("#")
    return [
        *(f"/components/{section}/{word}" for section in _SECTIONS),
        *([_pointer(named)] if named else []),
        f"{_pointer(operation)}/{word}",
        f"{answer}/properties/{word}",
        f"/components/{word}",
        f"/{word}",
    ]

"""What a maintainer writes by hand for a new property and for a new include flag, as edits of a copy of the project.

`python -m tests.exercises` says how many files and lines each takes; CONTRIBUTING.md has these figures, and
`tests/test_exercises.py` makes both edits in a copy and runs the tests of the contract there.
"""

import difflib
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[1]


@frozen
class Edit:
    """A change of one file's text."""

    path: str
    change: Callable[[str], str]


def below(path: str, mark: str, *lines: str) -> Edit:
    """Lines below the one line that has the mark."""
    return Edit(path, partial(_below, mark=mark, lines=lines))


def _below(text: str, mark: str, lines: Sequence[str]) -> str:
    old = text.splitlines(keepends=True)
    (found,) = (number for number, line in enumerate(old) if mark in line)
    return "".join([*old[: found + 1], *(f"{line}\n" for line in lines), *old[found + 1 :]])


def instead(path: str, mark: str, text: str) -> Edit:
    """A text in place of another, which stands there once."""
    return Edit(path, partial(_instead, mark=mark, new=text))


def _instead(text: str, mark: str, new: str) -> str:
    if text.count(mark) != 1:
        raise ValueError(f"{mark!r} does not stand there once")
    return text.replace(mark, new)


def _shown(text: str, line: str) -> str:
    """The contract with a line for each field in its examples that shows where it was found."""
    schemas, mark, examples = text.partition("\n  examples:\n")
    return schemas + mark + re.sub(r"^( +)source_coordinates:", rf"\1{line}\n\g<0>", examples, flags=re.MULTILINE)


def _property(name: str, flag: str, value: str, day: str) -> list[Edit]:
    """A text property of a field from that day on, in tables, `fetch` and synthetic runs, and not in the report."""
    return [
        below(
            "openapi.yaml",
            "description: Why extraction failed; empty or absent when it did not.",
            f"        {name}:",
            "          type: string",
            f'          x-since: "{day}"',
            f"          x-include: {flag}",
            f"          description: The {name} of the value.",
        ),
        Edit("openapi.yaml", partial(_shown, line=f"{name}: {value}")),
        below("tests/test_contract.py", "Field: field_name ApiFieldName | value", f"Field: {name} string"),
        instead("tests/test_contract.py", "== 16 + 3 + 5 + 8", "== 16 + 3 + 5 + 8 + 1"),
        below(
            "wrapper/run_results/tables/schema.py",
            '"The type that the project gives the field."',
            f'        Column("{name}", "string", "The {name} of the value.", source="{name}"),',
        ),
        below(
            "conformance/run_results_conformance/server/synthetic/documents.py",
            "fields = [_field(r, name, kind",
            f'    fields = [{{**part, "{name}": "{value}"}} for part in fields]',
        ),
        below(
            "conformance/run_results_conformance/evolve/unmapped.toml",
            "here that is no longer needed. A property is",
            "",
            "[[unmapped]]",
            'place = "report"',
            f'what = ["Field.{name}"]',
            'why = "the report shows what reviewers look for"',
        ),
    ]


def _version(name: str, day: str, *more: str) -> Edit:
    """The vendor's new version, in the record of them all."""
    place = f'"$.files[].documents[].fields[].{name}": {{"type": "string"}}'
    new = [f' {{"date": "{day}",', *more, '  "drop": [],', f'  "set": {{{place}}}}}']
    return instead("tests/history/shapes.json", "}\n]\n}\n", "\n".join(["},", *new, "]", "}", ""]))


PROPERTY = [
    *_property("language", "include_source_info", "en", "2030-01-01"),
    _version("language", "2030-01-01"),
    below("tests/test_contract.py", 'f"source_coordinates/{part}"', '            "language",'),
    below(
        "wrapper/run_results/cli/rows.py",
        '"source": lambda row',
        '        "language": lambda row: row.field.language if isinstance(row.field, Field) else UNSET,',
    ),
]
"""A property that a flag of today gates."""

FLAG = [
    *_property("translation", "include_translations", "Mira", "2030-02-02"),
    _version("translation", "2030-02-02", '  "flags": ["translations"],'),
    below(
        "openapi.yaml",
        '- $ref: "#/components/parameters/IncludeSourceInfo"',
        '        - $ref: "#/components/parameters/IncludeTranslations"',
    ),
    instead(
        "openapi.yaml",
        "\n    FileOffset:\n",
        """
    IncludeTranslations:
      name: include_translations
      in: query
      description: Adds each value in English.
      schema:
        type: boolean
        default: false
      examples:
        "on":
          value: true
    FileOffset:
""",
    ),
    below("tests/test_contract.py", "RETURNED: dict", '    "include_translations": {FIELD: ["translation"]},'),
    below(
        "wrapper/run_results/cli/rows.py",
        "ADDED: Mapping[",
        "    Include.TRANSLATIONS: {",
        '        "translation": lambda row: row.field.translation if isinstance(row.field, Field) else UNSET,',
        "    },",
    ),
]
"""A flag that gates a new property."""

EXERCISES = {
    "a text property of a field, in tables, `fetch` and synthetic runs": PROPERTY,
    "an include flag that gates such a property": FLAG,
}


def make(edits: Sequence[Edit], root: Path) -> dict[str, int]:
    """Make the edits below a folder; returns how many lines are new or changed in each file."""
    before = {edit.path: (root / edit.path).read_text("utf-8") for edit in edits}
    after = dict(before)
    for edit in edits:
        after[edit.path] = edit.change(after[edit.path])
    for path, text in after.items():
        (root / path).write_text(text, "utf-8")
    return {path: _new_lines(before[path], after[path]) for path in before}


def _new_lines(before: str, after: str) -> int:
    return sum(line.startswith("+ ") for line in difflib.ndiff(before.splitlines(), after.splitlines()))


def copied(folder: Path) -> Path:
    """A copy of the project's files in a new folder."""
    left_out = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "dist", "build")
    return Path(shutil.copytree(ROOT, folder / "project", ignore=left_out))


def table() -> str:
    """The exercises with their figures, for CONTRIBUTING.md."""
    lines = ["| exercise | files by hand | new or changed lines in each |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        root = copied(Path(folder))
        for what, edits in EXERCISES.items():
            lines_of = make(edits, root)
            listed = ", ".join(f"`{path}` {count}" for path, count in lines_of.items())
            lines.append(f"| {what} | {len(lines_of)} | {listed} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())

"""What an export says of itself on disk: `_export.json` beside the parts, and `_SUCCESS` when all is there.

Both have the same form: the version of the form, the options, the state that the run was in, how many files of the run
are exported, the size in bytes of each file that was written, and what was counted in it.
"""

import json
from pathlib import Path
from typing import Any, Final

from attrs import asdict, define, field

from run_results.errors import ExportMismatch
from run_results.export.result import Totals
from run_results.files import file_errors, write_file
from run_results.include import Include
from run_results.page import Page
from run_results.page_checks import state_of
from run_results.text import quote
from run_results_api.types import UNSET

_VERSION: Final = 3
"""It grows when an export that was begun before can no longer be resumed."""
SCHEMA_OPTION: Final = "schema_version"
"""The option that says in which version of the schema the tables are."""
CSV_OPTIONS: Final = ("guard", "dialect", "separator")
"""The options of CSV files; null for other formats."""
COLUMNS_OPTION: Final = "columns"
"""The option that says which columns the tables have."""
NAMES_OPTION: Final = "names"
"""The option that says which names the project has: a digest of them."""
WIDE_NAMES_OPTION: Final = "wide_names"
"""The option that says which columns the names give the wide view: a digest of them, too."""


@define
class Manifest:
    """What an export says of itself."""

    options: dict[str, Any]
    state: dict[str, Any]
    """The run's status, times, batch and review when the export began."""
    files: int = 0
    """How many files of the run a complete export has."""
    sizes: dict[str, int] = field(factory=dict)
    """The size of each part, by table and name; where parts were merged, of each file that was made of them."""
    counts: dict[str, dict[str, Any]] = field(factory=dict)
    """What each part has, by its name; where all is there, what the whole has, under `""`."""
    classes: list[str | None] | None = None
    """The classes of the documents, where none has the one that the wide view is of."""
    version: int = _VERSION

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read a manifest. Raises `ExportMismatch` where it is none, or of another version."""
        with file_errors("read", path):
            content = path.read_bytes()
        try:
            found = json.loads(content)
            version = found.pop("version", 1)
            if version == _VERSION:
                manifest = cls(**found)
                known = (manifest.options, manifest.state, manifest.sizes, manifest.counts)
                for counts in manifest.counts.values():
                    Totals.read(counts)  # a TypeError where it is none
                if all(isinstance(each, dict) for each in known) and int(manifest.files) >= 0:
                    return manifest
            elif "options" in found:
                raise ExportMismatch(
                    f"{str(path)!r} is of an export that another version of run-results wrote", path=str(path)
                )
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise ExportMismatch(f"{str(path)!r} is not what an export writes", path=str(path))

    def write(self, path: Path) -> None:
        """Write the manifest, whole."""
        write_file(path, json.dumps(asdict(self), indent=1).encode())

    @property
    def mark(self) -> dict[bytes, bytes]:
        """What each file of the export has in the metadata of its schema, where the format has such."""
        return {b"run_results.export": json.dumps([self.options, self.state], sort_keys=True).encode()}

    def check_options(self, options: dict[str, Any], path: Path) -> None:
        """Raises `ExportMismatch` where the export was made with others than these options."""
        different = {name: wanted for name, wanted in options.items() if self.options.get(name) != wanted}
        if SCHEMA_OPTION in different:
            text = f"{str(path)!r} is of an export with version {self.options.get(SCHEMA_OPTION)} of the tables' schema"
            raise ExportMismatch(f"{text}; this is version {options[SCHEMA_OPTION]}", path=str(path))
        columns = different.pop(COLUMNS_OPTION, None)  # they also follow from other options
        if "format" in different:  # from which these follow
            different = {name: wanted for name, wanted in different.items() if name not in (*CSV_OPTIONS, "result")}
        if different:
            changes = dict.fromkeys(_change(name, self.options.get(name), now) for name, now in different.items())
            text = f"{str(path)!r} holds an export with other options: {'; '.join(changes)}"
            raise ExportMismatch(text[:500], path=str(path))
        if columns is not None:
            text = f"{str(path)!r} is of an export by another version of run-results, whose tables have other columns"
            raise ExportMismatch(text, path=str(path))

    def changes(self, page: Page) -> list[str]:
        """What is different about the run since the export began."""
        return [
            f"{name} from {self.state[name]} to {value}"
            for name, value in run_state(page).items()
            if self.state.get(name, value) != value
        ]


def _change(name: str, before: Any, now: Any) -> str:
    """What changed about an option, in words.

    >>> _change("include", 15, 2), _change("names", "5271", "d7e7"), _change("typed", None, [",", "dmy"])
    ('include was all and is confidence', 'the names changed', "typed was off and is ',', dmy")
    """
    if name in (NAMES_OPTION, WIDE_NAMES_OPTION):  # of which only a digest is known
        return "the names changed"
    shown = "format" if name == "result" else name
    return f"{shown} was {_in_words(name, before)} and is {_in_words(name, now)}"


def _in_words(name: str, value: Any) -> str:
    if name == "include" and isinstance(value, int):
        flags = [str(flag.name).lower() for flag in Include if value & flag.value]
        return ",".join(flags) if value and value != Include.ALL.value else "all" if value else "none"
    if value is None or isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(_in_words("", each) for each in value if each is not None) or "on"
    text = str(value)
    return text if text.isidentifier() else quote(text)


def run_state(page: Page) -> dict[str, Any]:
    """The values by which one state of a run differs from another, as JSON has them."""
    return {name: None if value is UNSET else value for name, value in state_of(page).items()}

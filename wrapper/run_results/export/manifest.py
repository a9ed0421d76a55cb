"""What an export says of itself on disk: `_export.json` beside the parts, and `_SUCCESS` when all is there.

Both have the same form: the version of the form, the options, the state that the run was in, how many files of the run
are exported, and the size in bytes of each file that was written.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from attrs import asdict, define, field

from run_results.errors import ExportMismatch
from run_results.files import file_errors, write_file
from run_results.page import Page
from run_results.page_checks import state_of
from run_results.tables.values import Unread
from run_results_api.types import UNSET

_VERSION: Final = 2
"""It grows when an export that was begun before can no longer be resumed."""
SCHEMA_OPTION: Final = "schema_version"
"""The option that says in which version of the schema the tables are."""
COLUMNS_OPTION: Final = "columns"
"""The option that says which columns the tables have."""


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
    unread: dict[str, int] = field(factory=dict)
    """How many typed values of the parts could not be read; see `Unread`."""
    unread_by_part: dict[str, dict[str, int]] = field(factory=dict)
    """The same for each part, by its name, until the export is complete."""
    version: int = _VERSION

    def count_unread(self, part: str, unread: Unread, before: Iterable[str]) -> None:
        """Note how many values of a part could not be read; `before` names the parts before it."""
        names = list(before)
        self.unread = asdict(self.unread_in(names) + unread)
        self.unread_by_part = {name: self.unread_by_part.get(name, {}) for name in names} | {part: asdict(unread)}

    def unread_in(self, parts: Iterable[str] | None) -> Unread:
        """How many values of these parts could not be read; with None, of the whole export."""
        if parts is None:
            return Unread(**self.unread)
        return sum((Unread(**self.unread_by_part.get(name, {})) for name in parts), Unread())

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
                known = (manifest.options, manifest.state, manifest.sizes, manifest.unread_by_part)
                Unread(**manifest.unread)
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
        for name, wanted in options.items():
            if self.options.get(name) == wanted:
                continue
            if name == SCHEMA_OPTION:
                text = f"{str(path)!r} is of an export with version {self.options.get(name)} of the tables' schema"
                advice = "Export the run anew into another place"
                raise ExportMismatch(f"{text}; this is version {wanted}", path=str(path), advice=advice)
            if name == COLUMNS_OPTION:
                text = (
                    f"{str(path)!r} is of an export by another version of run-results, whose tables have other columns"
                )
                raise ExportMismatch(text, path=str(path))
            text = f"{str(path)!r} holds an export with other options: {name} {self.options.get(name)!r}"
            raise ExportMismatch(f"{text}, not {wanted!r}"[:500], path=str(path))

    def changes(self, page: Page) -> list[str]:
        """What is different about the run since the export began."""
        return [
            f"{name} from {self.state[name]} to {value}"
            for name, value in run_state(page).items()
            if self.state.get(name, value) != value
        ]


def run_state(page: Page) -> dict[str, Any]:
    """The values by which one state of a run differs from another, as JSON has them."""
    return {name: None if value is UNSET else value for name, value in state_of(page).items()}

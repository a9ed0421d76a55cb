"""What one export is to make: of which run, with which options, in which files."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import frozen

from run_results.errors import ConfigurationError, ExportError
from run_results.export.manifest import COLUMNS_OPTION, CSV_OPTIONS, NAMES_OPTION, SCHEMA_OPTION, WIDE_NAMES_OPTION
from run_results.export.options import ExportOptions
from run_results.files import file_errors, temporary
from run_results.paths import is_folder_path, local_path
from run_results.tables.options import FORMATS, Csv, Format
from run_results.tables.schema import TABLES, VERSION, What, columns
from run_results.tables.wide import Pivot


@frozen
class Plan:
    """What one export is to make, and where."""

    run_id: str
    path: Path
    options: ExportOptions
    is_file: bool
    """Whether `path` is one file, and no folder."""
    format: Format
    tables: tuple[What, ...]

    @property
    def merges(self) -> bool:
        """Whether files are made from the parts at the end, in place of the parts."""
        return self.is_file or self.options.single_file or self.options.wide is not None

    @property
    def parts(self) -> Path:
        """The folder of the parts."""
        if self.is_file:
            return self.path.with_name(f"{self.path.name}.parts")
        return self.path / "_parts" if self.merges else self.path

    @property
    def part_format(self) -> Format:
        """The format of the parts."""
        return "parquet" if self.merges else self.format

    @property
    def manifest(self) -> Path:
        """The file beside the parts that says what they are."""
        return self.parts / "_export.json"

    @property
    def success(self) -> Path:
        """The file that is written last: it says that the export is complete, and of what."""
        return self.path.with_name(f".{self.path.name}.export.json") if self.is_file else self.path / "_SUCCESS"

    @property
    def other_manifest(self) -> Path | None:
        """Where a manifest would be of an export to the same folder that merges where this one does not, or the other
        way round; None for a file.
        """
        if self.is_file:
            return None
        return self.path / ("_export.json" if self.merges else "_parts/_export.json")

    @property
    def part_options(self) -> dict[str, Any]:
        """The options that decide on the rows of the parts: no export is resumed with others, or two would be mixed."""
        options = self.options
        return {
            SCHEMA_OPTION: VERSION,
            "run_id": self.run_id,
            "format": self.part_format,
            "tables": list(self.tables),
            "include": options.include.value,
            NAMES_OPTION: options.names.digest[:16],
            "typed": [options.typed.decimal, options.typed.dates] if options.typed else None,
            **self._csv_options(self.part_format),
            COLUMNS_OPTION: self._columns,
        }

    def _csv_options(self, format: Format) -> dict[str, Any]:
        csv = self.options.csv
        values = [csv.guard, csv.dialect, csv.separator] if format == "csv" else [None] * 3
        return dict(zip(CSV_OPTIONS, values, strict=True))

    @property
    def _columns(self) -> str:
        """A digest of the columns' names: a later version may add one, and parts with and without it do not mix."""
        names = [column.name for what in self.tables for column in columns(what, typed=bool(self.options.typed))]
        return sha256(",".join(names).encode()).hexdigest()[:16]

    @property
    def all_options(self) -> dict[str, Any]:
        """The same, and the options that decide on the files made from the parts at the end."""
        wide = self.options.wide
        return {
            **self.part_options,
            **self._csv_options(self.format),
            "single_file": self.options.single_file or self.is_file,
            "wide": wide and [wide.class_name, wide.doubled, wide.confidence, wide.titles],
            WIDE_NAMES_OPTION: self._wide_names,
            "result": self.format,
        }

    @property
    def _wide_names(self) -> str | None:
        """A digest of the wide view's columns, where the project's names decide on them."""
        names = self.options.names
        if self.options.wide is None or not names:
            return None
        columns = [[field.api_name for field in names.known_fields(name)] for name in (None, *names.classes)]
        return sha256(repr(columns).encode()).hexdigest()[:16]

    def output(self, name: str) -> Path:
        """Where a file is that was made of the parts."""
        return self.path.parent / name if self.is_file else self.path / name

    def already_there(self, path: Path) -> ExportError:
        """The error for an export that is there and is not to be resumed."""
        text = f"there is an export at {str(path)!r} already"
        advice = "Continue it with {resume=True}, replace it with {overwrite=True}, or choose another place"
        return ExportError(text, path=str(path), advice=advice)


def make_plan(run_id: str, path: str | os.PathLike[str], options: ExportOptions) -> Plan:
    """Settle what depends on the path, before anything is sent or written.

    Raises `ConfigurationError` for what is no path here or has an unknown suffix, and `ExportError` for one that cannot
    be written.
    """
    place = local_path(path)
    with file_errors("write", place):
        suffix = "" if is_folder_path(path) else place.suffix.lower().removeprefix(".")
    by_suffix: Format | None = next((known for known in FORMATS if suffix == known), None)
    if suffix and by_suffix is None:
        text = f"{str(path)!r} has a suffix that is no format; there are .{', .'.join(FORMATS)}"
        raise ConfigurationError(text, advice="For a folder of that name, put a slash at its end")
    is_file = by_suffix is not None
    wide = options.wide
    tables = options.tables or (TABLES[:1] if is_file else TABLES)
    if is_file and options.format not in (None, by_suffix):
        text = f"{str(path)!r} has the suffix of {by_suffix}, and the format is to be {options.format}"
        raise ConfigurationError(text, option="format")
    if is_file and wide is not None and wide.class_name is None:
        text = f"{str(path)!r} is one file and holds one class: say which, or name a folder"
        raise ConfigurationError(text, option="class_name")
    if is_file and wide is None and len(tables) > 1:
        text = f"{str(path)!r} is one file and holds one table, not {len(tables)}; name a folder"
        raise ConfigurationError(text, option="tables")
    if wide is not None:
        Pivot(wide, options.names)  # raises for names with more fields than a wide table has
    plan = Plan(
        run_id=run_id,
        path=place,
        options=options,
        is_file=is_file,
        format=options.format or by_suffix or "parquet",
        tables=tables if wide is None else ("fields", "documents"),
    )
    if plan.format != "csv" and options.csv != Csv(options.guard):
        raise ConfigurationError(f"a dialect and a separator are for CSV, and not for {plan.format}")
    with file_errors("write", place):
        (temporary(plan.success) if is_file else place).exists()  # raises where the name is too long
        if is_file and place.exists() and not place.is_file():
            raise ExportError(f"cannot write {str(path)!r}: it is there and is no file", path=str(path))
    return plan

"""The export of a run: pages in, a folder of parts out, which can be killed at any moment and gone on with.

    out/_export.json                         what is exported, and in which state the run was
    out/fields/part-0000000000-0000000450.parquet
    out/fields/part-0000000450-0000001000.parquet
    out/documents/part-...                   the same parts of every table
    out/_SUCCESS                             written last

A part holds the files of the run from its first offset up to its second. Each table's file of it is written under a
temporary name, brought to disk and renamed; the part counts when it is there for every table. So the names are the
checkpoint: going on means to follow the parts from 0 without a gap, to remove what we left unfinished behind them, and
to walk from there.

One file instead of parts, and the wide view, are made of such parts at the end, one part at a time.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import define, evolve, field, frozen

from run_results.errors import ConfigurationError, ExportError, ExportMismatch, RunResultsError
from run_results.events import log
from run_results.export.options import ExportOptions
from run_results.export.result import Exported
from run_results.fields import failed
from run_results.files import (
    Lock,
    Part,
    chain,
    discard,
    lock,
    make_folder,
    put_in_place,
    safe_name,
    sync_folder,
    telling,
    temporary,
    whole_file,
    write_file,
)
from run_results.page import Page
from run_results.page_checks import state_of
from run_results.tables.arrow import Tabulator, pc
from run_results.tables.formats import BYTES, ROWS, open_writer, read_metadata
from run_results.tables.options import FORMATS, Format
from run_results.tables.pivot import Pivot
from run_results.tables.schema import TABLES, VERSION, What
from run_results_api.types import UNSET

_LOG = log()
_MANIFEST: Final = "_export.json"
_SUCCESS: Final = "_SUCCESS"
_FINGERPRINT: Final = b"run_results.export"
_SECONDS: Final = 30.0
"""How long pages are kept in memory at most before they become a part: what a crash costs."""


@frozen
class Order:
    """What is to be exported, and how."""

    run_id: str
    path: Path
    chosen: ExportOptions
    format: Format
    tables: tuple[What, ...]
    as_file: bool
    """Whether `path` is one file, and no folder."""
    must_not_change: bool

    @property
    def single_file(self) -> bool:
        """Whether each table becomes one file at the end."""
        return self.chosen.single_file or self.as_file

    @property
    def merges(self) -> bool:
        """Whether something else than the parts themselves is wanted."""
        return self.single_file or self.chosen.wide is not None

    @property
    def parts(self) -> Path:
        """The folder of the parts."""
        if self.as_file:
            return self.path.with_name(f"{self.path.name}.parts")
        return self.path / "_parts" if self.merges else self.path

    @property
    def part_format(self) -> Format:
        """The format of the parts."""
        return "parquet" if self.merges else self.format

    @property
    def options(self) -> dict[str, Any]:
        """What decides on the rows of the parts: going on with other options would mix two exports."""
        chosen = self.chosen
        return {
            "schema_version": VERSION,
            "run_id": self.run_id,
            "format": self.part_format,
            "tables": list(self.tables),
            "include": chosen.include.value,
            "names": chosen.names.digest[:16],
            "typed": [chosen.typed.decimal, chosen.typed.dates] if chosen.typed else None,
            "guard": chosen.guard if self.part_format == "csv" else None,
        }

    @property
    def result(self) -> dict[str, Any]:
        """What is made of the parts at the end; it can still be chosen when they are there."""
        wide = self.chosen.wide
        shape = wide and [wide.class_name, wide.doubled, wide.confidence]
        return {"single_file": self.single_file, "wide": shape, "result": self.format}


def place_order(run_id: str, path: Path, chosen: ExportOptions, *, must_not_change: bool) -> Order:
    """Settle what depends on the path. Raises `ConfigurationError`."""
    by_suffix: Format | None = next((known for known in FORMATS if path.suffix.lower() == f".{known}"), None)
    if "\0" in str(path):
        raise ConfigurationError(f"no file can be called {str(path)[:80]!r}")
    with telling("write", path):
        as_file = by_suffix is not None and not path.is_dir()
        temporary(_companion(path)).exists() if as_file else path.exists()  # a name that is too long
    if as_file and chosen.format is not None and chosen.format != by_suffix:
        raise ConfigurationError(
            f"{str(path)!r} has the suffix of {by_suffix}, and the format is to be {chosen.format}"
        )
    wide = chosen.wide
    if wide is not None and wide.class_name is None and as_file:
        raise ConfigurationError(f"{str(path)!r} is one file and holds one class: say which, or name a folder")
    wanted = chosen.tables or (TABLES[:1] if as_file else TABLES)
    if as_file and wide is None and len(wanted) > 1:
        raise ConfigurationError(f"{str(path)!r} is one file and holds one table, not {len(wanted)}; name a folder")
    return Order(
        run_id=run_id,
        path=path,
        chosen=chosen,
        format=chosen.format or by_suffix or "parquet",
        tables=("fields", "documents") if wide is not None else wanted,
        as_file=as_file,
        must_not_change=must_not_change,
    )


@define
class Export:
    """One export: `start` says from which file on it wants pages, `add` takes them in order, `finish` ends it.

    To be used as a context manager. When something else fails on the way, what is there by then becomes a part.
    Every method raises `ExportError` where something cannot be written or read.
    """

    order: Order
    clock: Callable[[], float] = time.monotonic
    start: int = field(default=0, init=False)
    """The offset to walk from."""
    is_done: bool = field(default=False, init=False)
    """Whether everything is there already."""
    _lock: Lock = field(factory=Lock, init=False, repr=False)
    _tabulators: dict[What, Tabulator] = field(init=False, repr=False)
    _exported: Exported = field(init=False)
    _fingerprint: dict[str, Any] | None = field(default=None, init=False, repr=False)
    _chain: list[Part] = field(factory=list, init=False, repr=False)
    _unfinished: list[Path] = field(factory=list, init=False, repr=False)
    """Files of ours that are to go when the run has been seen to be the one that the parts are of."""
    _end: int = field(default=0, init=False)
    _status: str | None = field(default=None, init=False, repr=False)
    _waiting: list[dict[What, pa.RecordBatch]] = field(factory=list, init=False, repr=False)
    _waiting_since: float = field(default=0.0, init=False, repr=False)
    _is_new: bool = field(default=False, init=False, repr=False)
    _rows: int = field(default=0, init=False, repr=False)
    _bytes: int = field(default=0, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        order = self.order
        self._tabulators = {what: Tabulator(what, order.chosen.names, order.chosen.typed) for what in order.tables}
        self._exported = Exported(order.run_id, order.path, order.format)

    # From start to end --------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        order = self.order
        if order.as_file and order.path.exists():
            if not order.chosen.resume:
                raise self._there_already(order.path)
            self._accept(self._told_by_file())
            if order.parts.exists():  # they go when the file is whole
                self._lock = lock(order.parts)
            return self
        self._is_new = not order.path.exists()
        make_folder(order.parts)
        self._lock = lock(order.parts)
        try:
            self._look_around()
        except BaseException:
            self._lock.close()
            if order.merges:
                with suppress(OSError):  # nothing of ours is in it, unless it is left from before
                    order.parts.rmdir()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is not None and not isinstance(error, ExportError) and self._waiting:
                with suppress(RunResultsError):
                    self._flush()
            if error is not None and not self._chain:
                self._remove_folders()
        finally:
            self._lock.close()

    def add(self, page: Page) -> None:
        """Take the next page."""
        self._check(page)
        if self.is_done and page.files:
            raise self._mismatch(
                f"the run has more files than the {self.start} of the export at {str(self.order.path)!r},"
                " whose parts are gone"
            )
        self._status = None if page.is_finished else page.status
        if self.is_done:
            return
        self._clear(page)
        batches: dict[What, pa.RecordBatch] = {
            what: tabulator.batch(page) for what, tabulator in self._tabulators.items()
        }
        if not self._waiting:
            self._rows = self._bytes = 0
            self._waiting_since = self.clock()
        self._waiting.append(batches)
        self._end = page.offset + len(page.files)
        self._count(page, batches)
        self._rows += max(map(len, batches.values()))
        self._bytes += sum(batch.nbytes for batch in batches.values())
        late = self.clock() - self._waiting_since > _SECONDS
        if self._rows >= self.order.chosen.rows_per_part or self._bytes >= BYTES or late:
            self._flush()
        if self.order.chosen.progress is not None:
            self.order.chosen.progress(self._exported)

    def finish(self) -> Exported:
        """Write what is left, make one file or the wide view of the parts where that is wanted, and say so."""
        order = self.order
        if self._status is not None:
            text = "run %s is not finished (%s): it may get more files than the %d that are exported"
            _LOG.warning(text, order.run_id, self._status, self._end)
        if self.is_done:
            targets = [order.path.parent / name if order.as_file else order.path / name for name in self._outputs]
            if order.parts.exists():
                self._remove_parts()
        elif order.merges:
            self._flush()
            targets = []
            try:
                targets.extend(self._merge_wide() if order.chosen.wide else self._merge())
                if order.as_file:  # before the file: what has none is not taken for ours
                    self._succeed(_companion(order.path), targets)
            except BaseException:
                discard(targets)
                raise
            put_in_place(targets)
            if not order.as_file:
                self._succeed(order.path / _SUCCESS, targets)
            self._remove_parts()
        else:
            self._flush()
            targets = [order.path / what for what in order.tables]
            self._succeed(order.path / _SUCCESS, [])
        self._exported = evolve(self._exported, paths=tuple(targets), unfinished=self._status)
        return self._exported

    # What is there ------------------------------------------------------------------------------------------------

    def _look_around(self) -> None:
        """Find out where to begin, and what an earlier export left unfinished."""
        order = self.order
        manifest, success = order.parts / _MANIFEST, order.path / _SUCCESS
        names: dict[What, list[str]] = {what: self._names(order.parts / what) for what in order.tables}
        other = order.path / (_MANIFEST if order.merges else f"_parts/{_MANIFEST}")
        others = [] if order.as_file else [path for path in (success, other) if path.exists()]
        if not order.chosen.resume and (
            others or manifest.exists() or any(Part.parse(name) for found in names.values() for name in found)
        ):
            raise self._there_already(order.path if others else order.parts)
        for path in others:
            told = self._read(path)
            self._compare(told, order.options | order.result if path == success else order.options)
            if path == other:
                raise self._mismatch(f"{str(order.path)!r} holds an export of another form: {path.name}")
            if order.merges:
                self._accept(told)
                return
        if manifest.exists():
            self._fingerprint = self._read(manifest)
            self._compare(self._fingerprint, order.options)
        elif order.merges and not order.as_file:
            self._spare_others()
        self._follow(names)
        for what in order.tables:
            make_folder(order.parts / what)
        self.start = self._end = self._chain[-1].end if self._chain else 0
        self._exported = evolve(self._exported, start=self.start, files=self.start)

    def _spare_others(self) -> None:
        """Refuse to begin where files that are not ours have the names that ours will get."""
        order = self.order
        names = ["class-*", "unclassified"] if order.chosen.wide else order.tables
        with telling("read", order.path):
            there = sorted(path for name in names for path in order.path.glob(f"{name}.{order.format}"))
        if there:
            text = f"{str(there[0])!r} is there already and not ours; move it, or choose another place"
            raise ExportError(text, path=str(there[0]))

    def _accept(self, told: dict[str, Any]) -> None:
        """Take an export for done: one whose files are of this order, and as they were written."""
        order = self.order
        self._compare(told, order.options | order.result)
        outputs = told.get("outputs")
        if not isinstance(outputs, dict) or not (outputs or order.chosen.wide):
            raise self._mismatch(f"{str(order.path)!r} does not say which files it holds")
        for name, written in outputs.items():
            path = order.path.parent / name if order.as_file else order.path / name
            with telling("read", path):
                size = path.stat().st_size if path.exists() else None
            if size != written:
                found = "is not there" if size is None else f"has {size} bytes, and {written} were written"
                raise self._mismatch(f"{str(path)!r} {found}, and its parts are gone")
        self._fingerprint = told
        self.start = self._end = int(told["files"])
        self._exported = evolve(self._exported, start=self.start, files=self.start)
        self.is_done = True

    def _told_by_file(self) -> dict[str, Any]:
        """What the one file's companion says of it."""
        order = self.order
        if not _companion(order.path).exists():
            raise self._mismatch(f"{str(order.path)!r} is no file of an export that can be gone on with")
        return self._read(_companion(order.path))

    def _mismatch(self, text: str) -> ExportMismatch:
        return ExportMismatch(text, path=str(self.order.path), run_id=self.order.run_id)

    def _follow(self, names: dict[What, list[str]]) -> None:
        """Find the parts that follow each other and are there for every table; all others, and temporaries, may go."""
        order = self.order
        suffix = f".{order.part_format}"
        found = {what: {part for name in names[what] if (part := Part.parse(name))} for what in order.tables}
        common = {part for part in set.intersection(*found.values()) if part.suffix == suffix}
        if common and self._fingerprint is None:
            raise ExportMismatch(f"{str(order.parts)!r} has parts, and no {_MANIFEST} that says of what")
        self._chain = chain(common)
        for what in order.tables:
            kept = {part.name for part in self._chain}
            for name in names[what]:
                ours = Part.parse(name.removeprefix(".").removesuffix(".tmp"))
                if ours and name not in kept and ours.suffix == suffix:
                    self._unfinished.append(order.parts / what / name)
            for part in self._chain:
                self._verify(what, part)

    def _clear(self, page: Page) -> None:
        """Remove what is unfinished, once the first page has come: before, nobody knows whether it can be had again."""
        success = self.order.path / _SUCCESS
        if (self._unfinished or page.files) and not self.order.as_file and success.exists():
            with telling("remove", success):
                success.unlink()
            sync_folder(success.parent)
        unfinished, self._unfinished = self._unfinished, []
        for path in unfinished:
            with telling("remove", path):
                path.unlink(missing_ok=True)

    def _verify(self, what: What, part: Part) -> None:
        """Whether a part is the one that was written: of this export, under this name, of this size."""
        path = self.order.parts / what / part.name
        metadata = None
        with telling("read", path):
            size = path.stat().st_size
            with suppress(pa.ArrowException):
                metadata = read_metadata(path, self.order.part_format)
        if metadata is not None and metadata.get(_FINGERPRINT) != self._metadata[_FINGERPRINT]:
            raise ExportMismatch(f"{str(path)!r} is of another export than the parts around it", path=str(path))
        written = (self._fingerprint or {}).get("sizes", {}).get(f"{what}/{part.name}")
        if size != written:
            text = f"{str(path)!r} is not the part that was written: {size} bytes, and {written or 'none'} were"
            advice = "Remove it and continue with {resume=True}: it is fetched again"
            raise ExportMismatch(text, path=str(path), advice=advice)

    @staticmethod
    def _names(folder: Path) -> list[str]:
        with telling("read", folder):
            return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    @staticmethod
    def _read(path: Path) -> dict[str, Any]:
        with telling("read", path):
            content = path.read_bytes()
        try:
            found = json.loads(content)
            told = (found["options"], found["state"], found.get("sizes", {}))
            if all(isinstance(each, dict) for each in told) and int(found["files"]) >= 0:
                return dict(found)
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise ExportMismatch(f"{str(path)!r} is not what an export writes", path=str(path))

    def _compare(self, found: dict[str, Any], options: dict[str, Any]) -> None:
        for name, wanted in options.items():
            if found["options"].get(name) != wanted:
                text = f"{str(self.order.path)!r} holds an export with other options: {name}"
                raise ExportMismatch(f"{text} {found['options'].get(name)!r}, not {wanted!r}"[:500])

    def _there_already(self, path: Path) -> ExportError:
        text = f"there is an export at {str(path)!r} already"
        return ExportError(text, path=str(path), advice="Continue it with {resume=True}, or choose another place")

    # Page by page -------------------------------------------------------------------------------------------------

    def _check(self, page: Page) -> None:
        """Whether the run is as it was when the export began."""
        state = {name: None if value is UNSET else value for name, value in state_of(page).items()}
        if self._fingerprint is None:
            self._fingerprint = {"options": self.order.options, "state": state, "files": 0}
            return
        before = self._fingerprint["state"]
        changes = [
            f"{name} from {before[name]} to {state[name]}"
            for name in state
            if name in before and before[name] != state[name]
        ]
        if not changes:
            return
        text = f"the run changed since the export at {str(self.order.path)!r} began: {', '.join(changes)}"[:500]
        if self.order.must_not_change:
            raise ExportMismatch(text, path=str(self.order.path), run_id=page.run_id, offset=page.offset)
        _LOG.warning("run %s, offset %d: %s", page.run_id, page.offset, text)

    @property
    def _metadata(self) -> dict[bytes, bytes]:
        fingerprint = self._fingerprint or {}
        told = {"options": fingerprint.get("options"), "state": fingerprint.get("state")}
        return {_FINGERPRINT: json.dumps(told, sort_keys=True).encode()}

    def _count(self, page: Page, batches: dict[What, pa.RecordBatch]) -> None:
        so_far = self._exported
        documents = [document for file in page.files for document in file.documents or ()]
        if "fields" in batches:
            failures = pc.sum(batches["fields"].column("failed")).as_py() or 0
        else:
            failures = sum(failed(each) for document in documents for each in document.fields or ())
        case_fields = page.run.case_info.fields if page.run.case_info and page.offset == 0 else None
        self._exported = evolve(
            so_far,
            files=self._end,
            documents=so_far.documents + len(documents),
            fields=so_far.fields + sum(len(document.fields or ()) for document in documents),
            case_fields=so_far.case_fields + len(case_fields or ()),
            failed=so_far.failed + failures,
            drift=so_far.drift + len(page.breaches),
            first_drift=so_far.first_drift or (str(page.breaches[0]) if page.breaches else None),
        )

    def _flush(self) -> None:
        """Make a part of the pages that wait."""
        order, waiting = self.order, self._waiting
        begin = self._chain[-1].end if self._chain else 0
        if not waiting or (self._end == begin and self._chain):
            self._waiting = []
            return
        part = Part(begin, self._end, f".{order.part_format}")
        paths = [order.parts / what / part.name for what in order.tables]
        guarded = 0
        try:
            for what, path in zip(order.tables, paths, strict=True):
                batches = (batches[what] for batches in waiting)
                guarded += self._write(path, self._tabulators[what].schema, batches, order.part_format)
            self._write_manifest(part)
        except BaseException:
            discard(paths)
            raise
        put_in_place(paths)
        self._waiting = []
        self._chain.append(part)
        self._exported = evolve(self._exported, guarded=self._exported.guarded + guarded)

    def _write_manifest(self, part: Part) -> None:
        """Say what is exported, and how large each part is, before the last of them gets its name."""
        assert self._fingerprint is not None  # noqa: S101 - there was a page
        order = self.order
        sizes = self._fingerprint.setdefault("sizes", {})
        for what in order.tables:
            path = order.parts / what / part.name
            with telling("read", path):
                sizes[f"{what}/{part.name}"] = temporary(path).stat().st_size
        write_file(order.parts / _MANIFEST, json.dumps(self._fingerprint, indent=1).encode())

    def _write(self, path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch], format: Format) -> int:
        """Write a file under its temporary name; returns how many cells had to be guarded."""
        schema = schema.with_metadata({**(schema.metadata or {}), **self._metadata})
        with whole_file(path) as file, telling("write", path):
            writer = open_writer(file, schema, format, guard=self.order.chosen.guard)
            try:
                for batch in batches:
                    writer.write(batch)
                writer.close()
            except BaseException:
                writer.abandon()
                raise
        return writer.guarded

    # The end ------------------------------------------------------------------------------------------------------

    @property
    def _outputs(self) -> dict[str, int]:
        """The names and sizes of the files that a complete export says it has."""
        outputs: dict[str, int] = (self._fingerprint or {}).get("outputs", {})
        return outputs

    def _batches(self, what: What) -> Iterator[pa.RecordBatch]:
        for part in self._chain or [Part(0, 0, ".parquet")]:
            path = self.order.parts / what / part.name
            with telling("read", path), pq.ParquetFile(path) as file:
                yield from file.iter_batches(ROWS)

    def _merge(self) -> Iterator[Path]:
        order = self.order
        targets = [order.path if order.as_file else order.path / f"{what}.{order.format}" for what in order.tables]
        for what, target in zip(self.order.tables, targets, strict=True):
            guarded = self._write(target, self._tabulators[what].schema, self._batches(what), self.order.format)
            self._exported = evolve(self._exported, guarded=self._exported.guarded + guarded)
            yield target

    def _merge_wide(self) -> Iterator[Path]:
        order = self.order
        assert order.chosen.wide is not None  # noqa: S101 - only called then
        pivot = Pivot(order.chosen.wide, typed=order.chosen.typed is not None)
        for part in self._chain:
            pivot.survey(*self._both(part))
        if order.chosen.wide.class_name is not None and not pivot.rows:
            _LOG.warning("run %s: no document has the class %r", order.run_id, order.chosen.wide.class_name[:80])
            self._exported = evolve(self._exported, unmet_class=order.chosen.wide.class_name)
        met = set[str]()
        for class_name in pivot.classes:
            name = "unclassified" if class_name is None else f"class-{safe_name(class_name)}"
            if name.casefold() in met:  # one file, where the system takes C and c for the same
                name += f"-{hashlib.sha256((class_name or '').encode()).hexdigest()[:16]}"
            met.add(name.casefold())
            target = order.path if order.as_file else order.path / f"{name}.{order.format}"
            tables = (pivot.widen(class_name, *self._both(part)) for part in self._chain)
            batches = (batch for table in tables for batch in table.to_batches())
            guarded = self._write(target, pivot.schema(class_name), batches, order.format)
            self._exported = evolve(self._exported, guarded=self._exported.guarded + guarded)
            yield target

    def _both(self, part: Part) -> tuple[pa.Table, pa.Table]:
        paths = [self.order.parts / what / part.name for what in ("documents", "fields")]
        with telling("read", paths[0]):
            documents, fields = (pq.read_table(path) for path in paths)
        return documents, fields

    def _succeed(self, path: Path, targets: list[Path]) -> None:
        """Say that all is there, and how large the files are that were made of the parts."""
        known = {name: value for name, value in (self._fingerprint or {}).items() if name != "sizes"}
        outputs = {}
        for target in targets:
            with telling("read", target):
                there = temporary(target) if temporary(target).exists() else target
                outputs[target.name] = there.stat().st_size
        options = self.order.options | self.order.result
        told = {**known, "options": options, "files": self._end, "outputs": outputs}
        write_file(path, json.dumps(told, indent=1).encode())

    def _remove_parts(self) -> None:
        """Remove what one file was made of: our own files, and folders that are empty then."""
        parts = self.order.parts
        for what in self.order.tables:
            for name in self._names(parts / what):
                if Part.parse(name.removeprefix(".").removesuffix(".tmp")):
                    with suppress(OSError):
                        (parts / what / name).unlink()
        with suppress(OSError):
            (parts / _MANIFEST).unlink(missing_ok=True)
        self._remove_folders()

    def _remove_folders(self) -> None:
        """Remove folders of ours that hold nothing."""
        order = self.order
        folders = [*(order.parts / what for what in order.tables), *([order.parts] if order.merges else [])]
        for folder in [*folders, *([order.path] if self._is_new and not order.as_file else [])]:
            with suppress(OSError):
                folder.rmdir()


def _companion(path: Path) -> Path:
    """What stands beside one file and says of which export it is."""
    return path.with_name(f".{path.name}.export.json")

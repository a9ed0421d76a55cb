"""Writes the file: data go into a spool page by page, and the HTML with the counts is put around them at the end."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from attrs import frozen

from run_results import NameMap, Page
from run_results.counts import THRESHOLD, Counts
from run_results.errors import ConfigurationError, ExportError
from run_results.fields import case_fields
from run_results.files import file_errors, whole_file
from run_results.paths import is_folder_path, local_path
from run_results.report.compact import Compactor
from run_results.report.images import Images
from run_results.report.summary import Summary
from run_results.report.template import MOST_CASE_FIELDS, load, render

_ACTION: Final = "write the report"


@frozen
class Written:
    """A report that was written."""

    path: Path
    size: int
    """In bytes."""
    counts: Counts
    """The counts of the pages, shown or not."""
    left_out: int
    """Documents, and files without documents, that are counted and not shown, because the report was full."""
    left_out_from: int | None
    """Index of the first file of which something is left out."""
    images: int
    images_left_out: int
    """Pictures that are not shown: the report was full, or their format is not accepted."""

    @property
    def files(self) -> int:
        """All files of the pages."""
        return self.counts.files

    @property
    def documents(self) -> int:
        """All documents of the pages, shown or not."""
        return self.counts.documents.total

    @property
    def fields(self) -> int:
        """All fields of documents, shown or not."""
        return self.counts.fields.total


def write_report(
    pages: Iterable[Page],
    path: str | os.PathLike[str],
    *,
    names: NameMap | None = None,
    images: Images | None = None,
    title: str | None = None,
    threshold: float = THRESHOLD,
    max_bytes: int = 64 << 20,
    max_image_bytes: int = 64 << 20,
) -> Written:
    """Write the report of a run into one HTML file.

    Only one page is held at a time. The file gets its name in one step, when it is complete; until then an older file
    of that name stays.

    Args:
        pages: The run's pages, as `Client.pages(run_id, include=Include.ALL)` gives them. Data that were not asked for
            are not shown. Errors of the walk pass through, and nothing is written then.
        path: Where to write it; folders above it are made.
        names: The project's field names; without them fields go by their API names.
        images: Gives the pictures of pages; see `folder`.
        title: The heading; else the run's id.
        threshold: A field with a confidence below this is unsure; from 0 to 1.
        max_bytes: The largest size of the run's data in the file, in bytes. Documents beyond it are counted, and the
            report says that they are left out.
        max_image_bytes: The same for pictures.

    Raises `ExportError` where the file cannot be written, and `ConfigurationError` where jinja2 is not installed, where
    the threshold is no confidence, where the path is none of this machine, or where there is no page.

    >>> from run_results import Client, Include
    >>> with Client() as client:  # doctest: +SKIP
    ...     write_report(client.pages("run-1", include=Include.ALL), "report.html")
    """
    if not 0 <= threshold <= 1:
        raise ConfigurationError(f"threshold: a confidence is from 0 to 1, not {threshold!r}")
    load()  # an error before the first page is fetched
    if is_folder_path(path):
        raise ExportError(f"cannot {_ACTION} {os.fspath(path)!r}: it is a folder", path=os.fspath(path))
    path = local_path(path)
    compactor = Compactor(names, images, Summary(threshold), max_bytes, max_image_bytes)
    with whole_file(path, _ACTION) as file, _spool(path) as spool:
        first: Page | None = None
        last: Page | None = None
        number = 0
        for page in pages:
            first, last = first or page, page
            for kind, data in compactor.page(page):
                with file_errors(_ACTION, path):
                    spool.write(_element(kind, number if kind == "image" else None, data))
                number += kind == "image"
        if first is None or last is None:
            raise ConfigurationError("there is no page to report on")
        cases = case_fields(first.run)  # the ones that are counted; other exports and `fetch` have these, too
        before, after = render(last, compactor, cases, title)
        with file_errors(_ACTION, path):
            file.write(before.encode())
            file.write(_element("index", None, compactor.index(last.run_id, cases[:MOST_CASE_FIELDS])))
            spool.seek(0)
            shutil.copyfileobj(spool, file)
            file.write(after.encode())
            size = file.tell()
    counts = compactor.summary.counts
    return Written(
        path=path,
        size=size,
        counts=counts,
        left_out=compactor.left_out.total,
        left_out_from=compactor.left_out_from,
        images=compactor.image_count,
        images_left_out=compactor.images_left_out + compactor.images_refused,
    )


@contextmanager
def _spool(path: Path) -> Iterator[IO[bytes]]:
    """A nameless file beside the report."""
    with file_errors(_ACTION, path):
        spool = tempfile.TemporaryFile(dir=path.resolve().parent)  # noqa: SIM115 - closed below
    try:
        yield spool
    finally:
        with suppress(OSError):  # on a full disk the buffer cannot be written, and need not be
            spool.close()


def _element(kind: str, number: int | None, data: bytes) -> bytes:
    attribute = f'class="{kind}"' if number is None else f'id="{kind}-{number}"'
    media_type = "text/plain" if kind == "image" else "application/json"
    return f'<script type="{media_type}" {attribute}>'.encode() + data + b"</script>\n"

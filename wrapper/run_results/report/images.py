"""Pictures of pages: where they are found, and which formats are accepted."""

import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from run_results.errors import ConfigurationError
from run_results_api.models import Document, File

Images = Callable[[File, Document, int], bytes | None]
"""A function that gives the picture of a page, or None. It gets the file, the document and the page's number, and the
picture is PNG, JPEG, WebP or GIF."""

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
_LARGEST = 64 << 20


def folder(path: str | os.PathLike[str]) -> Images:
    """Pictures in a folder.

    The picture of a page is searched under

    1. the path that the platform gives the page (`post_processed_paths`, which are in the order of `page_numbers`),
       whole or without some of its first folders, as long as one is left;
    2. `<file name without suffix>/page-<number>.png` (or .jpg, .jpeg, .webp, .gif), counted from 0 as the API does.

    Nothing outside the folder is read, whatever the names say. Raises `ConfigurationError` where there is no folder.
    """
    root = Path(path)
    if not root.is_dir():
        raise ConfigurationError(f"no folder of pictures: {str(path)!r}")
    root = root.resolve()

    def find(file: File, document: Document, page: int) -> bytes | None:
        return next((data for name in _names(file, document, page) if (data := _read(root, name)) is not None), None)

    return find


def _names(file: File, document: Document, page: int) -> Iterator[PurePosixPath]:
    pages, paths = document.page_numbers or [], document.post_processed_paths or []
    if page in pages and len(paths) == len(pages):
        parts = PurePosixPath(paths[pages.index(page)]).parts
        yield from (PurePosixPath(*parts[start:]) for start in range(max(len(parts) - 1, 1)))
    name = file.original_file_name
    if isinstance(name, str) and name:
        stem = PurePosixPath(PurePosixPath(name).name).stem
        yield from (PurePosixPath(stem, f"page-{page}{suffix}") for suffix in _SUFFIXES)


def _read(root: Path, name: PurePosixPath) -> bytes | None:
    try:
        place = (root / name).resolve()
        if place.is_relative_to(root) and place.is_file() and place.stat().st_size <= _LARGEST:
            return place.read_bytes()
    except (OSError, ValueError, RuntimeError):  # names come from a server: too long, with NUL, a loop of links
        pass
    return None


def to_url(data: bytes) -> bytes | None:
    """The picture as a data URL; None where its format is not accepted, whatever its name says."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        kind = b"png"
    elif data.startswith(b"\xff\xd8\xff"):
        kind = b"jpeg"
    elif data.startswith((b"GIF87a", b"GIF89a")):
        kind = b"gif"
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        kind = b"webp"
    else:
        return None
    return b"data:image/" + kind + b";base64," + b64encode(data)

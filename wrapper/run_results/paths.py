"""What a path is, decided before anything is fetched; and names that every system takes.

Files are written to the file systems of this machine only: object stores have neither locks nor renames, and exports
promise what needs both. `ConfigurationError` says what a text is instead.
"""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from run_results.errors import ConfigurationError
from run_results.text import fold

_LONGEST_NAME: Final = 150  # bytes; systems take 255, and a digest and a suffix are added
# Path makes s3:/bucket of s3://bucket, and some stores have one slash of their own (dbfs:/mnt).
_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(.*)", re.DOTALL)
_WINDOWS_PATH: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\")
# The names of devices on Windows, whatever follows behind a dot.
_RESERVED: Final = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])", re.IGNORECASE)
_NOT_ON_WINDOWS: Final = re.compile(r'[<>:"|?*\x00-\x1f]|[. ]$')


def local_path(path: str | os.PathLike[str], *, windows: bool = os.name == "nt") -> Path:
    """The path, if it can be one of a file or folder on this machine. Raises `ConfigurationError`.

    >>> local_path("s3://bucket/out")
    Traceback (most recent call last):
    run_results.errors.ConfigurationError: 's3://bucket/out' is an address, and files are written to this machine only. Write to a folder here, and copy it when it is complete
    """  # noqa: E501 - a message in an example
    text = os.fspath(path)
    if not isinstance(text, str):
        raise ConfigurationError(f"a path must be a text or a Path, not {type(text).__name__}")
    shown = repr(text[:200])
    if not text:
        raise ConfigurationError("the path is empty")
    if "\0" in text:
        raise ConfigurationError(f"no file can be called {text[:80]!r}")
    if address := _ADDRESS.fullmatch(text):
        if address[1].lower() == "file":
            advice = f"Give the path alone: /{address[2].lstrip('/')}".replace("{", "{{").replace("}", "}}")[:200]
        else:
            advice = "Write to a folder here, and copy it when it is complete"
        raise ConfigurationError(f"{shown} is an address, and files are written to this machine only", advice=advice)
    if not windows and _WINDOWS_PATH.match(text):
        raise ConfigurationError(f"{shown} is a path of Windows, and this system has others; write it with slashes")
    if windows:
        _check_windows(text, shown)
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        letter = text[error.start]
        raise ConfigurationError(
            f"{shown} has the character {letter!r}, which file names cannot have in this locale ({error.encoding})",
            advice="Set PYTHONUTF8=1, or choose another name",
        ) from None
    return Path(text)


def _check_windows(text: str, shown: str) -> None:
    for part in re.split(r"[\\/]", re.sub(r"^[A-Za-z]:", "", text)):
        if part not in ("", ".", "..") and (_NOT_ON_WINDOWS.search(part) or is_reserved(part)):
            raise ConfigurationError(f"{shown}: no file can be called {part[:80]!r} on Windows")


def is_folder_path(path: str | os.PathLike[str]) -> bool:
    """Whether the path can only be one of a folder: a slash ends it, or a folder is there.

    >>> is_folder_path("out/"), is_folder_path("out.csv")
    (True, False)
    """
    text = os.fspath(path)
    return text.endswith(("/", os.sep)) or os.path.isdir(text)  # noqa: PTH112 - raises nothing


def is_reserved(name: str) -> bool:
    """Whether Windows takes the name for one of a device.

    >>> is_reserved("nul.csv"), is_reserved("COM1"), is_reserved("console")
    (True, True, False)
    """
    return bool(_RESERVED.fullmatch(name.partition(".")[0].rstrip(" ")))


def safe_names(texts: Iterable[str]) -> dict[str, str]:
    """Each text with its `safe_name`; where some systems would take two names for one, all of these have a digest.

    >>> safe_names(["run-1", "r2", "R2"])
    {'run-1': 'run-1', 'r2': 'r2-db77fd01af957221', 'R2': 'R2-d653b016db1da8f5'}
    """
    names = {text: safe_name(text) for text in texts}
    alike = Counter(fold(name) for name in names.values())
    return {text: name if alike[fold(name)] == 1 else safe_name(text, digest=True) for text, name in names.items()}


def safe_name(text: str, *, digest: bool = False) -> str:
    """A text as the name of one file or folder on any system: letters, digits, dots, dashes, and `_` for the rest.

    Where that is not the text itself, or with `digest`, a digest of it follows, so that two texts have two names.

    >>> safe_name("run-tax-2025"), safe_name("../etc"), safe_name("NUL")
    ('run-tax-2025', 'etc-f7f9121fdb53d8de', 'NUL-ae6de1827cfc8111')
    """
    plain = re.sub(r"[^\w.-]+", "_", text).strip("._-")
    plain = plain.encode("utf-8", "replace")[:_LONGEST_NAME].decode("utf-8", "ignore")
    try:
        os.fsencode(plain)
    except UnicodeEncodeError:  # the encoding of the file system has not every letter
        plain = re.sub(r"[^\x00-\x7f]+", "_", plain).strip("._-")
    if plain and plain == text and not digest and not is_reserved(plain):
        return text
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    if is_reserved(plain):  # what stands in front of a dot is reserved, too
        plain = plain.replace(".", "_")
    return f"{plain}-{mark}" if plain else mark

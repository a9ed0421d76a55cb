"""The token from a file, or from a pipe such as `/dev/stdin` or `<(command)`."""

import stat
import threading
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from attrs import define, field

from run_results.errors import ConfigurationError

_MOST_BYTES: Final = 64 * 1024


@define
class TokenFile:
    """Gives the token in a file. A file is read again each time, because tokens rotate; anything else once.

    Raises `ConfigurationError` where it cannot be read, and where nothing comes within some seconds: nobody may ever
    write to a named pipe.
    """

    _path: Path
    _seconds: float
    _once: str | None = None
    _lock: threading.Lock = field(factory=threading.Lock, repr=False)

    def __call__(self) -> str:
        """The token as it is now."""
        with self._lock:
            if self._once is not None:
                return self._once
            try:
                is_file = stat.S_ISREG(self._path.stat().st_mode)
                # /dev/stdin and /dev/fd/63 may be files, too: those of some systems are read only once.
                is_rereadable = is_file and self._path.parts[:2] != ("/", "dev")
                token = _read(self._path) if is_file else self._read_in_time()
            except ConfigurationError:
                raise
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                raise ConfigurationError(f"cannot read the token file {str(self._path)!r}: {reason}") from None
            if not is_rereadable:
                self._once = token
            return token

    def _read_in_time(self) -> str:
        """Read it on a thread, because opening a pipe waits for a writer."""
        outcome: SimpleQueue[str | OSError] = SimpleQueue()

        def read() -> None:
            try:
                outcome.put(_read(self._path))
            except OSError as error:
                outcome.put(error)

        threading.Thread(target=read, daemon=True).start()
        try:
            found = outcome.get(timeout=self._seconds)
        except Empty:
            text = f"nothing came out of the token file {str(self._path)!r} within {self._seconds:g} s"
            raise ConfigurationError(text, advice="Check what is to write to it, or give {timeout=} more") from None
        if isinstance(found, OSError):
            raise found
        return found


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MOST_BYTES).decode("utf-8-sig", "replace").rstrip("\r\n")

"""Files of run ids, one a line."""

from collections.abc import Iterator
from typing import Any

from run_results.errors import ConfigurationError


def read_run_ids(file: Any, option: str) -> Iterator[str]:
    """The run ids in an open text file; blank lines and those that begin with `#` have none. None is no file.

    Raises `ConfigurationError`, naming the option, where the file is not UTF-8.
    """
    if file is None:
        return
    try:
        for line in file:
            if (text := line.strip("\ufeff \t\r\n")) and not text.startswith("#"):
                yield text
    except UnicodeDecodeError:
        raise ConfigurationError(f"the file of {option} is not UTF-8") from None

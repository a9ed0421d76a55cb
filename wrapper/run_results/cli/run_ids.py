"""Files of run ids, one a line: alone, or in the JSON Lines of `run-results runs`."""

from collections.abc import Iterator
from typing import Any

import msgspec

from run_results.errors import ConfigurationError


def read_run_ids(file: Any, option: str) -> Iterator[str]:
    """The run ids in an open text file; blank lines and those that begin with `#` have none. None is no file.

    Raises `ConfigurationError`, naming the option, where the file is not UTF-8 or a line of JSON has no run id.
    """
    if file is None:
        return
    try:
        for number, line in enumerate(file, 1):
            text = line.strip("\ufeff \t\r\n")
            if text.startswith("{"):
                yield _run_id(text, number, option)
            elif text and not text.startswith("#"):
                yield text
    except UnicodeDecodeError:
        raise ConfigurationError(f"the file of {option} is not UTF-8") from None


class _Line(msgspec.Struct):
    run_id: str


_DECODER = msgspec.json.Decoder(_Line)


def _run_id(text: str, number: int, option: str) -> str:
    try:
        return _DECODER.decode(text).run_id
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"line {number} of {option} is no JSON with a run_id: {error}") from None

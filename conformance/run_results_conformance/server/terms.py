"""What the modules of the contract share: the two errors, and JSON objects."""

from typing import Any

JsonObject = dict[str, Any]
"""A JSON object as `json.loads` gives it. The spec, not the type checker, says what is in it."""


class SpecError(Exception):
    """The spec is missing, or has something that this server cannot interpret."""


class BadParameter(ValueError):
    """A parameter of a request has a value that the contract does not allow. The message never quotes the value."""

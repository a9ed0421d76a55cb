"""The extra `[conformance]`: what it brings, and how to install it."""

from importlib.util import find_spec

_PACKAGES = ("click", "jsonschema_rs", "rich", "starlette", "uvicorn")
HOW_TO_INSTALL = "pip install 'run-results[conformance]'"


def missing_packages() -> list[str]:
    """The packages of the extra that are not installed."""
    return [name for name in _PACKAGES if find_spec(name) is None]

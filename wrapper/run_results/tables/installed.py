"""Whether the extra that tables need is installed."""

from importlib.util import find_spec

from run_results.errors import ConfigurationError


def need_arrow() -> None:
    """Raises `ConfigurationError` where pyarrow cannot be imported."""
    try:
        import pyarrow as pa
    except ImportError as error:
        why = "" if find_spec("pyarrow") is None else f" ({error})"
        raise ConfigurationError(f"tables need pyarrow{why}: pip install 'run-results[arrow]'") from None
    assert pa is not None  # noqa: S101 - imported to see whether it can be

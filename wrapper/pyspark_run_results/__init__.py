"""Makes `spark.read.format("run_results")` work: Spark asks every package called `pyspark_…` for a `DefaultSource`.

Spark imports this package whenever it looks for a data source of any kind. So importing it loads nothing, and it never
fails: where something that it needs is missing, it has no `DefaultSource`. `import run_results.spark.data_source` then
says what is missing.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "DefaultSource":
        try:
            from run_results.spark.data_source import RunResultsSource
        except Exception as error:  # whatever it is: other data sources must go on working
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}: {error}") from error
        return RunResultsSource
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

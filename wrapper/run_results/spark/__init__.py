"""Many runs as a Spark DataFrame. It needs the extra `run-results[spark]`: pyspark 4 or later.

    from run_results.scale import Source
    from run_results.spark import fetch

    source = Source(token="env:RUN_RESULTS_TOKEN")        # a reference: each worker reads its own variable
    fields = fetch(run_ids, source, "fields")             # run_ids: a list, a DataFrame, or a stream
    fields.write.parquet("fields")

`fetch` is the way for programs. For SQL there is `spark.read.format("run_results")` (`data_source`), whose options
`options` reads; Spark finds it by the package `pyspark_run_results`. `rows` makes the batches that both give, and
`types` says which Spark types they have. docs/spark.md has examples.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from run_results.spark.dataframe import fetch

__all__ = ["fetch"]


def __getattr__(name: str) -> Any:
    # Spark imports this package in each of its processes, also where pyarrow is not installed.
    if name != "fetch":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from run_results.spark.dataframe import fetch

    return fetch

"""A program that writes the results of runs to Parquet with Spark, to be killed at some moment by `test_kills`.

python -m tests.spark.job '{"master": "local[2,4]", "conf": {}, "source": {…}, "ids": […] or a folder, "out": …}'
"""

import json
import sys
from typing import Any

from pyspark.sql import SparkSession

from run_results.scale import Source
from run_results.spark import fetch


def run(master: str, conf: dict[str, str], source: dict[str, Any], ids: list[str] | str, out: str) -> None:
    """Write the documents of these runs; where `ids` is a folder of files of ids, as a stream."""
    builder = SparkSession.builder.master(master)
    for name, value in conf.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    if isinstance(ids, str):
        given = spark.readStream.option("maxFilesPerTrigger", "1").text(ids)
        writing = fetch(given, Source(**source), "documents").writeStream.format("parquet")
        writing = writing.option("checkpointLocation", f"{out}.checkpoint").trigger(availableNow=True)
        writing.start(out).awaitTermination()
    else:
        fetch(ids, Source(**source), "documents", tasks=len(ids)).write.mode("overwrite").parquet(out)
    spark.stop()


if __name__ == "__main__":
    run(**json.loads(sys.argv[1]))

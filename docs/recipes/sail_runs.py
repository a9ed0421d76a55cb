"""Many runs with Sail, which is Spark without Java: python sail_runs.py RUN_ID …"""

import sys

from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession

from run_results.scale import Source
from run_results.spark import fetch

server = SparkConnectServer("127.0.0.1", 0)  # in this process; its workers have our variables
server.start(background=True)
spark = SparkSession.builder.remote(f"sc://127.0.0.1:{server.listening_address[1]}").getOrCreate()

frame = fetch(sys.argv[1:], Source(token="env:RUN_RESULTS_TOKEN"), "fields", tasks=4, spark=spark)
print(frame.toArrow().num_rows, "rows")
spark.stop()
server.stop()

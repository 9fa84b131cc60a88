"""A Spark job: prints its arguments, then counts, fails or never ends, as the first one says."""

import os
import sys
import time

from pyspark.sql import SparkSession

for argument in sys.argv[1:]:
    print(f"argument <{argument}>")
print("GREETING", os.environ.get("GREETING"))
session = SparkSession.builder.getOrCreate()
print("MASTER", session.sparkContext.master, "NAME", session.sparkContext.appName)
print("SUM", session.range(0, 1000, 1, 1).selectExpr("sum(id)").first()[0], flush=True)
if sys.argv[1] == "fail":
    raise ValueError("broken on purpose")
while sys.argv[1] == "endless":
    time.sleep(0.1)
session.stop()

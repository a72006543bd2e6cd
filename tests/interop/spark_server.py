"""Asks Spark about Delta tables: a JSON object a line on standard input, one as the answer on standard output.

Run by a Python that has PySpark (tools/spark); the arguments are the jars of Delta.

    {"do": "read", "table": PATH, "version": NUMBER or null}   -> {"rows": [...]}, times in ISO 8601, vectors in hexadecimal
    {"do": "vacuum", "table": PATH}                            -> {}, all that no version but the newest needs is gone
    {"do": "clean", "table": PATH}                             -> {}, a vacuum by the retention that the table has
    {"do": "set", "table": PATH, "name": TEXT, "value": TEXT}  -> {}, a property of the table
    {"do": "history", "table": PATH}                           -> {"operations": [...]}, the oldest first
    {"do": "delete", "table": PATH, "where": SQL}              -> {}
"""

import datetime
import json
import struct
import sys
import traceback

from pyspark.sql import SparkSession


def start(jars):
    return (
        SparkSession.builder.master("local[1]")
        .config("spark.jars", ",".join(jars))
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.databricks.delta.retentionDurationCheck.enabled", "false")
        # Tables of a few files: what is divided by default takes seconds for each of its many empty pieces.
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.default.parallelism", "1")
        .config("spark.databricks.delta.snapshotPartitions", "1")
        .config("spark.sql.sources.parallelPartitionDiscovery.parallelism", "1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )


def cell(name, value):
    if name == "_vector":
        return struct.pack(f"<{len(value)}f", *value).hex()
    if isinstance(value, datetime.datetime):
        # PySpark gives local time without a zone.
        return value.astimezone(datetime.timezone.utc).isoformat()
    return value


def read(spark, table, version):
    reader = spark.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", version)
    rows = reader.load(table).collect()
    return {"rows": [{name: cell(name, value) for name, value in row.asDict().items()} for row in rows]}


def answer(spark, question):
    table = question["table"]
    if question["do"] == "read":
        return read(spark, table, question.get("version"))
    if question["do"] == "history":
        rows = spark.sql(f"DESCRIBE HISTORY delta.`{table}`").orderBy("version").collect()
        return {"operations": [row["operation"] for row in rows]}
    if question["do"] == "vacuum":
        spark.sql(f"VACUUM delta.`{table}` RETAIN 0 HOURS")
        return {}
    if question["do"] == "clean":
        spark.sql(f"VACUUM delta.`{table}`")
        return {}
    if question["do"] == "set":
        spark.sql(f"ALTER TABLE delta.`{table}` SET TBLPROPERTIES ('{question['name']}' = '{question['value']}')")
        return {}
    if question["do"] == "delete":
        spark.sql(f"DELETE FROM delta.`{table}` WHERE {question['where']}")
        return {}
    raise ValueError(f"unknown question: {question}")


def main():
    spark = start(sys.argv[1:])
    spark.sparkContext.setLogLevel("ERROR")
    # The answers stand alone on their lines, whatever Spark prints.
    print("\nANSWER {}", flush=True)
    for line in sys.stdin:
        try:
            told = answer(spark, json.loads(line))
        except Exception:
            told = {"error": traceback.format_exc()}
        print("\nANSWER " + json.dumps(told), flush=True)


if __name__ == "__main__":
    main()

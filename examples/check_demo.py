#!/usr/bin/env python3
"""Computes the numbers that consolidation_demo printed again, from its files, with other programs.

    examples/check_demo.py NUMBERS.json TABLES_FOLDER

NUMBERS.json is what `consolidation_demo --json` wrote. Ends with an error that names the first number that differs.
"""

import json
import os
import sys

import numpy as np
import pyarrow.parquet as pq
from deltalake import DeltaTable

COLLECTION = "embeddings"
FIELDS = ("package", "kind")


def check(holds, what):
    if not holds:
        sys.exit(f"check_demo: {what}")


def is_near(a, b, share):
    return abs(a - b) <= share * max(abs(a), abs(b))


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def logical_bytes(table):
    """What the rows are before anything is encoded."""
    total = 0
    system = {"_id", "_timestamp", "_ingested_at", "_expires_at", "_payload", "_sparse", "_vector"}
    fields = [name for name in table.column_names if name not in system]
    vectors = table.column("_vector").combine_chunks()
    total += 4 * len(vectors.flatten())
    payloads = table.column("_payload").to_pylist() if "_payload" in table.column_names else [None] * table.num_rows
    expiries = table.column("_expires_at").to_pylist() if "_expires_at" in table.column_names else [None] * table.num_rows
    ids = table.column("_id").to_pylist()
    columns = {name: table.column(name).to_pylist() for name in fields}
    for row in range(table.num_rows):
        metadata = json.loads(payloads[row]) if payloads[row] else {}
        metadata.update({name: values[row] for name, values in columns.items() if values[row] is not None})
        total += len(ids[row].encode()) + 16
        total += len(canonical(metadata).encode()) if metadata else 0
        total += 8 if expiries[row] is not None else 0
    return total


def check_file(told):
    """The file of the pipeline, read by pyarrow."""
    table = pq.read_table(told["file"])
    check(table.num_rows == told["entries_flushed"], f"{told['entries_flushed']} entries, the file has {table.num_rows} rows")
    size = os.stat(told["file"]).st_size
    check(size == told["bytes_written"], f"{told['bytes_written']} bytes written, the file has {size}")
    logical = logical_bytes(table)
    check(is_near(logical, told["logical_bytes"], 0.01), f"{told['logical_bytes']} logical bytes, the rows have {logical}")
    check(is_near(logical / size, told["compression_ratio"], 0.01), f"ratio {told['compression_ratio']}, computed {logical / size}")
    leftovers = [name for name in os.listdir(os.path.dirname(told["file"])) if name.endswith(".tmp")]
    check(not leftovers, f"unfinished files: {leftovers}")
    print(f"the file: {table.num_rows:,} rows, {size:,} bytes, ratio {logical / size:.2f}")


def check_operation(told):
    check(told["total_operations"] == 1, f"{told['total_operations']} operations, one was recorded")
    other = told["operation_ms_by_another_clock"]
    check(told["avg_latency_ms"] <= other, f"latency {told['avg_latency_ms']} ms, the clock around it says {other}")
    check(told["avg_latency_ms"] >= 0.9 * other - 2, f"latency {told['avg_latency_ms']} ms, the clock around it says {other}")
    print(f"the operation: {told['avg_latency_ms']:.1f} ms by the collector, {other:.1f} ms by a clock around it")


def check_table(told, folder):
    """The table of the engine, read by delta-rs."""
    lake = DeltaTable(os.path.join(folder, COLLECTION))
    files = [os.path.join(folder, COLLECTION, path) for path in lake.to_pyarrow_dataset().files] \
        if not hasattr(lake, "file_uris") else [uri.removeprefix("file://") for uri in lake.file_uris()]
    sizes = sum(os.stat(path).st_size for path in files)
    check(len(files) == told["files"], f"{told['files']} files, the table has {len(files)}")
    check(sizes == told["storage_bytes"], f"{told['storage_bytes']} bytes, the files have {sizes}")
    tables = [pq.read_table(path) for path in files]
    rows = sum(table.num_rows for table in tables)
    check(rows == told["live_rows"], f"{told['live_rows']} live rows, the table has {rows}")
    ratio = sum(logical_bytes(table) for table in tables) / sizes
    check(is_near(ratio, told["engine_compression_ratio"], 0.01), f"ratio {told['engine_compression_ratio']}, computed {ratio}")
    check_search(told, tables)
    print(f"the table: {rows:,} rows in {len(files)} files, {sizes:,} bytes, ratio {ratio:.2f}")


def check_search(told, tables):
    """The fifty nearest, by comparing all."""
    ids, vectors = [], []
    for table in tables:
        ids += table.column("_id").to_pylist()
        flat = table.column("_vector").combine_chunks().flatten().to_numpy()
        vectors.append(flat.reshape(table.num_rows, -1))
    vectors = np.concatenate(vectors)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    query = vectors[ids.index("important_vector")]
    nearest = np.argsort(-(vectors @ query), kind="stable")[: told["hits"]]
    found = len({ids[row] for row in nearest} & set(told["hit_ids"]))
    check(told["hits"] == 50, f"{told['hits']} hits")
    check(found >= 40, f"only {found} of the {told['hits']} nearest were found")
    print(f"the search: {found} of its {told['hits']} hits are among NumPy's")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        told = json.load(file)
    check_file(told)
    check_operation(told)
    check_table(told, sys.argv[2])


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Write the rows of an .fvecs file as Parquet, with an id and two metadata columns, as pyarrow does by default.

    bench/make_parquet.py BASE.fvecs OUT.parquet --rows N [--meta BASE_META.jsonl]

With --meta the two columns are `class` (string) and `size` (float64) of that file, else made from the row's number.
"""

import argparse
import itertools
import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS_PER_GROUP = 65_536


def batches(base_path, meta_path, rows):
    dim = int(np.fromfile(base_path, dtype="<i4", count=1)[0])
    base = np.memmap(base_path, dtype="<f4", mode="r").reshape(-1, dim + 1)[:rows]
    meta = open(meta_path, encoding="utf-8") if meta_path else None
    for first in range(0, len(base), ROWS_PER_GROUP):
        floats = np.ascontiguousarray(base[first : first + ROWS_PER_GROUP, 1:])
        numbers = range(first, first + len(floats))
        if meta:
            documents = [json.loads(line) for line in itertools.islice(meta, len(floats))]
            classes = [str(document["class"]) for document in documents]
            sizes = [float(document["size"]) for document in documents]
        else:
            classes = [f"class {number % 10}" for number in numbers]
            sizes = [number % 1000 / 4 for number in numbers]
        offsets = np.arange(0, floats.size + 1, dim, dtype=np.int32)
        yield pa.table(
            {
                "id": pa.array([f"row-{number:08}" for number in numbers]),
                "class": pa.array(classes),
                "size": pa.array(sizes, type=pa.float64()),
                "vector": pa.ListArray.from_arrays(offsets, pa.array(floats.reshape(-1))),
            }
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("base")
    parser.add_argument("out")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--meta")
    options = parser.parse_args()
    writer = None
    for table in batches(options.base, options.meta, options.rows):
        writer = writer or pq.ParquetWriter(options.out + ".tmp", table.schema)
        writer.write_table(table)
    writer.close()
    os.rename(options.out + ".tmp", options.out)


if __name__ == "__main__":
    main()

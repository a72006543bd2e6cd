#!/usr/bin/env python3
"""How many bytes the data files take under each choice of compression: one JSON object a line for each set, and one for all.

    VIPER_DATA=~/vectors .venv/bin/python bench/compression.py [--rows N] [SET...]

Sets are the folders of VIPER_DATA with `base.fvecs` (and `base_meta.jsonl`, whose keys become metadata), and three that are made
here with a fixed seed: `zeros` (19 of 20 components are 0), `half` (numbers of half precision) and `metadata` (texts, times,
categories and prices beside short vectors). For each: the bytes of the files by `viper --policy size`, by `--policy speed`, by
`--policy size --vector-format dense` (`size_dense`), by each fixed choice for all columns with dense vectors, and those of pyarrow
writing the same columns, vectors dense, with Zstandard 3 (`parquet_zstd_3`).
`size_entropy` is what `size` would be if its vectors took just their entropy, by the byte: for each component and each byte of a float
an ideal code of its own, which costs nothing to know. No coder of single bytes can beat it; one that finds repeated runs can, where
there are any. `better_than_parquet` is how much larger those of pyarrow are, `entropy_better_than_parquet` the same of that bound,
`worst_to_fixed` how much larger than the smallest fixed choice ours are (all as shares; negative is smaller); `mean_...` are geometric
means over the sets. They are byte counts: the machine and what else runs on it do not matter.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
FIXED = ("none", "lz4", "snappy", "zstd:1", "zstd:3", "zstd:9")
SEED = 19


def read_fvecs(path, rows):
    dim = int(np.fromfile(path, dtype="<i4", count=1)[0])
    flat = np.fromfile(path, dtype="<f4", count=rows * (dim + 1))
    return np.ascontiguousarray(flat.reshape(-1, dim + 1)[:, 1:])


def column_of(values):
    """An Arrow array, as text where the values are of several kinds."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else json.dumps(value) for value in values])


def metadata_of(path, rows):
    if not path.exists():
        return {}
    with path.open(encoding="utf-8") as lines:
        records = [json.loads(line) for _, line in zip(range(rows), lines)]
    keys = sorted({key for record in records for key in record if key not in ("_id", "id", "vector", "_vector")})
    return {key: column_of([record.get(key) for record in records]) for key in keys}


def made_sets(rows):
    random = np.random.default_rng(SEED)
    dense = random.standard_normal((rows // 2, 1000)).astype(np.float32)
    dense[random.random(dense.shape) < 0.95] = 0
    yield "zeros", dense, {}
    half = random.standard_normal((rows // 2, 768)).astype(np.float16).astype(np.float32)
    yield "half", half, {}
    words = [f"word{i:04d}" for i in range(3000)]
    texts = [" ".join(words[i] for i in random.zipf(1.3, 60) % 3000) for _ in range(rows)]
    times = np.cumsum(random.integers(1, 5000, rows)) + 1_700_000_000_000_000
    metadata = {
        "text": pa.array(texts),
        "url": pa.array([f"https://example.org/articles/{i:08d}" for i in range(rows)]),
        "category": pa.array([f"category {i}" for i in random.integers(0, 40, rows)]),
        "seen": pa.array(times, pa.timestamp("us", "UTC")),
        "count": pa.array(random.poisson(20, rows)),
        "price": pa.array(np.round(random.gamma(2.0, 30.0, rows), 2)),
    }
    yield "metadata", random.standard_normal((rows, 16)).astype(np.float32), metadata


def all_sets(rows, wanted):
    folders = os.environ.get("VIPER_DATA")
    for folder in sorted(pathlib.Path(folders).iterdir()) if folders else ():
        if (folder / "base.fvecs").exists() and (not wanted or folder.name in wanted):
            vectors = read_fvecs(folder / "base.fvecs", rows)
            yield folder.name, vectors, metadata_of(folder / "base_meta.jsonl", len(vectors))
    for name, vectors, metadata in made_sets(rows):
        if not wanted or name in wanted:
            yield name, vectors, metadata


def write_source(path, vectors, metadata):
    columns = {"_id": pa.array([f"{i:09d}" for i in range(len(vectors))])}
    columns.update(metadata)
    columns["_vector"] = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1]).cast(pa.list_(pa.float32()))
    pq.write_table(pa.table(columns), path, compression="none", use_dictionary=False)


def field_type(array):
    kinds = ((pa.types.is_boolean, "bool"), (pa.types.is_integer, "int64"), (pa.types.is_floating, "float64"),
             (pa.types.is_string, "string"), (pa.types.is_timestamp, "timestamp"))
    return next((name for is_kind, name in kinds if is_kind(array.type)), None)


def viper_files(folder, source, dim, metadata, options):
    """The data files of a collection with these rows, written under these options."""
    program = os.environ.get("VIPER_BIN", REPOSITORY / os.environ.get("VIPER_BUILD_DIR", "build/release") / "bin" / "viper")
    run = [str(program), "--root", str(folder), *options]
    fields = [("--field", f"{name}:{field_type(array)}") for name, array in metadata.items() if field_type(array)]
    subprocess.run([*run, "create", "c", "--dim", str(dim), "--metric", "l2", *[word for pair in fields for word in pair]],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*run, "import", "c", str(source)], check=True, stdout=subprocess.DEVNULL)
    return sorted((folder / "c").glob("*.parquet"))


def bytes_of(files):
    return sum(file.stat().st_size for file in files)


def measure(name, vectors, metadata, scratch):
    scratch = pathlib.Path(scratch)
    source = scratch / "source.parquet"
    write_source(source, vectors, metadata)
    counts = {}
    choices = {}
    dense = ["--vector-format", "dense"]
    ways = [("size", ["--policy", "size"]), ("speed", ["--policy", "speed"]), ("size_dense", ["--policy", "size", *dense])]
    ways += [(fixed, ["--policy", "size", "--compression", fixed, *dense]) for fixed in FIXED]
    for way, options in ways:
        files = viper_files(scratch / way.replace(":", "-"), source, vectors.shape[1], metadata, options)
        counts[way] = bytes_of(files)
        if way == "size":
            counts["size_entropy"] = counts["size"] - vector_bytes(files) + entropy_bytes(vectors)
        if way in ("size", "speed"):
            told = json.loads(pq.ParquetFile(files[0]).metadata.metadata[b"viper.compression"])
            choices[way] = {column: choice["chosen"] for column, choice in told["columns"].items()}
        if way == "none":
            tables = [pq.read_table(file, partitioning=None) for file in files]
            pq.write_table(pa.concat_tables(tables), scratch / "baseline.parquet", compression="zstd", compression_level=3)
            counts["parquet_zstd_3"] = (scratch / "baseline.parquet").stat().st_size
    return {"benchmark": "compression", "set": name, "rows": len(vectors), "dim": vectors.shape[1],
            "float_bytes": vectors.nbytes, "choices": choices, **shares(counts)}


def vector_bytes(files):
    """The bytes of the column chunks of vectors, dense and sparse."""
    groups = (pq.ParquetFile(file).metadata for file in files)
    chunks = (group.row_group(i).column(j) for group in groups for i in range(group.num_row_groups) for j in range(group.num_columns))
    return sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema.startswith(("_vector", "_sparse")))


def entropy_bytes(vectors):
    """The entropy of each byte of each component, over all rows."""
    bits = 0.0
    for column in np.ascontiguousarray(vectors.T).view(np.uint8).reshape(vectors.shape[1], len(vectors), 4):
        for place in range(4):
            counts = np.bincount(column[:, place], minlength=256)
            shares_of_rows = counts[counts > 0] / len(vectors)
            bits -= len(vectors) * float((shares_of_rows * np.log2(shares_of_rows)).sum())
    return round(bits / 8)


def shares(counts):
    smallest = min(counts[fixed] for fixed in FIXED)
    return {"bytes": counts, "better_than_parquet": round(counts["parquet_zstd_3"] / counts["size"] - 1, 4),
            "entropy_better_than_parquet": round(counts["parquet_zstd_3"] / counts["size_entropy"] - 1, 4),
            "worst_to_fixed": round(counts["size"] / smallest - 1, 4)}


def mean_share(results, key):
    """The geometric mean over the sets."""
    return round(float(np.exp(np.mean([np.log1p(result[key]) for result in results]))) - 1, 4)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--rows", type=int, default=20_000, help="of a set at most")
    arguments = parser.parse_args()
    results = []
    for name, vectors, metadata in all_sets(arguments.rows, arguments.sets):
        with tempfile.TemporaryDirectory() as scratch:
            results.append(measure(name, vectors, metadata, scratch))
        print(json.dumps(results[-1]), flush=True)
    if not results:
        sys.exit("no such set")
    total = {way: sum(result["bytes"][way] for result in results) for way in results[0]["bytes"]}
    means = {f"mean_{key}": mean_share(results, key) for key in ("better_than_parquet", "entropy_better_than_parquet")}
    print(json.dumps({"benchmark": "compression", "set": "all", **shares(total), **means, "target": 0.25,
                      "worst_set_to_fixed": max(result["worst_to_fixed"] for result in results)}))


if __name__ == "__main__":
    main()

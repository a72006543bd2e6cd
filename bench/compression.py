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
there are any. `size_strongest` is `size` with each column of the dense table, where that is smaller, in the smallest of every encoding
of its type with Zstandard 22, Brotli 11 and gzip 9, as pyarrow writes them: what more processor time could buy of Parquet (`--strongest`,
minutes a set). `better_than_parquet` is how much larger those of pyarrow are, `entropy_better_than_parquet` and
`strongest_better_than_parquet` the same of these bounds, `worst_to_fixed` how much larger than the smallest fixed choice ours are
(all as shares; negative is smaller); `mean_...` are geometric
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
STRONGEST = (("zstd", 22), ("brotli", 11), ("gzip", 9))
NUMBERS = ("PLAIN", "BYTE_STREAM_SPLIT", "DELTA_BINARY_PACKED")
ENCODINGS = {"FLOAT": NUMBERS[:2], "DOUBLE": NUMBERS[:2], "INT32": NUMBERS, "INT64": NUMBERS, "BOOLEAN": ("PLAIN", "RLE"),
             "BYTE_ARRAY": ("PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY")}
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


def columns_of(file):
    """Path and physical type of each column of a file."""
    schema = pq.ParquetFile(file).schema
    return [(schema.column(i).path, schema.column(i).physical_type) for i in range(len(schema))]


def chunk_bytes(file):
    """The bytes of all chunks of each column of a file, by path."""
    metadata = pq.ParquetFile(file).metadata
    sums = {}
    for chunk in (metadata.row_group(i).column(j) for i in range(metadata.num_row_groups) for j in range(metadata.num_columns)):
        sums[chunk.path_in_schema] = sums.get(chunk.path_in_schema, 0) + chunk.total_compressed_size
    return sums


def strongest_saving(ours, table, scratch):
    """How many bytes fewer the columns of the dense table would take where pyarrow's strongest writes them smaller than our files do."""
    target = scratch / "strongest.parquet"
    pq.write_table(table, target)
    columns = columns_of(target)
    smallest = {}
    for turn in range(4):  # each turn another encoding of every column; the last one dictionaries
        for codec, level in STRONGEST:
            encodings = None if turn == 3 else {path: ENCODINGS[kind][min(turn, len(ENCODINGS[kind]) - 1)] for path, kind in columns}
            pq.write_table(table, target, compression=codec, compression_level=level, use_dictionary=encodings is None,
                           column_encoding=encodings, data_page_size=512 << 10, dictionary_pagesize_limit=16 << 20)
            for path, count in chunk_bytes(target).items():
                smallest[path] = min(count, smallest.get(path, count))
    taken = {}
    for path, count in ((path, count) for file in ours for path, count in chunk_bytes(file).items()):
        column = "_vector" if path.startswith(("_vector", "_sparse")) else path
        taken[column] = taken.get(column, 0) + count
    best = {("_vector" if path.startswith("_vector") else path): count for path, count in smallest.items()}
    return sum(max(0, taken[column] - best[column]) for column in taken if column in best)


def measure(name, vectors, metadata, scratch, strongest):
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
            sized = files
            counts["size_entropy"] = counts["size"] - vector_bytes(files) + entropy_bytes(vectors)
        if way in ("size", "speed"):
            told = json.loads(pq.ParquetFile(files[0]).metadata.metadata[b"viper.compression"])
            choices[way] = {column: choice["chosen"] for column, choice in told["columns"].items()}
        if way == "none":
            tables = [pq.read_table(file, partitioning=None) for file in files]
            table = pa.concat_tables(tables)
            pq.write_table(table, scratch / "baseline.parquet", compression="zstd", compression_level=3)
            counts["parquet_zstd_3"] = (scratch / "baseline.parquet").stat().st_size
    if strongest:
        counts["size_strongest"] = counts["size"] - strongest_saving(sized, table, scratch)
    return {"benchmark": "compression", "set": name, "rows": len(vectors), "dim": vectors.shape[1],
            "float_bytes": vectors.nbytes, "choices": choices, **shares(counts)}


def vector_bytes(files):
    """The bytes of the column chunks of vectors, dense and sparse."""
    return sum(count for file in files for path, count in chunk_bytes(file).items() if path.startswith(("_vector", "_sparse")))


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
    better = {key.replace("size_", "") + "_": counts[key] for key in ("size_entropy", "size_strongest") if key in counts}
    return {"bytes": counts, "worst_to_fixed": round(counts["size"] / smallest - 1, 4),
            **{f"{prefix}better_than_parquet": round(counts["parquet_zstd_3"] / count - 1, 4)
               for prefix, count in {"": counts["size"], **better}.items()}}


def mean_share(results, key):
    """The geometric mean over the sets."""
    return round(float(np.exp(np.mean([np.log1p(result[key]) for result in results]))) - 1, 4)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--rows", type=int, default=20_000, help="of a set at most")
    parser.add_argument("--strongest", action="store_true", help="also measure the strongest codecs of Parquet")
    arguments = parser.parse_args()
    results = []
    for name, vectors, metadata in all_sets(arguments.rows, arguments.sets):
        with tempfile.TemporaryDirectory() as scratch:
            results.append(measure(name, vectors, metadata, scratch, arguments.strongest))
        print(json.dumps(results[-1]), flush=True)
    if not results:
        sys.exit("no such set")
    total = {way: sum(result["bytes"][way] for result in results) for way in results[0]["bytes"]}
    means = {f"mean_{key}": mean_share(results, key) for key in results[0] if key.endswith("better_than_parquet")}
    print(json.dumps({"benchmark": "compression", "set": "all", **shares(total), **means, "target": 0.25,
                      "worst_set_to_fixed": max(result["worst_to_fixed"] for result in results)}))


if __name__ == "__main__":
    main()

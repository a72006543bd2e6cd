#!/usr/bin/env python3
"""The demonstration: a corpus becomes a collection, answers questions, is read by others, and survives kill -9.

Every number printed is measured in this run, except where a line says that a cached file was used.
"""

import json
import os
import shutil
import signal
import subprocess
import textwrap
import time

import numpy as np

import ask
import corpus
import embed
import lake

QUESTIONS = (
    ("compute the median", None),
    ("fourier transform of a signal", None),
    ("fourier transform of a signal", "package = 'numpy'"),
    ("read a csv file into a table", None),
    ("solve a system of linear equations", "package = 'scipy' AND kind = 'function'"),
    ("run a command in a subprocess", "package = 'python' AND length < 400"),
    ("split a dataframe into groups and aggregate", "package IN ('pandas', 'polars') AND kind = 'method'"),
)
K = 5
LIVE_COLLECTION = "python-docs-live"
LIVE_ROWS = 15_000
# The writer is killed when it has acknowledged these shares of its rows.
KILL_AT = (0.1, 0.2)
KILL_ATTEMPTS = 5


def title(text):
    print(f"\n== {text}")


def seconds_text(seconds):
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1e3:.1f} ms"


class Corpus:
    """Entries, their vectors and the model that makes vectors of questions."""

    def __init__(self, columns, vectors, model):
        self.columns = columns  # name -> list of values, `id` among them
        self.vectors = vectors  # rows x 256, float32, unit length
        self.model = model

    def __len__(self):
        return len(self.vectors)

    def rows_where(self, predicate):
        names = [name for name, _ in lake.FIELDS]
        rows = zip(*(self.columns[name] for name in names))
        return np.array([predicate(dict(zip(names, row))) for row in rows])


def parquet_path():
    return lake.FOLDER / "corpus" / "corpus.parquet"


def write_corpus(folder):
    """Read the documentation, embed it, write it as Parquet with pyarrow."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    begin = time.perf_counter()
    entries = corpus.collect()
    print(f"read {len(entries):,} documented definitions from source files in {seconds_text(time.perf_counter() - begin)}")
    begin = time.perf_counter()
    model, vectors = embed.train(entries)
    print(
        f"TF-IDF over {len(model.vocabulary):,} stems and SVD to {embed.DIM} dimensions"
        f" in {seconds_text(time.perf_counter() - begin)}"
    )
    columns = {name: [getattr(entry, name) for entry in entries] for name in ("id", *(name for name, _ in lake.FIELDS))}
    offsets = np.arange(0, vectors.size + 1, embed.DIM, dtype=np.int32)
    columns["vector"] = pa.ListArray.from_arrays(offsets, pa.array(vectors.reshape(-1)))
    pq.write_table(pa.table(columns), parquet_path())
    model.save(folder)


def open_corpus():
    import pyarrow.parquet as pq

    folder = lake.FOLDER / "corpus"
    mark = folder / "fingerprint"
    fingerprint = corpus.fingerprint()
    if not mark.exists() or mark.read_text() != fingerprint:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_corpus(folder)
        mark.write_text(fingerprint)
    else:
        print("the corpus of an earlier run is used: same interpreter, packages and programs")
    table = pq.read_table(parquet_path())
    vectors = table.column("vector").combine_chunks().flatten().to_numpy().reshape(-1, embed.DIM)
    columns = {name: table.column(name).to_pylist() for name in ("id", *(name for name, _ in lake.FIELDS))}
    return Corpus(columns, vectors, embed.Model.load(folder))


def create_collection(name):
    arguments = [part for field, kind in lake.FIELDS for part in ("--field", f"{field}:{kind}")]
    lake.run("create", name, "--dim", embed.DIM, "--metric", "cosine", *arguments)


def import_corpus(rows):
    shutil.rmtree(lake.ROOT, ignore_errors=True)
    lake.ROOT.mkdir(parents=True)
    create_collection(lake.COLLECTION)
    _, seconds = lake.run("import", lake.COLLECTION, parquet_path())
    count = lake.count(lake.COLLECTION)
    print(
        f"viper import read {parquet_path().name} in {seconds_text(seconds)}: {count:,} rows, {count / seconds:,.0f} rows/s,"
        " durable"
    )
    check(count == len(rows), f"{count} rows imported, the file has {len(rows)}")


def check(holds, what):
    if not holds:
        raise SystemExit(f"demo: FAILED: {what}")


def numpy_seconds(rows, vector, selected):
    """The time NumPy takes for the K nearest rows, in single precision, all rows in memory."""
    begin = time.perf_counter()
    scores = rows.vectors @ vector
    if selected is not None:
        scores = np.where(selected, scores, -np.inf)
    best = np.argpartition(-scores, K)[:K]
    best[np.argsort(-scores[best], kind="stable")]
    return time.perf_counter() - begin


def exact_cosines(rows, vector):
    vectors = rows.vectors.astype(np.float64)
    query = vector.astype(np.float64)
    return vectors @ query / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(query))


# The filters of QUESTIONS in Python, so that NumPy answers the same question.
PREDICATES = {
    "package = 'numpy'": lambda row: row["package"] == "numpy",
    "package = 'scipy' AND kind = 'function'": lambda row: row["package"] == "scipy" and row["kind"] == "function",
    "package = 'python' AND length < 400": lambda row: row["package"] == "python" and row["length"] < 400,
    "package IN ('pandas', 'polars') AND kind = 'method'": lambda row: row["package"] in ("pandas", "polars")
    and row["kind"] == "method",
}


def check_hits(rows, hits, vector, selected):
    """The ids must be those of the K largest cosines in double precision; equal ones (to 1e-12) may trade places."""
    cosines = exact_cosines(rows, vector)
    if selected is not None:
        cosines = np.where(selected, cosines, -np.inf)
    number_of = {entry_id: number for number, entry_id in enumerate(rows.columns["id"])}
    best = np.sort(cosines)[::-1][:K]
    check(len(hits) == K, f"{len(hits)} hits, {K} expected")
    check(len({hit["id"] for hit in hits}) == K, "an id was returned twice")
    for hit, cosine in zip(hits, best):
        own = cosines[number_of[hit["id"]]]
        check(abs(own - cosine) <= 1e-12, f"{hit['id']}: NumPy has another row here: {own} {cosine}")
        check(abs(hit["score"] - own) <= 1e-9, f"{hit['id']}: score {hit['score']}, NumPy says {own}")


def ask_questions(rows):
    agreed = 0
    found = 0
    for question, filter_text in QUESTIONS:
        print(f"\n{question!r}" + (f"   where {filter_text}" if filter_text else ""))
        vector = rows.model.embed(question)
        selected = rows.rows_where(PREDICATES[filter_text]) if filter_text else None
        hits, search_seconds, seconds = lake.search(lake.COLLECTION, vector, K, filter_text)
        exact_hits, exact_seconds, _ = lake.search(lake.COLLECTION, vector, K, filter_text, exact=True)
        in_memory = numpy_seconds(rows, vector, selected)
        ask.print_hits(hits)
        check_hits(rows, exact_hits, vector, selected)
        agreed += 1
        same = len({hit["id"] for hit in hits} & {hit["id"] for hit in exact_hits})
        found += same
        print(
            f"  viper {seconds_text(search_seconds)} ({seconds_text(seconds)} with process start and opening), {same} of"
            f" the true {K}; exact {seconds_text(exact_seconds)}; NumPy, all in memory, {seconds_text(in_memory)}"
        )
    print(f"\n{agreed} of {len(QUESTIONS)} exact answers equal NumPy's; the index found {found} of their {agreed * K} ids")


def count_by_package_pandas(folder):
    import deltalake

    frame = deltalake.DeltaTable(str(folder)).to_pandas(columns=["package"])
    return frame.groupby("package").size().to_dict()


def count_by_package_duckdb(folder):
    import deltalake
    import duckdb

    connection = duckdb.connect()
    files = deltalake.DeltaTable(str(folder)).file_uris()
    query = "SELECT package, count(*), avg(len(_vector)) FROM read_parquet(?) GROUP BY package"
    rows = connection.execute(query, [files]).fetchall()
    check(all(dim == embed.DIM for _, _, dim in rows), "DuckDB sees vectors of another dimension")
    return {package: count for package, count, _ in rows}


def open_with_others(rows):
    folder = lake.ROOT / lake.COLLECTION
    expected = {}
    for package in rows.columns["package"]:
        expected[package] = expected.get(package, 0) + 1
    for name, count in (("pandas (deltalake)", count_by_package_pandas), ("DuckDB", count_by_package_duckdb)):
        begin = time.perf_counter()
        counts = count(folder)
        seconds = time.perf_counter() - begin
        check(counts == expected, f"{name} counts other rows: {counts}")
        largest = sorted(counts.items(), key=lambda item: -item[1])[:6]
        print(f"{name:19} GROUP BY package in {seconds_text(seconds)}: " + ", ".join(f"{p} {n:,}" for p, n in largest) + ", ...")


def write_live_rows(rows):
    path = lake.FOLDER / "live.jsonl"
    with open(path, "w", encoding="utf-8") as out:
        for number in range(LIVE_ROWS):
            document = {"id": rows.columns["id"][number], "vector": [float(value) for value in rows.vectors[number]]}
            document |= {name: rows.columns[name][number] for name, _ in lake.FIELDS}
            out.write(json.dumps(document) + "\n")
    return path


def kill_writer_at(path, acknowledged_rows):
    """Run an import through the log, kill -9 it at that many acknowledged rows; return the last count it told.

    None if it was done before the signal reached it.
    """
    writer = subprocess.Popen(
        lake.acknowledging_import(LIVE_COLLECTION, path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    acknowledged = 0
    for line in writer.stdout:
        acknowledged = lake.acknowledged_rows(line, acknowledged)
        if acknowledged >= acknowledged_rows:
            writer.send_signal(signal.SIGKILL)
    result = writer.wait()
    check(result in (0, -signal.SIGKILL), f"the writer failed by itself: {result} {writer.stderr.read()}")
    return acknowledged if result != 0 else None


def kill_writer(path, share):
    for _ in range(KILL_ATTEMPTS):
        acknowledged = kill_writer_at(path, int(share * LIVE_ROWS))
        if acknowledged is not None:
            return acknowledged
        print("the writer was done before the signal reached it: once more, from the beginning")
        lake.run("drop", LIVE_COLLECTION, "--yes")
        create_collection(LIVE_COLLECTION)
    raise SystemExit("demo: FAILED: the writer is always done before it can be killed")


def exported_vectors(name):
    path = lake.FOLDER / "export.jsonl"
    lake.run("export", name, "--format", "jsonl", "-o", path)
    with open(path, encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines]
    return {document["_id"]: np.array(document["_vector"], dtype=np.float32) for document in documents}


def check_prefix(rows, found, acknowledged):
    """Every acknowledged row must be there, bit for bit."""
    for number in range(acknowledged):
        vector = found.get(rows.columns["id"][number])
        check(vector is not None, f"acknowledged row {number} is gone")
        check(vector.tobytes() == rows.vectors[number].tobytes(), f"acknowledged row {number} has another vector")


def survive_kill(rows):
    path = write_live_rows(rows)
    create_collection(LIVE_COLLECTION)
    for share in KILL_AT:
        acknowledged = kill_writer(path, share)
        begin = time.perf_counter()
        found = exported_vectors(LIVE_COLLECTION)
        seconds = time.perf_counter() - begin
        check_prefix(rows, found, acknowledged)
        check(len(found) >= acknowledged, f"{acknowledged} rows acknowledged, {len(found)} found")
        print(
            f"killed -9 after {acknowledged:,} acknowledged rows; reopened and exported in {seconds_text(seconds)}:"
            f" {len(found):,} rows found, all {acknowledged:,} acknowledged ones among them, bit for bit"
        )
    _, seconds = lake.run("import", LIVE_COLLECTION, path)
    found = exported_vectors(LIVE_COLLECTION)
    check_prefix(rows, found, LIVE_ROWS)
    check(len(found) == LIVE_ROWS, f"{len(found)} rows after the resumed import, {LIVE_ROWS} expected")
    print(f"import repeated to its end in {seconds_text(seconds)}: {len(found):,} rows, no duplicates")
    lake.run("drop", LIVE_COLLECTION, "--yes")


def main():
    if not os.access(lake.program(), os.X_OK):
        raise SystemExit(f"demo: {lake.program()} is missing: run `make build`, or set VIPER_BIN")
    begin = time.perf_counter()
    title("A corpus: the documentation of Python and of the packages installed beside it")
    rows = open_corpus()
    check(len(rows) > 10_000, f"only {len(rows)} entries")
    title("A collection: an open Delta table, imported through the viper program")
    import_corpus(rows)
    title("Questions in words, answered by the nearest vectors")
    ask_questions(rows)
    title("The same directory, opened by other programs")
    open_with_others(rows)
    title("Nothing acknowledged is lost: kill -9 in the middle of writing")
    survive_kill(rows)
    print(f"\nall of it took {seconds_text(time.perf_counter() - begin)}. Ask it yourself:")
    print(textwrap.indent("viper demo \"parse a date\" --filter \"package = 'dateutil'\"", "  "))


if __name__ == "__main__":
    main()

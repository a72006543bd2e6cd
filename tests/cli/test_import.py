"""viper import: every format, made by the programs that people use; what is malformed is refused by place and values."""

import csv
import json
import signal
import struct
import subprocess

import numpy as np
import pytest

from lake import float_bits, random_vectors, write_jsonl

DIM = 6
NOT_FOUND, INVALID, CONFLICT, CORRUPTION = 1, 2, 3, 4


def write_fvecs(path, vectors):
    rows = np.empty((len(vectors), 4 + 4 * vectors.shape[1]), dtype=np.uint8)
    rows[:, :4] = np.frombuffer(struct.pack("<i", vectors.shape[1]), dtype=np.uint8)
    rows[:, 4:] = vectors.astype("<f4").view(np.uint8).reshape(len(vectors), -1)
    path.write_bytes(rows.tobytes())


def check_vectors(lake, vectors, name="c", row_id=str):
    exported = lake.export(name)
    assert len(exported) == len(vectors)
    for number, vector in enumerate(vectors):
        assert float_bits(exported[row_id(number)]["_vector"]) == float_bits(vector)
    return exported


def test_numpy_files_of_every_type_come_back(lake, tmp_path):
    whole = random_vectors(1, 40, DIM) * 50
    for dtype in ("<f2", "<f4", "<f8", "|u1", "|i1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8"):
        array = np.abs(whole).astype(dtype) if "u" in dtype else whole.astype(dtype)
        name = "t" + dtype[1:]
        path = tmp_path / f"{name}.npy"
        np.save(path, array)
        lake.run("import", name, path, "--create", "--metric", "l2")
        check_vectors(lake, array.astype(np.float32), name)


def test_numpy_array_that_is_no_matrix_of_rows_is_named(lake, tmp_path):
    vectors = random_vectors(2, 10, DIM)
    lake.create(dim=DIM)
    path = tmp_path / "x.npy"
    for array, word in (
        (np.asfortranarray(vectors), "Fortran"),
        (vectors[0], "(6,)"),
        (vectors.astype(">f4"), ">f4"),
        (vectors.astype(np.complex64), "<c8"),
        (np.zeros(3, dtype=[("a", "<f4")]), "structures"),
    ):
        np.save(path, array)
        message = lake.fail("import", "c", path, code=INVALID)
        assert word in message and str(path) in message
    np.save(path, vectors)
    path.write_bytes(path.read_bytes()[:-1])
    message = lake.fail("import", "c", path, code=CORRUPTION)
    assert "header_rows=10" in message and "whole_rows_there=9" in message
    assert lake.count() == 0


def test_vector_files_join_their_metadata_line_by_line(lake, tmp_path):
    vectors = random_vectors(3, 500, DIM)
    write_fvecs(tmp_path / "x.fvecs", vectors)
    write_jsonl(tmp_path / "m.jsonl", ({"n": i, "tags": ["a", "é"]} for i in range(500)))
    lake.run("import", "c", tmp_path / "x.fvecs", "--metadata", tmp_path / "m.jsonl", "--id-prefix", "p-", "--create")
    exported = check_vectors(lake, vectors, row_id=lambda i: f"p-{i}")
    assert all(exported[f"p-{i}"]["n"] == i and exported[f"p-{i}"]["tags"] == ["a", "é"] for i in range(500))
    write_jsonl(tmp_path / "m.jsonl", ({"n": i} for i in range(499)))
    message = lake.fail("import", "d", tmp_path / "x.fvecs", "--metadata", tmp_path / "m.jsonl", "--create", code=INVALID)
    assert "expected=500 actual=499" in message
    assert "d" not in lake.run("list").split()


def test_csv_of_pandas_comes_with_types(lake, tmp_path):
    pandas = pytest.importorskip("pandas")
    vectors = random_vectors(4, 30, DIM)
    frame = pandas.DataFrame(
        {
            "id": [f"r{i}" for i in range(30)],
            "year": [1990 + i for i in range(30)],
            "price": [i / 4 for i in range(30)],
            "good": [i % 2 == 0 for i in range(30)],
            "note": ['with, "quotes"\nand lines' if i % 3 else None for i in range(30)],
            "embedding": [[float(x) for x in vector] for vector in vectors],
        }
    )
    frame.to_csv(tmp_path / "x.csv")
    lake.run("import", "c", tmp_path / "x.csv", "--create", "--field", "year:int64")
    exported = check_vectors(lake, vectors, row_id=lambda i: f"r{i}")
    assert exported["r1"]["year"] == 1991 and exported["r1"]["good"] is False and exported["r2"]["price"] == 0.5
    assert exported["r1"]["note"] == 'with, "quotes"\nand lines' and "note" not in exported["r3"]
    assert lake.count("c", "--filter", "year >= 2010") == 10


def test_wide_csv_names_its_vector_by_a_star(lake, tmp_path):
    pandas = pytest.importorskip("pandas")
    vectors = random_vectors(5, 20, DIM)
    frame = pandas.DataFrame(vectors, columns=[f"v{i}" for i in range(DIM)])
    frame["label"] = [f"x{i}" for i in range(20)]
    frame.to_csv(tmp_path / "x.csv", index=False)
    lake.run("import", "c", tmp_path / "x.csv", "--vector-column", "v*", "--create", "--id-column", "label")
    check_vectors(lake, vectors, row_id=lambda i: f"x{i}")


def test_parquet_brings_its_typed_columns(lake, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    vectors = random_vectors(6, 25, DIM)
    table = pyarrow.table(
        {
            "id": [f"r{i}" for i in range(25)],
            "year": pyarrow.array(range(25), pyarrow.int64()),
            "vector": pyarrow.FixedSizeListArray.from_arrays(vectors.ravel(), DIM),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    lake.run("import", "c", tmp_path / "x.parquet", "--create", "--metric", "dot")
    check_vectors(lake, vectors, row_id=lambda i: f"r{i}")
    schema = json.loads(lake.run("info", "c", "--json"))["schema"]
    assert schema == {"dim": DIM, "metric": "dot", "fields": [{"name": "year", "type": "int64"}]}


MALFORMED = {
    "bad JSON": ('{"id": "a", "vector": [1, 2]}\n{"id": "b", "vec', ["x.jsonl, line 2", "bad JSON"]),
    "dimension": ('{"id": "a", "vector": [1, 2]}\n{"id": "b", "vector": [1]}', ["line 2", "expected=2 actual=1"]),
    "no vector": ('{"id": "a", "vector": [1, 2]}\n{"id": "b"}', ["line 2", "key=vector"]),
    "number": ('{"id": "a", "vector": [1, 1e40]}', ["line 1", "component=1", "1e+40"]),
    "integer": ('{"id": "a", "vector": [1, 2], "n": 9223372036854775808}', ["line 1", "9223372036854775808"]),
    "UTF-8": (b'{"id": "a\xff", "vector": [1, 2]}', ["line 1", "UTF-8"]),
    "time": ('{"id": "a", "vector": [1, 2], "_timestamp": "noon"}', ["line 1", "_timestamp", "noon"]),
}


@pytest.mark.parametrize("fault", MALFORMED)
def test_malformed_lines_are_named(lake, tmp_path, fault):
    content, words = MALFORMED[fault]
    path = tmp_path / "x.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    lake.create(dim=2)
    message = lake.fail("import", "c", path, code=INVALID)
    assert message.startswith("viper: ") and message.count("\n") == 1
    for word in [str(path), *words]:
        assert word in message
    assert lake.count() == 0


def test_rows_with_nan_are_named_by_row_and_component(lake, tmp_path):
    vectors = random_vectors(7, 10, DIM)
    vectors[6, 3] = np.nan
    write_fvecs(tmp_path / "x.fvecs", vectors)
    lake.create(dim=DIM)
    message = lake.fail("import", "c", tmp_path / "x.fvecs", code=INVALID)
    assert "row 7" in message and "component=3" in message


def test_cut_vector_file_loads_nothing(lake, tmp_path):
    write_fvecs(tmp_path / "x.fvecs", random_vectors(8, 10, DIM))
    whole = (tmp_path / "x.fvecs").read_bytes()
    (tmp_path / "x.fvecs").write_bytes(whole[:-5])
    lake.create(dim=DIM)
    message = lake.fail("import", "c", tmp_path / "x.fvecs", code=CORRUPTION)
    assert "truncated in row 10 at byte 252: expected_bytes=28 actual_bytes=23" in message
    assert lake.count() == 0
    lake.run("import", "c", tmp_path / "x.fvecs", "--limit", 9)
    assert lake.count() == 9


def test_collection_and_file_must_exist_and_fit(lake, tmp_path):
    write_jsonl(tmp_path / "x.jsonl", [{"id": "a", "vector": [1, 2]}])
    assert "nowhere" in lake.fail("import", "nowhere", tmp_path / "x.jsonl", code=NOT_FOUND)
    assert "none.jsonl" in lake.fail("import", "c", tmp_path / "none.jsonl", "--create", code=NOT_FOUND)
    assert lake.run("list") == ""
    lake.create(dim=3)
    message = lake.fail("import", "c", tmp_path / "x.jsonl", code=INVALID)
    assert "expected=3 actual=2" in message
    lake.fail("import", "c", tmp_path / "x.txt", code=INVALID)
    assert "metric" in lake.fail("import", "c", tmp_path / "x.jsonl", "--create", "--metric", "dot", code=CONFLICT)


def test_import_twice_replaces_and_changes_nothing(lake, tmp_path):
    vectors = random_vectors(9, 50, DIM)
    write_fvecs(tmp_path / "x.fvecs", vectors)
    for _ in range(2):
        output = lake.run("import", "c", tmp_path / "x.fvecs", "--create")
        assert output.startswith("imported 50 rows into c in ") and "rows/s" in output
        check_vectors(lake, vectors)


def test_several_files_are_acknowledged_together(lake, tmp_path):
    for part in range(3):
        write_jsonl(tmp_path / f"{part}.jsonl", ({"id": f"{part}-{i}", "vector": [i, part]} for i in range(700)))
    paths = [tmp_path / f"{part}.jsonl" for part in range(3)]
    lake.create(dim=2)
    for way in ([], ["--via-log"]):
        lines = lake.run("import", "c", *paths, "--progress", *way).splitlines()
        counts = [int(line.split()[1]) for line in lines if line.startswith("acknowledged")]
        assert counts == sorted(set(counts)) and counts[-1] == 2100
        assert lake.count() == 2100


def test_metadata_comes_back_exactly(lake, tmp_path):
    rows = [
        {"_id": "a", "_vector": [1.5, -2.0], "none": None, "deep": {"x": [1, 1.0, "1"]}, "id": "other", "empty": {}},
        {"_id": "ü", "_vector": [7.038531e-26, 0.1], "_metadata": {"metadata": {"m": 1}, "_odd": 2}},
        {"_id": "c", "_vector": [3.4028235e15, 1e-45], "_timestamp": "2020-01-02T03:04:05.678901Z"},
    ]
    lake.create(dim=2)
    lake.import_rows(rows)
    exported = lake.export()
    for row in rows:
        back = exported[row["_id"]]
        assert float_bits(back.pop("_vector")) == float_bits(row.pop("_vector"))
        if "_timestamp" not in row:
            back.pop("_timestamp", None)
        assert back == row
        assert json.dumps(back.get("deep")) == json.dumps(row.get("deep"))


def test_csv_that_no_cell_can_hold_comes_back_exactly(lake, tmp_path):
    fields = [("zip", "string"), ("year", "int64"), ("price", "float64"), ("tags", "list<string>"), ("ok", "bool")]
    rows = [
        {"_id": "a", "_vector": [1, 2], "zip": "0123", "year": 7, "price": 2.0, "tags": ["x", "y"], "ok": True},
        {"_id": "b", "_vector": [3, 4], "zip": "true", "year": -1, "more": {"deep": [1]}},
        {"_id": "c", "_vector": [5, 6], "zip": "", "price": 1e300},
        {"_id": 'd,"\n', "_vector": [7, 8], "zip": "plain, with \"quotes\""},
    ]
    lake.create(dim=2, fields=fields)
    lake.import_rows(rows)
    lake.run("export", "c", "--format", "csv", "-o", tmp_path / "x.csv")
    with open(tmp_path / "x.csv", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert table[0]["zip"] == "0123" and table[0]["year"] == "7"
    before = lake.export()
    lake.create("d", dim=2, fields=fields)
    lake.run("import", "d", tmp_path / "x.csv")
    assert lake.export("d") == before


@pytest.mark.parametrize("kind", ["npy", "fvecs"])
def test_vector_exports_come_back_with_their_metadata(lake, tmp_path, kind):
    vectors = random_vectors(10, 60, DIM)
    lake.create(dim=DIM)
    lake.import_rows({"_id": f"r{i:02}", "_vector": v.tolist(), "n": i} for i, v in enumerate(vectors))
    path = tmp_path / f"x.{kind}"
    lake.run("export", "c", "--format", kind, "-o", path)
    if kind == "npy":
        assert np.load(path).tobytes() == vectors.tobytes()
    lake.run("import", "d", path, "--metadata", f"{path}.metadata.jsonl", "--create", "--metric", "l2")
    assert lake.export("d") == lake.export("c")
    assert "-o FILE" in lake.fail("export", "c", "--format", kind, code=INVALID)


@pytest.mark.parametrize("how", ((), ("--via-log",)))
def test_rows_without_ids_are_numbered_through_all_files(lake, tmp_path, how):
    vectors = random_vectors(9, 30, DIM)
    np.save(tmp_path / "a.npy", vectors[:10])
    write_fvecs(tmp_path / "b.fvecs", vectors[10:25])
    write_jsonl(tmp_path / "c.jsonl", [{"vector": vector.tolist()} for vector in vectors[25:]])
    files = [tmp_path / name for name in ("a.npy", "b.fvecs", "c.jsonl")]
    lake.run("import", "c", *files, "--create", "--metric", "l2", *how)
    check_vectors(lake, vectors)
    # Again: the same rows under the same ids.
    lake.run("import", "c", *files, *how)
    check_vectors(lake, vectors)


def test_numbering_through_files_holds_when_an_import_goes_on(lake, tmp_path):
    dim, first, second = 128, 1000, 250_000
    vectors = random_vectors(10, first + second, dim)
    np.save(tmp_path / "a.npy", vectors[:first])
    np.save(tmp_path / "b.npy", vectors[first:])
    command = ["import", "c", tmp_path / "a.npy", tmp_path / "b.npy", "--create", "--no-index", "--progress"]
    with subprocess.Popen(lake.command(*command), stdout=subprocess.PIPE, encoding="utf-8") as process:
        for line in process.stdout:
            if int(line.split()[1]) > first:
                process.kill()
                break
    assert process.returncode == -signal.SIGKILL, "the import was done before it could be stopped"
    assert "from the interrupted run" in lake.run(*command)
    assert lake.count() == len(vectors)
    for row in (0, first - 1, first, len(vectors) - 1):
        assert float_bits(json.loads(lake.run("get", "c", row, "--with-vector"))["_vector"]) == float_bits(vectors[row])

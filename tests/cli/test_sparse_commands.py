"""Sparse vectors at the command line: import, search, inspect."""

import json

import numpy as np
import pytest

from lake import Lake, float_bits, random_vectors, write_jsonl

INVALID = 2
DIM = 40


def sparse_rows(count):
    rows = random_vectors(7, count, DIM)
    rows[np.random.default_rng(7).random(rows.shape) >= 0.1] = 0
    return rows


def pair(row):
    (places,) = np.nonzero(row)
    return {"indices": places.tolist(), "values": [float(x) for x in row[places]]}


@pytest.fixture
def rows_file(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"id": f"r{number}", "vector": pair(row)} for number, row in enumerate(sparse_rows(60))])
    return path


def check(lake, name="c"):
    exported = lake.export(name)
    for number, row in enumerate(sparse_rows(60)):
        assert float_bits(exported[f"r{number}"]["_vector"]) == float_bits(row)


def test_a_file_of_sparse_vectors_goes_into_a_collection_that_is_there(lake, rows_file):
    lake.create(dim=DIM)
    lake.run("import", "c", rows_file)
    check(lake)


def test_to_create_one_the_dimension_has_to_be_given(lake, rows_file):
    message = lake.fail("import", "c", rows_file, "--create", code=INVALID)
    assert "does not tell the dimension" in message
    lake.run("import", "c", rows_file, "--create", "--dim", DIM)
    check(lake)


def test_parts_with_sparse_vectors_are_imported(tmp_path, rows_file):
    lake = Lake(tmp_path / "lake", "--vector-format", "sparse")
    lake.run("import", "c", rows_file, "--create", "--dim", DIM)
    (part,) = [file for file in lake.table().iterdir() if file.suffix == ".parquet"]
    lake.run("import", "copy", part, "--create")
    check(lake, "copy")


def test_sparse_queries_answer_as_dense_ones_do(lake, rows_file):
    lake.run("import", "c", rows_file, "--create", "--dim", DIM)
    row = sparse_rows(60)[11]
    dense, sparse = (
        json.loads(lake.run("search", "c", "--vector", json.dumps(query), "-k", 5, "--json"))["hits"]
        for query in ([float(x) for x in row], pair(row)))
    assert dense == sparse and dense[0]["id"] == "r11"
    for query, word in (({"indices": [1]}, "two lists"), ({"indices": [DIM], "values": [1]}, f"dim={DIM} value={DIM}"),
                        ({"indices": [1, 1], "values": [1, 2]}, "twice"), ({"indices": [1], "values": ["x"]}, "not a number")):
        assert word in lake.fail("search", "c", "--vector", json.dumps(query), code=INVALID)


def test_inspect_tells_the_layout_of_row_groups_and_why(tmp_path, rows_file):
    lake = Lake(tmp_path / "lake", "--vector-format", "sparse", "--sparsity-threshold", "0.9")
    lake.run("import", "c", rows_file, "--create", "--dim", DIM)
    (part,) = json.loads(lake.run("inspect", "c", "--json"))["parts"]
    (group,) = part["groups"]
    few = sum(np.count_nonzero(row) < 0.1 * DIM for row in sparse_rows(60))
    assert group == {"layout": "hybrid", "rows": 60, "sparse_rows": few}
    told = lake.run("inspect", "c")
    assert "hybrid" in told and f"{few} of 60 rows are sparse" in told
    dense = Lake(tmp_path / "dense", "--vector-format", "dense")
    dense.run("import", "c", rows_file, "--create", "--dim", DIM)
    assert "hybrid" not in dense.run("inspect", "c")


def test_options_that_make_no_sense_are_refused(tmp_path):
    assert "actual='hybrid'" in Lake(tmp_path, "--vector-format", "hybrid").fail("list", code=INVALID)
    assert "sparsity_threshold" in Lake(tmp_path, "--sparsity-threshold", "2").fail("list", code=INVALID)

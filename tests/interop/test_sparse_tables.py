"""Tables with sparse vectors: other programs read the column `_sparse` and make the vectors of it, and what they write is read
here."""

import json

import deltalake
import duckdb
import numpy as np
import pyarrow.parquet
import pytest

from lake import Lake, float_bits, random_vectors
from readers import READERS

DIM = 64
ROWS = 300


def vectors():
    """Two of three rows are sparse; one has no component at all."""
    rows = random_vectors(41, ROWS, DIM)
    is_sparse = np.arange(ROWS) % 3 > 0
    rows[is_sparse[:, None] & (np.random.default_rng(41).random(rows.shape) >= 0.1)] = 0
    rows[1] = 0
    return rows


def records(rows, first):
    return [{"_id": f"r{first + number}", "_vector": [float(x) for x in row]} for number, row in enumerate(rows)]


@pytest.fixture
def lake(tmp_path):
    """A file of dense rows only, of before there was the column; then a file of both kinds."""
    lake = Lake(tmp_path, "--vector-format", "adaptive", "--policy", "speed")
    lake.create(dim=DIM)
    lake.import_rows(records(random_vectors(42, 5, DIM), ROWS))
    sparse = Lake(tmp_path, "--vector-format", "sparse")
    sparse.import_rows(records(vectors(), 0))
    return sparse


def expected():
    rows = {f"r{number}": row for number, row in enumerate(vectors())}
    rows.update({f"r{ROWS + number}": row for number, row in enumerate(random_vectors(42, 5, DIM))})
    return rows


def rebuild(dense, sparse):
    """The vector of a row, as docs/format/table.md says."""
    if sparse is None:
        return dense
    assert len(dense) == 0
    spread = np.zeros(DIM, dtype=np.float32)
    spread[sparse["indices"]] = sparse["values"]
    assert list(sparse["indices"]) == sorted(set(sparse["indices"]))
    return spread


def check_ours(lake):
    exported = lake.export()
    rows = expected()
    assert set(exported) == set(rows)
    for row_id, row in rows.items():
        assert float_bits(exported[row_id]["_vector"]) == float_bits(row)
    query = json.dumps([float(x) for x in rows["r7"]])
    assert '"r7"' in lake.run("search", "c", "--vector", query, "-k", 1, "--json")
    lake.run("verify", "c")


def layouts(lake):
    parts = json.loads(lake.run("inspect", "c", "--json"))["parts"]
    return sorted(group["layout"] for part in parts for group in part["groups"])


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_can_make_the_vectors(lake, reader):
    rows = {row["_id"]: row for row in READERS[reader](lake.table())}
    assert set(rows) == set(expected())
    sparse_count = 0
    for row_id, vector in expected().items():
        sparse = rows[row_id]["_sparse"]
        sparse_count += sparse is not None
        dense = np.frombuffer(rows[row_id]["_vector"], dtype=np.float32)
        assert float_bits(rebuild(dense, sparse)) == float_bits(vector)
    assert sparse_count == ROWS * 2 // 3
    check_ours(lake)


def test_duckdb_spreads_them_in_sql(lake):
    files = deltalake.DeltaTable(str(lake.table())).file_uris()
    found = duckdb.execute(
        f"""SELECT _id, CASE WHEN _sparse IS NULL THEN _vector ELSE
              [coalesce(_sparse.values[list_position(_sparse.indices, i)], 0) FOR i IN range({DIM})] END
            FROM read_parquet(?, union_by_name = true)""", [files]).fetchall()
    rows = expected()
    assert len(found) == len(rows)
    for row_id, vector in found:
        assert np.array_equal(np.asarray(vector, dtype=np.float32), rows[row_id])


def test_the_schema_has_the_column_only_once_it_is_needed(lake):
    def fields(version):
        table = deltalake.DeltaTable(str(lake.table()), version=version)
        return {field.name: field for field in table.schema().fields}

    newest = deltalake.DeltaTable(str(lake.table())).version()
    assert "_sparse" not in fields(1)
    sparse = fields(newest)["_sparse"]
    assert sparse.nullable and [field.name for field in sparse.type.fields] == ["indices", "values"]
    assert list(fields(newest))[-2:] == ["_sparse", "_vector"]


def test_a_table_that_deltalake_compacted_is_read(lake):
    deltalake.DeltaTable(str(lake.table())).optimize.compact()
    table = deltalake.DeltaTable(str(lake.table()))
    (file,) = table.file_uris()
    metadata = pyarrow.parquet.ParquetFile(file).metadata
    assert "delta-rs" in metadata.created_by and b"viper.sparse_rows" not in (metadata.metadata or {})
    check_ours(lake)
    assert layouts(lake) == ["hybrid"]
    # And what we write of it is ours again.
    lake.run("compact", "c", "--all")
    check_ours(lake)
    assert layouts(lake) == ["hybrid"]


def test_rows_that_deltalake_rewrites_stay_as_they_are(lake):
    deltalake.DeltaTable(str(lake.table())).delete("_id = 'r4'")
    rows = expected()
    exported = lake.export()
    assert set(exported) == set(rows) - {"r4"}
    for row_id, row in exported.items():
        assert float_bits(row["_vector"]) == float_bits(rows[row_id])

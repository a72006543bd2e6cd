"""Files of viper::Pipeline as PyArrow and DuckDB see them. A test program writes them, one for each way of writing."""

import json
import os
import subprocess

import duckdb
import numpy as np
import pyarrow.dataset
import pyarrow.parquet
import pytest

from lake import program

ROWS = 10_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pipeline")
    done = subprocess.run(
        [program("viper_pipeline_files_test")], env={**os.environ, "VIPER_FILES": str(path)}, capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stdout.decode()
    return path / "files"


@pytest.fixture(scope="module")
def results(folder):
    return json.loads((folder / "results.json").read_text())


def footer(folder, name):
    return pyarrow.parquet.read_metadata(folder / f"{name}.parquet")


def chunk(metadata, path, row_group=0):
    group = metadata.row_group(row_group)
    for number in range(group.num_columns):
        if group.column(number).path_in_schema == path:
            return group.column(number)
    return None


def columns(folder, name):
    return pyarrow.parquet.read_schema(folder / f"{name}.parquet").names


def vectors(folder, name, column="_vector"):
    table = pyarrow.parquet.read_table(folder / f"{name}.parquet", columns=[column])
    return np.stack([np.asarray(row, dtype=np.float32) for row in table[column].to_pylist()])


def neighbour_distance(rows):
    return np.linalg.norm(np.diff(rows, axis=0), axis=1).mean()


def test_p19_p22_both_readers_find_the_rows_and_bytes_that_were_told(folder, results):
    assert len(results) == 13
    for name, told in results.items():
        path = folder / f"{name}.parquet"
        assert path.stat().st_size == told["bytes"]
        assert duckdb.sql(f"select count(*) from '{path}'").fetchone()[0] == told["entries"]
        assert pyarrow.parquet.read_table(path).num_rows == told["entries"]
        assert footer(folder, name).num_row_groups == told["row_groups"]
    assert sorted(entry.name for entry in folder.iterdir()) == sorted([f"{name}.parquet" for name in results] + ["results.json"])


def test_p20_the_ratio_can_be_computed_from_what_another_reader_sees(folder, results):
    table = pyarrow.parquet.read_table(folder / "plain.parquet").to_pylist()
    logical = 0
    for row in table:
        metadata = json.loads(row["_payload"] or "{}")
        metadata.update({key: row[key] for key in ("category", "year", "unique") if row[key] is not None})
        text = json.dumps(metadata, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        times = 16 + (8 if row["_expires_at"] is not None else 0)
        logical += 4 * len(row["_vector"]) + len(row["_id"].encode()) + (len(text.encode()) if metadata else 0) + times
    assert logical == results["plain"]["logical"] == int(footer(folder, "plain").metadata[b"viper.logical_bytes"])
    assert results["plain"]["ratio"] == pytest.approx(logical / results["plain"]["bytes"])


def test_p09_p10_codec_and_dictionaries_are_those_that_were_set(folder):
    metadata = footer(folder, "plain")
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            assert metadata.row_group(group).column(number).compression == "ZSTD"
    assert "RLE_DICTIONARY" in chunk(metadata, "category").encodings
    for path in ("_vector.list.element", "unique", "_id"):
        assert "RLE_DICTIONARY" not in chunk(metadata, path).encodings, path
        assert not chunk(metadata, path).has_dictionary_page
    metadata = footer(folder, "no_dictionary")
    for number in range(metadata.num_columns):
        assert not metadata.row_group(0).column(number).has_dictionary_page
    assert chunk(footer(folder, "uncompressed"), "_vector.list.element").compression == "UNCOMPRESSED"
    codecs = {chunk(footer(folder, "adaptive"), path).compression for path in ("_id", "_vector.list.element", "category", "year")}
    assert "dictionary" not in codecs and codecs <= {"ZSTD", "LZ4", "SNAPPY", "UNCOMPRESSED"}


def test_p11_statistics_are_there_or_not_and_spare_row_groups(folder):
    filtered = pyarrow.dataset.field("year") == 1990

    def groups_read(name):
        fragment = next(pyarrow.dataset.dataset(folder / f"{name}.parquet").get_fragments())
        return len(fragment.split_by_row_group(filtered))

    statistics = chunk(footer(folder, "plain"), "year").statistics
    assert statistics.has_min_max and statistics.null_count == 0
    assert chunk(footer(folder, "plain"), "year").has_column_index
    without = chunk(footer(folder, "no_statistics"), "year")
    assert without.statistics is None or not without.statistics.has_min_max
    assert not without.has_column_index and not without.has_offset_index
    assert groups_read("by_year") == 1
    assert groups_read("no_statistics") == 5


def test_p05_postprocessing_changes_columns_encodings_and_footer(folder, results):
    assert "never" not in columns(folder, "plain") and "never" in columns(folder, "no_postprocessing")
    assert "_expires_at" in columns(folder, "plain"), "one record has one"
    assert "_expires_at" not in columns(folder, "by_year") and "_expires_at" in columns(folder, "no_postprocessing")
    assert "BYTE_STREAM_SPLIT" in chunk(footer(folder, "plain"), "_vector.list.element").encodings
    assert "BYTE_STREAM_SPLIT" not in chunk(footer(folder, "no_postprocessing"), "_vector.list.element").encodings
    assert b"viper.row_groups" in footer(folder, "plain").metadata
    assert b"viper.row_groups" not in footer(folder, "no_postprocessing").metadata
    assert results["plain"]["bytes"] < results["no_postprocessing"]["bytes"]
    groups = json.loads(footer(folder, "plain").metadata[b"viper.row_groups"])
    rows = vectors(folder, "plain")[: groups[0]["rows"]]
    distances = np.linalg.norm(rows - np.asarray(groups[0]["centroid"]), axis=1)
    assert distances.max() == pytest.approx(groups[0]["radius"], rel=1e-5)


def test_p06_p07_the_order_of_the_rows_is_the_one_that_is_named(folder, results):
    years = pyarrow.parquet.read_table(folder / "by_year.parquet", columns=["year"])["year"].to_pylist()
    assert years == sorted(years)
    times = pyarrow.parquet.read_table(folder / "plain.parquet", columns=["_timestamp"])["_timestamp"].to_pylist()
    assert times == sorted(times)
    ids = pyarrow.parquet.read_table(folder / "no_preprocessing.parquet", columns=["_id"])["_id"].to_pylist()
    assert ids == [f"id-{row}" for row in range(ROWS)] + ["id-3"]
    shuffled = vectors(folder, "plain").copy()
    np.random.default_rng(1).shuffle(shuffled)
    random = neighbour_distance(shuffled)
    assert neighbour_distance(vectors(folder, "similar")) < 0.5 * random
    assert neighbour_distance(vectors(folder, "similar_no_ml")) < 0.7 * random
    assert footer(folder, "similar").metadata[b"viper.order_model"].decode() == results["similar"]["model"]
    assert b"viper.order_model" not in footer(folder, "similar_no_ml").metadata


def test_f20_three_layouts_are_three_schemas(folder):
    assert columns(folder, "plain") == [
        "_id", "_timestamp", "_ingested_at", "_expires_at", "category", "year", "unique", "_payload", "_vector"
    ]  # fmt: skip
    assert columns(folder, "legacy") == ["id", "created_at", "metadata", "vector"]
    legacy = duckdb.sql(f"select metadata from '{folder / 'legacy.parquet'}' where id = 'id-17'").fetchone()
    assert json.loads(legacy[0])["loose"] == {"row": 17}
    for name, unit in (("series_ms", "ms"), ("series_ns", "ns")):
        table = pyarrow.parquet.read_table(folder / f"{name}.parquet", columns=["_timestamp"])
        assert str(table.schema.field("_timestamp").type) == f"timestamp[{unit}, tz=UTC]"
        times = table["_timestamp"].cast("int64").to_numpy()
        assert (np.diff(times) >= 0).all()
        hours = np.unique(times // (3600 * {"ms": 10**3, "ns": 10**9}[unit]))
        assert footer(folder, name).num_row_groups >= len(hours)
        windows = [group["window"] for group in json.loads(footer(folder, name).metadata[b"viper.row_groups"])]
        assert windows == sorted(windows) and len(set(windows)) == len(hours)


def test_p18_the_expiry_column_is_there_for_other_readers(folder):
    rows = duckdb.sql(f"select _id, year(_expires_at) from '{folder / 'plain.parquet'}' where _expires_at is not null").fetchall()
    assert rows == [("id-5", 2030)]

"""Compaction and vacuum from Python."""

import pytest

from lake import random_vectors

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")


def fill(collection, files, rows=3):
    vectors = random_vectors(1, files * rows, 4)
    for file in range(files):
        numbers = range(file * rows, (file + 1) * rows)
        collection.upsert(ids=list(numbers), vectors=vectors[file * rows : (file + 1) * rows])
        collection.flush()


def test_compact_tells_what_it_would_do_and_what_it_did(tmp_path):
    with viper.connect(tmp_path / "lake", background_compaction=False) as database:
        collection = database.create_collection("c", dim=4)
        fill(collection, files=5)
        told = collection.compact(dry_run=True)
        assert (told["files_before"], told["files_after"]) == (5, 1)
        assert [step["reason"] for step in told["steps"]] == ["5 small files"]
        assert "bytes_after" not in told["steps"][0]
        done = collection.compact()
        assert done["steps"][0]["files"] == told["steps"][0]["files"]
        assert done["bytes_after"] == done["steps"][0]["bytes_after"] > 0
        assert collection.count() == 15
        removed = collection.vacuum(retention_ms=0)
        assert sorted(removed["files"]) == sorted(done["steps"][0]["files"])
        assert removed["bytes"] == done["bytes_before"]
        assert len(list((tmp_path / "lake" / "c").glob("part-*.parquet"))) == 1
    with viper.connect(tmp_path / "lake", read_only=True) as database:
        assert database.open_collection("c").count() == 15


def test_deletion_vectors_are_folded(tmp_path):
    with viper.connect(tmp_path / "lake", background_compaction=False, deletes="vectors") as database:
        collection = database.create_collection("c", dim=4)
        fill(collection, files=1, rows=10)
        collection.delete([3])
        collection.flush()
        assert list((tmp_path / "lake" / "c" / "_dv").iterdir())
        assert collection.compact(fold_deletion_vectors=True)["lowered_protocol"]
        assert collection.count() == 9


def test_bad_options_are_value_errors(tmp_path):
    with pytest.raises(ValueError, match="auto|rewrite|vectors"):
        viper.connect(tmp_path / "lake", deletes="never")
    with viper.connect(tmp_path / "lake") as database:
        with pytest.raises(ValueError, match="part_bytes"):
            database.create_collection("c", dim=4).compact(part_bytes=5)

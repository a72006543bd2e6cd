"""How long a table keeps its older versions is the table's to say: to delta-rs by our commits, to us by its own."""

import deltalake
import pytest

from lake import random_vectors

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")

DIM = 4
DAY_MS = 24 * 3600 * 1000
FILES, LOG = "delta.deletedFileRetentionDuration", "delta.logRetentionDuration"


@pytest.fixture
def database(tmp_path):
    """Of somebody who keeps nothing that the table does not ask for."""
    with viper.connect(tmp_path, background_compaction=False, retention_ms=0, retained_versions=1) as opened:
        yield opened


def write(collection, count):
    for vector in random_vectors(7, count, DIM):
        collection.upsert(["a"], [vector])
        collection.flush()


def test_delta_rs_keeps_what_the_collection_says(database, tmp_path):
    collection = database.create_collection("c", dim=DIM, retention_ms=30 * DAY_MS)
    write(collection, 3)
    path = str(tmp_path / "c")
    table = deltalake.DeltaTable(path)
    assert table.metadata().configuration[FILES] == table.metadata().configuration[LOG] == "interval 2592000000 milliseconds"
    with pytest.raises(deltalake.exceptions.DeltaError, match="720 hours"):
        table.vacuum(retention_hours=700, dry_run=True)
    table.create_checkpoint()
    table.cleanup_metadata()
    assert table.vacuum(dry_run=False) == []
    assert [deltalake.DeltaTable(path, version=version).to_pyarrow_table().num_rows for version in range(4)] == [0, 1, 1, 1]
    collection.refresh()
    assert [one["version"] for one in collection.versions()][:4] == [0, 1, 2, 3]


# The last one no engine can read.
@pytest.mark.parametrize("text", ("interval 1 week", "7 days", "interval 167 hours 60 minutes", "a while"))
def test_what_delta_rs_has_a_table_keep_is_kept(database, tmp_path, text):
    collection = database.create_collection("c", dim=DIM)
    write(collection, 2)
    deltalake.DeltaTable(str(tmp_path / "c")).alter.set_table_properties({FILES: text})
    assert collection.vacuum()["files"] == []
    assert text == "a while" or collection.retention_ms == 7 * DAY_MS
    write(collection, 30)
    collection.compact(everything=True)
    assert collection.vacuum()["files"] == []
    with pytest.raises(viper.FailedPrecondition, match="retention_ms"):
        collection.vacuum(retention_ms=0)
    assert [one["version"] for one in collection.versions()] == list(range(34))
    assert collection.snapshot(version=1).count() == 1
    collection.set_default_ttl(60)
    assert deltalake.DeltaTable(str(tmp_path / "c")).metadata().configuration[FILES] == text
    collection.set_retention_ms(None)
    assert len(collection.vacuum()["files"]) == 31

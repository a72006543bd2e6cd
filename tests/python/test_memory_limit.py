"""One limit of memory for a database: what it takes, and writes that find no room."""

import pytest

np = pytest.importorskip("numpy", reason="numpy is missing")
viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")

LIMIT = 64 << 20
DIM = 4096
ROWS = 64  # a mebibyte of floats


def write(collection, number):
    ids = [f"{number}-{i}" for i in range(ROWS)]
    collection.upsert(ids=ids, vectors=np.full((ROWS, DIM), number, dtype=np.float32))


def test_a_database_stays_below_its_limit(tmp_path):
    with viper.connect(tmp_path, memory_limit=LIMIT, durability="none") as database:
        collection = database.create_collection("c", dim=DIM, metric="l2")
        for number in range(100):
            write(collection, number)
            memory = database.memory()
            assert memory["total"] <= LIMIT
        assert memory["limit"] == LIMIT
        assert memory["total"] == sum(memory[use] for use in ("rows", "caches", "index_builds", "files"))
        assert collection.count() == 100 * ROWS


def test_a_write_that_finds_no_room_raises_a_timeout_and_writes_nothing(tmp_path):
    with viper.connect(tmp_path, memory_limit=LIMIT, durability="none", write_timeout_ms=2000) as database:
        collection = database.create_collection("c", dim=DIM, metric="l2")
        held, written = [], 0
        with pytest.raises(TimeoutError, match="no room in memory"):
            while written < 200:
                write(collection, written)
                written += 1
                held.append(collection.snapshot())
        assert collection.count() == written * ROWS
        held.clear()
        write(collection, written)


def test_limits_that_cannot_be_kept_are_refused(tmp_path):
    with pytest.raises(ValueError, match="memory_limit"):
        viper.connect(tmp_path, memory_limit=1 << 20)
    with pytest.raises(ValueError, match="write_timeout_ms"):
        viper.connect(tmp_path, write_timeout_ms=0)
